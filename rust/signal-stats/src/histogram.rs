//! Histograms of bins of the same width.

use crate::Error;
use crate::moments::number;

/// Bins between two bounds. A bin has its lower edge and not its upper one; the last has both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bins {
    lower: f64,
    upper: f64,
    count: usize,
}

/// The values that are in no bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outside {
    /// Smaller than the lower bound.
    pub below: u64,
    /// Greater than the upper bound.
    pub above: u64,
    /// Not a number.
    pub nans: u64,
}

impl Bins {
    /// `count` bins from `lower` to `upper`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] unless there is a bin, and the bounds and their difference are finite and in order.
    pub fn new(lower: f64, upper: f64, count: usize) -> Result<Self, Error> {
        let is_valid = count > 0 && lower < upper && (upper - lower).is_finite();
        is_valid
            .then_some(Self { lower, upper, count })
            .ok_or(Error::InvalidArgument)
    }

    /// The lower edge of a bin, or the upper bound: `lower + (upper - lower) * (index / count)`, each operation rounded.
    #[must_use]
    pub fn edge(&self, index: usize) -> f64 {
        if index >= self.count {
            return self.upper;
        }
        self.lower + (self.upper - self.lower) * (number(index) / number(self.count))
    }

    /// Adds the values to the counts of the bins, of which there are as many as bins.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`].
    pub fn count(&self, values: &[f64], counts: &mut [u64]) -> Result<Outside, Error> {
        if counts.len() != self.count {
            return Err(Error::LengthMismatch);
        }
        let mut outside = Outside::default();
        // A first guess alone, which may even overflow: the edges decide.
        let per_unit = number(self.count) / (self.upper - self.lower);
        for value in values {
            if (self.lower..=self.upper).contains(value) {
                counts[self.index(*value, per_unit)] += 1;
            } else if *value < self.lower {
                outside.below += 1;
            } else if *value > self.upper {
                outside.above += 1;
            } else {
                outside.nans += 1;
            }
        }
        Ok(outside)
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the conversion is defined for all values"
    )]
    fn index(&self, value: f64, per_unit: f64) -> usize {
        let last = self.count - 1;
        let mut index = (((value - self.lower) * per_unit) as usize).min(last);
        while index > 0 && value < self.edge(index) {
            index -= 1;
        }
        while index < last && value >= self.edge(index + 1) {
            index += 1;
        }
        index
    }
}
