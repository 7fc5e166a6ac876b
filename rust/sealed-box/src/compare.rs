//! Comparison in constant time, and the one door by which its result becomes public.

use subtle::ConstantTimeEq;

use crate::error::Error;

/// Whether two secrets are the same. How long it takes depends on their lengths alone, which are taken for public.
#[must_use]
pub fn equal(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// Says in public what a comparison of secrets came to: here a branch depends on them, and is meant to.
///
/// Two functions, so that it is a branch and one that a checker can name; what comes out depends on no secret any more.
#[inline(never)]
pub(crate) fn disclose(is_genuine: bool) -> Result<(), Error> {
    if is_genuine { Ok(()) } else { reject() }
}

#[cold]
#[inline(never)]
fn reject() -> Result<(), Error> {
    Err(std::hint::black_box(Error::Rejected))
}
