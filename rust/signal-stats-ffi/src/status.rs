//! The closed set of outcomes.

use signal_stats::Error;

/// What a call came to. The set is closed for this ABI version: no other value is ever returned.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalStatsStatus {
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
    /// A structure has an impossible size, or a reserved field that is not 0.
    InvalidStruct = 6,
    /// A fault of the library. It was contained; handles can still be freed.
    Internal = 10,
    /// Two threads use one handle that remembers something at the same time.
    Busy = 11,
    /// There are too few values for the result to be defined.
    TooFew = 16,
    /// Two buffers do not have the lengths that belong together.
    LengthMismatch = 17,
    /// A parameter is outside of its range.
    InvalidArgument = 18,
    /// A spectrum has a length that is no power of two.
    NotPowerOfTwo = 19,
    /// A block is not what its checksum was computed of.
    ChecksumMismatch = 20,
    /// The stream was finished.
    StreamEnded = 21,
}

/// A status other than `Ok`, with its message.
///
/// cbindgen:ignore
pub(crate) type Failure = boundary::Failure<SignalStatsStatus>;

impl boundary::Status for SignalStatsStatus {
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

pub(crate) fn failure(error: Error) -> Failure {
    let status = match error {
        Error::TooFew => SignalStatsStatus::TooFew,
        Error::LengthMismatch => SignalStatsStatus::LengthMismatch,
        Error::InvalidArgument => SignalStatsStatus::InvalidArgument,
        Error::NotPowerOfTwo => SignalStatsStatus::NotPowerOfTwo,
        Error::ChecksumMismatch => SignalStatsStatus::ChecksumMismatch,
        Error::StreamEnded => SignalStatsStatus::StreamEnded,
    };
    Failure::new(status, error)
}
