//! What is freed has been overwritten: an allocator reads every block at that moment.
//!
//! The keys and messages here are used by no other test, so that the blocks of others do not matter.

use std::alloc::{GlobalAlloc, Layout, System};
use std::slice;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Algorithm, Box, Status};
use crate::{sealed_box_bytes_free, sealed_box_key_export, sealed_box_open};

static LEFT: AtomicUsize = AtomicUsize::new(0);
static KEYS_FREED: AtomicUsize = AtomicUsize::new(0);

/// A key that no other test has, and a message.
const KEY: [u8; 32] = secret(0x5a);
const MESSAGE: [u8; 32] = secret(0xc3);

const fn secret(start: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    let mut index = 0_u8;
    while index < 32 {
        bytes[index as usize] = start ^ index.wrapping_mul(73).wrapping_add(11);
        index += 1;
    }
    bytes
}

struct Watching;

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeroed, so that a block shows its own user's secrets alone.
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the block is the caller's until the next line, and every byte of it was written by `alloc`.
        let block = unsafe { slice::from_raw_parts(pointer, layout.size()) };
        if contains(block, &KEY) || contains(block, &MESSAGE) {
            LEFT.fetch_add(1, Ordering::Relaxed);
        }
        if layout.size() == KEY.len() && block.iter().all(|byte| *byte == 0) {
            KEYS_FREED.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// By the first byte: this runs for every block of every test.
fn contains(block: &[u8], secret: &[u8; 32]) -> bool {
    let starts = block.iter().enumerate().filter(|(_, byte)| **byte == secret[0]);
    let mut rests = starts.map(|(start, _)| &block[start..]);
    rests.any(|rest| rest.len() >= 16 && rest[..16] == secret[..16])
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

#[test]
fn no_freed_block_holds_a_key_or_a_message() {
    let sealed_box = Box::everything();
    for algorithm in super::ALL {
        let before = KEYS_FREED.load(Ordering::Relaxed);
        let key = sealed_box.import(algorithm, &KEY).expect("a key");
        if let Ok(sealed) = sealed_box.seal(&key, b"", &MESSAGE) {
            let mut written = 0;
            let (first, second) = (super::parts(b""), super::parts(&sealed));
            let mut message = std::ptr::null_mut();
            // SAFETY: what the pointers point to lives until the call returns.
            let status = unsafe {
                sealed_box_open(
                    sealed_box.0,
                    key.0,
                    first.0,
                    first.1,
                    second.0,
                    second.1,
                    &raw mut message,
                    &raw mut written,
                )
            };
            assert_eq!(status, Status::Ok);
            // SAFETY: the library wrote it.
            assert_eq!(unsafe { slice::from_raw_parts(message, written) }, MESSAGE);
            // SAFETY: it comes from the library, and is freed once.
            unsafe { sealed_box_bytes_free(message, written) };
        }
        // What goes into a stream to open it is public.
        for (kind, piece) in [("seal", &MESSAGE), ("hash", &MESSAGE), ("open", &[0; 32])] {
            if let Ok(stream) = sealed_box.stream(&key, kind) {
                stream.push(piece).expect("less than a header");
            }
        }
        let _ = sealed_box.sign(&key, b"public");
        let _ = sealed_box.derive(&key, b"", b"", 32);
        drop(key);
        assert!(
            KEYS_FREED.load(Ordering::Relaxed) > before,
            "32 bytes of zeros were freed"
        );
    }
    let exporting = sealed_box.import(Algorithm::HkdfSha256 as u32, &KEY).expect("a key");
    let (mut exported, mut length) = (std::ptr::null_mut(), 0);
    // SAFETY: what the pointers point to lives until the call returns.
    let status = unsafe { sealed_box_key_export(sealed_box.0, exporting.0, &raw mut exported, &raw mut length) };
    assert_eq!((status, length), (Status::Ok, KEY.len()));
    // SAFETY: it comes from the library, and is freed once.
    unsafe { sealed_box_bytes_free(exported, length) };
    drop(exporting);
    assert_eq!(LEFT.load(Ordering::Relaxed), 0);

    // The allocator would have noticed.
    drop(KEY.to_vec());
    assert_eq!(LEFT.load(Ordering::Relaxed), 1);
}
