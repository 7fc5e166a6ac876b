//! Key agreement (X25519).

use x25519_dalek::PublicKey;

use crate::algorithm::Algorithm;
use crate::compare::disclose;
use crate::error::Error;
use crate::key::Key;

/// A key for HKDF-SHA-256: what two parties agree on is not evenly distributed, so that it must be derived from.
///
/// A peer whose point is of small order would make the secret known to everybody; it is rejected (RFC 7748, 6.1).
pub(crate) fn agree(key: &Key, peer: &[u8], id: u64) -> Result<Key, Error> {
    let peer: [u8; 32] = peer.try_into().map_err(|_| Error::InvalidKey)?;
    let shared = key.agreeing()?.diffie_hellman(&PublicKey::from(peer));
    disclose(shared.was_contributory())?;
    Key::from_secret(Algorithm::HkdfSha256, id, shared.as_bytes())
}
