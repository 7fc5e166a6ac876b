//! Collects what `sealed_box_build_info` tells.

/// The crates of which a checksum is told: everything inside that computes on secrets, or by which such code is chosen.
const CRYPTOGRAPHY: [&str; 27] = [
    "aead",
    "aead-stream",
    "aes",
    "aes-gcm",
    "aes-gcm-siv",
    "chacha20",
    "chacha20poly1305",
    "cipher",
    "cmov",
    "crypto-common",
    "ctr",
    "ctutils",
    "curve25519-dalek",
    "digest",
    "ed25519",
    "ed25519-dalek",
    "getrandom",
    "ghash",
    "hkdf",
    "hmac",
    "poly1305",
    "polyval",
    "sha2",
    "signature",
    "subtle",
    "x25519-dalek",
    "zeroize",
];

fn main() {
    boundary_build::emit_build_info(&CRYPTOGRAPHY);
}
