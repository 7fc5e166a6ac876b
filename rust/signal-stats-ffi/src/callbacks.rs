//! The caller's function: the observer.

use std::ffi::{CStr, c_char, c_void};
use std::time::Duration;

use boundary::{Observer, Release, Versioned};

use crate::status::{Failure, SignalStatsStatus};

/// Told after each call of a function that returns a status: the function's name (static, with a NUL), how long it took,
/// and what it returns.
pub type SignalStatsObserve = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        function: *const c_char,
        duration_nanoseconds: u64,
        status: SignalStatsStatus,
    ),
>;

/// Told, once, that the library calls none of the functions any more and does not use `user_data` again: when the
/// handle, and all that were made with it, are freed, and every call has ended that may call them. It is called in the
/// thread in which that happened, may call the library in turn, and leaves no message.
///
/// It is not called if `signal_stats_new` fails: then the library has kept nothing, and all is still the caller's.
pub type SignalStatsRelease = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// The caller's functions.
///
/// They are called from the thread that called the library, so from several at once where a handle is shared, and may
/// call the library in turn, and also free what the call uses: it stays until the call has ended. They must return: no C++
/// exception and no longjmp may leave them.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SignalStatsCallbacks {
    /// `sizeof(SignalStatsCallbacks)`.
    pub struct_size: u32,
    /// Must be 0.
    pub reserved: u32,
    /// Handed to every function as it is. It must stay usable until `release` is called: until the handle, and all
    /// that were made with it, are freed, and, where a callback frees one, until the call that was running has ended.
    pub user_data: *mut c_void,
    /// Takes the measurements. May be null.
    pub observe: SignalStatsObserve,
    /// Told when the functions are needed no more. May be null; a structure that ends before it has none.
    pub release: SignalStatsRelease,
}

// SAFETY: it starts with a `u32`; null pointers, null functions and 0 are valid.
unsafe impl Versioned for SignalStatsCallbacks {
    const FIRST_SIZE: usize = 8 + 2 * size_of::<*const ()>();
}

/// Callbacks that were checked, and belong to a handle.
#[derive(Clone)]
pub(crate) struct Callbacks {
    functions: SignalStatsCallbacks,
    release: Release,
}

// SAFETY: the functions and what `user_data` points to may be used from any thread at once: the header asks this of
// every caller, and nothing here changes them.
unsafe impl Send for Callbacks {}
// SAFETY: as above.
unsafe impl Sync for Callbacks {}

impl Callbacks {
    pub(crate) const NONE: SignalStatsCallbacks = SignalStatsCallbacks {
        struct_size: 0,
        reserved: 0,
        user_data: std::ptr::null_mut(),
        observe: None,
        release: None,
    };

    pub(crate) fn new(functions: SignalStatsCallbacks) -> Result<Self, Failure> {
        if functions.reserved != 0 {
            return Err(Failure::new(
                SignalStatsStatus::InvalidStruct,
                "the reserved field of the callbacks is not 0",
            ));
        }
        // SAFETY: the header asks this of every caller.
        let release = unsafe { Release::new(functions.release, functions.user_data) };
        Ok(Self { functions, release })
    }

    /// From now on they are the library's, which says when it needs them no more.
    pub(crate) fn accept(&self) {
        self.release.accept();
    }
}

impl Observer<SignalStatsStatus> for Callbacks {
    fn is_observed(&self) -> bool {
        self.functions.observe.is_some()
    }

    fn observe(&self, function: &'static CStr, duration: Duration, status: SignalStatsStatus) {
        if let Some(observe) = self.functions.observe {
            let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
            // SAFETY: the header says how the function is called, and so it is; the name is static.
            unsafe { observe(self.functions.user_data, function.as_ptr(), nanoseconds, status) }
        }
    }
}
