//! What the library needs from outside: random bytes, and somebody to tell.

use crate::algorithm::Algorithm;
use crate::error::Error;
use crate::operation::Operation;

/// Where random bytes come from.
pub trait Entropy {
    /// Fills all of `bytes` with what nobody can predict.
    ///
    /// # Errors
    ///
    /// [`Error::EntropyFailed`]; what was filled by then is not used.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error>;
}

/// A use of a key: nothing of it is secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// What was done.
    pub operation: Operation,
    /// The key's algorithm.
    pub algorithm: Algorithm,
    /// The number that the caller gave to the key.
    pub key_id: u64,
    /// What it came to.
    pub outcome: Result<(), Error>,
}

/// Who is told of each use of a key, those that were refused among them.
pub trait Audit {
    /// Told after the operation, in the thread that asked for it. A stream is told of once, as it begins.
    fn used(&self, _key_use: &KeyUse) {}
}
