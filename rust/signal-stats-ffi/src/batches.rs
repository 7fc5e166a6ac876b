//! Many values in one call: the caller's buffers are borrowed for the call, and nothing is copied or allocated.

use boundary::{Region, memory};
use signal_stats::Bins;

use crate::SignalStats;
use crate::call::with;
use crate::options::{
    SignalStatsBins, SignalStatsOutside, interpolation as number_of, reserved, statistic as statistic_of,
};
use crate::status::{SignalStatsStatus, failure};

/// The mean, correctly rounded.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_mean(
    stats: *const SignalStats,
    values: *const f64,
    count: usize,
    mean: *mut f64,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_mean", stats, |_, regions| {
            let values = regions.input(values, count, "values")?;
            let out = regions.result(mean, "mean")?;
            out.write(signal_stats::mean(values).map_err(failure)?);
            Ok(())
        })
    }
}

/// The variance, at most 1 unit in the last place from the exact one. Degrees of freedom are 1 for a sample.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_variance(
    stats: *const SignalStats,
    values: *const f64,
    count: usize,
    degrees_of_freedom: u32,
    variance: *mut f64,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_variance", stats, |_, regions| {
            let values = regions.input(values, count, "values")?;
            let out = regions.result(variance, "variance")?;
            out.write(signal_stats::variance(values, degrees_of_freedom).map_err(failure)?);
            Ok(())
        })
    }
}

/// The covariance of two series of the same length.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_covariance(
    stats: *const SignalStats,
    first: *const f64,
    first_count: usize,
    second: *const f64,
    second_count: usize,
    degrees_of_freedom: u32,
    covariance: *mut f64,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_covariance", stats, |_, regions| {
            let first = regions.input(first, first_count, "first")?;
            let second = regions.input(second, second_count, "second")?;
            let out = regions.result(covariance, "covariance")?;
            out.write(signal_stats::covariance(first, second, degrees_of_freedom).map_err(failure)?);
            Ok(())
        })
    }
}

/// Writes the quantile of each probability; `interpolation` is a `SignalStatsInterpolation`. `scratch` is as long as `values` and
/// overwritten, `quantiles` as long as `probabilities`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_quantiles(
    stats: *const SignalStats,
    values: *const f64,
    count: usize,
    probabilities: *const f64,
    probabilities_count: usize,
    interpolation: u32,
    scratch: *mut f64,
    scratch_count: usize,
    quantiles: *mut f64,
    quantiles_count: usize,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_quantiles", stats, |_, regions| {
            let values = regions.input(values, count, "values")?;
            let probabilities = regions.input(probabilities, probabilities_count, "probabilities")?;
            let scratch = regions.output(scratch, scratch_count, "scratch")?;
            let quantiles = regions.output(quantiles, quantiles_count, "quantiles")?;
            let kind = number_of(interpolation)?;
            signal_stats::quantiles(values, probabilities, kind, scratch, quantiles).map_err(failure)?;
            Ok(())
        })
    }
}

/// Adds the values to the counts of as many bins of the same width. A bin has its lower edge, and the last one both.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_histogram(
    stats: *const SignalStats,
    bins: *const SignalStatsBins,
    values: *const f64,
    count: usize,
    counts: *mut u64,
    counts_count: usize,
    outside: *mut SignalStatsOutside,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_histogram", stats, |_, regions| {
            let range = memory::versioned(bins, "bins")?;
            regions.read(Region::of_versioned(bins));
            reserved(range.reserved)?;
            let values = regions.input(values, count, "values")?;
            let counts = regions.output(counts, counts_count, "counts")?;
            let out = regions.result(outside, "outside")?;
            let bins = Bins::new(range.lower, range.upper, counts.len()).map_err(failure)?;
            let rest = bins.count(values, counts).map_err(failure)?;
            out.write(SignalStatsOutside {
                below: rest.below,
                above: rest.above,
                nans: rest.nans,
            });
            Ok(())
        })
    }
}

/// Filters a signal before which there were zeros. `filtered` is as long as `values`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_filter(
    stats: *const SignalStats,
    values: *const f64,
    count: usize,
    taps: *const f64,
    taps_count: usize,
    filtered: *mut f64,
    filtered_count: usize,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_filter", stats, |_, regions| {
            let values = regions.input(values, count, "values")?;
            let taps = regions.input(taps, taps_count, "taps")?;
            let filtered = regions.output(filtered, filtered_count, "filtered")?;
            signal_stats::fir(values, taps, filtered).map_err(failure)?;
            Ok(())
        })
    }
}

/// Writes a statistic, a `SignalStatsRolling`, of each window of so many values: `count - window + 1` results.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_rolling(
    stats: *const SignalStats,
    values: *const f64,
    count: usize,
    window: usize,
    statistic: u32,
    statistics: *mut f64,
    statistics_count: usize,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_rolling", stats, |_, regions| {
            let values = regions.input(values, count, "values")?;
            let statistics = regions.output(statistics, statistics_count, "statistics")?;
            let kind = statistic_of(statistic)?;
            signal_stats::rolling(values, window, kind, statistics).map_err(failure)?;
            Ok(())
        })
    }
}

/// Resamples by `up / down` through the taps of a low pass: `count * up / down` results, rounded up.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_resample(
    stats: *const SignalStats,
    values: *const f64,
    count: usize,
    up: usize,
    down: usize,
    taps: *const f64,
    taps_count: usize,
    resampled: *mut f64,
    resampled_count: usize,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_resample", stats, |_, regions| {
            let values = regions.input(values, count, "values")?;
            let taps = regions.input(taps, taps_count, "taps")?;
            let resampled = regions.output(resampled, resampled_count, "resampled")?;
            signal_stats::resample(values, up, down, taps, resampled).map_err(failure)?;
            Ok(())
        })
    }
}

/// The CRC-32 (IEEE 802.3) of the values as little-endian bytes.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_checksum(
    stats: *const SignalStats,
    values: *const f64,
    count: usize,
    checksum: *mut u32,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_checksum", stats, |_, regions| {
            let values = regions.input(values, count, "values")?;
            let out = regions.result(checksum, "checksum")?;
            out.write(signal_stats::checksum(values));
            Ok(())
        })
    }
}
