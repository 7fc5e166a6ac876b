//! The caller's functions: the audit and the observer.

use std::ffi::{CStr, c_char, c_void};
use std::time::Duration;

use boundary::{Observer, Release, Versioned};
use sealed_box::{Audit, KeyUse};

use crate::status::{Failure, SealedBoxStatus};

/// A use of a key. Nothing of it is secret.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedBoxKeyUse {
    /// What was done: a `SealedBoxOperation`.
    pub operation: u32,
    /// The key's algorithm: a `SealedBoxAlgorithm`.
    pub algorithm: u32,
    /// The number that the caller gave to the key.
    pub key_id: u64,
    /// What it came to.
    pub status: SealedBoxStatus,
    /// Always 0.
    pub reserved: u32,
}

/// Told after each use of a key, also of those that were refused. `key_use` is gone when the function returns.
pub type SealedBoxAudit = Option<unsafe extern "C" fn(user_data: *mut c_void, key_use: *const SealedBoxKeyUse)>;

/// Told after each call of a function that takes a box and returns a status: the function's name (static, with a NUL),
/// how long it took, and what it returns.
pub type SealedBoxObserve = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        function: *const c_char,
        duration_nanoseconds: u64,
        status: SealedBoxStatus,
    ),
>;

/// Told, once, that the library calls none of the functions any more and does not use `user_data` again: when the box
/// is freed, and every call has ended that may call them. It is called in the thread in which that happened, may call
/// the library in turn, and leaves no message.
///
/// It is not called if `sealed_box_new` fails: then the library has kept nothing, and all is still the caller's.
pub type SealedBoxRelease = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// The caller's functions. Both may be null.
///
/// They are called from the thread that called the library, so from several at once where a box is shared, and may call
/// the library in turn, and also free what the call uses: it stays until the call has ended. They must return: no C++
/// exception and no longjmp may leave them.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SealedBoxCallbacks {
    /// `sizeof(SealedBoxCallbacks)`.
    pub struct_size: u32,
    /// Must be 0.
    pub reserved: u32,
    /// Handed to every function as it is. It must stay usable until `release` is called: until the box is freed,
    /// and, where a callback frees it, until the call that was running has ended.
    pub user_data: *mut c_void,
    /// Takes the uses of keys.
    pub audit: SealedBoxAudit,
    /// Takes the measurements.
    pub observe: SealedBoxObserve,
    /// Told when the functions are needed no more. May be null; a structure that ends before it has none.
    pub release: SealedBoxRelease,
}

// SAFETY: it starts with a `u32`; null pointers, null functions and 0 are valid.
unsafe impl Versioned for SealedBoxCallbacks {
    const FIRST_SIZE: usize = 8 + 3 * size_of::<*const ()>();
}

/// Callbacks that were checked, and belong to a box.
#[derive(Clone)]
pub(crate) struct Callbacks {
    functions: SealedBoxCallbacks,
    release: Release,
}

// SAFETY: the functions and what `user_data` points to may be used from any thread at once: the header asks this of
// every caller, and nothing here changes them.
unsafe impl Send for Callbacks {}
// SAFETY: as above.
unsafe impl Sync for Callbacks {}

impl Callbacks {
    pub(crate) const NONE: SealedBoxCallbacks = SealedBoxCallbacks {
        struct_size: 0,
        reserved: 0,
        user_data: std::ptr::null_mut(),
        audit: None,
        observe: None,
        release: None,
    };

    pub(crate) fn new(functions: SealedBoxCallbacks) -> Result<Self, Failure> {
        if functions.reserved != 0 {
            return Err(Failure::new(
                SealedBoxStatus::InvalidStruct,
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

impl Observer<SealedBoxStatus> for Callbacks {
    fn is_observed(&self) -> bool {
        self.functions.observe.is_some()
    }

    fn observe(&self, function: &'static CStr, duration: Duration, status: SealedBoxStatus) {
        if let Some(observe) = self.functions.observe {
            let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
            // SAFETY: the header says how the function is called, and so it is; the name is static.
            unsafe { observe(self.functions.user_data, function.as_ptr(), nanoseconds, status) }
        }
    }
}

impl Audit for Callbacks {
    fn used(&self, key_use: &KeyUse) {
        if let Some(audit) = self.functions.audit {
            let key_use = SealedBoxKeyUse {
                operation: key_use.operation.number().into(),
                algorithm: key_use.algorithm.number().into(),
                key_id: key_use.key_id,
                status: key_use
                    .outcome
                    .map_or_else(SealedBoxStatus::from, |()| SealedBoxStatus::Ok),
                reserved: 0,
            };
            // SAFETY: the header says how the function is called, and so it is; the structure lives until it returns.
            unsafe { audit(self.functions.user_data, &raw const key_use) }
        }
    }
}
