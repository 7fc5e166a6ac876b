//! The message of the last failed call, one per thread.

use std::cell::RefCell;
use std::ffi::c_char;

use crate::status::{Failure, Status};

thread_local! {
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps the message of a failure, or forgets the one before. Returns the status.
pub fn record<S: Status>(outcome: Result<(), Failure<S>>) -> S {
    let (status, message) = match outcome {
        Ok(()) => (S::OK, String::new()),
        Err(failure) => (failure.status, failure.message),
    };
    // A thread that is ending has no message any more; its status is still right.
    let _ = MESSAGE.try_with(|kept| kept.replace(message));
    status
}

/// Does something that may call the library in turn, and keeps the message as it was.
pub(crate) fn keep(body: impl FnOnce()) {
    // A thread that is ending has no message any more, as in `record`.
    let before = MESSAGE.try_with(RefCell::take).unwrap_or_default();
    body();
    let _ = MESSAGE.try_with(|kept| kept.replace(before));
}

/// Writes as much of the message as fits, and a NUL. Returns the length of the whole message.
///
/// # Safety
///
/// `buffer` is null, or `length` bytes may be written there.
pub unsafe fn copy(buffer: *mut c_char, length: usize) -> usize {
    let message = MESSAGE.try_with(|kept| kept.borrow().clone()).unwrap_or_default();
    let whole = message.len();
    if !buffer.is_null() && length > 0 {
        let mut bytes = message.into_bytes();
        bytes.truncate(floor_char_boundary(&bytes, length - 1));
        bytes.push(0);
        // SAFETY: the caller lets `length` bytes be written, and these are not more. They are ours, so they cannot
        // overlap with the buffer.
        unsafe { buffer.copy_from_nonoverlapping(bytes.as_ptr().cast(), bytes.len()) };
    }
    whole
}

/// A message is cut between characters, so that what arrives is UTF-8.
fn floor_char_boundary(message: &[u8], limit: usize) -> usize {
    let is_boundary = |end: &usize| message.get(*end).is_none_or(|byte| byte & 0xC0 != 0x80);
    (0..=limit.min(message.len())).rev().find(is_boundary).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::floor_char_boundary;

    #[test]
    fn characters_are_not_cut() {
        let ends: Vec<usize> = (0..=5)
            .map(|limit| floor_char_boundary("aß€".as_bytes(), limit))
            .collect();
        assert_eq!(ends, [0, 1, 1, 3, 3, 3]);
        assert_eq!(floor_char_boundary("aß€".as_bytes(), 99), 6);
    }
}
