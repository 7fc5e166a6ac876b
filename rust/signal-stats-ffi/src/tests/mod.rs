//! Tests through the exported functions, as a C program would call them. They live in the crate because it has no
//! rlib that a test outside could link.

#![allow(clippy::float_cmp, reason = "results are defined to the bit")]
#![allow(
    clippy::similar_names,
    reason = "a handle is called `stats`, what a call came to `status`"
)]

mod arrow;
mod boundary;
mod handles;
mod release;
mod results;

use std::ffi::c_char;
use std::ptr;

use crate::{SignalStats, SignalStatsStatus as Status, signal_stats_free, signal_stats_last_error, signal_stats_new};

/// A handle that is freed at the end of its test.
struct Stats(*mut SignalStats);

// SAFETY: the header lets handles be shared between threads.
unsafe impl Sync for Stats {}

impl Stats {
    fn new() -> Self {
        let mut stats = ptr::null_mut();
        // SAFETY: the place lives until the call returns.
        let status = unsafe { signal_stats_new(ptr::null(), &raw mut stats) };
        assert_eq!(status, Status::Ok);
        Self(stats)
    }
}

impl Drop for Stats {
    fn drop(&mut self) {
        // SAFETY: it comes from the library, and nobody else frees it.
        unsafe { signal_stats_free(self.0) };
    }
}

fn last_error() -> String {
    // SAFETY: null asks for the length alone.
    let mut buffer = vec![0_u8; unsafe { signal_stats_last_error(ptr::null_mut(), 0) } + 1];
    // SAFETY: the buffer has that length.
    unsafe { signal_stats_last_error(buffer.as_mut_ptr().cast::<c_char>(), buffer.len()) };
    assert_eq!(buffer.pop(), Some(0));
    String::from_utf8(buffer).expect("UTF-8")
}

fn size<T>() -> u32 {
    u32::try_from(size_of::<T>()).expect("a structure is small")
}
