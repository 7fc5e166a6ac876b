//! Streams: a message of any length in segments, none of which can be left out, moved or cut off unnoticed.
//!
//! The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015) as `aead-stream` has it, over XChaCha20-Poly1305:
//! 19 random bytes of the nonce leave no room for two streams that share one. A stream begins with an envelope whose
//! nonce is the stream's and whose payload is the length of a segment as four bytes, big-endian. Behind it come the
//! segments, each with its tag; all but the last have exactly that length. So the bytes do not depend on the pieces in
//! which the message came.

use std::mem;

use aead_stream::{NewStream, StreamBE32, StreamPrimitive};
use chacha20poly1305::XChaCha20Poly1305;
use zeroize::Zeroizing;

use crate::Secret;
use crate::compare::disclose;
use crate::envelope::{Envelope, associate};
use crate::error::Error;
use crate::key::Key;
use crate::operation::Operation;
use crate::sealing::{TAG_LENGTH, reserve, within_limit};

/// How many bytes of the message a segment holds that this release writes.
pub const SEGMENT_LENGTH: usize = 65_536;

/// What a reader accepts of others.
const MOST_SEGMENT_LENGTH: usize = 1 << 20;

/// Bytes of the nonce that are the stream's own; the other five are the segment's number and whether it is the last.
pub(crate) const STREAM_NONCE_LENGTH: usize = 19;

const HEADER_LENGTH: usize = crate::ENVELOPE_HEADER_LENGTH + 4 + STREAM_NONCE_LENGTH + 4 + 4;

/// Seals a message that comes in pieces.
pub struct StreamSealer {
    /// None after the end.
    cipher: Option<Cipher>,
    associated: Vec<u8>,
    segment: Segment,
    /// What goes before the first segment, until it went.
    header: Vec<u8>,
}

impl StreamSealer {
    pub(crate) fn new(key: &Key, nonce: &[u8; STREAM_NONCE_LENGTH], associated: &[u8]) -> Result<Self, Error> {
        let length = u32::try_from(SEGMENT_LENGTH).map_err(|_| Error::TooLong)?;
        let envelope = Envelope {
            operation: Operation::SealStream,
            algorithm: key.algorithm(),
            outcome: Ok(()),
            key_id: key.id(),
            nonce,
            payload: &length.to_be_bytes(),
        };
        let mut header = Vec::new();
        envelope.write(&mut header)?;
        Ok(Self {
            cipher: Some(Cipher::new(key.secret()?, nonce)?),
            associated: associate(&header, associated)?,
            segment: Segment::new(SEGMENT_LENGTH)?,
            header,
        })
    }

    /// Takes the next piece, which may be empty; returns what can be sent by now.
    ///
    /// # Errors
    ///
    /// [`Error::StreamEnded`], [`Error::TooLong`] for a piece above `MAX_LENGTH`, [`Error::OutOfMemory`], and
    /// [`Error::Exhausted`] after 2³² segments. A stream that failed has ended.
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<u8>, Error> {
        let mut cipher = self.cipher.take().ok_or(Error::StreamEnded)?;
        let output = self.sealed(&mut cipher, piece)?;
        self.cipher = Some(cipher);
        Ok(output)
    }

    /// Ends the stream; returns the rest.
    ///
    /// # Errors
    ///
    /// [`Error::StreamEnded`] and [`Error::OutOfMemory`].
    pub fn finish(&mut self) -> Result<Vec<u8>, Error> {
        let mut cipher = self.cipher.take().ok_or(Error::StreamEnded)?;
        let mut output = mem::take(&mut self.header);
        reserve(&mut output, self.segment.bytes.len() + TAG_LENGTH)?;
        cipher.seal(true, &self.associated, &mut self.segment.bytes)?;
        self.segment.empty_into(&mut output);
        Ok(output)
    }

    fn sealed(&mut self, cipher: &mut Cipher, mut piece: &[u8]) -> Result<Vec<u8>, Error> {
        within_limit(piece.len())?;
        let mut output = mem::take(&mut self.header);
        reserve(
            &mut output,
            self.segment.output_length(piece.len(), SEGMENT_LENGTH + TAG_LENGTH),
        )?;
        while !piece.is_empty() {
            // Full, and not the last.
            if self.segment.is_full() {
                cipher.seal(false, &self.associated, &mut self.segment.bytes)?;
                self.segment.empty_into(&mut output);
            }
            piece = self.segment.fill(piece);
        }
        Ok(output)
    }
}

