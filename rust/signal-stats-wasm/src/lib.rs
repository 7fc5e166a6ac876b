//! The WebAssembly interface: converts between the types of the WIT world and those of the core, and nothing else.
//!
//! The world is `wit/signal-stats.wit`; it is the documentation of this interface.

// The generated code is held to its generator's standards, not to ours.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::undocumented_unsafe_blocks
)]
#[allow(clippy::multiple_unsafe_ops_per_block, unused_qualifications)]
mod bindings {
    wit_bindgen::generate!({ world: "signal-stats", path: "wit" });
    use super::Component;
    export!(Component);
}

use signal_stats::{Bins, Biquad, BiquadCoefficients, QuantileSketch, Spectrum};

pub use bindings::Guest;
pub use bindings::ferrule::signal_stats::types::{Error, Histogram, Interpolation, Section, Statistic, Window};

/// What exports the world. Outside of WebAssembly the fuzzers call it.
pub struct Component;

impl Guest for Component {
    fn mean(values: Vec<f64>) -> Result<f64, Error> {
        signal_stats::mean(&values).map_err(error)
    }

    fn variance(values: Vec<f64>, degrees_of_freedom: u32) -> Result<f64, Error> {
        signal_stats::variance(&values, degrees_of_freedom).map_err(error)
    }

    fn covariance(first: Vec<f64>, second: Vec<f64>, degrees_of_freedom: u32) -> Result<f64, Error> {
        signal_stats::covariance(&first, &second, degrees_of_freedom).map_err(error)
    }

    fn quantiles(values: Vec<f64>, probabilities: Vec<f64>, kind: Interpolation) -> Result<Vec<f64>, Error> {
        let kind = match kind {
            Interpolation::Linear => signal_stats::Interpolation::Linear,
            Interpolation::Lower => signal_stats::Interpolation::Lower,
            Interpolation::Higher => signal_stats::Interpolation::Higher,
        };
        let mut scratch = vec![0.0; values.len()];
        results(probabilities.len(), |out| {
            signal_stats::quantiles(&values, &probabilities, kind, &mut scratch, out)
        })
    }

    fn sketch_quantiles(values: Vec<f64>, probabilities: Vec<f64>, precision: u32) -> Result<Vec<f64>, Error> {
        let mut sketch = QuantileSketch::new(precision).map_err(error)?;
        sketch.extend(&values);
        results(probabilities.len(), |out| sketch.quantiles(&probabilities, out))
    }

    fn count_bins(values: Vec<f64>, lower: f64, upper: f64, bins: u32) -> Result<Histogram, Error> {
        let mut counts = zeros(bins as usize)?;
        let bins = Bins::new(lower, upper, counts.len()).map_err(error)?;
        let outside = bins.count(&values, &mut counts).map_err(error)?;
        Ok(Histogram {
            counts,
            below: outside.below,
            above: outside.above,
            nans: outside.nans,
        })
    }

    fn filter(values: Vec<f64>, taps: Vec<f64>) -> Result<Vec<f64>, Error> {
        results(values.len(), |out| signal_stats::fir(&values, &taps, out))
    }

    fn biquad(values: Vec<f64>, sections: Vec<Section>) -> Result<Vec<f64>, Error> {
        let sections: Vec<BiquadCoefficients> = sections.into_iter().map(coefficients).collect();
        let mut filter = Biquad::new(&sections).map_err(error)?;
        results(values.len(), |out| filter.process(&values, out))
    }

    fn power(values: Vec<f64>, shape: Window) -> Result<Vec<f64>, Error> {
        let shape = match shape {
            Window::Rectangular => signal_stats::Window::Rectangular,
            Window::Hann => signal_stats::Window::Hann,
        };
        let mut spectrum = Spectrum::new(values.len()).map_err(error)?;
        results(values.len() / 2 + 1, |out| spectrum.power(&values, shape, out))
    }

    fn rolling(values: Vec<f64>, width: u32, kind: Statistic) -> Result<Vec<f64>, Error> {
        let kind = match kind {
            Statistic::Mean => signal_stats::Rolling::Mean,
            Statistic::Variance => signal_stats::Rolling::Variance,
            Statistic::Minimum => signal_stats::Rolling::Minimum,
            Statistic::Maximum => signal_stats::Rolling::Maximum,
        };
        let length = signal_stats::rolling_length(values.len(), width as usize).map_err(error)?;
        results(length, |out| signal_stats::rolling(&values, width as usize, kind, out))
    }

    fn resample(values: Vec<f64>, up: u32, down: u32, taps: Vec<f64>) -> Result<Vec<f64>, Error> {
        let (up, down) = (up as usize, down as usize);
        let length = signal_stats::resampled_length(values.len(), up, down).map_err(error)?;
        results(length, |out| signal_stats::resample(&values, up, down, &taps, out))
    }

    fn checksum(values: Vec<f64>) -> u32 {
        signal_stats::checksum(&values)
    }
}

fn results(
    length: usize,
    write: impl FnOnce(&mut [f64]) -> Result<(), signal_stats::Error>,
) -> Result<Vec<f64>, Error> {
    let mut out = zeros(length)?;
    write(&mut out).map_err(error)?;
    Ok(out)
}

/// What asks for more memory than there is ends in an error, not in the end of the instance.
fn zeros<T: Clone + Default>(length: usize) -> Result<Vec<T>, Error> {
    let mut values = Vec::new();
    values.try_reserve_exact(length).map_err(|_| Error::InvalidArgument)?;
    values.resize(length, T::default());
    Ok(values)
}

fn coefficients(section: Section) -> BiquadCoefficients {
    BiquadCoefficients {
        b0: section.b0,
        b1: section.b1,
        b2: section.b2,
        a1: section.a1,
        a2: section.a2,
    }
}

fn error(error: signal_stats::Error) -> Error {
    match error {
        signal_stats::Error::TooFew => Error::TooFew,
        signal_stats::Error::LengthMismatch => Error::LengthMismatch,
        signal_stats::Error::InvalidArgument => Error::InvalidArgument,
        signal_stats::Error::NotPowerOfTwo => Error::NotPowerOfTwo,
        signal_stats::Error::ChecksumMismatch => Error::ChecksumMismatch,
        signal_stats::Error::StreamEnded => Error::StreamEnded,
    }
}
