//go:build (darwin || linux) && (amd64 || arm64)

package emailvalidator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func openNative(t testing.TB, options Options) Validator {
	t.Helper()
	validator, err := OpenNative(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { validator.Close() })
	return validator
}

// handles counts what lives in foreign memory for this package.
func handles() (count int) {
	running.Range(func(any, any) bool { count++; return true })
	return count
}

func TestNativeDecides(t *testing.T) {
	strict := Options{RequireTopLevelDomain: true}
	literal := Options{AllowDomainLiteral: true}
	all := Options{BlockedEmails: allTypes, Lookups: lookups}
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
		{Options{BlockedEmails: []EmailType{Free, Free, Invalid}, Lookups: LookupFuncs{Free: in("gmail.com")}}, "x@gmail.com", denied + `FREE"]}`},
	} {
		decision, err := openNative(t, test.options).Check(background, test.candidate)
		if err != nil || decision.JSON() != test.want {
			t.Errorf("%q: %s, %v; wanted %s", test.candidate, decision, err, test.want)
		}
	}
}

func TestNativeBatchIsTheSameAsOneByOne(t *testing.T) {
	for _, options := range []Options{{RequireTopLevelDomain: true}, {BlockedEmails: allTypes, Lookups: lookups}} {
		validator := openNative(t, options)
		candidates := []string{}
		for at := range 1000 {
			candidates = append(candidates, []string{"joe@example.com", "x@gmail.com", "", "jöe", fmt.Sprint(at, "@mailinator.com")}[at%5])
		}
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
}

func TestNativeRefusesOptions(t *testing.T) {
	free := []EmailType{Free}
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
		{Options{BlockedEmails: free}, ErrMissingLookup, "FREE needs a look-up, and Options.Lookups has none"},
		{Options{BlockedEmails: []EmailType{Free, NoGravatar}, Lookups: LookupFuncs{Free: in()}}, ErrMissingLookup,
			"NO_GRAVATAR needs a look-up, and Options.Lookups has none"},
	} {
		_, err := OpenNative(test.options)
		told := (*Error)(nil)
		if !errors.Is(err, test.code) || !errors.As(err, &told) || (test.message != "" && told.Message != test.message) {
			t.Errorf("%v: %v", test.options.BlockedEmails, err)
		}
	}
}

func TestNativeRefusesTexts(t *testing.T) {
	validator := openNative(t, Options{BlockedEmails: allTypes, Lookups: lookups})
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
}

func TestNativeErrorOfALookupEndsTheCallAndIsInside(t *testing.T) {
	down := errors.New("the resolver is down")
	asked := 0
	failing := LookupFuncs{
		Free:       func(context.Context, string) (bool, error) { return false, down },
		Disposable: func(context.Context, string) (bool, error) { asked++; return false, nil },
	}
	validator := openNative(t, Options{BlockedEmails: []EmailType{Free, Disposable}, Lookups: failing})
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
}

func TestNativePanicOfALookupPassesThrough(t *testing.T) {
	validator := openNative(t, Options{BlockedEmails: []EmailType{Free}, Lookups: LookupFuncs{
		Free: func(_ context.Context, domain string) (bool, error) {
			if domain == "example.com" {
				panic("on purpose")
			}
			return true, nil
		},
	}})
	for range 3 {
		func() {
			defer func() {
				if said := recover(); said != "on purpose" {
					t.Error(said)
				}
			}()
			validator.Check(background, "joe@example.com")
			t.Error("there was no panic")
		}()
		if decision, err := validator.Check(background, "joe@gmail.com"); err != nil || decision.Allowed() {
			t.Error(decision, err)
		}
	}
	if len(validator.(*nativeValidator).core.idle) != 1 {
		t.Error("a handle was lost")
	}
}

