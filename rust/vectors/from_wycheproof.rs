//! Makes `sealed-box.json` from the vectors of the project Wycheproof: those of every algorithm that is offered, each
//! with what this library has to answer.

use sealed_box::Error;
use serde_json::{Map, Value, json};
use wycheproof::{TestResult, aead, eddsa, hkdf, mac, xdh};

const UNKNOWN: &str = "the crate has these vectors";

/// One vector a line.
pub(crate) fn file() -> String {
    let vectors = [
        sealing("AES-256-GCM", aead::TestName::AesGcm, 96),
        sealing("AES-256-GCM-SIV", aead::TestName::AesGcmSiv, 96),
        sealing("ChaCha20-Poly1305", aead::TestName::ChaCha20Poly1305, 96),
        sealing("XChaCha20-Poly1305", aead::TestName::XChaCha20Poly1305, 192),
        hashing("HMAC-SHA-256", mac::TestName::HmacSha256),
        hashing("HMAC-SHA-512", mac::TestName::HmacSha512),
        deriving(),
        verifying(),
        agreeing(),
    ];
    let lines: Vec<String> = vectors.into_iter().flatten().map(|vector| vector.to_string()).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

/// Keys of other sizes and nonces of other lengths are refused before anything is computed.
fn sealing(algorithm: &str, name: aead::TestName, nonce_bits: usize) -> Vec<Value> {
    let set = aead::TestSet::load(name).expect(UNKNOWN);
    let groups = set.test_groups.iter();
    let vectors = groups.flat_map(|group| group.tests.iter().map(move |test| (group, test)));
    let row = |(group, test): (&aead::TestGroup, &aead::Test)| {
        let expected = match test.result {
            _ if group.key_size != 256 => Some(Error::InvalidKey),
            _ if group.nonce_size != nonce_bits => Some(Error::InvalidNonce),
            TestResult::Invalid => Some(Error::Rejected),
            TestResult::Valid | TestResult::Acceptable => None,
        };
        let fields = [
            ("key", hex(&test.key)),
            ("nonce", hex(&test.nonce)),
            ("associated", hex(&test.aad)),
            ("message", hex(&test.pt)),
            ("sealed", hex(&[&test.ct[..], &test.tag].concat())),
        ];
        vector(algorithm, test.tc_id, fields, expected)
    };
    vectors.map(row).collect()
}

fn hashing(algorithm: &str, name: mac::TestName) -> Vec<Value> {
    let set = mac::TestSet::load(name).expect(UNKNOWN);
    let row = |test: &mac::Test| {
        let fields = [
            ("key", hex(&test.key)),
            ("message", hex(&test.msg)),
            ("tag", hex(&test.tag)),
        ];
        vector(algorithm, test.tc_id, fields, rejected_if_invalid(test.result))
    };
    set.test_groups.iter().flat_map(|group| &group.tests).map(row).collect()
}

fn deriving() -> Vec<Value> {
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).expect(UNKNOWN);
    let row = |test: &hkdf::Test| {
        let fields = [
            ("key", hex(&test.ikm)),
            ("salt", hex(&test.salt)),
            ("info", hex(&test.info)),
            ("length", json!(test.size)),
            ("output", hex(&test.okm)),
        ];
        let expected = (test.result == TestResult::Invalid).then_some(Error::InvalidLength);
        vector("HKDF-SHA-256", test.tc_id, fields, expected)
    };
    set.test_groups.iter().flat_map(|group| &group.tests).map(row).collect()
}

fn verifying() -> Vec<Value> {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).expect(UNKNOWN);
    let groups = set.test_groups.iter();
    let vectors = groups.flat_map(|group| group.tests.iter().map(move |test| (group, test)));
    let row = |(group, test): (&eddsa::TestGroup, &eddsa::Test)| {
        let fields = [
            ("public", hex(&group.key.pk)),
            ("message", hex(&test.msg)),
            ("signature", hex(&test.sig)),
        ];
        vector("Ed25519", test.tc_id, fields, rejected_if_invalid(test.result))
    };
    vectors.map(row).collect()
}

/// A secret of zeros, which some protocols accept, is rejected here.
fn agreeing() -> Vec<Value> {
    let set = xdh::TestSet::load(xdh::TestName::X25519).expect(UNKNOWN);
    let row = |test: &xdh::Test| {
        let is_zero = test.shared_secret.iter().all(|byte| *byte == 0);
        let expected = match test.public_key.len() {
            32 => is_zero.then_some(Error::Rejected),
            _ => Some(Error::InvalidKey),
        };
        let fields = [
            ("key", hex(&test.private_key)),
            ("public", hex(&test.public_key)),
            ("shared", hex(&test.shared_secret)),
        ];
        vector("X25519", test.tc_id, fields, expected)
    };
    set.test_groups.iter().flat_map(|group| &group.tests).map(row).collect()
}

fn rejected_if_invalid(result: TestResult) -> Option<Error> {
    (result == TestResult::Invalid).then_some(Error::Rejected)
}

fn vector<const N: usize>(
    algorithm: &str,
    number: usize,
    fields: [(&str, Value); N],
    expected: Option<Error>,
) -> Value {
    let ends = [
        ("algorithm", json!(algorithm)),
        ("number", json!(number)),
        ("expected", json!(expected.map_or(0, Error::code))),
    ];
    let fields = ends.into_iter().chain(fields);
    Value::Object(
        fields
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<Map<_, _>>(),
    )
}

fn hex(bytes: &[u8]) -> Value {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat().into()
}
