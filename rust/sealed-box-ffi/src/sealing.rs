//! Sealing and opening, with an envelope or with the caller's nonce.

use boundary::BytesOut;
use sealed_box::Secret;

use crate::call::{Input, with_key};
use crate::handle::{SealedBox, SealedBoxKey};
use crate::status::SealedBoxStatus;

/// Seals a message into an envelope. What is associated is authenticated, is not in the envelope, and may be empty.
/// The envelope is freed with `sealed_box_bytes_free`.
///
/// An envelope is `SBOX`, then big-endian: version (1 byte: 1), operation (1), algorithm (2), status (2: 0), reserved
/// (2: 0), key id (8), length of the nonce (4), nonce, length of the payload (4), payload: the sealed text and its tag.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, bytes to as many as their length says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_seal(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    associated: *const u8,
    associated_length: usize,
    message: *const u8,
    message_length: usize,
    sealed: *mut *mut u8,
    sealed_length: *mut usize,
) -> SealedBoxStatus {
    let inputs = [
        Input::new(associated, associated_length, "associated"),
        Input::new(message, message_length, "message"),
    ];
    let place = || BytesOut::new(sealed, sealed_length, "envelope");
    // SAFETY: the caller's promise.
    unsafe {
        with_key(
            c"sealed_box_seal",
            sealed_box,
            key,
            &inputs,
            place,
            |sealed_box, key, [associated, message]| sealed_box.core.seal(key, associated, message).map(Secret::new),
        )
    }
}

/// Opens an envelope. The message is freed, and overwritten, with `sealed_box_bytes_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, bytes to as many as their length says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_open(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    associated: *const u8,
    associated_length: usize,
    sealed: *const u8,
    sealed_length: usize,
    message: *mut *mut u8,
    message_length: *mut usize,
) -> SealedBoxStatus {
    let inputs = [
        Input::new(associated, associated_length, "associated"),
        Input::new(sealed, sealed_length, "sealed"),
    ];
    let place = || BytesOut::new(message, message_length, "message");
    // SAFETY: the caller's promise.
    unsafe {
        with_key(
            c"sealed_box_open",
            sealed_box,
            key,
            &inputs,
            place,
            |sealed_box, key, [associated, sealed]| sealed_box.core.open(key, associated, sealed),
        )
    }
}

/// Seals with the caller's nonce, if `allow_caller_nonces` is 1: text and tag, without an envelope. They are freed with
/// `sealed_box_bytes_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, bytes to as many as their length says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_encrypt(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    nonce: *const u8,
    nonce_length: usize,
    associated: *const u8,
    associated_length: usize,
    message: *const u8,
    message_length: usize,
    sealed: *mut *mut u8,
    sealed_length: *mut usize,
) -> SealedBoxStatus {
    let inputs = [
        Input::new(nonce, nonce_length, "nonce"),
        Input::new(associated, associated_length, "associated"),
        Input::new(message, message_length, "message"),
    ];
    let place = || BytesOut::new(sealed, sealed_length, "sealed text");
    // SAFETY: the caller's promise.
    unsafe {
        with_key(
            c"sealed_box_encrypt",
            sealed_box,
            key,
            &inputs,
            place,
            |sealed_box, key, inputs| {
                let [nonce, associated, message] = inputs;
                sealed_box
                    .core
                    .encrypt(key, nonce, associated, message)
                    .map(Secret::new)
            },
        )
    }
}

/// Opens what `sealed_box_encrypt` made. The message is freed, and overwritten, with `sealed_box_bytes_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, bytes to as many as their length says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_decrypt(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    nonce: *const u8,
    nonce_length: usize,
    associated: *const u8,
    associated_length: usize,
    sealed: *const u8,
    sealed_length: usize,
    message: *mut *mut u8,
    message_length: *mut usize,
) -> SealedBoxStatus {
    let inputs = [
        Input::new(nonce, nonce_length, "nonce"),
        Input::new(associated, associated_length, "associated"),
        Input::new(sealed, sealed_length, "sealed"),
    ];
    let place = || BytesOut::new(message, message_length, "message");
    // SAFETY: the caller's promise.
    unsafe {
        with_key(
            c"sealed_box_decrypt",
            sealed_box,
            key,
            &inputs,
            place,
            |sealed_box, key, inputs| {
                let [nonce, associated, sealed] = inputs;
                sealed_box.core.decrypt(key, nonce, associated, sealed)
            },
        )
    }
}
