//! Compiles in what a release says of itself: its fingerprint, its commit and the target, as one line of JSON.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let fields = [
        ("name", "email-validator-pyext".to_owned()),
        ("version", env::var("CARGO_PKG_VERSION").expect("Cargo sets it")),
        ("commit", released("FERRULE_COMMIT")),
        ("fingerprint", released("FERRULE_FINGERPRINT")),
        ("target", env::var("TARGET").expect("Cargo sets it")),
    ];
    let told: Vec<String> = fields.iter().map(|(key, value)| format!("\"{key}\":\"{value}\"")).collect();
    println!("cargo:rustc-env=EMAIL_VALIDATOR_BUILD_INFO={{{}}}", told.join(","));
}

/// Set by whoever makes a release, in hexadecimal digits; everybody else builds "unreleased".
fn released(name: &str) -> String {
    println!("cargo:rerun-if-env-changed={name}");
    env::var(name)
        .ok()
        .filter(|value| !value.is_empty() && value.chars().all(|c| c.is_ascii_hexdigit()))
        .unwrap_or_else(|| "unreleased".to_owned())
}
