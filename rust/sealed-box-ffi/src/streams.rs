//! Messages that come in pieces.

use std::ffi::CStr;

use boundary::{BytesOut, Out, Region, guard, memory};
use sealed_box::Secret;

use crate::call::{self, Input, with_key};
use crate::callbacks::Callbacks;
use crate::handle::{SealedBox, SealedBoxKey, SealedBoxStream, Stream};
use crate::status::{Failure, SealedBoxStatus};

/// Begins to seal a stream with an XChaCha20-Poly1305 key. It is freed with `sealed_box_stream_free`.
///
/// The bytes that come out do not depend on the pieces in which the message goes in.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, bytes to as many as their length says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_stream_seal(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    associated: *const u8,
    associated_length: usize,
    stream: *mut *mut SealedBoxStream,
) -> SealedBoxStatus {
    let inputs = [Input::new(associated, associated_length, "associated")];
    // SAFETY: the caller's promise.
    unsafe {
        with_key(
            c"sealed_box_stream_seal",
            sealed_box,
            key,
            &inputs,
            || new_stream(stream),
            |sealed_box, key, inputs| {
                let [associated] = inputs;
                let sealer = sealed_box.core.seal_stream(key, associated)?;
                Ok(SealedBoxStream::new(Stream::Sealing(sealer)))
            },
        )
    }
}

/// Begins to open a stream. It is freed with `sealed_box_stream_free`.
///
/// What comes out is genuine and in order; that it is all is known when `sealed_box_stream_finish` succeeds.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, bytes to as many as their length says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_stream_open(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    associated: *const u8,
    associated_length: usize,
    stream: *mut *mut SealedBoxStream,
) -> SealedBoxStatus {
    let inputs = [Input::new(associated, associated_length, "associated")];
    // SAFETY: the caller's promise.
    unsafe {
        with_key(
            c"sealed_box_stream_open",
            sealed_box,
            key,
            &inputs,
            || new_stream(stream),
            |sealed_box, key, inputs| {
                let [associated] = inputs;
                let opener = sealed_box.core.open_stream(key, associated)?;
                Ok(SealedBoxStream::new(Stream::Opening(opener)))
            },
        )
    }
}

/// Begins a keyed hash of a message that comes in pieces: they go in by `sealed_box_stream_push`, which gives no bytes,
/// and the tag comes from `sealed_box_stream_finish`. It is freed with `sealed_box_stream_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_stream_hash(
    sealed_box: *const SealedBox,
    key: *const SealedBoxKey,
    stream: *mut *mut SealedBoxStream,
) -> SealedBoxStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with_key(
            c"sealed_box_stream_hash",
            sealed_box,
            key,
            &[],
            || new_stream(stream),
            |sealed_box, key, []| {
                let hash = sealed_box.core.hash(key)?;
                Ok(SealedBoxStream::new(Stream::Hashing(hash)))
            },
        )
    }
}

/// Takes the next piece. Writes what came of it, null if that is nothing yet; it is freed with `sealed_box_bytes_free`.
/// A stream that failed has ended.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, bytes to as many as their length says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_stream_push(
    stream: *const SealedBoxStream,
    piece: *const u8,
    piece_length: usize,
    bytes: *mut *mut u8,
    bytes_length: *mut usize,
) -> SealedBoxStatus {
    let inputs = [Input::new(piece, piece_length, "piece")];
    // SAFETY: the caller's promise.
    unsafe {
        with_stream(
            c"sealed_box_stream_push",
            stream,
            &inputs,
            (bytes, bytes_length),
            |stream, [piece]| stream.push(piece),
        )
    }
}

/// Ends a stream and writes the rest, null if that is nothing; it is freed with `sealed_box_bytes_free`. The stream
/// itself is freed with `sealed_box_stream_free` also then.
///
/// # Safety
///
/// Each pointer is null or points to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_stream_finish(
    stream: *const SealedBoxStream,
    bytes: *mut *mut u8,
    bytes_length: *mut usize,
) -> SealedBoxStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with_stream(
            c"sealed_box_stream_finish",
            stream,
            &[],
            (bytes, bytes_length),
            |stream, []| stream.finish(),
        )
    }
}

/// Ends a stream or a hash. Null is allowed and does nothing.
///
/// # Safety
///
/// `stream` is null or comes from this library, was not freed before, and no other thread uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealed_box_stream_free(stream: *mut SealedBoxStream) {
    // SAFETY: the caller's promise.
    guard::end(|| unsafe { memory::release_handle(stream) });
}

/// A call with a stream.
///
/// # Safety
///
/// Each pointer is null or points to what its type says.
unsafe fn with_stream<const N: usize>(
    function: &'static CStr,
    stream: *const SealedBoxStream,
    inputs: &[Input; N],
    (bytes, bytes_length): (*mut *mut u8, *mut usize),
    body: impl FnOnce(&SealedBoxStream, [&[u8]; N]) -> Result<Secret, Failure>,
) -> SealedBoxStatus {
    guard::call(function, None::<&Callbacks>, || {
        // SAFETY: the caller's promise.
        let handle = unsafe { memory::handle(stream, "stream")? };
        let place = BytesOut::new(bytes, bytes_length, "bytes")?;
        place.apart_from([Region::of(stream, 1)])?;
        // SAFETY: the caller's promise.
        let inputs = unsafe { call::read(inputs, &place)? };
        let value = body(&handle, inputs)?;
        // SAFETY: the caller's promise.
        unsafe { call::Place::put(place, value) };
        Ok(())
    })
}

fn new_stream(stream: *mut *mut SealedBoxStream) -> Result<Out<*mut SealedBoxStream>, Failure> {
    Out::new(stream, "the place for the stream")
}
