//! What is alike in the exported functions: inputs are read, results kept apart from them, failures turned into a status.

use std::ffi::CStr;
use std::mem;

use boundary::{BytesOut, Out, Region, guard, memory};
use sealed_box::{Error, Key, MAX_LENGTH, Secret};

use crate::handle::{SealedBox, SealedBoxKey};
use crate::status::{Failure, SealedBoxStatus, failure};

/// An envelope is a little longer than its message; the core says exactly what is too long.
const MOST_INPUT: usize = MAX_LENGTH + 256;

/// Bytes of the caller, with their name in messages.
pub(crate) struct Input {
    pub(crate) data: *const u8,
    pub(crate) length: usize,
    pub(crate) name: &'static str,
}

impl Input {
    pub(crate) fn new(data: *const u8, length: usize, name: &'static str) -> Self {
        Self { data, length, name }
    }

    /// # Safety
    ///
    /// `data` is null or points to `length` bytes that nobody changes during `'a`.
    pub(crate) unsafe fn read<'a>(&self) -> Result<&'a [u8], Failure> {
        // SAFETY: the caller's promise.
        unsafe { memory::bytes(self.data, self.length, MOST_INPUT, self.name) }
    }

    pub(crate) fn region(&self) -> Region {
        Region::of(self.data, self.length)
    }
}

/// Where a result goes.
pub(crate) trait Place {
    type Value;

    fn apart_from(&self, region: Region) -> Result<(), Failure>;

    /// # Safety
    ///
    /// The place may be written.
    unsafe fn put(self, value: Self::Value);
}

impl Place for () {
    type Value = ();

    fn apart_from(&self, _: Region) -> Result<(), Failure> {
        Ok(())
    }

    unsafe fn put(self, (): ()) {}
}

impl Place for BytesOut {
    type Value = Secret;

    fn apart_from(&self, region: Region) -> Result<(), Failure> {
        Self::apart_from(self, [region])
    }

    unsafe fn put(self, value: Secret) {
        // SAFETY: the caller's promise.
        unsafe { self.write(boxed(value)) }
    }
}

/// A new handle.
impl<T> Place for Out<*mut T> {
    type Value = T;

    fn apart_from(&self, region: Region) -> Result<(), Failure> {
        Self::apart_from(self, [region])
    }

    unsafe fn put(self, value: T) {
        // SAFETY: the caller's promise.
        unsafe { self.write(memory::new_handle(value)) }
    }
}

/// Exactly the bytes. Shrinking would leave a copy behind, so that what has room to spare is copied by hand.
fn boxed(mut secret: Secret) -> Box<[u8]> {
    if secret.len() == secret.capacity() {
        mem::take(&mut *secret).into_boxed_slice()
    } else {
        secret.as_slice().into()
    }
}

/// A call with a box.
///
/// # Safety
///
/// Each pointer is null or points to what its type says.
pub(crate) unsafe fn with_box<const N: usize, P: Place>(
    function: &'static CStr,
    sealed_box: *const SealedBox,
    inputs: &[Input; N],
    place: impl FnOnce() -> Result<P, Failure>,
    body: impl FnOnce(&SealedBox, [&[u8]; N]) -> Result<P::Value, Failure>,
) -> SealedBoxStatus {
    // SAFETY: the caller's promise.
    let handle = unsafe { memory::handle(sealed_box, "sealed_box") };
    let observer = handle.as_deref().ok().map(|handle: &SealedBox| handle.core.audit());
    guard::call(function, observer, || {
        let handle = handle.as_deref().map_err(Failure::clone)?;
        let place = place()?;
        place.apart_from(Region::of(sealed_box, 1))?;
        // SAFETY: the caller's promise.
        let bytes = unsafe { read(inputs, &place)? };
        let value = body(handle, bytes)?;
        // SAFETY: the caller's promise.
        unsafe { place.put(value) };
        Ok(())
    })
}

/// A call with a box and a key.
///
/// # Safety
///
/// Each pointer is null or points to what its type says.
pub(crate) unsafe fn with_key<const N: usize, P: Place>(
    function: &'static CStr,
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    inputs: &[Input; N],
    place: impl FnOnce() -> Result<P, Failure>,
    body: impl FnOnce(&SealedBox, &Key, [&[u8]; N]) -> Result<P::Value, Error>,
) -> SealedBoxStatus {
    let apart = || {
        let place = place()?;
        place.apart_from(Region::of(key, 1))?;
        Ok(place)
    };
    // SAFETY: the caller's promise.
    let handle = unsafe { memory::handle(key, "key") };
    let body = |sealed_box: &SealedBox, inputs: [&[u8]; N]| {
        let handle: memory::InUse<SealedBoxKey> = handle?;
        body(sealed_box, &handle.key, inputs).map_err(failure)
    };
    // SAFETY: the caller's promise.
    unsafe { with_box(function, sealed_box, inputs, apart, body) }
}

/// # Safety
///
/// Each input is null or as long as it says, and nobody changes it during `'a`.
pub(crate) unsafe fn read<'a, const N: usize>(
    inputs: &[Input; N],
    place: &impl Place,
) -> Result<[&'a [u8]; N], Failure> {
    let mut all = [&[][..]; N];
    for (bytes, input) in all.iter_mut().zip(inputs) {
        // SAFETY: the caller's promise.
        *bytes = unsafe { input.read()? };
        place.apart_from(input.region())?;
    }
    Ok(all)
}

pub(crate) fn new_key(key: *mut *mut SealedBoxKey) -> Result<Out<*mut SealedBoxKey>, Failure> {
    Out::new(key, "the place for the key")
}
