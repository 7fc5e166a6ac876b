//! The C interface of signal-stats.

use std::ffi::{c_char, c_void};
use std::ptr;

use signal_stats_ffi::*;

use crate::caller::Interface;
use crate::handles::{Handles, Shared};
use crate::{Caller, Functions, owed};

/// By what its calls are checked.
pub const INTERFACE: Interface = Interface {
    statuses: &[0, 1, 2, 3, 4, 5, 6, 10, 11, 16, 17, 18, 19, 20, 21],
    last_error: signal_stats_last_error,
};

const MOST: usize = SIGNAL_STATS_MAX_COUNT;

/// How many values blocks, windows and transforms have: good numbers, and some that must be refused. Numbers that are
/// good and ask for a GiB are left out.
const LENGTHS: [usize; 14] = [
    8,
    4,
    2,
    1,
    16,
    3,
    5,
    0,
    31,
    40,
    1 << 25,
    (1 << 27) + 1,
    isize::MAX as usize,
    usize::MAX,
];

/// Handles that are shared.
pub struct Common {
    stats: [Shared<SignalStats>; 1],
    firs: [Shared<SignalStatsFir>; 1],
    biquads: [Shared<SignalStatsBiquad>; 1],
    spectra: [Shared<SignalStatsSpectrum>; 1],
    sketches: [Shared<SignalStatsSketch>; 1],
    streams: [Shared<SignalStatsStream>; 1],
}

/// What one thread works with.
pub struct Session {
    stats: Handles<SignalStats>,
    firs: Handles<SignalStatsFir>,
    biquads: Handles<SignalStatsBiquad>,
    spectra: Handles<SignalStatsSpectrum>,
    sketches: Handles<SignalStatsSketch>,
    streams: Handles<SignalStatsStream>,
}

impl Session {
    /// A session that uses the common handles too.
    #[must_use]
    pub fn new(common: &Common) -> Self {
        Self {
            stats: Handles::new(signal_stats_free, &common.stats),
            firs: Handles::new(signal_stats_fir_free, &common.firs),
            biquads: Handles::new(signal_stats_biquad_free, &common.biquads),
            spectra: Handles::new(signal_stats_spectrum_free, &common.spectra),
            sketches: Handles::new(signal_stats_sketch_free, &common.sketches),
            streams: Handles::new(signal_stats_stream_free, &common.streams),
        }
    }

    /// Handles for several sessions.
    #[must_use]
    pub fn common() -> Common {
        let callbacks = callbacks();
        let taps = [0.5, 0.25, 0.25];
        let section = section();
        // SAFETY: every argument is what its type says.
        unsafe {
            let stats = made(signal_stats_free, |out| signal_stats_new(&raw const callbacks, out));
            let handle = stats.pointer();
            Common {
                firs: [made(signal_stats_fir_free, |out| {
                    signal_stats_fir_new(handle, taps.as_ptr(), 3, out)
                })],
                biquads: [made(signal_stats_biquad_free, |out| {
                    signal_stats_biquad_new(handle, &raw const section, out)
                })],
                spectra: [made(signal_stats_spectrum_free, |out| {
                    signal_stats_spectrum_new(handle, 8, out)
                })],
                sketches: [made(signal_stats_sketch_free, |out| {
                    signal_stats_sketch_new(handle, 7, out)
                })],
                streams: [made(signal_stats_stream_free, |out| {
                    signal_stats_stream_new(handle, 3, 8, taps.as_ptr(), 3, out)
                })],
                stats: [stats],
            }
        }
    }
}

fn made<T>(free: unsafe extern "C" fn(*mut T), make: impl FnOnce(*mut *mut T) -> SignalStatsStatus) -> Shared<T> {
    let mut handle = ptr::null_mut();
    assert_eq!(make(&raw mut handle), SignalStatsStatus::Ok);
    Shared::new(handle, free)
}

