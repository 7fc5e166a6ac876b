// Every type goes from Go into the module, from the module to Go, and all the way back.
package typesworld

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	. "example.org/types-world/internal/ferrule/wasm"
)

var background = context.Background()

// mirror gives back what it is given, and keeps it for who looks.
type mirror struct {
	mutex sync.Mutex
	seen  any
}

func echoed[T any](h *mirror, v T) T {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.seen = v
	return v
}

func (h *mirror) Now(_ context.Context, zone string) uint64 { return uint64(len(zone)) }

func (h *mirror) ABool(_ context.Context, v bool) bool          { return echoed(h, v) }
func (h *mirror) AS8(_ context.Context, v int8) int8            { return echoed(h, v) }
func (h *mirror) AU8(_ context.Context, v uint8) uint8          { return echoed(h, v) }
func (h *mirror) AS16(_ context.Context, v int16) int16         { return echoed(h, v) }
func (h *mirror) AU16(_ context.Context, v uint16) uint16       { return echoed(h, v) }
func (h *mirror) AS32(_ context.Context, v int32) int32         { return echoed(h, v) }
func (h *mirror) AU32(_ context.Context, v uint32) uint32       { return echoed(h, v) }
func (h *mirror) AS64(_ context.Context, v int64) int64         { return echoed(h, v) }
func (h *mirror) AU64(_ context.Context, v uint64) uint64       { return echoed(h, v) }
func (h *mirror) AF32(_ context.Context, v float32) float32     { return echoed(h, v) }
func (h *mirror) AF64(_ context.Context, v float64) float64     { return echoed(h, v) }
func (h *mirror) AChar(_ context.Context, v rune) rune          { return echoed(h, v) }
func (h *mirror) AString(_ context.Context, v string) string    { return echoed(h, v) }
func (h *mirror) AName(_ context.Context, v string) string      { return echoed(h, v) }
func (h *mirror) AHeld(_ context.Context, v Held) Held          { return echoed(h, v) }
func (h *mirror) APoint(_ context.Context, v Point) Point       { return echoed(h, v) }
func (h *mirror) AShape(_ context.Context, v Shape) Shape       { return echoed(h, v) }
func (h *mirror) ANumber(_ context.Context, v Number) Number    { return echoed(h, v) }
func (h *mirror) AColor(_ context.Context, v Color) Color       { return echoed(h, v) }
func (h *mirror) SomeOfNine(_ context.Context, v Nine) Nine     { return echoed(h, v) }
func (h *mirror) Bytes(_ context.Context, v []byte) []byte      { return echoed(h, v) }
func (h *mirror) Bools(_ context.Context, v []bool) []bool      { return echoed(h, v) }
func (h *mirror) S16s(_ context.Context, v []int16) []int16     { return echoed(h, v) }
func (h *mirror) U64s(_ context.Context, v []uint64) []uint64   { return echoed(h, v) }
func (h *mirror) F32s(_ context.Context, v []float32) []float32 { return echoed(h, v) }
func (h *mirror) Chars(_ context.Context, v []rune) []rune      { return echoed(h, v) }
func (h *mirror) Colors(_ context.Context, v []Color) []Color   { return echoed(h, v) }
func (h *mirror) Shapes(_ context.Context, v []Shape) []Shape   { return echoed(h, v) }
func (h *mirror) MaybeU8(_ context.Context, v *uint8) *uint8    { return echoed(h, v) }
func (h *mirror) Nothing(context.Context)                       { echoed(h, "nothing") }

func (h *mirror) SomePermissions(_ context.Context, v Permissions) Permissions { return echoed(h, v) }
func (h *mirror) SomeOfThirtyTwo(_ context.Context, v ThirtyTwo) ThirtyTwo     { return echoed(h, v) }
func (h *mirror) ATupleOfOne(_ context.Context, v Tuple1[int8]) Tuple1[int8]   { return echoed(h, v) }
func (h *mirror) AnEverything(_ context.Context, v Everything) Everything      { return echoed(h, v) }
func (h *mirror) Everythings(_ context.Context, v []Everything) []Everything   { return echoed(h, v) }
func (h *mirror) Strings(_ context.Context, v [][]string) [][]string           { return echoed(h, v) }
func (h *mirror) MaybeF64(_ context.Context, v *float64) *float64              { return echoed(h, v) }
func (h *mirror) MaybeString(_ context.Context, v *string) *string             { return echoed(h, v) }
func (h *mirror) MaybeMaybe(_ context.Context, v **uint32) **uint32            { return echoed(h, v) }
func (h *mirror) MaybeShape(_ context.Context, v *Shape) *Shape                { return echoed(h, v) }

