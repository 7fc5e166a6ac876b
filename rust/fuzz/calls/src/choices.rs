//! Where arguments come from: the bytes of a fuzzer, or a generator that is the same in every run.

/// A source of choices.
pub enum Choices<'a> {
    /// A fuzzer's bytes; after the last one everything is 0.
    Bytes(&'a [u8]),
    /// The state of a generator.
    Seed(u64),
}

impl Choices<'_> {
    /// Whether there is anything left to choose by.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Bytes([]))
    }

    /// Eight bits.
    pub fn byte(&mut self) -> u8 {
        match self {
            Self::Bytes(bytes) => {
                let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
                *bytes = rest;
                *first
            }
            // The generator of Knuth's MMIX; its high bits are the good ones.
            Self::Seed(state) => {
                *state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (*state >> 56) as u8
            }
        }
    }

    /// Less than `sides`, which are at most 65,536.
    pub fn below(&mut self, sides: usize) -> usize {
        let high = if sides > 256 { usize::from(self.byte()) << 8 } else { 0 };
        (high | usize::from(self.byte())) % sides
    }

    /// True once in so many times, 256 at most.
    pub fn one_in(&mut self, times: usize) -> bool {
        // The last side: what a fuzzer leaves open is a good argument.
        self.below(times) == times - 1
    }

    /// One of them.
    pub fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    /// 64 bits.
    pub fn word(&mut self) -> u64 {
        match self {
            Self::Bytes(_) => u64::from_le_bytes(std::array::from_fn(|_| self.byte())),
            Self::Seed(state) => {
                *state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                *state ^ *state >> 32
            }
        }
    }

    /// A number of 32 bits that a function may know, or any.
    pub fn number(&mut self, known: &[u32]) -> u32 {
        if self.one_in(8) {
            self.word() as u32
        } else {
            self.pick(known)
        }
    }
}
