//! The WebAssembly interface: converts between the types of the WIT world and those of the core, and nothing else.
//!
//! The world is `wit/sealed-box.wit`; it is the documentation of this interface.

// The generated code is held to its generator's standards, not to ours.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::undocumented_unsafe_blocks
)]
#[allow(clippy::multiple_unsafe_ops_per_block, unused_qualifications)]
mod bindings {
    #[cfg(target_arch = "wasm32")]
    wit_bindgen::generate!({ world: "sealed-box", path: "wit" });
    #[cfg(not(target_arch = "wasm32"))]
    wit_bindgen::generate!({
        world: "sealed-box",
        path: "wit",
        with: { "ferrule:sealed-box/entropy@0.1.0": crate::host::entropy, "ferrule:sealed-box/audit@0.1.0": crate::host::audit },
    });
    use super::Component;
    export!(Component);
}
mod convert;
#[cfg(not(target_arch = "wasm32"))]
mod host;
mod instance;

use sealed_box::{Item as CoreItem, Secret, Zeroizing};

pub use bindings::Guest;
pub use bindings::ferrule::sealed_box::types::{Algorithm, Error, Item, Operation, Options};

use convert::{algorithm, bytes, policy};
use instance::{Stream, configure, key_from, new_key, stream_from, with_key, with_stream};

/// What exports the world. Outside of WebAssembly the fuzzers call it.
pub struct Component;

impl Guest for Component {
    fn configure(options: Options) -> Result<(), Error> {
        configure(policy(options))
    }

    fn import_key(kind: Algorithm, id: u64, bytes: Vec<u8>) -> Result<u64, Error> {
        let bytes = Zeroizing::new(bytes);
        new_key(|sealed_box| sealed_box.import(algorithm(kind), id, &bytes))
    }

    fn import_public_key(kind: Algorithm, id: u64, bytes: Vec<u8>) -> Result<u64, Error> {
        new_key(|sealed_box| sealed_box.import_public(algorithm(kind), id, &bytes))
    }

    fn generate_key(kind: Algorithm, id: u64) -> Result<u64, Error> {
        new_key(|sealed_box| sealed_box.generate(algorithm(kind), id))
    }

    fn public_half(key: u64) -> Result<Vec<u8>, Error> {
        with_key(key, |_, key| key.public().map(Vec::from))
    }

    fn export_key(key: u64) -> Result<Vec<u8>, Error> {
        with_key(key, |sealed_box, key| sealed_box.export(key).map(bytes))
    }

    fn close_key(key: u64) {
        instance::close_key(key);
    }

    fn seal(key: u64, associated: Vec<u8>, message: Vec<u8>) -> Result<Vec<u8>, Error> {
        let message = Zeroizing::new(message);
        with_key(key, |sealed_box, key| sealed_box.seal(key, &associated, &message))
    }

    fn open(key: u64, associated: Vec<u8>, sealed: Vec<u8>) -> Result<Vec<u8>, Error> {
        with_key(key, |sealed_box, key| {
            sealed_box.open(key, &associated, &sealed).map(bytes)
        })
    }

    fn encrypt(key: u64, nonce: Vec<u8>, associated: Vec<u8>, message: Vec<u8>) -> Result<Vec<u8>, Error> {
        let message = Zeroizing::new(message);
        with_key(key, |sealed_box, key| {
            sealed_box.encrypt(key, &nonce, &associated, &message)
        })
    }

    fn decrypt(key: u64, nonce: Vec<u8>, associated: Vec<u8>, sealed: Vec<u8>) -> Result<Vec<u8>, Error> {
        with_key(key, |sealed_box, key| {
            sealed_box.decrypt(key, &nonce, &associated, &sealed).map(bytes)
        })
    }

    fn hash(key: u64, message: Vec<u8>) -> Result<Vec<u8>, Error> {
        let message = Zeroizing::new(message);
        with_key(key, |sealed_box, key| {
            let mut hash = sealed_box.hash(key)?;
            hash.update(&message);
            Ok(hash.tag())
        })
    }

