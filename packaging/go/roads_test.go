package emailvalidator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// road is a way to a validator. Every road passes all tests in this file.
type road struct {
	name string
	open func(Options) (Validator, error)
	// handles counts what lives in foreign memory.
	handles func() int
}

// roads are those of this platform; the native one joins where there is one.
var roads = []road{wasmRoad}

// validator opens one and closes it when the test has ended.
func (r road) validator(t testing.TB, options Options) Validator {
	t.Helper()
	validator, err := r.open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { validator.Close() })
	return validator
}

// onEveryRoad runs a test for each road, which must leave no handle.
func onEveryRoad(t *testing.T, test func(t *testing.T, road road)) {
	t.Helper()
	for _, road := range roads {
		t.Run(road.name, func(t *testing.T) {
			before := road.handles()
			t.Cleanup(func() {
				if after := road.handles(); after != before {
					t.Error(after-before, "handles were left")
				}
			})
			test(t, road)
		})
	}
}

func TestDecides(t *testing.T) {
	strict := Options{RequireTopLevelDomain: true}
	literal := Options{AllowDomainLiteral: true}
	all := Options{BlockedEmails: allTypes, Lookups: lookups}
	twice := Options{BlockedEmails: []EmailType{Free, Free, Invalid}, Lookups: LookupFuncs{Free: in("gmail.com")}}
	onEveryRoad(t, func(t *testing.T, road road) {
		for _, test := range []struct {
			options   Options
			candidate string
			want      string
		}{
			{Options{}, "joe@localhost", allowed},
			{strict, "joe@localhost", denied + `INVALID"]}`},
			{strict, "joe@example.com", allowed},
			{strict, "", denied + `INVALID"]}`},
			{strict, "joe\x00@example.com", denied + `INVALID"]}`},
			{strict, "jöe@exämple.com", allowed},
			{Options{}, "joe@[192.0.2.1]", denied + `INVALID"]}`},
			{literal, "joe@[192.0.2.1]", allowed},
			{all, "joe@example.com", allowed},
			{all, "joe@gmail.com", denied + `FREE","NO_MX_RECORDS","NO_GRAVATAR"]}`},
			{all, "joe@mailinator.com", denied + `DISPOSABLE","NO_MX_RECORDS","NO_GRAVATAR"]}`},
			{all, "x@exämple.com", denied + `NO_GRAVATAR"]}`},
			{all, "x@", denied + `INVALID"]}`},
			{all, strings.Repeat("x", maxLength), denied + `INVALID"]}`},
			{twice, "x@gmail.com", denied + `FREE"]}`},
		} {
			decision, err := road.validator(t, test.options).Check(background, test.candidate)
			if err != nil || decision.JSON() != test.want {
				t.Errorf("%.40q: %s, %v; wanted %s", test.candidate, decision, err, test.want)
			}
		}
	})
}

func TestBatchIsTheSameAsOneByOne(t *testing.T) {
	candidates := []string{}
	for at := range 1000 {
		candidates = append(candidates, []string{"joe@example.com", "x@gmail.com", "", "jöe", fmt.Sprint(at, "@mailinator.com")}[at%5])
	}
	onEveryRoad(t, func(t *testing.T, road road) {
		for _, options := range []Options{{RequireTopLevelDomain: true}, {BlockedEmails: allTypes, Lookups: lookups}} {
			validator := road.validator(t, options)
			decisions, err := validator.CheckBatch(background, candidates)
			if err != nil {
				t.Fatal(err)
			}
			for at, candidate := range candidates {
				if one, err := validator.Check(background, candidate); err != nil || one != decisions[at] {
					t.Errorf("%q: %s alone, %s in a batch, %v", candidate, one, decisions[at], err)
				}
			}
			if none, err := validator.CheckBatch(background, nil); err != nil || len(none) != 0 {
				t.Error(none, err)
			}
		}
	})
}

