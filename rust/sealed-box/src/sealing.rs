//! Authenticated encryption (AEAD), with the nonce given.

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::array::typenum::Unsigned;
use aes_gcm::aead::{AeadCore, AeadInOut, KeyInit};
use aes_gcm_siv::Aes256GcmSiv;
use chacha20poly1305::{ChaCha20Poly1305, XChaCha20Poly1305};
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::compare::disclose;
use crate::error::Error;
use crate::key::Key;
use crate::{MAX_LENGTH, Secret};

/// Bytes behind the text: all four algorithms have tags of 128 bits.
pub(crate) const TAG_LENGTH: usize = 16;

/// Text and tag, appended to `output`, which must be empty or hold what goes before them.
pub(crate) fn encrypt(
    key: &Key,
    nonce: &[u8],
    associated: &[u8],
    text: &[u8],
    mut output: Vec<u8>,
) -> Result<Vec<u8>, Error> {
    check_nonce(key, nonce)?;
    within_limit(associated.len().saturating_add(text.len()))?;
    reserve(&mut output, text.len() + TAG_LENGTH)?;
    let start = output.len();
    output.extend_from_slice(text);
    match key.algorithm() {
        Algorithm::Aes256Gcm => lock::<Aes256Gcm>(key, nonce, associated, &mut output, start),
        Algorithm::ChaCha20Poly1305 => lock::<ChaCha20Poly1305>(key, nonce, associated, &mut output, start),
        Algorithm::XChaCha20Poly1305 => lock::<XChaCha20Poly1305>(key, nonce, associated, &mut output, start),
        Algorithm::Aes256GcmSiv => lock::<Aes256GcmSiv>(key, nonce, associated, &mut output, start),
        _ => Err(Error::WrongKey),
    }?;
    Ok(output)
}

/// The text of what `encrypt` made.
pub(crate) fn decrypt(key: &Key, nonce: &[u8], associated: &[u8], sealed: &[u8]) -> Result<Secret, Error> {
    check_nonce(key, nonce)?;
    let length = sealed.len().checked_sub(TAG_LENGTH).ok_or(Error::Rejected)?;
    within_limit(associated.len().saturating_add(length))?;
    let mut text = Zeroizing::new(Vec::new());
    reserve(&mut text, length)?;
    let (sealed, tag) = sealed.split_at(length);
    text.extend_from_slice(sealed);
    match key.algorithm() {
        Algorithm::Aes256Gcm => unlock::<Aes256Gcm>(key, nonce, associated, &mut text, tag),
        Algorithm::ChaCha20Poly1305 => unlock::<ChaCha20Poly1305>(key, nonce, associated, &mut text, tag),
        Algorithm::XChaCha20Poly1305 => unlock::<XChaCha20Poly1305>(key, nonce, associated, &mut text, tag),
        Algorithm::Aes256GcmSiv => unlock::<Aes256GcmSiv>(key, nonce, associated, &mut text, tag),
        _ => Err(Error::WrongKey),
    }?;
    Ok(text)
}

fn lock<A: AeadInOut + KeyInit>(
    key: &Key,
    nonce: &[u8],
    associated: &[u8],
    output: &mut Vec<u8>,
    start: usize,
) -> Result<(), Error> {
    debug_assert_eq!(<A as AeadCore>::TagSize::USIZE, TAG_LENGTH);
    let nonce = nonce.try_into().map_err(|_| Error::InvalidNonce)?;
    let text = &mut output[start..];
    let tag = cipher::<A>(key)?.encrypt_inout_detached(nonce, associated, text.into());
    output.extend_from_slice(&tag.map_err(|_| Error::TooLong)?);
    Ok(())
}

fn unlock<A: AeadInOut + KeyInit>(
    key: &Key,
    nonce: &[u8],
    associated: &[u8],
    text: &mut [u8],
    tag: &[u8],
) -> Result<(), Error> {
    let nonce = nonce.try_into().map_err(|_| Error::InvalidNonce)?;
    let tag = tag.try_into().map_err(|_| Error::Rejected)?;
    let outcome = cipher::<A>(key)?.decrypt_inout_detached(nonce, associated, text.into(), tag);
    disclose(outcome.is_ok())
}

/// Before anything of the message is looked at, so that the answer is the same for every message.
fn check_nonce(key: &Key, nonce: &[u8]) -> Result<(), Error> {
    match key.algorithm().nonce_length() {
        0 => Err(Error::WrongKey),
        length if length == nonce.len() => Ok(()),
        _ => Err(Error::InvalidNonce),
    }
}

/// Its state is overwritten when it ends: the feature `zeroize` of each crate.
pub(crate) fn cipher<A: KeyInit>(key: &Key) -> Result<A, Error> {
    A::new_from_slice(key.secret()?).map_err(|_| Error::WrongKey)
}

pub(crate) fn within_limit(length: usize) -> Result<(), Error> {
    if length > MAX_LENGTH {
        Err(Error::TooLong)
    } else {
        Ok(())
    }
}

/// Exactly as much, at once: a vector that grows would leave its old bytes behind, and aborts without memory.
pub(crate) fn reserve(bytes: &mut Vec<u8>, additional: usize) -> Result<(), Error> {
    bytes.try_reserve_exact(additional).map_err(|_| Error::OutOfMemory)
}
