//! What the observer and the log are told.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;
use std::sync::Mutex;

use super::{EmailValidatorCallbacks, Handle, Status, callbacks, last_error, options, plain, received, text};
use crate::EmailValidatorLogLevel;

#[derive(Default)]
struct Notes {
    calls: Mutex<Vec<(String, Status)>>,
    messages: Mutex<Vec<(EmailValidatorLogLevel, String)>>,
}

unsafe extern "C" fn observe(user_data: *mut c_void, function: *const c_char, nanoseconds: u64, status: Status) {
    assert!(nanoseconds < 60_000_000_000);
    // SAFETY: `functions` put the notes there, and they outlive the validator.
    let notes = unsafe { &*user_data.cast::<Notes>() };
    // SAFETY: the library promises a NUL.
    let function = unsafe { CStr::from_ptr(function) }.to_str().expect("UTF-8").to_owned();
    notes
        .calls
        .lock()
        .expect("no test panics here")
        .push((function, status));
    // An observer may call the library; the message of the call it was told about must survive that.
    assert!(plain().check(b"joe@example.com").is_ok());
}

unsafe extern "C" fn log(user_data: *mut c_void, level: EmailValidatorLogLevel, message: *const c_char, length: usize) {
    // SAFETY: `functions` put the notes there, and they outlive the validator.
    let notes = unsafe { &*user_data.cast::<Notes>() };
    // SAFETY: they come from the library.
    let message = unsafe { received(message, length) }.to_owned();
    notes
        .messages
        .lock()
        .expect("no test panics here")
        .push((level, message));
}

fn functions(notes: &Notes) -> EmailValidatorCallbacks {
    EmailValidatorCallbacks {
        user_data: ptr::from_ref(notes).cast_mut().cast(),
        log: Some(log),
        observe: Some(observe),
        ..callbacks()
    }
}

#[test]
fn every_call_is_told_with_its_status() {
    let notes = Notes::default();
    let handle = Handle::new(&options(&[]), &functions(&notes)).expect("nothing is wrong");
    assert!(handle.check(b"joe@example.com").is_ok());
    assert_eq!(
        handle.check(b"\xff"),
        Err((Status::NotUtf8, "candidate is not UTF-8".to_owned()))
    );
    assert!(handle.check_batch(&[b"joe@example.com"]).is_ok());
    let calls = notes.calls.lock().expect("no test panics here");
    let expected = [
        ("email_validator_new", Status::Ok),
        ("email_validator_check", Status::Ok),
        ("email_validator_check", Status::NotUtf8),
        ("email_validator_check_batch", Status::Ok),
    ];
    assert_eq!(*calls, expected.map(|(function, status)| (function.to_owned(), status)));
}

#[test]
fn a_refused_validator_is_told_and_logged() {
    let notes = Notes::default();
    assert!(Handle::new(&options(&[text(b"SPAM")]), &functions(&notes)).is_err());
    let message = last_error();
    assert!(message.contains("SPAM"));
    let calls = notes.calls.lock().expect("no test panics here");
    assert_eq!(*calls, [("email_validator_new".to_owned(), Status::UnknownEmailType)]);
    let messages = notes.messages.lock().expect("no test panics here");
    assert_eq!(*messages, [(EmailValidatorLogLevel::Error, message)]);
}

#[test]
fn the_log_says_why_without_the_address() {
    let notes = Notes::default();
    let handle = Handle::new(&options(&[]), &functions(&notes)).expect("nothing is wrong");
    assert!(handle.check(b"secret..name@example.com").is_ok());
    let messages = notes.messages.lock().expect("no test panics here");
    let expected = "not well formed: an empty piece in the local part".to_owned();
    assert_eq!(*messages, [(EmailValidatorLogLevel::Debug, expected)]);
}
