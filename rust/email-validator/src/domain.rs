//! The domain: a name by UTS 46 and DNS, or an address literal in brackets.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use crate::address::{Malformed, Syntax};

/// The domain in the form that DNS and the look-ups know.
pub(crate) fn to_ascii(domain: &str, syntax: Syntax) -> Result<Cow<'_, str>, Malformed> {
    match domain.strip_prefix('[') {
        Some(_) if !syntax.allow_domain_literal => Err(Malformed::LiteralNotAllowed),
        Some(rest) => literal(rest.strip_suffix(']').ok_or(Malformed::Literal)?).map(Cow::Owned),
        None => name(domain, syntax.require_top_level_domain),
    }
}

/// UTS 46 without its transitional mappings, so that `ß` stays itself as registries have it today.
///
/// Letters, digits and hyphens only, as RFC 5321 wants. Hyphens are checked at both ends of a label, but not at its
/// third and fourth place: such names are in use, and the rule against them is about labels, not about mail. No dot at
/// the end: the grammar of RFC 5321 has none.
fn name(domain: &str, require_top_level_domain: bool) -> Result<Cow<'_, str>, Malformed> {
    let ascii = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .map_err(|_| Malformed::Domain)?;
    // UTS 46 refuses these however hyphens are checked; `idna` leaves them to its full check of hyphens alone.
    if ascii.split('.').any(|label| label.starts_with("xn--xn--")) {
        return Err(Malformed::Domain);
    }
    let top_level = match ascii.rsplit_once('.') {
        Some((_, top_level)) => top_level,
        None if require_top_level_domain => return Err(Malformed::SingleLabel),
        None => &ascii,
    };
    // RFC 3696 section 2: what ends in a number is an IP address, and one without brackets is a mistake.
    if top_level.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(Malformed::NumericTopLevelDomain);
    }
    Ok(ascii)
}

/// RFC 5321 section 4.1.3: IPv4, or IPv6 behind its tag. No other tag was ever registered.
///
/// The standard library reads the numbers. It refuses leading zeros in IPv4, which some programs take for octal.
fn literal(inner: &str) -> Result<String, Malformed> {
    const TAG: &str = "IPv6:";
    match inner.split_at_checked(TAG.len()) {
        Some((tag, address)) if tag.eq_ignore_ascii_case(TAG) => address
            .parse()
            .map(|address: Ipv6Addr| format!("[{TAG}{address}]"))
            .map_err(|_| Malformed::Literal),
        _ => inner
            .parse()
            .map(|address: Ipv4Addr| format!("[{address}]"))
            .map_err(|_| Malformed::Literal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: Syntax = Syntax {
        require_top_level_domain: true,
        allow_domain_literal: false,
    };
    const LITERALS: Syntax = Syntax {
        require_top_level_domain: true,
        allow_domain_literal: true,
    };

    #[test]
    fn names_come_out_in_ascii_and_lower_case() {
        assert_eq!(to_ascii("Faß.DE", STRICT).as_deref(), Ok("xn--fa-hia.de"));
        assert_eq!(to_ascii("例え。jp", STRICT).as_deref(), Ok("xn--r8jz45g.jp"));
    }

    #[test]
    fn literals_come_out_in_their_shortest_form() {
        assert_eq!(to_ascii("[192.0.2.1]", LITERALS).as_deref(), Ok("[192.0.2.1]"));
        assert_eq!(
            to_ascii("[ipv6:2001:DB8:0::1]", LITERALS).as_deref(),
            Ok("[IPv6:2001:db8::1]")
        );
    }

    #[test]
    fn the_reason_names_the_rule() {
        let reasons = [
            ("localhost", Malformed::SingleLabel),
            ("192.0.2.1", Malformed::NumericTopLevelDomain),
            ("example.com.", Malformed::Domain),
            ("", Malformed::Domain),
            ("[192.0.2.1]", Malformed::LiteralNotAllowed),
        ];
        for (domain, reason) in reasons {
            assert_eq!(to_ascii(domain, STRICT), Err(reason), "{domain:?}");
        }
        for domain in [
            "[192.0.2.1",
            "[]",
            "[2001:db8::1]",
            "[IPv6:192.0.2.1]",
            "[x:y]",
            "[IPv6:fe80::1%eth0]",
        ] {
            assert_eq!(to_ascii(domain, LITERALS), Err(Malformed::Literal), "{domain:?}");
        }
    }
}