func TestRefusesOptions(t *testing.T) {
	onEveryRoad(t, func(t *testing.T, road road) {
		for _, test := range []struct {
			options Options
			code    Code
			message string
		}{
			{Options{BlockedEmails: []EmailType{"SPAM", "Größe"}}, ErrUnknownEmailType,
				`unknown type in blocked emails: "SPAM", "Größe"; the types are FREE, DISPOSABLE, NO_MX_RECORDS, NO_GRAVATAR, INVALID`},
			{Options{BlockedEmails: []EmailType{"SPAM", Free}}, ErrUnknownEmailType, ""},
			{Options{BlockedEmails: []EmailType{EmailType(strings.Repeat("long", 100))}}, ErrUnknownEmailType, ""},
			{Options{BlockedEmails: []EmailType{"\xff"}}, ErrNotUTF8, ""},
			{Options{BlockedEmails: []EmailType{Free, "\xff"}}, ErrNotUTF8, "item 1: a name in blocked_emails is not UTF-8"},
			{Options{BlockedEmails: []EmailType{EmailType(strings.Repeat("x", maxLength+1))}}, ErrTooLong, ""},
			{Options{BlockedEmails: make([]EmailType, maxCount+1)}, ErrTooLong, ""},
			{Options{BlockedEmails: []EmailType{Free}}, ErrMissingLookup, "FREE needs a look-up, and Options.Lookups has none"},
			{Options{BlockedEmails: []EmailType{Free, NoGravatar}, Lookups: LookupFuncs{Free: in()}}, ErrMissingLookup,
				"NO_GRAVATAR needs a look-up, and Options.Lookups has none"},
		} {
			_, err := road.open(test.options)
			told := (*Error)(nil)
			if !errors.Is(err, test.code) || !errors.As(err, &told) || (test.message != "" && told.Message != test.message) {
				t.Errorf("%.80v: %.200v", test.options.BlockedEmails[:1], err)
			}
		}
	})
}

func TestRefusesTexts(t *testing.T) {
	onEveryRoad(t, func(t *testing.T, road road) {
		validator := road.validator(t, Options{BlockedEmails: allTypes, Lookups: lookups})
		for candidate, code := range map[string]Code{
			"\xff@example.com":               ErrNotUTF8,
			strings.Repeat("x", maxLength+1): ErrTooLong,
		} {
			if _, err := validator.Check(background, candidate); !errors.Is(err, code) {
				t.Errorf("%.20q: %v", candidate, err)
			}
			_, err := validator.CheckBatch(background, []string{"joe@example.com", candidate})
			if !errors.Is(err, code) || !strings.Contains(err.Error(), "item 1") {
				t.Errorf("%.20q: %v", candidate, err)
			}
		}
		if _, err := validator.CheckBatch(background, make([]string, maxCount+1)); !errors.Is(err, ErrTooLong) {
			t.Error(err)
		}
	})
}

func TestErrorOfALookupEndsTheCallAndIsInside(t *testing.T) {
	down := errors.New("the resolver is down")
	onEveryRoad(t, func(t *testing.T, road road) {
		asked := 0
		validator := road.validator(t, Options{BlockedEmails: []EmailType{Free, Disposable}, Lookups: LookupFuncs{
			Free:       func(context.Context, string) (bool, error) { return false, down },
			Disposable: func(context.Context, string) (bool, error) { asked++; return false, nil },
		}})
		for range 3 {
			if _, err := validator.Check(background, "joe@example.com"); !errors.Is(err, ErrLookup) || !errors.Is(err, down) {
				t.Error(err)
			}
			if _, err := validator.CheckBatch(background, []string{"x", "joe@example.com", "a@b.c"}); !errors.Is(err, down) {
				t.Error(err)
			}
		}
		if decision, err := validator.Check(background, "joe@"); err != nil || decision.Allowed() {
			t.Error(decision, err)
		}
		if asked != 0 {
			t.Error("another look-up was asked after one had failed")
		}
	})
}

// panicsAtExample has a look-up that panics for example.com, and finds every other domain free.
var panicsAtExample = Options{BlockedEmails: []EmailType{Free}, Lookups: LookupFuncs{
	Free: func(_ context.Context, domain string) (bool, error) {
		if domain == "example.com" {
			panic("on purpose")
		}
		return true, nil
	},
}}

// panics says what a function panics with.
func panics(call func()) (said any) {
	defer func() { said = recover() }()
	call()
	return nil
}

func TestPanicOfALookupPassesThrough(t *testing.T) {
	onEveryRoad(t, func(t *testing.T, road road) {
		validator := road.validator(t, panicsAtExample)
		for range 3 {
			if said := panics(func() { validator.Check(background, "joe@example.com") }); said != "on purpose" {
				t.Error(said)
			}
			if decision, err := validator.Check(background, "joe@gmail.com"); err != nil || decision.Allowed() {
				t.Error(decision, err)
			}
		}
	})
}

