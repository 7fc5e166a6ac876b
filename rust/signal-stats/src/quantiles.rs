//! Exact quantiles.

use crate::Error;
use crate::canonical::nan;
use crate::double::Double;
use crate::moments::number;

/// What stands between two values, where a quantile falls between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interpolation {
    /// The straight line between them (type 7 of Hyndman and Fan 1996; the default of R and numpy).
    #[default]
    Linear,
    /// The lower one.
    Lower,
    /// The higher one.
    Higher,
}

/// Selecting each value costs less than sorting all up to so many.
const MOST_SELECTED: usize = 4;

/// Writes the quantile of each probability: what is at `probability * (n - 1)` in the sorted values. That position is
/// not rounded: 0.2 is a little more than a fifth.
///
/// `scratch` has the length of `values`, and holds them in another order afterwards; `out` has that of `probabilities`.
/// -0 is sorted before 0. NaN if a NaN is among the values. Infinities are values: between a finite one and an infinite
/// one is the infinite one, between both infinities NaN. A quantile that is a value is exact; one between two is at most 1
/// unit in the last place, and 2⁻⁹⁰ of the greater magnitude, from the exact line.
///
/// # Errors
///
/// [`Error::TooFew`] without any value, [`Error::LengthMismatch`], and [`Error::InvalidArgument`] for a probability that
/// is not from 0 to 1.
pub fn quantiles(
    values: &[f64],
    probabilities: &[f64],
    interpolation: Interpolation,
    scratch: &mut [f64],
    out: &mut [f64],
) -> Result<(), Error> {
    if values.is_empty() {
        return Err(Error::TooFew);
    }
    if scratch.len() != values.len() || out.len() != probabilities.len() {
        return Err(Error::LengthMismatch);
    }
    if !probabilities
        .iter()
        .all(|probability| (0.0..=1.0).contains(probability))
    {
        return Err(Error::InvalidArgument);
    }
    scratch.copy_from_slice(values);
    if scratch.iter().any(|value| value.is_nan()) {
        out.fill(nan());
        return Ok(());
    }
    let is_sorted = probabilities.len() > MOST_SELECTED;
    if is_sorted {
        scratch.sort_unstable_by(f64::total_cmp);
    }
    for (probability, out) in probabilities.iter().zip(out) {
        let (index, rest) = position(*probability, scratch.len());
        let (lower, higher) = if is_sorted {
            (scratch[index], scratch[(index + 1).min(scratch.len() - 1)])
        } else {
            neighbours(scratch, index)
        };
        *out = between(lower, higher, rest, interpolation);
    }
    Ok(())
}

/// The value at an index of the sorted values, and the next one.
fn neighbours(values: &mut [f64], index: usize) -> (f64, f64) {
    let (_, value, above) = values.select_nth_unstable_by(index, f64::total_cmp);
    let value = *value;
    (value, above.iter().copied().min_by(f64::total_cmp).unwrap_or(value))
}

/// The whole part of `probability * (count - 1)`, which is exact, and the rest.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "from 0 to count - 1"
)]
fn position(probability: f64, count: usize) -> (usize, Double) {
    let exact = Double::product(probability, number(count - 1));
    let whole = libm::floor(exact.high);
    // The product may have been rounded up to a whole number.
    let whole = if exact.high - whole + exact.low < 0.0 {
        whole - 1.0
    } else {
        whole
    };
    let rest = Double::sum(exact.high - whole, exact.low);
    (whole as usize, rest)
}

fn between(lower: f64, higher: f64, rest: Double, interpolation: Interpolation) -> f64 {
    if rest.high == 0.0 || lower.to_bits() == higher.to_bits() {
        return lower;
    }
    match interpolation {
        Interpolation::Lower => lower,
        Interpolation::Higher => higher,
        Interpolation::Linear => match (lower.is_finite(), higher.is_finite()) {
            (true, true) => line(lower, higher, rest),
            (true, false) => higher,
            (false, true) => lower,
            (false, false) => nan(),
        },
    }
}

/// lower + rest · (higher - lower), with values that are brought to a middle size first.
fn line(lower: f64, higher: f64, rest: Double) -> f64 {
    let greatest = libm::fmax(lower.abs(), higher.abs());
    let exponent = libm::frexp(greatest).1.clamp(-900, 1022);
    let factor = libm::scalbn(1.0, -exponent);
    let (low, high) = (lower * factor, higher * factor);
    let start = Double { high: low, low: 0.0 };
    let result = start.plus(Double::sum(high, -low).times(rest));
    libm::scalbn(result.high, exponent)
}
