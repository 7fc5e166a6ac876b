package emailvalidator

import (
	"context"
	"runtime"
	"testing"
)

// A look-up may end its goroutine, as testing's FailNow does: the library returns first, and nothing is lost.
func TestALookupMayEndItsGoroutine(t *testing.T) {
	onEveryRoad(t, func(t *testing.T, road road) {
		validator := road.validator(t, Options{BlockedEmails: []EmailType{Free}, Lookups: LookupFuncs{
			Free: func(_ context.Context, domain string) (bool, error) {
				if domain == "exit.example" {
					runtime.Goexit()
				}
				return false, nil
			},
		}})
		for range 10 {
			ended, went := make(chan bool), false
			go func() {
				defer func() { ended <- recover() == nil && !went }()
				validator.Check(background, "joe@exit.example")
				went = true
			}()
			if !<-ended {
				t.Fatal("the goroutine went on, or panicked")
			}
		}
		if decision, err := validator.Check(background, "joe@example.com"); err != nil || !decision.Allowed() {
			t.Error(decision, err)
		}
	})
}
