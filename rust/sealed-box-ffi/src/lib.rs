//! The C interface of sealed-box: checks what comes in, calls the core, hands out what comes back.
//!
//! The exported functions are below, in the order of the header. `unsafe` code stays where foreign memory is touched:
//! here, in `call`, in the crate `boundary` and around the calls in `callbacks`.

#![allow(clippy::too_many_arguments, reason = "in C each pointer brings its length")]

mod call;
mod callbacks;
mod handle;
mod options;
mod status;
#[cfg(test)]
mod tests;

use std::ffi::{CStr, c_char};

use boundary::{BytesOut, Out, Region, guard, last_error, memory};
use sealed_box::{Envelope, Item, Key, SealedBox as CoreBox, Secret, Zeroizing};

pub use callbacks::{SealedBoxAudit, SealedBoxCallbacks, SealedBoxKeyUse, SealedBoxObserve};
pub use handle::{SealedBox, SealedBoxKey, SealedBoxStream};
pub use options::{SealedBoxAlgorithm, SealedBoxOperation, SealedBoxOptions};
pub use status::SealedBoxStatus;

use call::{Input, with_box, with_key};
use callbacks::Callbacks;
use handle::{Stream, System};
use status::{Failure, failure};

/// The version of this interface. A library with another number must not be used with this header.
pub const SEALED_BOX_ABI_VERSION: u32 = 1;

/// The most bytes that a message and what is associated with it may have together, or all items of a batch, or a piece
/// of a stream: 64 MiB.
pub const SEALED_BOX_MAX_LENGTH: usize = 67_108_864;

/// The most items an array may have.
pub const SEALED_BOX_MAX_COUNT: usize = 1_048_576;

const _: () = assert!(SEALED_BOX_MAX_LENGTH == sealed_box::MAX_LENGTH);

const BUILD_INFO: &CStr = match CStr::from_bytes_with_nul(concat!(env!("BUILD_INFO"), "\0").as_bytes()) {
    Ok(info) => info,
    Err(_) => panic!("the build information holds a NUL"),
};

/// One item of a batch. What is empty may be null.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SealedBoxItem {
    /// The message, or the envelope to open.
    pub data: *const u8,
    /// How many bytes it has.
    pub data_length: usize,
    /// What is authenticated with it; the signature where one is verified; nothing where it is hashed.
    pub associated: *const u8,
    /// How many bytes that has.
    pub associated_length: usize,
}

/// The parts of an envelope.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedBoxEnvelope {
    /// What made it: a `SealedBoxOperation`.
    pub operation: u32,
    /// With which algorithm: a `SealedBoxAlgorithm`.
    pub algorithm: u32,
    /// The number that the caller gave to the key.
    pub key_id: u64,
    /// What it came to. A failure has no payload.
    pub status: SealedBoxStatus,
    /// Always 0.
    pub reserved: u32,
    /// Where the payload starts, from the start of the envelope.
    pub payload_offset: usize,
    /// How many bytes the payload has.
    pub payload_length: usize,
    /// How many bytes the envelope has; the next one starts there.
    pub length: usize,
}

/// The `SEALED_BOX_ABI_VERSION` the library was built with.
#[unsafe(no_mangle)]
pub extern "C" fn sealed_box_abi_version() -> u32 {
    SEALED_BOX_ABI_VERSION
}

/// What this library is: a JSON object with `name`, `version`, `commit`, `fingerprint`, `interface`, `target`,
/// `rustc` (texts), `dependencies` (name to version) and `cryptography` (name to an object with `version` and `sha256`,
/// the checksum of the crate in the lock file).
///
/// The text ends with a NUL, is valid as long as the library is loaded, and is not freed.
#[unsafe(no_mangle)]
pub extern "C" fn sealed_box_build_info() -> *const c_char {
    BUILD_INFO.as_ptr()
}

