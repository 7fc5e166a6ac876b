//! What a caller can get wrong, and the status for it.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;
use std::sync::Mutex;

use super::{Stats, Status, last_error, size};
use crate::{
    SIGNAL_STATS_ABI_VERSION, SIGNAL_STATS_MAX_COUNT, SignalStats, SignalStatsBins, SignalStatsCallbacks,
    SignalStatsFir, SignalStatsOutside, signal_stats_abi_version, signal_stats_build_info, signal_stats_filter,
    signal_stats_fir_free, signal_stats_fir_new, signal_stats_fir_process, signal_stats_free, signal_stats_histogram,
    signal_stats_mean, signal_stats_new, signal_stats_quantiles, signal_stats_rolling,
};

const VALUES: [f64; 4] = [1.0, 2.0, 3.0, 4.0];

/// One byte past an aligned address, so never aligned for anything wider than a byte.
fn crooked<T>(pointer: *const T) -> *mut T {
    pointer.cast::<u8>().wrapping_add(1).cast::<T>().cast_mut()
}

fn mean(stats: *const SignalStats, values: *const f64, count: usize, mean: *mut f64) -> Status {
    // SAFETY: each pointer is one that the library has to refuse, or points to what it says.
    unsafe { signal_stats_mean(stats, values, count, mean) }
}

#[test]
fn pointers_are_checked() {
    let stats = Stats::new();
    let mut result = 7.0;
    let place = &raw mut result;
    let values = VALUES.as_ptr();
    for (status, message, expected) in [
        (mean(ptr::null(), values, 4, place), last_error(), Status::NullPointer),
        (
            mean(crooked(stats.0), values, 4, place),
            last_error(),
            Status::Misaligned,
        ),
        (mean(stats.0, ptr::null(), 4, place), last_error(), Status::NullPointer),
        (
            mean(stats.0, crooked(values), 3, place),
            last_error(),
            Status::Misaligned,
        ),
        (
            mean(stats.0, values, 4, ptr::null_mut()),
            last_error(),
            Status::NullPointer,
        ),
        (
            mean(stats.0, values, 4, crooked(place)),
            last_error(),
            Status::Misaligned,
        ),
        (
            mean(stats.0, values, 4, values.cast_mut()),
            last_error(),
            Status::Overlap,
        ),
        (mean(stats.0, values, 4, stats.0.cast()), last_error(), Status::Overlap),
        (
            mean(stats.0, values, SIGNAL_STATS_MAX_COUNT + 1, place),
            last_error(),
            Status::TooLong,
        ),
        (mean(stats.0, values, usize::MAX, place), last_error(), Status::TooLong),
        (mean(stats.0, ptr::null(), 0, place), last_error(), Status::TooFew),
    ] {
        assert_eq!(status, expected);
        assert!(!message.is_empty());
    }
    assert_eq!(result.to_bits(), 7.0_f64.to_bits(), "a refused call writes nothing");
    assert_eq!(mean(stats.0, values, 4, place), Status::Ok);
    assert_eq!((result.to_bits(), last_error()), (2.5_f64.to_bits(), String::new()));
}

#[test]
fn results_are_apart_from_all_else() {
    let stats = Stats::new();
    let mut values = VALUES;
    let data = values.as_mut_ptr();
    // SAFETY: the arrays that overlap are what is tested.
    let status = unsafe { signal_stats_filter(stats.0, data, 4, VALUES.as_ptr(), 2, data, 4) };
    assert_eq!(status, Status::Overlap);
    let mut scratch = [0.0; 4];
    let place = scratch.as_mut_ptr();
    let half = [0.5];
    // SAFETY: as above.
    let status = unsafe { signal_stats_quantiles(stats.0, data, 4, half.as_ptr(), 1, 0, place, 4, place, 1) };
    assert_eq!((status, scratch), (Status::Overlap, [0.0; 4]));
    let mut result = [0.0];
    let out = result.as_mut_ptr();
    // SAFETY: what the pointers point to lives until the call returns.
    let status = unsafe { signal_stats_quantiles(stats.0, data, 4, half.as_ptr(), 1, 3, place, 4, out, 1) };
    assert_eq!(
        (status, last_error()),
        (Status::InvalidArgument, "no interpolation has this number".to_owned())
    );
    // SAFETY: as above.
    let status = unsafe { signal_stats_rolling(stats.0, data, 4, 4, 4, out, 1) };
    assert_eq!(
        (status, last_error()),
        (Status::InvalidArgument, "no statistic has this number".to_owned())
    );
    // SAFETY: as above.
    let status = unsafe { signal_stats_rolling(stats.0, data, 4, 3, 0, out, 1) };
    assert_eq!((status, result), (Status::LengthMismatch, [0.0]));
}

#[test]
fn structures_are_checked() {
    let stats = Stats::new();
    let whole = SignalStatsBins {
        struct_size: size::<SignalStatsBins>(),
        reserved: 0,
        lower: 0.0,
        upper: 1.0,
    };
    for (bins, expected) in [
        (whole, Status::Ok),
        (
            SignalStatsBins {
                struct_size: 8,
                ..whole
            },
            Status::InvalidStruct,
        ),
        (SignalStatsBins { reserved: 1, ..whole }, Status::InvalidStruct),
        (SignalStatsBins { upper: 0.0, ..whole }, Status::InvalidArgument),
    ] {
        let (mut counts, mut outside) = ([0; 2], SignalStatsOutside::default());
        let (data, place) = (VALUES.as_ptr(), counts.as_mut_ptr());
        // SAFETY: what the pointers point to lives until the call returns.
        let status = unsafe { signal_stats_histogram(stats.0, &raw const bins, data, 4, place, 2, &raw mut outside) };
        assert_eq!(status, expected);
        assert_eq!(counts[1], u64::from(status == Status::Ok));
    }
}

