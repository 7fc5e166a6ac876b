package emailvalidator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func openWasm(t testing.TB, options Options, with ...WasmOption) Validator {
	t.Helper()
	validator, err := OpenWasm(options, with...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { validator.Close() })
	return validator
}

func TestWasmDecides(t *testing.T) {
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
		{strict, "", denied + `INVALID"]}`},
		{strict, "joe\x00@example.com", denied + `INVALID"]}`},
		{strict, "jöe@exämple.com", allowed},
		{Options{}, "joe@[192.0.2.1]", denied + `INVALID"]}`},
		{literal, "joe@[192.0.2.1]", allowed},
		{all, "joe@example.com", allowed},
		{all, "joe@gmail.com", denied + `FREE","NO_MX_RECORDS","NO_GRAVATAR"]}`},
		{all, "joe@mailinator.com", denied + `DISPOSABLE","NO_MX_RECORDS","NO_GRAVATAR"]}`},
		{all, "x@exämple.com", denied + `NO_GRAVATAR"]}`},
		{all, strings.Repeat("x", maxLength), denied + `INVALID"]}`},
	} {
		decision, err := openWasm(t, test.options).Check(background, test.candidate)
		if err != nil || decision.JSON() != test.want {
			t.Errorf("%.40q: %s, %v; wanted %s", test.candidate, decision, err, test.want)
		}
	}
}

