//! The vectors through the core.

#[path = "../../vectors/reader.rs"]
mod reader;

use email_validator::{EmailValidationConfig, Logger, Overrides, is_valid_email};
use reader::{Lists, Vector, vectors};

impl Overrides for Lists {
    fn is_free_email(&self, domain: &str) -> bool {
        self.free.iter().any(|known| known == domain)
    }

    fn is_disposable_email(&self, domain: &str) -> bool {
        self.disposable.iter().any(|known| known == domain)
    }

    fn has_mx_records(&self, domain: &str) -> bool {
        self.mx.iter().any(|known| known == domain)
    }

    fn has_gravatar(&self, email: &str) -> bool {
        self.gravatar.iter().any(|known| known == email)
    }
}

struct Silent;

impl Logger for Silent {}

fn decide(vector: &Vector) -> Result<String, String> {
    let config = EmailValidationConfig {
        require_top_level_domain: vector.require_top_level_domain,
        allow_domain_literal: vector.allow_domain_literal,
        blocked_emails: vector.blocked_emails.clone(),
    };
    is_valid_email(&vector.candidate, &config, &vector.lists, &Silent)
        .map(|decision| decision.to_json())
        .map_err(|error| error.to_string())
}

#[test]
fn every_vector_gives_what_it_says() {
    let wrong: Vec<String> = vectors()
        .iter()
        .filter(|vector| decide(vector) != vector.expected)
        .map(|vector| {
            format!(
                "{}: {:?}\n    expected {:?}\n    got      {:?}",
                vector.name,
                vector.candidate,
                vector.expected,
                decide(vector)
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn there_are_hundreds_and_each_has_its_name() {
    let mut names: Vec<String> = vectors().into_iter().map(|vector| vector.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert!(count >= 400);
    assert_eq!(names.len(), count);
}