/// Opens a stream that comes in pieces.
///
/// What it returns is genuine and in order. Whether it is all is known when [`StreamOpener::finish`] succeeds.
pub struct StreamOpener {
    state: Opening,
}

enum Opening {
    Header {
        key_id: u64,
        secret: Secret,
        associated: Vec<u8>,
        header: Vec<u8>,
    },
    Segments {
        cipher: Cipher,
        associated: Vec<u8>,
        segment: Segment,
    },
    Ended,
}

impl StreamOpener {
    pub(crate) fn new(key: &Key, associated: &[u8]) -> Result<Self, Error> {
        let mut secret = Zeroizing::new(Vec::with_capacity(key.secret()?.len()));
        secret.extend_from_slice(key.secret()?);
        let state = Opening::Header {
            key_id: key.id(),
            secret,
            associated: associate(&[], associated)?,
            header: Vec::with_capacity(HEADER_LENGTH),
        };
        Ok(Self { state })
    }

    /// Takes the next piece, which may be empty; returns what was opened by it.
    ///
    /// # Errors
    ///
    /// Those of [`Envelope::parse`], [`Error::WrongKey`], [`Error::Rejected`], [`Error::StreamEnded`],
    /// [`Error::TooLong`] for a piece above `MAX_LENGTH`, and [`Error::OutOfMemory`]. A stream that failed has ended.
    pub fn push(&mut self, piece: &[u8]) -> Result<Secret, Error> {
        let (next, output) = mem::replace(&mut self.state, Opening::Ended).push(piece)?;
        self.state = next;
        Ok(output)
    }

    /// Ends the stream; returns the rest.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if it was cut or altered, [`Error::StreamEnded`] and [`Error::OutOfMemory`].
    pub fn finish(&mut self) -> Result<Secret, Error> {
        match mem::replace(&mut self.state, Opening::Ended) {
            Opening::Header { .. } => Err(Error::Rejected),
            Opening::Ended => Err(Error::StreamEnded),
            Opening::Segments {
                mut cipher,
                associated,
                mut segment,
            } => {
                cipher.open(true, &associated, &mut segment.bytes)?;
                Ok(segment.bytes)
            }
        }
    }
}

impl Opening {
    fn push(self, piece: &[u8]) -> Result<(Self, Secret), Error> {
        within_limit(piece.len())?;
        match self {
            Self::Ended => Err(Error::StreamEnded),
            Self::Header {
                key_id,
                secret,
                associated,
                mut header,
            } => {
                let (start, rest) = piece.split_at(piece.len().min(HEADER_LENGTH - header.len()));
                header.extend_from_slice(start);
                if header.len() == HEADER_LENGTH {
                    Self::with_header(key_id, &secret, &associated, &header)?.push(rest)
                } else {
                    let next = Self::Header {
                        key_id,
                        secret,
                        associated,
                        header,
                    };
                    Ok((next, Secret::default()))
                }
            }
            Self::Segments {
                mut cipher,
                associated,
                mut segment,
            } => {
                let output = opened(&mut cipher, &associated, &mut segment, piece)?;
                let next = Self::Segments {
                    cipher,
                    associated,
                    segment,
                };
                Ok((next, output))
            }
        }
    }

    fn with_header(key_id: u64, secret: &[u8], associated: &[u8], header: &[u8]) -> Result<Self, Error> {
        let envelope = Envelope::parse(header)?;
        if envelope.operation != Operation::SealStream || envelope.outcome.is_err() {
            return Err(Error::Malformed);
        }
        if envelope.algorithm != crate::Algorithm::XChaCha20Poly1305 || envelope.key_id != key_id {
            return Err(Error::WrongKey);
        }
        let nonce: &[u8; STREAM_NONCE_LENGTH] = envelope.nonce.try_into().map_err(|_| Error::Malformed)?;
        let length: [u8; 4] = envelope.payload.try_into().map_err(|_| Error::Malformed)?;
        let length = u32::from_be_bytes(length) as usize;
        if !(1..=MOST_SEGMENT_LENGTH).contains(&length) {
            return Err(Error::Malformed);
        }
        Ok(Self::Segments {
            cipher: Cipher::new(secret, nonce)?,
            associated: associate(header, associated)?,
            segment: Segment::new(length + TAG_LENGTH)?,
        })
    }
}

