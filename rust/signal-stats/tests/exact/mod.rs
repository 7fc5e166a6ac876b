//! The oracle: rational numbers, which hold every finite `f64` and every result of `+ - * /` exactly. Nothing has to be
//! rounded to compare with it, as would be the case with MPFR.

use num_rational::BigRational;
use proptest::prelude::*;

pub(crate) fn exact(value: f64) -> BigRational {
    BigRational::from_float(value).expect("a finite value")
}

pub(crate) fn whole(count: usize) -> BigRational {
    BigRational::from_integer(count.into())
}

/// The distance of a value's neighbour.
fn unit(value: f64) -> BigRational {
    // The greatest value has no finite neighbour above.
    let bits = value.abs().to_bits().min(f64::MAX.to_bits() - 1);
    exact(f64::from_bits(bits + 1)) - exact(f64::from_bits(bits))
}

pub(crate) fn magnitude(value: &BigRational) -> BigRational {
    if *value < whole(0) {
        -value.clone()
    } else {
        value.clone()
    }
}

/// At most so many halves of a unit in the last place of the result, and so much more.
pub(crate) fn is_near(result: f64, expected: &BigRational, halves: usize, more: &BigRational) -> bool {
    let error = magnitude(&(exact(result) - expected));
    error <= unit(result) * whole(halves) / whole(2) + more
}

pub(crate) fn mean(values: &[f64]) -> BigRational {
    values.iter().map(|value| exact(*value)).sum::<BigRational>() / whole(values.len())
}

/// The mean product of the differences from the means, and that of their magnitudes.
pub(crate) fn covariance(first: &[f64], second: &[f64], divisor: usize) -> (BigRational, BigRational) {
    let means = (mean(first), mean(second));
    let products = first.iter().zip(second);
    let products: Vec<_> = products
        .map(|(one, other)| (exact(*one) - &means.0) * (exact(*other) - &means.1))
        .collect();
    let magnitudes: BigRational = products.iter().map(magnitude).sum();
    (
        products.into_iter().sum::<BigRational>() / whole(divisor),
        magnitudes / whole(divisor),
    )
}

/// Values that are hard to sum: of any size, of one size, with an offset that cancels, few that differ.
pub(crate) fn series() -> impl Strategy<Value = Vec<f64>> {
    let any = proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO;
    let offset = (-1e12_f64..1e12, prop::collection::vec(-1.0_f64..1.0, 1..40))
        .prop_map(|(offset, values)| values.into_iter().map(|value| offset + value).collect());
    let few = prop::collection::vec(
        prop::sample::select(vec![
            1.0,
            1.0 + f64::EPSILON,
            f64::MAX,
            -f64::MAX,
            5e-324,
            -5e-324,
            -0.0,
        ]),
        1..20,
    );
    prop_oneof![
        prop::collection::vec(any, 1..20),
        prop::collection::vec(-1e3_f64..1e3, 1..60),
        offset,
        few,
    ]
}
