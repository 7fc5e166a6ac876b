//! What must hold across the boundary for every input.

use std::ffi::{c_char, c_void};
use std::ptr;

use email_validator::{EmailType, EmailValidationConfig, Logger, Overrides, is_valid_email};
use proptest::prelude::*;

use super::{EmailValidatorCallbacks, EmailValidatorText, Handle, Status, callbacks, options, plain, received, text};

/// Arbitrary, and the same on both roads: what is asked about decides the answer.
fn answer(asked: &str) -> bool {
    asked.bytes().fold(0_u8, u8::wrapping_add).is_multiple_of(2)
}

unsafe extern "C" fn ask(_: *mut c_void, asked: *const c_char, length: usize) -> i32 {
    // SAFETY: they come from the library.
    i32::from(answer(unsafe { received(asked, length) }))
}

struct Answers;

impl Overrides for Answers {
    fn is_free_email(&self, domain: &str) -> bool {
        answer(domain)
    }

    fn is_disposable_email(&self, domain: &str) -> bool {
        answer(domain)
    }

    fn has_mx_records(&self, domain: &str) -> bool {
        answer(domain)
    }

    fn has_gravatar(&self, email: &str) -> bool {
        answer(email)
    }
}

impl Logger for Answers {}

fn through_c(config: &EmailValidationConfig, candidate: &str) -> Result<String, String> {
    let blocked: Vec<EmailValidatorText> = config.blocked_emails.iter().map(|name| text(name.as_bytes())).collect();
    let mut options = options(&blocked);
    options.require_top_level_domain = config.require_top_level_domain.into();
    options.allow_domain_literal = config.allow_domain_literal.into();
    let functions = EmailValidatorCallbacks {
        is_free_email: Some(ask),
        is_disposable_email: Some(ask),
        has_mx_records: Some(ask),
        has_gravatar: Some(ask),
        ..callbacks()
    };
    let decided = Handle::new(&options, &raw const functions).and_then(|handle| handle.check(candidate.as_bytes()));
    decided.map_err(|(_, message)| message)
}

fn candidate() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z.\"@]{0,8}@[a-z.ü-]{0,8}",
        "[a-z]{1,5}@([a-z]{1,5}\\.){0,2}[a-z]{2,3}"
    ]
}

fn config() -> impl Strategy<Value = EmailValidationConfig> {
    let known = proptest::sample::select(EmailType::ALL.map(|known| known.name().to_owned()).to_vec());
    let name = prop_oneof![20 => known, 1 => any::<String>()];
    (any::<bool>(), any::<bool>(), proptest::collection::vec(name, 0..6)).prop_map(|(tld, literal, blocked)| {
        EmailValidationConfig {
            require_top_level_domain: tld,
            allow_domain_literal: literal,
            blocked_emails: blocked,
        }
    })
}

proptest! {
    #[test]
    fn both_roads_give_the_same_bytes(config in config(), candidate in candidate()) {
        let core = is_valid_email(&candidate, &config, &Answers, &Answers);
        let core = core.map(|decision| decision.to_json()).map_err(|error| error.to_string());
        prop_assert_eq!(through_c(&config, &candidate), core);
    }

    #[test]
    fn bytes_are_refused_exactly_when_they_are_no_text(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let outcome = plain().check(&bytes);
        prop_assert_eq!(outcome.is_err(), str::from_utf8(&bytes).is_err());
        prop_assert!(outcome.err().is_none_or(|(status, _)| status == Status::NotUtf8));
    }

    #[test]
    fn a_batch_is_its_decisions_in_order(candidates in proptest::collection::vec(candidate(), 0..8)) {
        let handle = plain();
        let each = candidates.iter().map(|candidate| handle.check(candidate.as_bytes()).expect("a decision"));
        let joined = each.collect::<Vec<_>>().join(",");
        let batch: Vec<&[u8]> = candidates.iter().map(String::as_bytes).collect();
        prop_assert_eq!(handle.check_batch(&batch), Ok(format!("[{joined}]")));
    }

    #[test]
    fn only_possible_options_make_a_validator(size in 0_u32..64, tld: u8, literal: u8, reserved: [u8; 2]) {
        let mut options = options(&[]);
        let own = options.struct_size;
        // What lies behind the options is not theirs to read.
        (options.struct_size, options.reserved) = (size.min(own), reserved);
        (options.require_top_level_domain, options.allow_domain_literal) = (tld, literal);
        let possible = size >= own && tld <= 1 && literal <= 1 && reserved == [0, 0];
        let made = Handle::new(&options, ptr::null());
        prop_assert_eq!(made.is_ok(), possible);
        prop_assert!(made.err().is_none_or(|(status, _)| status == Status::InvalidStruct));
    }
}
