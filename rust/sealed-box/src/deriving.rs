//! Key derivation (HKDF-SHA-256).

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::Secret;
use crate::error::Error;
use crate::key::Key;
use crate::sealing::reserve;

/// RFC 5869, section 2.3: 255 blocks of the hash.
const MOST: usize = 255 * 32;

/// `length` bytes that depend on the key, on `salt`, which may be empty, and on `info`, which says what they are for.
pub(crate) fn derive(key: &Key, salt: &[u8], info: &[u8], length: usize) -> Result<Secret, Error> {
    if !(1..=MOST).contains(&length) {
        return Err(Error::InvalidLength);
    }
    let mut output = Zeroizing::new(Vec::new());
    reserve(&mut output, length)?;
    output.resize(length, 0);
    let expanded = Hkdf::<Sha256>::new(Some(salt), key.secret()?).expand(info, &mut output);
    expanded.map_err(|_| Error::InvalidLength)?;
    Ok(output)
}
