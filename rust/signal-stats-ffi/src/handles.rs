//! What remembers: filters, spectra, sketches and streams.

use boundary::{Region, guard, memory};
use signal_stats::{Biquad, BiquadCoefficients, Fir, QuantileSketch, Spectrum, Stream};

use crate::SignalStats;
use crate::call::{Alone, Handle, hand_out, with};
use crate::callbacks::Callbacks;
use crate::options::{SignalStatsBiquadCoefficients, SignalStatsBlock, window as window_of};
use crate::status::{SignalStatsStatus, failure};

/// A filter with finite response. A second thread that uses it meanwhile gets `SIGNAL_STATS_STATUS_BUSY`. It outlives what it was made with.
pub struct SignalStatsFir {
    alone: Alone<Fir>,
}

impl Handle for SignalStatsFir {
    fn callbacks(&self) -> &Callbacks {
        &self.alone.callbacks
    }
}

/// A filter with infinite response. A second thread that uses it meanwhile gets `SIGNAL_STATS_STATUS_BUSY`. It outlives what it was made with.
pub struct SignalStatsBiquad {
    alone: Alone<Biquad>,
}

impl Handle for SignalStatsBiquad {
    fn callbacks(&self) -> &Callbacks {
        &self.alone.callbacks
    }
}

/// A transform of one length. A second thread that uses it meanwhile gets `SIGNAL_STATS_STATUS_BUSY`. It outlives what it was made with.
pub struct SignalStatsSpectrum {
    alone: Alone<Spectrum>,
}

impl Handle for SignalStatsSpectrum {
    fn callbacks(&self) -> &Callbacks {
        &self.alone.callbacks
    }
}

/// A sketch of quantiles. A second thread that uses it meanwhile gets `SIGNAL_STATS_STATUS_BUSY`. It outlives what it was made with.
pub struct SignalStatsSketch {
    alone: Alone<QuantileSketch>,
}

impl Handle for SignalStatsSketch {
    fn callbacks(&self) -> &Callbacks {
        &self.alone.callbacks
    }
}

/// A signal in blocks, with back-pressure. A second thread that uses it meanwhile gets `SIGNAL_STATS_STATUS_BUSY`. It outlives what it was made with.
pub struct SignalStatsStream {
    alone: Alone<Stream>,
}

impl Handle for SignalStatsStream {
    fn callbacks(&self) -> &Callbacks {
        &self.alone.callbacks
    }
}

/// What the header promises about threads, checked by the compiler.
const _: () = {
    const fn shared_between_threads<T: Send + Sync>() {}
    shared_between_threads::<SignalStats>();
    shared_between_threads::<SignalStatsFir>();
    shared_between_threads::<SignalStatsBiquad>();
    shared_between_threads::<SignalStatsSpectrum>();
    shared_between_threads::<SignalStatsSketch>();
    shared_between_threads::<SignalStatsStream>();
};

/// A filter before whose signal there were zeros. It is freed with `signal_stats_fir_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_fir_new(
    stats: *const SignalStats,
    taps: *const f64,
    taps_count: usize,
    fir: *mut *mut SignalStatsFir,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_fir_new", stats, |stats, regions| {
            let taps = regions.input(taps, taps_count, "taps")?;
            let out = regions.result(fir, "fir")?;
            let inner = Fir::new(taps).map_err(failure)?;
            let alone = Alone::new(stats.callbacks.clone(), inner);
            hand_out(out, SignalStatsFir { alone });
            Ok(())
        })
    }
}

/// Filters the next piece of the signal. `filtered` is as long as `values`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_fir_process(
    fir: *const SignalStatsFir,
    values: *const f64,
    count: usize,
    filtered: *mut f64,
    filtered_count: usize,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_fir_process", fir, |fir, regions| {
            let values = regions.input(values, count, "values")?;
            let filtered = regions.output(filtered, filtered_count, "filtered")?;
            fir.alone
                .with(|state| state.process(values, filtered).map_err(failure))?;
            Ok(())
        })
    }
}

/// Ends a filter. Null is allowed and does nothing.
///
/// # Safety
///
/// `handle` is null or comes from this library, was not freed before, and no other thread uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_fir_free(handle: *mut SignalStatsFir) {
    // SAFETY: the caller's promise.
    guard::end(|| unsafe { memory::release_handle(handle) });
}

