//! The closed set of outcomes.

use sealed_box::Error;

/// What a call came to. The set is closed for this ABI version: no other value is ever returned.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedBoxStatus {
    /// It worked, and every out-pointer was written. With any other status none was.
    Ok = 0,
    /// A pointer is null that must not be.
    NullPointer = 1,
    /// A pointer does not have the alignment of what it points to.
    Misaligned = 2,
    /// The memory for a result overlaps other memory of the same call.
    Overlap = 3,
    /// A length or a count is beyond its limit.
    TooLong = 4,
    /// A text is not UTF-8.
    NotUtf8 = 5,
    /// A structure has an impossible size, a flag that is neither 0 nor 1, or a reserved field that is not 0.
    InvalidStruct = 6,
    /// A fault of the library. It was contained; handles can still be freed.
    Internal = 10,
    /// Two threads use one stream or one hash at the same time.
    Busy = 11,
    /// No algorithm has this name or number.
    UnknownAlgorithm = 16,
    /// The policy does not allow the algorithm or the operation.
    NotAllowed = 17,
    /// The key is of another algorithm, another number or another half than the operation needs.
    WrongKey = 18,
    /// The bytes are no key of this algorithm.
    InvalidKey = 19,
    /// The nonce does not have the length that the algorithm asks for.
    InvalidNonce = 20,
    /// The algorithm cannot make a result of this length.
    InvalidLength = 21,
    /// The bytes are no envelope, or one of another operation.
    Malformed = 22,
    /// The envelope is of a version that this release does not know.
    UnsupportedVersion = 23,
    /// What was checked is not genuine: sealed otherwise, altered, cut, or signed by another key.
    Rejected = 24,
    /// The key or the stream has been used as often as is safe.
    Exhausted = 25,
    /// The source of random bytes failed.
    EntropyFailed = 26,
    /// The stream or the hash has ended, by its end or by a failure.
    StreamEnded = 27,
    /// There is not enough memory for the result.
    OutOfMemory = 28,
}

/// A status other than `Ok`, with its message.
///
/// cbindgen:ignore
pub(crate) type Failure = boundary::Failure<SealedBoxStatus>;

impl boundary::Status for SealedBoxStatus {
    const OK: Self = Self::Ok;
    const NULL_POINTER: Self = Self::NullPointer;
    const MISALIGNED: Self = Self::Misaligned;
    const OVERLAP: Self = Self::Overlap;
    const TOO_LONG: Self = Self::TooLong;
    const NOT_UTF8: Self = Self::NotUtf8;
    const INVALID_STRUCT: Self = Self::InvalidStruct;
    const INTERNAL: Self = Self::Internal;
    const FAULT: &'static str = "a fault inside the library";
}

impl From<Error> for SealedBoxStatus {
    fn from(error: Error) -> Self {
        match error {
            Error::TooLong => Self::TooLong,
            Error::UnknownAlgorithm => Self::UnknownAlgorithm,
            Error::NotAllowed => Self::NotAllowed,
            Error::WrongKey => Self::WrongKey,
            Error::InvalidKey => Self::InvalidKey,
            Error::InvalidNonce => Self::InvalidNonce,
            Error::InvalidLength => Self::InvalidLength,
            Error::Malformed => Self::Malformed,
            Error::UnsupportedVersion => Self::UnsupportedVersion,
            Error::Rejected => Self::Rejected,
            Error::Exhausted => Self::Exhausted,
            Error::EntropyFailed => Self::EntropyFailed,
            Error::StreamEnded => Self::StreamEnded,
            Error::OutOfMemory => Self::OutOfMemory,
        }
    }
}

pub(crate) fn failure(error: Error) -> Failure {
    Failure::new(error.into(), error)
}

#[cfg(test)]
mod tests {
    use super::{Error, SealedBoxStatus};

    #[test]
    fn numbers_are_those_of_the_envelope() {
        for error in Error::ALL {
            assert_eq!(SealedBoxStatus::from(error) as i32, i32::from(error.code()));
        }
    }
}
