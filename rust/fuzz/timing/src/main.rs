//! Times every operation for two kinds of secrets, by turns at random: dudect (Reparaz, Balasch, Verbauwhede, "Dude, is
//! my code constant time?", 2017) asks by Welch's t-test whether they can be told apart. Each function prints a t; beyond
//! 10 they can. `leaks` compares as nobody should, and has to be caught.

#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::hint::black_box;

use dudect_bencher::rand::{Rng, RngExt};
use dudect_bencher::{BenchRng, Class, CtRunner, ctbench_main};
use sealed_box::{Algorithm, Audit, Entropy, Error, Key, Policy, SealedBox, equal};

const ROUNDS: usize = 500_000;

/// Random bytes of the harness, so that a run can be repeated by its seed.
struct Seeded(RefCell<BenchRng>);

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        self.0.borrow_mut().fill_bytes(bytes);
        Ok(())
    }
}

struct Nobody;

impl Audit for Nobody {}

fn everything(rng: &mut BenchRng) -> SealedBox<Seeded, Nobody> {
    let policy = Policy::only(Algorithm::ALL).with_caller_nonces().with_export();
    SealedBox::new(policy, Seeded(RefCell::new(rng.clone())), Nobody)
}

fn key(sealed_box: &SealedBox<Seeded, Nobody>, algorithm: Algorithm, bytes: &[u8]) -> Key {
    sealed_box.import(algorithm, 0, bytes).expect("a key of this length")
}

/// A secret of the one kind, which is always the same, or of the other, which never is.
fn secret(rng: &mut BenchRng) -> (Class, [u8; 32]) {
    let mut bytes = [7; 32];
    if rng.random::<bool>() {
        return (Class::Left, bytes);
    }
    rng.fill_bytes(&mut bytes);
    (Class::Right, bytes)
}

/// Times `work` for secrets of both kinds; what it works with is made before.
fn by_secret<T, R>(
    runner: &mut CtRunner,
    rng: &mut BenchRng,
    rounds: usize,
    make: impl Fn([u8; 32]) -> T,
    work: impl Fn(&T) -> R,
) {
    let inputs: Vec<_> = (0..rounds).map(|_| secret(rng)).collect();
    for (class, bytes) in inputs {
        let input = make(bytes);
        runner.run_one(class, || black_box(work(black_box(&input))));
    }
}

/// Times the refusal of a tag that is wrong in its first byte, or in its last.
fn by_tag(runner: &mut CtRunner, rng: &mut BenchRng, algorithm: Algorithm) {
    let sealed_box = everything(rng);
    let key = sealed_box.generate(algorithm, 0).expect("a key");
    let sealed = sealed_box.seal(&key, b"", &[1; 64]).expect("sealed");
    let classes: Vec<bool> = (0..ROUNDS).map(|_| rng.random()).collect();
    for first in classes {
        let (class, place) = if first { (Class::Left, 16) } else { (Class::Right, 1) };
        let mut altered = sealed.clone();
        let at = altered.len() - place;
        altered[at] ^= 1;
        runner.run_one(class, || {
            black_box(sealed_box.open(&key, b"", black_box(&altered)).is_err())
        });
    }
}

fn open_aes_gcm(runner: &mut CtRunner, rng: &mut BenchRng) {
    by_tag(runner, rng, Algorithm::Aes256Gcm);
}

fn open_aes_gcm_siv(runner: &mut CtRunner, rng: &mut BenchRng) {
    by_tag(runner, rng, Algorithm::Aes256GcmSiv);
}

fn open_chacha(runner: &mut CtRunner, rng: &mut BenchRng) {
    by_tag(runner, rng, Algorithm::ChaCha20Poly1305);
}

fn open_xchacha(runner: &mut CtRunner, rng: &mut BenchRng) {
    by_tag(runner, rng, Algorithm::XChaCha20Poly1305);
}

fn by_sealing(runner: &mut CtRunner, rng: &mut BenchRng, algorithm: Algorithm) {
    let sealed_box = everything(rng);
    let make = |bytes: [u8; 32]| key(&sealed_box, algorithm, &bytes);
    by_secret(runner, rng, ROUNDS, make, |key| sealed_box.seal(key, b"", &[1; 64]));
}

fn seal_aes_gcm(runner: &mut CtRunner, rng: &mut BenchRng) {
    by_sealing(runner, rng, Algorithm::Aes256Gcm);
}

fn seal_aes_gcm_siv(runner: &mut CtRunner, rng: &mut BenchRng) {
    by_sealing(runner, rng, Algorithm::Aes256GcmSiv);
}

fn seal_chacha(runner: &mut CtRunner, rng: &mut BenchRng) {
    by_sealing(runner, rng, Algorithm::ChaCha20Poly1305);
}

fn seal_xchacha(runner: &mut CtRunner, rng: &mut BenchRng) {
    by_sealing(runner, rng, Algorithm::XChaCha20Poly1305);
}

fn hash(runner: &mut CtRunner, rng: &mut BenchRng) {
    let sealed_box = everything(rng);
    let make = |bytes: [u8; 32]| key(&sealed_box, Algorithm::HmacSha256, &bytes);
    by_secret(runner, rng, ROUNDS, make, |key| {
        let mut hash = sealed_box.hash(key)?;
        hash.update(&[1; 64]);
        Ok::<_, Error>(hash.tag())
    });
}

fn derive(runner: &mut CtRunner, rng: &mut BenchRng) {
    let sealed_box = everything(rng);
    let make = |bytes: [u8; 32]| key(&sealed_box, Algorithm::HkdfSha256, &bytes);
    by_secret(runner, rng, ROUNDS, make, |key| {
        sealed_box.derive(key, b"salt", b"", 32)
    });
}

fn sign(runner: &mut CtRunner, rng: &mut BenchRng) {
    let sealed_box = everything(rng);
    let make = |bytes: [u8; 32]| key(&sealed_box, Algorithm::Ed25519, &bytes);
    by_secret(runner, rng, ROUNDS / 5, make, |key| sealed_box.sign(key, &[1; 64]));
}

fn agree(runner: &mut CtRunner, rng: &mut BenchRng) {
    let sealed_box = everything(rng);
    let mut peer = [0; 32];
    peer[0] = 9;
    let make = |bytes: [u8; 32]| key(&sealed_box, Algorithm::X25519, &bytes);
    by_secret(runner, rng, ROUNDS / 5, make, |key| {
        sealed_box.agree(key, &peer, 1).is_ok()
    });
}

fn compare(runner: &mut CtRunner, rng: &mut BenchRng) {
    by_secret(runner, rng, ROUNDS, |bytes| bytes, |bytes| equal(bytes, &[7; 32]));
}

fn leaks(runner: &mut CtRunner, rng: &mut BenchRng) {
    let until_they_differ = |bytes: &[u8; 32]| bytes.iter().zip(&[7; 32]).all(|(one, other)| black_box(one) == other);
    by_secret(runner, rng, ROUNDS, |bytes| bytes, until_they_differ);
}

ctbench_main!(
    seal_aes_gcm,
    seal_aes_gcm_siv,
    seal_chacha,
    seal_xchacha,
    open_aes_gcm,
    open_aes_gcm_siv,
    open_chacha,
    open_xchacha,
    hash,
    derive,
    sign,
    agree,
    compare,
    leaks
);