func TestNativeContext(t *testing.T) {
	type key struct{}
	given, cancel := context.WithCancel(context.WithValue(background, key{}, "mine"))
	validator := openNative(t, Options{BlockedEmails: []EmailType{Free, Disposable}, Lookups: LookupFuncs{
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
}

func TestNativeLookupMayCallAndCloseItsValidator(t *testing.T) {
	var validator Validator
	validator = openNative(t, Options{BlockedEmails: []EmailType{Free}, Lookups: LookupFuncs{
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
}

func TestNativeLogger(t *testing.T) {
	var said bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if _, err := OpenNative(Options{BlockedEmails: []EmailType{"SPAM"}, Logger: logger}); !errors.Is(err, ErrUnknownEmailType) {
		t.Error(err)
	}
	if !strings.Contains(said.String(), "level=ERROR") || !strings.Contains(said.String(), "unknown type in blocked emails") {
		t.Error(said.String())
	}
}

type panicking struct{}

func (panicking) Log(context.Context, slog.Level, string, ...any) { panic("on purpose") }

func TestNativePanicOfTheLoggerPassesThroughAndLeavesNothing(t *testing.T) {
	before := handles()
	defer func() {
		if said := recover(); said != "on purpose" {
			t.Error(said)
		}
	}()
	defer func() {
		if after := handles(); after != before {
			t.Error(after-before, "handles were left")
		}
	}()
	OpenNative(Options{BlockedEmails: []EmailType{"SPAM"}, Logger: panicking{}})
}

func TestNativeUseAfterClose(t *testing.T) {
	for _, options := range []Options{{}, {BlockedEmails: allTypes, Lookups: lookups}} {
		validator := openNative(t, options)
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
}

func TestNativeHundredGoroutines(t *testing.T) {
	shared := []Validator{openNative(t, Options{}), openNative(t, Options{BlockedEmails: allTypes, Lookups: lookups})}
	want := map[string][2]string{
		"joe@example.com": {allowed, allowed},
		"joe@gmail.com":   {allowed, denied + `FREE","NO_MX_RECORDS","NO_GRAVATAR"]}`},
		"joe@":            {denied + `INVALID"]}`, denied + `INVALID"]}`},
	}
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			for range 30 {
				for candidate, texts := range want {
					for at, validator := range shared {
						if decision, err := validator.Check(background, candidate); err != nil || decision.JSON() != texts[at] {
							t.Errorf("%q: %s, %v", candidate, decision, err)
						}
						// Errors have their message per thread, and must not be mixed up.
						if _, err := validator.Check(background, "\xff"); !errors.Is(err, ErrNotUTF8) || !strings.HasSuffix(err.Error(), "candidate is not UTF-8") {
							t.Error(err)
						}
					}
				}
			}
		})
	}
	group.Wait()
}

func TestNativeClosedWhileHundredGoroutinesWork(t *testing.T) {
	before := handles()
	for _, options := range []Options{{}, {BlockedEmails: allTypes, Lookups: lookups}} {
		validator := openNative(t, options)
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
	if after := handles(); after != before {
		t.Error(after-before, "handles were left")
	}
}

func TestNativeManyValidatorsLeaveNothing(t *testing.T) {
	before := handles()
	// More than foreign code could ever be given functions for, if each had its own.
	for range 3000 {
		validator, err := OpenNative(Options{BlockedEmails: allTypes, Lookups: lookups})
		if err != nil {
			t.Fatal(err)
		}
		if decision, err := validator.Check(background, "joe@example.com"); err != nil || !decision.Allowed() {
			t.Fatal(decision, err)
		}
		validator.Close()
	}
	if after := handles(); after != before {
		t.Error(after-before, "handles were left")
	}
}

func TestNativeForgottenValidatorIsFreed(t *testing.T) {
	before := handles()
	for range 10 {
		if _, err := OpenNative(Options{}); err != nil {
			t.Fatal(err)
		}
	}
	for range 500 {
		if runtime.GC(); handles() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error(handles()-before, "handles were left")
}

func TestNativeOptionsChangedLaterChangeNothing(t *testing.T) {
	blocked := []EmailType{Free}
	validator := openNative(t, Options{BlockedEmails: blocked, Lookups: lookups})
	blocked[0] = Disposable
	held := make(chan struct{})
	var group sync.WaitGroup
	for range 4 { // each call that runs at the same time has a handle of its own, made from the options
		group.Go(func() {
			<-held
			if decision, err := validator.Check(background, "joe@gmail.com"); err != nil || decision.JSON() != denied+`FREE"]}` {
				t.Error(decision, err)
			}
		})
	}
	close(held)
	group.Wait()
}

func BenchmarkNativeCheck(b *testing.B) {
	validator := openNative(b, Options{RequireTopLevelDomain: true})
	b.ReportAllocs()
	for b.Loop() {
		validator.Check(background, "joe.doe@example.com")
	}
}

func BenchmarkNativeCheckWithLookups(b *testing.B) {
	validator := openNative(b, Options{BlockedEmails: allTypes, Lookups: lookups})
	b.ReportAllocs()
	for b.Loop() {
		validator.Check(background, "joe.doe@example.com")
	}
}
