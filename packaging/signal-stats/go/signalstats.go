//go:build (darwin || linux) && (amd64 || arm64)

// Package signalstats computes statistics, filters and spectra of signals, with the same bits on every machine. It calls
// the native library that the module carries, without cgo.
//
//	stats, err := signalstats.Open(signalstats.Options{})
//	if err != nil {
//		return err
//	}
//	defer stats.Close()
//	mean, err := stats.Mean(values)
//
// Slices are borrowed for the call and never copied. Results are written to slices of the caller's, which come first and
// overlap nothing else of the call; each function says how long they are.
package signalstats

import (
	"sync"
	"time"

	"example.org/ferrule/signal-stats/internal/ferrule/bindings"
	"example.org/ferrule/signal-stats/internal/ferrule/native"
)

// Options say who is told of what happens, and where the library is.
type Options struct {
	// Observe is told of each call: the function's name, how long it took, and what it came to; nil is success. It runs in
	// the goroutine that called, and a panic of it is raised there when the library has returned.
	Observe func(function string, took time.Duration, failure error)
	// Library names the file of the native library, and nothing else is tried then. Empty stands for the file that the
	// environment variable SIGNAL_STATS_LIBRARY names, or one next to the program, or the one that this module carries.
	Library string
	// Cache is the folder that the embedded library is unpacked to; empty stands for a private one in the user's cache.
	Cache string
}

// Stats is what every function is called with; any number of goroutines may use one at once. What was made with it
// outlives it, and is used by one goroutine at a time: another gets ErrBusy.
type Stats struct {
	library *bindings.SignalStats
}

var process struct {
	sync.Mutex
	library *bindings.Library
}

func openLibrary(places native.Places) (*bindings.Library, error) {
	process.Lock()
	defer process.Unlock()
	library, err := native.Open(places)
	if err == nil && process.library == nil {
		process.library, err = bindings.Open(library)
	}
	return process.library, err
}

// Open makes one. The library is opened once in a process and stays open.
func Open(options Options) (*Stats, error) {
	library, err := openLibrary(native.Places{Path: options.Library, Cache: options.Cache})
	if err != nil {
		return nil, err
	}
	var callbacks *bindings.Callbacks
	if options.Observe != nil {
		callbacks = &bindings.Callbacks{Observe: func(function string, nanoseconds uint64, status bindings.Status) {
			options.Observe(function, time.Duration(nanoseconds), failure(status))
		}}
	}
	stats, err := library.NewSignalStats(callbacks)
	if err != nil {
		return nil, err
	}
	return &Stats{stats}, nil
}

func failure(status bindings.Status) error {
	if status == bindings.StatusOk {
		return nil
	}
	return status
}

// Close ends it: at once, or when the last call has ended.
func (s *Stats) Close() {
	if s != nil {
		s.library.Close()
	}
}

// Mean gives the mean, correctly rounded.
func (s *Stats) Mean(values []float64) (float64, error) { return s.library.Mean(values) }

// Variance gives the variance, at most 1 unit in the last place from the exact one. Degrees of freedom are 1 for a sample.
func (s *Stats) Variance(values []float64, degreesOfFreedom uint32) (float64, error) {
	return s.library.Variance(values, degreesOfFreedom)
}

// Covariance gives the covariance of two series of the same length.
func (s *Stats) Covariance(first, second []float64, degreesOfFreedom uint32) (float64, error) {
	return s.library.Covariance(first, second, degreesOfFreedom)
}

// Quantiles gives the quantile of each probability. The scratch is as long as the values, and is overwritten.
func (s *Stats) Quantiles(quantiles, values, probabilities []float64, between Interpolation, scratch []float64) error {
	return s.library.Quantiles(values, probabilities, uint32(between), scratch, quantiles)
}

// Histogram adds the values to the counts of as many bins of the same width. A bin has its lower edge, and the last one
// both.
func (s *Stats) Histogram(counts []uint64, values []float64, lower, upper float64) (Outside, error) {
	return s.library.Histogram(&bindings.Bins{Lower: lower, Upper: upper}, values, counts)
}

// Filter filters a signal before which there were zeros; filtered is as long as the values.
func (s *Stats) Filter(filtered, values, taps []float64) error {
	return s.library.Filter(values, taps, filtered)
}

// Rolling gives a statistic of each window of so many values: len(values) - window + 1 of them.
func (s *Stats) Rolling(statistics, values []float64, window int, kind Statistic) error {
	return s.library.Rolling(values, uintptr(window), uint32(kind), statistics)
}

// Resample resamples by up / down through the taps of a low pass: len(values) * up / down results, rounded up.
func (s *Stats) Resample(resampled, values []float64, up, down int, taps []float64) error {
	return s.library.Resample(values, uintptr(up), uintptr(down), taps, resampled)
}

