//! Signatures.

use boundary::BytesOut;
use sealed_box::Secret;

use crate::call::{Input, with_key};
use crate::handle::{SealedBox, SealedBoxKey};
use crate::status::SealedBoxStatus;

/// Signs a message. The signature, 64 bytes, is freed with `sealed_box_bytes_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, bytes to as many as their length says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_sign(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    message: *const u8,
    message_length: usize,
    signature: *mut *mut u8,
    signature_length: *mut usize,
) -> SealedBoxStatus {
    let inputs = [Input::new(message, message_length, "message")];
    let place = || BytesOut::new(signature, signature_length, "signature");
    // SAFETY: the caller's promise.
    unsafe {
        with_key(
            c"sealed_box_sign",
            sealed_box,
            key,
            &inputs,
            place,
            |sealed_box, key, [message]| {
                let signature = sealed_box.core.sign(key, message)?;
                Ok(Secret::new(signature.to_vec()))
            },
        )
    }
}

/// Verifies a signature: `SEALED_BOX_STATUS_OK` or `SEALED_BOX_STATUS_REJECTED`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, bytes to as many as their length says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_verify(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    message: *const u8,
    message_length: usize,
    signature: *const u8,
    signature_length: usize,
) -> SealedBoxStatus {
    let inputs = [
        Input::new(message, message_length, "message"),
        Input::new(signature, signature_length, "signature"),
    ];
    // SAFETY: the caller's promise.
    unsafe {
        with_key(
            c"sealed_box_verify",
            sealed_box,
            key,
            &inputs,
            || Ok(()),
            |sealed_box, key, [message, signature]| sealed_box.core.verify(key, message, signature),
        )
    }
}
