//! The closed set of outcomes, and a failure with its message on the way to the caller.

use std::fmt;

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
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: EmailValidatorStatus,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(status: EmailValidatorStatus, message: impl fmt::Display) -> Self {
        Self {
            status,
            message: message.to_string(),
        }
    }

    /// The same failure, with the place in an array where it happened.
    pub(crate) fn at(self, index: usize) -> Self {
        Self {
            message: format!("item {index}: {}", self.message),
            ..self
        }
    }
}
