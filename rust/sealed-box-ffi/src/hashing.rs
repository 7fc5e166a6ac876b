//! Keyed hashes, and comparison in constant time.

use boundary::{BytesOut, Out, guard};
use sealed_box::Secret;

use crate::call::{Input, with_key};
use crate::callbacks::Callbacks;
use crate::handle::{SealedBox, SealedBoxKey};
use crate::status::SealedBoxStatus;

/// Computes a keyed hash. The tag is freed with `sealed_box_bytes_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, bytes to as many as their length says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_hash(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    message: *const u8,
    message_length: usize,
    tag: *mut *mut u8,
    tag_length: *mut usize,
) -> SealedBoxStatus {
    let inputs = [Input::new(message, message_length, "message")];
    let place = || BytesOut::new(tag, tag_length, "tag");
    // SAFETY: the caller's promise.
    unsafe {
        with_key(
            c"sealed_box_hash",
            sealed_box,
            key,
            &inputs,
            place,
            |sealed_box, key, [message]| {
                let mut hash = sealed_box.core.hash(key)?;
                hash.update(message);
                Ok(Secret::new(hash.tag()))
            },
        )
    }
}

/// Checks a keyed hash in constant time: `SEALED_BOX_STATUS_OK` or `SEALED_BOX_STATUS_REJECTED`. A tag that was cut is
/// rejected.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, bytes to as many as their length says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_hash_check(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    message: *const u8,
    message_length: usize,
    tag: *const u8,
    tag_length: usize,
) -> SealedBoxStatus {
    let inputs = [
        Input::new(message, message_length, "message"),
        Input::new(tag, tag_length, "tag"),
    ];
    // SAFETY: the caller's promise.
    unsafe {
        with_key(
            c"sealed_box_hash_check",
            sealed_box,
            key,
            &inputs,
            || Ok(()),
            |sealed_box, key, [message, tag]| {
                let mut hash = sealed_box.core.hash(key)?;
                hash.update(message);
                hash.check(tag)
            },
        )
    }
}

/// Compares in constant time, which depends on the lengths alone. Writes 1 if the bytes are the same, and 0 if not.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, bytes to as many as their length says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_equal(
    one: *const u8,
    one_length: usize,
    other: *const u8,
    other_length: usize,
    are_equal: *mut u8,
) -> SealedBoxStatus {
    guard::call(c"sealed_box_equal", None::<&Callbacks>, || {
        let out = Out::new(are_equal, "are_equal")?;
        let (one, other) = (
            Input::new(one, one_length, "one"),
            Input::new(other, other_length, "other"),
        );
        // SAFETY: the caller's promise.
        let first = unsafe { one.read()? };
        // SAFETY: the caller's promise.
        let second = unsafe { other.read()? };
        out.apart_from([one.region(), other.region()])?;
        // SAFETY: the caller's promise.
        unsafe { out.write(sealed_box::equal(first, second).into()) };
        Ok(())
    })
}
