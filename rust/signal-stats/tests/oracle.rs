//! What is promised of the error, against exact arithmetic.
//!
//! `SIGNAL_STATS_CASES=10000 cargo test --release -p signal-stats --test oracle` takes longer over it.

mod exact;

use exact::{covariance as exact_covariance, exact as rational, is_near, magnitude, mean as exact_mean, series, whole};
use num_rational::BigRational;
use proptest::prelude::*;
use signal_stats::{
    ExactSum, Interpolation, QuantileSketch, Rolling, Window, covariance, mean, quantiles, rolling, variance,
};

fn cases() -> u32 {
    let number = std::env::var("SIGNAL_STATS_CASES");
    number.map_or(40, |number| number.parse().expect("a number"))
}

fn tiny(bits: usize) -> BigRational {
    (0..bits).fold(whole(1), |value, _| value / whole(2))
}

/// Whether a value's square is neither beyond the range nor below it.
fn is_representable(value: &BigRational) -> bool {
    *value == whole(0) || (magnitude(value) < rational(f64::MAX) && magnitude(value) > rational(f64::MIN_POSITIVE))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn means_are_correctly_rounded(values in series()) {
        let expected = exact_mean(&values);
        let result = mean(&values).expect("there are values");
        prop_assert!(is_near(result, &expected, 1, &whole(0)), "{result:e}");
        let mut reverse = values.clone();
        reverse.reverse();
        prop_assert_eq!(mean(&reverse).map(f64::to_bits), Ok(result.to_bits()));
    }

    #[test]
    fn sums_are_correctly_rounded_and_forget_what_is_removed(values in series(), others in series()) {
        let mut sum = ExactSum::new();
        sum.extend(&values);
        sum.extend(&others);
        for value in &others {
            sum.remove(*value);
        }
        let expected = exact_mean(&values) * whole(values.len());
        if magnitude(&expected) < rational(f64::MAX) {
            prop_assert!(is_near(sum.sum(), &expected, 1, &whole(0)));
        }
    }

    #[test]
    fn variances_are_within_one_unit(values in series(), degrees_of_freedom in 0_u32..2) {
        prop_assume!(values.len() > 1);
        let (expected, _) = exact_covariance(&values, &values, values.len() - degrees_of_freedom as usize);
        let result = variance(&values, degrees_of_freedom).expect("there are values");
        if is_representable(&expected) {
            prop_assert!(is_near(result, &expected, 2, &whole(0)), "{result:e}");
        } else if expected > whole(1) {
            prop_assert!(result >= f64::MAX);
        } else {
            prop_assert!(is_near(result, &expected, 2, &whole(0)));
        }
        prop_assert_eq!(covariance(&values, &values, degrees_of_freedom), Ok(result));
    }

    #[test]
    fn covariances_are_within_their_bound(pairs in prop::collection::vec((-1e3_f64..1e3, -1e6_f64..1e6), 2..60)) {
        let (first, second): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        let (expected, size) = exact_covariance(&first, &second, first.len() - 1);
        let result = covariance(&first, &second, 1).expect("there are values");
        prop_assert!(is_near(result, &expected, 2, &(size * tiny(90))));
    }

    #[test]
    fn quantiles_are_within_one_unit(values in series(), probabilities in prop::collection::vec(0.0_f64..=1.0, 1..9)) {
        let (mut scratch, mut results) = (vec![0.0; values.len()], vec![0.0; probabilities.len()]);
        quantiles(&values, &probabilities, Interpolation::Linear, &mut scratch, &mut results).expect("quantiles");
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        for (probability, result) in probabilities.iter().zip(results) {
            let position = rational(*probability) * whole(sorted.len() - 1);
            let index = (0..sorted.len()).rfind(|index| whole(*index) <= position).expect("0 is one");
            let (lower, higher) = (sorted[index], sorted[(index + 1).min(sorted.len() - 1)]);
            let expected = rational(lower) + (rational(higher) - rational(lower)) * (position - whole(index));
            let size = rational(lower.abs().max(higher.abs()));
            prop_assert!(is_near(result, &expected, 2, &(size * tiny(90))), "{result:e}");
        }
    }

    #[test]
    fn sketches_keep_their_bound(values in series(), probability in 0.0_f64..=1.0, precision in 1_u32..=12) {
        let mut sketch = QuantileSketch::new(precision).expect("a precision");
        let (half, other) = values.split_at(values.len() / 2);
        sketch.extend(half);
        let mut second = QuantileSketch::new(precision).expect("a precision");
        second.extend(other);
        sketch.merge(&second).expect("the same precision");
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let expected = sorted[(probability * (sorted.len() - 1) as f64) as usize];
        let result = sketch.quantile(probability).expect("there are values");
        let size = rational(expected.abs().max(result.abs()).max(f64::MIN_POSITIVE));
        let error = magnitude(&(rational(result) - rational(expected)));
        prop_assert!(error <= size * tiny(precision as usize + 1), "{result:e} for {expected:e}");
    }

    #[test]
    fn windows_give_what_they_give_alone(values in series(), window in 2_usize..9) {
        prop_assume!(values.len() >= window);
        for statistic in [Rolling::Mean, Rolling::Variance, Rolling::Minimum, Rolling::Maximum] {
            let mut results = vec![0.0; values.len() - window + 1];
            rolling(&values, window, statistic, &mut results).expect("windows");
            for (values, result) in values.windows(window).zip(results) {
                let expected = match statistic {
                    Rolling::Mean => mean(values).expect("values"),
                    Rolling::Variance => variance(values, 1).expect("values"),
                    Rolling::Minimum => values.iter().copied().min_by(f64::total_cmp).expect("values"),
                    Rolling::Maximum => values.iter().copied().max_by(f64::total_cmp).expect("values"),
                };
                prop_assert_eq!(result.to_bits(), expected.to_bits());
            }
        }
    }
}

