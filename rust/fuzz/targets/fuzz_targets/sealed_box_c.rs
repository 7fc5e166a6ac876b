//! The C interface of sealed-box.
#![no_main]

use std::sync::LazyLock;

use calls::{Caller, Choices, sealed_box};
use libfuzzer_sys::fuzz_target;

static COMMON: LazyLock<sealed_box::Common> = LazyLock::new(sealed_box::Session::common);

fuzz_target!(|data: &[u8]| {
    let mut session = sealed_box::Session::new(&COMMON);
    Caller::new(sealed_box::INTERFACE, Choices::Bytes(data)).play(sealed_box::FUNCTIONS, &mut session);
});
