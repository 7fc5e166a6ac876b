//! Spectra, by a fast Fourier transform.
//!
//! Home-made (Cooley and Tukey 1965, radix 2), because `rustfft` chooses its algorithm by what the processor offers and
//! takes its sines from the machine's library, so that its results differ from one machine to another.

use core::f64::consts::PI;

use crate::Error;
use crate::canonical::canonical;
use crate::moments::number;

/// By what values are multiplied before they are transformed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Window {
    /// By 1.
    #[default]
    Rectangular,
    /// Hann's, periodic: `0.5 - 0.5 cos(2πi/n)`.
    Hann,
}

/// The transform of one length, a power of two up to 2²⁴, with its sines and its memory.
///
/// Each part of the result is at most `4 log₂(n) 2⁻⁵³` of the square root of the sum of the squares of all of it away
/// from the exact one, unless something overflows.
#[derive(Clone, Debug)]
pub struct Spectrum {
    /// e^(-2πik/n) for k up to n/2.
    turns: Vec<(f64, f64)>,
    buffer: Vec<(f64, f64)>,
}

impl Spectrum {
    /// The greatest length.
    pub const MAX_LENGTH: usize = 1 << 24;

    /// A transform of so many values.
    ///
    /// # Errors
    ///
    /// [`Error::NotPowerOfTwo`], and [`Error::InvalidArgument`] beyond [`Self::MAX_LENGTH`].
    pub fn new(length: usize) -> Result<Self, Error> {
        if !length.is_power_of_two() {
            return Err(Error::NotPowerOfTwo);
        }
        if length > Self::MAX_LENGTH {
            return Err(Error::InvalidArgument);
        }
        let turn = |index: usize| turn(index, length);
        Ok(Self {
            turns: (0..length / 2).map(turn).collect(),
            buffer: vec![(0.0, 0.0); length],
        })
    }

    /// How many values it transforms.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Writes the real and the imaginary parts of the transform of real values, for the frequencies 0 to half of the
    /// sampling rate: `n / 2 + 1` each. Nothing is scaled.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`].
    pub fn transform(
        &mut self,
        values: &[f64],
        window: Window,
        real: &mut [f64],
        imaginary: &mut [f64],
    ) -> Result<(), Error> {
        self.check(values, real)?;
        self.check(values, imaginary)?;
        self.run(values, window);
        for ((value, real), imaginary) in self.buffer.iter().zip(real).zip(imaginary) {
            (*real, *imaginary) = (canonical(value.0), canonical(value.1));
        }
        Ok(())
    }

    /// Writes the squares of the magnitudes of the transform, as [`Self::transform`].
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`].
    pub fn power(&mut self, values: &[f64], window: Window, out: &mut [f64]) -> Result<(), Error> {
        self.check(values, out)?;
        self.run(values, window);
        for (value, out) in self.buffer.iter().zip(out) {
            *out = canonical(value.0 * value.0 + value.1 * value.1);
        }
        Ok(())
    }

    fn check(&self, values: &[f64], out: &[f64]) -> Result<(), Error> {
        let is_valid = values.len() == self.len() && out.len() == self.len() / 2 + 1;
        is_valid.then_some(()).ok_or(Error::LengthMismatch)
    }

    fn run(&mut self, values: &[f64], window: Window) {
        let length = self.len();
        for (index, value) in values.iter().enumerate() {
            let factor = match window {
                Window::Rectangular => 1.0,
                Window::Hann => 0.5 - 0.5 * self.cosine(index),
            };
            self.buffer[reversed(index, length)] = (value * factor, 0.0);
        }
        let mut half = 1;
        while half < length {
            let stride = length / (2 * half);
            for block in self.buffer.chunks_exact_mut(2 * half) {
                let (lower, upper) = block.split_at_mut(half);
                let turns = self.turns.iter().step_by(stride);
                for ((low, high), (cosine, sine)) in lower.iter_mut().zip(upper).zip(turns) {
                    let real = high.0 * cosine - high.1 * sine;
                    let imaginary = high.0 * sine + high.1 * cosine;
                    *high = (low.0 - real, low.1 - imaginary);
                    *low = (low.0 + real, low.1 + imaginary);
                }
            }
            half *= 2;
        }
    }

    /// cos(2πi/n).
    fn cosine(&self, index: usize) -> f64 {
        let half = self.turns.len();
        match self.turns.get(index) {
            Some(turn) => turn.0,
            None if half == 0 => 1.0,
            None => -self.turns[index - half].0,
        }
    }
}

/// e^(-2πik/n), for k below n/2: an angle of at most an eighth of a turn, so that what is symmetric is so to the bit.
fn turn(index: usize, length: usize) -> (f64, f64) {
    let quarter = length / 4;
    if index > quarter {
        let (cosine, sine) = turn(2 * quarter - index, length);
        return (-cosine, sine);
    }
    if 2 * index > quarter {
        let angle = 2.0 * PI * (number(quarter - index) / number(length));
        return (libm::sin(angle), -libm::cos(angle));
    }
    let angle = 2.0 * PI * (number(index) / number(length));
    (libm::cos(angle), -libm::sin(angle))
}

/// The bits of an index in the opposite order.
fn reversed(index: usize, length: usize) -> usize {
    if length == 1 {
        return 0;
    }
    index.reverse_bits() >> (usize::BITS - length.trailing_zeros())
}