    fn check_hash(key: u64, message: Vec<u8>, tag: Vec<u8>) -> Result<(), Error> {
        let message = Zeroizing::new(message);
        with_key(key, |sealed_box, key| {
            let mut hash = sealed_box.hash(key)?;
            hash.update(&message);
            hash.check(&tag)
        })
    }

    fn derive(key: u64, salt: Vec<u8>, info: Vec<u8>, length: u32) -> Result<Vec<u8>, Error> {
        with_key(key, |sealed_box, key| {
            sealed_box.derive(key, &salt, &info, length as usize).map(bytes)
        })
    }

    fn derive_key(key: u64, salt: Vec<u8>, info: Vec<u8>, kind: Algorithm, id: u64) -> Result<u64, Error> {
        key_from(key, |sealed_box, key| {
            sealed_box.derive_key(key, &salt, &info, algorithm(kind), id)
        })
    }

    fn sign(key: u64, message: Vec<u8>) -> Result<Vec<u8>, Error> {
        with_key(key, |sealed_box, key| sealed_box.sign(key, &message).map(Vec::from))
    }

    fn verify(key: u64, message: Vec<u8>, signature: Vec<u8>) -> Result<(), Error> {
        with_key(key, |sealed_box, key| sealed_box.verify(key, &message, &signature))
    }

    fn agree(key: u64, peer: Vec<u8>, id: u64) -> Result<u64, Error> {
        key_from(key, |sealed_box, key| sealed_box.agree(key, &peer, id))
    }

    fn batch(operation: Operation, key: u64, items: Vec<Item>) -> Result<Vec<u8>, Error> {
        let items: Vec<CoreItem<'_>> = items
            .iter()
            .map(|item| CoreItem {
                data: &item.data,
                associated: &item.associated,
            })
            .collect();
        with_key(key, |sealed_box, key| {
            match operation {
                Operation::Seal => sealed_box.seal_batch(key, &items),
                Operation::Open => sealed_box.open_batch(key, &items),
                Operation::Hash => sealed_box.hash_batch(key, &items),
                Operation::Verify => sealed_box.verify_batch(key, &items),
                _ => Err(sealed_box::Error::NotAllowed),
            }
            .map(bytes)
        })
    }

    fn seal_stream(key: u64, associated: Vec<u8>) -> Result<u64, Error> {
        stream_from(key, |sealed_box, key| {
            sealed_box.seal_stream(key, &associated).map(Stream::Sealing)
        })
    }

    fn open_stream(key: u64, associated: Vec<u8>) -> Result<u64, Error> {
        stream_from(key, |sealed_box, key| {
            sealed_box.open_stream(key, &associated).map(Stream::Opening)
        })
    }

    fn hash_stream(key: u64) -> Result<u64, Error> {
        stream_from(key, |sealed_box, key| sealed_box.hash(key).map(Stream::Hashing))
    }

    fn push_stream(handle: u64, piece: Vec<u8>) -> Result<Vec<u8>, Error> {
        let piece = Zeroizing::new(piece);
        let output = with_stream(handle, |stream| match stream {
            Stream::Sealing(sealer) => sealer.push(&piece).map(Secret::new),
            Stream::Opening(opener) => opener.push(&piece),
            Stream::Hashing(hash) => {
                hash.update(&piece);
                Ok(Secret::default())
            }
            Stream::Ended => Err(sealed_box::Error::StreamEnded),
        });
        output.map(bytes)
    }

    fn finish_stream(handle: u64) -> Result<Vec<u8>, Error> {
        let output = with_stream(handle, |stream| {
            let output = match stream {
                Stream::Sealing(sealer) => sealer.finish().map(Secret::new),
                Stream::Opening(opener) => opener.finish(),
                Stream::Hashing(hash) => Ok(Secret::new(hash.tag())),
                Stream::Ended => Err(sealed_box::Error::StreamEnded),
            };
            *stream = Stream::Ended;
            output
        });
        output.map(bytes)
    }

    fn close_stream(handle: u64) {
        instance::close_stream(handle);
    }

    fn equal(one: Vec<u8>, other: Vec<u8>) -> bool {
        sealed_box::equal(&Zeroizing::new(one), &Zeroizing::new(other))
    }
}
