//! The one entrance: every use of a key is permitted, done and told here.

use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::envelope::{Envelope, associate, begin_sealed};
use crate::error::Error;
use crate::hashing::Hash;
use crate::key::Key;
use crate::operation::Operation;
use crate::policy::Policy;
use crate::ports::{Audit, Entropy, KeyUse};
use crate::sealing::{decrypt, encrypt, reserve, within_limit};
use crate::stream::{STREAM_NONCE_LENGTH, StreamOpener, StreamSealer};
use crate::{Secret, agreement, deriving, signing};

/// One item of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// The message, or the envelope to open.
    pub data: &'a [u8],
    /// What is authenticated with it; the signature where one is verified; nothing where it is hashed.
    pub associated: &'a [u8],
}

/// Does what its policy allows. One may be used from any number of threads at once if its entropy and audit may.
pub struct SealedBox<E, A> {
    policy: Policy,
    entropy: E,
    audit: A,
}

impl<E: Entropy, A: Audit> SealedBox<E, A> {
    /// A box with its surroundings.
    pub fn new(policy: Policy, entropy: E, audit: A) -> Self {
        Self { policy, entropy, audit }
    }

    /// Who is told.
    pub fn audit(&self) -> &A {
        &self.audit
    }

    /// A key from its bytes, which the caller overwrites afterwards. `id` is the caller's own number for it.
    ///
    /// # Errors
    ///
    /// [`Error::NotAllowed`] and [`Error::InvalidKey`].
    pub fn import(&self, algorithm: Algorithm, id: u64, bytes: &[u8]) -> Result<Key, Error> {
        self.told(Operation::Import, algorithm, id, || {
            Key::from_secret(algorithm, id, bytes)
        })
    }

    /// The public half of somebody's key pair, which verifies.
    ///
    /// # Errors
    ///
    /// [`Error::NotAllowed`], [`Error::InvalidKey`], and [`Error::WrongKey`] for algorithms without key pairs.
    pub fn import_public(&self, algorithm: Algorithm, id: u64, bytes: &[u8]) -> Result<Key, Error> {
        self.told(Operation::Import, algorithm, id, || {
            Key::from_public(algorithm, id, bytes)
        })
    }

    /// A new key.
    ///
    /// # Errors
    ///
    /// [`Error::NotAllowed`] and [`Error::EntropyFailed`].
    pub fn generate(&self, algorithm: Algorithm, id: u64) -> Result<Key, Error> {
        self.told(Operation::Generate, algorithm, id, || {
            let mut bytes = Zeroizing::new(vec![0; algorithm.generated_length()]);
            self.entropy.fill(&mut bytes)?;
            Key::from_secret(algorithm, id, &bytes)
        })
    }

    /// The bytes of a key, where the policy lets keys leave.
    ///
    /// # Errors
    ///
    /// [`Error::NotAllowed`], and [`Error::WrongKey`] for a public half.
    pub fn export(&self, key: &Key) -> Result<Secret, Error> {
        self.with(Operation::Export, key, || {
            let secret = key.secret()?;
            let mut bytes = Zeroizing::new(Vec::with_capacity(secret.len()));
            bytes.extend_from_slice(secret);
            Ok(bytes)
        })
    }

    /// An envelope with the message in it. `associated` is authenticated, is not in the envelope, and may be empty.
    ///
    /// # Errors
    ///
    /// [`Error::NotAllowed`], [`Error::WrongKey`], [`Error::TooLong`], [`Error::Exhausted`], [`Error::EntropyFailed`]
    /// and [`Error::OutOfMemory`].
    pub fn seal(&self, key: &Key, associated: &[u8], message: &[u8]) -> Result<Vec<u8>, Error> {
        self.with(Operation::Seal, key, || {
            within_limit(associated.len().saturating_add(message.len()))?;
            key.count_seal()?;
            let mut nonce = vec![0; key.algorithm().nonce_length()];
            self.entropy.fill(&mut nonce)?;
            let envelope = Envelope {
                operation: Operation::Seal,
                algorithm: key.algorithm(),
                outcome: Ok(()),
                key_id: key.id(),
                nonce: &nonce,
                payload: &[],
            };
            let associated = associate(&envelope.header(), associated)?;
            let output = begin_sealed(&envelope, message.len())?;
            encrypt(key, &nonce, &associated, message, output)
        })
    }