fn opened(cipher: &mut Cipher, associated: &[u8], segment: &mut Segment, mut piece: &[u8]) -> Result<Secret, Error> {
    let mut output = Zeroizing::new(Vec::new());
    reserve(&mut output, segment.output_length(piece.len(), segment.length))?;
    while !piece.is_empty() {
        if segment.is_full() {
            cipher.open(false, associated, &mut segment.bytes)?;
            segment.empty_into(&mut output);
        }
        piece = segment.fill(piece);
    }
    Ok(output)
}

/// STREAM with the number of the next segment.
///
/// The crate's `Encryptor` and `Decryptor` count too, and end by being moved, which leaves their key where they were.
struct Cipher {
    stream: Box<StreamBE32<XChaCha20Poly1305>>,
    position: u32,
}

impl Cipher {
    fn new(secret: &[u8], nonce: &[u8; STREAM_NONCE_LENGTH]) -> Result<Self, Error> {
        let secret = secret.try_into().map_err(|_| Error::WrongKey)?;
        Ok(Self {
            stream: Box::new(StreamBE32::new(secret, nonce.into())),
            position: 0,
        })
    }

    fn seal(&mut self, is_last: bool, associated: &[u8], segment: &mut Vec<u8>) -> Result<(), Error> {
        let position = self.next(is_last)?;
        let sealed = self.stream.encrypt_in_place(position, is_last, associated, segment);
        sealed.map_err(|_| Error::TooLong)
    }

    fn open(&mut self, is_last: bool, associated: &[u8], segment: &mut Vec<u8>) -> Result<(), Error> {
        let position = self.next(is_last)?;
        let opened = self.stream.decrypt_in_place(position, is_last, associated, segment);
        disclose(opened.is_ok())
    }

    /// No number comes twice; the highest is kept for the last segment.
    fn next(&mut self, is_last: bool) -> Result<u32, Error> {
        let position = self.position;
        if position == u32::MAX && !is_last {
            return Err(Error::Exhausted);
        }
        self.position = position.saturating_add(1);
        Ok(position)
    }
}

/// Bytes that wait until it is known whether they are the last. They never move: there is room for the tag.
struct Segment {
    bytes: Zeroizing<Vec<u8>>,
    length: usize,
}

impl Segment {
    fn new(length: usize) -> Result<Self, Error> {
        let mut bytes = Zeroizing::new(Vec::new());
        reserve(&mut bytes, length + TAG_LENGTH)?;
        Ok(Self { bytes, length })
    }

    fn is_full(&self) -> bool {
        self.bytes.len() == self.length
    }

    /// Takes what there is room for; returns the rest.
    fn fill<'a>(&mut self, piece: &'a [u8]) -> &'a [u8] {
        let (taken, rest) = piece.split_at(piece.len().min(self.length - self.bytes.len()));
        self.bytes.extend_from_slice(taken);
        rest
    }

    fn empty_into(&mut self, output: &mut Vec<u8>) {
        output.extend_from_slice(&self.bytes);
        self.bytes.truncate(0);
    }

    /// No more than this comes out after `more` bytes came in.
    fn output_length(&self, more: usize, sealed_length: usize) -> usize {
        (self.bytes.len() + more) / self.length * sealed_length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_number_is_for_the_last_segment() {
        let mut cipher = Cipher::new(&[1; 32], &[2; STREAM_NONCE_LENGTH]).expect("32 bytes");
        cipher.position = u32::MAX - 1;
        assert_eq!(cipher.seal(false, b"", &mut Vec::new()), Ok(()));
        assert_eq!(cipher.seal(false, b"", &mut Vec::new()), Err(Error::Exhausted));
        assert_eq!(cipher.seal(true, b"", &mut Vec::new()), Ok(()));
    }
}
