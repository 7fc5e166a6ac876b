//! The caller's memory: every pointer is checked here, once, before anything is read or written.

use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::sync::Arc;
use std::{ptr, slice};

use crate::guard;
use crate::status::{Failure, Status};

/// A structure of a newer caller is longer than ours, but never as long as this.
const MAX_STRUCT_SIZE: usize = 4096;

/// Addresses from `start` up to, but without, `end`.
#[derive(Clone, Copy)]
pub struct Region {
    start: usize,
    end: usize,
}

impl Region {
    /// The memory of `count` values.
    pub fn of<T>(pointer: *const T, count: usize) -> Self {
        let start = pointer.addr();
        Self {
            start,
            end: start.saturating_add(count.saturating_mul(size_of::<T>())),
        }
    }

    /// The memory of a structure that [`versioned`] has read: as much as its caller said, which may be more than ours.
    ///
    /// # Safety
    ///
    /// The pointer is null, or one that `versioned` accepted.
    pub unsafe fn of_versioned<T: Versioned>(pointer: *const T) -> Self {
        if pointer.is_null() {
            return Self::of(pointer, 0);
        }
        // SAFETY: a `Versioned` starts with its size, and `versioned` has read it.
        let size = unsafe { pointer.cast::<u32>().read() } as usize;
        Self::of(pointer.cast::<u8>(), size)
    }

    /// Refuses memory that anything else of the call uses.
    ///
    /// # Errors
    ///
    /// `OVERLAP`.
    pub fn apart_from<S: Status>(self, others: impl IntoIterator<Item = Self>) -> Result<(), Failure<S>> {
        if others.into_iter().any(|other| self.overlaps(other)) {
            return Err(Failure::new(
                S::OVERLAP,
                "a result would be written over something else of the call",
            ));
        }
        Ok(())
    }

    /// No memory overlaps with none, wherever that is.
    fn overlaps(self, other: Self) -> bool {
        let is_empty = self.start == self.end || other.start == other.end;
        !is_empty && self.start < other.end && other.start < self.end
    }
}

/// Not null and aligned.
fn check<T, S: Status>(pointer: *const T, what: &str) -> Result<(), Failure<S>> {
    if pointer.is_null() {
        return Err(Failure::new(S::NULL_POINTER, format_args!("{what} is null")));
    }
    if !pointer.is_aligned() {
        return Err(Failure::new(S::MISALIGNED, format_args!("{what} is not aligned")));
    }
    Ok(())
}

/// An array that is not empty: not null, aligned, and of at most `limit` items.
fn check_items<T, S: Status>(pointer: *const T, count: usize, limit: usize, what: &str) -> Result<(), Failure<S>> {
    check(pointer, what)?;
    if count > limit {
        let message = format_args!("{what} has more than {limit} items");
        return Err(Failure::new(S::TOO_LONG, message));
    }
    Ok(())
}

/// One value to read.
///
/// # Errors
///
/// `NULL_POINTER` and `MISALIGNED`.
///
/// # Safety
///
/// A pointer that is neither null nor misaligned points to a `T` that nobody changes during `'a`.
pub unsafe fn shared<'a, T, S: Status>(pointer: *const T, what: &str) -> Result<&'a T, Failure<S>> {
    check(pointer, what)?;
    // SAFETY: not null and aligned, as was just checked; the rest is the caller's promise.
    Ok(unsafe { &*pointer })
}

/// An array to read, of at most `limit` items, which together are far smaller than `isize::MAX` bytes. An empty one
/// may be null.
///
/// # Errors
///
/// `NULL_POINTER`, `MISALIGNED` and `TOO_LONG`.
///
/// # Safety
///
/// Unless `count` is 0, a pointer that is neither null nor misaligned points to `count` values that nobody changes
/// during `'a`.
pub unsafe fn array<'a, T, S: Status>(
    pointer: *const T,
    count: usize,
    limit: usize,
    what: &str,
) -> Result<&'a [T], Failure<S>> {
    if count == 0 {
        return Ok(&[]);
    }
    check_items(pointer, count, limit, what)?;
    // SAFETY: not null and aligned, and the limit keeps the size far below `isize::MAX`; the rest is the caller's
    // promise.
    Ok(unsafe { slice::from_raw_parts(pointer, count) })
}

