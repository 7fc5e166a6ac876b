//! When the caller is told that its functions are needed no more.

use std::ffi::c_void;
use std::mem::{ManuallyDrop, offset_of};
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::{ALL, Box, SealedBoxCallbacks, Status, callbacks, last_error, options};
use crate::{SealedBox, SealedBoxKeyUse, sealed_box_free, sealed_box_new};

/// What happened, in its order, and the box that an audit is to free.
#[derive(Default)]
struct Story {
    events: Mutex<Vec<&'static str>>,
    frees: AtomicPtr<SealedBox>,
}

impl Story {
    fn told(&self) -> Vec<&'static str> {
        self.events.lock().expect("no test panics here").clone()
    }

    fn functions(&self) -> SealedBoxCallbacks {
        SealedBoxCallbacks {
            user_data: ptr::from_ref(self).cast_mut().cast(),
            audit: Some(audit),
            release: Some(release),
            ..callbacks()
        }
    }
}

fn note(user_data: *mut c_void, event: &'static str) {
    // SAFETY: `functions` put the story there, and it outlives the boxes of its test.
    let story = unsafe { &*user_data.cast::<Story>() };
    story.events.lock().expect("no test panics here").push(event);
    let freed = story.frees.swap(ptr::null_mut(), Ordering::Relaxed);
    // SAFETY: null, or a box that the test frees nowhere else.
    unsafe { sealed_box_free(freed) };
}

unsafe extern "C" fn audit(user_data: *mut c_void, _: *const SealedBoxKeyUse) {
    note(user_data, "used");
}

unsafe extern "C" fn release(user_data: *mut c_void) {
    // It may call the library, also what fails.
    assert!(Box::everything().import(0x0103, b"short").is_err());
    note(user_data, "released");
}

#[test]
fn it_is_told_when_the_box_is_freed_and_not_by_what_was_made_with_it() {
    let story = Story::default();
    let functions = story.functions();
    let sealed_box = Box::new(&options(&ALL), &raw const functions).expect("a box");
    let key = sealed_box.import(0x0103, &[0xee; 32]).expect("a key");
    let sealed = sealed_box.seal(&key, b"", b"message").expect("sealed");
    assert_eq!(sealed_box.open(&key, b"x", &sealed), Err(Status::Rejected));
    drop(sealed_box);
    assert_eq!(story.told(), ["used", "used", "used", "released"]);
    assert_eq!(last_error(), "not genuine", "what it called left no message");
    let other = Box::everything();
    assert_eq!(other.open(&key, b"", &sealed), Ok(b"message".to_vec()));
    drop(key);
    assert_eq!(story.told().len(), 4, "no key calls any of the functions");
}

#[test]
fn an_audit_that_frees_its_box_ends_before_it_is_told() {
    let story = Story::default();
    let functions = story.functions();
    let sealed_box = ManuallyDrop::new(Box::new(&options(&ALL), &raw const functions).expect("a box"));
    story.frees.store(sealed_box.0, Ordering::Relaxed);
    let key = sealed_box.import(0x0103, &[0xee; 32]).expect("a key");
    assert_eq!(story.told(), ["used", "released"]);
    drop(key);
    assert_eq!(story.told().len(), 2);
}

#[test]
fn a_box_that_was_not_made_tells_nothing() {
    let story = Story::default();
    let functions = story.functions();
    let wrong = SealedBoxCallbacks {
        reserved: 1,
        ..functions
    };
    assert!(Box::new(&options(&ALL), &raw const wrong).is_err());
    assert!(Box::new(&options(&[0xffff]), &raw const functions).is_err());
    // SAFETY: null is what is tested.
    let status = unsafe { sealed_box_new(ptr::null(), &raw const functions, ptr::null_mut()) };
    assert_eq!(status, Status::NullPointer);
    assert!(story.told().is_empty());
}

#[test]
fn an_older_structure_has_none() {
    let story = Story::default();
    let older = SealedBoxCallbacks {
        struct_size: u32::try_from(offset_of!(SealedBoxCallbacks, release)).expect("a structure is small"),
        ..story.functions()
    };
    drop(Box::new(ptr::null(), &raw const older).expect("a box"));
    assert!(story.told().is_empty());
}
