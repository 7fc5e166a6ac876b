//! The outcomes that every interface has, and a failure with its message on the way to the caller.

use std::fmt;

/// The most bytes of a message: one that quotes what the caller wrote is not as long as that may be.
pub const MAX_MESSAGE: usize = 1024;

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
#[derive(Clone, Debug, PartialEq, Eq)]
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
            message: cut(message),
        }
    }

    /// The same failure, with the place in an array where it happened.
    #[must_use]
    pub fn at(self, index: usize) -> Self {
        Self {
            message: cut(format_args!("item {index}: {}", self.message)),
            ..self
        }
    }
}

/// A message of at most [`MAX_MESSAGE`] bytes; one that was longer ends with an ellipsis.
pub fn cut(message: impl fmt::Display) -> String {
    let mut text = message.to_string();
    if text.len() > MAX_MESSAGE {
        text.truncate(text.floor_char_boundary(MAX_MESSAGE - '…'.len_utf8()));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{MAX_MESSAGE, cut};

    #[test]
    fn messages_are_cut_between_characters() {
        assert_eq!(cut("ä".repeat(MAX_MESSAGE / 2)), "ä".repeat(MAX_MESSAGE / 2));
        let long = cut("ä".repeat(MAX_MESSAGE));
        assert!(long.ends_with("ä…") && (MAX_MESSAGE - 1..=MAX_MESSAGE).contains(&long.len()));
    }
}