/// Every function of the header.
pub const FUNCTIONS: &Functions<Session> = &[
    ("signal_stats_abi_version", |caller, _| {
        caller.done("signal_stats_abi_version", || assert_eq!(signal_stats_abi_version(), 1));
    }),
    ("signal_stats_build_info", |caller, _| {
        caller.done("signal_stats_build_info", || {
            assert!(!signal_stats_build_info().is_null())
        });
    }),
    ("signal_stats_last_error", |caller, _| {
        let (buffer, length) = caller.output::<c_char>(8, 0);
        let length = if length > 64 { 0 } else { length };
        // SAFETY: the buffer is null or has that length.
        caller.done("signal_stats_last_error", || unsafe {
            signal_stats_last_error(buffer, length);
        });
    }),
    maker!(
        signal_stats_new,
        stats,
        |caller, session| {
            let mut functions = callbacks();
            let user_data = functions.user_data;
            functions.reserved = u32::from(caller.choices.one_in(12));
            (caller.structure(functions), user_data)
        },
        |(functions, user_data), out| {
            let status = signal_stats_new(functions, out);
            owed::settled(user_data, functions, &SignalStatsStatus::Ok, status)
        }
    ),
    free!(signal_stats_free, stats),
    function!(
        signal_stats_mean,
        |caller, session| { (caller.handle(&session.stats), caller.input(MOST), caller.out()) },
        |(stats, values, out)| signal_stats_mean(stats, values.0, values.1, out)
    ),
    function!(
        signal_stats_variance,
        |caller, session| {
            (
                caller.handle(&session.stats),
                caller.input(MOST),
                caller.choices.number(&[0, 1, 2]),
                caller.out(),
            )
        },
        |(stats, values, freedom, out)| signal_stats_variance(stats, values.0, values.1, freedom, out)
    ),
    function!(
        signal_stats_covariance,
        |caller, session| {
            let (stats, first) = (caller.handle(&session.stats), caller.input(MOST));
            let second = caller.input_of(first.1.min(40), MOST);
            (stats, first, second, caller.choices.number(&[0, 1, 2]), caller.out())
        },
        |(stats, first, second, freedom, out)| {
            signal_stats_covariance(stats, first.0, first.1, second.0, second.1, freedom, out)
        }
    ),
    function!(
        signal_stats_quantiles,
        |caller, session| {
            let (stats, values) = (caller.handle(&session.stats), caller.input(MOST));
            let probabilities = probabilities(caller);
            let scratch = caller.output::<f64>(values.1, MOST);
            let quantiles = caller.output::<f64>(probabilities.1, MOST);
            (
                stats,
                values,
                probabilities,
                caller.choices.number(&[0, 1, 2, 3]),
                scratch,
                quantiles,
            )
        },
        |(stats, values, probabilities, kind, scratch, quantiles)| {
            signal_stats_quantiles(
                stats,
                values.0,
                values.1,
                probabilities.0,
                probabilities.1,
                kind,
                scratch.0,
                scratch.1,
                quantiles.0,
                quantiles.1,
            )
        }
    ),
    function!(
        signal_stats_histogram,
        |caller, session| {
            let bins = SignalStatsBins {
                struct_size: 0,
                reserved: u32::from(caller.choices.one_in(12)),
                lower: caller
                    .choices
                    .pick(&[0.0, -1.0, 1.0, f64::NAN, f64::NEG_INFINITY, f64::MIN]),
                upper: caller
                    .choices
                    .pick(&[4.0, 256.0, 0.0, f64::NAN, f64::INFINITY, f64::MAX, 5e-324]),
            };
            let (stats, bins, values) = (
                caller.handle(&session.stats),
                caller.structure(bins),
                caller.input(MOST),
            );
            let length = caller.choices.below(12);
            (stats, bins, values, caller.output::<u64>(length, MOST), caller.out())
        },
        |(stats, bins, values, counts, outside)| {
            signal_stats_histogram(stats, bins, values.0, values.1, counts.0, counts.1, outside)
        }
    ),
    function!(
        signal_stats_filter,
        |caller, session| {
            let (stats, values, taps) = (caller.handle(&session.stats), caller.input(MOST), caller.input(MOST));
            (stats, values, taps, caller.output::<f64>(values.1, MOST))
        },
        |(stats, values, taps, filtered)| {
            signal_stats_filter(stats, values.0, values.1, taps.0, taps.1, filtered.0, filtered.1)
        }
    ),
    function!(
        signal_stats_rolling,
        |caller, session| {
            let (stats, values, window) = (
                caller.handle(&session.stats),
                caller.input(MOST),
                caller.choices.pick(&LENGTHS),
            );
            let length = values.1.wrapping_sub(window).wrapping_add(1);
            let statistics = caller.output::<f64>(length, MOST);
            (
                stats,
                values,
                window,
                caller.choices.number(&[0, 1, 2, 3, 4]),
                statistics,
            )
        },
        |(stats, values, window, statistic, statistics)| {
            signal_stats_rolling(stats, values.0, values.1, window, statistic, statistics.0, statistics.1)
        }
    ),
    function!(
        signal_stats_resample,
        |caller, session| {
            let (stats, values, taps) = (caller.handle(&session.stats), caller.input(MOST), caller.input(MOST));
            let (up, down) = (caller.choices.pick(&LENGTHS), caller.choices.pick(&LENGTHS));
            let length = values.1.wrapping_mul(up).div_ceil(down.max(1));
            (stats, values, (up, down), taps, caller.output::<f64>(length, MOST))
        },
        |(stats, values, rate, taps, resampled)| {
            signal_stats_resample(
                stats,
                values.0,
                values.1,
                rate.0,
                rate.1,
                taps.0,
                taps.1,
                resampled.0,
                resampled.1,
            )
        }
    ),
    function!(
        signal_stats_checksum,
        |caller, session| { (caller.handle(&session.stats), caller.input(MOST), caller.out()) },
        |(stats, values, out)| signal_stats_checksum(stats, values.0, values.1, out)
    ),
    maker!(
        signal_stats_fir_new,
        firs,
        |caller, session| { (caller.handle(&session.stats), caller.input(MOST)) },
        |(stats, taps), out| signal_stats_fir_new(stats, taps.0, taps.1, out)
    ),
    function!(
        signal_stats_fir_process,
        |caller, session| {
            let (fir, values) = (caller.handle(&session.firs), caller.input(MOST));
            (fir, values, caller.output::<f64>(values.1, MOST))
        },
        |(fir, values, filtered)| signal_stats_fir_process(fir, values.0, values.1, filtered.0, filtered.1)
    ),
    free!(signal_stats_fir_free, firs),
    maker!(
        signal_stats_biquad_new,
        biquads,
        |caller, session| {
            let mut section = section();
            section.reserved = u32::from(caller.choices.one_in(12));
            section.a2 = caller.choices.pick(&[0.25, f64::NAN, f64::INFINITY, -2.0]);
            (caller.handle(&session.stats), caller.structure(section))
        },
        |(stats, section), out| signal_stats_biquad_new(stats, section, out)
    ),
    function!(
        signal_stats_biquad_process,
        |caller, session| {
            let (biquad, values) = (caller.handle(&session.biquads), caller.input(MOST));
            (biquad, values, caller.output::<f64>(values.1, MOST))
        },
        |(biquad, values, filtered)| signal_stats_biquad_process(biquad, values.0, values.1, filtered.0, filtered.1)
    ),
    free!(signal_stats_biquad_free, biquads),
    maker!(
        signal_stats_spectrum_new,
        spectra,
        |caller, session| { (caller.handle(&session.stats), caller.choices.pick(&LENGTHS)) },
        |(stats, period), out| signal_stats_spectrum_new(stats, period, out)
    ),
    function!(
        signal_stats_spectrum_power,
        |caller, session| {
            let (spectrum, period) = (caller.handle(&session.spectra), caller.choices.pick(&LENGTHS[..6]));
            let (values, kind) = (caller.input_of(period, MOST), caller.choices.number(&[0, 1, 2]));
            (spectrum, values, kind, caller.output::<f64>(period / 2 + 1, MOST))
        },
        |(spectrum, values, kind, powers)| {
            signal_stats_spectrum_power(spectrum, values.0, values.1, kind, powers.0, powers.1)
        }
    ),
    function!(
        signal_stats_spectrum_transform,
        |caller, session| {
            let (spectrum, period) = (caller.handle(&session.spectra), caller.choices.pick(&LENGTHS[..6]));
            let (values, kind) = (caller.input_of(period, MOST), caller.choices.number(&[0, 1, 2]));
            let reals = caller.output::<f64>(period / 2 + 1, MOST);
            (
                spectrum,
                values,
                kind,
                reals,
                caller.output::<f64>(period / 2 + 1, MOST),
            )
        },
        |(spectrum, values, kind, reals, imaginaries)| {
            signal_stats_spectrum_transform(
                spectrum,
                values.0,
                values.1,
                kind,
                reals.0,
                reals.1,
                imaginaries.0,
                imaginaries.1,
            )
        }
    ),
    free!(signal_stats_spectrum_free, spectra),
    maker!(
        signal_stats_sketch_new,
        sketches,
        |caller, session| { (caller.handle(&session.stats), caller.choices.number(&[1, 7, 0, 12, 13])) },
        |(stats, precision), out| signal_stats_sketch_new(stats, precision, out)
    ),
    function!(
        signal_stats_sketch_add,
        |caller, session| { (caller.handle(&session.sketches), caller.input(MOST)) },
        |(sketch, values)| signal_stats_sketch_add(sketch, values.0, values.1)
    ),
    function!(
        signal_stats_sketch_quantiles,
        |caller, session| {
            let (sketch, probabilities) = (caller.handle(&session.sketches), probabilities(caller));
            (sketch, probabilities, caller.output::<f64>(probabilities.1, MOST))
        },
        |(sketch, probabilities, quantiles)| {
            signal_stats_sketch_quantiles(sketch, probabilities.0, probabilities.1, quantiles.0, quantiles.1)
        }
    ),
    free!(signal_stats_sketch_free, sketches),
    maker!(
        signal_stats_stream_new,
        streams,
        |caller, session| {
            let lengths = (caller.choices.pick(&LENGTHS), caller.choices.pick(&LENGTHS));
            let lengths = if lengths.0 == 1 << 25 || lengths.1 == 1 << 25 {
                (1 << 20, 1 << 20)
            } else {
                lengths
            };
            (caller.handle(&session.stats), lengths, caller.input(MOST))
        },
        |(stats, lengths, taps), out| signal_stats_stream_new(stats, lengths.0, lengths.1, taps.0, taps.1, out)
    ),
    function!(
        signal_stats_stream_push,
        |caller, session| { (caller.handle(&session.streams), caller.input(MOST), caller.out()) },
        |(stream, values, taken)| signal_stats_stream_push(stream, values.0, values.1, taken)
    ),
    function!(
        signal_stats_stream_push_checked,
        |caller, session| {
            let (stream, values) = (caller.handle(&session.streams), caller.input::<f64>(MOST));
            // The checksum of nothing, or any.
            (stream, values, caller.choices.number(&[0]), caller.out())
        },
        |(stream, values, checksum, taken)| {
            signal_stats_stream_push_checked(stream, values.0, values.1, checksum, taken)
        }
    ),
    function!(
        signal_stats_stream_finish,
        |caller, session| { caller.handle(&session.streams) },
        |stream| signal_stats_stream_finish(stream)
    ),
    function!(
        signal_stats_stream_pop,
        |caller, session| {
            let (stream, length) = (caller.handle(&session.streams), caller.choices.pick(&LENGTHS[..10]));
            (stream, caller.output::<f64>(length, MOST), caller.out())
        },
        |(stream, values, block)| signal_stats_stream_pop(stream, values.0, values.1, block)
    ),
    free!(signal_stats_stream_free, streams),
    ("signal_stats_arrow_values", arrow_values),
    ("signal_stats_arrow_new", arrow_new),
];

