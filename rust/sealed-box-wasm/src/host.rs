//! A host for where there is none, outside of WebAssembly: its random bytes are none, and nobody hears its audit.

pub(crate) mod entropy {
    pub(crate) fn fill(length: u32) -> Vec<u8> {
        (0..length).map(|number| number.to_le_bytes()[0]).collect()
    }
}

pub(crate) mod audit {
    use crate::bindings::ferrule::sealed_box::types::KeyUse;

    pub(crate) fn used(_: KeyUse) {}
}
