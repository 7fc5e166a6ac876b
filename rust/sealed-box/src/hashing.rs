//! Keyed hashes (HMAC).

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha512};

use crate::algorithm::Algorithm;
use crate::compare::{disclose, equal};
use crate::error::Error;
use crate::key::Key;

/// A keyed hash of a message that comes in pieces.
pub struct Hash(State);

// Boxed and never moved out, so that the state is overwritten where it is.
enum State {
    Sha256(Box<Hmac<Sha256>>),
    Sha512(Box<Hmac<Sha512>>),
}

impl Hash {
    pub(crate) fn new(key: &Key) -> Result<Self, Error> {
        match key.algorithm() {
            Algorithm::HmacSha256 => keyed(key).map(State::Sha256),
            Algorithm::HmacSha512 => keyed(key).map(State::Sha512),
            _ => Err(Error::WrongKey),
        }
        .map(Self)
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        match &mut self.0 {
            State::Sha256(state) => state.update(piece),
            State::Sha512(state) => state.update(piece),
        }
    }

    /// The tag of what came until now: 32 bytes of HMAC-SHA-256, 64 of HMAC-SHA-512.
    #[must_use]
    pub fn tag(&self) -> Vec<u8> {
        match &self.0 {
            State::Sha256(state) => (**state).clone().finalize().into_bytes().to_vec(),
            State::Sha512(state) => (**state).clone().finalize().into_bytes().to_vec(),
        }
    }

    /// Whether this is the tag, in constant time. A tag that was cut is not.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`].
    pub fn check(&self, tag: &[u8]) -> Result<(), Error> {
        disclose(equal(&self.tag(), tag))
    }
}

fn keyed<M: KeyInit>(key: &Key) -> Result<Box<M>, Error> {
    let state = M::new_from_slice(key.secret()?).map_err(|_| Error::WrongKey)?;
    Ok(Box::new(state))
}
