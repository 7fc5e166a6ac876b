//! Streams and batches through the C functions.

use std::ptr;

use super::{Algorithm, Answer, Box, Key, Status, bytes};
use crate::{
    SealedBoxEnvelope, SealedBoxItem, sealed_box_envelope_read, sealed_box_hash_batch, sealed_box_open_batch,
    sealed_box_seal_batch, sealed_box_verify_batch,
};

type Batch = unsafe extern "C" fn(
    *const crate::SealedBox,
    *const crate::SealedBoxKey,
    *const SealedBoxItem,
    usize,
    *mut *mut u8,
    *mut usize,
) -> Status;

fn batch(function: Batch, sealed_box: &Box, key: &Key, items: &[(&[u8], &[u8])]) -> Answer {
    let items: Vec<SealedBoxItem> = items
        .iter()
        .map(|(data, associated)| SealedBoxItem {
            data: data.as_ptr(),
            data_length: data.len(),
            associated: associated.as_ptr(),
            associated_length: associated.len(),
        })
        .collect();
    // SAFETY: what the pointers point to lives until the call returns.
    bytes(|data, length| unsafe { function(sealed_box.0, key.0, items.as_ptr(), items.len(), data, length) })
}

/// Status and payload of each envelope.
fn answers(mut envelopes: &[u8]) -> Vec<(Status, &[u8])> {
    let mut all = Vec::new();
    while !envelopes.is_empty() {
        let envelope = envelope(envelopes).expect("an envelope");
        let end = envelope.payload_offset + envelope.payload_length;
        all.push((envelope.status, &envelopes[envelope.payload_offset..end]));
        envelopes = &envelopes[envelope.length..];
    }
    all
}

fn envelope(bytes: &[u8]) -> Result<SealedBoxEnvelope, Status> {
    let mut envelope = SealedBoxEnvelope {
        operation: 0,
        algorithm: 0,
        key_id: 0,
        status: Status::Ok,
        reserved: 0,
        payload_offset: 0,
        payload_length: 0,
        length: 0,
    };
    // SAFETY: what the pointers point to lives until the call returns.
    super::outcome(unsafe { sealed_box_envelope_read(bytes.as_ptr(), bytes.len(), &raw mut envelope) })?;
    Ok(envelope)
}

#[test]
fn a_stream_comes_back() {
    let sealed_box = Box::everything();
    let key = sealed_box.generate(Algorithm::Xchacha20Poly1305);
    let message: Vec<u8> = (0..200_000_u32).map(|number| number.to_be_bytes()[3]).collect();
    let (sealing, opening) = (
        sealed_box.stream(&key, "seal").expect("a stream"),
        sealed_box.stream(&key, "open").expect("a stream"),
    );
    let mut opened = Vec::new();
    for piece in message.chunks(50_001) {
        let sealed = sealing.push(piece).expect("sealed");
        opened.extend(opening.push(&sealed).expect("genuine"));
    }
    opened.extend(opening.push(&sealing.finish().expect("sealed")).expect("genuine"));
    opened.extend(opening.finish().expect("all of it"));
    assert_eq!(opened, message);
    assert_eq!(sealing.push(b""), Err(Status::StreamEnded));
    assert_eq!(opening.finish(), Err(Status::StreamEnded));
}

#[test]
fn a_stream_that_was_cut_is_rejected() {
    let sealed_box = Box::everything();
    let key = sealed_box.generate(Algorithm::Xchacha20Poly1305);
    let sealing = sealed_box.stream(&key, "seal").expect("a stream");
    let sealed = sealing.push(&vec![1; 70_000]).expect("sealed");
    let opening = sealed_box.stream(&key, "open").expect("a stream");
    assert_eq!(
        opening.push(&sealed),
        Ok(Vec::new()),
        "the first segment could be the last"
    );
    assert_eq!(opening.finish(), Err(Status::Rejected));
    let key = sealed_box.generate(Algorithm::Aes256Gcm);
    assert_eq!(sealed_box.stream(&key, "seal").map(|_| ()), Err(Status::WrongKey));
}

#[test]
fn a_hash_comes_in_pieces() {
    let sealed_box = Box::everything();
    let key = sealed_box.generate(Algorithm::HmacSha512);
    let stream = sealed_box.stream(&key, "hash").expect("a hash");
    assert_eq!(stream.push(b"in "), Ok(Vec::new()));
    assert_eq!(stream.push(b"pieces"), Ok(Vec::new()));
    assert_eq!(stream.finish(), sealed_box.hash(&key, b"in pieces"));
    assert_eq!(stream.push(b""), Err(Status::StreamEnded));
}

#[test]
fn batches_answer_item_by_item() {
    let sealed_box = Box::everything();
    let key = sealed_box.generate(Algorithm::Aes256GcmSiv);
    let sealed = batch(sealed_box_seal_batch, &sealed_box, &key, &[(b"one", b"a"), (b"", b"")]).expect("sealed");
    let first = envelope(&sealed).expect("an envelope");
    assert_eq!((first.operation, first.algorithm, first.key_id), (4, 0x0104, 7));
    let (one, two) = sealed.split_at(first.length);
    let items = [(one, &b"a"[..]), (one, b"b"), (two, b""), (b"noise", b"")];
    let opened = batch(sealed_box_open_batch, &sealed_box, &key, &items).expect("answers");
    let expected = [
        (Status::Ok, &b"one"[..]),
        (Status::Rejected, b""),
        (Status::Ok, b""),
        (Status::Malformed, b""),
    ];
    assert_eq!(answers(&opened), expected);

    let key = sealed_box.generate(Algorithm::HmacSha256);
    let tags = batch(sealed_box_hash_batch, &sealed_box, &key, &[(b"one", b"")]).expect("answers");
    assert_eq!(answers(&tags)[0].1, sealed_box.hash(&key, b"one").expect("a tag"));

    let key = sealed_box.generate(Algorithm::Ed25519);
    let signature = sealed_box.sign(&key, b"one").expect("signed");
    let items = [(&b"one"[..], &signature[..]), (b"two", &signature)];
    let verified = batch(sealed_box_verify_batch, &sealed_box, &key, &items).expect("answers");
    assert_eq!(answers(&verified), [(Status::Ok, &b""[..]), (Status::Rejected, b"")]);
    assert_eq!(batch(sealed_box_verify_batch, &sealed_box, &key, &[]), Ok(Vec::new()));
}

#[test]
fn noise_is_no_envelope() {
    assert_eq!(envelope(b""), Err(Status::Malformed));
    assert_eq!(envelope(b"SBOX\x02"), Err(Status::UnsupportedVersion));
    // SAFETY: null is what is tested.
    let status = unsafe { sealed_box_envelope_read(ptr::null(), 4, ptr::null_mut()) };
    assert_eq!(status, Status::NullPointer);
}
