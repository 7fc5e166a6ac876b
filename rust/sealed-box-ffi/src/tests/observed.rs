//! What the audit and the observer are told.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;
use std::sync::Mutex;

use super::{ALL, Box, SealedBoxCallbacks, Status, callbacks, last_error, options};
use crate::SealedBoxKeyUse;

#[derive(Default)]
struct Notes {
    uses: Mutex<Vec<SealedBoxKeyUse>>,
    calls: Mutex<Vec<(String, Status)>>,
}

unsafe extern "C" fn audit(user_data: *mut c_void, key_use: *const SealedBoxKeyUse) {
    // SAFETY: the test put the notes there, and they outlive the box.
    let notes = unsafe { &*user_data.cast::<Notes>() };
    // SAFETY: it comes from the library, during the callback.
    notes
        .uses
        .lock()
        .expect("no test panics here")
        .push(unsafe { *key_use });
    // An audit may call the library.
    assert!(Box::new(ptr::null(), ptr::null()).is_ok());
}

unsafe extern "C" fn observe(user_data: *mut c_void, function: *const c_char, nanoseconds: u64, status: Status) {
    assert!(nanoseconds < 60_000_000_000);
    // SAFETY: the test put the notes there, and they outlive the box.
    let notes = unsafe { &*user_data.cast::<Notes>() };
    // SAFETY: the library promises a NUL.
    let function = unsafe { CStr::from_ptr(function) }.to_str().expect("UTF-8").to_owned();
    notes
        .calls
        .lock()
        .expect("no test panics here")
        .push((function, status));
}

#[test]
fn every_use_and_every_call_is_told_without_secrets() {
    let notes = Notes::default();
    let functions = SealedBoxCallbacks {
        user_data: ptr::from_ref(&notes).cast_mut().cast(),
        audit: Some(audit),
        observe: Some(observe),
        ..callbacks()
    };
    let sealed_box = Box::new(&options(&ALL), &raw const functions).expect("a box");
    let key = sealed_box.import(0x0103, &[0xee; 32]).expect("a key");
    let sealed = sealed_box.seal(&key, b"", b"confidential").expect("sealed");
    assert_eq!(sealed_box.open(&key, b"x", &sealed), Err(Status::Rejected));
    let message = last_error();
    assert_eq!(message, "not genuine");
    assert_eq!(
        sealed_box.import(0x0103, &[0xee; 31]).map(|_| ()),
        Err(Status::InvalidKey)
    );
    assert!(!last_error().contains("31") && !last_error().contains("ee"));

    let key_use = |operation, status| SealedBoxKeyUse {
        operation,
        algorithm: 0x0103,
        key_id: 7,
        status,
        reserved: 0,
    };
    let expected = [
        key_use(1, Status::Ok),
        key_use(4, Status::Ok),
        key_use(5, Status::Rejected),
        key_use(1, Status::InvalidKey),
    ];
    assert_eq!(*notes.uses.lock().expect("no test panics here"), expected);
    let calls = [
        ("sealed_box_new", Status::Ok),
        ("sealed_box_key_import", Status::Ok),
        ("sealed_box_seal", Status::Ok),
        ("sealed_box_open", Status::Rejected),
        ("sealed_box_key_import", Status::InvalidKey),
    ];
    let calls: Vec<(String, Status)> = calls.map(|(name, status)| (name.to_owned(), status)).into();
    assert_eq!(*notes.calls.lock().expect("no test panics here"), calls);
}
