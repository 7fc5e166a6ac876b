//! A signal in blocks, with back-pressure: a producer pushes what fits, a consumer pops what is whole.

use std::collections::VecDeque;

use crate::canonical::{canonical, nan};
use crate::{Error, ExactSum, Fir, checksum, variance};

/// Blocks of a signal that were pushed and not popped yet. All memory is allocated when it is made: a block that was
/// popped is used again.
#[derive(Clone, Debug)]
pub struct Stream {
    free: Vec<Vec<f64>>,
    whole: VecDeque<Vec<f64>>,
    filling: Option<Vec<f64>>,
    block_length: usize,
    filter: Option<Fir>,
    is_finished: bool,
}

/// What a block was, before the filter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlockReport {
    /// How many values it has: the block length, or fewer for the last.
    pub length: usize,
    /// As [`crate::mean`].
    pub mean: f64,
    /// As [`crate::variance`] of a sample; 0 for a single finite value.
    pub variance: f64,
    /// As [`checksum`].
    pub checksum: u32,
}

impl Stream {
    /// The most values that all blocks together may have: 2²⁷, which are 1 GiB.
    pub const MAX_VALUES: usize = 1 << 27;

    /// The most blocks: 2²⁰. Each costs its own memory, however few values it has.
    pub const MAX_BLOCKS: usize = 1 << 20;

    /// A stream of so many blocks of so many values, whose values go through a filter when they are popped.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] for none, or beyond [`Self::MAX_VALUES`] or [`Self::MAX_BLOCKS`].
    pub fn new(blocks: usize, block_length: usize, filter: Option<Fir>) -> Result<Self, Error> {
        let total = blocks.checked_mul(block_length).ok_or(Error::InvalidArgument)?;
        if !(1..=Self::MAX_VALUES).contains(&total) || blocks > Self::MAX_BLOCKS {
            return Err(Error::InvalidArgument);
        }
        Ok(Self {
            free: (0..blocks).map(|_| Vec::with_capacity(block_length)).collect(),
            whole: VecDeque::with_capacity(blocks),
            filling: None,
            block_length,
            filter,
            is_finished: false,
        })
    }

    /// Takes as many values as there is room for, and says how many: fewer than all if the consumer has to pop first.
    ///
    /// # Errors
    ///
    /// [`Error::StreamEnded`] after [`Self::finish`].
    pub fn push(&mut self, values: &[f64]) -> Result<usize, Error> {
        if self.is_finished {
            return Err(Error::StreamEnded);
        }
        let mut taken = 0;
        while taken < values.len() {
            let Some(mut block) = self.filling.take().or_else(|| self.free.pop()) else {
                break;
            };
            let length = (self.block_length - block.len()).min(values.len() - taken);
            block.extend_from_slice(&values[taken..taken + length]);
            taken += length;
            if block.len() == self.block_length {
                self.whole.push_back(block);
            } else {
                self.filling = Some(block);
            }
        }
        Ok(taken)
    }

    /// As [`Self::push`], if the checksum is that of the values. Nothing is taken otherwise.
    ///
    /// # Errors
    ///
    /// [`Error::ChecksumMismatch`], and those of [`Self::push`].
    pub fn push_checked(&mut self, values: &[f64], expected: u32) -> Result<usize, Error> {
        if checksum(values) != expected {
            return Err(Error::ChecksumMismatch);
        }
        self.push(values)
    }

    /// No more values come: the block that is not full is whole as it is. Doing so again changes nothing.
    pub fn finish(&mut self) {
        self.is_finished = true;
        self.whole.extend(self.filling.take());
    }

    /// How many blocks can be popped.
    #[must_use]
    pub fn ready(&self) -> usize {
        self.whole.len()
    }

    /// Writes the oldest whole block, filtered, to the start of `out`, and says what it was. None if there is no whole
    /// block.
    ///
    /// # Errors
    ///
    /// [`Error::LengthMismatch`] if `out` is shorter than the block length; the block stays.
    pub fn pop(&mut self, out: &mut [f64]) -> Result<Option<BlockReport>, Error> {
        if out.len() < self.block_length {
            return Err(Error::LengthMismatch);
        }
        let Some(mut block) = self.whole.pop_front() else {
            return Ok(None);
        };
        let report = report(&block);
        let out = &mut out[..block.len()];
        match &mut self.filter {
            Some(filter) => filter.process(&block, out)?,
            None => out
                .iter_mut()
                .zip(&block)
                .for_each(|(out, value)| *out = canonical(*value)),
        }
        block.clear();
        self.free.push(block);
        Ok(Some(report))
    }
}

fn report(values: &[f64]) -> BlockReport {
    let mut sum = ExactSum::new();
    sum.extend(values);
    let degrees_of_freedom = u32::from(values.len() > 1);
    BlockReport {
        length: values.len(),
        mean: sum.mean(),
        variance: variance(values, degrees_of_freedom).unwrap_or_else(|_| nan()),
        checksum: checksum(values),
    }
}
