//! No memory is given back with a secret in it: an allocator looks at every block that is freed.
//!
//! One test in a program of its own, so that nothing else allocates meanwhile.

mod surroundings;

use std::alloc::{GlobalAlloc, Layout, System};
use std::slice;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use sealed_box::{Algorithm, Item};
use surroundings::everything;

/// What must not be left: 16 bytes of each are enough to know it.
static SECRETS: OnceLock<[[u8; 16]; 6]> = OnceLock::new();
static LEFT: AtomicUsize = AtomicUsize::new(0);
static FREED: AtomicUsize = AtomicUsize::new(0);

struct Watching;

impl Watching {
    /// # Safety
    ///
    /// `pointer` points to `size` bytes.
    unsafe fn look(pointer: *const u8, size: usize) {
        let Some(secrets) = SECRETS.get() else { return };
        // SAFETY: the caller's promise; what was never written is compared too, which no rule of Rust allows and every
        // allocator's memory survives.
        let bytes = unsafe { slice::from_raw_parts(pointer, size) };
        FREED.fetch_add(1, Ordering::Relaxed);
        if bytes
            .windows(16)
            .any(|window| secrets.iter().any(|secret| secret == window))
        {
            LEFT.fetch_add(1, Ordering::Relaxed);
        }
    }
}

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeroed, so that a block shows its own user's secrets alone.
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { Self::look(pointer, layout.size()) };
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// Bytes that nothing else holds by chance.
fn secret(number: u8) -> [u8; 32] {
    std::array::from_fn(|place| {
        number.wrapping_mul(37) ^ (0x51_u8.wrapping_add(u8::try_from(place).expect("32")).wrapping_mul(91))
    })
}

fn start(secret: &[u8]) -> [u8; 16] {
    secret[..16].try_into().expect("16 bytes")
}

#[test]
fn freed_memory_holds_no_secret() {
    let sealed_box = everything();
    let (key, message, scalar, seed) = (secret(1), secret(2), secret(3), secret(4));
    let mut peer = [0; 32];
    peer[0] = 9;
    let (mut derived, mut shared) = ([0; 16], [0; 16]);
    {
        // Before anybody looks: what will be derived and agreed on.
        let one = sealed_box.import(Algorithm::HkdfSha256, 0, &key).expect("a key");
        derived.copy_from_slice(&sealed_box.derive(&one, b"", b"", 32).expect("derived")[..16]);
        let one = sealed_box.import(Algorithm::X25519, 0, &scalar).expect("a key");
        let agreed = sealed_box.agree(&one, &peer, 0).expect("agreed");
        shared.copy_from_slice(&sealed_box.export(&agreed).expect("allowed")[..16]);
    }
    let secrets = [
        start(&key),
        start(&message),
        start(&scalar),
        start(&seed),
        derived,
        shared,
    ];
    SECRETS.set(secrets).expect("once");

    for algorithm in Algorithm::ALL {
        let Ok(key) = sealed_box.import(algorithm, 0, &key) else {
            continue;
        };
        if let Ok(sealed) = sealed_box.seal(&key, b"", &message) {
            assert!(sealed_box.open(&key, b"", &sealed).is_ok());
            let mut altered = sealed.clone();
            let last = altered.len() - 1;
            altered[last] ^= 1;
            assert!(sealed_box.open(&key, b"", &altered).is_err());
            let items = [
                Item {
                    data: &sealed,
                    associated: b"",
                },
                Item {
                    data: &altered,
                    associated: b"",
                },
            ];
            assert!(sealed_box.open_batch(&key, &items).is_ok());
        }
        if let (Ok(mut sealer), Ok(mut opener)) = (sealed_box.seal_stream(&key, b""), sealed_box.open_stream(&key, b""))
        {
            let mut sealed = Vec::new();
            for _ in 0..5000 {
                sealed.extend(sealer.push(&message).expect("sealed"));
            }
            sealed.extend(sealer.finish().expect("sealed"));
            let opened = opener.push(&sealed).expect("genuine").len() + opener.finish().expect("genuine").len();
            assert_eq!(opened, 5000 * message.len());
        }
        if let Ok(mut hash) = sealed_box.hash(&key) {
            hash.update(&message);
            assert!(!hash.tag().is_empty());
        }
        let _ = sealed_box.derive(&key, b"", b"", 64);
        let _ = sealed_box.derive_key(&key, b"", b"", Algorithm::XChaCha20Poly1305, 0);
        assert!(sealed_box.export(&key).is_ok());
    }
    let signer = sealed_box.import(Algorithm::Ed25519, 0, &seed).expect("a key");
    assert!(sealed_box.sign(&signer, b"public").is_ok());
    let agreeing = sealed_box.import(Algorithm::X25519, 0, &scalar).expect("a key");
    assert!(sealed_box.agree(&agreeing, &peer, 0).is_ok());
    drop((signer, agreeing));
    assert!(FREED.load(Ordering::Relaxed) > 100);
    assert_eq!(
        LEFT.load(Ordering::Relaxed),
        0,
        "blocks that were freed with a secret in them"
    );

    // The allocator would have noticed.
    drop(key.to_vec());
    assert_eq!(LEFT.load(Ordering::Relaxed), 1);
}
