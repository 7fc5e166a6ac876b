//go:build (darwin || linux) && (amd64 || arm64)

package signalstats_test

import (
	"errors"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	signalstats "example.org/ferrule/signal-stats"
	"example.org/ferrule/signal-stats/internal/ferrule/bindings"
)

func open(t *testing.T, options signalstats.Options) *signalstats.Stats {
	t.Helper()
	stats, err := signalstats.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stats.Close)
	return stats
}

// must fails a test that goes on with what could not be made.
func must[T interface{ Close() }](t *testing.T) func(T, error) T {
	return func(made T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(made.Close)
		return made
	}
}

func check(t *testing.T, err error, got []float64, want ...float64) {
	t.Helper()
	if err != nil || !slices.Equal(got, want) {
		t.Error(got, want, err)
	}
}

var values = []float64{1, 2, 3, 5}

func TestStatistics(t *testing.T) {
	stats := open(t, signalstats.Options{})
	if mean, err := stats.Mean([]float64{1e100, 1, -1e100, 3}); mean != 1 || err != nil {
		t.Error(mean, err)
	}
	if variance, err := stats.Variance(values, 0); variance != 2.1875 || err != nil {
		t.Error(variance, err)
	}
	if covariance, err := stats.Covariance(values, []float64{2, 4, 6, 10}, 0); covariance != 4.375 || err != nil {
		t.Error(covariance, err)
	}
	quantiles, scratch := make([]float64, 2), make([]float64, 4)
	err := stats.Quantiles(quantiles, values, []float64{0.5, 1}, signalstats.Linear, scratch)
	check(t, err, quantiles, 2.5, 5)
	err = stats.Quantiles(quantiles, values, []float64{0.5, 1}, signalstats.Higher, scratch)
	check(t, err, quantiles, 3, 5)
	counts := make([]uint64, 2)
	outside, err := stats.Histogram(counts, append([]float64{math.NaN()}, values...), 0, 4)
	if err != nil || outside != (signalstats.Outside{Above: 1, Nans: 1}) || !slices.Equal(counts, []uint64{1, 2}) {
		t.Error(counts, outside, err)
	}
	rolled := make([]float64, 3)
	check(t, stats.Rolling(rolled, values, 2, signalstats.RollingMean), rolled, 1.5, 2.5, 4)
	filtered := make([]float64, 4)
	check(t, stats.Filter(filtered, values, []float64{0.5, 0.5}), filtered, 0.5, 1.5, 2.5, 4)
	resampled := make([]float64, 2)
	check(t, stats.Resample(resampled, values, 1, 2, []float64{1}), resampled, 1, 3)
	if sum, err := stats.Checksum(nil); sum != 0 || err != nil {
		t.Error(sum, err)
	}
}

func TestWhatRemembers(t *testing.T) {
	stats := open(t, signalstats.Options{})
	out := make([]float64, 4)
	fir := must[*signalstats.Filter](t)(stats.FIR([]float64{0.5, 0.5}))
	check(t, fir.Process(out, values), out, 0.5, 1.5, 2.5, 4)
	check(t, fir.Process(out, values), out, 3, 1.5, 2.5, 4)
	biquad := must[*signalstats.Filter](t)(stats.Biquad(signalstats.Section{B0: 1, A1: -1}))
	check(t, biquad.Process(out, values), out, 1, 3, 6, 11)
	spectrum := must[*signalstats.Spectrum](t)(stats.Spectrum(4))
	check(t, spectrum.Power(out[:3], values, signalstats.Rectangular), out[:3], 121, 13, 9)
	other := make([]float64, 3)
	check(t, spectrum.Transform(out[:3], other, values, signalstats.Rectangular), out[:3], 11, -2, -3)
	check(t, nil, other, 0, 3, 0)
	sketch := must[*signalstats.Sketch](t)(stats.Sketch(12))
	if err := sketch.Add(values); err != nil {
		t.Error(err)
	}
	check(t, sketch.Quantiles(out[:2], []float64{0, 1}), out[:2], 1, 5)
}

