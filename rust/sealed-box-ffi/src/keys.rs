//! Keys: from bytes, from nothing, to bytes, and their end.

use boundary::{BytesOut, Region, guard, memory};
use sealed_box::{Error, Key};

use crate::call::{Input, new_key, with_box, with_key};
use crate::callbacks::Callbacks;
use crate::handle::{SealedBox, SealedBoxKey};
use crate::options;
use crate::status::{Failure, SealedBoxStatus, failure};

/// Makes a key from its bytes, which are copied; the caller overwrites its own. It is freed with `sealed_box_key_free`.
///
/// `algorithm` is a `SealedBoxAlgorithm`. `id` is the caller's own number for the key: it is written into envelopes, and
/// told to the audit.
///
/// # Safety
///
/// Each pointer is null or points to what its type says; `bytes` to `bytes_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_key_import(
    sealed_box: *const SealedBox,
    algorithm: u32,
    id: u64,
    bytes: *const u8,
    bytes_length: usize,
    key: *mut *mut SealedBoxKey,
) -> SealedBoxStatus {
    let inputs = [Input::new(bytes, bytes_length, "bytes")];
    // SAFETY: the caller's promise.
    unsafe {
        with_box(
            c"sealed_box_key_import",
            sealed_box,
            &inputs,
            || new_key(key),
            |sealed_box, [bytes]| {
                let algorithm = options::algorithm(algorithm)?;
                opaque(sealed_box.core.import(algorithm, id, bytes))
            },
        )
    }
}

/// Makes a key from the public half of somebody's Ed25519 pair, which verifies. It is freed with `sealed_box_key_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says; `bytes` to `bytes_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_key_import_public(
    sealed_box: *const SealedBox,
    algorithm: u32,
    id: u64,
    bytes: *const u8,
    bytes_length: usize,
    key: *mut *mut SealedBoxKey,
) -> SealedBoxStatus {
    let inputs = [Input::new(bytes, bytes_length, "bytes")];
    // SAFETY: the caller's promise.
    unsafe {
        with_box(
            c"sealed_box_key_import_public",
            sealed_box,
            &inputs,
            || new_key(key),
            |sealed_box, [bytes]| {
                let algorithm = options::algorithm(algorithm)?;
                opaque(sealed_box.core.import_public(algorithm, id, bytes))
            },
        )
    }
}

/// Makes a new key from random bytes of the operating system. It is freed with `sealed_box_key_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_key_generate(
    sealed_box: *const SealedBox,
    algorithm: u32,
    id: u64,
    key: *mut *mut SealedBoxKey,
) -> SealedBoxStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with_box(
            c"sealed_box_key_generate",
            sealed_box,
            &[],
            || new_key(key),
            |sealed_box, []| {
                let algorithm = options::algorithm(algorithm)?;
                opaque(sealed_box.core.generate(algorithm, id))
            },
        )
    }
}

/// Writes the public half of an Ed25519 or X25519 key, 32 bytes. They are freed with `sealed_box_bytes_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_key_public(
    key: *const SealedBoxKey,
    bytes: *mut *mut u8,
    bytes_length: *mut usize,
) -> SealedBoxStatus {
    guard::call(c"sealed_box_key_public", None::<&Callbacks>, || {
        // SAFETY: the caller's promise.
        let handle = unsafe { memory::handle(key, "key")? };
        let out = BytesOut::new(bytes, bytes_length, "public half")?;
        out.apart_from([Region::of(key, 1)])?;
        let public: &SealedBoxKey = &handle;
        let public = public.key.public().map_err(failure)?;
        // SAFETY: the caller's promise.
        unsafe { out.write(public.into()) };
        Ok(())
    })
}

/// Writes the bytes of a key, if `allow_export` is 1. They are freed, and overwritten, with `sealed_box_bytes_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_key_export(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    bytes: *mut *mut u8,
    bytes_length: *mut usize,
) -> SealedBoxStatus {
    let place = || BytesOut::new(bytes, bytes_length, "bytes");
    // SAFETY: the caller's promise.
    unsafe {
        with_key(
            c"sealed_box_key_export",
            sealed_box,
            key,
            &[],
            place,
            |sealed_box, key, []| sealed_box.core.export(key),
        )
    }
}

/// Ends a key: its bytes are overwritten. Null is allowed and does nothing.
///
/// # Safety
///
/// `key` is null or comes from this library, was not freed before, and no other thread uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_key_free(key: *mut SealedBoxKey) {
    // SAFETY: the caller's promise.
    guard::end(|| unsafe { memory::release_handle(key) });
}

fn opaque(key: Result<Key, Error>) -> Result<SealedBoxKey, Failure> {
    key.map(|key| SealedBoxKey { key }).map_err(failure)
}
