//! What a box is given in tests.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::cell::{Cell, RefCell};

use sealed_box::{Algorithm, Audit, Entropy, Error, KeyUse, Policy, SealedBox};

/// Bytes that only look random, the same for every test.
#[derive(Default)]
pub(crate) struct Predictable(Cell<u64>);

impl Entropy for Predictable {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        for byte in bytes {
            // The generator of Knuth's MMIX.
            let next = self
                .0
                .get()
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            self.0.set(next);
            *byte = next.to_be_bytes()[0];
        }
        Ok(())
    }
}

/// A source that has dried up.
pub(crate) struct Dry;

impl Entropy for Dry {
    fn fill(&self, _: &mut [u8]) -> Result<(), Error> {
        Err(Error::EntropyFailed)
    }
}

/// Writes down what it is told.
#[derive(Default)]
pub(crate) struct Notes(pub(crate) RefCell<Vec<KeyUse>>);

impl Audit for Notes {
    fn used(&self, key_use: &KeyUse) {
        self.0.borrow_mut().push(*key_use);
    }
}

pub(crate) type TestBox = SealedBox<Predictable, Notes>;

pub(crate) fn with(policy: Policy) -> TestBox {
    SealedBox::new(policy, Predictable::default(), Notes::default())
}

/// A box that allows all there is.
pub(crate) fn everything() -> TestBox {
    with(Policy::only(Algorithm::ALL).with_caller_nonces().with_export())
}