/// Makes a box and writes it to `sealed_box`. It is freed with `sealed_box_free`.
///
/// `options` may be null for the default, and `callbacks` if nobody listens. Both structures and all they point to are
/// copied; only `user_data` is kept as it is.
///
/// # Safety
///
/// Each pointer is null or points to what its type says; a structure has as many bytes as its `struct_size`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_new(
    options: *const SealedBoxOptions,
    callbacks: *const SealedBoxCallbacks,
    sealed_box: *mut *mut SealedBox,
) -> SealedBoxStatus {
    // SAFETY: the caller's promise.
    let functions = guard::contain(|| unsafe { read_callbacks(callbacks) });
    let observer = functions.as_ref().ok().copied();
    guard::call(c"sealed_box_new", observer.as_ref(), || {
        let functions = functions?;
        // SAFETY: the caller's promise.
        let (policy, regions) = unsafe { options::read(options)? };
        let out = Out::new(sealed_box, "sealed_box")?;
        out.apart_from(regions.into_iter().chain([Region::of(callbacks, 1)]))?;
        let core = CoreBox::new(policy, System, functions);
        // SAFETY: the caller's promise.
        unsafe { out.write(Box::into_raw(Box::new(SealedBox { core }))) };
        Ok(())
    })
}

/// Ends a box. Null is allowed and does nothing. Its keys and streams stay usable.
///
/// # Safety
///
/// `sealed_box` is null or comes from `sealed_box_new`, was not freed before, and no other thread uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_free(sealed_box: *mut SealedBox) {
    // SAFETY: the caller's promise.
    contained(|| unsafe { memory::free_handle(sealed_box) });
}

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
        let handle = unsafe { memory::shared(key, "key")? };
        let out = BytesOut::new(bytes, bytes_length, "public half")?;
        out.apart_from([Region::of(key, 1)])?;
        let public: &SealedBoxKey = handle;
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
    contained(|| unsafe { memory::free_handle(key) });
}

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
                let algorithm = sealed_box::Algorithm::from_number(number)?;
                let key = sealed_box.core.derive_key(key, salt, info, algorithm, id)?;
                Ok(SealedBoxKey { key })
            },
        )
    }
}

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

/// Seals many messages: their envelopes one after the other, in the order of the items. A failure is an envelope with
/// that status. They are freed with `sealed_box_bytes_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says; `items` to `count` items.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_seal_batch(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    items: *const SealedBoxItem,
    count: usize,
    envelopes: *mut *mut u8,
    envelopes_length: *mut usize,
) -> SealedBoxStatus {
    let (place, batch) = (
        || BytesOut::new(envelopes, envelopes_length, "envelopes"),
        (items, count),
    );
    // SAFETY: the caller's promise.
    unsafe {
        with_items(
            c"sealed_box_seal_batch",
            sealed_box,
            key,
            batch,
            place,
            |sealed_box, key, items| sealed_box.core.seal_batch(key, items),
        )
    }
}

/// Opens many envelopes: for each, an envelope of the operation `OPEN` with the message, in the order of the items. They
/// are freed, and overwritten, with `sealed_box_bytes_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says; `items` to `count` items.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_open_batch(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    items: *const SealedBoxItem,
    count: usize,
    envelopes: *mut *mut u8,
    envelopes_length: *mut usize,
) -> SealedBoxStatus {
    let (place, batch) = (
        || BytesOut::new(envelopes, envelopes_length, "envelopes"),
        (items, count),
    );
    // SAFETY: the caller's promise.
    unsafe {
        with_items(
            c"sealed_box_open_batch",
            sealed_box,
            key,
            batch,
            place,
            |sealed_box, key, items| sealed_box.core.open_batch(key, items),
        )
    }
}

/// Hashes many messages: for each, an envelope with the tag, in the order of the items. They are freed with
/// `sealed_box_bytes_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says; `items` to `count` items.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_hash_batch(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    items: *const SealedBoxItem,
    count: usize,
    envelopes: *mut *mut u8,
    envelopes_length: *mut usize,
) -> SealedBoxStatus {
    let (place, batch) = (
        || BytesOut::new(envelopes, envelopes_length, "envelopes"),
        (items, count),
    );
    // SAFETY: the caller's promise.
    unsafe {
        with_items(
            c"sealed_box_hash_batch",
            sealed_box,
            key,
            batch,
            place,
            |sealed_box, key, items| sealed_box.core.hash_batch(key, items),
        )
    }
}

