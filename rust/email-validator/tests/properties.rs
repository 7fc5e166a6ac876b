//! What must hold for every address, not just for those somebody thought of.

use std::cell::RefCell;

use email_validator::{Address, Decision, EmailType, EmailValidationConfig, Logger, Overrides, Syntax, Validator};
use proptest::prelude::*;

/// Answers every look-up in the way that blocks, and writes down what was asked.
#[derive(Default)]
struct Recorder {
    asked: RefCell<Vec<EmailType>>,
    said: RefCell<Vec<String>>,
}

impl Recorder {
    fn asked(&self, email_type: EmailType) {
        self.asked.borrow_mut().push(email_type);
    }
}

impl Overrides for Recorder {
    fn is_free_email(&self, _: &str) -> bool {
        self.asked(EmailType::Free);
        true
    }

    fn is_disposable_email(&self, _: &str) -> bool {
        self.asked(EmailType::Disposable);
        true
    }

    fn has_mx_records(&self, _: &str) -> bool {
        self.asked(EmailType::NoMxRecords);
        false
    }

    fn has_gravatar(&self, _: &str) -> bool {
        self.asked(EmailType::NoGravatar);
        false
    }
}

impl Logger for Recorder {
    fn debug(&self, message: &str) {
        self.said.borrow_mut().push(message.to_owned());
    }
}

const ANY: Syntax = Syntax {
    require_top_level_domain: false,
    allow_domain_literal: true,
};

fn local_part() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]{1,10}(\\.[a-z0-9+-]{1,10}){0,4}",
        "\"([ !#-\\[\\]-~]|\\\\[ -~]){0,20}\"",
        "[ä-üα-ωא-ת]{1,20}",
    ]
}

fn domain() -> impl Strategy<Value = String> {
    prop_oneof![
        "([a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?\\.){0,4}[a-z]{2,10}".prop_filter("no A-labels", |d| !d.contains("xn--")),
        any::<std::net::Ipv4Addr>().prop_map(|address| format!("[{address}]")),
        any::<std::net::Ipv6Addr>().prop_map(|address| format!("[IPv6:{address}]")),
    ]
}

/// Near misses find more than noise: these pieces are what the grammar is made of.
fn nearly_an_address() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z]{1,3}",
        "[.@\"\\\\\\[\\]:() -]",
        "IPv6:",
        "xn--",
        "\\PC",
        any::<char>().prop_map(String::from)
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_the_grammar_makes_is_accepted(local_part in local_part(), domain in domain()) {
        let address = Address::parse(&format!("{local_part}@{domain}"), ANY).map(|address| address.local_part().to_owned());
        prop_assert_eq!(address, Ok(local_part));
    }

    #[test]
    fn what_was_accepted_is_accepted_again_unchanged(candidate in nearly_an_address()) {
        if let Ok(address) = Address::parse(&candidate, ANY) {
            prop_assert!(address.as_str().len() <= 254 && address.local_part().len() <= 64);
            prop_assert!(address.domain().is_ascii() && !address.domain().is_empty());
            prop_assert_eq!(Address::parse(address.as_str(), ANY), Ok(address));
        }
    }

    #[test]
    fn a_stricter_syntax_accepts_no_more(candidate in nearly_an_address(), tld: bool, literal: bool) {
        let strict = Syntax { require_top_level_domain: tld, allow_domain_literal: literal };
        if let Ok(address) = Address::parse(&candidate, strict) {
            prop_assert_eq!(Address::parse(&candidate, ANY), Ok(address));
        }
    }

    #[test]
    fn the_case_of_the_domain_does_not_matter(local_part in local_part(), domain in domain()) {
        let upper = Address::parse(&format!("{local_part}@{}", domain.to_uppercase()), ANY);
        prop_assert_eq!(upper, Address::parse(&format!("{local_part}@{domain}"), ANY));
    }

    #[test]
    fn a_control_character_is_never_accepted(
        local_part in local_part(), domain in domain(), place: prop::sample::Index, control in "[\\x00-\\x1f\\x7f-\\x9f]",
    ) {
        let address = format!("{local_part}@{domain}");
        let places: Vec<usize> = (0..=address.len()).filter(|place| address.is_char_boundary(*place)).collect();
        let (before, after) = address.split_at(places[place.index(places.len())]);
        let parsed = Address::parse(&[before, &control, after].concat(), ANY);
        prop_assert!(parsed.is_err());
    }

    #[test]
    fn exactly_the_listed_types_are_looked_up(types in proptest::sample::subsequence(EmailType::ALL.to_vec(), 0..=5)) {
        let recorder = Recorder::default();
        let blocked = types.iter().map(|email_type| email_type.name().to_owned()).collect();
        let config = EmailValidationConfig { blocked_emails: blocked, ..EmailValidationConfig::default() };
        let decision = Validator::new(&config).expect("known names").check("joe@example.com", &recorder, &recorder);
        let expected: Vec<EmailType> = types.into_iter().filter(|email_type| *email_type != EmailType::Invalid).collect();
        prop_assert_eq!(recorder.asked.take(), expected.clone());
        prop_assert_eq!(decision, Decision::from_blocked(expected));
    }

    #[test]
    fn nothing_is_looked_up_for_what_is_malformed(candidate in any::<String>()) {
        prop_assume!(Address::parse(&candidate, Syntax::default()).is_err());
        let recorder = Recorder::default();
        let blocked = EmailType::ALL.map(|email_type| email_type.name().to_owned()).to_vec();
        let config = EmailValidationConfig { blocked_emails: blocked, ..EmailValidationConfig::default() };
        let decision = Validator::new(&config).expect("known names").check(&candidate, &recorder, &recorder);
        prop_assert_eq!(decision.to_json(), r#"{"decision":"Denied","blocked":["INVALID"]}"#);
        prop_assert_eq!(recorder.asked.take(), vec![]);
    }

    #[test]
    fn no_message_holds_a_part_of_the_address(local_part in "[0-9]{5,20}", domain in "[0-9]{5,20}(\\.test)?") {
        let recorder = Recorder::default();
        let config = EmailValidationConfig { blocked_emails: vec!["FREE".to_owned()], ..EmailValidationConfig::default() };
        let candidate = format!("{local_part}@{domain}");
        let _ = Validator::new(&config).expect("a known name").check(&candidate, &recorder, &recorder);
        let said = recorder.said.borrow().join("\n");
        prop_assert!(!said.is_empty() && !said.contains(&local_part) && !said.contains(&domain));
    }
}
