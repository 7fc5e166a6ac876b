//! What the audit and the observer are told.

use std::ffi::{CStr, c_char, c_void};
use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::Mutex;

use super::{ALL, Box, SealedBoxCallbacks, Status, callbacks, last_error, options};
use crate::{SealedBox, SealedBoxKey, SealedBoxKeyUse, sealed_box_free, sealed_box_key_free};

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

#[test]
fn an_audit_may_free_what_the_call_uses() {
    struct Handles {
        sealed_box: *mut SealedBox,
        key: *mut SealedBoxKey,
        frees: bool,
    }
    unsafe extern "C" fn free(user_data: *mut c_void, key_use: *const SealedBoxKeyUse) {
        let handles: *mut Handles = user_data.cast();
        // SAFETY: the test put them there, and refers to them by pointers alone.
        let Handles { sealed_box, key, frees } = unsafe { handles.read() };
        if !frees {
            return;
        }
        // SAFETY: it comes from the library, during the callback.
        assert_eq!(unsafe { (*key_use).status }, Status::Ok);
        let gone = Handles {
            sealed_box: ptr::null_mut(),
            key: ptr::null_mut(),
            frees,
        };
        // SAFETY: as above.
        unsafe { handles.write(gone) };
        // SAFETY: from the library, and freed here alone; null the next time.
        unsafe { sealed_box_free(sealed_box) };
        // SAFETY: as above.
        unsafe { sealed_box_key_free(key) };
    }
    let mut handles = Handles {
        sealed_box: ptr::null_mut(),
        key: ptr::null_mut(),
        frees: false,
    };
    let place = &raw mut handles;
    let functions = SealedBoxCallbacks {
        user_data: place.cast(),
        audit: Some(free),
        ..callbacks()
    };
    let sealed_box = ManuallyDrop::new(Box::new(&options(&ALL), &raw const functions).expect("a box"));
    let key = ManuallyDrop::new(sealed_box.import(0x0103, &[0xee; 32]).expect("a key"));
    // SAFETY: no call is running.
    unsafe {
        place.write(Handles {
            sealed_box: sealed_box.0,
            key: key.0,
            frees: true,
        });
    };
    let sealed = sealed_box.seal(&key, b"", b"message").expect("sealed");
    // SAFETY: as above.
    assert!(unsafe { place.read() }.key.is_null(), "they were freed");
    let other = Box::everything();
    let key = other.import(0x0103, &[0xee; 32]).expect("a key");
    assert_eq!(other.open(&key, b"", &sealed), Ok(b"message".to_vec()));
}
