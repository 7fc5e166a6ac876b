//! One NaN: which of its payloads survives an operation differs between machines, so that results have only this one.

/// `0x7ff8_0000_0000_0000` for any NaN, and any other value as it is.
pub(crate) fn canonical(value: f64) -> f64 {
    if value.is_nan() {
        f64::from_bits(0x7ff8_0000_0000_0000)
    } else {
        value
    }
}

/// The NaN of all results.
pub(crate) fn nan() -> f64 {
    canonical(f64::NAN)
}
