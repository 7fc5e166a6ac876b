//! Parameters that are numbers or structures in C.

use boundary::Versioned;
use signal_stats::{BiquadCoefficients, Interpolation, Rolling, Window};

use crate::status::{Failure, SignalStatsStatus};

/// What stands between two values, where a quantile falls between them.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalStatsInterpolation {
    /// The straight line between them.
    Linear = 0,
    /// The lower one.
    Lower = 1,
    /// The higher one.
    Higher = 2,
}

/// What is computed of each window.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalStatsRolling {
    /// The mean, correctly rounded.
    Mean = 0,
    /// The variance of a sample.
    Variance = 1,
    /// The smallest value.
    Minimum = 2,
    /// The greatest value.
    Maximum = 3,
}

/// By what values are multiplied before they are transformed.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalStatsWindow {
    /// By 1.
    Rectangular = 0,
    /// Hann's, periodic.
    Hann = 1,
}

/// The bounds of a histogram.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SignalStatsBins {
    /// `sizeof(SignalStatsBins)`.
    pub struct_size: u32,
    /// Must be 0.
    pub reserved: u32,
    /// The lower edge of the first bin.
    pub lower: f64,
    /// The upper edge of the last bin, which has it.
    pub upper: f64,
}

/// The values that are in no bin.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignalStatsOutside {
    /// Smaller than the lower bound.
    pub below: u64,
    /// Greater than the upper bound.
    pub above: u64,
    /// Not a number.
    pub nans: u64,
}

/// A section of second order, divided by `a0`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SignalStatsBiquadCoefficients {
    /// `sizeof(SignalStatsBiquadCoefficients)`.
    pub struct_size: u32,
    /// Must be 0.
    pub reserved: u32,
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

/// What a block of a stream was, before the filter.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SignalStatsBlock {
    /// The number of its values; 0 if no block was ready, and nothing else is set then.
    pub length: u64,
    /// Their mean, correctly rounded.
    pub mean: f64,
    /// Their variance as a sample; 0 for a single finite one.
    pub variance: f64,
    /// The CRC-32 of their little-endian bytes.
    pub checksum: u32,
    /// Always 0.
    pub reserved: u32,
}

// SAFETY: it starts with a `u32`; 0 is valid.
unsafe impl Versioned for SignalStatsBins {
    const FIRST_SIZE: usize = 24;
}

// SAFETY: as above.
unsafe impl Versioned for SignalStatsBiquadCoefficients {
    const FIRST_SIZE: usize = 48;
}

impl TryFrom<SignalStatsBiquadCoefficients> for BiquadCoefficients {
    type Error = Failure;

    fn try_from(section: SignalStatsBiquadCoefficients) -> Result<Self, Failure> {
        reserved(section.reserved)?;
        Ok(Self {
            b0: section.b0,
            b1: section.b1,
            b2: section.b2,
            a1: section.a1,
            a2: section.a2,
        })
    }
}

pub(crate) fn reserved(field: u32) -> Result<(), Failure> {
    if field == 0 {
        return Ok(());
    }
    Err(Failure::new(
        SignalStatsStatus::InvalidStruct,
        "a reserved field is not 0",
    ))
}

pub(crate) fn interpolation(number: u32) -> Result<Interpolation, Failure> {
    match number {
        0 => Ok(Interpolation::Linear),
        1 => Ok(Interpolation::Lower),
        2 => Ok(Interpolation::Higher),
        _ => Err(unknown("interpolation")),
    }
}

pub(crate) fn statistic(number: u32) -> Result<Rolling, Failure> {
    match number {
        0 => Ok(Rolling::Mean),
        1 => Ok(Rolling::Variance),
        2 => Ok(Rolling::Minimum),
        3 => Ok(Rolling::Maximum),
        _ => Err(unknown("statistic")),
    }
}

pub(crate) fn window(number: u32) -> Result<Window, Failure> {
    match number {
        0 => Ok(Window::Rectangular),
        1 => Ok(Window::Hann),
        _ => Err(unknown("window")),
    }
}

fn unknown(what: &str) -> Failure {
    Failure::new(
        SignalStatsStatus::InvalidArgument,
        format_args!("no {what} has this number"),
    )
}

impl From<signal_stats::BlockReport> for SignalStatsBlock {
    fn from(report: signal_stats::BlockReport) -> Self {
        Self {
            length: report.length as u64,
            mean: report.mean,
            variance: report.variance,
            checksum: report.checksum,
            reserved: 0,
        }
    }
}
