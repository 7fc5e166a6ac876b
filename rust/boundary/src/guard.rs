//! What happens around every call that can fail: panics are contained, the message is kept, the observer is told.

use std::ffi::CStr;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::last_error;
use crate::status::{Failure, Status};

/// Whoever wants to know of each call: its name, how long it took and what it returns.
pub trait Observer<S> {
    /// Whether anybody listens; nobody pays for a clock otherwise.
    fn is_observed(&self) -> bool;
    /// Told after the call, before it returns.
    fn observe(&self, function: &'static CStr, duration: Duration, status: S);
}

/// Runs the body of an exported function, and keeps its message for the thread.
pub fn call<S: Status>(
    function: &'static CStr,
    observer: Option<&impl Observer<S>>,
    body: impl FnOnce() -> Result<(), Failure<S>>,
) -> S {
    let Some(observer) = observer.filter(|observer| observer.is_observed()) else {
        return last_error::record(contain(body));
    };
    let started = Instant::now();
    let outcome = contain(body);
    let duration = started.elapsed();
    let status = outcome.as_ref().err().map_or(S::OK, |failure| failure.status);
    observer.observe(function, duration, status);
    // After the observer, which may have called the library itself and would have left its own message.
    last_error::record(outcome)
}

/// Ends something: there is no status to return, and a panic is not let out either.
pub fn end(body: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
        // Dropping it could panic again, now without a guard.
        mem::forget(payload);
    }
}

/// Turns a panic into a failure.
///
/// Unwind safety is asserted: what lies behind a handle either never changes after it was made, or is left unusable by
/// the owner of the lock when a call ends in the middle.
///
/// # Errors
///
/// What the body returns, and `INTERNAL` for a panic.
pub fn contain<T, S: Status>(body: impl FnOnce() -> Result<T, Failure<S>>) -> Result<T, Failure<S>> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        // Dropping it could panic again, now without a guard.
        mem::forget(payload);
        Err(Failure::new(S::INTERNAL, S::FAULT))
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::ffi::CStr;
    use std::time::Duration;

    use super::{Observer, call, end};
    use crate::status::{Failure, Status};

    impl Status for i32 {
        const OK: Self = 0;
        const NULL_POINTER: Self = 1;
        const MISALIGNED: Self = 2;
        const OVERLAP: Self = 3;
        const TOO_LONG: Self = 4;
        const NOT_UTF8: Self = 5;
        const INVALID_STRUCT: Self = 6;
        const INTERNAL: Self = 7;
        const FAULT: &'static str = "a fault";
    }

    #[derive(Default)]
    struct Note(Cell<Option<i32>>);

    impl Observer<i32> for Note {
        fn is_observed(&self) -> bool {
            true
        }

        fn observe(&self, function: &'static CStr, _: Duration, status: i32) {
            assert_eq!(function, c"test");
            self.0.set(Some(status));
        }
    }

    #[test]
    fn a_panic_at_the_end_stays_inside() {
        end(|| panic!("on purpose"));
    }

    #[test]
    fn a_panic_becomes_a_status_and_is_observed() {
        let note = Note::default();
        assert_eq!(call::<i32>(c"test", Some(&note), || panic!("on purpose")), 7);
        assert_eq!(note.0.get(), Some(7));
        assert_eq!(call::<i32>(c"test", None::<&Note>, || Err(Failure::new(3, "no"))), 3);
        assert_eq!(call::<i32>(c"test", Some(&note), || Ok(())), 0);
        assert_eq!(note.0.get(), Some(0));
    }
}
