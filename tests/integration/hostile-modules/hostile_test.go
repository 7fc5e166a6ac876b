package emailvalidator

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestHostileModules runs modules that answer an empty candidate as they should, and do harm at any other. No panic may
// come of it, nothing may be read from outside their memory, and the validator has to serve on.
func TestHostileModules(t *testing.T) {
	folder := os.Getenv("HOSTILE_MODULES")
	text, err := os.ReadFile(filepath.Join(folder, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string]struct{ Opened, Called string }
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	for name, want := range expected {
		t.Run(name, func(t *testing.T) {
			code, err := os.ReadFile(filepath.Join(folder, name+".wasm"))
			if err != nil {
				t.Fatal(err)
			}
			validator, err := OpenWasm(Options{}, ModuleCode(code))
			if want.Opened != "" {
				if told := (*Error)(nil); !errors.As(err, &told) || !strings.Contains(err.Error(), want.Opened) {
					t.Errorf("%v; wanted %s", err, want.Opened)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer validator.Close()
			for range 5 {
				if _, err := validator.Check(background, "joe@example.com"); !errors.Is(err, ErrInternal) || !strings.Contains(err.Error(), want.Called) {
					t.Errorf("%v; wanted %s", err, want.Called)
				}
				if decision, err := validator.Check(background, ""); err != nil || !decision.Allowed() {
					t.Error(decision, err)
				}
			}
		})
	}
}