func TestContext(t *testing.T) {
	type key struct{}
	onEveryRoad(t, func(t *testing.T, road road) {
		given, cancel := context.WithCancel(context.WithValue(background, key{}, "mine"))
		validator := road.validator(t, Options{BlockedEmails: []EmailType{Free, Disposable}, Lookups: LookupFuncs{
			Free: func(ctx context.Context, _ string) (bool, error) {
				if ctx.Value(key{}) != "mine" {
					t.Error("another context arrived")
				}
				cancel()
				return false, nil
			},
			Disposable: func(context.Context, string) (bool, error) {
				t.Error("a look-up was asked after the context had ended")
				return false, nil
			},
		}})
		for range 2 {
			if _, err := validator.Check(given, "joe@example.com"); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			if _, err := validator.CheckBatch(given, []string{"joe@example.com"}); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		}
	})
}

func TestLookupMayCallAndCloseItsValidator(t *testing.T) {
	onEveryRoad(t, func(t *testing.T, road road) {
		var validator Validator
		validator = road.validator(t, Options{BlockedEmails: []EmailType{Free}, Lookups: LookupFuncs{
			Free: func(ctx context.Context, domain string) (bool, error) {
				if domain != "example.com" {
					return domain == "gmail.com", nil
				}
				inner, err := validator.Check(ctx, "joe@gmail.com")
				validator.Close()
				if _, err := validator.Check(ctx, "joe@gmail.com"); !errors.Is(err, ErrClosed) {
					t.Error(err)
				}
				return !inner.Allowed(), err
			},
		}})
		if decision, err := validator.Check(background, "joe@example.com"); err != nil || decision.JSON() != denied+`FREE"]}` {
			t.Error(decision, err)
		}
	})
}

func TestLogger(t *testing.T) {
	onEveryRoad(t, func(t *testing.T, road road) {
		var said bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))
		if _, err := road.open(Options{BlockedEmails: []EmailType{"SPAM"}, Logger: logger}); !errors.Is(err, ErrUnknownEmailType) {
			t.Error(err)
		}
		if !strings.Contains(said.String(), "level=ERROR") || !strings.Contains(said.String(), "unknown type in blocked emails") {
			t.Error(said.String())
		}
		said.Reset()
		validator := road.validator(t, Options{Logger: logger})
		if said.Len() > 0 {
			t.Error("something was said though nothing was asked: ", said.String())
		}
		if _, err := validator.Check(background, "joe@"); err != nil || !strings.Contains(said.String(), "not well formed") {
			t.Error(err, said.String())
		}
	})
}

type panicking struct{}

func (panicking) Log(context.Context, slog.Level, string, ...any) { panic("on purpose") }

func TestPanicOfTheLoggerPassesThrough(t *testing.T) {
	onEveryRoad(t, func(t *testing.T, road road) {
		if said := panics(func() { road.open(Options{BlockedEmails: []EmailType{"SPAM"}, Logger: panicking{}}) }); said != "on purpose" {
			t.Error(said)
		}
	})
}

func TestObserverIsToldOfCalls(t *testing.T) {
	onEveryRoad(t, func(t *testing.T, road road) {
		var failures []error
		observe := func(function string, took time.Duration, failure error) {
			if function == "" || took < 0 {
				t.Error(function, took)
			}
			failures = append(failures, failure)
		}
		answers := true
		lookup := func(context.Context, string) (bool, error) {
			if !answers {
				return false, errors.New("no answer")
			}
			return true, nil
		}
		for _, options := range []Options{
			{Observe: observe},
			{Observe: observe, BlockedEmails: []EmailType{Free}, Lookups: LookupFuncs{Free: lookup}},
		} {
			validator := road.validator(t, options)
			failures = nil
			if _, err := validator.Check(background, "joe@example.com"); err != nil || len(failures) != 1 || failures[0] != nil {
				t.Error(err, failures)
			}
			if options.Lookups == nil {
				continue
			}
			answers = false
			if _, err := validator.Check(background, "joe@example.com"); err == nil || len(failures) != 2 || failures[1] != ErrLookup {
				t.Error(err, failures)
			}
		}
	})
}

func TestUseAfterClose(t *testing.T) {
	onEveryRoad(t, func(t *testing.T, road road) {
		for _, options := range []Options{{}, {BlockedEmails: allTypes, Lookups: lookups}} {
			validator := road.validator(t, options)
			for range 3 {
				if err := validator.Close(); err != nil {
					t.Error(err)
				}
				if _, err := validator.Check(background, "joe@example.com"); !errors.Is(err, ErrClosed) {
					t.Error(err)
				}
				if _, err := validator.CheckBatch(background, nil); !errors.Is(err, ErrClosed) {
					t.Error(err)
				}
			}
		}
	})
}

