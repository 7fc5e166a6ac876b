//! Says whether an e-mail address is well formed and whether a sign-up form should take it.
//!
//! The syntax is that of RFC 5321 (the address as it travels in SMTP), with the internationalised local parts of
//! RFC 6531 and domains by UTS 46. What goes beyond syntax, such as "is this domain a free mail service?", is asked
//! of the caller through [`Overrides`]: this crate opens no connection, reads no file and keeps no list.
//!
//! ```
//! use email_validator::{EmailValidationConfig, Logger, Overrides, is_valid_email};
//!
//! struct Lists;
//!
//! impl Overrides for Lists {
//!     fn is_free_email(&self, domain: &str) -> bool { domain == "mail.example" }
//!     fn is_disposable_email(&self, _domain: &str) -> bool { false }
//!     fn has_mx_records(&self, _domain: &str) -> bool { true }
//!     fn has_gravatar(&self, _email: &str) -> bool { false }
//! }
//!
//! struct Silent;
//! impl Logger for Silent {}
//!
//! let config = EmailValidationConfig {
//!     require_top_level_domain: true,
//!     allow_domain_literal: false,
//!     blocked_emails: vec!["FREE".to_owned()],
//! };
//! let decide = |candidate| is_valid_email(candidate, &config, &Lists, &Silent).map(|decision| decision.to_json());
//! assert_eq!(decide("joe@example.com")?, r#"{"decision":"Allowed"}"#);
//! assert_eq!(decide("joe@mail.example")?, r#"{"decision":"Denied","blocked":["FREE"]}"#);
//! assert_eq!(decide("joe@"), Ok(r#"{"decision":"Denied","blocked":["INVALID"]}"#.to_owned()));
//! # Ok::<(), email_validator::Error>(())
//! ```
//!
//! # The decision
//!
//! 1. An address that is not well formed is denied as `INVALID`, whatever `blocked_emails` says, and no look-up is
//!    made: there is no domain to ask about, and a function of this name must not let such an address pass.
//! 2. Otherwise each type named in `blocked_emails` is looked up, once, and those that apply are listed in the order
//!    of [`EmailType`]. A type that is not named is neither looked up nor reported.

#![forbid(unsafe_code)]

mod address;
mod config;
mod decision;
mod domain;
mod local_part;
mod ports;
mod validator;

pub use address::{Address, Malformed, Syntax};
pub use config::{EmailType, EmailValidationConfig, Error};
pub use decision::Decision;
pub use ports::{Logger, Overrides};
pub use validator::{Validator, is_valid_email};
