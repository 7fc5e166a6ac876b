//! Mean, variance and covariance.

use crate::canonical::nan;
use crate::double::Double;
use crate::{Error, ExactSum};

/// Sums are made in so many lanes, so that a machine may compute them side by side and all get the same.
const LANES: usize = 4;

/// The mean, correctly rounded: at most half a unit in the last place from the exact one, whatever is cancelled.
///
/// NaN if a NaN is among the values, or infinities of both signs. It never overflows.
///
/// # Errors
///
/// [`Error::TooFew`] without any value.
pub fn mean(values: &[f64]) -> Result<f64, Error> {
    if values.is_empty() {
        return Err(Error::TooFew);
    }
    let mut sum = ExactSum::new();
    sum.extend(values);
    Ok(sum.mean())
}

/// The variance: the sum of the squares of the differences from the mean, divided by `n - degrees_of_freedom`
/// (1 for a sample, 0 for all there is).
///
/// In two passes: the differences from the correctly rounded mean and their squares are summed in twice the precision,
/// and what the rounding of the mean brings in is taken out (Chan, Golub and `LeVeque` 1983, with compensation). At most 1
/// unit in the last place from the exact variance for up to 2³² values. NaN if a NaN or an infinity is among them.
///
/// # Errors
///
/// [`Error::TooFew`] unless there are more values than degrees of freedom.
pub fn variance(values: &[f64], degrees_of_freedom: u32) -> Result<f64, Error> {
    let divisor = divisor(values.len(), degrees_of_freedom)?;
    let Some(scaled) = Scaled::new(values) else {
        return Ok(nan());
    };
    Ok(moment(&scaled, &scaled, divisor))
}

/// The covariance of two series of the same length, as [`variance`].
///
/// At most 1 unit in the last place, and 2⁻⁹⁰ of the mean of the products' magnitudes, from the exact covariance.
///
/// # Errors
///
/// [`Error::LengthMismatch`], and [`Error::TooFew`] unless there are more pairs than degrees of freedom.
pub fn covariance(first: &[f64], second: &[f64], degrees_of_freedom: u32) -> Result<f64, Error> {
    if first.len() != second.len() {
        return Err(Error::LengthMismatch);
    }
    let divisor = divisor(first.len(), degrees_of_freedom)?;
    let (Some(one), Some(other)) = (Scaled::new(first), Scaled::new(second)) else {
        return Ok(nan());
    };
    Ok(moment(&one, &other, divisor))
}

fn divisor(count: usize, degrees_of_freedom: u32) -> Result<usize, Error> {
    let divisor = count.checked_sub(degrees_of_freedom as usize);
    divisor.filter(|divisor| *divisor > 0).ok_or(Error::TooFew)
}

fn moment(first: &Scaled<'_>, second: &Scaled<'_>, divisor: usize) -> f64 {
    let [products, firsts, seconds] = sums(first, second);
    let correction = firsts.times(seconds).divided(number(first.values.len()));
    let result = products.plus(correction.negative()).divided(number(divisor));
    // 0 and not -0, if nothing is left.
    libm::scalbn(result.high, first.exponent + second.exponent) + 0.0
}

/// Values times a power of two: no square of a difference overflows, and none that matters underflows.
struct Scaled<'a> {
    values: &'a [f64],
    factor: f64,
    exponent: i32,
    mean: f64,
}

impl<'a> Scaled<'a> {
    /// None if a value is not finite.
    fn new(values: &'a [f64]) -> Option<Self> {
        let mut sum = ExactSum::new();
        sum.extend(values);
        let mean = sum.mean();
        let greatest = values.iter().fold(0.0_f64, |greatest, value| {
            let magnitude = value.abs();
            if magnitude > greatest { magnitude } else { greatest }
        });
        if !mean.is_finite() || greatest == f64::INFINITY {
            return None;
        }
        let exponent = libm::frexp(greatest).1.clamp(-1000, 1022);
        let factor = libm::scalbn(1.0, -exponent);
        Some(Self {
            values,
            factor,
            exponent,
            mean: mean * factor,
        })
    }

    #[inline]
    fn difference(&self, value: f64) -> Double {
        Double::sum(value * self.factor, -self.mean)
    }
}

/// The sums of the products of the differences, and of the differences.
fn sums(first: &Scaled<'_>, second: &Scaled<'_>) -> [Double; 3] {
    let mut lanes = [[Double::default(); 3]; LANES];
    let (ones, others) = (first.values.chunks(LANES), second.values.chunks(LANES));
    for (ones, others) in ones.zip(others) {
        for ((lane, one), other) in lanes.iter_mut().zip(ones).zip(others) {
            let (one, other) = (first.difference(*one), second.difference(*other));
            lane[0] = lane[0].plus(one.times(other));
            lane[1] = lane[1].plus(one);
            lane[2] = lane[2].plus(other);
        }
    }
    let [a, b, c, d] = lanes;
    [0, 1, 2].map(|which| a[which].plus(b[which]).plus(c[which].plus(d[which])))
}

/// A count, exact up to 2⁵³.
#[allow(clippy::cast_precision_loss, reason = "no memory holds 2⁵³ values")]
pub(crate) fn number(count: usize) -> f64 {
    count as f64
}