unsafe extern "C" fn observe(user_data: *mut c_void, function: *const c_char, _: u64, status: Status) {
    // SAFETY: the test put the calls there, and they outlive the handle.
    let calls = unsafe { &*user_data.cast::<Mutex<Vec<(String, Status)>>>() };
    // SAFETY: the library promises a NUL.
    let function = unsafe { CStr::from_ptr(function) }.to_str().expect("UTF-8").to_owned();
    calls.lock().expect("no test panics here").push((function, status));
}

#[test]
fn calls_are_observed() {
    let calls = Mutex::new(Vec::<(String, Status)>::new());
    let functions = SignalStatsCallbacks {
        struct_size: size::<SignalStatsCallbacks>(),
        reserved: 0,
        user_data: ptr::from_ref(&calls).cast_mut().cast(),
        observe: Some(observe),
        release: None,
    };
    let mut stats = ptr::null_mut();
    // SAFETY: what the pointers point to lives until the handle is freed.
    let status = unsafe { signal_stats_new(&raw const functions, &raw mut stats) };
    assert_eq!(status, Status::Ok);
    let mut result = 0.0;
    assert_eq!(mean(stats, ptr::null(), 0, &raw mut result), Status::TooFew);
    assert_eq!(last_error(), "too few values");
    // SAFETY: it comes from the library, and is freed once.
    unsafe { signal_stats_free(stats) };
    // SAFETY: null does nothing.
    unsafe { signal_stats_free(ptr::null_mut()) };
    let expected = [("signal_stats_new", Status::Ok), ("signal_stats_mean", Status::TooFew)];
    let expected = expected.map(|(function, status)| (function.to_owned(), status));
    assert_eq!(*calls.lock().expect("no test panics here"), expected);
    let wrong = SignalStatsCallbacks {
        reserved: 1,
        ..functions
    };
    // SAFETY: what the pointers point to lives until the call returns.
    let status = unsafe { signal_stats_new(&raw const wrong, &raw mut stats) };
    assert_eq!(status, Status::InvalidStruct);
}

#[test]
fn an_observer_may_free_what_the_call_uses() {
    struct Handles {
        stats: *mut SignalStats,
        fir: *mut SignalStatsFir,
    }
    unsafe extern "C" fn free(user_data: *mut c_void, _: *const c_char, _: u64, status: Status) {
        assert_eq!(status, Status::Ok);
        let nothing = Handles {
            stats: ptr::null_mut(),
            fir: ptr::null_mut(),
        };
        // SAFETY: the test put them there, and refers to them by pointers alone.
        let handles = unsafe { user_data.cast::<Handles>().replace(nothing) };
        // SAFETY: from the library, and freed here alone; null the next time.
        unsafe { signal_stats_free(handles.stats) };
        // SAFETY: as above.
        unsafe { signal_stats_fir_free(handles.fir) };
    }
    let mut handles = Handles {
        stats: ptr::null_mut(),
        fir: ptr::null_mut(),
    };
    let place = &raw mut handles;
    let functions = SignalStatsCallbacks {
        struct_size: size::<SignalStatsCallbacks>(),
        reserved: 0,
        user_data: place.cast(),
        observe: Some(free),
        release: None,
    };
    let (mut stats, mut fir, mut result) = (ptr::null_mut(), ptr::null_mut(), 0.0);
    assert_eq!(
        // SAFETY: what the pointers point to lives until the handles are freed.
        unsafe { signal_stats_new(&raw const functions, &raw mut stats) },
        Status::Ok
    );
    // SAFETY: as above.
    let status = unsafe { signal_stats_fir_new(stats, VALUES.as_ptr(), 4, &raw mut fir) };
    assert_eq!(status, Status::Ok);
    // SAFETY: no call is running.
    unsafe { (*place).stats = stats };
    assert_eq!(mean(stats, VALUES.as_ptr(), 4, &raw mut result), Status::Ok);
    // SAFETY: as above.
    assert!(unsafe { (*place).stats }.is_null(), "it was freed");
    assert_eq!(result.to_bits(), 2.5_f64.to_bits());
    // SAFETY: as above.
    unsafe { (*place).fir = fir };
    let mut filtered = [0.0; 4];
    // SAFETY: as above; what was made with a handle outlives it.
    let status = unsafe { signal_stats_fir_process(fir, VALUES.as_ptr(), 4, filtered.as_mut_ptr(), 4) };
    assert_eq!((status, filtered[0]), (Status::Ok, 1.0));
    // SAFETY: as above.
    assert!(unsafe { (*place).fir }.is_null(), "it was freed");
}

#[test]
fn the_library_says_what_it_is() {
    assert_eq!(signal_stats_abi_version(), SIGNAL_STATS_ABI_VERSION);
    // SAFETY: the library promises a NUL.
    let info = unsafe { CStr::from_ptr(signal_stats_build_info()) }
        .to_str()
        .expect("UTF-8");
    assert!(info.starts_with(r#"{"name":"signal-stats","version":"#), "{info}");
    assert!(info.contains(r#""libm":"#) && !info.contains("proptest"), "{info}");
}
