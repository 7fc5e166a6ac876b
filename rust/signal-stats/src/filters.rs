//! Filters with finite and with infinite response.

use core::f64::consts::PI;

use crate::Error;
use crate::canonical::canonical;
use crate::moments::number;

/// So many results are computed side by side; each sums its products in the order of the taps.
const LANES: usize = 8;

/// Filters a signal before which there were zeros: `out[i]` is the sum of `taps[k] * values[i - k]`, in the order of k.
///
/// A tap of 0 times an infinity is NaN, as IEEE 754 has it.
///
/// # Errors
///
/// [`Error::TooFew`] without any tap, and [`Error::LengthMismatch`] unless `out` is as long as `values`.
pub fn fir(values: &[f64], taps: &[f64], out: &mut [f64]) -> Result<(), Error> {
    if taps.is_empty() {
        return Err(Error::TooFew);
    }
    if values.len() != out.len() {
        return Err(Error::LengthMismatch);
    }
    let before = (taps.len() - 1).min(values.len());
    let (head, rest) = out.split_at_mut(before);
    for (index, out) in head.iter_mut().enumerate() {
        let past = values[..=index].iter().rev();
        *out = canonical(taps.iter().zip(past).fold(0.0, |sum, (tap, value)| sum + tap * value));
    }
    whole(values, taps, rest);
    Ok(())
}

/// The results for which every tap has a value: `out[i]` belongs to `values[i + taps.len() - 1]`.
fn whole(values: &[f64], taps: &[f64], out: &mut [f64]) {
    let last = taps.len() - 1;
    for (block, out) in out.chunks_mut(LANES).enumerate() {
        let start = block * LANES + last;
        let mut sums = [0.0; LANES];
        if out.len() == LANES {
            for (k, tap) in taps.iter().enumerate() {
                let values = &values[start - k..start - k + LANES];
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum += tap * value;
                }
            }
        } else {
            for (k, tap) in taps.iter().enumerate() {
                let values = &values[start - k..start - k + out.len()];
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum += tap * value;
                }
            }
        }
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = canonical(sum);
        }
    }
}

/// A filter with finite response that remembers: a signal in pieces gives what [`fir`] gives for the whole.
#[derive(Clone, Debug)]
pub struct Fir {
    taps: Vec<f64>,
    /// As many values as taps, the newest first from `newest` on, around the end.
    past: Vec<f64>,
    newest: usize,
    /// How many values there were, up to the number of taps: before them is nothing, and not a zero that an infinite tap
    /// would turn into NaN.
    filled: usize,
}

impl Fir {
    /// A filter before whose signal there were zeros.
    ///
    /// # Errors
    ///
    /// [`Error::TooFew`] without any tap.
    pub fn new(taps: &[f64]) -> Result<Self, Error> {
        if taps.is_empty() {
            return Err(Error::TooFew);
        }
        Ok(Self {
            taps: taps.to_vec(),
            past: vec![0.0; taps.len()],
            newest: 0,
            filled: 0,
        })
    }

    /// Filters the next piece of the signal.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] unless `out` is as long as `values`.
    pub fn process(&mut self, values: &[f64], out: &mut [f64]) -> Result<(), Error> {
        if values.len() != out.len() {
            return Err(Error::LengthMismatch);
        }
        for (value, out) in values.iter().zip(out) {
            *out = self.step(*value);
        }
        Ok(())
    }

    fn step(&mut self, value: f64) -> f64 {
        let length = self.past.len();
        self.newest = if self.newest == 0 { length - 1 } else { self.newest - 1 };
        self.past[self.newest] = value;
        self.filled = (self.filled + 1).min(length);
        let (older, newer) = self.past.split_at(self.newest);
        let past = newer.iter().chain(older).take(self.filled);
        canonical(
            self.taps
                .iter()
                .zip(past)
                .fold(0.0, |sum, (tap, value)| sum + tap * value),
        )
    }
}

/// The coefficients of a section, divided by `a0`: `y = b0 x + b1 x₋₁ + b2 x₋₂ - a1 y₋₁ - a2 y₋₂`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BiquadCoefficients {
    /// Of the value itself.
    pub b0: f64,
    /// Of the value before.
    pub b1: f64,
    /// Of the value before that.
    pub b2: f64,
    /// Of the result before.
    pub a1: f64,
    /// Of the result before that.
    pub a2: f64,
}

impl BiquadCoefficients {
    /// A low pass (Bristow-Johnson's cookbook): `frequency` as a part of the sampling rate, between 0 and a half.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] for another frequency, or a quality that is not positive and finite.
    pub fn low_pass(frequency: f64, quality: f64) -> Result<Self, Error> {
        let (cosine, alpha) = prototype(frequency, quality)?;
        let b1 = 1.0 - cosine;
        Ok(Self::normalized([b1 / 2.0, b1, b1 / 2.0], cosine, alpha))
    }

