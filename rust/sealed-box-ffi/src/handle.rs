//! What lies behind the opaque handles. Everything here is safe code.

use std::sync::{Mutex, TryLockError};

use sealed_box::{Entropy, Error, Hash, Key, SealedBox as CoreBox, Secret, StreamOpener, StreamSealer};

use crate::callbacks::Callbacks;
use crate::status::{Failure, SealedBoxStatus as Status, failure};

/// A box: what is allowed, and the caller's functions.
///
/// It never changes, so one may be used from any number of threads at once. It is made by `sealed_box_new` and ended by
/// `sealed_box_free`, which must not run while another thread still uses it, and after which it must not be used: that
/// cannot be noticed.
pub struct SealedBox {
    pub(crate) core: CoreBox<System, Callbacks>,
}

/// A key. Its bytes are overwritten when it is freed. It needs nothing that it was made with, neither the box nor the key
/// that it was derived from.
///
/// One may be used from any number of threads at once, and with any box whose options allow its algorithm. It is ended
/// by `sealed_box_key_free`, which must not run while another thread still uses it, and after which it must not be used:
/// that cannot be noticed.
pub struct SealedBoxKey {
    pub(crate) key: Key,
}

/// A stream that is being sealed or opened, or a keyed hash. A second thread that uses it meanwhile gets
/// `SEALED_BOX_STATUS_BUSY`. It needs nothing that it was made with, neither the box nor the key, and calls none of the
/// caller's functions. It is ended by `sealed_box_stream_free`.
pub struct SealedBoxStream {
    state: Mutex<Stream>,
}

pub(crate) enum Stream {
    Sealing(StreamSealer),
    Opening(StreamOpener),
    Hashing(Hash),
    Ended,
}

/// What the header promises about threads, checked by the compiler.
const _: () = {
    const fn shared_between_threads<T: Send + Sync>() {}
    shared_between_threads::<SealedBox>();
    shared_between_threads::<SealedBoxKey>();
    shared_between_threads::<SealedBoxStream>();
};

/// Random bytes of the operating system.
pub(crate) struct System;

impl Entropy for System {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Error> {
        getrandom::fill(bytes).map_err(|_| Error::EntropyFailed)
    }
}

impl SealedBoxStream {
    pub(crate) fn new(state: Stream) -> Self {
        Self {
            state: Mutex::new(state),
        }
    }

    pub(crate) fn push(&self, piece: &[u8]) -> Result<Secret, Failure> {
        self.alone(|state| match state {
            Stream::Sealing(sealer) => sealer.push(piece).map(Secret::new),
            Stream::Opening(opener) => opener.push(piece),
            Stream::Hashing(hash) => {
                hash.update(piece);
                Ok(Secret::default())
            }
            Stream::Ended => Err(Error::StreamEnded),
        })
    }

    pub(crate) fn finish(&self) -> Result<Secret, Failure> {
        self.alone(|state| {
            let result = match state {
                Stream::Sealing(sealer) => sealer.finish().map(Secret::new),
                Stream::Opening(opener) => opener.finish(),
                Stream::Hashing(hash) => Ok(Secret::new(hash.tag())),
                Stream::Ended => Err(Error::StreamEnded),
            };
            *state = Stream::Ended;
            result
        })
    }

    /// A call that ended in a fault has left the state in the middle: nothing can be done with it any more.
    fn alone<T>(&self, body: impl FnOnce(&mut Stream) -> Result<T, Error>) -> Result<T, Failure> {
        match self.state.try_lock() {
            Ok(mut state) => body(&mut state).map_err(failure),
            Err(TryLockError::Poisoned(_)) => Err(failure(Error::StreamEnded)),
            Err(TryLockError::WouldBlock) => Err(Failure::new(Status::Busy, "another thread uses this stream")),
        }
    }
}
