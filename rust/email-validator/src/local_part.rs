//! The local part: RFC 5321 section 4.1.2 `Dot-string` or `Quoted-string`, with the wider characters of RFC 6531.
//!
//! Comments and folding white space belong to message headers (RFC 5322) and never travel in SMTP; they are refused
//! because their characters are not in this grammar. So are the obsolete forms that mix quoted and unquoted pieces.

use crate::address::Malformed;

/// RFC 5321 section 4.5.3.1.1, counted as it travels: with quotes and backslashes, and in UTF-8.
const LOCAL_PART_OCTETS: usize = 64;

/// Divides an address into the checked local part and the domain, which is still unread.
pub(crate) fn split(candidate: &str) -> Result<(&str, &str), Malformed> {
    let end = match candidate.strip_prefix('"') {
        Some(quoted) => 1 + quoted_length(quoted)?,
        None => dot_string_length(candidate)?,
    };
    let (local_part, rest) = candidate.split_at(end);
    let domain = rest.strip_prefix('@').ok_or(Malformed::NoAtSign)?;
    if local_part.len() > LOCAL_PART_OCTETS {
        return Err(Malformed::LocalPartTooLong);
    }
    Ok((local_part, domain))
}

/// The octets up to and with the closing quote.
fn quoted_length(quoted: &str) -> Result<usize, Malformed> {
    let mut characters = quoted.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Ok(index + 1),
            '\\' => match characters.next() {
                Some((_, ' '..='~')) => {}
                Some(_) => return Err(Malformed::LocalPartCharacter),
                None => return Err(Malformed::UnclosedQuote),
            },
            _ if is_qtext(character) => {}
            _ => return Err(Malformed::LocalPartCharacter),
        }
    }
    Err(Malformed::UnclosedQuote)
}

/// The octets up to the `@`.
fn dot_string_length(candidate: &str) -> Result<usize, Malformed> {
    let (local_part, _) = candidate.split_once('@').ok_or(Malformed::NoAtSign)?;
    for atom in local_part.split('.') {
        if atom.is_empty() {
            return Err(Malformed::EmptyAtom);
        }
        if !atom.chars().all(is_atext) {
            return Err(Malformed::LocalPartCharacter);
        }
    }
    Ok(local_part.len())
}

fn is_qtext(character: char) -> bool {
    matches!(character, ' '..='~') || is_visible_beyond_ascii(character)
}

fn is_atext(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character) || is_visible_beyond_ascii(character)
}

/// RFC 6531 allows every character beyond ASCII. Those that cannot be seen, or that turn the direction of their
/// neighbours, are refused all the same: with them two accounts could carry what looks like one address. The joiners
/// and variation selectors stay, because Persian, Indic scripts and emoji are spelled with them.
fn is_visible_beyond_ascii(character: char) -> bool {
    !character.is_ascii() && !character.is_control() && !character.is_whitespace() && !is_hidden(character)
}

fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\u{AD}' // soft hyphen
            | '\u{61C}' | '\u{200E}' | '\u{200F}' // marks of direction
            | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' // Hangul fillers
            | '\u{17B4}' | '\u{17B5}' | '\u{180E}' // vowels and a separator without a glyph
            | '\u{200B}' // zero width space
            | '\u{202A}'..='\u{202E}' // embedding and overriding of direction
            | '\u{2060}'..='\u{206F}' // word joiner, invisible operators, isolates
            | '\u{FEFF}' // byte order mark
            | '\u{FFF0}'..='\u{FFFB}' // unassigned, annotation marks
            | '\u{E0000}'..='\u{E00FF}' // tags
    ) || is_noncharacter(character)
}

/// Code points that Unicode promises never to assign: U+FDD0 to U+FDEF and the last two of every plane.
fn is_noncharacter(character: char) -> bool {
    matches!(character, '\u{FDD0}'..='\u{FDEF}') || u32::from(character) & 0xFFFE == 0xFFFE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_at_sign_in_quotes_does_not_split() {
        assert_eq!(split(r#""a@\"b"@c"#), Ok((r#""a@\"b""#, "c")));
    }

    #[test]
    fn the_reason_names_the_rule() {
        let reasons = [
            ("", Malformed::NoAtSign),
            ("joe", Malformed::NoAtSign),
            ("\"joe\".x@c", Malformed::NoAtSign),
            ("@c", Malformed::EmptyAtom),
            ("a..b@c", Malformed::EmptyAtom),
            ("a(b)@c", Malformed::LocalPartCharacter),
            ("\"a\u{7}\"@c", Malformed::LocalPartCharacter),
            ("\"joe@c", Malformed::UnclosedQuote),
            ("\"joe\\", Malformed::UnclosedQuote),
            ("\"joe\\é\"@c", Malformed::LocalPartCharacter),
        ];
        for (candidate, reason) in reasons {
            assert_eq!(split(candidate), Err(reason), "{candidate:?}");
        }
    }

    #[test]
    fn quotes_count_towards_the_length() {
        assert!(split(&format!("\"{}\"@c", "a".repeat(62))).is_ok());
        assert_eq!(
            split(&format!("\"{}\"@c", "a".repeat(63))),
            Err(Malformed::LocalPartTooLong)
        );
    }

    #[test]
    fn noncharacters_are_found_in_every_plane() {
        for character in ['\u{FDD0}', '\u{FFFE}', '\u{1FFFF}', '\u{10FFFE}'] {
            assert!(is_hidden(character));
        }
        assert!(!is_hidden('\u{FFFD}'));
    }
}
