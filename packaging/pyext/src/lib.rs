//! email-validator for CPython, through PyO3: the module `ferrule_email_validator_ext`.

use std::cell::RefCell;

use email_validator::{EmailValidationConfig, Logger, Overrides};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// The look-ups as Python functions. The first exception that one raises is kept, and what follows is not asked any more.
struct Lookups<'py> {
    is_free_email: Option<Bound<'py, PyAny>>,
    is_disposable_email: Option<Bound<'py, PyAny>>,
    has_mx_records: Option<Bound<'py, PyAny>>,
    has_gravatar: Option<Bound<'py, PyAny>>,
    raised: RefCell<Option<PyErr>>,
}

impl Lookups<'_> {
    fn ask(&self, name: &str, function: Option<&Bound<'_, PyAny>>, about: &str) -> bool {
        if self.raised.borrow().is_some() {
            return false;
        }
        let answer = match function {
            Some(function) => function.call1((about,)).and_then(|answer| answer.extract()),
            None => Err(PyValueError::new_err(format!("the options need {name}, which was not given"))),
        };
        answer.unwrap_or_else(|error| {
            self.raised.replace(Some(error));
            false
        })
    }
}

impl Overrides for Lookups<'_> {
    fn is_free_email(&self, domain: &str) -> bool {
        self.ask("is_free_email", self.is_free_email.as_ref(), domain)
    }

    fn is_disposable_email(&self, domain: &str) -> bool {
        self.ask("is_disposable_email", self.is_disposable_email.as_ref(), domain)
    }

    fn has_mx_records(&self, domain: &str) -> bool {
        self.ask("has_mx_records", self.has_mx_records.as_ref(), domain)
    }

    fn has_gravatar(&self, email: &str) -> bool {
        self.ask("has_gravatar", self.has_gravatar.as_ref(), email)
    }
}

struct Silent;

impl Logger for Silent {}

/// The decision about one address, as the JSON that is the same in every language.
///
/// Raises ValueError for options that cannot be used, and what a look-up raised.
#[pyfunction]
#[pyo3(signature = (
    candidate,
    *,
    require_top_level_domain = false,
    allow_domain_literal = false,
    blocked_emails = Vec::new(),
    is_free_email = None,
    is_disposable_email = None,
    has_mx_records = None,
    has_gravatar = None,
))]
#[expect(clippy::too_many_arguments, reason = "they have names in Python")]
fn is_valid_email<'py>(
    candidate: &str,
    require_top_level_domain: bool,
    allow_domain_literal: bool,
    blocked_emails: Vec<String>,
    is_free_email: Option<Bound<'py, PyAny>>,
    is_disposable_email: Option<Bound<'py, PyAny>>,
    has_mx_records: Option<Bound<'py, PyAny>>,
    has_gravatar: Option<Bound<'py, PyAny>>,
) -> PyResult<String> {
    let config = EmailValidationConfig {
        require_top_level_domain,
        allow_domain_literal,
        blocked_emails,
    };
    let lookups = Lookups {
        is_free_email,
        is_disposable_email,
        has_mx_records,
        has_gravatar,
        raised: RefCell::new(None),
    };
    let decision = email_validator::is_valid_email(candidate, &config, &lookups, &Silent)
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    match lookups.raised.into_inner() {
        Some(error) => Err(error),
        None => Ok(decision.to_json()),
    }
}

/// Says whether an e-mail address is well formed and whether a sign-up form should take it.
#[pymodule]
fn ferrule_email_validator_ext(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    // Set by whoever makes a release; everybody else builds "unreleased".
    module.add("__build_info__", BUILD_INFO)?;
    module.add_function(wrap_pyfunction!(is_valid_email, module)?)
}

const BUILD_INFO: &str = env!("EMAIL_VALIDATOR_BUILD_INFO");
