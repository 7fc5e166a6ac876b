//! The WebAssembly interface: converts between the types of the WIT world and those of the core, and nothing else.
//!
//! The world is `wit/email-validator.wit`; it is the documentation of this interface.

// The generated code is held to its generator's standards, not to ours.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::undocumented_unsafe_blocks
)]
#[allow(clippy::multiple_unsafe_ops_per_block, unused_qualifications)]
mod bindings {
    #[cfg(target_arch = "wasm32")]
    wit_bindgen::generate!({ world: "email-validator", path: "wit" });
    #[cfg(not(target_arch = "wasm32"))]
    wit_bindgen::generate!({
        world: "email-validator",
        path: "wit",
        with: { "ferrule:email-validator/logger@0.1.0": crate::host::logger, "ferrule:email-validator/overrides@0.1.0": crate::host::overrides },
    });
    use super::Component;
    export!(Component);
}

#[cfg(not(target_arch = "wasm32"))]
mod host;

#[cfg(target_arch = "wasm32")]
use bindings::ferrule::email_validator::{logger, overrides};
#[cfg(not(target_arch = "wasm32"))]
use host::{logger, overrides};

pub use bindings::{EmailValidationConfig as WitConfig, Guest};

use email_validator::{EmailValidationConfig, Logger, Overrides};

/// What exports the world. Outside of WebAssembly the fuzzers call it.
pub struct Component;

impl Guest for Component {
    fn is_valid_email(candidate: String, options: WitConfig) -> Result<String, String> {
        let config = EmailValidationConfig {
            require_top_level_domain: options.require_top_level_domain,
            allow_domain_literal: options.allow_domain_literal,
            blocked_emails: options.blocked_emails,
        };
        email_validator::is_valid_email(&candidate, &config, &Imports, &Imports)
            .map(|decision| decision.to_json())
            .map_err(|error| error.to_string())
    }
}

/// The look-ups and the log of the host.
struct Imports;

impl Overrides for Imports {
    fn is_free_email(&self, domain: &str) -> bool {
        overrides::is_free_email(domain)
    }

    fn is_disposable_email(&self, domain: &str) -> bool {
        overrides::is_disposable_email(domain)
    }

    fn has_mx_records(&self, domain: &str) -> bool {
        overrides::has_mx_records(domain)
    }

    fn has_gravatar(&self, email: &str) -> bool {
        overrides::has_gravatar(email)
    }
}

impl Logger for Imports {
    fn debug(&self, message: &str) {
        logger::debug(message);
    }

    fn log(&self, message: &str) {
        logger::log(message);
    }

    fn warn(&self, message: &str) {
        logger::warn(message);
    }

    fn error(&self, message: &str) {
        logger::error(message);
    }
}
