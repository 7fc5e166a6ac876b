//! Streams: every length around a segment's, cut, moved and altered.

mod surroundings;

use sealed_box::{Algorithm, Error, Key, SEGMENT_LENGTH, StreamOpener};
use surroundings::{TestBox, everything};

const HEADER: usize = 20 + 4 + 19 + 4 + 4;
const SEALED_SEGMENT: usize = SEGMENT_LENGTH + 16;

fn sealed(sealed_box: &TestBox, key: &Key, message: &[u8], pieces: usize) -> Vec<u8> {
    let mut stream = sealed_box.seal_stream(key, b"file").expect("a stream");
    let mut output: Vec<u8> = message
        .chunks(pieces)
        .flat_map(|piece| stream.push(piece).expect("sealed"))
        .collect();
    output.extend(stream.finish().expect("sealed"));
    assert_eq!(stream.push(b""), Err(Error::StreamEnded));
    assert_eq!(stream.finish(), Err(Error::StreamEnded));
    output
}

fn opened(sealed_box: &TestBox, key: &Key, sealed: &[u8], pieces: usize) -> Result<Vec<u8>, Error> {
    let mut stream = sealed_box.open_stream(key, b"file").expect("a stream");
    let mut output = Vec::new();
    for piece in sealed.chunks(pieces) {
        output.extend_from_slice(&stream.push(piece)?);
    }
    output.extend_from_slice(&stream.finish()?);
    Ok(output)
}

fn message(length: usize) -> Vec<u8> {
    (0..length)
        .map(|number| (number % 251).try_into().expect("a byte"))
        .collect()
}

fn key(sealed_box: &TestBox) -> Key {
    sealed_box
        .import(Algorithm::XChaCha20Poly1305, 3, &[7; 32])
        .expect("a key")
}

#[test]
fn every_length_comes_back() {
    for length in [
        0,
        1,
        SEGMENT_LENGTH - 1,
        SEGMENT_LENGTH,
        SEGMENT_LENGTH + 1,
        3 * SEGMENT_LENGTH,
        200_001,
    ] {
        let sealed_box = everything();
        let (key, message) = (key(&sealed_box), message(length));
        let whole = sealed(&sealed_box, &key, &message, usize::MAX);
        let segments = length.div_ceil(SEGMENT_LENGTH).max(1);
        assert_eq!(whole.len(), HEADER + length + 16 * segments);
        assert_eq!(
            opened(&sealed_box, &key, &whole, usize::MAX),
            Ok(message.clone()),
            "{length}"
        );
        assert_eq!(opened(&sealed_box, &key, &whole, 4099), Ok(message.clone()), "{length}");
        // The same nonce again, as the random bytes of tests are always the same.
        let again = everything();
        assert!(
            sealed(&again, &key, &message, 1009) == whole,
            "{length}: the pieces change nothing"
        );
    }
}

#[test]
fn a_stream_that_was_cut_or_moved_is_rejected() {
    let sealed_box = everything();
    let (key, message) = (key(&sealed_box), message(2 * SEGMENT_LENGTH + 5));
    let whole = sealed(&sealed_box, &key, &message, usize::MAX);
    let segment = |number: usize| {
        let start = HEADER + number * SEALED_SEGMENT;
        whole[start..whole.len().min(start + SEALED_SEGMENT)].to_vec()
    };
    let header = whole[..HEADER].to_vec();
    let cases = [
        header.clone(),
        [header.clone(), segment(0)].concat(),
        [header.clone(), segment(0), segment(1)].concat(),
        [header.clone(), segment(1), segment(0), segment(2)].concat(),
        [header.clone(), segment(0), segment(2)].concat(),
        [header.clone(), segment(0), segment(0), segment(1), segment(2)].concat(),
        [whole.clone(), vec![0]].concat(),
        whole[..whole.len() - 1].to_vec(),
        whole[..10].to_vec(),
    ];
    for (number, case) in cases.iter().enumerate() {
        assert_eq!(
            opened(&sealed_box, &key, case, usize::MAX),
            Err(Error::Rejected),
            "case {number}"
        );
    }
    for place in (0..whole.len()).step_by(13_001).chain(0..HEADER) {
        let mut altered = whole.clone();
        altered[place] ^= 1;
        assert!(opened(&sealed_box, &key, &altered, usize::MAX).is_err(), "{place}");
    }
}

#[test]
fn what_failed_has_ended() {
    let sealed_box = everything();
    let key = key(&sealed_box);
    let mut stream = sealed_box.open_stream(&key, b"file").expect("a stream");
    let failed = stream.push(&[0; HEADER]);
    assert_eq!(failed, Err(Error::Malformed));
    assert_eq!(stream.push(b""), Err(Error::StreamEnded));
    assert_eq!(stream.finish(), Err(Error::StreamEnded));
    let other = sealed_box
        .import(Algorithm::XChaCha20Poly1305, 4, &[7; 32])
        .expect("a key");
    let whole = sealed(&sealed_box, &other, b"", usize::MAX);
    assert_eq!(opened(&sealed_box, &key, &whole, usize::MAX), Err(Error::WrongKey));
    let mut stream: StreamOpener = sealed_box.open_stream(&other, b"another file").expect("a stream");
    assert_eq!(stream.push(&whole).map(|output| output.len()), Ok(0));
    assert_eq!(stream.finish(), Err(Error::Rejected));
}
