package strangers

import (
	"errors"
	"runtime"
	"sync"
	"testing"

	"example.org/strangers/events/internal/ferrule/bindings"
	"example.org/strangers/events/internal/ferrule/native"
)

func open(t *testing.T) *bindings.Library {
	opened, err := native.Open("libevents.so")
	if err != nil {
		t.Fatal(err)
	}
	library, err := bindings.Open(opened)
	if err != nil {
		t.Fatal(err)
	}
	return library
}

func live() (count int) {
	bindings.Live.Range(func(any, any) bool { count++; return true })
	return count
}

func TestCallbacks(t *testing.T) {
	library, said := open(t), ""
	loop, err := library.NewLoop(&bindings.Handlers{
		Limit:   3,
		OnEvent: func(name string) int32 { return map[string]int32{"yes": 1, "many": 7}[name] },
		Veto: func(level bindings.Level) bindings.Status {
			if level == bindings.LevelHigh {
				return bindings.StatusInternal
			}
			return bindings.StatusOk
		},
		Log: func(message string) { said = message },
	})
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := loop.Emit("yes"); answer != 3 || err != nil {
		t.Error(answer, err)
	}
	if _, err := loop.Emit("many"); !errors.Is(err, bindings.StatusInternal) {
		t.Error(err)
	}
	if answer, err := loop.EmitElsewhere("yes"); answer != 3 || err != nil {
		t.Error(answer, err)
	}
	if err := loop.Ask(bindings.LevelLow); err != nil {
		t.Error(err)
	}
	if err := loop.Ask(bindings.LevelHigh); !errors.Is(err, bindings.StatusInternal) {
		t.Error(err)
	}
	if live() != 1 {
		t.Error(live(), "handles")
	}
	loop.Close()
	if said != "freed" || live() != 0 {
		t.Error(said, live())
	}
	for _, bad := range []*bindings.Handlers{nil, {Limit: -1}} {
		if _, err := library.NewLoop(bad); !errors.Is(err, bindings.StatusInternal) || live() != 0 {
			t.Error(err, live())
		}
	}
}

// rough makes a loop whose callback does what its event says.
func rough(t *testing.T) *bindings.Loop {
	loop, err := open(t).NewLoop(&bindings.Handlers{Limit: 1, OnEvent: func(name string) int32 {
		switch name {
		case "panic":
			panic(name)
		case "exit":
			runtime.Goexit()
		case "fail":
			t.FailNow()
		}
		return 1
	}})
	if err != nil {
		t.Fatal(err)
	}
	return loop
}

func TestAPanicIsRaisedWhenTheLibraryHasReturned(t *testing.T) {
	loop := rough(t)
	for range 100 {
		func() {
			defer func() {
				if value := recover(); value != "panic" {
					t.Error(value)
				}
			}()
			loop.Emit("panic")
			t.Error("it went on")
		}()
	}
	if answer, err := loop.Emit("x"); answer != 1 || err != nil {
		t.Error(answer, err)
	}
	loop.Close()
	if live() != 0 {
		t.Error(live(), "handles are left")
	}
}

func TestTheEndOfAGoroutineComesWhenTheLibraryHasReturned(t *testing.T) {
	loop := rough(t)
	for range 100 {
		ended := make(chan bool)
		went := false
		go func() {
			defer func() { ended <- recover() == nil && !went }()
			loop.Emit("exit")
			went = true
		}()
		if !<-ended {
			t.Fatal("the goroutine went on, or panicked")
		}
	}
	if answer, err := loop.Emit("x"); answer != 1 || err != nil {
		t.Error(answer, err)
	}
	loop.Close()
	if live() != 0 {
		t.Error(live(), "handles are left")
	}
}

func TestManyGoroutinesShareAHandleAndEachHasItsOwnPanic(t *testing.T) {
	loop, err := open(t).NewLoop(&bindings.Handlers{Limit: 1, OnEvent: func(name string) int32 { panic(name) }})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for worker := range 16 {
		name := string(rune('a' + worker))
		group.Go(func() {
			for range 100 {
				func() {
					defer func() {
						if value := recover(); value != name {
							t.Error(value, name)
						}
					}()
					loop.Emit(name)
				}()
			}
		})
	}
	group.Wait()
	loop.Close()
}

func TestACallbackMayCallTheLibrary(t *testing.T) {
	inner := rough(t)
	loop, err := open(t).NewLoop(&bindings.Handlers{Limit: 1, OnEvent: func(name string) int32 {
		defer func() { recover() }()
		inner.Emit(name)
		return 0
	}})
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := loop.Emit("x"); answer != 0 || err != nil {
		t.Error(answer, err)
	}
	if _, err := loop.Emit("panic"); !errors.Is(err, nil) {
		t.Error(err)
	}
	loop.Close()
	inner.Close()
}
