//! When the caller is told that its functions are needed no more.

use std::ffi::{c_char, c_void};
use std::mem::offset_of;
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::{Status, last_error, size};
use crate::{
    SignalStats, SignalStatsCallbacks, SignalStatsFir, SignalStatsSketch, signal_stats_fir_free, signal_stats_fir_new,
    signal_stats_fir_process, signal_stats_free, signal_stats_new, signal_stats_sketch_free, signal_stats_sketch_new,
};

/// What happened, in its order, and the sketch that an observer is to free.
#[derive(Default)]
struct Story {
    events: Mutex<Vec<&'static str>>,
    frees: AtomicPtr<SignalStatsSketch>,
}

impl Story {
    fn told(&self) -> Vec<&'static str> {
        self.events.lock().expect("no test panics here").clone()
    }

    fn functions(&self) -> SignalStatsCallbacks {
        SignalStatsCallbacks {
            struct_size: size::<SignalStatsCallbacks>(),
            reserved: 0,
            user_data: ptr::from_ref(self).cast_mut().cast(),
            observe: Some(observe),
            release: Some(release),
        }
    }
}

fn note(user_data: *mut c_void, event: &'static str) {
    // SAFETY: `functions` put the story there, and it outlives the handles of its test.
    let story = unsafe { &*user_data.cast::<Story>() };
    story.events.lock().expect("no test panics here").push(event);
    let freed = story.frees.swap(ptr::null_mut(), Ordering::Relaxed);
    // SAFETY: null, or a sketch that the test frees nowhere else.
    unsafe { signal_stats_sketch_free(freed) };
}

unsafe extern "C" fn observe(user_data: *mut c_void, _: *const c_char, _: u64, _: Status) {
    note(user_data, "observed");
}

unsafe extern "C" fn release(user_data: *mut c_void) {
    // It may call the library, also what fails.
    // SAFETY: null is refused.
    let status = unsafe { signal_stats_new(ptr::null(), ptr::null_mut()) };
    assert_eq!(status, Status::NullPointer);
    note(user_data, "released");
}

fn new(functions: &SignalStatsCallbacks) -> (Status, *mut SignalStats) {
    let mut stats = ptr::null_mut();
    // SAFETY: what the pointers point to lives until the call returns.
    (unsafe { signal_stats_new(functions, &raw mut stats) }, stats)
}

#[test]
fn it_is_told_when_the_handle_and_all_that_were_made_with_it_are_freed() {
    let story = Story::default();
    let (status, stats) = new(&story.functions());
    assert_eq!(status, Status::Ok);
    let mut fir: *mut SignalStatsFir = ptr::null_mut();
    let mut sketch: *mut SignalStatsSketch = ptr::null_mut();
    let taps = [1.0];
    // SAFETY: what the pointers point to lives until the call returns; so everywhere below.
    let status = unsafe { signal_stats_fir_new(stats, taps.as_ptr(), 1, &raw mut fir) };
    assert_eq!(status, Status::Ok);
    // SAFETY: as above.
    let status = unsafe { signal_stats_sketch_new(stats, 12, &raw mut sketch) };
    assert_eq!(status, Status::Ok);
    // SAFETY: as above. One that is not made keeps nothing.
    let status = unsafe { signal_stats_fir_new(stats, ptr::null(), 1, &raw mut fir) };
    assert_eq!(status, Status::NullPointer);
    // SAFETY: it comes from the library, and is freed once; so everywhere below.
    unsafe { signal_stats_free(stats) };
    // SAFETY: as above.
    unsafe { signal_stats_sketch_free(sketch) };
    let mut filtered = [0.0];
    // SAFETY: as above.
    let status = unsafe { signal_stats_fir_process(fir, taps.as_ptr(), 1, filtered.as_mut_ptr(), 1) };
    assert_eq!(
        (status, filtered, story.told()),
        (Status::Ok, [1.0], vec!["observed"; 5])
    );
    // SAFETY: as above. The message of this is what stays.
    unsafe { signal_stats_fir_process(fir, ptr::null(), 1, filtered.as_mut_ptr(), 1) };
    // SAFETY: as above.
    unsafe { signal_stats_fir_free(fir) };
    assert_eq!(story.told(), [&["observed"; 6][..], &["released"]].concat());
    assert_eq!(last_error(), "values is null", "what it called left no message");
}

#[test]
fn an_observer_that_frees_the_last_of_them_ends_before_it_is_told() {
    let story = Story::default();
    let (_, stats) = new(&story.functions());
    let mut sketch: *mut SignalStatsSketch = ptr::null_mut();
    // SAFETY: the place lives until the call returns.
    let status = unsafe { signal_stats_sketch_new(stats, 12, &raw mut sketch) };
    assert_eq!(status, Status::Ok);
    // SAFETY: it comes from the library, and is freed once.
    unsafe { signal_stats_free(stats) };
    story.frees.store(sketch, Ordering::Relaxed);
    // SAFETY: it is there when the call begins; no values may be null.
    let status = unsafe { crate::signal_stats_sketch_add(sketch, ptr::null(), 0) };
    assert_eq!(status, Status::Ok);
    assert_eq!(story.told(), ["observed", "observed", "observed", "released"]);
}

#[test]
fn a_handle_that_was_not_made_tells_nothing_and_an_older_structure_has_none() {
    let story = Story::default();
    let wrong = SignalStatsCallbacks {
        reserved: 1,
        ..story.functions()
    };
    assert_eq!(new(&wrong).0, Status::InvalidStruct);
    let functions = story.functions();
    // SAFETY: null is what is tested.
    let status = unsafe { signal_stats_new(&raw const functions, ptr::null_mut()) };
    assert_eq!((status, story.told()), (Status::NullPointer, vec!["observed"]));
    let older = SignalStatsCallbacks {
        struct_size: u32::try_from(offset_of!(SignalStatsCallbacks, release)).expect("a structure is small"),
        ..functions
    };
    let (status, stats) = new(&older);
    assert_eq!(status, Status::Ok);
    // SAFETY: it comes from the library, and is freed once.
    unsafe { signal_stats_free(stats) };
    assert_eq!(story.told(), ["observed", "observed"]);
}
