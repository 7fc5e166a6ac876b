//! The algorithms, their names and numbers.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::error::Error;
use crate::operation::Operation;

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum Algorithm {
    /// AES-256-GCM (NIST SP 800-38D), nonces of 96 bits. A key seals at most 2³² messages, as nonces are random.
    Aes256Gcm = 0x0101,
    /// ChaCha20-Poly1305 (RFC 8439). A key seals at most 2³² messages, as nonces are random.
    ChaCha20Poly1305 = 0x0102,
    /// XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha): nonces of 192 bits, which can be random for as long as one likes.
    XChaCha20Poly1305 = 0x0103,
    /// AES-256-GCM-SIV (RFC 8452): a nonce that is used twice tells only whether the message was the same.
    Aes256GcmSiv = 0x0104,
    /// HMAC-SHA-256 (RFC 2104, FIPS 180-4).
    HmacSha256 = 0x0201,
    /// HMAC-SHA-512 (RFC 2104, FIPS 180-4).
    HmacSha512 = 0x0202,
    /// HKDF-SHA-256 (RFC 5869).
    HkdfSha256 = 0x0301,
    /// Ed25519 (RFC 8032), verified strictly: points of small order are refused.
    Ed25519 = 0x0401,
    /// X25519 (RFC 7748); a shared secret of zeros is refused.
    X25519 = 0x0501,
}

impl Algorithm {
    /// All of them, by number.
    pub const ALL: [Self; 9] = [
        Self::Aes256Gcm,
        Self::ChaCha20Poly1305,
        Self::XChaCha20Poly1305,
        Self::Aes256GcmSiv,
        Self::HmacSha256,
        Self::HmacSha512,
        Self::HkdfSha256,
        Self::Ed25519,
        Self::X25519,
    ];

    /// Its number in envelopes and in the C interface. It never changes.
    #[must_use]
    pub fn number(self) -> u16 {
        self as u16
    }

    /// The algorithm of a number.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownAlgorithm`].
    pub fn from_number(number: u16) -> Result<Self, Error> {
        let mut all = Self::ALL.into_iter();
        all.find(|algorithm| algorithm.number() == number)
            .ok_or(Error::UnknownAlgorithm)
    }

    /// Its name, as configurations write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aes256Gcm => "AES-256-GCM",
            Self::ChaCha20Poly1305 => "ChaCha20-Poly1305",
            Self::XChaCha20Poly1305 => "XChaCha20-Poly1305",
            Self::Aes256GcmSiv => "AES-256-GCM-SIV",
            Self::HmacSha256 => "HMAC-SHA-256",
            Self::HmacSha512 => "HMAC-SHA-512",
            Self::HkdfSha256 => "HKDF-SHA-256",
            Self::Ed25519 => "Ed25519",
            Self::X25519 => "X25519",
        }
    }

    /// Whether its keys can do this.
    #[must_use]
    pub fn supports(self, operation: Operation) -> bool {
        match operation {
            Operation::Import | Operation::Generate | Operation::Export => true,
            Operation::Seal | Operation::Open | Operation::Encrypt | Operation::Decrypt => self.nonce_length() > 0,
            Operation::SealStream | Operation::OpenStream => self == Self::XChaCha20Poly1305,
            Operation::Hash => matches!(self, Self::HmacSha256 | Self::HmacSha512),
            Operation::Derive => self == Self::HkdfSha256,
            Operation::Sign | Operation::Verify => self == Self::Ed25519,
            Operation::Agree => self == Self::X25519,
        }
    }

    /// How many bytes its keys have. Those of the keyed hashes and of HKDF are at least 128 bits.
    pub(crate) fn key_lengths(self) -> RangeInclusive<usize> {
        match self {
            Self::HmacSha256 | Self::HmacSha512 | Self::HkdfSha256 => 16..=1024,
            _ => 32..=32,
        }
    }

    /// How long a key is that is generated.
    pub(crate) fn generated_length(self) -> usize {
        if self == Self::HmacSha512 { 64 } else { 32 }
    }

    /// How many bytes its nonces have; 0 for what does not seal.
    pub(crate) fn nonce_length(self) -> usize {
        match self {
            Self::Aes256Gcm | Self::ChaCha20Poly1305 | Self::Aes256GcmSiv => 12,
            Self::XChaCha20Poly1305 => 24,
            _ => 0,
        }
    }

    /// How many messages a key may seal with random nonces: 2³² where they have 96 bits (NIST SP 800-38D, 8.3).
    pub(crate) fn most_seals(self) -> u64 {
        if self.nonce_length() == 12 { 1 << 32 } else { u64::MAX }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let mut all = Self::ALL.into_iter();
        all.find(|algorithm| algorithm.name() == name)
            .ok_or(Error::UnknownAlgorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::Algorithm;

    #[test]
    fn every_number_and_name_leads_back() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_number(algorithm.number()), Ok(algorithm));
            assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
            assert!(algorithm.key_lengths().contains(&algorithm.generated_length()));
        }
        assert!(Algorithm::from_number(0).is_err() && "AES-128-GCM".parse::<Algorithm>().is_err());
    }
}