func TestHundredGoroutines(t *testing.T) {
	want := map[string][2]string{
		"joe@example.com": {allowed, allowed},
		"joe@gmail.com":   {allowed, denied + `FREE","NO_MX_RECORDS","NO_GRAVATAR"]}`},
		"joe@":            {denied + `INVALID"]}`, denied + `INVALID"]}`},
	}
	onEveryRoad(t, func(t *testing.T, road road) {
		shared := []Validator{road.validator(t, Options{}), road.validator(t, Options{BlockedEmails: allTypes, Lookups: lookups})}
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				for range 30 {
					for candidate, texts := range want {
						for at, validator := range shared {
							if decision, err := validator.Check(background, candidate); err != nil || decision.JSON() != texts[at] {
								t.Errorf("%q: %s, %v", candidate, decision, err)
							}
							// The native library has its messages per thread, and they must not be mixed up.
							if _, err := validator.Check(background, "\xff"); !errors.Is(err, ErrNotUTF8) || !strings.HasSuffix(err.Error(), "candidate is not UTF-8") {
								t.Error(err)
							}
						}
					}
				}
			})
		}
		group.Wait()
	})
}

func TestValidatorsWithOtherLookupsAtTheSameTime(t *testing.T) {
	onEveryRoad(t, func(t *testing.T, road road) {
		var group sync.WaitGroup
		for worker := range 16 {
			free := fmt.Sprintf("free%d.example", worker%4)
			validator := road.validator(t, Options{BlockedEmails: []EmailType{Free}, Lookups: LookupFuncs{Free: in(free)}})
			group.Go(func() {
				for at := range 200 {
					candidate := fmt.Sprintf("joe@free%d.example", at%4)
					decision, err := validator.Check(background, candidate)
					if err != nil || decision.Allowed() == strings.HasSuffix(candidate, "@"+free) {
						t.Error(candidate, free, decision, err)
					}
				}
			})
		}
		group.Wait()
	})
}

func TestClosedWhileHundredGoroutinesWork(t *testing.T) {
	onEveryRoad(t, func(t *testing.T, road road) {
		for _, options := range []Options{{}, {BlockedEmails: allTypes, Lookups: lookups}} {
			closedAtWork(t, road.validator(t, options))
		}
	})
}

// closedAtWork has a hundred goroutines ask a validator until some of them close it.
func closedAtWork(t *testing.T, validator Validator) {
	var group sync.WaitGroup
	var worked atomic.Int64
	for worker := range 100 {
		group.Go(func() {
			for {
				decision, err := validator.Check(background, "joe@example.com")
				if errors.Is(err, ErrClosed) {
					return
				}
				if err != nil || !decision.Allowed() {
					t.Error(decision, err)
					return
				}
				if worked.Add(1) > 3000 && worker%10 == 0 {
					validator.Close()
				}
			}
		})
	}
	group.Wait()
}

func TestOptionsChangedLaterChangeNothing(t *testing.T) {
	onEveryRoad(t, func(t *testing.T, road road) {
		blocked := []EmailType{Free}
		validator := road.validator(t, Options{BlockedEmails: blocked, Lookups: lookups})
		blocked[0] = Disposable
		held := make(chan struct{})
		var group sync.WaitGroup
		for range 4 { // each native call that runs at the same time has a handle of its own, made from the options
			group.Go(func() {
				<-held
				if decision, err := validator.Check(background, "joe@gmail.com"); err != nil || decision.JSON() != denied+`FREE"]}` {
					t.Error(decision, err)
				}
			})
		}
		close(held)
		group.Wait()
	})
}

func BenchmarkCheck(b *testing.B) {
	for _, road := range roads {
		b.Run(road.name, func(b *testing.B) { check(b, road.validator(b, Options{RequireTopLevelDomain: true})) })
	}
}

func BenchmarkCheckWithLookups(b *testing.B) {
	for _, road := range roads {
		b.Run(road.name, func(b *testing.B) { check(b, road.validator(b, Options{BlockedEmails: allTypes, Lookups: lookups})) })
	}
}

func check(b *testing.B, validator Validator) {
	b.ReportAllocs()
	for b.Loop() {
		validator.Check(background, "joe.doe@example.com")
	}
}
