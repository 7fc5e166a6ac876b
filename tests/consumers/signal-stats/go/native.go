package main

import (
	"slices"

	signalstats "example.org/ferrule/signal-stats"
)

func native(a asked, out output) (results, error) {
	stats, err := signalstats.Open(signalstats.Options{})
	if err != nil {
		return nil, err
	}
	spectrum, err := stats.Spectrum(a.Block)
	if err != nil {
		return nil, err
	}
	section := signalstats.Section{B0: a.Section.B0, B1: a.Section.B1, B2: a.Section.B2, A1: a.Section.A1, A2: a.Section.A2}
	scratch := make([]float64, a.Block)
	// filled hands a slice of so many results to a function, and on what it wrote.
	filled := func(count int, work func([]float64) error) {
		result := make([]float64, count)
		out.floats(result, work(result))
	}
	return func(values []float64) error {
		backwards := slices.Clone(values)
		slices.Reverse(backwards)
		out.float(stats.Mean(values))
		out.float(stats.Variance(values, 1))
		out.float(stats.Covariance(values, backwards, 1))
		for _, probabilities := range [][]float64{a.Probabilities, a.Few} {
			filled(len(probabilities), func(result []float64) error {
				return stats.Quantiles(result, values, probabilities, signalstats.Linear, scratch)
			})
		}
		sketch, err := stats.Sketch(a.Precision)
		if err != nil {
			return err
		}
		defer sketch.Close()
		if err := sketch.Add(values); err != nil {
			return err
		}
		filled(len(a.Probabilities), func(result []float64) error { return sketch.Quantiles(result, a.Probabilities) })
		counts := make([]uint64, a.Bins)
		outside, err := stats.Histogram(counts, values, a.Lower, a.Upper)
		if err != nil {
			return err
		}
		out.counts(append(counts, outside.Below, outside.Above, outside.Nans)...)
		filled(len(values), func(result []float64) error { return stats.Filter(result, values, a.Taps) })
		biquad, err := stats.Biquad(section)
		if err != nil {
			return err
		}
		defer biquad.Close()
		filled(len(values), func(result []float64) error { return biquad.Process(result, values) })
		for window := range signalstats.Window(2) {
			filled(len(values)/2+1, func(result []float64) error { return spectrum.Power(result, values, window) })
		}
		for statistic := range signalstats.Statistic(len(a.Statistics)) {
			filled(len(values)-a.Width+1, func(result []float64) error {
				return stats.Rolling(result, values, a.Width, statistic)
			})
		}
		filled((len(values)*a.Up+a.Down-1)/a.Down, func(result []float64) error {
			return stats.Resample(result, values, a.Up, a.Down, a.Taps)
		})
		return nil
	}, nil
}