func TestWasmBatchIsTheSameAsOneByOne(t *testing.T) {
	validator := openWasm(t, Options{BlockedEmails: allTypes, Lookups: lookups})
	candidates := []string{}
	for at := range 100 {
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

func TestWasmRefusesOptions(t *testing.T) {
	for _, test := range []struct {
		options Options
		code    Code
		message string
	}{
		{Options{BlockedEmails: []EmailType{"SPAM", "Größe"}}, ErrUnknownEmailType,
			`unknown type in blocked emails: "SPAM", "Größe"; the types are FREE, DISPOSABLE, NO_MX_RECORDS, NO_GRAVATAR, INVALID`},
		{Options{BlockedEmails: []EmailType{"SPAM", Free}}, ErrUnknownEmailType, ""},
		{Options{BlockedEmails: []EmailType{Free, "\xff"}}, ErrNotUTF8, "item 1: a name in blocked_emails is not UTF-8"},
		{Options{BlockedEmails: []EmailType{EmailType(strings.Repeat("x", maxLength+1))}}, ErrTooLong, ""},
		{Options{BlockedEmails: make([]EmailType, maxCount+1)}, ErrTooLong, ""},
		{Options{BlockedEmails: []EmailType{Free, NoGravatar}, Lookups: LookupFuncs{Free: in()}}, ErrMissingLookup,
			"NO_GRAVATAR needs a look-up, and Options.Lookups has none"},
	} {
		_, err := OpenWasm(test.options)
		told := (*Error)(nil)
		if !errors.Is(err, test.code) || !errors.As(err, &told) || (test.message != "" && told.Message != test.message) {
			t.Errorf("%.80v: %.200v", test.options.BlockedEmails[:1], err)
		}
	}
}

func TestWasmRefusesTexts(t *testing.T) {
	validator := openWasm(t, Options{BlockedEmails: allTypes, Lookups: lookups})
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

func TestWasmErrorOfALookupEndsTheCallAndIsInside(t *testing.T) {
	down := errors.New("the resolver is down")
	asked := 0
	validator := openWasm(t, Options{BlockedEmails: []EmailType{Free, Disposable}, Lookups: LookupFuncs{
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
	if asked != 0 {
		t.Error("another look-up was asked after one had failed")
	}
}

func TestWasmPanicOfALookupPassesThrough(t *testing.T) {
	validator := openWasm(t, Options{BlockedEmails: []EmailType{Free}, Lookups: LookupFuncs{
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
}

func TestWasmContext(t *testing.T) {
	type key struct{}
	given, cancel := context.WithCancel(context.WithValue(background, key{}, "mine"))
	validator := openWasm(t, Options{BlockedEmails: []EmailType{Free, Disposable}, Lookups: LookupFuncs{
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

func TestWasmLookupMayCallAndCloseItsValidator(t *testing.T) {
	var validator Validator
	validator = openWasm(t, Options{BlockedEmails: []EmailType{Free}, Lookups: LookupFuncs{
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

func TestWasmLogger(t *testing.T) {
	var said bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if _, err := OpenWasm(Options{BlockedEmails: []EmailType{"SPAM"}, Logger: logger}); !errors.Is(err, ErrUnknownEmailType) {
		t.Error(err)
	}
	if !strings.Contains(said.String(), "level=ERROR") || !strings.Contains(said.String(), "unknown type in blocked emails") {
		t.Error(said.String())
	}
	said.Reset()
	validator := openWasm(t, Options{Logger: logger})
	if said.Len() > 0 {
		t.Error("the module said something though nothing was asked: ", said.String())
	}
	if _, err := validator.Check(background, "joe@"); err != nil || !strings.Contains(said.String(), "not well formed") {
		t.Error(err, said.String())
	}
}

func TestWasmUseAfterClose(t *testing.T) {
	validator := openWasm(t, Options{})
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

func TestWasmValidatorsWithOtherLookupsAtTheSameTime(t *testing.T) {
	var group sync.WaitGroup
	for worker := range 16 {
		free := fmt.Sprintf("free%d.example", worker%4)
		validator := openWasm(t, Options{BlockedEmails: []EmailType{Free}, Lookups: LookupFuncs{Free: in(free)}})
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
}

func TestWasmClosedWhileGoroutinesWork(t *testing.T) {
	validator := openWasm(t, Options{BlockedEmails: allTypes, Lookups: lookups}, MaxInstances(3))
	var group sync.WaitGroup
	var worked atomic.Int64
	for worker := range 16 {
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
				if worked.Add(1) > 1000 && worker%10 == 0 {
					validator.Close()
				}
			}
		})
	}
	group.Wait()
}

func TestWasmInstancesAreLimited(t *testing.T) {
	held, entered := make(chan struct{}), make(chan struct{})
	validator := openWasm(t, Options{BlockedEmails: []EmailType{Free}, Lookups: LookupFuncs{
		Free: func(context.Context, string) (bool, error) {
			entered <- struct{}{}
			<-held
			return false, nil
		},
	}}, MaxInstances(1))
	var group sync.WaitGroup
	group.Go(func() { validator.Check(background, "joe@example.com") })
	<-entered
	short, cancel := context.WithTimeout(background, 10*time.Millisecond)
	defer cancel()
	if _, err := validator.Check(short, "joe@example.com"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	close(held)
	group.Wait()
}

func TestWasmRunsAModuleThatIsGivenAndNoForeignOne(t *testing.T) {
	code, err := os.ReadFile(filepath.Join("internal", "ferrule", "wasm", "module.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	if decision, err := openWasm(t, Options{}, ModuleCode(code)).Check(background, "joe@example.com"); err != nil || !decision.Allowed() {
		t.Error(decision, err)
	}
	mark := []byte(`"interface":"`)
	at := bytes.Index(code, mark) + len(mark)
	other := bytes.Clone(code)
	copy(other[at:], "0000")
	for name, foreign := range map[string][]byte{
		"of another interface": other,
		"empty":                {},
		"no module":            []byte("no module"),
		"nothing at all":       []byte("\x00asm\x01\x00\x00\x00"),
		"cut off":              code[:len(code)/2],
	} {
		if _, err := OpenWasm(Options{}, ModuleCode(foreign)); !errors.Is(err, ErrForeignLibrary) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := OpenWasm(Options{}, ModuleCode(other)); !strings.Contains(fmt.Sprint(err), `its interface fingerprint is "0000`) {
		t.Error(err)
	}
}

func TestWasmOptionsChangedLaterChangeNothing(t *testing.T) {
	blocked := []EmailType{Free}
	validator := openWasm(t, Options{BlockedEmails: blocked, Lookups: lookups})
	blocked[0] = Disposable
	if decision, err := validator.Check(background, "joe@gmail.com"); err != nil || decision.JSON() != denied+`FREE"]}` {
		t.Error(decision, err)
	}
}

func BenchmarkWasm(b *testing.B) {
	validator := openWasm(b, Options{RequireTopLevelDomain: true})
	b.ReportAllocs()
	for b.Loop() {
		validator.Check(background, "joe@example.com")
	}
}
