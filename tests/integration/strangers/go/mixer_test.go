package strangers

import (
	"errors"
	"math"
	"testing"

	"example.org/strangers/mixer/internal/ferrule/bindings"
	"example.org/strangers/mixer/internal/ferrule/native"
)

func open(t *testing.T) *bindings.Library {
	opened, err := native.Open("libmixer.so")
	if err != nil {
		t.Fatal(err)
	}
	library, err := bindings.Open(opened)
	if err != nil {
		t.Fatal(err)
	}
	return library
}

func TestNumbersByValue(t *testing.T) {
	library := open(t)
	if half := library.Half(math.MaxFloat32); half != math.MaxFloat32/2 {
		t.Error(half)
	}
	library.Forget(1)
	if sum := library.Sum(1, 1e3, 0.5, -4, 5, 6, 7, 8, 0.25, 1e10); sum != 100000002162.75 {
		t.Error(sum)
	}
	if sum := library.Weigh(-1, 2, -3, 4, -5, 6, -7, 8, -9, -3000, bindings.SideRight); sum != -29045 {
		t.Error(sum)
	}
}

func TestAHandleIsMadeAndCalledWithDoubles(t *testing.T) {
	library, seen := open(t), []bindings.Level(nil)
	if _, err := library.NewDesk(nil, 101); !errors.Is(err, bindings.StatusTooLoud) || err.Error() != "the gain is above 100" {
		t.Error(err)
	}
	desk, err := library.NewDesk(&bindings.Handlers{OnLevel: func(level bindings.Level, gain float64) int32 {
		if seen = append(seen, level); level.Left == 666 {
			panic("the end")
		}
		return int32(gain)
	}}, 1.5)
	if err != nil {
		t.Fatal(err)
	}
	if gain, err := desk.Gain(); gain != 1.5 || err != nil {
		t.Error(gain, err)
	}
	if level, text, err := desk.Blend("both", 0.25, 0.5, true); level != 2.25 || text != "both 2.25" || err != nil {
		t.Error(level, text, err)
	}
	if len(seen) != 1 || seen[0] != (bindings.Level{Left: 0.25, Right: 0.5, Peak: 0.5}) {
		t.Error(seen)
	}
	func() {
		defer func() {
			if value := recover(); value != "the end" {
				t.Error(value)
			}
		}()
		desk.Blend("both", 666, 0, false)
		t.Error("it went on")
	}()
	values := []float64{1, 2, 4}
	block, err := desk.Scale(2, values)
	if err != nil || block != (bindings.Block{Length: 3, Sum: 21}) || values[2] != 12 {
		t.Error(block, values, err)
	}
	if _, _, err := desk.Blend("a\x00", 1, 1, false); !errors.Is(err, bindings.ErrNUL) {
		t.Error(err)
	}
	desk.Close()
	if _, err := desk.Gain(); !errors.Is(err, bindings.ErrClosed) {
		t.Error(err)
	}
	quiet, err := library.NewDesk(&bindings.Handlers{OnLevel: func(bindings.Level, float64) int32 { return 0 }}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer quiet.Close()
	if _, _, err := quiet.Blend("both", 1, 1, false); !errors.Is(err, bindings.StatusCallbackFailed) || err.Error() != "nobody answered" {
		t.Error(err)
	}
}
