//! Tests through the exported functions, as a C program would call them. They live in the crate because it has no
//! rlib that a test outside could link.

mod boundary;
mod freed_memory;
mod observed;
mod properties;
mod release;
mod streams;
mod threads;
mod vectors;

use std::ffi::c_char;
use std::ptr;

use crate::{
    SealedBox, SealedBoxAlgorithm as Algorithm, SealedBoxCallbacks, SealedBoxKey, SealedBoxOptions,
    SealedBoxStatus as Status, SealedBoxStream, sealed_box_agree, sealed_box_bytes_free, sealed_box_decrypt,
    sealed_box_derive, sealed_box_encrypt, sealed_box_free, sealed_box_hash, sealed_box_hash_check,
    sealed_box_key_export, sealed_box_key_free, sealed_box_key_generate, sealed_box_key_import,
    sealed_box_key_import_public, sealed_box_key_public, sealed_box_last_error, sealed_box_new, sealed_box_open,
    sealed_box_seal, sealed_box_sign, sealed_box_stream_finish, sealed_box_stream_free, sealed_box_stream_hash,
    sealed_box_stream_open, sealed_box_stream_push, sealed_box_stream_seal, sealed_box_verify,
};

/// Everything there is, by number.
const ALL: [u32; 9] = [0x0101, 0x0102, 0x0103, 0x0104, 0x0201, 0x0202, 0x0301, 0x0401, 0x0501];

/// A box that is freed at the end of its test.
struct Box(*mut SealedBox);

/// A key that is freed at the end of its test.
struct Key(*mut SealedBoxKey);

/// A stream that is freed at the end of its test.
struct Stream(*mut SealedBoxStream);

// SAFETY: the header lets handles be shared between threads; `threads` is there to prove it.
unsafe impl Sync for Box {}
// SAFETY: as above.
unsafe impl Sync for Key {}
// SAFETY: as above.
unsafe impl Sync for Stream {}

impl Drop for Box {
    fn drop(&mut self) {
        // SAFETY: it comes from the library, and nobody else frees it.
        unsafe { sealed_box_free(self.0) };
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: it comes from the library, and nobody else frees it.
        unsafe { sealed_box_key_free(self.0) };
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: it comes from the library, and nobody else frees it.
        unsafe { sealed_box_stream_free(self.0) };
    }
}

/// What a call wrote, given back to the library.
type Answer = Result<Vec<u8>, Status>;

/// Makes a call that hands out bytes.
fn bytes(call: impl FnOnce(*mut *mut u8, *mut usize) -> Status) -> Answer {
    let (mut data, mut length) = (ptr::null_mut(), 0);
    outcome(call(&raw mut data, &raw mut length))?;
    let copy = if data.is_null() {
        Vec::new()
    } else {
        // SAFETY: the library wrote both.
        unsafe { std::slice::from_raw_parts(data, length) }.to_vec()
    };
    // SAFETY: they come from the library, and are freed once.
    unsafe { sealed_box_bytes_free(data, length) };
    Ok(copy)
}

fn outcome(status: Status) -> Result<(), Status> {
    assert_eq!(last_error().is_empty(), status == Status::Ok);
    if status == Status::Ok { Ok(()) } else { Err(status) }
}

impl Box {
    fn new(options: *const SealedBoxOptions, callbacks: *const SealedBoxCallbacks) -> Result<Self, Status> {
        let mut sealed_box = ptr::null_mut();
        // SAFETY: what the pointers point to lives until the call returns.
        outcome(unsafe { sealed_box_new(options, callbacks, &raw mut sealed_box) })?;
        Ok(Self(sealed_box))
    }

    /// A box that allows all there is.
    fn everything() -> Self {
        Self::new(&options(&ALL), ptr::null()).expect("nothing is wrong with the options")
    }

