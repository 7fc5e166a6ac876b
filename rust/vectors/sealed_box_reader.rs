//! Reads `sealed-box.json` for the tests of the core and of the C interface, which include this file.

use std::collections::BTreeMap;

use serde_json::Value;

/// One line of the file: texts are bytes in hexadecimal digits.
pub(crate) struct Vector(Value);

/// How many vectors there are of each algorithm, and how many of them have a result at all. Written down here, so that
/// none can be left out in silence.
pub(crate) const COUNTS: [(&str, usize, usize); 9] = [
    ("AES-256-GCM", 316, 39),
    ("AES-256-GCM-SIV", 202, 69),
    ("ChaCha20-Poly1305", 325, 256),
    ("Ed25519", 151, 88),
    ("HKDF-SHA-256", 86, 83),
    ("HMAC-SHA-256", 174, 66),
    ("HMAC-SHA-512", 174, 66),
    ("X25519", 518, 487),
    ("XChaCha20-Poly1305", 315, 246),
];

impl Vector {
    pub(crate) fn algorithm(&self) -> &str {
        self.0["algorithm"].as_str().expect("a name")
    }

    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.algorithm(), self.0["number"])
    }

    /// 0, or the number of the failure.
    pub(crate) fn expected(&self) -> u16 {
        self.0["expected"]
            .as_u64()
            .and_then(|code| code.try_into().ok())
            .expect("a status")
    }

    pub(crate) fn length(&self) -> usize {
        self.0["length"]
            .as_u64()
            .and_then(|length| length.try_into().ok())
            .expect("a length")
    }

    pub(crate) fn bytes(&self, field: &str) -> Vec<u8> {
        let digits = self.0[field].as_str().expect("hexadecimal digits");
        let pairs = (0..digits.len()).step_by(2).map(|start| &digits[start..start + 2]);
        pairs
            .map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal digits"))
            .collect()
    }
}

pub(crate) fn vectors() -> Vec<Vector> {
    let file: Vec<Value> = serde_json::from_str(include_str!("sealed-box.json")).expect("the vectors are JSON");
    file.into_iter().map(Vector).collect()
}

/// Runs every vector, and compares how many there were with what is written down.
pub(crate) fn run_all(run: impl Fn(&Vector)) {
    let mut counts = BTreeMap::<String, (usize, usize)>::new();
    for vector in vectors() {
        run(&vector);
        let count = counts.entry(vector.algorithm().to_owned()).or_default();
        *count = (count.0 + 1, count.1 + usize::from(vector.expected() == 0));
    }
    let counts: Vec<(&str, usize, usize)> = counts
        .iter()
        .map(|(algorithm, (all, good))| (algorithm.as_str(), *all, *good))
        .collect();
    assert_eq!(counts, COUNTS);
}
