//! What a caller hands over with its functions, and gets back once when they are needed no more.
//!
//! It is memory of its own, so that a sanitizer sees what is used or ended after its end, and what is never ended.

use std::ffi::c_void;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

const ALIVE: u64 = 0x6F77_6564_6F77_6564;

/// The user data of callers whose structure is too short for a `release`: nobody says when it is needed no more.
static FOR_EVER: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// New user data.
pub fn user_data() -> *mut c_void {
    Box::into_raw(Box::new(AtomicU64::new(ALIVE))).cast()
}

/// Every function that is handed it looks at it.
///
/// # Safety
///
/// It is from `user_data`.
///
/// # Panics
///
/// If the library has said that it needs it no more, in runs whose memory still shows that.
pub unsafe fn check(user_data: *mut c_void) {
    // SAFETY: the caller's promise, and the library's that it is still there.
    let mark = unsafe { &*user_data.cast::<AtomicU64>() };
    assert_eq!(mark.load(Ordering::Relaxed), ALIVE, "released before its last use");
}

/// The `release` of every structure.
///
/// # Safety
///
/// It is from `user_data`, and this is its end.
pub unsafe extern "C" fn release(user_data: *mut c_void) {
    // SAFETY: as in `check`.
    let mark = unsafe { Box::from_raw(user_data.cast::<AtomicU64>()) };
    assert_eq!(mark.swap(0, Ordering::Relaxed), ALIVE, "released twice");
}

/// What a call with these functions came to, after which their user data is the library's, or ended if it failed.
///
/// # Safety
///
/// The user data is that of the functions, which the library has accepted if the call is `done`.
pub unsafe fn settled<T, S: PartialEq>(user_data: *mut c_void, functions: *const T, done: &S, status: S) -> S {
    if status != *done || functions.is_null() {
        // SAFETY: a call that failed has kept nothing, and one that was given nothing has it neither.
        unsafe { release(user_data) };
    // SAFETY: the library has read the size with which every structure begins.
    } else if (unsafe { functions.cast::<u32>().read() } as usize) < size_of::<T>() {
        FOR_EVER
            .lock()
            .expect("nothing panics here")
            .push(user_data.expose_provenance());
    }
    status
}
