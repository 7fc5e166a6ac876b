package main

import (
	"context"
	"slices"

	"consumer/stats"
)

func inWazero(a asked, out output) (results, error) {
	ctx := context.Background()
	module, err := stats.Compile(ctx, nil, stats.Options{})
	if err != nil {
		return nil, err
	}
	c, err := module.Bind(ctx, stats.Imports{})
	if err != nil {
		return nil, err
	}
	section := stats.Section{B0: a.Section.B0, B1: a.Section.B1, B2: a.Section.B2, A1: a.Section.A1, A2: a.Section.A2}
	return func(values []float64) error {
		backwards := slices.Clone(values)
		slices.Reverse(backwards)
		out.float(c.Mean(ctx, values))
		out.float(c.Variance(ctx, values, 1))
		out.float(c.Covariance(ctx, values, backwards, 1))
		out.floats(c.Quantiles(ctx, values, a.Probabilities, stats.InterpolationLinear))
		out.floats(c.Quantiles(ctx, values, a.Few, stats.InterpolationLinear))
		out.floats(c.SketchQuantiles(ctx, values, a.Probabilities, a.Precision))
		counted, err := c.CountBins(ctx, values, a.Lower, a.Upper, uint32(a.Bins))
		if err != nil {
			return err
		}
		out.counts(append(counted.Counts, counted.Below, counted.Above, counted.Nans)...)
		out.floats(c.Filter(ctx, values, a.Taps))
		out.floats(c.Biquad(ctx, values, []stats.Section{section}))
		for window := range stats.Window(2) {
			out.floats(c.Power(ctx, values, window))
		}
		for statistic := range stats.Statistic(len(a.Statistics)) {
			out.floats(c.Rolling(ctx, values, uint32(a.Width), statistic))
		}
		out.floats(c.Resample(ctx, values, uint32(a.Up), uint32(a.Down), a.Taps))
		return nil
	}, nil
}
