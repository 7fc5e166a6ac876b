//! What must hold across the boundary for every input.

use proptest::collection::vec;
use proptest::prelude::*;
use sealed_box::{Audit, Entropy, Error, Policy, SealedBox as CoreBox};

use super::{ALL, Box, options};

struct Core;

impl Entropy for Core {
    fn fill(&self, _: &mut [u8]) -> Result<(), Error> {
        Err(Error::EntropyFailed)
    }
}

impl Audit for Core {}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..100)
}

proptest! {
    #[test]
    fn both_roads_give_the_same_bytes(
        number in proptest::sample::select(ALL.to_vec()), key in vec(any::<u8>(), 30..40), nonce in vec(any::<u8>(), 10..26),
        first in bytes(), second in bytes(), length in 0_usize..100,
    ) {
        let algorithm = sealed_box::Algorithm::from_number(number.try_into().expect("small")).expect("known");
        let core = CoreBox::new(
            Policy::only(sealed_box::Algorithm::ALL).with_caller_nonces().with_export(), Core, Core,
        );
        let through_core = core.import(algorithm, 7, &key).map(|key| [
            core.encrypt(&key, &nonce, &first, &second),
            core.derive(&key, &first, &second, length).map(|bytes| bytes.to_vec()),
            core.sign(&key, &first).map(|bytes| bytes.to_vec()),
            core.export(&key).map(|bytes| bytes.to_vec()),
            core.hash(&key).map(|mut hash| { hash.update(&first); hash.tag() }),
        ]);
        let sealed_box = Box::everything();
        let through_c = sealed_box.import(number, &key).map(|key| [
            sealed_box.encrypt(&key, &nonce, &first, &second),
            sealed_box.derive(&key, &first, &second, length),
            sealed_box.sign(&key, &first),
            sealed_box.export(&key),
            sealed_box.hash(&key, &first),
        ]);
        let status = |error: Error| crate::SealedBoxStatus::from(error);
        let through_core = through_core
            .map(|answers| answers.map(|answer| answer.map_err(status)))
            .map_err(status);
        prop_assert_eq!(through_c, through_core);
    }

    #[test]
    fn only_known_algorithms_make_a_box(numbers in vec(prop_oneof![0x0100_u32..0x0110, any::<u32>()], 1..4)) {
        let known = numbers.iter().all(|number| ALL.contains(number));
        prop_assert_eq!(Box::new(&options(&numbers), std::ptr::null()).is_ok(), known);
    }

    #[test]
    fn noise_opens_nothing(noise in bytes()) {
        let sealed_box = Box::everything();
        let key = sealed_box.import(0x0103, &[3; 32]).expect("a key");
        prop_assert!(sealed_box.open(&key, b"", &noise).is_err());
        let stream = sealed_box.stream(&key, "open").expect("a stream");
        let opened = stream.push(&noise).and_then(|_| stream.finish());
        prop_assert!(opened.is_err());
    }
}