// Checksum gives the CRC-32 (IEEE 802.3) of the values as little-endian bytes.
func (s *Stats) Checksum(values []float64) (uint32, error) { return s.library.Checksum(values) }

// Filter is a filter over the pieces of a signal. A finalizer closes one that nobody closed.
type Filter struct {
	library interface {
		Process(values, filtered []float64) error
		Close()
	}
}

// FIR makes a filter with finite response, before whose signal there were zeros.
func (s *Stats) FIR(taps []float64) (*Filter, error) {
	filter, err := s.library.FirNew(taps)
	if err != nil {
		return nil, err
	}
	return &Filter{filter}, nil
}

// Biquad makes a filter of one section; several are used one after the other.
func (s *Stats) Biquad(section Section) (*Filter, error) {
	filter, err := s.library.BiquadNew(&section)
	if err != nil {
		return nil, err
	}
	return &Filter{filter}, nil
}

// Process filters the next piece; filtered is as long as the values.
func (f *Filter) Process(filtered, values []float64) error {
	return f.library.Process(values, filtered)
}

// Close ends the filter.
func (f *Filter) Close() {
	if f != nil && f.library != nil {
		f.library.Close()
	}
}

// Spectrum is a transform of one length, whose memory is reused.
type Spectrum struct {
	library *bindings.Spectrum
}

// Spectrum makes a transform of so many values, a power of two up to 2²⁴.
func (s *Stats) Spectrum(period int) (*Spectrum, error) {
	spectrum, err := s.library.SpectrumNew(uintptr(period))
	if err != nil {
		return nil, err
	}
	return &Spectrum{spectrum}, nil
}

// Power gives the squares of the magnitudes of the transform: half as many as values, and one.
func (s *Spectrum) Power(powers, values []float64, window Window) error {
	return s.library.Power(values, uint32(window), powers)
}

// Transform gives the real and the imaginary parts of the transform, each as many as Power gives.
func (s *Spectrum) Transform(reals, imaginaries, values []float64, window Window) error {
	return s.library.Transform(values, uint32(window), reals, imaginaries)
}

// Close ends the transform.
func (s *Spectrum) Close() {
	if s != nil {
		s.library.Close()
	}
}

// Sketch is quantiles of any number of values in bounded memory.
type Sketch struct {
	library *bindings.Sketch
}

// Sketch makes a sketch of nothing yet, of 1 to 12 bits: a quantile of it is at most 2^-(precision + 1) of its magnitude
// away from the value of that rank.
func (s *Stats) Sketch(precision uint32) (*Sketch, error) {
	sketch, err := s.library.SketchNew(precision)
	if err != nil {
		return nil, err
	}
	return &Sketch{sketch}, nil
}

// Add adds values.
func (s *Sketch) Add(values []float64) error { return s.library.Add(values) }

// Quantiles gives the quantile of each probability of all values so far.
func (s *Sketch) Quantiles(quantiles, probabilities []float64) error {
	return s.library.Quantiles(probabilities, quantiles)
}

// Close ends the sketch.
func (s *Sketch) Close() {
	if s != nil {
		s.library.Close()
	}
}

// Stream is a signal in blocks, with back-pressure.
type Stream struct {
	library *bindings.Stream
}

// Stream makes a stream of so many blocks of so many values, filtered by the taps when they are popped; nil for none. All
// its memory is allocated now.
func (s *Stats) Stream(blocks, blockLength int, taps []float64) (*Stream, error) {
	stream, err := s.library.StreamNew(uintptr(blocks), uintptr(blockLength), taps)
	if err != nil {
		return nil, err
	}
	return &Stream{stream}, nil
}

// Push takes as many values as there is room for, and says how many: fewer than all if a block has to be popped first.
func (s *Stream) Push(values []float64) (int, error) {
	taken, err := s.library.Push(values)
	return int(taken), err
}

// PushChecked is Push for values of this checksum; the error is ErrChecksumMismatch for others, and nothing is taken.
func (s *Stream) PushChecked(values []float64, checksum uint32) (int, error) {
	taken, err := s.library.PushChecked(values, checksum)
	return int(taken), err
}

// Pop writes the oldest block, filtered, to the start of values, which has room for a block.
func (s *Stream) Pop(values []float64) (Block, error) { return s.library.Pop(values) }

// Finish says that no more values come: a block that is not full is ready as it is.
func (s *Stream) Finish() error { return s.library.Finish() }

// Close ends the stream.
func (s *Stream) Close() {
	if s != nil {
		s.library.Close()
	}
}
