//! Crashes in C, several calls below its interface: through Rust of its own, inlined, and of the standard library.

extern "C" {
    fn crash_fall(at: usize);
}

#[inline(always)]
fn inlined(at: usize) {
    // SAFETY: there is none, on purpose.
    unsafe { crash_fall(at) }
    std::hint::black_box(at);
}

#[inline(never)]
fn deeper(values: &mut [usize]) {
    values.sort_by(|one, other| {
        inlined(*one);
        one.cmp(other)
    });
    std::hint::black_box(values);
}

/// Crashes.
#[no_mangle]
pub extern "C" fn crash_now(at: usize) {
    let mut values = [at, at + 1, at + 2];
    deeper(&mut values);
    std::hint::black_box(&values);
}