    fn import(&self, algorithm: u32, bytes: &[u8]) -> Result<Key, Status> {
        let mut key = ptr::null_mut();
        // SAFETY: what the pointers point to lives until the call returns.
        outcome(unsafe { sealed_box_key_import(self.0, algorithm, 7, bytes.as_ptr(), bytes.len(), &raw mut key) })?;
        Ok(Key(key))
    }

    fn import_public(&self, bytes: &[u8]) -> Result<Key, Status> {
        let (mut key, algorithm) = (ptr::null_mut(), Algorithm::Ed25519 as u32);
        // SAFETY: what the pointers point to lives until the call returns.
        outcome(unsafe {
            sealed_box_key_import_public(self.0, algorithm, 7, bytes.as_ptr(), bytes.len(), &raw mut key)
        })?;
        Ok(Key(key))
    }

    fn generate(&self, algorithm: Algorithm) -> Key {
        let mut key = ptr::null_mut();
        // SAFETY: what the pointers point to lives until the call returns.
        outcome(unsafe { sealed_box_key_generate(self.0, algorithm as u32, 7, &raw mut key) }).expect("a key");
        Key(key)
    }

    fn export(&self, key: &Key) -> Answer {
        // SAFETY: what the pointers point to lives until the call returns.
        bytes(|data, length| unsafe { sealed_box_key_export(self.0, key.0, data, length) })
    }

    fn seal(&self, key: &Key, associated: &[u8], message: &[u8]) -> Answer {
        let (first, second) = (parts(associated), parts(message));
        // SAFETY: what the pointers point to lives until the call returns.
        bytes(|data, length| unsafe {
            sealed_box_seal(self.0, key.0, first.0, first.1, second.0, second.1, data, length)
        })
    }

    fn open(&self, key: &Key, associated: &[u8], sealed: &[u8]) -> Answer {
        let (first, second) = (parts(associated), parts(sealed));
        // SAFETY: what the pointers point to lives until the call returns.
        bytes(|data, length| unsafe {
            sealed_box_open(self.0, key.0, first.0, first.1, second.0, second.1, data, length)
        })
    }

    fn encrypt(&self, key: &Key, nonce: &[u8], associated: &[u8], message: &[u8]) -> Answer {
        let (nonce, first, second) = (parts(nonce), parts(associated), parts(message));
        // SAFETY: what the pointers point to lives until the call returns.
        bytes(|data, length| unsafe {
            sealed_box_encrypt(
                self.0, key.0, nonce.0, nonce.1, first.0, first.1, second.0, second.1, data, length,
            )
        })
    }

    fn decrypt(&self, key: &Key, nonce: &[u8], associated: &[u8], sealed: &[u8]) -> Answer {
        let (nonce, first, second) = (parts(nonce), parts(associated), parts(sealed));
        // SAFETY: what the pointers point to lives until the call returns.
        bytes(|data, length| unsafe {
            sealed_box_decrypt(
                self.0, key.0, nonce.0, nonce.1, first.0, first.1, second.0, second.1, data, length,
            )
        })
    }

    fn hash(&self, key: &Key, message: &[u8]) -> Answer {
        let message = parts(message);
        // SAFETY: what the pointers point to lives until the call returns.
        bytes(|data, length| unsafe { sealed_box_hash(self.0, key.0, message.0, message.1, data, length) })
    }

    fn check_hash(&self, key: &Key, message: &[u8], tag: &[u8]) -> Result<(), Status> {
        let (message, tag) = (parts(message), parts(tag));
        // SAFETY: what the pointers point to lives until the call returns.
        outcome(unsafe { sealed_box_hash_check(self.0, key.0, message.0, message.1, tag.0, tag.1) })
    }

    fn derive(&self, key: &Key, salt: &[u8], info: &[u8], length: usize) -> Answer {
        let (salt, info) = (parts(salt), parts(info));
        // SAFETY: what the pointers point to lives until the call returns.
        bytes(|data, written| unsafe {
            sealed_box_derive(self.0, key.0, salt.0, salt.1, info.0, info.1, length, data, written)
        })
    }