func (h *mirror) ATuple(_ context.Context, v Tuple3[uint8, string, float64]) Tuple3[uint8, string, float64] {
	return echoed(h, v)
}

func (h *mirror) Outcomes(_ context.Context, v []Result[uint8, string]) []Result[uint8, string] {
	return echoed(h, v)
}

func (h *mirror) Pairs(_ context.Context, v []Tuple2[string, *uint64]) []Tuple2[string, *uint64] {
	return echoed(h, v)
}

func (h *mirror) Many(_ context.Context, a, b, c, d, e, f string, g uint8, o float32, i int64) []string {
	return []string{a, b, c, d, e, f, fmt.Sprint(g), fmt.Sprint(o), fmt.Sprint(i)}
}

func (h *mirror) Sixteen(_ context.Context, a, b, c, d, e, f string, g uint8, o float32, i int64, j bool) string {
	return fmt.Sprint(a, b, c, d, e, f, " ", g, o, i, j)
}

func (h *mirror) Names(_ context.Context, a, b, c, d, e, f, g, i uint8) uint64 {
	return uint64(a) | uint64(b)<<8 | uint64(c)<<16 | uint64(d)<<24 | uint64(e)<<32 | uint64(f)<<40 | uint64(g)<<48 | uint64(i)<<56
}

func split[T, E any](r Result[T, E]) (T, error) {
	if r.IsErr {
		return r.Ok, Error[E]{Value: r.Err}
	}
	return r.Ok, nil
}

// A result is returned as a value and an error.
func (h *mirror) Outcome(_ context.Context, v Result[uint64, string]) (uint64, error) {
	return split(echoed(h, v))
}

func (h *mirror) OutcomeOfShape(_ context.Context, v Result[Shape, Color]) (Shape, error) {
	return split(echoed(h, v))
}

func (h *mirror) OnlyOk(_ context.Context, v Result[string, struct{}]) (string, error) {
	return split(echoed(h, v))
}

func (h *mirror) OnlyErr(_ context.Context, v Result[struct{}, Permissions]) error {
	_, err := split(echoed(h, v))
	return err
}

func (h *mirror) Neither(_ context.Context, v Result[struct{}, struct{}]) error {
	_, err := split(echoed(h, v))
	return err
}

func open(t testing.TB, options Options) (*Component, *mirror) {
	t.Helper()
	module, err := Compile(background, nil, options)
	if err != nil {
		t.Fatal(err)
	}
	h := new(mirror)
	component, err := module.Bind(background, Imports{Root: h, Echo: h})
	if err != nil {
		t.Fatal(err)
	}
	// The code is freed with the last component.
	if err := module.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { component.Close() })
	return component, h
}

// alike compares values; one that is no number is like another.
func alike(a, b any) bool {
	return reflect.DeepEqual(a, b) || strings.Contains(told(a), "NaN") && told(a) == told(b)
}

func told(v any) string { return fmt.Sprintf("%#v", v) }

func there[T any](t *testing.T, h *mirror, call func(context.Context, T) (T, error), values ...T) {
	t.Helper()
	for _, v := range values {
		back, err := call(background, v)
		if err != nil || !alike(v, back) || !alike(v, h.seen) {
			t.Errorf("%.300s: the host saw %.300s, back came %.300s, %v", told(v), told(h.seen), told(back), err)
		}
	}
}

func to[T any](v T) *T { return &v }

var nan = math.NaN()

var texts = []string{"", "a", "Größe", "日本語", "😀\x00\u0301", "\ufffd\U0010ffff", strings.Repeat("lang ", 100_000)}