/// The definition, summed directly in `f64`, as sines and cosines are not rational: it is rounded too, and what is allowed
/// beyond the bound is for that.
#[test]
fn transforms_are_within_their_bound() {
    for exponent in 0..12 {
        let length = 1_usize << exponent;
        let values: Vec<f64> = (0_u32..)
            .map(|i| f64::from(i * 7919 % 1009) - 504.0)
            .take(length)
            .collect();
        let mut spectrum = signal_stats::Spectrum::new(length).expect("a power of two");
        let (mut real, mut imaginary) = (vec![0.0; length / 2 + 1], vec![0.0; length / 2 + 1]);
        spectrum
            .transform(&values, Window::Rectangular, &mut real, &mut imaginary)
            .expect("the lengths are right");
        let squares: f64 = values.iter().map(|value| value * value).sum();
        #[allow(clippy::cast_precision_loss)]
        let size = (squares * length as f64).sqrt();
        let bound = 4.0 * f64::from(exponent) * f64::EPSILON / 2.0 * size;
        for (k, (real, imaginary)) in real.iter().zip(&imaginary).enumerate() {
            let mut expected = (0.0, 0.0);
            for (i, value) in values.iter().enumerate() {
                #[allow(clippy::cast_precision_loss)]
                let angle = std::f64::consts::TAU * ((i * k % length) as f64 / length as f64);
                expected = (expected.0 + value * angle.cos(), expected.1 - value * angle.sin());
            }
            // The sum by definition has an error of its own.
            #[allow(clippy::cast_precision_loss)]
            let allowed = bound + f64::EPSILON * size * (length as f64).sqrt();
            let is_near = (real - expected.0).abs() <= allowed && (imaginary - expected.1).abs() <= allowed;
            assert!(is_near, "{length} {k}: {real} {imaginary} {expected:?}");
        }
    }
}
