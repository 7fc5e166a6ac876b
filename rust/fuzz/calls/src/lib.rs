//! Every exported function with arguments that nobody means: null, misaligned, overlapping, huge, from many threads.
//!
//! One driver, fed by a generator (`tests/hostile.rs`, for the sanitizers too) or by a fuzzer (`fuzz_targets`). It stays
//! within the letter of the headers: a pointer that is neither null nor misaligned points to what its type says.

#[macro_use]
mod entries;

pub mod caller;
pub mod choices;
pub mod email_validator;
pub mod handles;
pub mod owed;
pub mod sealed_box;
pub mod signal_stats;
pub mod worlds;

pub use caller::Caller;
pub use choices::Choices;

/// What is called by each name; each of them makes one call that counts.
pub type Functions<S> = [(&'static str, fn(&mut Caller<'_>, &mut S))];