var shapes = []Shape{
	ShapeCircle{-1.5}, ShapeRectangle{Tuple2[float32, float32]{1, float32(math.Inf(-1))}},
	ShapeLabel{""}, ShapeLabel{"Größe"}, ShapePoints{[]Point{}}, ShapePoints{[]Point{{1, -2}, {math.MinInt32, math.MaxInt32}}},
	ShapeNothing{},
}

func everything(at int) Everything {
	v := Everything{
		A: at%2 == 1, B: math.MinInt8, C: math.MaxUint8, D: math.MinInt16, E: math.MaxUint16, F: math.MinInt32, G: math.MaxUint32,
		H: math.MinInt64, I: math.MaxUint64, J: math.SmallestNonzeroFloat32, K: math.MaxFloat64, L: '😀', M: texts[at%6],
		Words: texts[:at%7], Pair: Tuple2[uint8, string]{uint8(at), "x"},
		Outcome: Result[Point, string]{Ok: Point{1, 2}}, Color: Color(at % 3), Rights: Permissions(at % 8),
		Shape: shapes[at%len(shapes)], Type: 7,
	}
	if at%2 == 1 {
		v.Inner = &Point{at32(at), -at32(at)}
		v.Outcome = Result[Point, string]{Err: "Fehler", IsErr: true}
	}
	return v
}

func at32(at int) int32 { return int32(at) }

func TestScalars(t *testing.T) {
	c, h := open(t, Options{})
	e := c.EchoExports
	there(t, h, e.ABool, false, true)
	there(t, h, e.AS8, 0, 1, -1, math.MinInt8, math.MaxInt8)
	there(t, h, e.AU8, 0, 1, 127, 128, math.MaxUint8)
	there(t, h, e.AS16, 0, -1, math.MinInt16, math.MaxInt16)
	there(t, h, e.AU16, 0, 1<<15, math.MaxUint16)
	there(t, h, e.AS32, 0, -1, math.MinInt32, math.MaxInt32)
	there(t, h, e.AU32, 0, 1<<31, math.MaxUint32)
	there(t, h, e.AS64, 0, -1, math.MinInt64, math.MaxInt64)
	there(t, h, e.AU64, 0, 1<<63, math.MaxUint64)
	there(t, h, e.AF32, 0, float32(math.Copysign(0, -1)), 1.5, math.MaxFloat32, math.SmallestNonzeroFloat32, float32(math.Inf(1)), float32(nan))
	there(t, h, e.AF64, 0, math.Copysign(0, -1), -1.5, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(-1), nan)
	there(t, h, e.AChar, 0, 'a', 'ö', 0xd7ff, 0xe000, '😀', 0x10ffff)
	there(t, h, e.AString, texts...)
	there(t, h, e.AName, texts...)
}

func TestNegativeZeroKeepsItsSign(t *testing.T) {
	c, _ := open(t, Options{})
	wide, err := c.EchoExports.AF64(background, math.Copysign(0, -1))
	narrow, other := c.EchoExports.AF32(background, float32(math.Copysign(0, -1)))
	if err != nil || other != nil || !math.Signbit(wide) || !math.Signbit(float64(narrow)) {
		t.Error(wide, narrow, err, other)
	}
}

func TestNamedTypes(t *testing.T) {
	c, h := open(t, Options{})
	e := c.EchoExports
	there(t, h, e.AHeld, Held{0}, Held{255})
	there(t, h, e.APoint, Point{}, Point{math.MinInt32, math.MaxInt32})
	there(t, h, e.AShape, append([]Shape{ShapeCircle{nan}}, shapes...)...)
	there(t, h, e.ANumber, []Number{
		NumberByte{255}, NumberSmall{-0.5}, NumberSmall{float32(nan)}, NumberWide{math.MaxFloat64}, NumberLong{math.MinInt64},
		NumberText{""}, NumberText{"日本"}, NumberPair{Tuple2[float32, uint64]{math.MaxFloat32, math.MaxUint64}},
	}...)
	there(t, h, e.AColor, ColorRed, ColorGreen, ColorLightBlue)
	there(t, h, e.SomePermissions, 0, PermissionsRead, PermissionsRead|PermissionsWrite|PermissionsExecute)
	there(t, h, e.SomeOfNine, 0, NineF8, NineF0|NineF8, 1<<9-1)
	there(t, h, e.SomeOfThirtyTwo, 0, ThirtyTwoF31, math.MaxUint32)
	there(t, h, e.ATuple, Tuple3[uint8, string, float64]{1, "zwei", 3})
	there(t, h, e.ATupleOfOne, Tuple1[int8]{-1})
	for at := range 40 {
		there(t, h, e.AnEverything, everything(at))
	}
}

