//! What the WIT world of signal-stats exports.
#![no_main]

use calls::{Choices, worlds};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| worlds::signal_stats(&mut Choices::Bytes(data)));
