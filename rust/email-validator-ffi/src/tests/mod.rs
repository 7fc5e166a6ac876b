//! Tests through the exported functions, as a C program would call them. They live in the crate because it has no
//! rlib that a test outside could link.

mod boundary;
mod observed;
mod properties;
mod release;
mod threads;
mod vectors;

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use crate::{
    EmailValidator, EmailValidatorCallbacks, EmailValidatorOptions, EmailValidatorStatus as Status, EmailValidatorText,
    email_validator_check, email_validator_check_batch, email_validator_free, email_validator_last_error,
    email_validator_new, email_validator_string_free,
};

/// A status that is not `Ok`, with the message of the thread.
type Refusal = (Status, String);

/// A validator that is freed at the end of its test.
struct Handle(*mut EmailValidator);

// SAFETY: the header lets a validator be shared between threads; `threads` is there to prove it.
unsafe impl Sync for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: it comes from `email_validator_new`, and nobody else frees it.
        unsafe { email_validator_free(self.0) };
    }
}

impl Handle {
    fn new(options: &EmailValidatorOptions, callbacks: *const EmailValidatorCallbacks) -> Result<Self, Refusal> {
        let mut validator = ptr::null_mut();
        // SAFETY: all of it lives until the call returns.
        let status = unsafe { email_validator_new(options, callbacks, &raw mut validator) };
        outcome(status).map(|()| Self(validator))
    }

    fn check(&self, candidate: &[u8]) -> Result<String, Refusal> {
        let (mut decision, mut length) = (ptr::null_mut(), 0);
        let text = candidate.as_ptr().cast();
        // SAFETY: all of it lives until the call returns.
        let status =
            unsafe { email_validator_check(self.0, text, candidate.len(), &raw mut decision, &raw mut length) };
        outcome(status).map(|()| taken(decision, length))
    }

    fn check_batch(&self, candidates: &[&[u8]]) -> Result<String, Refusal> {
        let texts: Vec<EmailValidatorText> = candidates.iter().map(|candidate| text(candidate)).collect();
        let (mut decisions, mut length) = (ptr::null_mut(), 0);
        // SAFETY: all of it lives until the call returns.
        let status = unsafe {
            email_validator_check_batch(self.0, texts.as_ptr(), texts.len(), &raw mut decisions, &raw mut length)
        };
        outcome(status).map(|()| taken(decisions, length))
    }
}

fn outcome(status: Status) -> Result<(), Refusal> {
    match status {
        Status::Ok => {
            assert_eq!(last_error(), "");
            Ok(())
        }
        other => Err((other, last_error())),
    }
}

/// What the library handed out, given back to it.
fn taken(text: *mut c_char, length: usize) -> String {
    // SAFETY: the library promises a NUL.
    let copy = unsafe { CStr::from_ptr(text) }.to_str().expect("UTF-8").to_owned();
    assert_eq!(copy.len(), length);
    // SAFETY: it comes from the library, and is freed once.
    unsafe { email_validator_string_free(text) };
    copy
}

fn last_error() -> String {
    // SAFETY: null asks for the length alone.
    let mut buffer = vec![0_u8; unsafe { email_validator_last_error(ptr::null_mut(), 0) } + 1];
    // SAFETY: the buffer has that length.
    unsafe { email_validator_last_error(buffer.as_mut_ptr().cast(), buffer.len()) };
    assert_eq!(buffer.pop(), Some(0));
    String::from_utf8(buffer).expect("UTF-8")
}

fn text(bytes: &[u8]) -> EmailValidatorText {
    EmailValidatorText {
        data: bytes.as_ptr().cast(),
        length: bytes.len(),
    }
}

/// Options that demand nothing but syntax and the given types. They borrow `blocked`, which C cannot say.
fn options(blocked: &[EmailValidatorText]) -> EmailValidatorOptions {
    EmailValidatorOptions {
        struct_size: size(size_of::<EmailValidatorOptions>()),
        require_top_level_domain: 0,
        allow_domain_literal: 0,
        reserved: [0; 2],
        blocked_emails: blocked.as_ptr(),
        blocked_emails_count: blocked.len(),
    }
}

fn callbacks() -> EmailValidatorCallbacks {
    EmailValidatorCallbacks {
        struct_size: size(size_of::<EmailValidatorCallbacks>()),
        reserved: 0,
        user_data: ptr::null_mut(),
        is_free_email: None,
        is_disposable_email: None,
        has_mx_records: None,
        has_gravatar: None,
        log: None,
        observe: None,
        release: None,
    }
}

fn size(size: usize) -> u32 {
    u32::try_from(size).expect("a structure is small")
}

fn plain() -> Handle {
    Handle::new(&options(&[]), ptr::null()).expect("nothing is wrong with the options")
}

/// What a callback receives as text.
///
/// # Safety
///
/// The two come from the library, during a callback.
unsafe fn received<'a>(text: *const c_char, length: usize) -> &'a str {
    // SAFETY: the library promises a NUL.
    let text = unsafe { CStr::from_ptr(text) }.to_str().expect("UTF-8");
    assert_eq!(text.len(), length);
    text
}

unsafe extern "C" fn yes(_: *mut c_void, _: *const c_char, _: usize) -> i32 {
    1
}

const ALLOWED: &str = r#"{"decision":"Allowed"}"#;
const INVALID: &str = r#"{"decision":"Denied","blocked":["INVALID"]}"#;
