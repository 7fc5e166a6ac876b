//! One validator, many threads.

use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{
    ALLOWED, EmailValidatorCallbacks, Handle, INVALID, Status, callbacks, last_error, options, received, text,
};

const THREADS: usize = 8;
/// Miri takes a thousand times as long and needs no more than a few rounds to see a race.
const ROUNDS: usize = if cfg!(miri) { 3 } else { 500 };

unsafe extern "C" fn is_free(user_data: *mut c_void, domain: *const c_char, length: usize) -> i32 {
    // SAFETY: the test put the counter there, and it outlives the validator.
    unsafe { &*user_data.cast::<AtomicUsize>() }.fetch_add(1, Ordering::Relaxed);
    // SAFETY: they come from the library.
    i32::from(unsafe { received(domain, length) } == "free.example")
}

#[test]
fn a_shared_validator_answers_every_thread() {
    let counter = AtomicUsize::new(0);
    let functions = EmailValidatorCallbacks {
        user_data: ptr::from_ref(&counter).cast_mut().cast(),
        is_free_email: Some(is_free),
        ..callbacks()
    };
    let handle = Handle::new(&options(&[text(b"FREE")]), &raw const functions).expect("the callback is there");
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (handle, start) = (&handle, &start);
            scope.spawn(move || {
                start.wait();
                (0..ROUNDS).for_each(|round| one_round(handle, thread, round));
            });
        }
    });
    assert_eq!(counter.load(Ordering::Relaxed), THREADS * ROUNDS * 4);
}

fn one_round(handle: &Handle, thread: usize, round: usize) {
    let free = r#"{"decision":"Denied","blocked":["FREE"]}"#;
    let local_part = format!("t{thread}.r{round}");
    let candidates = [
        format!("{local_part}@free.example"),
        format!("{local_part}@bücher.example"),
        local_part,
    ];
    let expected = [free, ALLOWED, INVALID];
    for (candidate, expected) in candidates.iter().zip(expected) {
        assert_eq!(handle.check(candidate.as_bytes()).as_deref(), Ok(expected));
    }
    let batch = candidates.each_ref().map(String::as_bytes);
    assert_eq!(handle.check_batch(&batch), Ok(format!("[{}]", expected.join(","))));
}

#[test]
fn each_thread_has_its_own_message() {
    let handle = super::plain();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let handle = &handle;
            scope.spawn(move || {
                let mut batch: Vec<&[u8]> = vec![b"joe@example.com"; thread];
                batch.push(b"\xff");
                for _ in 0..ROUNDS {
                    let message = format!("item {thread}: the candidate is not UTF-8");
                    assert_eq!(handle.check_batch(&batch), Err((Status::NotUtf8, message.clone())));
                    thread::yield_now();
                    assert_eq!(last_error(), message);
                }
            });
        }
    });
    assert_eq!(last_error(), "", "no thread's message reaches another");
}
