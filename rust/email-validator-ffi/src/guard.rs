//! What happens around every call that can fail: panics are contained, the message is kept, the observer is told.

use std::ffi::CStr;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use crate::callbacks::Callbacks;
use crate::last_error;
use crate::status::{EmailValidatorStatus as Status, Failure};

/// Runs the body of an exported function. Nobody pays for a clock unless somebody observes.
pub(crate) fn call(
    function: &'static CStr,
    callbacks: Option<&Callbacks>,
    body: impl FnOnce() -> Result<(), Failure>,
) -> Status {
    let Some(callbacks) = callbacks.filter(|callbacks| callbacks.is_observed()) else {
        return last_error::record(contain(body));
    };
    let started = Instant::now();
    let outcome = contain(body);
    let duration = started.elapsed();
    let status = outcome.as_ref().err().map_or(Status::Ok, |failure| failure.status);
    callbacks.observe(function, duration, status);
    // After the observer, which may have called the library itself and would have left its own message.
    last_error::record(outcome)
}

/// Unwind safety is asserted because a validator never changes after it was made: there is nothing to leave half done.
pub(crate) fn contain<T>(body: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        // Dropping it could panic again, now without a guard.
        mem::forget(payload);
        Err(Failure::new(
            Status::Internal,
            "a fault inside the library; the address may be the reason",
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_status() {
        let status = call(c"test", None, || panic!("on purpose"));
        assert_eq!(status, Status::Internal);
    }
}
