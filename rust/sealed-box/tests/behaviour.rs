//! What is allowed, what is refused, and who is told.

mod surroundings;

use sealed_box::{Algorithm, Envelope, Error, Item, KeyUse, Operation, Policy, SealedBox, equal};
use surroundings::{Dry, Notes, everything, with};

const SEALING: [Algorithm; 4] = [
    Algorithm::Aes256Gcm,
    Algorithm::Aes256GcmSiv,
    Algorithm::ChaCha20Poly1305,
    Algorithm::XChaCha20Poly1305,
];

#[test]
fn the_default_policy_is_narrow() {
    let sealed_box = with(Policy::default());
    for algorithm in Algorithm::ALL {
        let allowed = sealed_box.generate(algorithm, 0).map(|_| ());
        let expected = match algorithm {
            Algorithm::XChaCha20Poly1305
            | Algorithm::HmacSha256
            | Algorithm::HkdfSha256
            | Algorithm::Ed25519
            | Algorithm::X25519 => Ok(()),
            _ => Err(Error::NotAllowed),
        };
        assert_eq!(allowed, expected, "{algorithm}");
    }
    let key = sealed_box.generate(Algorithm::XChaCha20Poly1305, 0).expect("allowed");
    assert_eq!(sealed_box.encrypt(&key, &[0; 24], b"", b""), Err(Error::NotAllowed));
    assert_eq!(
        sealed_box.decrypt(&key, &[0; 24], b"", &[0; 16]),
        Err(Error::NotAllowed)
    );
    assert_eq!(sealed_box.export(&key), Err(Error::NotAllowed));
    let key = sealed_box.generate(Algorithm::HkdfSha256, 0).expect("allowed");
    assert_eq!(sealed_box.derive(&key, b"", b"", 32), Err(Error::NotAllowed));
    let derived = sealed_box.derive_key(&key, b"", b"", Algorithm::Aes256Gcm, 1);
    assert_eq!(derived.map(|_| ()), Err(Error::NotAllowed));
}

#[test]
fn a_key_of_another_box_is_held_to_the_policy_of_this_one() {
    let (narrow, wide) = (with(Policy::default()), everything());
    let key = wide.generate(Algorithm::Aes256Gcm, 0).expect("allowed");
    let sealed = wide.seal(&key, b"", b"text").expect("allowed");
    assert_eq!(narrow.open(&key, b"", &sealed), Err(Error::NotAllowed));
}

#[test]
fn what_was_sealed_opens_and_nothing_else_does() {
    let sealed_box = everything();
    for algorithm in SEALING {
        let key = sealed_box.generate(algorithm, 0x0102_0304_0506_0708).expect("a key");
        let sealed = sealed_box.seal(&key, b"to", b"message").expect("sealed");
        assert_eq!(**sealed_box.open(&key, b"to", &sealed).expect("genuine"), *b"message");
        assert_eq!(sealed_box.open(&key, b"", &sealed), Err(Error::Rejected));
        for place in 0..sealed.len() {
            for bit in 0..8 {
                let mut altered = sealed.clone();
                altered[place] ^= 1 << bit;
                assert!(
                    sealed_box.open(&key, b"to", &altered).is_err(),
                    "{algorithm}: {place}.{bit}"
                );
            }
            assert!(
                sealed_box.open(&key, b"to", &sealed[..place]).is_err(),
                "{algorithm}: {place}"
            );
        }
        let longer = [&sealed[..], &[0]].concat();
        assert_eq!(sealed_box.open(&key, b"to", &longer), Err(Error::Malformed));
        let again = sealed_box.seal(&key, b"to", b"message").expect("sealed");
        assert_ne!(again, sealed, "another nonce");
    }
}

#[test]
fn an_envelope_has_the_documented_bytes() {
    let sealed_box = everything();
    let key = sealed_box
        .import(Algorithm::Aes256Gcm, 0x0102_0304_0506_0708, &[9; 32])
        .expect("a key");
    let sealed = sealed_box.seal(&key, b"", b"abc").expect("sealed");
    let header = b"SBOX\x01\x04\x01\x01\0\0\0\0\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0\x0c";
    assert_eq!(sealed[..24], *header);
    assert_eq!(sealed[36..40], [0, 0, 0, 19]);
    assert_eq!(sealed.len(), 40 + 19);
    let envelope = Envelope::parse(&sealed).expect("an envelope");
    assert_eq!((envelope.operation, envelope.key_id), (Operation::Seal, key.id()));
}

