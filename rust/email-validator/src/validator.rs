//! The order of work: options, syntax, look-ups, decision.

use crate::address::{Address, Syntax};
use crate::config::{EmailType, EmailValidationConfig, Error, resolve};
use crate::decision::Decision;
use crate::ports::{Logger, Overrides};

/// Decides about one address. Whoever has many keeps a [`Validator`], which reads the options only once.
///
/// # Errors
///
/// When `config.blocked_emails` names a type that does not exist; the message lists those that do.
pub fn is_valid_email(
    candidate: &str,
    config: &EmailValidationConfig,
    overrides: &dyn Overrides,
    logger: &dyn Logger,
) -> Result<Decision, Error> {
    let validator = Validator::new(config).inspect_err(|error| logger.error(&error.to_string()))?;
    Ok(validator.check(candidate, overrides, logger))
}

/// Options that were understood, ready for any number of addresses and threads.
#[derive(Clone, Debug)]
pub struct Validator {
    syntax: Syntax,
    blocked: Vec<EmailType>,
}

impl Validator {
    /// Reads the options.
    ///
    /// # Errors
    ///
    /// When `config.blocked_emails` names a type that does not exist; the message lists those that do.
    pub fn new(config: &EmailValidationConfig) -> Result<Self, Error> {
        let syntax = Syntax {
            require_top_level_domain: config.require_top_level_domain,
            allow_domain_literal: config.allow_domain_literal,
        };
        Ok(Self {
            syntax,
            blocked: resolve(&config.blocked_emails)?,
        })
    }

    /// The types to refuse, sorted, each once.
    #[must_use]
    pub fn blocked(&self) -> &[EmailType] {
        &self.blocked
    }

    /// Decides about one address.
    #[must_use]
    pub fn check(&self, candidate: &str, overrides: &dyn Overrides, logger: &dyn Logger) -> Decision {
        match Address::parse(candidate, self.syntax) {
            Ok(address) => self.classify(&address, overrides, logger),
            Err(malformed) => {
                logger.debug(&format!("not well formed: {malformed}"));
                Decision::from_blocked(vec![EmailType::Invalid])
            }
        }
    }

    fn classify(&self, address: &Address, overrides: &dyn Overrides, logger: &dyn Logger) -> Decision {
        let applies = |email_type: &EmailType| applies(*email_type, address, overrides);
        let decision = Decision::from_blocked(self.blocked.iter().copied().filter(applies).collect());
        if let Decision::Denied { blocked } = &decision {
            logger.debug(&format!(
                "well formed, but {}",
                blocked.iter().map(|b| b.name()).collect::<Vec<_>>().join(", ")
            ));
        }
        decision
    }
}

fn applies(email_type: EmailType, address: &Address, overrides: &dyn Overrides) -> bool {
    match email_type {
        EmailType::Free => overrides.is_free_email(address.domain()),
        EmailType::Disposable => overrides.is_disposable_email(address.domain()),
        EmailType::NoMxRecords => !overrides.has_mx_records(address.domain()),
        EmailType::NoGravatar => !overrides.has_gravatar(address.as_str()),
        // An address that could be read is well formed.
        EmailType::Invalid => false,
    }
}
