//! The batch functions give what the core gives, to the bit.

use proptest::prelude::*;
use signal_stats::{Bins, Interpolation, Rolling};

use super::{Stats, Status, size};
use crate::{
    SignalStatsBins, SignalStatsOutside, signal_stats_checksum, signal_stats_covariance, signal_stats_filter,
    signal_stats_histogram, signal_stats_mean, signal_stats_quantiles, signal_stats_resample, signal_stats_rolling,
    signal_stats_variance,
};

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn all_are_those_of_the_core(values in prop::collection::vec(prop::num::f64::ANY, 2..40), window in 2_usize..5) {
        prop_assume!(values.len() >= window);
        let stats = Stats::new();
        let (data, count) = (values.as_ptr(), values.len());
        let mut one = 0.0;
        // SAFETY: what the pointers point to lives until the call returns; so everywhere below.
        prop_assert_eq!(unsafe { signal_stats_mean(stats.0, data, count, &raw mut one) }, Status::Ok);
        prop_assert_eq!(Ok(one.to_bits()), signal_stats::mean(&values).map(f64::to_bits));
        // SAFETY: as above.
        prop_assert_eq!(unsafe { signal_stats_variance(stats.0, data, count, 1, &raw mut one) }, Status::Ok);
        prop_assert_eq!(Ok(one.to_bits()), signal_stats::variance(&values, 1).map(f64::to_bits));
        let other: Vec<f64> = values.iter().rev().copied().collect();
        // SAFETY: as above.
        let status = unsafe { signal_stats_covariance(stats.0, data, count, other.as_ptr(), count, 0, &raw mut one) };
        prop_assert_eq!(status, Status::Ok);
        prop_assert_eq!(Ok(one.to_bits()), signal_stats::covariance(&values, &other, 0).map(f64::to_bits));

        let probabilities = [0.0, 0.3, 0.5];
        let (mut scratch, mut results, mut expected) = (vec![0.0; count], [0.0; 3], [0.0; 3]);
        // SAFETY: as above.
        let status = unsafe {
            signal_stats_quantiles(
                stats.0, data, count, probabilities.as_ptr(), 3, 2, scratch.as_mut_ptr(), count, results.as_mut_ptr(), 3,
            )
        };
        prop_assert_eq!(status, Status::Ok);
        signal_stats::quantiles(&values, &probabilities, Interpolation::Higher, &mut scratch, &mut expected).expect("ok");
        prop_assert_eq!(bits(&results), bits(&expected));

        let bins = SignalStatsBins { struct_size: size::<SignalStatsBins>(), reserved: 0, lower: -1e3, upper: 1e300 };
        let (mut counts, mut expected, mut outside) = ([0; 7], [0; 7], SignalStatsOutside::default());
        // SAFETY: as above.
        let status = unsafe {
            signal_stats_histogram(stats.0, &raw const bins, data, count, counts.as_mut_ptr(), 7, &raw mut outside)
        };
        prop_assert_eq!(status, Status::Ok);
        let rest = Bins::new(-1e3, 1e300, 7).and_then(|bins| bins.count(&values, &mut expected)).expect("bins");
        prop_assert_eq!(counts, expected);
        prop_assert_eq!((outside.below, outside.above, outside.nans), (rest.below, rest.above, rest.nans));

        let taps = [0.25, -0.5, 3.0];
        let (mut filtered, mut expected) = (vec![0.0; count], vec![0.0; count]);
        // SAFETY: as above.
        let status = unsafe {
            signal_stats_filter(stats.0, data, count, taps.as_ptr(), 3, filtered.as_mut_ptr(), count)
        };
        prop_assert_eq!(status, Status::Ok);
        signal_stats::fir(&values, &taps, &mut expected).expect("the lengths are the same");
        prop_assert_eq!(bits(&filtered), bits(&expected));

        for (number, statistic) in [Rolling::Mean, Rolling::Variance, Rolling::Minimum, Rolling::Maximum].into_iter().enumerate() {
            let length = count - window + 1;
            let number = u32::try_from(number).expect("small");
            // SAFETY: as above.
            let status = unsafe {
                signal_stats_rolling(stats.0, data, count, window, number, filtered.as_mut_ptr(), length)
            };
            prop_assert_eq!(status, Status::Ok);
            signal_stats::rolling(&values, window, statistic, &mut expected[..length]).expect("windows");
            prop_assert_eq!(bits(&filtered[..length]), bits(&expected[..length]));
        }

        let length = signal_stats::resampled_length(count, 3, 2).expect("a length");
        let (mut results, mut expected) = (vec![0.0; length], vec![0.0; length]);
        // SAFETY: as above.
        let status = unsafe {
            signal_stats_resample(stats.0, data, count, 3, 2, taps.as_ptr(), 3, results.as_mut_ptr(), length)
        };
        prop_assert_eq!(status, Status::Ok);
        signal_stats::resample(&values, 3, 2, &taps, &mut expected).expect("the lengths are right");
        prop_assert_eq!(bits(&results), bits(&expected));

        let mut sum = 0;
        // SAFETY: as above.
        prop_assert_eq!(unsafe { signal_stats_checksum(stats.0, data, count, &raw mut sum) }, Status::Ok);
        prop_assert_eq!(sum, signal_stats::checksum(&values));
    }
}