/// An array to write, as [`array`]. Whether it overlaps anything is the caller's question to its [`Region`].
///
/// # Errors
///
/// `NULL_POINTER`, `MISALIGNED` and `TOO_LONG`.
///
/// # Safety
///
/// Unless `count` is 0, a pointer that is neither null nor misaligned points to `count` values that nobody else uses
/// during `'a`.
pub unsafe fn array_mut<'a, T, S: Status>(
    pointer: *mut T,
    count: usize,
    limit: usize,
    what: &str,
) -> Result<&'a mut [T], Failure<S>> {
    if count == 0 {
        return Ok(&mut []);
    }
    check_items(pointer, count, limit, what)?;
    // SAFETY: as in `array`.
    Ok(unsafe { slice::from_raw_parts_mut(pointer, count) })
}

/// Bytes to read, at most `limit`. No bytes may be null.
///
/// # Errors
///
/// `NULL_POINTER` and `TOO_LONG`.
///
/// # Safety
///
/// Unless `length` is 0, a pointer that is not null points to `length` bytes that nobody changes during `'a`.
pub unsafe fn bytes<'a, S: Status>(
    pointer: *const u8,
    length: usize,
    limit: usize,
    what: &str,
) -> Result<&'a [u8], Failure<S>> {
    if length == 0 {
        return Ok(&[]);
    }
    check(pointer, what)?;
    if length > limit {
        let message = format_args!("{what} is longer than {limit} bytes");
        return Err(Failure::new(S::TOO_LONG, message));
    }
    // SAFETY: not null, and the limit keeps the size far below `isize::MAX`; the rest is the caller's promise.
    Ok(unsafe { slice::from_raw_parts(pointer, length) })
}

/// A text to read, of at most `limit` bytes. An empty one may be null.
///
/// # Errors
///
/// Those of [`bytes`], and `NOT_UTF8`.
///
/// # Safety
///
/// That of [`bytes`].
pub unsafe fn text<'a, S: Status>(
    pointer: *const c_char,
    length: usize,
    limit: usize,
    what: &str,
) -> Result<&'a str, Failure<S>> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { bytes(pointer.cast(), length, limit, what)? };
    str::from_utf8(bytes).map_err(|_| Failure::new(S::NOT_UTF8, format_args!("{what} is not UTF-8")))
}

/// A structure whose first field is its size, as a caller compiled against another release may have it.
///
/// # Safety
///
/// The type starts with a `u32`, and is a valid value when all its bytes are 0.
pub unsafe trait Versioned: Copy {
    /// Its size in the first release that had it.
    const FIRST_SIZE: usize;
}

/// Copies a structure of any release: what an older caller does not know is 0, and what a newer one may ask for
/// beyond our knowledge must be 0.
///
/// # Errors
///
/// `NULL_POINTER`, `MISALIGNED` and `INVALID_STRUCT`.
///
/// # Safety
///
/// A pointer that is neither null nor misaligned points to as many bytes as its first field says, and nobody changes
/// them meanwhile.
pub unsafe fn versioned<T: Versioned, S: Status>(pointer: *const T, what: &str) -> Result<T, Failure<S>> {
    check(pointer, what)?;
    // SAFETY: a `Versioned` starts with a `u32`; alignment was checked.
    let size = unsafe { pointer.cast::<u32>().read() } as usize;
    // A field is there as a whole or not at all, so that no pointer is made of a part of one.
    if !(T::FIRST_SIZE..=MAX_STRUCT_SIZE).contains(&size) || !size.is_multiple_of(align_of::<T>()) {
        return Err(Failure::new(
            S::INVALID_STRUCT,
            format_args!("{what} cannot have a size of {size} bytes"),
        ));
    }
    // SAFETY: the caller's promise.
    let bytes = unsafe { slice::from_raw_parts(pointer.cast::<u8>(), size) };
    if bytes.iter().skip(size_of::<T>()).any(|byte| *byte != 0) {
        let message = format_args!("{what} asks for something that only a newer library knows");
        return Err(Failure::new(S::INVALID_STRUCT, message));
    }
    let mut copy = MaybeUninit::<T>::zeroed();
    let target = copy.as_mut_ptr().cast::<u8>();
    // SAFETY: both sides have at least that many bytes, and `copy` is ours alone.
    unsafe { target.copy_from_nonoverlapping(bytes.as_ptr(), size.min(size_of::<T>())) };
    // SAFETY: a `Versioned` is valid when it is all 0, and what was copied over it was one before.
    Ok(unsafe { copy.assume_init() })
}

