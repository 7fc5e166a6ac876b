//! Checksums of blocks.

/// CRC-32 (IEEE 802.3) of the values as little-endian bytes. It depends on every bit, payloads of NaN included.
#[must_use]
pub fn checksum(values: &[f64]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for value in values {
        hasher.update(&value.to_le_bytes());
    }
    hasher.finalize()
}
