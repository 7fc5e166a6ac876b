//! When the caller is told that its functions are needed no more.

use std::ffi::{c_char, c_void};
use std::mem::offset_of;
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::thread;

use super::{
    ALLOWED, EmailValidator, EmailValidatorCallbacks, Handle, INVALID, Status, callbacks, email_validator_free,
    email_validator_new, last_error, options, outcome, plain, size, text,
};

/// What happened, in its order, and the validator that a look-up is to free.
#[derive(Default)]
struct Story {
    events: Mutex<Vec<&'static str>>,
    frees: AtomicPtr<EmailValidator>,
}

impl Story {
    fn told(&self) -> Vec<&'static str> {
        self.events.lock().expect("no test panics here").clone()
    }

    fn functions(&self) -> EmailValidatorCallbacks {
        EmailValidatorCallbacks {
            user_data: ptr::from_ref(self).cast_mut().cast(),
            is_free_email: Some(look_up),
            observe: Some(observe),
            release: Some(release),
            ..callbacks()
        }
    }
}

fn note(user_data: *mut c_void, event: &'static str) {
    // SAFETY: `functions` put the story there, and it outlives the validators of its test.
    let story = unsafe { &*user_data.cast::<Story>() };
    story.events.lock().expect("no test panics here").push(event);
    let freed = story.frees.swap(ptr::null_mut(), Ordering::Relaxed);
    // SAFETY: null, or a validator that the test frees nowhere else.
    unsafe { email_validator_free(freed) };
}

unsafe extern "C" fn look_up(user_data: *mut c_void, _: *const c_char, _: usize) -> i32 {
    note(user_data, "look-up");
    0
}

unsafe extern "C" fn observe(user_data: *mut c_void, _: *const c_char, _: u64, _: Status) {
    note(user_data, "observed");
}

unsafe extern "C" fn release(user_data: *mut c_void) {
    // It may call the library, also what fails.
    assert!(plain().check(b"\xff").is_err());
    note(user_data, "released");
}

fn new(functions: &EmailValidatorCallbacks) -> Handle {
    Handle::new(&options(&[text(b"FREE")]), functions).expect("nothing is wrong")
}

#[test]
fn it_is_told_once_after_the_last_call() {
    let story = Story::default();
    let handle = new(&story.functions());
    assert_eq!(handle.check(b"joe@example.com"), Ok(ALLOWED.to_owned()));
    assert!(handle.check(b"\xff").is_err());
    drop(handle);
    assert_eq!(
        story.told(),
        ["observed", "look-up", "observed", "observed", "released"]
    );
    assert_eq!(last_error(), "candidate is not UTF-8", "what it called left no message");
}

#[test]
fn each_validator_tells_it() {
    let story = Story::default();
    let functions = story.functions();
    let (first, second) = (new(&functions), new(&functions));
    drop(first);
    drop(second);
    assert_eq!(story.told(), ["observed", "observed", "released", "released"]);
}

#[test]
fn a_look_up_that_frees_its_validator_ends_before_it_is_told() {
    let story = Story::default();
    let handle = std::mem::ManuallyDrop::new(new(&story.functions()));
    story.frees.store(handle.0, Ordering::Relaxed);
    assert_eq!(handle.check(b"joe@example.com"), Ok(ALLOWED.to_owned()));
    assert_eq!(story.told(), ["observed", "look-up", "observed", "released"]);
}

#[test]
fn an_observer_that_frees_what_was_just_made_ends_before_it_is_told() {
    unsafe extern "C" fn free(user_data: *mut c_void, _: *const c_char, _: u64, _: Status) {
        // SAFETY: the test puts a place there whose first field is a story.
        let place = unsafe { (*user_data.cast::<Place>()).validator.load(Ordering::Relaxed) };
        // SAFETY: `email_validator_new` has written the validator there.
        let validator = unsafe { place.read() };
        // SAFETY: its only end.
        unsafe { email_validator_free(validator) };
        note(user_data, "observed");
    }
    #[repr(C)]
    struct Place {
        story: Story,
        validator: AtomicPtr<*mut EmailValidator>,
    }
    let mut validator = ptr::null_mut();
    let place = Place {
        story: Story::default(),
        validator: AtomicPtr::new(&raw mut validator),
    };
    let functions = EmailValidatorCallbacks {
        user_data: ptr::from_ref(&place).cast_mut().cast(),
        observe: Some(free),
        ..place.story.functions()
    };
    // SAFETY: all of it lives until the call returns.
    let status = unsafe { email_validator_new(&options(&[]), &raw const functions, &raw mut validator) };
    outcome(status).expect("nothing is wrong");
    assert_eq!(place.story.told(), ["observed", "released"]);
}

#[test]
fn a_validator_that_was_not_made_tells_nothing() {
    let story = Story::default();
    let functions = story.functions();
    assert!(Handle::new(&options(&[text(b"SPAM")]), &raw const functions).is_err());
    let wrong = EmailValidatorCallbacks {
        reserved: 1,
        ..functions
    };
    assert!(Handle::new(&options(&[]), &raw const wrong).is_err());
    // SAFETY: null is what is tested.
    let status = unsafe { email_validator_new(&options(&[]), &raw const functions, ptr::null_mut()) };
    assert_eq!(status, Status::NullPointer);
    assert_eq!(story.told(), ["observed", "observed"], "of the first and the last");
}

#[test]
fn an_older_structure_has_none_and_a_newer_one_has() {
    #[repr(C)]
    struct Newer {
        known: EmailValidatorCallbacks,
        more: usize,
    }
    let story = Story::default();
    let older = EmailValidatorCallbacks {
        struct_size: size(offset_of!(EmailValidatorCallbacks, release)),
        ..story.functions()
    };
    drop(new(&older));
    assert_eq!(story.told(), ["observed"]);
    for part in 1..size_of::<usize>() {
        let torn = EmailValidatorCallbacks {
            struct_size: size(offset_of!(EmailValidatorCallbacks, release) + part),
            ..older
        };
        let refused = Handle::new(&options(&[]), &raw const torn).map(drop);
        assert_eq!(refused.map_err(|(status, _)| status), Err(Status::InvalidStruct));
    }
    let mut newer = Newer {
        known: EmailValidatorCallbacks {
            struct_size: size(size_of::<Newer>()),
            ..story.functions()
        },
        more: 0,
    };
    // The whole of it, of which the library knows a part.
    drop(Handle::new(&options(&[]), (&raw const newer).cast()).expect("nothing is wrong"));
    assert_eq!(story.told(), ["observed", "observed", "released"]);
    newer.more = 1;
    assert!(Handle::new(&options(&[]), (&raw const newer).cast()).is_err());
    assert_eq!(story.told(), ["observed", "observed", "released"]);
}

#[test]
fn threads_that_share_it_tell_it_once() {
    let story = Story::default();
    let handle = new(&story.functions());
    thread::scope(|scope| {
        for _ in 0..4 {
            let shared = &handle;
            scope.spawn(move || (0..50).for_each(|_| assert_eq!(shared.check(b"joe"), Ok(INVALID.to_owned()))));
        }
    });
    drop(handle);
    let told = story.told();
    assert_eq!(told.iter().filter(|event| **event == "released").count(), 1);
    assert_eq!(told.last(), Some(&"released"));
}