/// Verifies many signatures: for each, an envelope with the outcome, in the order of the items. They are freed with
/// `sealed_box_bytes_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says; `items` to `count` items.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_verify_batch(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    items: *const SealedBoxItem,
    count: usize,
    envelopes: *mut *mut u8,
    envelopes_length: *mut usize,
) -> SealedBoxStatus {
    let (place, batch) = (
        || BytesOut::new(envelopes, envelopes_length, "envelopes"),
        (items, count),
    );
    // SAFETY: the caller's promise.
    unsafe {
        with_items(
            c"sealed_box_verify_batch",
            sealed_box,
            key,
            batch,
            place,
            |sealed_box, key, items| sealed_box.core.verify_batch(key, items),
        )
    }
}

/// Reads the envelope at the start of `bytes`, without opening it.
///
/// # Safety
///
/// Each pointer is null or points to what its type says; `bytes` to `bytes_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_envelope_read(
    bytes: *const u8,
    bytes_length: usize,
    envelope: *mut SealedBoxEnvelope,
) -> SealedBoxStatus {
    guard::call(c"sealed_box_envelope_read", None::<&Callbacks>, || {
        let out = Out::new(envelope, "envelope")?;
        // As much as a batch answers with, not only as much as one call takes.
        // SAFETY: the caller's promise.
        let input = unsafe { memory::bytes(bytes, bytes_length, usize::MAX / 4, "bytes")? };
        out.apart_from([Region::of(bytes, bytes_length)])?;
        let (envelope, _) = Envelope::parse_first(input).map_err(failure)?;
        let length = envelope.length();
        let parts = SealedBoxEnvelope {
            operation: envelope.operation.number().into(),
            algorithm: envelope.algorithm.number().into(),
            key_id: envelope.key_id,
            status: envelope
                .outcome
                .map_or_else(SealedBoxStatus::from, |()| SealedBoxStatus::Ok),
            reserved: 0,
            payload_offset: length - envelope.payload.len(),
            payload_length: envelope.payload.len(),
            length,
        };
        // SAFETY: the caller's promise.
        unsafe { out.write(parts) };
        Ok(())
    })
}

/// Begins to seal a stream with an XChaCha20-Poly1305 key. It is freed with `sealed_box_stream_free`.
///
/// The bytes that come out do not depend on the pieces in which the message goes in.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, bytes to as many as their length says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_stream_seal(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    associated: *const u8,
    associated_length: usize,
    stream: *mut *mut SealedBoxStream,
) -> SealedBoxStatus {
    let inputs = [Input::new(associated, associated_length, "associated")];
    // SAFETY: the caller's promise.
    unsafe {
        with_key(
            c"sealed_box_stream_seal",
            sealed_box,
            key,
            &inputs,
            || new_stream(stream),
            |sealed_box, key, inputs| {
                let [associated] = inputs;
                let sealer = sealed_box.core.seal_stream(key, associated)?;
                Ok(SealedBoxStream::new(Stream::Sealing(sealer)))
            },
        )
    }
}

/// Begins to open a stream. It is freed with `sealed_box_stream_free`.
///
/// What comes out is genuine and in order; that it is all is known when `sealed_box_stream_finish` succeeds.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, bytes to as many as their length says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_stream_open(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    associated: *const u8,
    associated_length: usize,
    stream: *mut *mut SealedBoxStream,
) -> SealedBoxStatus {
    let inputs = [Input::new(associated, associated_length, "associated")];
    // SAFETY: the caller's promise.
    unsafe {
        with_key(
            c"sealed_box_stream_open",
            sealed_box,
            key,
            &inputs,
            || new_stream(stream),
            |sealed_box, key, inputs| {
                let [associated] = inputs;
                let opener = sealed_box.core.open_stream(key, associated)?;
                Ok(SealedBoxStream::new(Stream::Opening(opener)))
            },
        )
    }
}

