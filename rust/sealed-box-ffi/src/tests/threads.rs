//! One box and one key, many threads; one stream is for one thread at a time.

use std::ffi::c_void;
use std::ptr;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{ALL, Algorithm, Box, SealedBoxCallbacks, Status, callbacks, last_error, options};
use crate::SealedBoxKeyUse;

const THREADS: usize = 8;
const ROUNDS: usize = 100;

unsafe extern "C" fn count(user_data: *mut c_void, _: *const SealedBoxKeyUse) {
    // SAFETY: the test put the counter there, and it outlives the box.
    unsafe { &*user_data.cast::<AtomicUsize>() }.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn a_shared_key_serves_every_thread() {
    let counter = AtomicUsize::new(0);
    let functions = SealedBoxCallbacks {
        user_data: ptr::from_ref(&counter).cast_mut().cast(),
        audit: Some(count),
        ..callbacks()
    };
    let sealed_box = Box::new(&options(&ALL), &raw const functions).expect("a box");
    let (sealing, signing) = (
        sealed_box.generate(Algorithm::Aes256Gcm),
        sealed_box.generate(Algorithm::Ed25519),
    );
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (sealed_box, sealing, signing, start) = (&sealed_box, &sealing, &signing, &start);
            scope.spawn(move || {
                start.wait();
                for round in 0..ROUNDS {
                    let message = format!("{thread}.{round}").into_bytes();
                    let sealed = sealed_box.seal(sealing, &message, &message).expect("sealed");
                    assert_eq!(sealed_box.open(sealing, &message, &sealed), Ok(message.clone()));
                    assert_eq!(sealed_box.open(sealing, b"", &sealed), Err(Status::Rejected));
                    assert_eq!(last_error(), "not genuine");
                    if round % 20 == 0 {
                        let signature = sealed_box.sign(signing, &message).expect("signed");
                        assert_eq!(sealed_box.verify(signing, &message, &signature), Ok(()));
                    }
                }
            });
        }
    });
    let uses = 2 + THREADS * (ROUNDS * 3 + ROUNDS / 20 * 2);
    assert_eq!(counter.load(Ordering::Relaxed), uses);
}

#[test]
fn a_stream_that_is_in_use_is_busy() {
    let sealed_box = Box::everything();
    let key = sealed_box.generate(Algorithm::Xchacha20Poly1305);
    let stream = sealed_box.stream(&key, "seal").expect("a stream");
    let (start, piece, length) = (Barrier::new(THREADS), vec![7; 100_000], AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                for _ in 0..4 {
                    let sealed = loop {
                        match stream.push(&piece) {
                            Err(Status::Busy) => thread::yield_now(),
                            sealed => break sealed.expect("sealed"),
                        }
                    };
                    length.fetch_add(sealed.len(), Ordering::Relaxed);
                }
            });
        }
    });
    let message = THREADS * 4 * piece.len();
    let sealed = length.load(Ordering::Relaxed) + stream.finish().expect("sealed").len();
    assert_eq!(
        sealed,
        51 + message + message.div_ceil(65_536) * 16,
        "every piece went in once"
    );
}
