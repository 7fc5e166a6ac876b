//! The C interface of signal-stats.
#![no_main]

use std::sync::LazyLock;

use calls::{Caller, Choices, signal_stats};
use libfuzzer_sys::fuzz_target;

static COMMON: LazyLock<signal_stats::Common> = LazyLock::new(signal_stats::Session::common);

fuzz_target!(|data: &[u8]| {
    let mut session = signal_stats::Session::new(&COMMON);
    Caller::new(signal_stats::INTERFACE, Choices::Bytes(data)).play(signal_stats::FUNCTIONS, &mut session);
});