/// A filter of one section before whose signal there were zeros; several are used one after the other. It is freed with
/// `signal_stats_biquad_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_biquad_new(
    stats: *const SignalStats,
    coefficients: *const SignalStatsBiquadCoefficients,
    biquad: *mut *mut SignalStatsBiquad,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_biquad_new", stats, |stats, regions| {
            let section = memory::versioned(coefficients, "coefficients")?;
            regions.read(Region::of_versioned(coefficients));
            let section = BiquadCoefficients::try_from(section)?;
            let out = regions.result(biquad, "biquad")?;
            let inner = Biquad::new(&[section]).map_err(failure)?;
            let alone = Alone::new(stats.callbacks.clone(), inner);
            hand_out(out, SignalStatsBiquad { alone });
            Ok(())
        })
    }
}

/// Filters the next piece of the signal. `filtered` is as long as `values`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_biquad_process(
    biquad: *const SignalStatsBiquad,
    values: *const f64,
    count: usize,
    filtered: *mut f64,
    filtered_count: usize,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_biquad_process", biquad, |biquad, regions| {
            let values = regions.input(values, count, "values")?;
            let filtered = regions.output(filtered, filtered_count, "filtered")?;
            biquad
                .alone
                .with(|state| state.process(values, filtered).map_err(failure))?;
            Ok(())
        })
    }
}

/// Ends a filter. Null is allowed and does nothing.
///
/// # Safety
///
/// `handle` is null or comes from this library, was not freed before, and no other thread uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_biquad_free(handle: *mut SignalStatsBiquad) {
    // SAFETY: the caller's promise.
    guard::end(|| unsafe { memory::release_handle(handle) });
}

/// A transform of `period` values, a power of two up to 2^24. It is freed with `signal_stats_spectrum_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_spectrum_new(
    stats: *const SignalStats,
    period: usize,
    spectrum: *mut *mut SignalStatsSpectrum,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_spectrum_new", stats, |stats, regions| {
            let out = regions.result(spectrum, "spectrum")?;
            let inner = Spectrum::new(period).map_err(failure)?;
            let alone = Alone::new(stats.callbacks.clone(), inner);
            hand_out(out, SignalStatsSpectrum { alone });
            Ok(())
        })
    }
}

/// Writes the squares of the magnitudes of the transform of `values`, of which there are as many as the spectrum is for;
/// `window` is a `SignalStatsWindow`. There are half as many powers, and one.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_spectrum_power(
    spectrum: *const SignalStatsSpectrum,
    values: *const f64,
    count: usize,
    window: u32,
    powers: *mut f64,
    powers_count: usize,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_spectrum_power", spectrum, |spectrum, regions| {
            let values = regions.input(values, count, "values")?;
            let powers = regions.output(powers, powers_count, "powers")?;
            let kind = window_of(window)?;
            spectrum
                .alone
                .with(|state| state.power(values, kind, powers).map_err(failure))?;
            Ok(())
        })
    }
}

/// Writes the real and the imaginary parts of the transform, as `signal_stats_spectrum_power`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_spectrum_transform(
    spectrum: *const SignalStatsSpectrum,
    values: *const f64,
    count: usize,
    window: u32,
    reals: *mut f64,
    reals_count: usize,
    imaginaries: *mut f64,
    imaginaries_count: usize,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_spectrum_transform", spectrum, |spectrum, regions| {
            let values = regions.input(values, count, "values")?;
            let reals = regions.output(reals, reals_count, "reals")?;
            let imaginaries = regions.output(imaginaries, imaginaries_count, "imaginaries")?;
            let kind = window_of(window)?;
            let transform = |state: &mut Spectrum| state.transform(values, kind, reals, imaginaries).map_err(failure);
            spectrum.alone.with(transform)?;
            Ok(())
        })
    }
}

/// Ends a transform. Null is allowed and does nothing.
///
/// # Safety
///
/// `handle` is null or comes from this library, was not freed before, and no other thread uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_spectrum_free(handle: *mut SignalStatsSpectrum) {
    // SAFETY: the caller's promise.
    guard::end(|| unsafe { memory::release_handle(handle) });
}

/// A sketch of nothing, with 1 to 12 bits of precision: a quantile is at most 2^-(bits + 1) of its magnitude away from the
/// value of that rank. It is freed with `signal_stats_sketch_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_sketch_new(
    stats: *const SignalStats,
    precision: u32,
    sketch: *mut *mut SignalStatsSketch,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_sketch_new", stats, |stats, regions| {
            let out = regions.result(sketch, "sketch")?;
            let inner = QuantileSketch::new(precision).map_err(failure)?;
            let alone = Alone::new(stats.callbacks.clone(), inner);
            hand_out(out, SignalStatsSketch { alone });
            Ok(())
        })
    }
}

