//! Many items in one call, and the envelopes that answer.

use std::ffi::CStr;

use boundary::{BytesOut, Out, Region, guard, memory};
use sealed_box::{Envelope, Error, Item, Key, Secret};

use crate::call::{Input, with_box};
use crate::callbacks::Callbacks;
use crate::handle::{SealedBox, SealedBoxKey};
use crate::status::{Failure, SealedBoxStatus, failure};
use crate::{SEALED_BOX_MAX_COUNT, SEALED_BOX_MAX_LENGTH};

/// A batch answers with more than went in: with an envelope for each item.
const MOST_ANSWERS: usize = 4 * SEALED_BOX_MAX_LENGTH;

/// One item of a batch. What is empty may be null. No callback of the call may change what it points to.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SealedBoxItem {
    /// The message, or the envelope to open.
    pub data: *const u8,
    /// How many bytes it has.
    pub data_length: usize,
    /// What is authenticated with it; the signature where one is verified; nothing where it is hashed.
    pub associated: *const u8,
    /// How many bytes that has.
    pub associated_length: usize,
}

/// The parts of an envelope.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedBoxEnvelope {
    /// What made it: a `SealedBoxOperation`.
    pub operation: u32,
    /// With which algorithm: a `SealedBoxAlgorithm`.
    pub algorithm: u32,
    /// The number that the caller gave to the key.
    pub key_id: u64,
    /// What it came to. A failure has no payload.
    pub status: SealedBoxStatus,
    /// Always 0.
    pub reserved: u32,
    /// Where the payload starts, from the start of the envelope.
    pub payload_offset: usize,
    /// How many bytes the payload has.
    pub payload_length: usize,
    /// How many bytes the envelope has; the next one starts there.
    pub length: usize,
}

/// Seals many messages: their envelopes one after the other, in the order of the items. A failure is an envelope with
/// that status. They are freed with `sealed_box_bytes_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says; `items` to `count` items.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_seal_batch(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    items: *const SealedBoxItem,
    count: usize,
    envelopes: *mut *mut u8,
    envelopes_length: *mut usize,
) -> SealedBoxStatus {
    let (place, batch) = (
        || BytesOut::new(envelopes, envelopes_length, "envelopes"),
        (items, count),
    );
    // SAFETY: the caller's promise.
    unsafe {
        with_items(
            c"sealed_box_seal_batch",
            sealed_box,
            key,
            batch,
            place,
            |sealed_box, key, items| sealed_box.core.seal_batch(key, items),
        )
    }
}

/// Opens many envelopes: for each, an envelope of the operation `OPEN` with the message, in the order of the items. They
/// are freed, and overwritten, with `sealed_box_bytes_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says; `items` to `count` items.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_open_batch(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    items: *const SealedBoxItem,
    count: usize,
    envelopes: *mut *mut u8,
    envelopes_length: *mut usize,
) -> SealedBoxStatus {
    let (place, batch) = (
        || BytesOut::new(envelopes, envelopes_length, "envelopes"),
        (items, count),
    );
    // SAFETY: the caller's promise.
    unsafe {
        with_items(
            c"sealed_box_open_batch",
            sealed_box,
            key,
            batch,
            place,
            |sealed_box, key, items| sealed_box.core.open_batch(key, items),
        )
    }
}

/// Hashes many messages: for each, an envelope with the tag, in the order of the items. They are freed with
/// `sealed_box_bytes_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says; `items` to `count` items.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_hash_batch(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    items: *const SealedBoxItem,
    count: usize,
    envelopes: *mut *mut u8,
    envelopes_length: *mut usize,
) -> SealedBoxStatus {
    let (place, batch) = (
        || BytesOut::new(envelopes, envelopes_length, "envelopes"),
        (items, count),
    );
    // SAFETY: the caller's promise.
    unsafe {
        with_items(
            c"sealed_box_hash_batch",
            sealed_box,
            key,
            batch,
            place,
            |sealed_box, key, items| sealed_box.core.hash_batch(key, items),
        )
    }
}

