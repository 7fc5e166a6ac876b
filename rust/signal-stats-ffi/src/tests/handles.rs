//! What remembers gives what the core gives, and belongs to one thread at a time.

use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{Stats, Status, size};
use crate::{
    SignalStatsBiquad, SignalStatsBiquadCoefficients, SignalStatsBlock, SignalStatsFir, SignalStatsSketch,
    SignalStatsSpectrum, SignalStatsStream, signal_stats_biquad_free, signal_stats_biquad_new,
    signal_stats_biquad_process, signal_stats_checksum, signal_stats_fir_free, signal_stats_fir_new,
    signal_stats_fir_process, signal_stats_sketch_add, signal_stats_sketch_free, signal_stats_sketch_new,
    signal_stats_sketch_quantiles, signal_stats_spectrum_free, signal_stats_spectrum_new, signal_stats_spectrum_power,
    signal_stats_spectrum_transform, signal_stats_stream_finish, signal_stats_stream_free, signal_stats_stream_new,
    signal_stats_stream_pop, signal_stats_stream_push, signal_stats_stream_push_checked,
};

const VALUES: [f64; 4] = [1.0, 2.0, 3.0, 5.0];

/// Makes a handle; the function writes it.
fn made<T>(function: impl FnOnce(*mut *mut T) -> Status) -> *mut T {
    let mut handle = ptr::null_mut();
    assert_eq!(function(&raw mut handle), Status::Ok);
    handle
}

#[test]
fn filters_remember() {
    let stats = Stats::new();
    let (data, mut out) = (VALUES.as_ptr(), [0.0; 4]);
    let taps = [0.5, 0.5];
    // SAFETY: what the pointers point to lives until the call returns; so everywhere below.
    let fir: *mut SignalStatsFir = made(|place| unsafe { signal_stats_fir_new(stats.0, taps.as_ptr(), 2, place) });
    for expected in [[0.5, 1.5, 2.5, 4.0], [3.0, 1.5, 2.5, 4.0]] {
        // SAFETY: as above.
        let status = unsafe { signal_stats_fir_process(fir, data, 4, out.as_mut_ptr(), 4) };
        assert_eq!((status, out), (Status::Ok, expected));
    }
    // SAFETY: as above.
    let status = unsafe { signal_stats_fir_process(fir, data, 4, out.as_mut_ptr(), 3) };
    assert_eq!(status, Status::LengthMismatch);
    // SAFETY: it comes from the library, and is freed once.
    unsafe { signal_stats_fir_free(fir) };
    let mut coefficients = SignalStatsBiquadCoefficients {
        struct_size: size::<SignalStatsBiquadCoefficients>(),
        reserved: 0,
        b0: 1.0,
        b1: 0.0,
        b2: 0.0,
        a1: -1.0,
        a2: 0.0,
    };
    let biquad: *mut SignalStatsBiquad =
        // SAFETY: as above.
        made(|place| unsafe { signal_stats_biquad_new(stats.0, &raw const coefficients, place) });
    for expected in [[1.0, 3.0, 6.0, 11.0], [12.0, 14.0, 17.0, 22.0]] {
        // SAFETY: as above.
        let status = unsafe { signal_stats_biquad_process(biquad, data, 4, out.as_mut_ptr(), 4) };
        assert_eq!((status, out), (Status::Ok, expected));
    }
    // SAFETY: it comes from the library, and is freed once.
    unsafe { signal_stats_biquad_free(biquad) };
    coefficients.reserved = 1;
    let mut handle = ptr::null_mut();
    // SAFETY: as above.
    let status = unsafe { signal_stats_biquad_new(stats.0, &raw const coefficients, &raw mut handle) };
    assert_eq!((status, handle), (Status::InvalidStruct, ptr::null_mut()));
}