/// Adds values.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_sketch_add(
    sketch: *const SignalStatsSketch,
    values: *const f64,
    count: usize,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_sketch_add", sketch, |sketch, regions| {
            let values = regions.input(values, count, "values")?;
            sketch.alone.with(|state| {
                state.extend(values);
                Ok(())
            })?;
            Ok(())
        })
    }
}

/// Writes the quantile of each probability. There are as many quantiles as probabilities.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_sketch_quantiles(
    sketch: *const SignalStatsSketch,
    probabilities: *const f64,
    probabilities_count: usize,
    quantiles: *mut f64,
    quantiles_count: usize,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_sketch_quantiles", sketch, |sketch, regions| {
            let probabilities = regions.input(probabilities, probabilities_count, "probabilities")?;
            let quantiles = regions.output(quantiles, quantiles_count, "quantiles")?;
            sketch
                .alone
                .with(|state| state.quantiles(probabilities, quantiles).map_err(failure))?;
            Ok(())
        })
    }
}

/// Ends a sketch. Null is allowed and does nothing.
///
/// # Safety
///
/// `handle` is null or comes from this library, was not freed before, and no other thread uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_sketch_free(handle: *mut SignalStatsSketch) {
    // SAFETY: the caller's promise.
    guard::end(|| unsafe { memory::release_handle(handle) });
}

/// A stream of so many blocks, 2^20 at most, of so many values, 2^27 at most in all, filtered by the taps when they are
/// popped; no taps, no filter. All its memory is allocated here. It is freed with `signal_stats_stream_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_stream_new(
    stats: *const SignalStats,
    blocks: usize,
    block_length: usize,
    taps: *const f64,
    taps_count: usize,
    stream: *mut *mut SignalStatsStream,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_stream_new", stats, |stats, regions| {
            let taps = regions.input(taps, taps_count, "taps")?;
            let filter = if taps.is_empty() {
                None
            } else {
                Some(Fir::new(taps).map_err(failure)?)
            };
            let out = regions.result(stream, "stream")?;
            let inner = Stream::new(blocks, block_length, filter).map_err(failure)?;
            let alone = Alone::new(stats.callbacks.clone(), inner);
            hand_out(out, SignalStatsStream { alone });
            Ok(())
        })
    }
}

/// Takes as many values as there is room for, and writes how many: fewer than all if a block has to be popped first.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_stream_push(
    stream: *const SignalStatsStream,
    values: *const f64,
    count: usize,
    taken: *mut usize,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_stream_push", stream, |stream, regions| {
            let values = regions.input(values, count, "values")?;
            let out = regions.result(taken, "taken")?;
            out.write(stream.alone.with(|state| state.push(values).map_err(failure))?);
            Ok(())
        })
    }
}

/// As `signal_stats_stream_push`, if the checksum is that of the values; nothing is taken otherwise.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_stream_push_checked(
    stream: *const SignalStatsStream,
    values: *const f64,
    count: usize,
    checksum: u32,
    taken: *mut usize,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_stream_push_checked", stream, |stream, regions| {
            let values = regions.input(values, count, "values")?;
            let out = regions.result(taken, "taken")?;
            out.write(
                stream
                    .alone
                    .with(|state| state.push_checked(values, checksum).map_err(failure))?,
            );
            Ok(())
        })
    }
}

/// No more values come: a block that is not full is ready as it is.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_stream_finish(stream: *const SignalStatsStream) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_stream_finish", stream, |stream, _| {
            stream.alone.with(|state| {
                state.finish();
                Ok(())
            })?;
            Ok(())
        })
    }
}

/// Writes the oldest block, filtered, to the start of `values`, which has room for a block, and what it was to `block`: a
/// length of 0 if none is ready.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, arrays to as many values as their count says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_stream_pop(
    stream: *const SignalStatsStream,
    values: *mut f64,
    count: usize,
    block: *mut SignalStatsBlock,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_stream_pop", stream, |stream, regions| {
            let values = regions.output(values, count, "values")?;
            let out = regions.result(block, "block")?;
            let report = stream.alone.with(|state| state.pop(values).map_err(failure))?;
            out.write(report.map(SignalStatsBlock::from).unwrap_or_default());
            Ok(())
        })
    }
}

/// Ends a stream. Null is allowed and does nothing.
///
/// # Safety
///
/// `handle` is null or comes from this library, was not freed before, and no other thread uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_stream_free(handle: *mut SignalStatsStream) {
    // SAFETY: the caller's promise.
    guard::end(|| unsafe { memory::release_handle(handle) });
}
