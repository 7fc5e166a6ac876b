//! What is alike in the exported functions: inputs are read, results kept apart from them, failures turned into a status.

use std::ffi::CStr;
use std::sync::{Mutex, TryLockError};

use boundary::{Out, Region, guard, memory};

use crate::SIGNAL_STATS_MAX_COUNT;
use crate::callbacks::Callbacks;
use crate::status::{Failure, SignalStatsStatus};

/// What a handle has that is known by its observer.
pub(crate) trait Handle {
    fn callbacks(&self) -> &Callbacks;
}

/// Something that remembers, and is used by one thread at a time.
pub(crate) struct Alone<T> {
    pub(crate) callbacks: Callbacks,
    state: Mutex<T>,
}

impl<T> Alone<T> {
    pub(crate) fn new(callbacks: Callbacks, state: T) -> Self {
        Self {
            callbacks,
            state: Mutex::new(state),
        }
    }

    /// A call that ended in a fault has left the state in the middle: nothing can be done with it any more.
    pub(crate) fn with<R>(&self, body: impl FnOnce(&mut T) -> Result<R, Failure>) -> Result<R, Failure> {
        match self.state.try_lock() {
            Ok(mut state) => body(&mut state),
            Err(TryLockError::Poisoned(_)) => Err(Failure::new(
                SignalStatsStatus::Internal,
                "an earlier call with this handle ended in a fault",
            )),
            Err(TryLockError::WouldBlock) => {
                Err(Failure::new(SignalStatsStatus::Busy, "another thread uses this handle"))
            }
        }
    }
}

/// The regions of a call: those that are read, and those that are written.
#[derive(Default)]
pub(crate) struct Regions(Vec<Region>);

impl Regions {
    pub(crate) fn read(&mut self, region: Region) {
        self.0.push(region);
    }

    /// # Errors
    ///
    /// `OVERLAP` with anything that was read or written before.
    pub(crate) fn write(&mut self, region: Region) -> Result<(), Failure> {
        region.apart_from(self.0.iter().copied())?;
        self.0.push(region);
        Ok(())
    }

    /// # Safety
    ///
    /// `data` is null or points to `count` values that nobody changes during `'a`.
    pub(crate) unsafe fn input<'a>(
        &mut self,
        data: *const f64,
        count: usize,
        name: &str,
    ) -> Result<&'a [f64], Failure> {
        self.read(Region::of(data, count));
        // SAFETY: the caller's promise.
        unsafe { memory::array(data, count, SIGNAL_STATS_MAX_COUNT, name) }
    }

    /// All inputs have to be read before.
    ///
    /// # Safety
    ///
    /// `data` is null or points to `count` values that nobody else uses during `'a`.
    pub(crate) unsafe fn output<'a, T>(
        &mut self,
        data: *mut T,
        count: usize,
        name: &str,
    ) -> Result<&'a mut [T], Failure> {
        self.write(Region::of(data, count))?;
        // SAFETY: the caller's promise, and it overlaps nothing of this call.
        unsafe { memory::array_mut(data, count, SIGNAL_STATS_MAX_COUNT, name) }
    }

    pub(crate) fn result<T>(&mut self, pointer: *mut T, name: &str) -> Result<Out<T>, Failure> {
        let out = Out::new(pointer, name)?;
        self.write(out.region())?;
        Ok(out)
    }
}

/// A call with a handle.
///
/// # Safety
///
/// `handle` is null or points to what its type says.
pub(crate) unsafe fn with<H: Handle>(
    function: &'static CStr,
    handle: *const H,
    body: impl FnOnce(&H, &mut Regions) -> Result<(), Failure>,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    let used = unsafe { memory::handle(handle, "the handle") };
    let observer = used.as_deref().ok().map(|used: &H| used.callbacks());
    guard::call(function, observer, || {
        let mut regions = Regions::default();
        regions.read(Region::of(handle, 1));
        body(used.as_deref().map_err(Failure::clone)?, &mut regions)
    })
}

/// Writes a new handle.
///
/// # Safety
///
/// The place may be written.
pub(crate) unsafe fn hand_out<T>(out: Out<*mut T>, value: T) {
    // SAFETY: the caller's promise.
    unsafe { out.write(memory::new_handle(value)) }
}