/// A place for a result: checked first, written last.
pub struct Out<T>(*mut T);

impl<T> Out<T> {
    /// A place that may be written.
    ///
    /// # Errors
    ///
    /// `NULL_POINTER` and `MISALIGNED`.
    pub fn new<S: Status>(pointer: *mut T, what: &str) -> Result<Self, Failure<S>> {
        check(pointer, what)?;
        Ok(Self(pointer))
    }

    /// The memory that will be written.
    #[must_use]
    pub fn region(&self) -> Region {
        Region::of(self.0, 1)
    }

    /// Refuses memory that anything else of the call uses.
    ///
    /// # Errors
    ///
    /// `OVERLAP`.
    pub fn apart_from<S: Status>(&self, others: impl IntoIterator<Item = Region>) -> Result<(), Failure<S>> {
        self.region().apart_from(others)
    }

    /// Writes the result.
    ///
    /// # Safety
    ///
    /// A `T` may be written where the pointer points to.
    pub unsafe fn write(self, value: T) {
        // SAFETY: not null and aligned, as `new` checked; the rest is the caller's promise.
        unsafe { self.0.write(value) }
    }
}

/// The places for a text that is handed out and for its length, which a caller may leave out.
pub struct TextOut {
    text: Out<*mut c_char>,
    length: Option<Out<usize>>,
}

impl TextOut {
    /// `what` is the text's name in messages.
    ///
    /// # Errors
    ///
    /// `NULL_POINTER`, `MISALIGNED` and `OVERLAP`.
    pub fn new<S: Status>(text: *mut *mut c_char, length: *mut usize, what: &str) -> Result<Self, Failure<S>> {
        let text = Out::new(text, &format!("the place for the {what}"))?;
        let length = if length.is_null() {
            None
        } else {
            Some(Out::new(length, "the place for the length")?)
        };
        text.apart_from(length.iter().map(Out::region))?;
        Ok(Self { text, length })
    }

    /// Refuses memory that anything else of the call uses.
    ///
    /// # Errors
    ///
    /// `OVERLAP`.
    pub fn apart_from<S: Status>(&self, others: impl IntoIterator<Item = Region>) -> Result<(), Failure<S>> {
        others.into_iter().try_for_each(|other| {
            self.text.apart_from([other])?;
            self.length.iter().try_for_each(|length| length.apart_from([other]))
        })
    }

    /// Hands the text out, with a NUL. It comes back by `free_text`.
    ///
    /// # Errors
    ///
    /// `INTERNAL` if the text holds a NUL.
    ///
    /// # Safety
    ///
    /// Both places may be written.
    pub unsafe fn write<S: Status>(self, value: String) -> Result<(), Failure<S>> {
        let length = value.len();
        let value = CString::new(value).map_err(|_| Failure::new(S::INTERNAL, S::FAULT))?;
        if let Some(out) = self.length {
            // SAFETY: the caller's promise.
            unsafe { out.write(length) };
        }
        // SAFETY: the caller's promise.
        unsafe { self.text.write(value.into_raw()) };
        Ok(())
    }
}

/// The places for bytes that are handed out and for their length.
pub struct BytesOut {
    bytes: Out<*mut u8>,
    length: Out<usize>,
}

impl BytesOut {
    /// `what` is the bytes' name in messages.
    ///
    /// # Errors
    ///
    /// `NULL_POINTER`, `MISALIGNED` and `OVERLAP`.
    pub fn new<S: Status>(bytes: *mut *mut u8, length: *mut usize, what: &str) -> Result<Self, Failure<S>> {
        let bytes = Out::new(bytes, &format!("the place for the {what}"))?;
        let length = Out::new(length, "the place for the length")?;
        bytes.apart_from([length.region()])?;
        Ok(Self { bytes, length })
    }

    /// Refuses memory that anything else of the call uses.
    ///
    /// # Errors
    ///
    /// `OVERLAP`.
    pub fn apart_from<S: Status>(&self, others: impl IntoIterator<Item = Region>) -> Result<(), Failure<S>> {
        others.into_iter().try_for_each(|other| {
            self.bytes.apart_from([other])?;
            self.length.apart_from([other])
        })
    }

