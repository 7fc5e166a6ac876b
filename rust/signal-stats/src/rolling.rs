//! Statistics of a window that moves over the values.

use crate::canonical::nan;
use crate::moments::variance;
use crate::{Error, ExactSum};

/// What is computed of each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rolling {
    /// The mean, correctly rounded: what left a window leaves no trace. The time does not depend on the window.
    Mean,
    /// The variance of a sample, computed anew for each window: the time grows with it.
    Variance,
    /// The smallest value; -0 is smaller than 0.
    Minimum,
    /// The greatest value.
    Maximum,
}

/// How many windows there are.
///
/// # Errors
///
/// [`Error::InvalidArgument`] for a window of nothing, and [`Error::TooFew`] if there are not as many values.
pub fn rolling_length(count: usize, window: usize) -> Result<usize, Error> {
    if window == 0 {
        return Err(Error::InvalidArgument);
    }
    Ok(count.checked_sub(window).ok_or(Error::TooFew)? + 1)
}

/// Writes the statistic of each window of the values, from the first. NaN where a window holds one.
///
/// # Errors
///
/// Those of [`rolling_length`], which is the length of `out` ([`Error::LengthMismatch`]), and [`Error::InvalidArgument`]
/// for the variance of windows of one value.
pub fn rolling(values: &[f64], window: usize, statistic: Rolling, out: &mut [f64]) -> Result<(), Error> {
    if rolling_length(values.len(), window)? != out.len() {
        return Err(Error::LengthMismatch);
    }
    match statistic {
        Rolling::Mean => means(values, window, out),
        Rolling::Variance => {
            if window == 1 {
                return Err(Error::InvalidArgument);
            }
            for (values, out) in values.windows(window).zip(out) {
                *out = variance(values, 1)?;
            }
        }
        Rolling::Minimum => extremes(values, window, out, |a, b| a.total_cmp(&b).is_lt()),
        Rolling::Maximum => extremes(values, window, out, |a, b| a.total_cmp(&b).is_gt()),
    }
    Ok(())
}

fn means(values: &[f64], window: usize, out: &mut [f64]) {
    let mut sum = ExactSum::new();
    sum.extend(&values[..window - 1]);
    for ((new, old), out) in values[window - 1..].iter().zip(values).zip(out) {
        sum.add(*new);
        *out = sum.mean();
        sum.remove(*old);
    }
}

/// Looks through a window again only when its extreme value, or a NaN, has left it.
fn extremes(values: &[f64], window: usize, out: &mut [f64], is_better: impl Fn(f64, f64) -> bool) {
    // The last of the best values, or the last NaN.
    let better = |a: f64, b: f64| a.is_nan() || (!b.is_nan() && !is_better(b, a));
    let best_of = |start: usize| {
        let positions = start..start + window;
        positions.reduce(|best, next| if better(values[next], values[best]) { next } else { best })
    };
    let mut best = None;
    for (start, out) in out.iter_mut().enumerate() {
        let newest = start + window - 1;
        best = match best {
            Some(kept) if kept >= start && better(values[newest], values[kept]) => Some(newest),
            Some(kept) if kept >= start => Some(kept),
            _ => best_of(start),
        };
        let value = best.map_or(f64::NAN, |best| values[best]);
        *out = if value.is_nan() { nan() } else { value };
    }
}