func TestStreamsPressBack(t *testing.T) {
	stats := open(t, signalstats.Options{})
	stream := must[*signalstats.Stream](t)(stats.Stream(1, 3, nil))
	if _, err := stream.PushChecked(values, 0); !errors.Is(err, signalstats.ErrChecksumMismatch) {
		t.Error(err)
	}
	if taken, err := stream.Push(values); taken != 3 || err != nil {
		t.Error(taken, err)
	}
	out := make([]float64, 3)
	block, err := stream.Pop(out)
	check(t, err, out, 1, 2, 3)
	if block.Length != 3 || block.Mean != 2 || block.Variance != 1 {
		t.Error(block)
	}
	if block, err := stream.Pop(out); block.Length != 0 || err != nil {
		t.Error(block, err)
	}
	if err := stream.Finish(); err != nil {
		t.Error(err)
	}
	if _, err := stream.Push(values); !errors.Is(err, signalstats.ErrStreamEnded) {
		t.Error(err)
	}
}

func TestWhatCannotBeComputed(t *testing.T) {
	stats := open(t, signalstats.Options{})
	_, few := stats.Mean(nil)
	_, lengths := stats.Covariance(values, values[1:], 1)
	_, period := stats.Spectrum(3)
	_, negative := stats.Spectrum(-1)
	_, precision := stats.Sketch(0)
	_, blocks := stats.Stream(-1, 8, nil)
	for at, pair := range [][2]error{
		{few, signalstats.ErrTooFew},
		{lengths, signalstats.ErrLengthMismatch},
		{period, signalstats.ErrNotPowerOfTwo},
		{negative, signalstats.ErrNotPowerOfTwo},
		{precision, signalstats.ErrInvalidArgument},
		{blocks, signalstats.ErrInvalidArgument},
		{stats.Rolling(make([]float64, 3), values, -1, signalstats.RollingMean), signalstats.ErrTooFew},
		{stats.Rolling(make([]float64, 3), values, 2, 9), signalstats.ErrInvalidArgument},
		{stats.Resample(make([]float64, 3), values, -1, 0, values), signalstats.ErrInvalidArgument},
		{stats.Filter(make([]float64, 3), values, values), signalstats.ErrLengthMismatch},
	} {
		var failure *signalstats.Error
		if !errors.Is(pair[0], pair[1]) || !errors.As(pair[0], &failure) || failure.Message == "" {
			t.Error(at, pair)
		}
	}
}

// The library sees the memory of the caller: a result that would be written over what is read is refused.
func TestNothingIsCopied(t *testing.T) {
	stats := open(t, signalstats.Options{})
	signal := slices.Repeat(values, 1<<13)
	if err := stats.Filter(signal, signal, []float64{1}); !errors.Is(err, signalstats.ErrOverlap) {
		t.Error(err)
	}
	if err := stats.Filter(signal[1:], signal[:len(signal)-1], []float64{1}); !errors.Is(err, signalstats.ErrOverlap) {
		t.Error(err)
	}
	out, scratch, few := make([]float64, len(signal)), make([]float64, len(signal)), make([]float64, 1)
	probabilities, taps := []float64{0.5}, []float64{0.5, 0.5}
	counts := make([]uint64, 8)
	fir := must[*signalstats.Filter](t)(stats.FIR(taps))
	sketch := must[*signalstats.Sketch](t)(stats.Sketch(7))
	if err := sketch.Add(signal); err != nil {
		t.Fatal(err)
	}
	stream := must[*signalstats.Stream](t)(stats.Stream(2, 1024, taps))
	spectrum := must[*signalstats.Spectrum](t)(stats.Spectrum(1024))
	for name, call := range map[string]func() error{
		"mean":       func() error { _, err := stats.Mean(signal); return err },
		"variance":   func() error { _, err := stats.Variance(signal, 1); return err },
		"covariance": func() error { _, err := stats.Covariance(signal, signal, 1); return err },
		"quantiles":  func() error { return stats.Quantiles(few, signal, probabilities, signalstats.Linear, scratch) },
		"filter":     func() error { return stats.Filter(out, signal, taps) },
		"rolling":    func() error { return stats.Rolling(out[1:], signal, 2, signalstats.RollingMaximum) },
		"resample":   func() error { return stats.Resample(out, signal, 1, 1, taps) },
		"checksum":   func() error { _, err := stats.Checksum(signal); return err },
		"process":    func() error { return fir.Process(out, signal) },
		"add":        func() error { return sketch.Add(signal) },
		"sketched":   func() error { return sketch.Quantiles(few, probabilities) },
		"power":      func() error { return spectrum.Power(out[:513], signal[:1024], signalstats.Hann) },
		"push":       func() error { _, err := stream.Push(signal); return err },
		"pop":        func() error { _, err := stream.Pop(scratch[:1024]); return err },
		"histogram":  func() error { _, err := stats.Histogram(counts, signal, 0, 8); return err },
	} {
		if err := call(); err != nil {
			t.Error(name, err)
		}
		// What is left is what C's structures are laid out in, a few bytes each.
		allowed := map[string]float64{"histogram": 3, "pop": 1}[name]
		// The runtime's own allocations are counted too, wherever they happen: the fewest of several are the call's.
		fewest := math.Inf(1)
		for range 20 {
			fewest = min(fewest, testing.AllocsPerRun(5, func() { call() }))
		}
		if fewest > allowed {
			t.Error(name, "allocates", fewest, "times")
		}
	}
}