fn probabilities(caller: &mut Caller<'_>) -> (*const f64, usize) {
    if caller.choices.one_in(4) {
        return caller.input(MOST);
    }
    let all = [0.0, 1.0, 0.5, 0.25, -0.0, 0.999, f64::NAN, 1.5];
    let count = caller.choices.below(5);
    let values: Vec<f64> = (0..count).map(|_| caller.choices.pick(&all)).collect();
    let (start, count) = caller.structures(&values, MOST);
    (start.cast_const(), count)
}

/// A column as Arrow's specification wants it, and columns that must be refused.
fn arrow_values(caller: &mut Caller<'_>, session: &mut Session) {
    let stats = caller.handle(&session.stats);
    let values = caller.input_of::<f64>(20, MOST);
    let present = caller.place([0xFF_u8; 64]);
    let hole = caller.choices.one_in(6);
    if hole {
        // SAFETY: it was just placed.
        unsafe { (*present)[1] = 0x7F };
    }
    let has_bitmap = caller.choices.one_in(2);
    let present: *const c_void = if has_bitmap {
        present.cast_const().cast()
    } else {
        ptr::null()
    };
    let buffers = caller.place([present, values.0.cast()]);
    let room = if values.1 <= 40 { values.1 } else { 0 };
    let offset = caller.choices.below(4).min(room);
    caller.reads_only(values.0.wrapping_add(offset), room - offset);
    let mut numbers = [(room - offset) as i64, offset as i64];
    if caller.choices.one_in(4) {
        // With a bitmap, a length that is not there would be no column at all.
        let wrong = if has_bitmap {
            -1
        } else {
            caller.choices.pick(&[i64::MIN, i64::MAX])
        };
        numbers[caller.choices.below(2)] = wrong;
    } else if !has_bitmap && caller.choices.one_in(8) {
        numbers[0] = 1 << 28;
    }
    let format = caller
        .choices
        .pick(&[c"g", c"g", c"g", c"g", c"", c"gg", c"u"])
        .as_ptr();
    let schema = ArrowColumn {
        format: if caller.choices.one_in(12) { ptr::null() } else { format },
        release: (!caller.choices.one_in(12)).then_some(nothing as Release),
        ..ArrowColumn::EMPTY
    };
    let array = ArrowBuffers {
        length: numbers[0],
        null_count: caller.choices.pick(&[0, 0, 1, -1]),
        offset: numbers[1],
        n_buffers: caller.choices.pick(&[2, 2, 2, 2, 2, 0, 1, 3, -2]),
        n_children: i64::from(caller.choices.one_in(12)),
        buffers: if caller.choices.one_in(12) {
            ptr::null_mut()
        } else {
            buffers.cast()
        },
        release: (!caller.choices.one_in(12)).then_some(nothing as Release),
        ..ArrowBuffers::EMPTY
    };
    let (schema, array) = (caller.place(schema), caller.place(array));
    let (schema, array) = (caller.spoil(schema), caller.spoil(array));
    let (first, count) = (caller.out(), caller.out());
    // SAFETY: what is neither null nor misaligned is what its type says.
    let call = || unsafe { signal_stats_arrow_values(stats, schema.cast(), array.cast(), first, count) } as i32;
    caller.call("signal_stats_arrow_values", call);
}