/// Verifies many signatures: for each, an envelope with the outcome, in the order of the items. They are freed with
/// `sealed_box_bytes_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says; `items` to `count` items.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_verify_batch(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    items: *const SealedBoxItem,
    count: usize,
    envelopes: *mut *mut u8,
    envelopes_length: *mut usize,
) -> SealedBoxStatus {
    let (place, batch) = (
        || BytesOut::new(envelopes, envelopes_length, "envelopes"),
        (items, count),
    );
    // SAFETY: the caller's promise.
    unsafe {
        with_items(
            c"sealed_box_verify_batch",
            sealed_box,
            key,
            batch,
            place,
            |sealed_box, key, items| sealed_box.core.verify_batch(key, items),
        )
    }
}

/// Reads the envelope at the start of `bytes`, without opening it.
///
/// # Safety
///
/// Each pointer is null or points to what its type says; `bytes` to `bytes_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_envelope_read(
    bytes: *const u8,
    bytes_length: usize,
    envelope: *mut SealedBoxEnvelope,
) -> SealedBoxStatus {
    guard::call(c"sealed_box_envelope_read", None::<&Callbacks>, || {
        let out = Out::new(envelope, "envelope")?;
        // SAFETY: the caller's promise.
        let input = unsafe { memory::bytes(bytes, bytes_length, MOST_ANSWERS, "bytes")? };
        out.apart_from([Region::of(bytes, bytes_length)])?;
        let (envelope, _) = Envelope::parse_first(input).map_err(failure)?;
        let length = envelope.length();
        let parts = SealedBoxEnvelope {
            operation: envelope.operation.number().into(),
            algorithm: envelope.algorithm.number().into(),
            key_id: envelope.key_id,
            status: envelope
                .outcome
                .map_or_else(SealedBoxStatus::from, |()| SealedBoxStatus::Ok),
            reserved: 0,
            payload_offset: length - envelope.payload.len(),
            payload_length: envelope.payload.len(),
            length,
        };
        // SAFETY: the caller's promise.
        unsafe { out.write(parts) };
        Ok(())
    })
}

/// A call about many items.
///
/// # Safety
///
/// Each pointer is null or points to what its type says; the first of `batch` to as many items as the second says.
unsafe fn with_items(
    function: &'static CStr,
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    batch: (*const SealedBoxItem, usize),
    place: impl FnOnce() -> Result<BytesOut, Failure>,
    body: impl FnOnce(&SealedBox, &Key, &[Item<'_>]) -> Result<Secret, Error>,
) -> SealedBoxStatus {
    // SAFETY: the caller's promise.
    let items = guard::contain(|| unsafe { read_items(batch.0, batch.1) });
    let (items, regions) = match items {
        Ok((items, regions)) => (Ok(items), regions),
        Err(failure) => (Err(failure), Vec::new()),
    };
    let apart = || {
        let place = place()?;
        place.apart_from(regions)?;
        place.apart_from([Region::of(key, 1)])?;
        Ok(place)
    };
    // SAFETY: the caller's promise.
    let handle = unsafe { memory::handle(key, "key") };
    let body = |sealed_box: &SealedBox, []: [&[u8]; 0]| {
        let handle: memory::InUse<SealedBoxKey> = handle?;
        body(sealed_box, &handle.key, &items?).map_err(failure)
    };
    // SAFETY: the caller's promise.
    unsafe { with_box(function, sealed_box, &[], apart, body) }
}

/// The items and the memory they were read from. A failure says at which item.
///
/// # Safety
///
/// The pointer is null or points to `count` items, each of which is what the header says.
unsafe fn read_items<'a>(items: *const SealedBoxItem, count: usize) -> Result<(Vec<Item<'a>>, Vec<Region>), Failure> {
    // SAFETY: the caller's promise.
    let items = unsafe { memory::array(items, count, SEALED_BOX_MAX_COUNT, "items")? };
    let mut regions = vec![Region::of(items.as_ptr(), items.len())];
    let mut all = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let data = Input::new(item.data, item.data_length, "data");
        let associated = Input::new(item.associated, item.associated_length, "associated");
        regions.extend([data.region(), associated.region()]);
        all.push(Item {
            // SAFETY: the caller's promise.
            data: unsafe { data.read() }.map_err(|failure| failure.at(index))?,
            // SAFETY: the caller's promise.
            associated: unsafe { associated.read() }.map_err(|failure| failure.at(index))?,
        });
    }
    Ok((all, regions))
}
