//! What an instance remembers: its box, its keys and its streams. An instance has one thread.
//!
//! Nothing is borrowed while the host is asked or told something, so that a host may call from there.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use sealed_box::{
    Audit, Entropy, Error as CoreError, Hash, Key, KeyUse, Policy, StreamOpener, StreamSealer, Zeroizing,
};

use crate::bindings::ferrule::sealed_box::types::Error;
#[cfg(target_arch = "wasm32")]
use crate::bindings::ferrule::sealed_box::{audit, entropy};
use crate::convert::{error, key_use};
#[cfg(not(target_arch = "wasm32"))]
use crate::host::{audit, entropy};

pub(crate) type SealedBox = sealed_box::SealedBox<Host, Host>;

pub(crate) enum Stream {
    Sealing(StreamSealer),
    Opening(StreamOpener),
    Hashing(Hash),
    Ended,
}

#[derive(Default)]
struct Instance {
    /// Made by the first use, with the default policy unless another was given before.
    sealed_box: Option<Rc<SealedBox>>,
    keys: Open<Rc<Key>>,
    streams: Open<Stream>,
}

thread_local! {
    static INSTANCE: RefCell<Instance> = RefCell::default();
}

/// What is open, by handle. No handle is given twice.
struct Open<T> {
    values: BTreeMap<u64, T>,
    last: u64,
}

impl<T> Default for Open<T> {
    fn default() -> Self {
        Self {
            values: BTreeMap::new(),
            last: 0,
        }
    }
}

impl<T> Open<T> {
    fn add(&mut self, value: T) -> u64 {
        self.last += 1;
        self.values.insert(self.last, value);
        self.last
    }
}

/// The host's random bytes, and its audit.
pub(crate) struct Host;

impl Entropy for Host {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), CoreError> {
        let length = u32::try_from(bytes.len()).map_err(|_| CoreError::EntropyFailed)?;
        let random = Zeroizing::new(entropy::fill(length));
        if random.len() != bytes.len() {
            return Err(CoreError::EntropyFailed);
        }
        bytes.copy_from_slice(&random);
        Ok(())
    }
}

impl Audit for Host {
    fn used(&self, event: &KeyUse) {
        audit::used(key_use(event));
    }
}

pub(crate) fn configure(policy: Policy) -> Result<(), Error> {
    INSTANCE.with_borrow_mut(|instance| {
        if instance.sealed_box.is_some() {
            return Err(Error::NotAllowed);
        }
        instance.sealed_box = Some(Rc::new(SealedBox::new(policy, Host, Host)));
        Ok(())
    })
}

/// A handle for a key that the box makes.
pub(crate) fn new_key(body: impl FnOnce(&SealedBox) -> Result<Key, CoreError>) -> Result<u64, Error> {
    let key = body(&own_box()).map_err(error)?;
    Ok(INSTANCE.with_borrow_mut(|instance| instance.keys.add(Rc::new(key))))
}

/// What is done with a key.
pub(crate) fn with_key<T>(
    handle: u64,
    body: impl FnOnce(&SealedBox, &Key) -> Result<T, CoreError>,
) -> Result<T, Error> {
    let key = INSTANCE.with_borrow(|instance| instance.keys.values.get(&handle).cloned());
    body(&own_box(), &*key.ok_or(Error::Closed)?).map_err(error)
}

/// A handle for a key that is made from another.
pub(crate) fn key_from(
    handle: u64,
    body: impl FnOnce(&SealedBox, &Key) -> Result<Key, CoreError>,
) -> Result<u64, Error> {
    let key = with_key(handle, body)?;
    Ok(INSTANCE.with_borrow_mut(|instance| instance.keys.add(Rc::new(key))))
}

/// A handle for a stream that begins with a key.
pub(crate) fn stream_from(
    handle: u64,
    body: impl FnOnce(&SealedBox, &Key) -> Result<Stream, CoreError>,
) -> Result<u64, Error> {
    let stream = with_key(handle, body)?;
    Ok(INSTANCE.with_borrow_mut(|instance| instance.streams.add(stream)))
}

/// What is done with a stream, which asks the host nothing.
pub(crate) fn with_stream<T>(handle: u64, body: impl FnOnce(&mut Stream) -> Result<T, CoreError>) -> Result<T, Error> {
    INSTANCE.with_borrow_mut(|instance| {
        let stream = instance.streams.values.get_mut(&handle).ok_or(Error::Closed)?;
        body(stream).map_err(error)
    })
}

pub(crate) fn close_key(handle: u64) {
    INSTANCE.with_borrow_mut(|instance| instance.keys.values.remove(&handle));
}

pub(crate) fn close_stream(handle: u64) {
    INSTANCE.with_borrow_mut(|instance| instance.streams.values.remove(&handle));
}

fn own_box() -> Rc<SealedBox> {
    INSTANCE.with_borrow_mut(|instance| {
        let first = || Rc::new(SealedBox::new(Policy::default(), Host, Host));
        Rc::clone(instance.sealed_box.get_or_insert_with(first))
    })
}
