//! What the WIT world of sealed-box exports.
#![no_main]

use calls::{Choices, worlds};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| worlds::sealed_box(&mut Choices::Bytes(data)));
