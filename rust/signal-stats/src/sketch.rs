//! Quantiles of a stream, in little memory.
//!
//! Values are counted in buckets by their sign, their exponent and the first bits of their mantissa, as `HdrHistogram`
//! does. Home-made, because sketches that take the logarithm of each value get it from the machine's library, and those
//! that choose values at random promise no bound for each quantile.

use std::collections::BTreeMap;

use crate::Error;
use crate::canonical::{canonical, nan};

/// A sketch of the quantiles of any number of values.
///
/// With `b` bits of precision, a quantile is at most 2^-(b+1) of its magnitude away from the value of that rank; for
/// subnormal values, 2^-(b+1) of the smallest normal one. The order of values does not matter, and sketches of the same
/// precision can be merged without any loss. There are at most 2^(12+b) buckets of some 40 bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantileSketch {
    precision: u32,
    buckets: BTreeMap<u64, u64>,
    count: u64,
    nans: u64,
    minimum: f64,
    maximum: f64,
}

impl QuantileSketch {
    /// A sketch of nothing.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] unless the precision is from 1 to 12 bits.
    pub fn new(precision: u32) -> Result<Self, Error> {
        if !(1..=12).contains(&precision) {
            return Err(Error::InvalidArgument);
        }
        Ok(Self {
            precision,
            buckets: BTreeMap::new(),
            count: 0,
            nans: 0,
            minimum: f64::INFINITY,
            maximum: f64::NEG_INFINITY,
        })
    }

    /// How many values were added, NaN included.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count + self.nans
    }

    /// Adds values.
    pub fn extend(&mut self, values: &[f64]) {
        for value in values {
            if value.is_nan() {
                self.nans += 1;
                continue;
            }
            self.count += 1;
            *self.buckets.entry(self.bucket(*value)).or_default() += 1;
            if value.total_cmp(&self.minimum).is_lt() {
                self.minimum = *value;
            }
            if value.total_cmp(&self.maximum).is_gt() {
                self.maximum = *value;
            }
        }
    }

    /// Adds all that another sketch has counted.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] unless both have the same precision.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        if self.precision != other.precision {
            return Err(Error::InvalidArgument);
        }
        for (bucket, count) in &other.buckets {
            *self.buckets.entry(*bucket).or_default() += count;
        }
        self.count += other.count;
        self.nans += other.nans;
        if other.minimum.total_cmp(&self.minimum).is_lt() {
            self.minimum = other.minimum;
        }
        if other.maximum.total_cmp(&self.maximum).is_gt() {
            self.maximum = other.maximum;
        }
        Ok(())
    }

    /// The value of rank `probability * (n - 1)`, rounded down, within the bound of the sketch. The smallest and the
    /// greatest are exact. NaN if one was added.
    ///
    /// # Errors
    ///
    /// [`Error::TooFew`] without any value, and [`Error::InvalidArgument`] for a probability that is not from 0 to 1.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count, exact up to 2⁵³"
    )]
    pub fn quantile(&self, probability: f64) -> Result<f64, Error> {
        if !(0.0..=1.0).contains(&probability) {
            return Err(Error::InvalidArgument);
        }
        if self.nans > 0 {
            return Ok(nan());
        }
        let last = self.count.checked_sub(1).ok_or(Error::TooFew)?;
        let rank = ((probability * last as f64) as u64).min(last);
        if rank == last {
            return Ok(self.maximum);
        }
        if rank == 0 {
            return Ok(self.minimum);
        }
        let mut below = 0;
        let bucket = self.buckets.iter().find_map(|(bucket, count)| {
            below += count;
            (below > rank).then_some(*bucket)
        });
        let value = self.middle(bucket.ok_or(Error::TooFew)?);
        Ok(match (value.total_cmp(&self.minimum), value.total_cmp(&self.maximum)) {
            (std::cmp::Ordering::Less, _) => self.minimum,
            (_, std::cmp::Ordering::Greater) => self.maximum,
            _ => canonical(value),
        })
    }

    /// Writes the quantile of each probability, as [`Self::quantile`].
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`], and those of [`Self::quantile`].
    pub fn quantiles(&self, probabilities: &[f64], out: &mut [f64]) -> Result<(), Error> {
        if probabilities.len() != out.len() {
            return Err(Error::LengthMismatch);
        }
        // Nothing is written if there is an error.
        probabilities
            .iter()
            .try_for_each(|probability| self.quantile(*probability).map(|_| ()))?;
        for (probability, out) in probabilities.iter().zip(out) {
            *out = self.quantile(*probability)?;
        }
        Ok(())
    }

    /// Numbers in the order of the values.
    fn bucket(&self, value: f64) -> u64 {
        let bits = value.to_bits();
        let ordered = if bits >> 63 == 1 { !bits } else { bits | (1 << 63) };
        ordered >> (52 - self.precision)
    }

    /// The middle of a bucket; an infinity has one for itself.
    fn middle(&self, bucket: u64) -> f64 {
        let dropped = 52 - self.precision;
        let ordered = bucket << dropped;
        let (bits, is_negative) = if bucket >> (11 + self.precision) == 1 {
            (ordered & !(1 << 63), false)
        } else {
            (!(ordered | ((1 << dropped) - 1)) & !(1 << 63), true)
        };
        let magnitude = if bits == f64::INFINITY.to_bits() {
            f64::INFINITY
        } else {
            f64::from_bits(bits + (1 << (dropped - 1)))
        };
        if is_negative { -magnitude } else { magnitude }
    }
}
