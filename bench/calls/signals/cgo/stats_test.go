package cgo

import (
	"testing"

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

func open(b *testing.B) *Stats {
	stats, err := New()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(stats.Close)
	return stats
}
