//! An address that was checked: two parts, one `@`, and the lengths of RFC 5321.
//!
//! The parser is our own, 200 lines from the grammar of RFC 5321 section 4.1.2. The best-kept crate for it,
//! `email_address` 0.2, was measured against that grammar and differs where a sign-up form is attacked: it takes
//! `a!b.com` as a domain, any text as an address literal, splits at the last `@`, counts the octets of a domain before
//! its conversion to ASCII and knows no UTS 46. All the hard tables, those of UTS 46, are the `idna` crate's.

use std::fmt;

use crate::{domain, local_part};

/// The longest address in octets: a path is at most 256 (RFC 5321 section 4.5.3.1.3), two of them its brackets.
///
/// It leaves 252 for a domain, so the 255 of section 4.5.3.1.2 can never be reached and need no check of their own.
const ADDRESS_OCTETS: usize = 254;

/// Which well-formed addresses are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Syntax {
    /// Refuse a domain of a single label.
    pub require_top_level_domain: bool,
    /// Accept an address literal as the domain.
    pub allow_domain_literal: bool,
}

/// A well-formed address, its domain in ASCII and lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    text: String,
    at: usize,
}

impl Address {
    /// Reads an address. White space around it is not removed: that is for the form to do.
    ///
    /// # Errors
    ///
    /// When it is not well formed; the reason says which rule it breaks.
    pub fn parse(candidate: &str, syntax: Syntax) -> Result<Self, Malformed> {
        // First, so that the work for hostile input is bounded.
        fits(candidate)?;
        let (local_part, domain) = local_part::split(candidate)?;
        let text = format!("{local_part}@{}", domain::to_ascii(domain, syntax)?);
        // Once more, because the ASCII form can be longer than what was written.
        fits(&text)?;
        Ok(Self {
            at: local_part.len(),
            text,
        })
    }

    /// The whole address: the local part as it was written, `@`, and the domain as [`Self::domain`] gives it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands before the `@`, quotes included. Only the receiving host may interpret it (RFC 5321 section 2.3.11).
    #[must_use]
    pub fn local_part(&self) -> &str {
        &self.text[..self.at]
    }

    /// The ASCII form of the domain in lower case, or the address literal in brackets.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.text[self.at + 1..]
    }
}

fn fits(address: &str) -> Result<(), Malformed> {
    if address.len() > ADDRESS_OCTETS {
        Err(Malformed::TooLong)
    } else {
        Ok(())
    }
}

/// Which rule an address breaks. The message never repeats a part of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Malformed {
    /// More than 254 octets, as written or with the domain in ASCII.
    TooLong,
    /// No `@` after the local part.
    NoAtSign,
    /// Nothing before the `@`, or nothing between two dots or beside one.
    EmptyAtom,
    /// A character that the local part may not hold there.
    LocalPartCharacter,
    /// A quoted local part that never ends.
    UnclosedQuote,
    /// A local part of more than 64 octets.
    LocalPartTooLong,
    /// A domain that UTS 46 or DNS refuses.
    Domain,
    /// A domain of a single label, where a top-level domain is required.
    SingleLabel,
    /// A domain whose last label is a number, as in an IP address without its brackets.
    NumericTopLevelDomain,
    /// An address literal where none is allowed.
    LiteralNotAllowed,
    /// Brackets around something that is no IP address.
    Literal,
}

impl fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TooLong => "longer than 254 octets",
            Self::NoAtSign => "no @ after the local part",
            Self::EmptyAtom => "an empty piece in the local part",
            Self::LocalPartCharacter => "a character that may not stand in the local part",
            Self::UnclosedQuote => "a quote that is not closed",
            Self::LocalPartTooLong => "a local part longer than 64 octets",
            Self::Domain => "a domain that UTS 46 or DNS does not allow",
            Self::SingleLabel => "a domain without a top-level domain",
            Self::NumericTopLevelDomain => "a domain that ends in a number",
            Self::LiteralNotAllowed => "an address literal, which is not allowed here",
            Self::Literal => "an address literal that is no IP address",
        })
    }
}

impl std::error::Error for Malformed {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(candidate: &str) -> Result<Address, Malformed> {
        Address::parse(candidate, Syntax::default())
    }

    #[test]
    fn the_parts_can_be_told_apart() {
        let address = parse("\"a@b\"@Example.COM").expect("the first @ is quoted");
        assert_eq!(address.local_part(), "\"a@b\"");
        assert_eq!(address.domain(), "example.com");
        assert_eq!(address.as_str(), "\"a@b\"@example.com");
    }

    #[test]
    fn length_is_checked_before_and_after_the_conversion() {
        let labels = format!("{}.{}.{}", "b".repeat(63), "c".repeat(63), "d".repeat(61));
        assert_eq!(
            parse(&format!("{}@{labels}", "a".repeat(64))).map(|a| a.as_str().len()),
            Ok(254)
        );
        assert_eq!(parse(&format!("{}@{labels}d", "a".repeat(64))), Err(Malformed::TooLong));
        // 251 octets as written; in ASCII "é" becomes "xn--9ca", which makes 256.
        let (longest, short) = ("b".repeat(63), "c".repeat(59));
        let grows = format!("{}@{longest}.{longest}.{short}.é.com", "a".repeat(56));
        assert_eq!(grows.len(), 251);
        assert_eq!(parse(&grows), Err(Malformed::TooLong));
    }

    #[test]
    fn each_reason_has_its_message() {
        assert_eq!(Malformed::NoAtSign.to_string(), "no @ after the local part");
    }
}