func TestLists(t *testing.T) {
	c, h := open(t, Options{})
	e := c.EchoExports
	there(t, h, e.Bytes, []byte{}, []byte{0, 255}, bytes.Repeat([]byte{7}, 3<<20))
	there(t, h, e.Bools, []bool{}, []bool{true, false, true})
	there(t, h, e.S16s, []int16{}, []int16{math.MinInt16, -1, math.MaxInt16})
	there(t, h, e.U64s, []uint64{}, []uint64{math.MaxUint64, 0}, make([]uint64, 100_000))
	there(t, h, e.F32s, []float32{}, []float32{float32(math.Inf(1)), -0.25})
	there(t, h, e.Chars, []rune{}, []rune("Größe 😀"))
	there(t, h, e.Colors, []Color{}, []Color{ColorLightBlue, ColorRed})
	there(t, h, e.Strings, [][]string{}, [][]string{{}}, [][]string{texts, {}, {"x"}})
	there(t, h, e.Shapes, []Shape{}, shapes)
	there(t, h, e.Outcomes, []Result[uint8, string]{}, []Result[uint8, string]{{Ok: 1}, {Err: "Fehler", IsErr: true}, {Ok: 255}})
	there(t, h, e.Pairs, []Tuple2[string, *uint64]{{"a", nil}, {"b", to(uint64(math.MaxUint64))}})
	all := make([]Everything, 500)
	for at := range all {
		all[at] = everything(at)
	}
	there(t, h, e.Everythings, []Everything{}, all)
	if none, err := e.Strings(background, nil); err != nil || len(none) != 0 {
		t.Error(none, err)
	}
}

func TestOptions(t *testing.T) {
	c, h := open(t, Options{})
	e := c.EchoExports
	there(t, h, e.MaybeU8, nil, to(uint8(0)), to(uint8(255)))
	there(t, h, e.MaybeF64, nil, to(0.0), to(-1.5))
	there(t, h, e.MaybeString, nil, to(""), to("Größe"))
	there(t, h, e.MaybeMaybe, nil, to[*uint32](nil), to(to(uint32(7))))
	there(t, h, e.MaybeShape, nil, to(shapes[0]), to(shapes[6]))
}

func TestResults(t *testing.T) {
	c, h := open(t, Options{})
	e := c.EchoExports
	if v, err := e.Outcome(background, Result[uint64, string]{Ok: math.MaxUint64}); v != math.MaxUint64 || err != nil {
		t.Error(v, err)
	}
	var text Error[string]
	if _, err := e.Outcome(background, Result[uint64, string]{Err: "Größe", IsErr: true}); !errors.As(err, &text) || text.Value != "Größe" || err.Error() != "Größe" {
		t.Error(err)
	}
	if v, err := e.OutcomeOfShape(background, Result[Shape, Color]{Ok: shapes[3]}); v != shapes[3] || err != nil {
		t.Error(v, err)
	}
	var color Error[Color]
	if _, err := e.OutcomeOfShape(background, Result[Shape, Color]{Err: ColorLightBlue, IsErr: true}); !errors.As(err, &color) || err.Error() != "light-blue" {
		t.Error(err)
	}
	if v, err := e.OnlyOk(background, Result[string, struct{}]{Ok: "x"}); v != "x" || err != nil {
		t.Error(v, err)
	}
	var unit Error[struct{}]
	if _, err := e.OnlyOk(background, Result[string, struct{}]{IsErr: true}); !errors.As(err, &unit) {
		t.Error(err)
	}
	var rights Error[Permissions]
	if err := e.OnlyErr(background, Result[struct{}, Permissions]{Err: PermissionsWrite, IsErr: true}); !errors.As(err, &rights) || err.Error() != "{write}" {
		t.Error(err)
	}
	if err := errors.Join(e.OnlyErr(background, Result[struct{}, Permissions]{}), e.Neither(background, Result[struct{}, struct{}]{})); err != nil {
		t.Error(err)
	}
	if err := e.Neither(background, Result[struct{}, struct{}]{IsErr: true}); !errors.As(err, &unit) || h.seen != (Result[struct{}, struct{}]{IsErr: true}) {
		t.Error(err)
	}
}