    /// The message of an envelope.
    ///
    /// # Errors
    ///
    /// Those of [`Envelope::parse`], [`Error::NotAllowed`], [`Error::WrongKey`], [`Error::Rejected`] and
    /// [`Error::OutOfMemory`].
    pub fn open(&self, key: &Key, associated: &[u8], sealed: &[u8]) -> Result<Secret, Error> {
        self.with(Operation::Open, key, || {
            let envelope = Envelope::parse(sealed)?;
            envelope.expect(Operation::Seal, key)?;
            let associated = associate(&envelope.header(), associated)?;
            decrypt(key, envelope.nonce, &associated, envelope.payload).map_err(|error| match error {
                // In an envelope, that is one of the things that can be wrong with it.
                Error::InvalidNonce => Error::Malformed,
                other => other,
            })
        })
    }

    /// Text and tag, without an envelope, where the policy lets callers choose nonces.
    ///
    /// # Errors
    ///
    /// [`Error::NotAllowed`], [`Error::WrongKey`], [`Error::InvalidNonce`], [`Error::TooLong`] and
    /// [`Error::OutOfMemory`].
    pub fn encrypt(&self, key: &Key, nonce: &[u8], associated: &[u8], message: &[u8]) -> Result<Vec<u8>, Error> {
        self.with(Operation::Encrypt, key, || {
            encrypt(key, nonce, associated, message, Vec::new())
        })
    }

    /// The message of text and tag.
    ///
    /// # Errors
    ///
    /// Those of [`SealedBox::encrypt`], and [`Error::Rejected`].
    pub fn decrypt(&self, key: &Key, nonce: &[u8], associated: &[u8], sealed: &[u8]) -> Result<Secret, Error> {
        self.with(Operation::Decrypt, key, || decrypt(key, nonce, associated, sealed))
    }

    /// Begins to seal a stream.
    ///
    /// # Errors
    ///
    /// [`Error::NotAllowed`], [`Error::WrongKey`], [`Error::EntropyFailed`] and [`Error::OutOfMemory`].
    pub fn seal_stream(&self, key: &Key, associated: &[u8]) -> Result<StreamSealer, Error> {
        self.with(Operation::SealStream, key, || {
            within_limit(associated.len())?;
            let mut nonce = [0; STREAM_NONCE_LENGTH];
            self.entropy.fill(&mut nonce)?;
            StreamSealer::new(key, &nonce, associated)
        })
    }

    /// Begins to open a stream.
    ///
    /// # Errors
    ///
    /// [`Error::NotAllowed`], [`Error::WrongKey`] and [`Error::OutOfMemory`].
    pub fn open_stream(&self, key: &Key, associated: &[u8]) -> Result<StreamOpener, Error> {
        self.with(Operation::OpenStream, key, || {
            within_limit(associated.len())?;
            StreamOpener::new(key, associated)
        })
    }

    /// Begins a keyed hash.
    ///
    /// # Errors
    ///
    /// [`Error::NotAllowed`] and [`Error::WrongKey`].
    pub fn hash(&self, key: &Key) -> Result<Hash, Error> {
        self.with(Operation::Hash, key, || Hash::new(key))
    }

    /// Bytes that depend on the key, on `salt`, which may be empty, and on `info`, which says what they are for.
    ///
    /// # Errors
    ///
    /// [`Error::NotAllowed`], [`Error::WrongKey`], [`Error::InvalidLength`] and [`Error::OutOfMemory`].
    pub fn derive(&self, key: &Key, salt: &[u8], info: &[u8], length: usize) -> Result<Secret, Error> {
        self.with(Operation::Derive, key, || {
            self.policy.permit(Operation::Export, key.algorithm())?;
            deriving::derive(key, salt, info, length)
        })
    }

    /// A key that is derived, and never shows.
    ///
    /// # Errors
    ///
    /// [`Error::NotAllowed`] and [`Error::WrongKey`].
    pub fn derive_key(&self, key: &Key, salt: &[u8], info: &[u8], algorithm: Algorithm, id: u64) -> Result<Key, Error> {
        self.with(Operation::Derive, key, || {
            self.policy.permit(Operation::Derive, algorithm)?;
            let bytes = deriving::derive(key, salt, info, algorithm.generated_length())?;
            Key::from_secret(algorithm, id, &bytes)
        })
    }

    /// A signature of 64 bytes.
    ///
    /// # Errors
    ///
    /// [`Error::NotAllowed`], [`Error::WrongKey`] and [`Error::TooLong`].
    pub fn sign(&self, key: &Key, message: &[u8]) -> Result<[u8; 64], Error> {
        self.with(Operation::Sign, key, || {
            within_limit(message.len())?;
            signing::sign(key, message)
        })
    }

    /// Whether the signature is that of the message.
    ///
    /// # Errors
    ///
    /// [`Error::NotAllowed`], [`Error::WrongKey`], [`Error::TooLong`] and [`Error::Rejected`].
    pub fn verify(&self, key: &Key, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        self.with(Operation::Verify, key, || {
            within_limit(message.len())?;
            signing::verify(key, message, signature)
        })
    }

