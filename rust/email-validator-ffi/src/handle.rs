//! The validator behind the opaque handle. Everything here is safe code.

use email_validator::{EmailValidationConfig, Logger, Validator};

use crate::callbacks::{Callbacks, Lookups};
use crate::status::{EmailValidatorStatus as Status, Failure};

/// A validator: options that were understood, and the caller's functions.
///
/// It never changes, so one may be used from any number of threads at once. It is made by `email_validator_new` and
/// ended by `email_validator_free`, which must not run while another thread still uses it, and after which it must not
/// be used: that cannot be noticed.
pub struct EmailValidator {
    validator: Validator,
    callbacks: Callbacks,
}

/// What the header promises about threads, checked by the compiler.
const _: () = {
    const fn shared_between_threads<T: Send + Sync>() {}
    shared_between_threads::<EmailValidator>();
};

impl EmailValidator {
    pub(crate) fn new(config: &EmailValidationConfig, callbacks: Callbacks) -> Result<Self, Failure> {
        let validator = Validator::new(config).map_err(|error| {
            Logger::error(&callbacks, &boundary::cut(&error));
            Failure::new(Status::UnknownEmailType, error)
        })?;
        callbacks.serve(validator.blocked())?;
        Ok(Self { validator, callbacks })
    }

    pub(crate) fn callbacks(&self) -> &Callbacks {
        &self.callbacks
    }

    /// The decision about one address as JSON.
    pub(crate) fn check(&self, candidate: &str) -> Result<String, Failure> {
        let lookups = Lookups::new(&self.callbacks);
        let decision = self.validator.check(candidate, &lookups, &self.callbacks);
        lookups.finish()?;
        Ok(decision.to_json())
    }

    /// A JSON array of the decisions, in the order of the addresses.
    pub(crate) fn check_batch<'a>(&self, candidates: impl Iterator<Item = &'a str>) -> Result<String, Failure> {
        let decide = |(index, candidate): (usize, &str)| self.check(candidate).map_err(|failure| failure.at(index));
        let decisions: Vec<String> = candidates.enumerate().map(decide).collect::<Result<_, _>>()?;
        Ok(format!("[{}]", decisions.join(",")))
    }
}
