//! Sealing, keyed hashing, key derivation, signatures and key agreement, with keys that never show.
//!
//! Everything goes through a [`SealedBox`]: it knows which algorithms are allowed ([`Policy`]), where random bytes come
//! from ([`Entropy`]) and who is told of each use of a key ([`Audit`]). The algorithms themselves are those of the
//! `RustCrypto` and dalek crates; nothing here computes one.
//!
//! ```
//! use sealed_box::{Algorithm, Audit, Entropy, Error, Policy, SealedBox};
//!
//! struct Counting; // an application asks its operating system
//! impl Entropy for Counting {
//!     fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
//!         (0..).zip(bytes).for_each(|(number, byte)| *byte = number);
//!         Ok(())
//!     }
//! }
//! impl Audit for Counting {}
//!
//! let sealed_box = SealedBox::new(Policy::default(), Counting, Counting);
//! let key = sealed_box.generate(Algorithm::XChaCha20Poly1305, 7)?;
//! let sealed = sealed_box.seal(&key, b"to whom", b"a message")?;
//! assert_eq!(sealed_box.open(&key, b"to whom", &sealed)?.as_slice(), b"a message");
//! assert_eq!(sealed_box.open(&key, b"to another", &sealed), Err(Error::Rejected));
//! # Ok::<(), Error>(())
//! ```
//!
//! What this crate does not do: it does not keep keys in memory that is locked or left out of a core dump, and copies
//! that a compiler leaves in registers or on the stack are beyond it. Keys on the heap are overwritten when they end.

#![forbid(unsafe_code)]

mod agreement;
mod algorithm;
mod compare;
mod deriving;
mod envelope;
mod error;
mod hashing;
mod key;
mod operation;
mod policy;
mod ports;
mod sealed_box;
mod sealing;
mod signing;
mod stream;

pub use algorithm::Algorithm;
pub use compare::equal;
pub use envelope::{ENVELOPE_HEADER_LENGTH, ENVELOPE_VERSION, Envelope};
pub use error::Error;
pub use hashing::Hash;
pub use key::Key;
pub use operation::Operation;
pub use policy::Policy;
pub use ports::{Audit, Entropy, KeyUse};
pub use sealed_box::{Item, SealedBox};
pub use stream::{SEGMENT_LENGTH, StreamOpener, StreamSealer};
pub use zeroize::Zeroizing;

/// The most bytes that one message, or all of a batch together, may have: 64 MiB. What is longer is a stream.
pub const MAX_LENGTH: usize = 64 << 20;

/// Bytes that are overwritten when they end: what was opened, derived or exported.
pub type Secret = Zeroizing<Vec<u8>>;