func TestParameters(t *testing.T) {
	c, h := open(t, Options{})
	e := c.EchoExports
	many, err := e.Many(background, "a", "", "ö", "d", "e", texts[6], 255, 1.5, math.MinInt64)
	if want := []string{"a", "", "ö", "d", "e", texts[6], "255", "1.5", "-9223372036854775808"}; err != nil || !reflect.DeepEqual(many, want) {
		t.Errorf("%.200v %v", many, err)
	}
	if sixteen, err := e.Sixteen(background, "a", "b", "c", "d", "", "ö", 255, -1.5, -1, true); err != nil || sixteen != "abcdö 255 -1.5 -1 true" {
		t.Error(sixteen, err)
	}
	if names, err := e.Names(background, 1, 2, 3, 4, 5, 6, 7, 8); err != nil || names != 0x0807060504030201 {
		t.Errorf("%x %v", names, err)
	}
	if err := e.Nothing(background); err != nil || h.seen != "nothing" {
		t.Error(err)
	}
}

func TestFunctionsOfTheWorld(t *testing.T) {
	c, _ := open(t, Options{})
	if sum, err := c.Sum(background, []Point{{1, 2}, {3, -4}}); err != nil || sum != (Point{4, -2}) {
		t.Error(sum, err)
	}
	if now, err := c.AskedNow(background, "Größe"); err != nil || now != 7 {
		t.Error(now, err)
	}
	if seven, err := c.CallClose(background); err != nil || seven != 7 {
		t.Error(seven, err)
	}
}

func TestMemoryGrowsAndIsFreed(t *testing.T) {
	c, _ := open(t, Options{MaxMemory: 64 << 20, MaxIdle: 1})
	for at := range 100 {
		if grown, err := c.Grow(background, 5<<20, uint8(at)); err != nil || len(grown) != 5<<20 || grown[5<<20-1] != uint8(at) {
			t.Fatal(len(grown), err)
		}
	}
	if _, err := c.Grow(background, 128<<20, 0); !errors.Is(err, ErrTrap) {
		t.Error(err)
	}
	if grown, err := c.Grow(background, 3, 9); err != nil || !bytes.Equal(grown, []byte{9, 9, 9}) {
		t.Error(grown, err)
	}
}

func TestValuesThatCannotBePassed(t *testing.T) {
	c, _ := open(t, Options{MaxIdle: 1})
	e := c.EchoExports
	if first, err := c.FirstCall(background); err != nil || !first {
		t.Fatal(first, err)
	}
	refused := func(_ any, err error) {
		t.Helper()
		if !errors.Is(err, ErrValue) {
			t.Error(err)
		}
	}
	refused(e.AString(background, "\xff"))
	refused(e.AChar(background, 0xd800))
	refused(e.AChar(background, -1))
	refused(e.AColor(background, 3))
	refused(e.SomePermissions(background, 8))
	refused(e.AShape(background, nil))
	refused(e.AShape(background, &ShapeNothing{}))
	// Nothing had been passed by then, so that the instance serves on.
	if again, err := c.FirstCall(background); err != nil || again {
		t.Error(again, err)
	}
	refused(e.Strings(background, [][]string{{"ok", "\xff"}}))
	if other, err := c.FirstCall(background); err != nil || !other {
		t.Error("an instance that holds half a value was used again", err)
	}
}

