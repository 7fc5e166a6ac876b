//! What must hold for every key and message, not just for those somebody thought of.

mod surroundings;

use proptest::collection::vec;
use proptest::prelude::*;
use sealed_box::{Algorithm, ENVELOPE_HEADER_LENGTH, Envelope, Error, Operation};
use surroundings::everything;

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..200)
}

fn sealing() -> impl Strategy<Value = Algorithm> {
    proptest::sample::select(vec![
        Algorithm::Aes256Gcm,
        Algorithm::Aes256GcmSiv,
        Algorithm::ChaCha20Poly1305,
        Algorithm::XChaCha20Poly1305,
    ])
}

proptest! {
    #[test]
    fn what_was_sealed_opens(algorithm in sealing(), key: [u8; 32], id: u64, associated in bytes(), message in bytes()) {
        let sealed_box = everything();
        let key = sealed_box.import(algorithm, id, &key).expect("32 bytes");
        let sealed = sealed_box.seal(&key, &associated, &message).expect("sealed");
        prop_assert_eq!(&*sealed_box.open(&key, &associated, &sealed).expect("genuine"), &message);
    }

    #[test]
    fn another_key_opens_nothing(algorithm in sealing(), one: [u8; 32], other: [u8; 32], message in bytes()) {
        prop_assume!(one != other);
        let sealed_box = everything();
        let key = sealed_box.import(algorithm, 0, &one).expect("32 bytes");
        let sealed = sealed_box.seal(&key, b"", &message).expect("sealed");
        let other = sealed_box.import(algorithm, 0, &other).expect("32 bytes");
        prop_assert_eq!(sealed_box.open(&other, b"", &sealed), Err(Error::Rejected));
    }

    #[test]
    fn noise_is_no_envelope(noise in bytes(), header in any::<bool>()) {
        let sealed_box = everything();
        let key = sealed_box.import(Algorithm::XChaCha20Poly1305, 0, &[1; 32]).expect("32 bytes");
        let mut noise = noise;
        if header {
            let sealed = sealed_box.seal(&key, b"", b"").expect("sealed");
            let kept = noise.len().min(ENVELOPE_HEADER_LENGTH);
            noise[..kept].copy_from_slice(&sealed[..kept]);
        }
        prop_assert!(sealed_box.open(&key, b"", &noise).is_err());
        if let Ok((envelope, rest)) = Envelope::parse_first(&noise) {
            let mut written = Vec::new();
            envelope.write(&mut written).expect("short");
            prop_assert_eq!([&written, rest].concat(), noise);
        }
    }

    #[test]
    fn an_envelope_is_read_as_it_was_written(
        operation in proptest::sample::select(Operation::ALL.to_vec()),
        algorithm in proptest::sample::select(Algorithm::ALL.to_vec()),
        outcome in proptest::option::of(proptest::sample::select(Error::ALL.to_vec())),
        key_id: u64, nonce in bytes(), payload in bytes(), behind in bytes(),
    ) {
        let outcome = outcome.map_or(Ok(()), Err);
        let envelope = Envelope { operation, algorithm, outcome, key_id, nonce: &nonce, payload: &payload };
        let mut written = Vec::new();
        envelope.write(&mut written).expect("short");
        prop_assert_eq!(written.len(), envelope.length());
        written.extend_from_slice(&behind);
        prop_assert_eq!(Envelope::parse_first(&written), Ok((envelope, behind.as_slice())));
    }

    #[test]
    fn pieces_of_a_hash_change_nothing(key in vec(any::<u8>(), 16..100), message in bytes(), cut: prop::sample::Index) {
        let sealed_box = everything();
        let key = sealed_box.import(Algorithm::HmacSha256, 0, &key).expect("at least 16 bytes");
        let mut whole = sealed_box.hash(&key).expect("a hash");
        whole.update(&message);
        let tag = whole.tag();
        let (first, second) = message.split_at(cut.index(message.len() + 1));
        let mut pieces = sealed_box.hash(&key).expect("a hash");
        pieces.update(first);
        pieces.update(second);
        prop_assert_eq!(pieces.check(&tag), Ok(()));
    }

    #[test]
    fn a_signature_fits_its_message_alone(seed: [u8; 32], message in bytes(), other in bytes()) {
        let sealed_box = everything();
        let key = sealed_box.import(Algorithm::Ed25519, 0, &seed).expect("32 bytes");
        let signature = sealed_box.sign(&key, &message).expect("signed");
        prop_assert_eq!(sealed_box.verify(&key, &message, &signature), Ok(()));
        prop_assert_eq!(sealed_box.verify(&key, &other, &signature).is_ok(), other == message);
    }

    #[test]
    fn both_agree_on_the_same(one: [u8; 32], other: [u8; 32]) {
        let sealed_box = everything();
        let import = |bytes| sealed_box.import(Algorithm::X25519, 0, bytes).expect("32 bytes");
        let (one, other) = (import(&one), import(&other));
        let agree = |key, peer: &sealed_box::Key| {
            let shared = sealed_box.agree(key, &peer.public().expect("a pair"), 0).expect("no small order");
            sealed_box.export(&shared).expect("allowed")
        };
        prop_assert_eq!(agree(&one, &other), agree(&other, &one));
    }
}