    fn sign(&self, key: &Key, message: &[u8]) -> Answer {
        let message = parts(message);
        // SAFETY: what the pointers point to lives until the call returns.
        bytes(|data, length| unsafe { sealed_box_sign(self.0, key.0, message.0, message.1, data, length) })
    }

    fn verify(&self, key: &Key, message: &[u8], signature: &[u8]) -> Result<(), Status> {
        let (message, signature) = (parts(message), parts(signature));
        // SAFETY: what the pointers point to lives until the call returns.
        outcome(unsafe { sealed_box_verify(self.0, key.0, message.0, message.1, signature.0, signature.1) })
    }

    fn agree(&self, key: &Key, peer: &[u8]) -> Result<Key, Status> {
        let mut agreed = ptr::null_mut();
        // SAFETY: what the pointers point to lives until the call returns.
        outcome(unsafe { sealed_box_agree(self.0, key.0, peer.as_ptr(), peer.len(), 8, &raw mut agreed) })?;
        Ok(Key(agreed))
    }

    fn stream(&self, key: &Key, kind: &str) -> Result<Stream, Status> {
        let mut stream = ptr::null_mut();
        let (place, nothing) = (&raw mut stream, ptr::null());
        let status = match kind {
            // SAFETY: what the pointers point to lives until the call returns.
            "seal" => unsafe { sealed_box_stream_seal(self.0, key.0, nothing, 0, place) },
            // SAFETY: as above.
            "open" => unsafe { sealed_box_stream_open(self.0, key.0, nothing, 0, place) },
            // SAFETY: as above.
            _ => unsafe { sealed_box_stream_hash(self.0, key.0, place) },
        };
        outcome(status)?;
        Ok(Stream(stream))
    }
}

impl Key {
    fn public(&self) -> Answer {
        // SAFETY: what the pointers point to lives until the call returns.
        bytes(|data, length| unsafe { sealed_box_key_public(self.0, data, length) })
    }
}

impl Stream {
    fn push(&self, piece: &[u8]) -> Answer {
        let piece = parts(piece);
        // SAFETY: what the pointers point to lives until the call returns.
        bytes(|data, length| unsafe { sealed_box_stream_push(self.0, piece.0, piece.1, data, length) })
    }

    fn finish(&self) -> Answer {
        // SAFETY: what the pointers point to lives until the call returns.
        bytes(|data, length| unsafe { sealed_box_stream_finish(self.0, data, length) })
    }
}

fn parts(bytes: &[u8]) -> (*const u8, usize) {
    (bytes.as_ptr(), bytes.len())
}

fn last_error() -> String {
    // SAFETY: null asks for the length alone.
    let mut buffer = vec![0_u8; unsafe { sealed_box_last_error(ptr::null_mut(), 0) } + 1];
    // SAFETY: the buffer has that length.
    unsafe { sealed_box_last_error(buffer.as_mut_ptr().cast::<c_char>(), buffer.len()) };
    assert_eq!(buffer.pop(), Some(0));
    String::from_utf8(buffer).expect("UTF-8")
}

/// Options that allow these algorithms, the callers' nonces and export. They borrow `algorithms`, which C cannot say.
fn options(algorithms: &[u32]) -> SealedBoxOptions {
    SealedBoxOptions {
        struct_size: size(size_of::<SealedBoxOptions>()),
        allow_caller_nonces: 1,
        allow_export: 1,
        reserved: [0; 2],
        algorithms: algorithms.as_ptr(),
        algorithms_count: algorithms.len(),
    }
}

fn callbacks() -> SealedBoxCallbacks {
    SealedBoxCallbacks {
        struct_size: size(size_of::<SealedBoxCallbacks>()),
        reserved: 0,
        user_data: ptr::null_mut(),
        audit: None,
        observe: None,
        release: None,
    }
}

fn size(size: usize) -> u32 {
    u32::try_from(size).expect("a structure is small")
}
