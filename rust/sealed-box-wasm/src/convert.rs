//! The same values in both worlds.

use std::mem;

use sealed_box::{Algorithm as CoreAlgorithm, Error as CoreError, KeyUse as CoreKeyUse, Operation as CoreOperation};
use sealed_box::{Policy, Secret};

use crate::bindings::ferrule::sealed_box::types::{Algorithm, Error, KeyUse, Operation, Options};

pub(crate) fn algorithm(algorithm: Algorithm) -> CoreAlgorithm {
    match algorithm {
        Algorithm::Aes256Gcm => CoreAlgorithm::Aes256Gcm,
        Algorithm::Aes256GcmSiv => CoreAlgorithm::Aes256GcmSiv,
        Algorithm::Chacha20Poly1305 => CoreAlgorithm::ChaCha20Poly1305,
        Algorithm::Xchacha20Poly1305 => CoreAlgorithm::XChaCha20Poly1305,
        Algorithm::HmacSha256 => CoreAlgorithm::HmacSha256,
        Algorithm::HmacSha512 => CoreAlgorithm::HmacSha512,
        Algorithm::HkdfSha256 => CoreAlgorithm::HkdfSha256,
        Algorithm::Ed25519 => CoreAlgorithm::Ed25519,
        Algorithm::X25519 => CoreAlgorithm::X25519,
    }
}

fn algorithm_out(algorithm: CoreAlgorithm) -> Algorithm {
    match algorithm {
        CoreAlgorithm::Aes256Gcm => Algorithm::Aes256Gcm,
        CoreAlgorithm::Aes256GcmSiv => Algorithm::Aes256GcmSiv,
        CoreAlgorithm::ChaCha20Poly1305 => Algorithm::Chacha20Poly1305,
        CoreAlgorithm::XChaCha20Poly1305 => Algorithm::Xchacha20Poly1305,
        CoreAlgorithm::HmacSha256 => Algorithm::HmacSha256,
        CoreAlgorithm::HmacSha512 => Algorithm::HmacSha512,
        CoreAlgorithm::HkdfSha256 => Algorithm::HkdfSha256,
        CoreAlgorithm::Ed25519 => Algorithm::Ed25519,
        CoreAlgorithm::X25519 => Algorithm::X25519,
    }
}

fn operation(operation: CoreOperation) -> Operation {
    match operation {
        CoreOperation::Import => Operation::ImportKey,
        CoreOperation::Generate => Operation::Generate,
        CoreOperation::Export => Operation::ExportKey,
        CoreOperation::Seal => Operation::Seal,
        CoreOperation::Open => Operation::Open,
        CoreOperation::Encrypt => Operation::Encrypt,
        CoreOperation::Decrypt => Operation::Decrypt,
        CoreOperation::SealStream => Operation::SealStream,
        CoreOperation::OpenStream => Operation::OpenStream,
        CoreOperation::Hash => Operation::Hash,
        CoreOperation::Derive => Operation::Derive,
        CoreOperation::Sign => Operation::Sign,
        CoreOperation::Verify => Operation::Verify,
        CoreOperation::Agree => Operation::Agree,
    }
}

pub(crate) fn error(error: CoreError) -> Error {
    match error {
        CoreError::TooLong => Error::TooLong,
        CoreError::UnknownAlgorithm => Error::UnknownAlgorithm,
        CoreError::NotAllowed => Error::NotAllowed,
        CoreError::WrongKey => Error::WrongKey,
        CoreError::InvalidKey => Error::InvalidKey,
        CoreError::InvalidNonce => Error::InvalidNonce,
        CoreError::InvalidLength => Error::InvalidLength,
        CoreError::Malformed => Error::Malformed,
        CoreError::UnsupportedVersion => Error::UnsupportedVersion,
        CoreError::Rejected => Error::Rejected,
        CoreError::Exhausted => Error::Exhausted,
        CoreError::EntropyFailed => Error::EntropyFailed,
        CoreError::StreamEnded => Error::StreamEnded,
        CoreError::OutOfMemory => Error::OutOfMemory,
    }
}

pub(crate) fn key_use(key_use: &CoreKeyUse) -> KeyUse {
    KeyUse {
        operation: operation(key_use.operation),
        algorithm: algorithm_out(key_use.algorithm),
        key_id: key_use.key_id,
        failure: key_use.outcome.err().map(error),
    }
}

pub(crate) fn policy(options: Options) -> Policy {
    let mut policy = match options.algorithms {
        Some(algorithms) => Policy::only(algorithms.into_iter().map(algorithm)),
        None => Policy::default(),
    };
    if options.allow_caller_nonces {
        policy = policy.with_caller_nonces();
    }
    if options.allow_export {
        policy = policy.with_export();
    }
    policy
}

/// Bytes for the host, which reads them from the memory of the instance: what it gets is its own to overwrite.
pub(crate) fn bytes(mut secret: Secret) -> Vec<u8> {
    mem::take(&mut *secret)
}
