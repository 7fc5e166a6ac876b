//! The outcomes that every interface has, and a failure with its message on the way to the caller.

use std::fmt;

/// A library's closed enum of outcomes. The constants are those of its variants that this crate returns.
pub trait Status: Copy + 'static {
    /// It worked, and every out-pointer was written.
    const OK: Self;
    /// A pointer is null that must not be.
    const NULL_POINTER: Self;
    /// A pointer does not have the alignment of what it points to.
    const MISALIGNED: Self;
    /// The memory for a result overlaps other memory of the same call.
    const OVERLAP: Self;
    /// A length or a count is beyond its limit.
    const TOO_LONG: Self;
    /// A text is not UTF-8.
    const NOT_UTF8: Self;
    /// A structure has an impossible size or asks for what only a newer library knows.
    const INVALID_STRUCT: Self;
    /// A fault of the library, which was contained.
    const INTERNAL: Self;
    /// The message of a contained fault.
    const FAULT: &'static str;
}

/// A status other than `OK`, with its message.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure<S> {
    /// What is returned.
    pub status: S,
    /// What `last_error` tells.
    pub message: String,
}

impl<S> Failure<S> {
    /// A failure with a message for people.
    pub fn new(status: S, message: impl fmt::Display) -> Self {
        Self {
            status,
            message: message.to_string(),
        }
    }

    /// The same failure, with the place in an array where it happened.
    #[must_use]
    pub fn at(self, index: usize) -> Self {
        Self {
            message: format!("item {index}: {}", self.message),
            ..self
        }
    }
}
