//! Keys: opaque, never printed, overwritten when they end.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use ed25519_dalek::{SigningKey, VerifyingKey};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::error::Error;

/// A key of one algorithm. It is `Send` and `Sync`, is not `Clone`, and is made by a [`SealedBox`](crate::SealedBox).
pub struct Key {
    algorithm: Algorithm,
    id: u64,
    /// Empty if only the public half is known.
    secret: Zeroizing<Vec<u8>>,
    public: Option<[u8; 32]>,
    seals: AtomicU64,
}

impl Key {
    /// A secret key. The bytes are copied once, to the heap, into as much memory as they need.
    pub(crate) fn from_secret(algorithm: Algorithm, id: u64, bytes: &[u8]) -> Result<Self, Error> {
        if !algorithm.key_lengths().contains(&bytes.len()) {
            return Err(Error::InvalidKey);
        }
        let mut secret = Zeroizing::new(Vec::with_capacity(bytes.len()));
        secret.extend_from_slice(bytes);
        let mut key = Self {
            algorithm,
            id,
            secret,
            public: None,
            seals: AtomicU64::new(0),
        };
        key.public = match algorithm {
            Algorithm::Ed25519 => Some(key.signing()?.verifying_key().to_bytes()),
            Algorithm::X25519 => Some(PublicKey::from(&key.agreeing()?).to_bytes()),
            _ => None,
        };
        Ok(key)
    }

    /// The public half of a key pair.
    pub(crate) fn from_public(algorithm: Algorithm, id: u64, bytes: &[u8]) -> Result<Self, Error> {
        let public: [u8; 32] = bytes.try_into().map_err(|_| Error::InvalidKey)?;
        match algorithm {
            Algorithm::Ed25519 => verifying(&public).map(|_| ())?,
            Algorithm::X25519 => {}
            _ => return Err(Error::WrongKey),
        }
        Ok(Self {
            algorithm,
            id,
            secret: Zeroizing::default(),
            public: Some(public),
            seals: AtomicU64::new(0),
        })
    }

    /// What it is for.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The number that its owner gave to it. It is written into envelopes and told to the audit.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The public half, of Ed25519 and X25519.
    ///
    /// # Errors
    ///
    /// [`Error::WrongKey`] for keys without one.
    pub fn public(&self) -> Result<[u8; 32], Error> {
        self.public.ok_or(Error::WrongKey)
    }

    pub(crate) fn secret(&self) -> Result<&[u8], Error> {
        if self.secret.is_empty() {
            return Err(Error::WrongKey);
        }
        Ok(&self.secret)
    }

    pub(crate) fn signing(&self) -> Result<SigningKey, Error> {
        let secret = self.secret()?.try_into().map_err(|_| Error::WrongKey)?;
        Ok(SigningKey::from_bytes(secret))
    }

    pub(crate) fn verifying(&self) -> Result<VerifyingKey, Error> {
        verifying(&self.public()?)
    }

    pub(crate) fn agreeing(&self) -> Result<StaticSecret, Error> {
        let mut scalar = Zeroizing::new([0; 32]);
        let secret = self.secret()?;
        if secret.len() != scalar.len() {
            return Err(Error::WrongKey);
        }
        scalar.copy_from_slice(secret);
        Ok(StaticSecret::from(*scalar))
    }

    /// Counts a message that is sealed with a random nonce.
    pub(crate) fn count_seal(&self) -> Result<(), Error> {
        let most = self.algorithm.most_seals();
        let next = |count| (count < most).then(|| count + 1);
        let counted = self.seals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        counted.map(|_| ()).map_err(|_| Error::Exhausted)
    }
}

fn verifying(public: &[u8; 32]) -> Result<VerifyingKey, Error> {
    VerifyingKey::from_bytes(public).map_err(|_| Error::InvalidKey)
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = formatter.debug_struct("Key");
        key.field("algorithm", &self.algorithm)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What the documentation promises about threads, checked by the compiler.
const _: () = {
    const fn shared_between_threads<T: Send + Sync>() {}
    shared_between_threads::<Key>();
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_short_nonces_ends() {
        let key = Key::from_secret(Algorithm::Aes256Gcm, 1, &[7; 32]).expect("32 bytes");
        key.seals.store((1 << 32) - 1, Ordering::Relaxed);
        assert_eq!(key.count_seal(), Ok(()));
        assert_eq!(key.count_seal(), Err(Error::Exhausted));
        assert_eq!(key.count_seal(), Err(Error::Exhausted));
        let key = Key::from_secret(Algorithm::XChaCha20Poly1305, 1, &[7; 32]).expect("32 bytes");
        key.seals.store(1 << 33, Ordering::Relaxed);
        assert_eq!(key.count_seal(), Ok(()));
    }

    #[test]
    fn nothing_secret_is_printed() {
        let key = Key::from_secret(Algorithm::Ed25519, 5, &[0xab; 32]).expect("32 bytes");
        assert_eq!(format!("{key:?}"), "Key { algorithm: Ed25519, id: 5, .. }");
    }
}
