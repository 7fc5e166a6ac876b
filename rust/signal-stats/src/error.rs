//! Why there is no result.

use std::fmt;

/// Why there is no result. Nothing was written to any output then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// There are too few values for the result to be defined.
    TooFew,
    /// Two buffers do not have the lengths that belong together.
    LengthMismatch,
    /// A parameter is outside of its range.
    InvalidArgument,
    /// A spectrum has a length that is no power of two.
    NotPowerOfTwo,
    /// A block is not what its checksum was computed of.
    ChecksumMismatch,
    /// The stream was finished.
    StreamEnded,
}

impl Error {
    /// All there are.
    pub const ALL: [Self; 6] = [
        Self::TooFew,
        Self::LengthMismatch,
        Self::InvalidArgument,
        Self::NotPowerOfTwo,
        Self::ChecksumMismatch,
        Self::StreamEnded,
    ];
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TooFew => "too few values",
            Self::LengthMismatch => "the lengths of the buffers do not belong together",
            Self::InvalidArgument => "a parameter is outside of its range",
            Self::NotPowerOfTwo => "the length is no power of two",
            Self::ChecksumMismatch => "the block is not what its checksum was computed of",
            Self::StreamEnded => "the stream was finished",
        })
    }
}

impl std::error::Error for Error {}
