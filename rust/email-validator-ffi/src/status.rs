//! The closed set of outcomes.

/// What a call came to. The set is closed for this ABI version: no other value is ever returned.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailValidatorStatus {
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
    /// `blocked_emails` names a type that does not exist.
    UnknownEmailType = 7,
    /// A blocked type needs a look-up, and its callback is null.
    MissingCallback = 8,
    /// A look-up returned neither 0 nor 1.
    CallbackFailed = 9,
    /// A fault of the library. It was contained; the validator can still be used and freed.
    Internal = 10,
}

/// A status other than `Ok`, with its message.
///
/// cbindgen:ignore
pub(crate) type Failure = boundary::Failure<EmailValidatorStatus>;

impl boundary::Status for EmailValidatorStatus {
    const OK: Self = Self::Ok;
    const NULL_POINTER: Self = Self::NullPointer;
    const MISALIGNED: Self = Self::Misaligned;
    const OVERLAP: Self = Self::Overlap;
    const TOO_LONG: Self = Self::TooLong;
    const NOT_UTF8: Self = Self::NotUtf8;
    const INVALID_STRUCT: Self = Self::InvalidStruct;
    const INTERNAL: Self = Self::Internal;
    const FAULT: &'static str = "a fault inside the library; the address may be the reason";
}