fn arrow_new(caller: &mut Caller<'_>, session: &mut Session) {
    let (stats, count) = (
        caller.handle(&session.stats),
        caller.choices.pick(&[8, 0, 1, 100, MOST + 1, usize::MAX]),
    );
    let (schema, array, values) = (caller.out::<ArrowColumn>(), caller.out::<ArrowBuffers>(), caller.out());
    // SAFETY: what is neither null nor misaligned is what its type says.
    let call = || unsafe { signal_stats_arrow_new(stats, count, schema.cast(), array.cast(), values) } as i32;
    if caller.call("signal_stats_arrow_new", call) {
        // SAFETY: the call was done.
        let (mut schema, mut array) = unsafe { (caller.result(schema), caller.result(array)) };
        // SAFETY: as above.
        let first: *mut f64 = unsafe { caller.result(values) };
        for index in 0..count {
            // SAFETY: there are so many values until the array is released.
            unsafe { first.add(index).write(1.0) };
        }
        let (of_schema, of_array) = (
            schema.release.expect("not released"),
            array.release.expect("not released"),
        );
        // SAFETY: the callbacks of these structures, in any order.
        unsafe {
            if caller.choices.one_in(2) {
                of_schema((&raw mut schema).cast());
            }
            of_array((&raw mut array).cast());
            // What was released already, and null, do nothing.
            of_array((&raw mut array).cast());
            of_array(ptr::null_mut());
        }
        assert!(array.release.is_none());
    }
}