func TestAPanicOfAnObserverIsRaisedWhateverWasCalled(t *testing.T) {
	on := false
	stats := open(t, signalstats.Options{Observe: func(string, time.Duration, error) {
		if on {
			panic("observed")
		}
	}})
	stream := must[*signalstats.Stream](t)(stats.Stream(2, 4, nil))
	sketch := must[*signalstats.Sketch](t)(stats.Sketch(7))
	on = true
	for name, call := range map[string]func(){
		"mean":   func() { stats.Mean([]float64{1}) },
		"make":   func() { stats.Stream(2, 4, nil) },
		"push":   func() { stream.Push([]float64{1}) },
		"finish": func() { stream.Finish() },
		"add":    func() { sketch.Add([]float64{1}) },
	} {
		func() {
			defer func() {
				if raised := recover(); raised != "observed" {
					t.Error(name, "raised", raised)
				}
			}()
			call()
		}()
	}
	on = false
}

func TestNothingCanBeClosed(t *testing.T) {
	var stats *signalstats.Stats
	stats.Close()
	new(signalstats.Stats).Close()
	new(signalstats.Filter).Close()
	new(signalstats.Stream).Close()
}

func TestCallsAreObserved(t *testing.T) {
	type call struct {
		function string
		failure  error
	}
	var calls []call
	stats := open(t, signalstats.Options{Observe: func(function string, took time.Duration, failure error) {
		if calls = append(calls, call{function, failure}); took < 0 {
			t.Error(took)
		}
	}})
	stats.Mean(nil)
	expected := []call{{"signal_stats_new", nil}, {"signal_stats_mean", signalstats.ErrTooFew}}
	if !slices.Equal(calls, expected) {
		t.Error(calls)
	}
}

// live counts what the library has not released yet.
func live() (count int) {
	bindings.Live.Range(func(any, any) bool { count++; return true })
	return count
}

func TestCallbacksGoWhenAllThatMayCallThemIsClosed(t *testing.T) {
	before, calls := live(), 0
	stats := open(t, signalstats.Options{Observe: func(string, time.Duration, error) { calls++ }})
	sketch := must[*signalstats.Sketch](t)(stats.Sketch(12))
	stats.Close()
	if err := sketch.Add(values); err != nil || calls != 3 || live() == before {
		t.Error(err, calls, live(), "and before", before)
	}
	sketch.Close()
	if live() != before {
		t.Error(live(), "and before", before)
	}
}

func TestAnObserverMayCloseWhatItsCallUses(t *testing.T) {
	var stats *signalstats.Stats
	stats = open(t, signalstats.Options{Observe: func(string, time.Duration, error) {
		if stats != nil {
			stats.Close()
		}
	}})
	if mean, err := stats.Mean(values); mean != 2.75 || err != nil {
		t.Error(mean, err)
	}
	if _, err := stats.Mean(values); !errors.Is(err, signalstats.ErrClosed) {
		t.Error(err)
	}
}

func TestManyGoroutines(t *testing.T) {
	stats := open(t, signalstats.Options{})
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			own := slices.Repeat([]float64{float64(worker)}, 1000)
			for range 100 {
				if mean, err := stats.Mean(own); mean != float64(worker) || err != nil {
					t.Error(mean, err)
				}
			}
		})
	}
	group.Wait()
	stats.Close()
	if _, err := stats.Mean(values); !errors.Is(err, signalstats.ErrClosed) {
		t.Error(err)
	}
}
