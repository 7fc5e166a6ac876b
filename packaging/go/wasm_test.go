package emailvalidator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var wasmRoad = road{
	name:    "wasm",
	open:    func(options Options) (Validator, error) { return OpenWasm(options) },
	handles: func() int { return 0 },
}

func openWasm(t testing.TB, options Options, with ...WasmOption) Validator {
	t.Helper()
	validator, err := OpenWasm(options, with...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { validator.Close() })
	return validator
}

func TestWasmClosedWhileGoroutinesWaitForInstances(t *testing.T) {
	closedAtWork(t, openWasm(t, Options{BlockedEmails: allTypes, Lookups: lookups}, MaxInstances(3)))
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
