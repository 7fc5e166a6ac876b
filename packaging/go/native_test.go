//go:build (darwin || linux) && (amd64 || arm64)

package emailvalidator

import (
	"runtime"
	"testing"
	"time"
)

var nativeRoad = road{
	name:    "native",
	open:    func(options Options) (Validator, error) { return OpenNative(options) },
	handles: handles,
}

func init() { roads = append(roads, nativeRoad) }

// handles counts what lives in foreign memory for this package.
func handles() (count int) {
	running.Range(func(any, any) bool { count++; return true })
	return count
}

func TestNativePanicOfALookupLosesNoHandle(t *testing.T) {
	validator := nativeRoad.validator(t, panicsAtExample)
	for range 3 {
		panics(func() { validator.Check(background, "joe@example.com") })
	}
	if len(validator.(*nativeValidator).core.idle) != 1 {
		t.Error("a handle was lost")
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