    /// A high pass, as [`Self::low_pass`].
    ///
    /// # Errors
    ///
    /// Those of [`Self::low_pass`].
    pub fn high_pass(frequency: f64, quality: f64) -> Result<Self, Error> {
        let (cosine, alpha) = prototype(frequency, quality)?;
        let b1 = 1.0 + cosine;
        Ok(Self::normalized([b1 / 2.0, -b1, b1 / 2.0], cosine, alpha))
    }

    /// A band pass with a gain of 1 in its middle, as [`Self::low_pass`].
    ///
    /// # Errors
    ///
    /// Those of [`Self::low_pass`].
    pub fn band_pass(frequency: f64, quality: f64) -> Result<Self, Error> {
        let (cosine, alpha) = prototype(frequency, quality)?;
        Ok(Self::normalized([alpha, 0.0, -alpha], cosine, alpha))
    }

    fn normalized([b0, b1, b2]: [f64; 3], cosine: f64, alpha: f64) -> Self {
        let a0 = 1.0 + alpha;
        Self {
            b0: b0 / a0,
            b1: b1 / a0,
            b2: b2 / a0,
            a1: -2.0 * cosine / a0,
            a2: (1.0 - alpha) / a0,
        }
    }
}

fn prototype(frequency: f64, quality: f64) -> Result<(f64, f64), Error> {
    let is_valid = frequency > 0.0 && frequency < 0.5 && quality > 0.0 && quality.is_finite();
    if !is_valid {
        return Err(Error::InvalidArgument);
    }
    let angle = 2.0 * PI * frequency;
    Ok((libm::cos(angle), libm::sin(angle) / (2.0 * quality)))
}

/// Sections of second order one after the other, each in the transposed direct form II. It remembers, so that a signal
/// may come in pieces. What is subnormal stays so; after a NaN or an infinity, results are what IEEE 754 makes of it.
#[derive(Clone, Debug)]
pub struct Biquad {
    sections: Vec<Section>,
}

#[derive(Clone, Debug)]
struct Section {
    coefficients: BiquadCoefficients,
    first: f64,
    second: f64,
}

impl Biquad {
    /// A filter before whose signal there were zeros.
    ///
    /// # Errors
    ///
    /// [`Error::TooFew`] without any section, and [`Error::InvalidArgument`] if a coefficient is not finite.
    pub fn new(sections: &[BiquadCoefficients]) -> Result<Self, Error> {
        if sections.is_empty() {
            return Err(Error::TooFew);
        }
        let all = |section: &BiquadCoefficients| [section.b0, section.b1, section.b2, section.a1, section.a2];
        if !sections.iter().flat_map(all).all(f64::is_finite) {
            return Err(Error::InvalidArgument);
        }
        let section = |coefficients: &BiquadCoefficients| Section {
            coefficients: *coefficients,
            first: 0.0,
            second: 0.0,
        };
        Ok(Self {
            sections: sections.iter().map(section).collect(),
        })
    }

    /// Filters the next piece of the signal.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] unless `out` is as long as `values`.
    pub fn process(&mut self, values: &[f64], out: &mut [f64]) -> Result<(), Error> {
        if values.len() != out.len() {
            return Err(Error::LengthMismatch);
        }
        for (value, out) in values.iter().zip(out) {
            *out = canonical(
                self.sections
                    .iter_mut()
                    .fold(*value, |value, section| section.step(value)),
            );
        }
        Ok(())
    }
}

impl Section {
    fn step(&mut self, value: f64) -> f64 {
        let BiquadCoefficients { b0, b1, b2, a1, a2 } = self.coefficients;
        let result = b0 * value + self.first;
        self.first = (b1 * value - a1 * result) + self.second;
        self.second = b2 * value - a2 * result;
        result
    }
}

/// Writes the taps of a low pass with linear phase: a sinc in a Hann window, with a sum of about 1. `cutoff` is a part of
/// the sampling rate, between 0 and a half.
///
/// # Errors
///
/// [`Error::TooFew`] without any tap, and [`Error::InvalidArgument`] for another cutoff.
pub fn low_pass_taps(cutoff: f64, taps: &mut [f64]) -> Result<(), Error> {
    if taps.is_empty() {
        return Err(Error::TooFew);
    }
    if !(cutoff > 0.0 && cutoff < 0.5) {
        return Err(Error::InvalidArgument);
    }
    let length = number(taps.len());
    let middle = (length - 1.0) / 2.0;
    for (index, tap) in taps.iter_mut().enumerate() {
        let distance = number(index) - middle;
        let sinc = if distance == 0.0 {
            2.0 * cutoff
        } else {
            libm::sin(2.0 * PI * cutoff * distance) / (PI * distance)
        };
        // Without zeros at the ends, which would be taps for nothing.
        let window = 0.5 + 0.5 * libm::cos(2.0 * PI * distance / (length + 1.0));
        *tap = sinc * window;
    }
    let sum = taps.iter().fold(0.0, |sum, tap| sum + tap);
    if sum != 0.0 {
        for tap in taps {
            *tap /= sum;
        }
    }
    Ok(())
}
