//! The C interface of signal-stats: checks what comes in, calls the core, writes what comes back into the caller's memory.
//!
//! `batches` has what is done in one call, `handles` what remembers. `unsafe` code stays where foreign memory is touched:
//! in the exported functions, in `call`, in the crate `boundary` and around the call in `callbacks`.

#![allow(clippy::too_many_arguments, reason = "in C each pointer brings its length")]
#![allow(
    clippy::multiple_unsafe_ops_per_block,
    reason = "every function reads several arrays under one promise of its caller"
)]

mod arrow;
mod batches;
mod call;
mod callbacks;
mod handles;
mod options;
mod status;
#[cfg(test)]
mod tests;

use std::ffi::{CStr, c_char};

use boundary::{Out, Region, guard, last_error, memory};

pub use arrow::{ArrowArray, ArrowSchema, signal_stats_arrow_new, signal_stats_arrow_values};
pub use batches::*;
pub use callbacks::{SignalStatsCallbacks, SignalStatsObserve, SignalStatsRelease};
pub use handles::*;
pub use options::{
    SignalStatsBins, SignalStatsBiquadCoefficients, SignalStatsBlock, SignalStatsInterpolation, SignalStatsOutside,
    SignalStatsRolling, SignalStatsWindow,
};
pub use status::SignalStatsStatus;

use call::{Handle, hand_out};
use callbacks::Callbacks;
use status::Failure;

/// The version of this interface. A library with another number must not be used with this header.
pub const SIGNAL_STATS_ABI_VERSION: u32 = 1;

/// The most values an array may have: 2^27, which are 1 GiB.
pub const SIGNAL_STATS_MAX_COUNT: usize = 134_217_728;

const BUILD_INFO: &CStr = match CStr::from_bytes_with_nul(concat!(env!("BUILD_INFO"), "\0").as_bytes()) {
    Ok(info) => info,
    Err(_) => panic!("the build information holds a NUL"),
};

/// What every function is called with, and every other handle made with: it knows the observer.
///
/// It never changes, so one may be used from any number of threads at once. It is made by `signal_stats_new` and ended by
/// `signal_stats_free`, which must not run while another thread still uses it.
pub struct SignalStats {
    callbacks: Callbacks,
}

impl Handle for SignalStats {
    fn callbacks(&self) -> &Callbacks {
        &self.callbacks
    }
}

/// The `SIGNAL_STATS_ABI_VERSION` the library was built with.
#[unsafe(no_mangle)]
pub extern "C" fn signal_stats_abi_version() -> u32 {
    SIGNAL_STATS_ABI_VERSION
}

/// What this library is: a JSON object with `name`, `version`, `commit`, `fingerprint`, `interface`, `target`, `rustc`
/// (texts) and `dependencies` (name to version).
///
/// The text ends with a NUL, is valid as long as the library is loaded, and is not freed.
#[unsafe(no_mangle)]
pub extern "C" fn signal_stats_build_info() -> *const c_char {
    BUILD_INFO.as_ptr()
}

/// Makes a handle and writes it to `stats`. It is freed with `signal_stats_free`.
///
/// `callbacks` may be null if nobody listens. The structure is copied; only `user_data` is kept as it is.
///
/// # Safety
///
/// Each pointer is null or points to what its type says; a structure has as many bytes as its `struct_size`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_new(
    callbacks: *const SignalStatsCallbacks,
    stats: *mut *mut SignalStats,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    let functions = guard::contain(|| unsafe { read_callbacks(callbacks) });
    let observer = functions.as_ref().ok().cloned();
    guard::call(c"signal_stats_new", observer.as_ref(), || {
        let functions = functions?;
        let out = Out::new(stats, "stats")?;
        // SAFETY: null, or read by `read_callbacks`.
        out.apart_from([unsafe { Region::of_versioned(callbacks) }])?;
        functions.accept();
        // SAFETY: the caller's promise.
        unsafe { hand_out(out, SignalStats { callbacks: functions }) };
        Ok(())
    })
}

/// Ends a handle. Null is allowed and does nothing. What was made with it stays usable.
///
/// # Safety
///
/// `stats` is null or comes from `signal_stats_new`, was not freed before, and no other thread uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_free(stats: *mut SignalStats) {
    // SAFETY: the caller's promise.
    guard::end(|| unsafe { memory::release_handle(stats) });
}

/// Copies the message of the last call in this thread that returned a status, empty if that was
/// `SIGNAL_STATS_STATUS_OK`, and a NUL to `buffer`. What does not fit is cut between two characters.
///
/// Returns the length of the whole message without the NUL, so that `signal_stats_last_error(NULL, 0) + 1` is the size to
/// provide.
///
/// # Safety
///
/// `buffer` is null, or `length` bytes may be written there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_last_error(buffer: *mut c_char, length: usize) -> usize {
    // SAFETY: the caller's promise.
    unsafe { last_error::copy(buffer, length) }
}

/// # Safety
///
/// The pointer is null or points to what its type says.
unsafe fn read_callbacks(callbacks: *const SignalStatsCallbacks) -> Result<Callbacks, Failure> {
    if callbacks.is_null() {
        return Callbacks::new(Callbacks::NONE);
    }
    // SAFETY: the caller's promise.
    Callbacks::new(unsafe { memory::versioned(callbacks, "callbacks")? })
}
