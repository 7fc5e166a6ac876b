// Package cgo calls the C SDK of signal-stats in the way of Go's own tool. It is here to be compared with, and is
// part of no release.
package cgo

/*
#cgo LDFLAGS: -lsignal_stats
#include <signal_stats.h>
*/
import "C"

import (
	"errors"
	"unsafe"
)

// Stats is a handle.
type Stats struct {
	handle *C.SignalStats
}

// New makes a handle, which Close frees.
func New() (*Stats, error) {
	stats := &Stats{}
	if C.signal_stats_new(nil, &stats.handle) != C.SIGNAL_STATS_STATUS_OK {
		return nil, errors.New("no handle")
	}
	return stats, nil
}

// Close frees the handle.
func (s *Stats) Close() {
	C.signal_stats_free(s.handle)
}

// Mean gives the mean.
func (s *Stats) Mean(values []float64) (float64, error) {
	var mean C.double
	if C.signal_stats_mean(s.handle, doubles(values), C.size_t(len(values)), &mean) != C.SIGNAL_STATS_STATUS_OK {
		return 0, lastError()
	}
	return float64(mean), nil
}

// Filter filters a signal.
func (s *Stats) Filter(filtered, values, taps []float64) error {
	status := C.signal_stats_filter(s.handle, doubles(values), C.size_t(len(values)), doubles(taps), C.size_t(len(taps)),
		doubles(filtered), C.size_t(len(filtered)))
	if status != C.SIGNAL_STATS_STATUS_OK {
		return lastError()
	}
	return nil
}

func doubles(values []float64) *C.double {
	return (*C.double)(unsafe.Pointer(unsafe.SliceData(values)))
}

func lastError() error {
	length := C.signal_stats_last_error(nil, 0)
	buffer := make([]byte, int(length)+1)
	C.signal_stats_last_error((*C.char)(unsafe.Pointer(unsafe.SliceData(buffer))), C.size_t(len(buffer)))
	return errors.New(string(buffer[:length]))
}
