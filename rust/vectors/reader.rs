//! Reads `email-validator.json` for the tests of the core and of the C interface, which include this file.

use serde_json::Value;

/// One line of the file.
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) candidate: String,
    pub(crate) require_top_level_domain: bool,
    pub(crate) allow_domain_literal: bool,
    pub(crate) blocked_emails: Vec<String>,
    pub(crate) lists: Lists,
    /// The decision as JSON, or the message.
    pub(crate) expected: Result<String, String>,
}

/// What the look-ups answer "yes" to.
pub(crate) struct Lists {
    pub(crate) free: Vec<String>,
    pub(crate) disposable: Vec<String>,
    pub(crate) mx: Vec<String>,
    pub(crate) gravatar: Vec<String>,
}

pub(crate) fn vectors() -> Vec<Vector> {
    let file: Vec<Value> = serde_json::from_str(include_str!("email-validator.json")).expect("the vectors are JSON");
    file.iter().map(vector).collect()
}

fn vector(value: &Value) -> Vector {
    let (options, overrides) = (&value["options"], &value["overrides"]);
    Vector {
        name: text(&value["name"]),
        candidate: text(&value["candidate"]),
        require_top_level_domain: flag(&options["require_top_level_domain"]),
        allow_domain_literal: flag(&options["allow_domain_literal"]),
        blocked_emails: texts(&options["blocked_emails"]),
        lists: Lists {
            free: texts(&overrides["free"]),
            disposable: texts(&overrides["disposable"]),
            mx: texts(&overrides["mx"]),
            gravatar: texts(&overrides["gravatar"]),
        },
        expected: match value["expected"].get("ok") {
            Some(decision) => Ok(text(decision)),
            None => Err(text(&value["expected"]["err"])),
        },
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().expect("a list").iter().map(text).collect()
}

fn flag(value: &Value) -> bool {
    value.as_bool().expect("true or false")
}
