//! Which algorithms and operations are allowed.

use crate::algorithm::Algorithm;
use crate::error::Error;
use crate::operation::Operation;

/// An allow-list. What it does not name is refused, for reading old messages too.
///
/// The default is one algorithm for each purpose, the one that is hardest to misuse: XChaCha20-Poly1305, HMAC-SHA-256,
/// HKDF-SHA-256, Ed25519 and X25519. Nonces are the library's own, and no key leaves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    algorithms: Vec<Algorithm>,
    caller_nonces: bool,
    export: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self::only([
            Algorithm::XChaCha20Poly1305,
            Algorithm::HmacSha256,
            Algorithm::HkdfSha256,
            Algorithm::Ed25519,
            Algorithm::X25519,
        ])
    }
}

impl Policy {
    /// Exactly these algorithms, without the callers' nonces and without export.
    #[must_use]
    pub fn only(algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        Self {
            algorithms: algorithms.into_iter().collect(),
            caller_nonces: false,
            export: false,
        }
    }

    /// Lets a caller choose nonces: for protocols that prescribe them. Whoever uses one twice loses the key.
    #[must_use]
    pub fn with_caller_nonces(self) -> Self {
        Self {
            caller_nonces: true,
            ..self
        }
    }

    /// Lets keys and derived bytes leave the library.
    #[must_use]
    pub fn with_export(self) -> Self {
        Self { export: true, ..self }
    }

    pub(crate) fn permit(&self, operation: Operation, algorithm: Algorithm) -> Result<(), Error> {
        let operation_is_allowed = match operation {
            Operation::Encrypt | Operation::Decrypt => self.caller_nonces,
            Operation::Export => self.export,
            _ => true,
        };
        if operation_is_allowed && self.algorithms.contains(&algorithm) {
            Ok(())
        } else {
            Err(Error::NotAllowed)
        }
    }
}
