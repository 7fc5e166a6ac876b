//! The closed set of failures. A message says what the caller can change, and nothing of keys, texts or inner states.

use std::fmt;

/// Why an operation gave no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Error {
    /// A message, or a batch as a whole, is longer than `MAX_LENGTH`.
    TooLong = 4,
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
    /// The stream has ended, by its end or by a failure.
    StreamEnded = 27,
    /// There is not enough memory for the result.
    OutOfMemory = 28,
}

impl Error {
    /// All of them, by number.
    pub const ALL: [Self; 14] = [
        Self::TooLong,
        Self::UnknownAlgorithm,
        Self::NotAllowed,
        Self::WrongKey,
        Self::InvalidKey,
        Self::InvalidNonce,
        Self::InvalidLength,
        Self::Malformed,
        Self::UnsupportedVersion,
        Self::Rejected,
        Self::Exhausted,
        Self::EntropyFailed,
        Self::StreamEnded,
        Self::OutOfMemory,
    ];

    /// Its number in envelopes and in the C interface. It never changes; 0 is success.
    #[must_use]
    pub fn code(self) -> u16 {
        self as u16
    }

    /// The failure of a number.
    #[must_use]
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.code() == code)
    }

    /// What it says to people.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::TooLong => "the message is too long; use a stream",
            Self::UnknownAlgorithm => "there is no such algorithm",
            Self::NotAllowed => "the policy does not allow this",
            Self::WrongKey => "this key is not for this",
            Self::InvalidKey => "these bytes are no key of this algorithm",
            Self::InvalidNonce => "the nonce does not have the length that the algorithm asks for",
            Self::InvalidLength => "the algorithm cannot make a result of this length",
            Self::Malformed => "this is no envelope of this operation",
            Self::UnsupportedVersion => "the envelope is of a version that this release does not know",
            Self::Rejected => "not genuine",
            Self::Exhausted => "used as often as is safe; take a new key",
            Self::EntropyFailed => "the source of random bytes failed",
            Self::StreamEnded => "the stream has ended",
            Self::OutOfMemory => "not enough memory for the result",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::Error;

    #[test]
    fn every_number_leads_back_and_every_message_is_its_own() {
        for error in Error::ALL {
            assert_eq!(Error::from_code(error.code()), Some(error));
            let same = Error::ALL.iter().filter(|other| other.message() == error.message());
            assert_eq!(same.count(), 1, "{error}");
        }
        assert_eq!(Error::from_code(0), None);
    }
}
