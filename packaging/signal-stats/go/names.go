//go:build (darwin || linux) && (amd64 || arm64)

package signalstats

import "example.org/ferrule/signal-stats/internal/ferrule/bindings"

// Interpolation is what stands between two values, where a quantile falls between them.
type Interpolation = bindings.Interpolation

// The interpolations.
const (
	// Linear: The straight line between them.
	Linear = bindings.InterpolationLinear
	// Lower: The lower one.
	Lower = bindings.InterpolationLower
	// Higher: The higher one.
	Higher = bindings.InterpolationHigher
)

// Statistic is what is computed of each window.
type Statistic = bindings.Rolling

// The statistics.
const (
	// RollingMean: The mean, correctly rounded.
	RollingMean = bindings.RollingMean
	// RollingVariance: The variance of a sample.
	RollingVariance = bindings.RollingVariance
	// RollingMinimum: The smallest value.
	RollingMinimum = bindings.RollingMinimum
	// RollingMaximum: The greatest value.
	RollingMaximum = bindings.RollingMaximum
)

// Window is by what values are multiplied before they are transformed.
type Window = bindings.Window

// The windows.
const (
	// Rectangular: By 1.
	Rectangular = bindings.WindowRectangular
	// Hann: Hann's, periodic.
	Hann = bindings.WindowHann
)

// Section is a section of second order, divided by a0.
type Section = bindings.BiquadCoefficients

// Outside are the values that are in no bin of a histogram.
type Outside = bindings.Outside

// Block is what a block of a stream was, before its filter; a length of 0 says that none was ready.
type Block = bindings.Block

// Error is a failure of the library: its status, and a message.
type Error = bindings.Error

// The errors, which errors.Is finds. The set is closed for this version of the interface.
const (
	// ErrOverlap: The memory for a result overlaps other memory of the same call.
	ErrOverlap = bindings.StatusOverlap
	// ErrTooLong: A length or a count is beyond its limit.
	ErrTooLong = bindings.StatusTooLong
	// ErrInternal: A fault of the library. It was contained; handles can still be freed.
	ErrInternal = bindings.StatusInternal
	// ErrBusy: Two goroutines use one filter, spectrum, sketch or stream at the same time.
	ErrBusy = bindings.StatusBusy
	// ErrTooFew: There are too few values for the result to be defined.
	ErrTooFew = bindings.StatusTooFew
	// ErrLengthMismatch: Two slices do not have the lengths that belong together.
	ErrLengthMismatch = bindings.StatusLengthMismatch
	// ErrInvalidArgument: A parameter is outside of its range.
	ErrInvalidArgument = bindings.StatusInvalidArgument
	// ErrNotPowerOfTwo: A spectrum has a length that is no power of two.
	ErrNotPowerOfTwo = bindings.StatusNotPowerOfTwo
	// ErrChecksumMismatch: A block is not what its checksum was computed of.
	ErrChecksumMismatch = bindings.StatusChecksumMismatch
	// ErrStreamEnded: The stream was finished.
	ErrStreamEnded = bindings.StatusStreamEnded
)

// ErrClosed is the error of whatever is called on something that was closed.
var ErrClosed = bindings.ErrClosed
