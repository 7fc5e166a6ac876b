//! Crashes, in a function of the library.

fn main() {
    crash_ffi::crash_now(std::env::args().count());
}