#[test]
fn an_envelope_of_another_kind_is_named() {
    let sealed_box = everything();
    let key = sealed_box.generate(Algorithm::XChaCha20Poly1305, 1).expect("a key");
    let sealed = sealed_box.seal(&key, b"", b"").expect("sealed");
    let with = |place: usize, value: u8| {
        let mut altered = sealed.clone();
        altered[place] = value;
        sealed_box.open(&key, b"", &altered)
    };
    assert_eq!(with(0, b'T'), Err(Error::Malformed));
    assert_eq!(with(4, 2), Err(Error::UnsupportedVersion));
    assert_eq!(with(5, 5), Err(Error::Malformed), "another operation");
    assert_eq!(with(7, 9), Err(Error::UnknownAlgorithm));
    assert_eq!(with(7, 1), Err(Error::WrongKey), "another algorithm");
    assert_eq!(with(9, 24), Err(Error::Malformed), "a failure");
    assert_eq!(with(9, 1), Err(Error::Malformed), "an unknown status");
    assert_eq!(with(10, 1), Err(Error::Malformed), "reserved");
    assert_eq!(with(19, 2), Err(Error::WrongKey), "another key");
    assert_eq!(with(20, 0xff), Err(Error::Malformed), "a length beyond all");
    assert_eq!(with(23, 23), Err(Error::Malformed), "a nonce that is too short");
}

#[test]
fn keys_do_only_what_they_are_for() {
    let sealed_box = everything();
    for algorithm in Algorithm::ALL {
        let key = sealed_box.generate(algorithm, 0).expect("a key");
        let outcomes = [
            (Operation::Seal, sealed_box.seal(&key, b"", b"").map(|_| ())),
            (Operation::Encrypt, sealed_box.encrypt(&key, b"", b"", b"").map(|_| ())),
            (Operation::Decrypt, sealed_box.decrypt(&key, b"", b"", b"").map(|_| ())),
            (Operation::Open, sealed_box.open(&key, b"", b"").map(|_| ())),
            (Operation::SealStream, sealed_box.seal_stream(&key, b"").map(|_| ())),
            (Operation::OpenStream, sealed_box.open_stream(&key, b"").map(|_| ())),
            (Operation::Hash, sealed_box.hash(&key).map(|_| ())),
            (Operation::Derive, sealed_box.derive(&key, b"", b"", 32).map(|_| ())),
            (Operation::Sign, sealed_box.sign(&key, b"").map(|_| ())),
            (Operation::Verify, sealed_box.verify(&key, b"", b"")),
            (Operation::Agree, sealed_box.agree(&key, b"", 0).map(|_| ())),
        ];
        for (operation, outcome) in outcomes {
            let is_refused = outcome == Err(Error::WrongKey);
            assert_eq!(is_refused, !algorithm.supports(operation), "{algorithm} {operation:?}");
        }
    }
}

#[test]
fn bytes_that_are_no_key_are_refused() {
    let sealed_box = everything();
    for algorithm in Algorithm::ALL {
        for length in [0, 1, 15, 31, 33, 1025] {
            let fits = matches!(
                algorithm,
                Algorithm::HmacSha256 | Algorithm::HmacSha512 | Algorithm::HkdfSha256
            ) && (16..=1024).contains(&length);
            let outcome = sealed_box.import(algorithm, 0, &vec![1; length]).map(|_| ());
            assert_eq!(outcome.is_ok(), fits, "{algorithm}: {length}");
        }
    }
    // y = 2 is on no point of the curve.
    let mut no_point = [0; 32];
    no_point[0] = 2;
    let outcome = sealed_box.import_public(Algorithm::Ed25519, 0, &no_point).map(|_| ());
    assert_eq!(outcome, Err(Error::InvalidKey));
    let outcome = sealed_box.import_public(Algorithm::Aes256Gcm, 0, &[1; 32]).map(|_| ());
    assert_eq!(outcome, Err(Error::WrongKey));
}

