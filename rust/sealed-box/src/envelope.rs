//! What a sealed message looks like outside.
//!
//! Numbers are big-endian, lengths come before what they measure:
//!
//! | offset | bytes | what |
//! | --- | --- | --- |
//! | 0 | 4 | `SBOX` |
//! | 4 | 1 | version: 1 |
//! | 5 | 1 | operation |
//! | 6 | 2 | algorithm |
//! | 8 | 2 | status: 0, or the number of the failure that stands for a result |
//! | 10 | 2 | reserved: 0 |
//! | 12 | 8 | key id |
//! | 20 | 4 | length of the nonce, the nonce |
//! | … | 4 | length of the payload, the payload |
//!
//! The first 20 bytes are authenticated together with the message.

use crate::MAX_LENGTH;
use crate::algorithm::Algorithm;
use crate::error::Error;
use crate::key::Key;
use crate::operation::Operation;
use crate::sealing::{TAG_LENGTH, reserve};

const MAGIC: [u8; 4] = *b"SBOX";

/// The version that this release writes, and the only one that it reads.
pub const ENVELOPE_VERSION: u8 = 1;

/// How many bytes come before the nonce's length.
pub const ENVELOPE_HEADER_LENGTH: usize = 20;

/// The parts of an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// What made it.
    pub operation: Operation,
    /// With which algorithm.
    pub algorithm: Algorithm,
    /// What it came to; a failure has no payload.
    pub outcome: Result<(), Error>,
    /// The number of the key.
    pub key_id: u64,
    /// The nonce, where the operation has one.
    pub nonce: &'a [u8],
    /// The result.
    pub payload: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Reads an envelope that fills all of `bytes`.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`], [`Error::UnsupportedVersion`] and [`Error::UnknownAlgorithm`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        match Self::parse_first(bytes)? {
            (envelope, []) => Ok(envelope),
            _ => Err(Error::Malformed),
        }
    }

    /// Reads an envelope at the start of `bytes`; returns what comes after it.
    ///
    /// # Errors
    ///
    /// Those of [`Envelope::parse`].
    pub fn parse_first(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Error> {
        let mut reader = Reader(bytes);
        if reader.array()? != MAGIC {
            return Err(Error::Malformed);
        }
        if reader.array()? != [ENVELOPE_VERSION] {
            return Err(Error::UnsupportedVersion);
        }
        let [operation] = reader.array()?;
        let algorithm = Algorithm::from_number(u16::from_be_bytes(reader.array()?))?;
        let outcome = match u16::from_be_bytes(reader.array()?) {
            0 => Ok(()),
            code => Err(Error::from_code(code).ok_or(Error::Malformed)?),
        };
        if reader.array()? != [0, 0] {
            return Err(Error::Malformed);
        }
        let envelope = Self {
            operation: Operation::from_number(operation)?,
            algorithm,
            outcome,
            key_id: u64::from_be_bytes(reader.array()?),
            nonce: reader.measured()?,
            payload: reader.measured()?,
        };
        Ok((envelope, reader.0))
    }

    /// Writes it at the end of `output`.
    ///
    /// # Errors
    ///
    /// [`Error::TooLong`] and [`Error::OutOfMemory`].
    pub fn write(&self, output: &mut Vec<u8>) -> Result<(), Error> {
        reserve(output, self.length())?;
        output.extend_from_slice(&self.header());
        output.extend_from_slice(&measure(self.nonce.len())?);
        output.extend_from_slice(self.nonce);
        output.extend_from_slice(&measure(self.payload.len())?);
        output.extend_from_slice(self.payload);
        Ok(())
    }

    /// How many bytes it has when it is written.
    #[must_use]
    pub fn length(&self) -> usize {
        ENVELOPE_HEADER_LENGTH + 4 + self.nonce.len() + 4 + self.payload.len()
    }

    /// Refuses what this key did not make.
    pub(crate) fn expect(&self, operation: Operation, key: &Key) -> Result<(), Error> {
        if self.operation != operation || self.outcome.is_err() {
            return Err(Error::Malformed);
        }
        if self.algorithm != key.algorithm() || self.key_id != key.id() {
            return Err(Error::WrongKey);
        }
        Ok(())
    }

    pub(crate) fn header(&self) -> [u8; ENVELOPE_HEADER_LENGTH] {
        let code = self.outcome.map_or_else(Error::code, |()| 0);
        let mut header = [0; ENVELOPE_HEADER_LENGTH];
        header[..4].copy_from_slice(&MAGIC);
        header[4] = ENVELOPE_VERSION;
        header[5] = self.operation.number();
        header[6..8].copy_from_slice(&self.algorithm.number().to_be_bytes());
        header[8..10].copy_from_slice(&code.to_be_bytes());
        header[12..].copy_from_slice(&self.key_id.to_be_bytes());
        header
    }
}

/// Where the payload of a sealed message starts: the envelope is written first, the text sealed behind it.
pub(crate) fn begin_sealed(envelope: &Envelope<'_>, text_length: usize) -> Result<Vec<u8>, Error> {
    let sealed_length = text_length.saturating_add(TAG_LENGTH);
    let mut output = Vec::new();
    reserve(&mut output, envelope.length().saturating_add(sealed_length))?;
    envelope.write(&mut output)?;
    let end = output.len();
    output[end - 4..].copy_from_slice(&measure(sealed_length)?);
    Ok(output)
}

/// What is authenticated beside the text: the header, whose length is fixed, and what the caller associates.
pub(crate) fn associate(header: &[u8], associated: &[u8]) -> Result<Vec<u8>, Error> {
    let mut all = Vec::new();
    reserve(&mut all, header.len() + associated.len())?;
    all.extend_from_slice(header);
    all.extend_from_slice(associated);
    Ok(all)
}

fn measure(length: usize) -> Result<[u8; 4], Error> {
    let length = u32::try_from(length).map_err(|_| Error::TooLong)?;
    Ok(length.to_be_bytes())
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Error::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.take(N)?.try_into().map_err(|_| Error::Malformed)
    }

    fn measured(&mut self) -> Result<&'a [u8], Error> {
        let length = u32::from_be_bytes(self.array()?) as usize;
        // Longer than anything that is ever written: refused before it is compared with what there is.
        if length > MAX_LENGTH + TAG_LENGTH {
            return Err(Error::Malformed);
        }
        self.take(length)
    }
}
