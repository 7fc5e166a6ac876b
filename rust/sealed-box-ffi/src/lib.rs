//! The C interface of sealed-box: checks what comes in, calls the core, hands out what comes back.
//!
//! The box itself is here; what is done with it has a module for each purpose. `unsafe` code stays where foreign memory
//! is touched: in the exported functions, in `call`, in the crate `boundary` and around the calls in `callbacks`.

#![allow(clippy::too_many_arguments, reason = "in C each pointer brings its length")]

mod batches;
mod call;
mod callbacks;
mod deriving;
mod handle;
mod hashing;
mod keys;
mod options;
mod sealing;
mod signing;
mod status;
mod streams;
#[cfg(test)]
mod tests;

use std::ffi::{CStr, c_char};

use boundary::{Out, Region, guard, last_error, memory};
use sealed_box::{SealedBox as CoreBox, Zeroizing};

pub use batches::*;
pub use callbacks::{SealedBoxAudit, SealedBoxCallbacks, SealedBoxKeyUse, SealedBoxObserve, SealedBoxRelease};
pub use deriving::*;
pub use handle::{SealedBox, SealedBoxKey, SealedBoxStream};
pub use hashing::*;
pub use keys::*;
pub use options::{SealedBoxAlgorithm, SealedBoxOperation, SealedBoxOptions};
pub use sealing::*;
pub use signing::*;
pub use status::SealedBoxStatus;
pub use streams::*;

use callbacks::Callbacks;
use handle::System;
use status::Failure;

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
    let observer = functions.as_ref().ok().cloned();
    guard::call(c"sealed_box_new", observer.as_ref(), || {
        let functions = functions?;
        // SAFETY: the caller's promise.
        let (policy, regions) = unsafe { options::read(options)? };
        let out = Out::new(sealed_box, "sealed_box")?;
        // SAFETY: null, or read by `read_callbacks`.
        let of_callbacks = unsafe { Region::of_versioned(callbacks) };
        out.apart_from(regions.into_iter().chain([of_callbacks]))?;
        functions.accept();
        let core = CoreBox::new(policy, System, functions);
        // SAFETY: the caller's promise.
        unsafe { out.write(memory::new_handle(SealedBox { core })) };
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
    guard::end(|| unsafe { memory::release_handle(sealed_box) });
}

/// Overwrites and frees bytes that this library handed out. Null is allowed and does nothing.
///
/// # Safety
///
/// `bytes` and `length` are what this library wrote, and were not freed before; or `bytes` is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_bytes_free(bytes: *mut u8, length: usize) {
    // SAFETY: the caller's promise.
    guard::end(|| drop(Zeroizing::new(unsafe { memory::taken_back(bytes, length) })));
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