    /// Hands the bytes out, no bytes as null. They come back by `taken_back`.
    ///
    /// # Safety
    ///
    /// Both places may be written.
    pub unsafe fn write(self, value: Box<[u8]>) {
        // SAFETY: the caller's promise.
        unsafe { self.length.write(value.len()) };
        let bytes = if value.is_empty() {
            ptr::null_mut()
        } else {
            Box::into_raw(value).cast()
        };
        // SAFETY: the caller's promise.
        unsafe { self.bytes.write(bytes) };
    }
}

/// The bytes that [`BytesOut::write`] handed out.
///
/// # Safety
///
/// `bytes` and `length` are what it wrote, and this is their only end; or `bytes` is null.
#[must_use]
pub unsafe fn taken_back(bytes: *mut u8, length: usize) -> Box<[u8]> {
    if bytes.is_null() {
        return Box::default();
    }
    let slice = ptr::slice_from_raw_parts_mut(bytes, length);
    // SAFETY: the caller's promise.
    unsafe { Box::from_raw(slice) }
}

/// Frees a text that [`TextOut::write`] handed out. Null does nothing.
///
/// # Safety
///
/// `text` is null or what was written, and this is its only end.
pub unsafe fn free_text(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: the caller's promise.
        drop(unsafe { CString::from_raw(text) });
    }
}

/// A handle for the caller, who ends it by [`release_handle`].
pub fn new_handle<T>(value: T) -> *mut T {
    Arc::into_raw(Arc::new(value)).cast_mut()
}

/// What a handle stands for, during a call: it stays until the call has ended, even if a callback frees the handle.
pub struct InUse<T>(Option<Arc<T>>);

impl<T> Deref for InUse<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_deref().expect("only the end takes it")
    }
}

impl<T> Drop for InUse<T> {
    fn drop(&mut self) {
        guard::end(|| drop(self.0.take()));
    }
}

/// Begins to use what a handle stands for.
///
/// # Errors
///
/// `NULL_POINTER` and `MISALIGNED`.
///
/// # Safety
///
/// A pointer that is neither null nor misaligned comes from [`new_handle`] and was not freed before this begins.
pub unsafe fn handle<T, S: Status>(pointer: *const T, what: &str) -> Result<InUse<T>, Failure<S>> {
    check(pointer, what)?;
    // SAFETY: the caller's promise.
    unsafe { Arc::increment_strong_count(pointer) };
    // SAFETY: as above; this end is the one that was just counted.
    Ok(InUse(Some(unsafe { Arc::from_raw(pointer) })))
}

/// Ends a handle: at once, or when the last call has ended that uses it. What is null or not aligned never came from a
/// library, and does nothing.
///
/// # Safety
///
/// Any other pointer comes from [`new_handle`], and this is its only end.
pub unsafe fn release_handle<T>(handle: *mut T) {
    if !handle.is_null() && handle.is_aligned() {
        // SAFETY: the caller's promise.
        drop(unsafe { Arc::from_raw(handle.cast_const()) });
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn regions_that_touch_do_not_overlap() {
        let values = [0_u32; 4];
        let region = |from: usize, count| Region::of(&raw const values[from], count);
        assert!(!region(0, 2).overlaps(region(2, 2)));
        assert!(region(0, 3).overlaps(region(2, 2)));
    }

    #[test]
    fn no_memory_overlaps_with_none() {
        let values = [0_u32; 4];
        let (all, none) = (Region::of(values.as_ptr(), 4), Region::of(&raw const values[1], 0));
        assert!(!all.overlaps(none) && !none.overlaps(all) && !none.overlaps(none));
    }

    #[test]
    fn a_handle_that_is_freed_stays_until_the_calls_have_ended() {
        struct Note<'a>(&'a Cell<usize>);
        impl Drop for Note<'_> {
            fn drop(&mut self) {
                self.0.set(self.0.get() + 1);
            }
        }
        let ends = Cell::new(0);
        let pointer = new_handle(Note(&ends));
        // SAFETY: it was just made.
        let first = unsafe { handle::<_, i32>(pointer, "note") }.expect("a handle");
        // SAFETY: as above.
        let second = unsafe { handle::<_, i32>(pointer, "note") }.expect("a handle");
        // SAFETY: its only end.
        unsafe { release_handle(pointer) };
        drop(first);
        assert_eq!(ends.get(), 0);
        drop(second);
        assert_eq!(ends.get(), 1);
    }
}
