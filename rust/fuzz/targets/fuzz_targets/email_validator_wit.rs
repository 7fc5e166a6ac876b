//! What the WIT world of email-validator exports.
#![no_main]

use calls::{Choices, worlds};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| worlds::email_validator(&mut Choices::Bytes(data)));
