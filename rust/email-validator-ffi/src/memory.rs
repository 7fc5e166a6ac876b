//! The caller's memory: every pointer is checked here, once, before anything is read or written.

use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::slice;

use crate::status::{EmailValidatorStatus as Status, Failure};
use crate::{EMAIL_VALIDATOR_MAX_COUNT, EMAIL_VALIDATOR_MAX_LENGTH};

/// A structure of a newer caller is longer than ours, but never as long as this.
const MAX_STRUCT_SIZE: usize = 4096;

/// Addresses from `start` up to, but without, `end`.
#[derive(Clone, Copy)]
pub(crate) struct Region {
    start: usize,
    end: usize,
}

impl Region {
    pub(crate) fn of<T>(pointer: *const T, count: usize) -> Self {
        let start = pointer.addr();
        Self {
            start,
            end: start.saturating_add(count.saturating_mul(size_of::<T>())),
        }
    }

    fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// Not null and aligned.
fn check<T>(pointer: *const T, what: &str) -> Result<(), Failure> {
    if pointer.is_null() {
        return Err(Failure::new(Status::NullPointer, format_args!("{what} is null")));
    }
    if !pointer.is_aligned() {
        return Err(Failure::new(Status::Misaligned, format_args!("{what} is not aligned")));
    }
    Ok(())
}

/// One value to read.
///
/// # Safety
///
/// A pointer that is neither null nor misaligned points to a `T` that nobody changes during `'a`.
pub(crate) unsafe fn shared<'a, T>(pointer: *const T, what: &str) -> Result<&'a T, Failure> {
    check(pointer, what)?;
    // SAFETY: not null and aligned, as was just checked; the rest is the caller's promise.
    Ok(unsafe { &*pointer })
}

/// An array to read. An empty one may be null.
///
/// # Safety
///
/// Unless `count` is 0, a pointer that is neither null nor misaligned points to `count` values that nobody changes
/// during `'a`.
pub(crate) unsafe fn array<'a, T>(pointer: *const T, count: usize, what: &str) -> Result<&'a [T], Failure> {
    if count == 0 {
        return Ok(&[]);
    }
    check(pointer, what)?;
    if count > EMAIL_VALIDATOR_MAX_COUNT {
        let message = format_args!("{what} has more than {EMAIL_VALIDATOR_MAX_COUNT} items");
        return Err(Failure::new(Status::TooLong, message));
    }
    // SAFETY: not null and aligned, and the limit keeps the size far below `isize::MAX`; the rest is the caller's
    // promise.
    Ok(unsafe { slice::from_raw_parts(pointer, count) })
}

/// A text to read. An empty one may be null.
///
/// # Safety
///
/// Unless `length` is 0, a pointer that is not null points to `length` bytes that nobody changes during `'a`.
pub(crate) unsafe fn text<'a>(pointer: *const c_char, length: usize, what: &str) -> Result<&'a str, Failure> {
    if length == 0 {
        return Ok("");
    }
    check(pointer, what)?;
    if length > EMAIL_VALIDATOR_MAX_LENGTH {
        let message = format_args!("{what} is longer than {EMAIL_VALIDATOR_MAX_LENGTH} bytes");
        return Err(Failure::new(Status::TooLong, message));
    }
    // SAFETY: not null, and the limit keeps the size far below `isize::MAX`; the rest is the caller's promise.
    let bytes = unsafe { slice::from_raw_parts(pointer.cast::<u8>(), length) };
    str::from_utf8(bytes).map_err(|_| Failure::new(Status::NotUtf8, format_args!("{what} is not UTF-8")))
}

/// A structure whose first field is its size, as a caller compiled against another release may have it.
///
/// # Safety
///
/// The type starts with a `u32`, and is a valid value when all its bytes are 0.
pub(crate) unsafe trait Versioned: Copy {
    /// Its size in the first release that had it.
    const FIRST_SIZE: usize;
}

/// Copies a structure of any release: what an older caller does not know is 0, and what a newer one may ask for
/// beyond our knowledge must be 0.
///
/// # Safety
///
/// A pointer that is neither null nor misaligned points to as many bytes as its first field says, and nobody changes
/// them meanwhile.
pub(crate) unsafe fn versioned<T: Versioned>(pointer: *const T, what: &str) -> Result<T, Failure> {
    check(pointer, what)?;
    // SAFETY: a `Versioned` starts with a `u32`; alignment was checked.
    let size = unsafe { pointer.cast::<u32>().read() } as usize;
    if !(T::FIRST_SIZE..=MAX_STRUCT_SIZE).contains(&size) {
        return Err(Failure::new(
            Status::InvalidStruct,
            format_args!("{what} cannot have a size of {size} bytes"),
        ));
    }
    // SAFETY: the caller's promise.
    let bytes = unsafe { slice::from_raw_parts(pointer.cast::<u8>(), size) };
    if bytes.iter().skip(size_of::<T>()).any(|byte| *byte != 0) {
        let message = format_args!("{what} asks for something that only a newer library knows");
        return Err(Failure::new(Status::InvalidStruct, message));
    }
    let mut copy = MaybeUninit::<T>::zeroed();
    let target = copy.as_mut_ptr().cast::<u8>();
    // SAFETY: both sides have at least that many bytes, and `copy` is ours alone.
    unsafe { target.copy_from_nonoverlapping(bytes.as_ptr(), size.min(size_of::<T>())) };
    // SAFETY: a `Versioned` is valid when it is all 0, and what was copied over it was one before.
    Ok(unsafe { copy.assume_init() })
}

/// A place for a result: checked first, written last.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    pub(crate) fn new(pointer: *mut T, what: &str) -> Result<Self, Failure> {
        check(pointer, what)?;
        Ok(Self(pointer))
    }

    pub(crate) fn region(&self) -> Region {
        Region::of(self.0, 1)
    }

    /// Refuses memory that anything else of the call uses.
    pub(crate) fn apart_from(&self, others: impl IntoIterator<Item = Region>) -> Result<(), Failure> {
        if others.into_iter().any(|other| self.region().overlaps(other)) {
            return Err(Failure::new(
                Status::Overlap,
                "a result would be written over something else of the call",
            ));
        }
        Ok(())
    }

    /// # Safety
    ///
    /// A `T` may be written where the pointer points to.
    pub(crate) unsafe fn write(self, value: T) {
        // SAFETY: not null and aligned, as `new` checked; the rest is the caller's promise.
        unsafe { self.0.write(value) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_that_touch_do_not_overlap() {
        let values = [0_u32; 4];
        let region = |from: usize, count| Region::of(&raw const values[from], count);
        assert!(!region(0, 2).overlaps(region(2, 2)));
        assert!(region(0, 3).overlaps(region(2, 2)));
        assert!(!region(0, 4).overlaps(region(1, 0)) || region(1, 0).start > region(0, 4).start);
    }
}
