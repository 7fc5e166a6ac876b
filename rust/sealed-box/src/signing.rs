//! Signatures (Ed25519).

use ed25519_dalek::{Signature, Signer};

use crate::error::Error;
use crate::key::Key;

pub(crate) fn sign(key: &Key, message: &[u8]) -> Result<[u8; 64], Error> {
    Ok(key.signing()?.sign(message).to_bytes())
}

/// Strictly: neither the key nor the signature may have a part of small order, so that no signature fits two messages.
pub(crate) fn verify(key: &Key, message: &[u8], signature: &[u8]) -> Result<(), Error> {
    let signature = Signature::from_slice(signature).map_err(|_| Error::Rejected)?;
    let verified = key.verifying()?.verify_strict(message, &signature);
    verified.map_err(|_| Error::Rejected)
}