type Release = unsafe extern "C" fn(*mut c_void);

unsafe extern "C" fn nothing(_: *mut c_void) {}

/// `ArrowSchema` as Arrow's specification has it; the fields of the library's are its own.
#[repr(C)]
#[derive(Clone, Copy)]
struct ArrowColumn {
    format: *const c_char,
    name: *const c_char,
    metadata: *const c_char,
    flags: i64,
    n_children: i64,
    children: *mut c_void,
    dictionary: *mut c_void,
    release: Option<Release>,
    private_data: *mut c_void,
}

impl ArrowColumn {
    const EMPTY: Self = Self {
        format: ptr::null(),
        name: ptr::null(),
        metadata: ptr::null(),
        flags: 0,
        n_children: 0,
        children: ptr::null_mut(),
        dictionary: ptr::null_mut(),
        release: None,
        private_data: ptr::null_mut(),
    };
}

/// `ArrowArray`, likewise.
#[repr(C)]
#[derive(Clone, Copy)]
struct ArrowBuffers {
    length: i64,
    null_count: i64,
    offset: i64,
    n_buffers: i64,
    n_children: i64,
    buffers: *mut c_void,
    children: *mut c_void,
    dictionary: *mut c_void,
    release: Option<Release>,
    private_data: *mut c_void,
}

