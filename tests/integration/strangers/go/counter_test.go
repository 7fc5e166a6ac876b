package strangers

import (
	"errors"
	"testing"

	"example.org/strangers/counter/internal/ferrule/bindings"
	"example.org/strangers/counter/internal/ferrule/native"
)

func TestCounter(t *testing.T) {
	opened, err := native.Open("libcounter.so")
	if err != nil {
		t.Fatal(err)
	}
	library, err := bindings.Open(opened)
	if err != nil {
		t.Fatal(err)
	}
	counter, err := library.CreateCounter(5)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := library.CreateCounter(1)
	if sum, err := counter.Add(3, true); sum != 8 || err != nil {
		t.Error(sum, err)
	}
	if sum, err := counter.Add(1, false); sum != 7 || err != nil {
		t.Error(sum, err)
	}
	if err := other.Import(counter); err != nil {
		t.Error(err)
	}
	for range 2 {
		if _, err := counter.Clone(false); !errors.Is(err, bindings.ErrOpen) {
			t.Error(err)
		}
	}
	clone, err := counter.Clone(true)
	if err != nil {
		t.Fatal(err)
	}
	clone.Close()
	counter.Close()
	counter.Close()
	if _, err := counter.Peek(); !errors.Is(err, bindings.ErrClosed) {
		t.Error(err)
	}
	if err := other.Import(counter); !errors.Is(err, bindings.ErrClosed) {
		t.Error(err)
	}
	if value, err := other.Peek(); value != 7 || err != nil {
		t.Error(value, err)
	}
	if _, err := library.CreateCounter(-1); err == nil {
		t.Error("a counter that could not be made")
	}
}
