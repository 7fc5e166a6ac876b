//! Statistics, filters and spectra of `f64` signals, with the same bits on every machine.
//!
//! ```
//! use signal_stats::{Interpolation, mean, quantiles, variance};
//!
//! let values = [1e100, 1.0, -1e100, 3.0];
//! assert_eq!(mean(&values), Ok(1.0));
//! assert_eq!(variance(&[1.0, 2.0, 4.0], 1), Ok(7.0 / 3.0));
//! let (mut scratch, mut median) = ([0.0; 4], [0.0]);
//! quantiles(&values, &[0.5], Interpolation::Linear, &mut scratch, &mut median)?;
//! assert_eq!(median, [2.0]);
//! # Ok::<(), signal_stats::Error>(())
//! ```
//!
//! Batch functions borrow the caller's values and write to the caller's buffers; nothing is allocated by them. What
//! streams has a type that allocates once, when it is made.
//!
//! Results are the same bits everywhere, because every operation is one that IEEE 754 rounds correctly (`+ - * /`) or an
//! integer's, in an order that the source fixes; there is no fused multiply-add, no function of the machine's
//! mathematical library (sines are those of the crate `libm`), and any NaN in a result is `0x7ff8_0000_0000_0000`.
//! Subnormal values are kept. Loops are written in lanes of a fixed number, so that a compiler may use SIMD without
//! changing an order; code that is chosen by what the processor offers is left out, as it would sum in another order.
//! The checksum is the exception: `crc32fast` uses instructions that its target has, and with its feature `std`, which
//! is off here, those that it finds in the processor. A CRC is one of integers, and the same by every road.

#![forbid(unsafe_code)]

mod canonical;
mod checksum;
mod double;
mod error;
mod exact_sum;
mod filters;
mod histogram;
mod moments;
mod quantiles;
mod resampling;
mod rolling;
mod sketch;
mod spectrum;
mod stream;

pub use checksum::checksum;
pub use error::Error;
pub use exact_sum::ExactSum;
pub use filters::{Biquad, BiquadCoefficients, Fir, fir, low_pass_taps};
pub use histogram::{Bins, Outside};
pub use moments::{covariance, mean, variance};
pub use quantiles::{Interpolation, quantiles};
pub use resampling::{resample, resampled_length};
pub use rolling::{Rolling, rolling, rolling_length};
pub use sketch::QuantileSketch;
pub use spectrum::{Spectrum, Window};
pub use stream::{BlockReport, Stream};