#[test]
fn spectra_and_sketches() {
    let stats = Stats::new();
    let (data, mut out, mut other) = (VALUES.as_ptr(), [0.0; 3], [0.0; 3]);
    // SAFETY: what the pointers point to lives until the call returns; so everywhere below.
    let spectrum: *mut SignalStatsSpectrum = made(|place| unsafe { signal_stats_spectrum_new(stats.0, 4, place) });
    // SAFETY: as above.
    let status = unsafe { signal_stats_spectrum_power(spectrum, data, 4, 0, out.as_mut_ptr(), 3) };
    assert_eq!((status, out), (Status::Ok, [121.0, 13.0, 9.0]));
    let (reals, imaginaries) = (out.as_mut_ptr(), other.as_mut_ptr());
    // SAFETY: as above.
    let status = unsafe { signal_stats_spectrum_transform(spectrum, data, 4, 0, reals, 3, imaginaries, 3) };
    assert_eq!((status, out, other), (Status::Ok, [11.0, -2.0, -3.0], [0.0, 3.0, 0.0]));
    // SAFETY: as above.
    let status = unsafe { signal_stats_spectrum_power(spectrum, data, 4, 2, out.as_mut_ptr(), 3) };
    assert_eq!(status, Status::InvalidArgument);
    // SAFETY: it comes from the library, and is freed once.
    unsafe { signal_stats_spectrum_free(spectrum) };
    // SAFETY: as above.
    let sketch: *mut SignalStatsSketch = made(|place| unsafe { signal_stats_sketch_new(stats.0, 12, place) });
    // SAFETY: as above.
    let status = unsafe { signal_stats_sketch_add(sketch, data, 4) };
    assert_eq!(status, Status::Ok);
    let probabilities = [0.0, 1.0];
    // SAFETY: as above.
    let status = unsafe { signal_stats_sketch_quantiles(sketch, probabilities.as_ptr(), 2, out.as_mut_ptr(), 2) };
    assert_eq!((status, out[0], out[1]), (Status::Ok, 1.0, 5.0));
    // SAFETY: it comes from the library, and is freed once.
    unsafe { signal_stats_sketch_free(sketch) };
}

#[test]
fn streams_press_back() {
    let stats = Stats::new();
    let (data, mut out, mut taken) = (VALUES.as_ptr(), [0.0; 3], 9);
    let stream: *mut SignalStatsStream =
        // SAFETY: what the pointers point to lives until the call returns; so everywhere below.
        made(|place| unsafe { signal_stats_stream_new(stats.0, 1, 3, ptr::null(), 0, place) });
    // SAFETY: as above.
    let status = unsafe { signal_stats_stream_push_checked(stream, data, 4, 0, &raw mut taken) };
    assert_eq!((status, taken), (Status::ChecksumMismatch, 9));
    // SAFETY: as above.
    let status = unsafe { signal_stats_stream_push(stream, data, 4, &raw mut taken) };
    assert_eq!((status, taken), (Status::Ok, 3));
    let mut checksum = 0;
    // SAFETY: as above.
    unsafe { signal_stats_checksum(stats.0, data, 3, &raw mut checksum) };
    let mut block = SignalStatsBlock::default();
    // SAFETY: as above.
    let status = unsafe { signal_stats_stream_pop(stream, out.as_mut_ptr(), 3, &raw mut block) };
    assert_eq!((status, out), (Status::Ok, [1.0, 2.0, 3.0]));
    let expected = SignalStatsBlock {
        length: 3,
        mean: 2.0,
        variance: 1.0,
        checksum,
        reserved: 0,
    };
    assert_eq!(block, expected);
    // SAFETY: as above.
    let status = unsafe { signal_stats_stream_pop(stream, out.as_mut_ptr(), 3, &raw mut block) };
    assert_eq!((status, block), (Status::Ok, SignalStatsBlock::default()));
    // SAFETY: as above.
    let status = unsafe { signal_stats_stream_finish(stream) };
    assert_eq!(status, Status::Ok);
    // SAFETY: as above.
    let status = unsafe { signal_stats_stream_push(stream, data, 4, &raw mut taken) };
    assert_eq!(status, Status::StreamEnded);
    // SAFETY: it comes from the library, and is freed once.
    unsafe { signal_stats_stream_free(stream) };
}

#[test]
fn threads_share_a_sketch_or_hear_that_it_is_busy() {
    struct Shared(*mut SignalStatsSketch);
    // SAFETY: the header lets handles be shared between threads.
    unsafe impl Sync for Shared {}
    let stats = Stats::new();
    // SAFETY: what the pointers point to lives until the call returns.
    let sketch = Shared(made(|place| unsafe { signal_stats_sketch_new(stats.0, 7, place) }));
    let added = AtomicUsize::new(0);
    let add = |sketch: &Shared| {
        for _ in 0..500 {
            // SAFETY: as above.
            match unsafe { signal_stats_sketch_add(sketch.0, VALUES.as_ptr(), 4) } {
                Status::Ok => added.fetch_add(1, Ordering::Relaxed),
                status => {
                    assert_eq!(status, Status::Busy);
                    0
                }
            };
        }
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| add(&sketch));
        }
    });
    assert!(added.load(Ordering::Relaxed) > 0);
    // SAFETY: it comes from the library, and is freed once.
    unsafe { signal_stats_sketch_free(sketch.0) };
}
