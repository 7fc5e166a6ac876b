// Package module calls the Go module of signal-stats that a release holds.
package module

import (
	"testing"

	signalstats "example.org/ferrule/signal-stats"
	"signals/inputs"
)

func BenchmarkMean(b *testing.B) {
	stats, values := open(b), inputs.Values()
	b.ReportAllocs()
	for b.Loop() {
		if mean, err := stats.Mean(values); err != nil || mean != inputs.Mean {
			b.Fatal(mean, err)
		}
	}
}

func BenchmarkFilter(b *testing.B) {
	stats, values := open(b), inputs.Values()
	filtered := make([]float64, len(values))
	b.ReportAllocs()
	for b.Loop() {
		if err := stats.Filter(filtered, values, inputs.Taps); err != nil {
			b.Fatal(err)
		}
	}
}

func open(b *testing.B) *signalstats.Stats {
	stats, err := signalstats.Open(signalstats.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(stats.Close)
	return stats
}