impl ArrowBuffers {
    const EMPTY: Self = Self {
        length: 0,
        null_count: 0,
        offset: 0,
        n_buffers: 0,
        n_children: 0,
        buffers: ptr::null_mut(),
        children: ptr::null_mut(),
        dictionary: ptr::null_mut(),
        release: None,
        private_data: ptr::null_mut(),
    };
}

const _: () = assert!(size_of::<ArrowColumn>() == size_of::<ArrowSchema>());
const _: () = assert!(size_of::<ArrowBuffers>() == size_of::<ArrowArray>());

fn section() -> SignalStatsBiquadCoefficients {
    SignalStatsBiquadCoefficients {
        struct_size: size_of::<SignalStatsBiquadCoefficients>() as u32,
        reserved: 0,
        b0: 0.5,
        b1: 0.25,
        b2: 0.0,
        a1: -0.5,
        a2: 0.25,
    }
}

fn callbacks() -> SignalStatsCallbacks {
    SignalStatsCallbacks {
        struct_size: size_of::<SignalStatsCallbacks>() as u32,
        reserved: 0,
        user_data: owed::user_data(),
        observe: Some(observe),
        release: Some(owed::release),
    }
}

/// Calls the library in turn.
unsafe extern "C" fn observe(user_data: *mut c_void, name: *const c_char, _: u64, _: SignalStatsStatus) {
    // SAFETY: the library hands on what it was given.
    unsafe { owed::check(user_data) };
    assert!(!name.is_null());
    // SAFETY: null is allowed everywhere.
    let status = unsafe { signal_stats_mean(ptr::null(), ptr::null(), 3, ptr::null_mut()) };
    assert_eq!(status, SignalStatsStatus::NullPointer);
}
