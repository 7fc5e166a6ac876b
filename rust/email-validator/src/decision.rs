//! The answer about one address, and its one spelling as JSON.

use crate::config::EmailType;

/// The answer about one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The address is well formed and of none of the blocked types.
    Allowed,
    /// The address is refused.
    Denied {
        /// Why: at least one type, sorted, each once.
        blocked: Vec<EmailType>,
    },
}

impl Decision {
    /// Denied where anything blocks, allowed otherwise.
    #[must_use]
    pub fn from_blocked(mut blocked: Vec<EmailType>) -> Self {
        blocked.sort_unstable();
        blocked.dedup();
        if blocked.is_empty() {
            Self::Allowed
        } else {
            Self::Denied { blocked }
        }
    }

    /// The canonical JSON: these keys, this order, no white space. Callers of every language see exactly these bytes.
    ///
    /// The names are plain ASCII letters and underscores, so nothing needs escaping.
    #[must_use]
    pub fn to_json(&self) -> String {
        match self {
            Self::Allowed => r#"{"decision":"Allowed"}"#.to_owned(),
            Self::Denied { blocked } => {
                let names: Vec<&str> = blocked.iter().map(|email_type| email_type.name()).collect();
                format!(r#"{{"decision":"Denied","blocked":["{}"]}}"#, names.join(r#"",""#))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_blocked_is_allowed() {
        assert_eq!(Decision::from_blocked(vec![]).to_json(), r#"{"decision":"Allowed"}"#);
    }

    #[test]
    fn blocked_types_are_listed_in_their_order() {
        let decision = Decision::from_blocked(vec![EmailType::NoGravatar, EmailType::Free, EmailType::Free]);
        assert_eq!(
            decision.to_json(),
            r#"{"decision":"Denied","blocked":["FREE","NO_GRAVATAR"]}"#
        );
    }
}