#[test]
fn signatures_are_those_of_the_rfc() {
    let sealed_box = everything();
    let digits = |text: &str| -> Vec<u8> {
        let pairs = (0..text.len()).step_by(2).map(|start| &text[start..start + 2]);
        pairs
            .map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal"))
            .collect()
    };
    // RFC 8032, section 7.1, TEST 2.
    let seed = digits("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    let public = digits("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    let signature = digits(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    );
    let key = sealed_box.import(Algorithm::Ed25519, 0, &seed).expect("a key");
    assert_eq!(key.public().as_ref().map(<[u8; 32]>::as_slice), Ok(public.as_slice()));
    assert_eq!(
        sealed_box.sign(&key, &[0x72]).as_ref().map(<[u8; 64]>::as_slice),
        Ok(signature.as_slice())
    );
    let verifier = sealed_box.import_public(Algorithm::Ed25519, 0, &public).expect("a key");
    assert_eq!(sealed_box.verify(&verifier, &[0x72], &signature), Ok(()));
    assert_eq!(sealed_box.verify(&verifier, &[0x73], &signature), Err(Error::Rejected));
    assert_eq!(
        sealed_box.verify(&verifier, &[0x72], &signature[1..]),
        Err(Error::Rejected)
    );
    assert_eq!(
        sealed_box.sign(&verifier, b""),
        Err(Error::WrongKey),
        "a public half signs nothing"
    );
    assert_eq!(sealed_box.export(&verifier), Err(Error::WrongKey), "nor is it a secret");
}

#[test]
fn a_point_of_small_order_verifies_nothing() {
    let sealed_box = everything();
    let mut identity = [0; 32];
    identity[0] = 1;
    let key = sealed_box
        .import_public(Algorithm::Ed25519, 0, &identity)
        .expect("it is on the curve");
    // R is the identity too and S is 0: without the strict rules it fits every message.
    let mut signature = [0; 64];
    signature[0] = 1;
    assert_eq!(sealed_box.verify(&key, b"any", &signature), Err(Error::Rejected));
}

#[test]
fn two_parties_agree() {
    let sealed_box = everything();
    let (one, other) = (
        sealed_box.generate(Algorithm::X25519, 1).expect("a key"),
        sealed_box.generate(Algorithm::X25519, 2).expect("a key"),
    );
    let of_one = sealed_box
        .agree(&one, &other.public().expect("a pair"), 3)
        .expect("agreed");
    let of_other = sealed_box
        .agree(&other, &one.public().expect("a pair"), 3)
        .expect("agreed");
    let seal = |key| sealed_box.derive_key(key, b"salt", b"info", Algorithm::XChaCha20Poly1305, 4);
    let (of_one, of_other) = (seal(&of_one).expect("derived"), seal(&of_other).expect("derived"));
    let sealed = sealed_box.seal(&of_one, b"", b"hello").expect("sealed");
    assert_eq!(**sealed_box.open(&of_other, b"", &sealed).expect("genuine"), *b"hello");
    assert_eq!(sealed_box.agree(&one, &[0; 32], 3).map(|_| ()), Err(Error::Rejected));
    assert_eq!(sealed_box.agree(&one, &[0; 31], 3).map(|_| ()), Err(Error::InvalidKey));
    let public = sealed_box.import_public(Algorithm::X25519, 5, &other.public().expect("a pair"));
    let outcome = sealed_box.agree(&public.expect("a key"), &[9; 32], 3).map(|_| ());
    assert_eq!(outcome, Err(Error::WrongKey));
}

#[test]
fn a_batch_answers_item_by_item() {
    let sealed_box = everything();
    let key = sealed_box.generate(Algorithm::XChaCha20Poly1305, 1).expect("a key");
    let item = |data, associated| Item { data, associated };
    let items = [item(&b"one"[..], &b"a"[..]), item(b"two", b""), item(b"", b"c")];
    let sealed = sealed_box.seal_batch(&key, &items).expect("sealed");
    let mut rest = &sealed[..];
    let mut envelopes = Vec::new();
    while !rest.is_empty() {
        let (envelope, behind) = Envelope::parse_first(rest).expect("an envelope");
        assert_eq!(envelope.outcome, Ok(()));
        envelopes.push(&rest[..rest.len() - behind.len()]);
        rest = behind;
    }
    let again = [
        item(envelopes[0], b"a"),
        item(envelopes[1], b"other"),
        item(envelopes[2], b"c"),
        item(b"SB", b""),
    ];
    let opened = sealed_box.open_batch(&key, &again).expect("answers");
    let mut rest = &opened[..];
    let expected = [
        (Ok(()), &b"one"[..]),
        (Err(Error::Rejected), b""),
        (Ok(()), b""),
        (Err(Error::Malformed), b""),
    ];
    for (outcome, message) in expected {
        let (envelope, behind) = Envelope::parse_first(rest).expect("an envelope");
        assert_eq!((envelope.operation, envelope.outcome), (Operation::Open, outcome));
        assert_eq!(envelope.payload, message);
        rest = behind;
    }
    assert_eq!(rest, b"");
    assert_eq!(sealed_box.seal_batch(&key, &[]).map(|output| output.len()), Ok(0));
}

#[test]
fn hashes_and_signatures_come_in_batches_too() {
    let sealed_box = everything();
    let key = sealed_box.generate(Algorithm::HmacSha512, 1).expect("a key");
    let items = [Item {
        data: b"text",
        associated: b"",
    }];
    let tags = sealed_box.hash_batch(&key, &items).expect("tags");
    let mut hash = sealed_box.hash(&key).expect("a hash");
    hash.update(b"te");
    hash.update(b"xt");
    assert_eq!(Envelope::parse(&tags).expect("an envelope").payload, hash.tag());
    let signer = sealed_box.generate(Algorithm::Ed25519, 1).expect("a key");
    let signature = sealed_box.sign(&signer, b"text").expect("signed");
    let items = [
        Item {
            data: b"text",
            associated: &signature,
        },
        Item {
            data: b"next",
            associated: &signature,
        },
    ];
    let answers = sealed_box.verify_batch(&signer, &items).expect("answers");
    let (first, rest) = Envelope::parse_first(&answers).expect("an envelope");
    let second = Envelope::parse(rest).expect("an envelope");
    assert_eq!((first.outcome, second.outcome), (Ok(()), Err(Error::Rejected)));
    let wrong = sealed_box.hash_batch(&signer, &items).expect("answers");
    assert_eq!(
        Envelope::parse_first(&wrong).expect("an envelope").0.outcome,
        Err(Error::WrongKey)
    );
}

#[test]
fn each_use_is_told_and_none_tells_a_secret() {
    let sealed_box = everything();
    let key = sealed_box
        .import(Algorithm::XChaCha20Poly1305, 77, &[0xa5; 32])
        .expect("a key");
    let sealed = sealed_box.seal(&key, b"", b"secret").expect("sealed");
    assert!(sealed_box.open(&key, b"x", &sealed).is_err());
    assert!(sealed_box.sign(&key, b"").is_err());
    let told = sealed_box.audit().0.borrow();
    let key_use = |operation, outcome| KeyUse {
        operation,
        algorithm: Algorithm::XChaCha20Poly1305,
        key_id: 77,
        outcome,
    };
    let expected = [
        key_use(Operation::Import, Ok(())),
        key_use(Operation::Seal, Ok(())),
        key_use(Operation::Open, Err(Error::Rejected)),
        key_use(Operation::Sign, Err(Error::WrongKey)),
    ];
    assert_eq!(*told, expected);
    let printed = format!("{told:?} {key:?}");
    assert!(!printed.contains("165") && !printed.to_lowercase().contains("a5") && !printed.contains("secret"));
}

#[test]
fn without_random_bytes_nothing_is_made() {
    let dry = SealedBox::new(Policy::only(Algorithm::ALL), Dry, Notes::default());
    assert_eq!(
        dry.generate(Algorithm::Aes256Gcm, 0).map(|_| ()),
        Err(Error::EntropyFailed)
    );
    let key = dry.import(Algorithm::XChaCha20Poly1305, 0, &[1; 32]).expect("a key");
    assert_eq!(dry.seal(&key, b"", b""), Err(Error::EntropyFailed));
    assert_eq!(dry.seal_stream(&key, b"").map(|_| ()), Err(Error::EntropyFailed));
}

#[test]
fn what_is_too_long_is_refused() {
    let sealed_box = everything();
    let long = vec![0; sealed_box::MAX_LENGTH + 1];
    let key = sealed_box.generate(Algorithm::XChaCha20Poly1305, 0).expect("a key");
    assert_eq!(sealed_box.seal(&key, b"", &long), Err(Error::TooLong));
    assert_eq!(sealed_box.seal(&key, &long[1..], b"x"), Err(Error::TooLong));
    assert_eq!(sealed_box.encrypt(&key, &[0; 24], b"", &long), Err(Error::TooLong));
    let half = Item {
        data: &long[..=long.len() / 2],
        associated: b"",
    };
    assert_eq!(sealed_box.seal_batch(&key, &[half, half]), Err(Error::TooLong));
    assert_eq!(
        sealed_box.seal_stream(&key, b"").expect("a stream").push(&long),
        Err(Error::TooLong)
    );
    let signer = sealed_box.generate(Algorithm::Ed25519, 0).expect("a key");
    assert_eq!(sealed_box.sign(&signer, &long), Err(Error::TooLong));
    let deriving = sealed_box.generate(Algorithm::HkdfSha256, 0).expect("a key");
    assert_eq!(sealed_box.derive(&deriving, b"", b"", 8161), Err(Error::InvalidLength));
    assert_eq!(sealed_box.derive(&deriving, b"", b"", 0), Err(Error::InvalidLength));
}

#[test]
fn comparison_knows_equal_from_different() {
    assert!(equal(b"", b"") && equal(b"same", b"same"));
    assert!(!equal(b"same", b"sane") && !equal(b"same", b"sam") && !equal(b"", b"x"));
}
