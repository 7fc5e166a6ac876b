//! What every C interface of this workspace does alike.
//!
//! `memory` checks the caller's pointers, `guard` contains panics and tells the observer, `last_error` keeps the
//! message of each thread, `release` says when the caller's functions are needed no more. A library brings its own closed
//! enum of statuses, of which [`Status`] names the ones that are given here. `unsafe` code is in `memory`, `release` and
//! `last_error::copy` alone.

pub mod guard;
pub mod last_error;
pub mod memory;
mod release;
mod status;

pub use guard::Observer;
pub use memory::{BytesOut, Out, Region, TextOut, Versioned};
pub use release::{Release, ReleaseFunction};
pub use status::{Failure, MAX_MESSAGE, Status, cut};
