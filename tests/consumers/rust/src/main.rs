//! Answers every test vector by the crate itself: `vectors PATH/email-validator.json` prints a line of JSON for each.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, BufWriter, Write};

use email_validator::{EmailValidationConfig, Logger, Overrides, is_valid_email};
use serde_json::{Value, json};

/// What the look-ups of a vector answer "yes" to.
struct Lists<'a>(&'a Value);

impl Lists<'_> {
    fn has(&self, list: &str, wanted: &str) -> bool {
        self.0[list]
            .as_array()
            .is_some_and(|known| known.iter().any(|item| item == wanted))
    }
}

impl Overrides for Lists<'_> {
    fn is_free_email(&self, domain: &str) -> bool {
        self.has("free", domain)
    }

    fn is_disposable_email(&self, domain: &str) -> bool {
        self.has("disposable", domain)
    }

    fn has_mx_records(&self, domain: &str) -> bool {
        self.has("mx", domain)
    }

    fn has_gravatar(&self, email: &str) -> bool {
        self.has("gravatar", email)
    }
}

struct Silent;

impl Logger for Silent {}

fn answer(vector: &Value) -> Option<Value> {
    let options = &vector["options"];
    let blocked = options["blocked_emails"].as_array()?.iter();
    let config = EmailValidationConfig {
        require_top_level_domain: options["require_top_level_domain"].as_bool()?,
        allow_domain_literal: options["allow_domain_literal"].as_bool()?,
        blocked_emails: blocked
            .map(|name| name.as_str().map(str::to_owned))
            .collect::<Option<_>>()?,
    };
    let decided = is_valid_email(
        vector["candidate"].as_str()?,
        &config,
        &Lists(&vector["overrides"]),
        &Silent,
    );
    Some(match decided {
        Ok(decision) => json!({"ok": decision.to_json()}),
        Err(error) => json!({"err": error.to_string()}),
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os()
        .nth(1)
        .ok_or("usage: vectors PATH/email-validator.json")?;
    let vectors: Vec<Value> = serde_json::from_slice(&fs::read(path)?)?;
    let mut out = BufWriter::new(io::stdout().lock());
    for vector in &vectors {
        writeln!(
            out,
            "{}",
            answer(vector).ok_or("a vector has another shape than this program knows")?
        )?;
    }
    Ok(out.flush()?)
}
