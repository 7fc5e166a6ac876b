//! The C interface of email-validator.
#![no_main]

use std::sync::LazyLock;

use calls::{Caller, Choices, email_validator};
use libfuzzer_sys::fuzz_target;

static COMMON: LazyLock<email_validator::Common> = LazyLock::new(email_validator::Session::common);

fuzz_target!(|data: &[u8]| {
    let mut session = email_validator::Session::new(&COMMON);
    Caller::new(email_validator::INTERFACE, Choices::Bytes(data)).play(email_validator::FUNCTIONS, &mut session);
});