func TestATrapEndsTheInstanceAndNotTheComponent(t *testing.T) {
	c, _ := open(t, Options{})
	for range 3 {
		if first, err := c.FirstCall(background); err != nil || !first {
			t.Fatal(first, err)
		}
		var call *CallError
		if _, err := c.Trap(background, "on purpose"); !errors.Is(err, ErrTrap) || !errors.As(err, &call) || call.Function != "trap" {
			t.Fatal(err)
		}
	}
}

// failing answers as it is told.
type failing struct {
	*mirror
	outcome func() (uint64, error)
}

func (f failing) Outcome(context.Context, Result[uint64, string]) (uint64, error) { return f.outcome() }

func TestImportsThatFail(t *testing.T) {
	module, err := Compile(background, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer module.Close()
	down := errors.New("the service is down")
	for name, outcome := range map[string]func() (uint64, error){
		"another error":   func() (uint64, error) { return 0, down },
		"a panic":         func() (uint64, error) { panic(down) },
		"not UTF-8":       func() (uint64, error) { return 0, Error[string]{"\xff"} },
		"a wrapped error": func() (uint64, error) { return 0, fmt.Errorf("wrapped: %w", Error[string]{"as declared"}) },
	} {
		h := new(mirror)
		component, err := module.Bind(background, Imports{Root: h, Echo: failing{h, outcome}})
		if err != nil {
			t.Fatal(err)
		}
		defer component.Close()
		_, err = component.EchoExports.Outcome(background, Result[uint64, string]{})
		var declared Error[string]
		switch name {
		case "not UTF-8":
			if !errors.Is(err, ErrValue) {
				t.Error(name, err)
			}
		case "a wrapped error":
			if !errors.As(err, &declared) || declared.Value != "as declared" {
				t.Error(name, err)
			}
		default:
			if !errors.Is(err, ErrImport) || !errors.Is(err, down) {
				t.Error(name, err)
			}
		}
		if sum, err := component.Sum(background, []Point{{1, 1}}); err != nil || sum != (Point{1, 1}) {
			t.Error(name, sum, err)
		}
	}
	if _, err := module.Bind(background, Imports{Root: new(mirror)}); !errors.Is(err, ErrValue) {
		t.Error(err)
	}
}

func TestContext(t *testing.T) {
	c, _ := open(t, Options{})
	ended, cancel := context.WithCancel(background)
	cancel()
	if _, err := c.Sum(ended, nil); err != context.Canceled {
		t.Error(err)
	}
	interruptible, _ := open(t, Options{Interruptible: true})
	short, cancel := context.WithTimeout(background, 50*time.Millisecond)
	defer cancel()
	if err := interruptible.Spin(short); err != context.DeadlineExceeded {
		t.Error(err)
	}
	if sum, err := interruptible.Sum(background, []Point{{1, 2}}); err != nil || sum != (Point{1, 2}) {
		t.Error(sum, err)
	}
}

func TestClosed(t *testing.T) {
	c, _ := open(t, Options{})
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if _, err := c.Sum(background, nil); !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	}
	module, err := Compile(background, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	module.Close()
	if _, err := module.Bind(background, Imports{Root: new(mirror), Echo: new(mirror)}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestSixteenGoroutines(t *testing.T) {
	c, _ := open(t, Options{})
	var group sync.WaitGroup
	for worker := range 16 {
		group.Go(func() {
			for at := range 20 {
				v := everything(worker*20 + at)
				v.M = fmt.Sprint(worker, at)
				if back, err := c.EchoExports.AnEverything(background, v); err != nil || !alike(v, back) {
					t.Errorf("%v %v %v", v, back, err)
				}
			}
		})
	}
	group.Wait()
}

func TestNames(t *testing.T) {
	for want, value := range map[string]fmt.Stringer{
		"light-blue": ColorLightBlue, "constant 9": Color(9), "{}": Permissions(0), "{read, execute}": PermissionsRead | PermissionsExecute,
	} {
		if value.String() != want {
			t.Error(value.String(), want)
		}
	}
	if !(PermissionsRead | PermissionsWrite).Has(PermissionsWrite) || PermissionsRead.Has(PermissionsWrite) {
		t.Error("a flag is not where it should be")
	}
}
