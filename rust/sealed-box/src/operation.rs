//! What can be done with a key, by number.

use crate::error::Error;

/// What is done with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Operation {
    /// Bytes become a key.
    Import = 1,
    /// Random bytes become a key.
    Generate = 2,
    /// A key becomes bytes.
    Export = 3,
    /// A message becomes an envelope.
    Seal = 4,
    /// An envelope becomes a message.
    Open = 5,
    /// A message is sealed with the caller's nonce, without an envelope.
    Encrypt = 6,
    /// The opposite of `Encrypt`.
    Decrypt = 7,
    /// A stream of messages is sealed.
    SealStream = 8,
    /// The opposite of `SealStream`.
    OpenStream = 9,
    /// A keyed hash is computed or checked.
    Hash = 10,
    /// A key or bytes are derived from a key.
    Derive = 11,
    /// A message is signed.
    Sign = 12,
    /// A signature is verified.
    Verify = 13,
    /// Two parties agree on a key.
    Agree = 14,
}

impl Operation {
    /// All of them, by number.
    pub const ALL: [Self; 14] = [
        Self::Import,
        Self::Generate,
        Self::Export,
        Self::Seal,
        Self::Open,
        Self::Encrypt,
        Self::Decrypt,
        Self::SealStream,
        Self::OpenStream,
        Self::Hash,
        Self::Derive,
        Self::Sign,
        Self::Verify,
        Self::Agree,
    ];

    /// Its number in envelopes and in the C interface. It never changes.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The operation of a number.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`].
    pub fn from_number(number: u8) -> Result<Self, Error> {
        let mut all = Self::ALL.into_iter();
        all.find(|operation| operation.number() == number)
            .ok_or(Error::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::Operation;

    #[test]
    fn every_number_leads_back() {
        for operation in Operation::ALL {
            assert_eq!(Operation::from_number(operation.number()), Ok(operation));
        }
        assert!(Operation::from_number(0).is_err() && Operation::from_number(15).is_err());
    }
}