/// Begins a keyed hash of a message that comes in pieces: they go in by `sealed_box_stream_push`, which gives no bytes,
/// and the tag comes from `sealed_box_stream_finish`. It is freed with `sealed_box_stream_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_stream_hash(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    stream: *mut *mut SealedBoxStream,
) -> SealedBoxStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with_key(
            c"sealed_box_stream_hash",
            sealed_box,
            key,
            &[],
            || new_stream(stream),
            |sealed_box, key, []| {
                let hash = sealed_box.core.hash(key)?;
                Ok(SealedBoxStream::new(Stream::Hashing(hash)))
            },
        )
    }
}

/// Takes the next piece. Writes what came of it, null if that is nothing yet; it is freed with `sealed_box_bytes_free`.
/// A stream that failed has ended.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, bytes to as many as their length says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_stream_push(
    stream: *const SealedBoxStream,
    piece: *const u8,
    piece_length: usize,
    bytes: *mut *mut u8,
    bytes_length: *mut usize,
) -> SealedBoxStatus {
    let inputs = [Input::new(piece, piece_length, "piece")];
    // SAFETY: the caller's promise.
    unsafe {
        with_stream(
            c"sealed_box_stream_push",
            stream,
            &inputs,
            (bytes, bytes_length),
            |stream, [piece]| stream.push(piece),
        )
    }
}

/// Ends a stream and writes the rest, null if that is nothing; it is freed with `sealed_box_bytes_free`. The stream
/// itself is freed with `sealed_box_stream_free` also then.
///
/// # Safety
///
/// Each pointer is null or points to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_stream_finish(
    stream: *const SealedBoxStream,
    bytes: *mut *mut u8,
    bytes_length: *mut usize,
) -> SealedBoxStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with_stream(
            c"sealed_box_stream_finish",
            stream,
            &[],
            (bytes, bytes_length),
            |stream, []| stream.finish(),
        )
    }
}

/// Ends a stream or a hash. Null is allowed and does nothing.
///
/// # Safety
///
/// `stream` is null or comes from this library, was not freed before, and no other thread uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_stream_free(stream: *mut SealedBoxStream) {
    // SAFETY: the caller's promise.
    contained(|| unsafe { memory::free_handle(stream) });
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

/// Overwrites and frees bytes that this library handed out. Null is allowed and does nothing.
///
/// # Safety
///
/// `bytes` and `length` are what this library wrote, and were not freed before; or `bytes` is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_bytes_free(bytes: *mut u8, length: usize) {
    // SAFETY: the caller's promise.
    contained(|| drop(Zeroizing::new(unsafe { memory::taken_back(bytes, length) })));
}

/// Copies the message of the last call in this thread that returned a status, empty if that was
/// `SEALED_BOX_STATUS_OK`, and a NUL to `buffer`. What does not fit is cut between two characters. No message holds a
/// key, a text or a part of one.
///
/// Returns the length of the whole message without the NUL, so that `sealed_box_last_error(NULL, 0) + 1` is the size to
/// provide.
///
/// # Safety
///
/// `buffer` is null, or `length` bytes may be written there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_last_error(buffer: *mut c_char, length: usize) -> usize {
    // SAFETY: the caller's promise.
    unsafe { last_error::copy(buffer, length) }
}

/// # Safety
///
/// The pointer is null or points to what its type says.
unsafe fn read_callbacks(callbacks: *const SealedBoxCallbacks) -> Result<Callbacks, Failure> {
    if callbacks.is_null() {
        return Callbacks::new(Callbacks::NONE);
    }
    // SAFETY: the caller's promise.
    Callbacks::new(unsafe { memory::versioned(callbacks, "callbacks")? })
}

