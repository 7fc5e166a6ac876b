//! Another sampling rate, by a rational factor.

use crate::Error;
use crate::canonical::canonical;

/// How many values come of `count`: `count * up / down`, rounded up.
///
/// # Errors
///
/// [`Error::InvalidArgument`] for a factor of 0, and where the length is more than a computer counts.
pub fn resampled_length(count: usize, up: usize, down: usize) -> Result<usize, Error> {
    if up == 0 || down == 0 {
        return Err(Error::InvalidArgument);
    }
    let raised = count.checked_mul(up).ok_or(Error::InvalidArgument)?;
    Ok(raised.div_ceil(down))
}

/// Resamples by `up / down`: puts `up - 1` zeros behind each value, filters with the taps, and keeps each `down`-th
/// result, without computing the others (polyphase). `out[m]` is the sum of `taps[k] * values[(m * down - k) / up]` over
/// all k for which that index is whole and exists, in the order of k.
///
/// Taps with a sum of `up` keep the level; the signal is delayed by half of their number.
///
/// # Errors
///
/// [`Error::TooFew`] without any tap, those of [`resampled_length`], which is the length of `out`
/// ([`Error::LengthMismatch`]).
pub fn resample(values: &[f64], up: usize, down: usize, taps: &[f64], out: &mut [f64]) -> Result<(), Error> {
    if taps.is_empty() {
        return Err(Error::TooFew);
    }
    if resampled_length(values.len(), up, down)? != out.len() {
        return Err(Error::LengthMismatch);
    }
    for (index, out) in out.iter_mut().enumerate() {
        let position = index * down;
        let (newest, phase) = (position / up, position % up);
        let past = values[..=newest].iter().rev();
        let taps = taps.iter().skip(phase).step_by(up);
        *out = canonical(taps.zip(past).fold(0.0, |sum, (tap, value)| sum + tap * value));
    }
    Ok(())
}
