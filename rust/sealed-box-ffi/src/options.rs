//! What a caller allows, and the numbers of algorithms and operations.

use boundary::{Region, Versioned, memory};
use sealed_box::{Algorithm, Policy};

use crate::status::{Failure, SealedBoxStatus as Status, failure};

/// The algorithms. A later release may know more.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedBoxAlgorithm {
    /// AES-256-GCM (NIST SP 800-38D), nonces of 96 bits. A key seals at most 2³² messages.
    Aes256Gcm = 0x0101,
    /// ChaCha20-Poly1305 (RFC 8439). A key seals at most 2³² messages.
    Chacha20Poly1305 = 0x0102,
    /// XChaCha20-Poly1305, nonces of 192 bits. Streams are sealed with it.
    Xchacha20Poly1305 = 0x0103,
    /// AES-256-GCM-SIV (RFC 8452). A key seals at most 2³² messages.
    Aes256GcmSiv = 0x0104,
    /// HMAC-SHA-256 (RFC 2104): keys of 16 to 1024 bytes.
    HmacSha256 = 0x0201,
    /// HMAC-SHA-512 (RFC 2104): keys of 16 to 1024 bytes.
    HmacSha512 = 0x0202,
    /// HKDF-SHA-256 (RFC 5869): keys of 16 to 1024 bytes.
    HkdfSha256 = 0x0301,
    /// Ed25519 (RFC 8032), verified strictly.
    Ed25519 = 0x0401,
    /// X25519 (RFC 7748); a shared secret of zeros is rejected.
    X25519 = 0x0501,
}

/// What is done with a key, as envelopes and the audit write it.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedBoxOperation {
    /// Bytes become a key.
    Import = 1,
    /// Random bytes become a key.
    Generate = 2,
    /// A key becomes bytes.
    Export = 3,
    /// A message becomes an envelope.
    Seal = 4,
    /// An envelope becomes a message.
    Open = 5,
    /// A message is sealed with the caller's nonce.
    Encrypt = 6,
    /// The opposite of that.
    Decrypt = 7,
    /// A stream is sealed.
    SealStream = 8,
    /// A stream is opened.
    OpenStream = 9,
    /// A keyed hash is computed or checked.
    Hash = 10,
    /// A key or bytes are derived from a key.
    Derive = 11,
    /// A message is signed.
    Sign = 12,
    /// A signature is verified.
    Verify = 13,
    /// Two parties agree on a key.
    Agree = 14,
}

/// What is allowed. The default, for a null pointer, is XChaCha20-Poly1305, HMAC-SHA-256, HKDF-SHA-256, Ed25519 and
/// X25519, without the callers' nonces and without export.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SealedBoxOptions {
    /// `sizeof(SealedBoxOptions)`.
    pub struct_size: u32,
    /// 1 lets a caller choose nonces, in `sealed_box_encrypt` and `sealed_box_decrypt`; 0 does not. Whoever uses a nonce
    /// twice loses the key.
    pub allow_caller_nonces: u8,
    /// 1 lets keys and derived bytes leave the library, by `sealed_box_key_export` and `sealed_box_derive`; 0 does not.
    pub allow_export: u8,
    /// Must be 0.
    pub reserved: [u8; 2],
    /// The algorithms that are allowed, each a `SealedBoxAlgorithm`. Null, with a count of 0, allows those of the
    /// default.
    pub algorithms: *const u32,
    /// How many there are; at most `SEALED_BOX_MAX_COUNT`.
    pub algorithms_count: usize,
}

// SAFETY: it starts with a `u32`; null and 0 are valid.
unsafe impl Versioned for SealedBoxOptions {
    const FIRST_SIZE: usize = 8 + 2 * size_of::<*const ()>();
}

/// The policy that a caller wrote, and the memory it was read from.
///
/// # Safety
///
/// The structure and all it points to are what the header says, and nobody changes them meanwhile.
pub(crate) unsafe fn read(pointer: *const SealedBoxOptions) -> Result<(Policy, Vec<Region>), Failure> {
    if pointer.is_null() {
        return Ok((Policy::default(), Vec::new()));
    }
    // SAFETY: the caller's promise.
    let options = unsafe { memory::versioned(pointer, "options")? };
    if options.reserved != [0, 0] {
        return Err(Failure::new(
            Status::InvalidStruct,
            "the reserved field of the options is not 0",
        ));
    }
    let (numbers, count) = (options.algorithms, options.algorithms_count);
    // SAFETY: the caller's promise.
    let numbers = unsafe { memory::array(numbers, count, crate::SEALED_BOX_MAX_COUNT, "algorithms")? };
    let algorithms = numbers
        .iter()
        .enumerate()
        .map(|(index, number)| algorithm(*number).map_err(|failure| failure.at(index)))
        .collect::<Result<Vec<_>, _>>()?;
    let mut policy = if options.algorithms.is_null() {
        Policy::default()
    } else {
        Policy::only(algorithms)
    };
    if flag(options.allow_caller_nonces, "allow_caller_nonces")? {
        policy = policy.with_caller_nonces();
    }
    if flag(options.allow_export, "allow_export")? {
        policy = policy.with_export();
    }
    // SAFETY: `versioned` has read it.
    let own = unsafe { Region::of_versioned(pointer) };
    let regions = vec![own, Region::of(numbers.as_ptr(), numbers.len())];
    Ok((policy, regions))
}

pub(crate) fn algorithm(number: u32) -> Result<Algorithm, Failure> {
    let number = u16::try_from(number).unwrap_or_default();
    Algorithm::from_number(number).map_err(failure)
}

fn flag(value: u8, name: &str) -> Result<bool, Failure> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Failure::new(
            Status::InvalidStruct,
            format_args!("{name} is neither 0 nor 1"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use sealed_box::Operation;

    use super::*;

    #[test]
    fn numbers_are_those_of_the_core() {
        let algorithms = [
            SealedBoxAlgorithm::Aes256Gcm,
            SealedBoxAlgorithm::Chacha20Poly1305,
            SealedBoxAlgorithm::Xchacha20Poly1305,
            SealedBoxAlgorithm::Aes256GcmSiv,
            SealedBoxAlgorithm::HmacSha256,
            SealedBoxAlgorithm::HmacSha512,
            SealedBoxAlgorithm::HkdfSha256,
            SealedBoxAlgorithm::Ed25519,
            SealedBoxAlgorithm::X25519,
        ];
        let numbers = algorithms.map(|algorithm| algorithm as u32);
        assert_eq!(numbers, Algorithm::ALL.map(|algorithm| u32::from(algorithm.number())));
        assert_eq!(SealedBoxOperation::Agree as u32, u32::from(Operation::Agree.number()));
        assert_eq!(SealedBoxOperation::Open as u32, u32::from(Operation::Open.number()));
        assert!(algorithm(0x1_0101).is_err() && algorithm(0).is_err());
    }
}