/// A call about many items.
///
/// # Safety
///
/// Each pointer is null or points to what its type says; the first of `batch` to as many items as the second says.
unsafe fn with_items(
    function: &'static CStr,
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    batch: (*const SealedBoxItem, usize),
    place: impl FnOnce() -> Result<BytesOut, Failure>,
    body: impl FnOnce(&SealedBox, &Key, &[Item<'_>]) -> Result<Secret, sealed_box::Error>,
) -> SealedBoxStatus {
    // SAFETY: the caller's promise.
    let items = guard::contain(|| unsafe { read_items(batch.0, batch.1) });
    let (items, regions) = match items {
        Ok((items, regions)) => (Ok(items), regions),
        Err(failure) => (Err(failure), Vec::new()),
    };
    let apart = || {
        let place = place()?;
        place.apart_from(regions)?;
        place.apart_from([Region::of(key, 1)])?;
        Ok(place)
    };
    // SAFETY: the caller's promise.
    let handle = unsafe { memory::shared(key, "key") };
    let body = |sealed_box: &SealedBox, []: [&[u8]; 0]| {
        let handle: &SealedBoxKey = handle?;
        body(sealed_box, &handle.key, &items?).map_err(failure)
    };
    // SAFETY: the caller's promise.
    unsafe { with_box(function, sealed_box, &[], apart, body) }
}

/// The items and the memory they were read from. A failure says at which item.
///
/// # Safety
///
/// The pointer is null or points to `count` items, each of which is what the header says.
unsafe fn read_items<'a>(items: *const SealedBoxItem, count: usize) -> Result<(Vec<Item<'a>>, Vec<Region>), Failure> {
    // SAFETY: the caller's promise.
    let items = unsafe { memory::array(items, count, SEALED_BOX_MAX_COUNT, "items")? };
    let mut regions = vec![Region::of(items.as_ptr(), items.len())];
    let mut all = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let data = Input::new(item.data, item.data_length, "data");
        let associated = Input::new(item.associated, item.associated_length, "associated");
        regions.extend([data.region(), associated.region()]);
        all.push(Item {
            // SAFETY: the caller's promise.
            data: unsafe { data.read() }.map_err(|failure| failure.at(index))?,
            // SAFETY: the caller's promise.
            associated: unsafe { associated.read() }.map_err(|failure| failure.at(index))?,
        });
    }
    Ok((all, regions))
}

/// A call with a stream.
///
/// # Safety
///
/// Each pointer is null or points to what its type says.
unsafe fn with_stream<const N: usize>(
    function: &'static CStr,
    stream: *const SealedBoxStream,
    inputs: &[Input; N],
    (bytes, bytes_length): (*mut *mut u8, *mut usize),
    body: impl FnOnce(&SealedBoxStream, [&[u8]; N]) -> Result<Secret, Failure>,
) -> SealedBoxStatus {
    guard::call(function, None::<&Callbacks>, || {
        // SAFETY: the caller's promise.
        let handle = unsafe { memory::shared(stream, "stream")? };
        let place = BytesOut::new(bytes, bytes_length, "bytes")?;
        place.apart_from([Region::of(stream, 1)])?;
        // SAFETY: the caller's promise.
        let inputs = unsafe { call::read(inputs, &place)? };
        let value = body(handle, inputs)?;
        // SAFETY: the caller's promise.
        unsafe { call::Place::put(place, value) };
        Ok(())
    })
}

fn new_key(key: *mut *mut SealedBoxKey) -> Result<Out<*mut SealedBoxKey>, Failure> {
    Out::new(key, "the place for the key")
}

fn new_stream(stream: *mut *mut SealedBoxStream) -> Result<Out<*mut SealedBoxStream>, Failure> {
    Out::new(stream, "the place for the stream")
}

fn opaque(key: Result<Key, sealed_box::Error>) -> Result<SealedBoxKey, Failure> {
    key.map(|key| SealedBoxKey { key }).map_err(failure)
}

/// Ends something: there is no status to return, and a panic is not let out either.
fn contained(end: impl FnOnce()) {
    let _: Result<(), Failure> = guard::contain(|| {
        end();
        Ok(())
    });
}
