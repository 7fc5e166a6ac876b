//! The options as a caller writes them, and the names that may stand in them.

use std::fmt::{self, Write as _};
use std::str::FromStr;

/// What to demand of an address, as it is written by the caller. [`Validator::new`](crate::Validator::new) checks it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmailValidationConfig {
    /// Refuse a domain of a single label, such as `localhost`. An address literal is no name and is not concerned.
    pub require_top_level_domain: bool,
    /// Accept an address literal as the domain, such as `[192.0.2.1]` or `[IPv6:2001:db8::1]`.
    pub allow_domain_literal: bool,
    /// The names of the types to refuse; see [`EmailType`]. Order and repetition do not matter.
    pub blocked_emails: Vec<String>,
}

/// Why an address can be refused. The order of the variants is the order in a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EmailType {
    /// `FREE`: anybody can open a mailbox at this domain free of charge.
    Free,
    /// `DISPOSABLE`: the domain hands out mailboxes meant to be thrown away.
    Disposable,
    /// `NO_MX_RECORDS`: the domain does not say who receives its mail.
    NoMxRecords,
    /// `NO_GRAVATAR`: the address has no Gravatar picture.
    NoGravatar,
    /// `INVALID`: the address is not well formed. Always refused, named or not.
    Invalid,
}

impl EmailType {
    /// Every type, in order.
    pub const ALL: [Self; 5] = [
        Self::Free,
        Self::Disposable,
        Self::NoMxRecords,
        Self::NoGravatar,
        Self::Invalid,
    ];

    /// The name used in options and decisions.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Free => "FREE",
            Self::Disposable => "DISPOSABLE",
            Self::NoMxRecords => "NO_MX_RECORDS",
            Self::NoGravatar => "NO_GRAVATAR",
            Self::Invalid => "INVALID",
        }
    }
}

impl fmt::Display for EmailType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for EmailType {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|email_type| email_type.name() == name);
        known.ok_or_else(|| Error::UnknownEmailTypes(vec![name.to_owned()]))
    }
}

/// What can be wrong with the options.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// `blocked_emails` names types that do not exist: all of them, in the order they were written.
    UnknownEmailTypes(Vec<String>),
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::UnknownEmailTypes(names) = self;
        let known = EmailType::ALL.map(EmailType::name).join(", ");
        write!(
            formatter,
            "unknown type in blocked emails: {}; the types are {known}",
            quoted(names)
        )
    }
}

impl std::error::Error for Error {}

/// The names as Rust quotes them, long ones cut and many counted: a message of 1 KiB at most, whichever way a caller
/// takes.
fn quoted(names: &[String]) -> String {
    const MAX_CHARACTERS: usize = 32;
    const MAX_LENGTH: usize = 400;
    let mut text = String::new();
    for (index, name) in names.iter().enumerate() {
        if text.len() > MAX_LENGTH {
            return format!("{text} and {} more", names.len() - index);
        }
        let cut: String = name.chars().take(MAX_CHARACTERS).collect();
        let dots = if cut.len() < name.len() { "…" } else { "" };
        let separator = if index == 0 { "" } else { ", " };
        let _ = write!(text, "{separator}{cut:?}{dots}"); // a String takes everything
    }
    text
}

/// Resolves the names, sorted and each once; every unknown name is reported, not just the first.
pub(crate) fn resolve(names: &[String]) -> Result<Vec<EmailType>, Error> {
    let (known, unknown): (Vec<_>, Vec<_>) = names.iter().map(|name| name.parse()).partition(Result::is_ok);
    if !unknown.is_empty() {
        let unknown = unknown.into_iter().filter_map(Result::err);
        return Err(Error::UnknownEmailTypes(
            unknown.flat_map(|Error::UnknownEmailTypes(names)| names).collect(),
        ));
    }
    let mut types: Vec<EmailType> = known.into_iter().filter_map(Result::ok).collect();
    types.sort_unstable();
    types.dedup();
    Ok(types)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_are_sorted_and_each_kept_once() {
        let types = resolve(&names(&["NO_GRAVATAR", "FREE", "NO_GRAVATAR"]));
        assert_eq!(types, Ok(vec![EmailType::Free, EmailType::NoGravatar]));
    }

    #[test]
    fn every_unknown_name_is_reported() {
        let error = resolve(&names(&["SPAM", "FREE", "free"])).expect_err("two of the names do not exist");
        assert_eq!(
            error.to_string(),
            "unknown type in blocked emails: \"SPAM\", \"free\"; \
             the types are FREE, DISPOSABLE, NO_MX_RECORDS, NO_GRAVATAR, INVALID"
        );
    }

    #[test]
    fn long_names_are_cut_and_many_are_counted() {
        let error = |names: Vec<String>| Error::UnknownEmailTypes(names).to_string();
        assert!(error(vec!["A".repeat(32)]).contains(&format!("{:?};", "A".repeat(32))));
        assert!(error(vec!["A".repeat(33)]).contains(&format!("{:?}…;", "A".repeat(32))));
        assert!(error(vec!["A".to_owned(); 1000]).contains("\"A\" and 919 more;"));
        let of_400_bytes = [vec!["A".repeat(32); 11], names(&["AA", "B"])].concat();
        assert!(error(of_400_bytes).contains("\"AA\", \"B\";"));
        // U+10FFFF is quoted with ten characters.
        assert!(error(vec!["\u{10ffff}".repeat(33); 1000]).len() < 1024 - 64);
    }

    #[test]
    fn every_name_leads_back_to_its_type() {
        for email_type in EmailType::ALL {
            assert_eq!(email_type.name().parse(), Ok(email_type));
        }
    }
}
