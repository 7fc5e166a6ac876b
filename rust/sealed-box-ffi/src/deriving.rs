//! Bytes and keys from a key: derivation and agreement.

use boundary::BytesOut;
use sealed_box::Algorithm;

use crate::call::{Input, new_key, with_key};
use crate::handle::{SealedBox, SealedBoxKey};
use crate::status::SealedBoxStatus;

/// Derives `length` bytes, at most 8160, if `allow_export` is 1. `salt` may be empty; `info` says what they are for.
/// They are freed, and overwritten, with `sealed_box_bytes_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, bytes to as many as their length says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_derive(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    salt: *const u8,
    salt_length: usize,
    info: *const u8,
    info_length: usize,
    length: usize,
    bytes: *mut *mut u8,
    bytes_length: *mut usize,
) -> SealedBoxStatus {
    let inputs = [
        Input::new(salt, salt_length, "salt"),
        Input::new(info, info_length, "info"),
    ];
    let place = || BytesOut::new(bytes, bytes_length, "bytes");
    // SAFETY: the caller's promise.
    unsafe {
        with_key(
            c"sealed_box_derive",
            sealed_box,
            key,
            &inputs,
            place,
            |sealed_box, key, [salt, info]| sealed_box.core.derive(key, salt, info, length),
        )
    }
}

/// Derives a key for another algorithm, with a number of its own. It is freed with `sealed_box_key_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, bytes to as many as their length says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_derive_key(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    salt: *const u8,
    salt_length: usize,
    info: *const u8,
    info_length: usize,
    algorithm: u32,
    id: u64,
    derived: *mut *mut SealedBoxKey,
) -> SealedBoxStatus {
    let inputs = [
        Input::new(salt, salt_length, "salt"),
        Input::new(info, info_length, "info"),
    ];
    // SAFETY: the caller's promise.
    unsafe {
        with_key(
            c"sealed_box_derive_key",
            sealed_box,
            key,
            &inputs,
            || new_key(derived),
            |sealed_box, key, inputs| {
                let [salt, info] = inputs;
                let number = u16::try_from(algorithm).unwrap_or_default();
                let algorithm = Algorithm::from_number(number)?;
                let key = sealed_box.core.derive_key(key, salt, info, algorithm, id)?;
                Ok(SealedBoxKey { key })
            },
        )
    }
}

/// Agrees with a peer, of whom `peer` is the public half, on a key for HKDF-SHA-256 with the number `id`. It is freed
/// with `sealed_box_key_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, bytes to as many as their length says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_agree(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    peer: *const u8,
    peer_length: usize,
    id: u64,
    agreed: *mut *mut SealedBoxKey,
) -> SealedBoxStatus {
    let inputs = [Input::new(peer, peer_length, "peer")];
    // SAFETY: the caller's promise.
    unsafe {
        with_key(
            c"sealed_box_agree",
            sealed_box,
            key,
            &inputs,
            || new_key(agreed),
            |sealed_box, key, [peer]| {
                let key = sealed_box.core.agree(key, peer, id)?;
                Ok(SealedBoxKey { key })
            },
        )
    }
}