    /// The key that two parties agree on, for HKDF-SHA-256; `peer` is the other's public half.
    ///
    /// # Errors
    ///
    /// [`Error::NotAllowed`], [`Error::WrongKey`], [`Error::InvalidKey`] and [`Error::Rejected`].
    pub fn agree(&self, key: &Key, peer: &[u8], id: u64) -> Result<Key, Error> {
        self.with(Operation::Agree, key, || {
            self.policy.permit(Operation::Agree, Algorithm::HkdfSha256)?;
            agreement::agree(key, peer, id)
        })
    }

    /// Seals many messages: their envelopes one after the other. A failure is an envelope of that status.
    ///
    /// # Errors
    ///
    /// [`Error::TooLong`] for all of them together, and [`Error::OutOfMemory`].
    pub fn seal_batch(&self, key: &Key, items: &[Item<'_>]) -> Result<Secret, Error> {
        batch(Operation::Seal, key, items, |item, output| {
            let sealed = self.seal(key, item.associated, item.data)?;
            append(output, &sealed)?;
            Ok(())
        })
    }

    /// Opens many envelopes: for each, an envelope of the operation `Open` with the message, one after the other.
    ///
    /// # Errors
    ///
    /// Those of [`SealedBox::seal_batch`].
    pub fn open_batch(&self, key: &Key, items: &[Item<'_>]) -> Result<Secret, Error> {
        batch(Operation::Open, key, items, |item, output| {
            let message = self.open(key, item.associated, item.data)?;
            answer(Operation::Open, key, Ok(()), &message).write(output)
        })
    }

    /// Hashes many messages: for each, an envelope with the tag, one after the other.
    ///
    /// # Errors
    ///
    /// Those of [`SealedBox::seal_batch`].
    pub fn hash_batch(&self, key: &Key, items: &[Item<'_>]) -> Result<Secret, Error> {
        batch(Operation::Hash, key, items, |item, output| {
            let mut hash = self.hash(key)?;
            hash.update(item.data);
            answer(Operation::Hash, key, Ok(()), &hash.tag()).write(output)
        })
    }

    /// Verifies many signatures: for each, an envelope with the outcome, one after the other.
    ///
    /// # Errors
    ///
    /// Those of [`SealedBox::seal_batch`].
    pub fn verify_batch(&self, key: &Key, items: &[Item<'_>]) -> Result<Secret, Error> {
        batch(Operation::Verify, key, items, |item, output| {
            self.verify(key, item.data, item.associated)?;
            answer(Operation::Verify, key, Ok(()), &[]).write(output)
        })
    }

    fn with<T>(&self, operation: Operation, key: &Key, body: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        self.told(operation, key.algorithm(), key.id(), || {
            if !key.algorithm().supports(operation) {
                return Err(Error::WrongKey);
            }
            body()
        })
    }

    fn told<T>(
        &self,
        operation: Operation,
        algorithm: Algorithm,
        key_id: u64,
        body: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let result = self.policy.permit(operation, algorithm).and_then(|()| body());
        self.audit.used(&KeyUse {
            operation,
            algorithm,
            key_id,
            outcome: result.as_ref().map(|_| ()).map_err(|error| *error),
        });
        result
    }
}

fn batch(
    operation: Operation,
    key: &Key,
    items: &[Item<'_>],
    run: impl Fn(&Item<'_>, &mut Vec<u8>) -> Result<(), Error>,
) -> Result<Secret, Error> {
    let lengths = items
        .iter()
        .map(|item| item.data.len().saturating_add(item.associated.len()));
    let total = lengths.fold(0, usize::saturating_add);
    within_limit(total)?;
    let mut output = Zeroizing::new(Vec::new());
    // Once, with room for the longest answers: a vector that grows would leave opened messages behind.
    reserve(
        &mut output,
        total.saturating_add(items.len().saturating_mul(LONGEST_FRAME)),
    )?;
    for item in items {
        if let Err(error) = run(item, &mut output) {
            answer(operation, key, Err(error), &[]).write(&mut output)?;
        }
    }
    Ok(output)
}

/// What an answer of a batch has beside its item's own bytes: an envelope with the longest nonce, and a tag or hash.
const LONGEST_FRAME: usize = crate::ENVELOPE_HEADER_LENGTH + 8 + 24 + 64;

fn answer<'a>(operation: Operation, key: &Key, outcome: Result<(), Error>, payload: &'a [u8]) -> Envelope<'a> {
    Envelope {
        operation,
        algorithm: key.algorithm(),
        outcome,
        key_id: key.id(),
        nonce: &[],
        payload,
    }
}

fn append(output: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Error> {
    reserve(output, bytes.len())?;
    output.extend_from_slice(bytes);
    Ok(())
}
