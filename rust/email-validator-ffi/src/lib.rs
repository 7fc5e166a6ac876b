//! The C interface of email-validator: checks what comes in, calls the core, hands out what comes back.
//!
//! The exported functions are below, in the order of the header. `unsafe` code stays where foreign memory is touched:
//! here, in the crate `boundary` and around the calls in `callbacks`.

mod callbacks;
mod handle;
mod options;
mod status;
#[cfg(test)]
mod tests;

use std::ffi::{CStr, c_char};

use boundary::{Out, Region, TextOut, guard, last_error, memory};

pub use callbacks::{
    EmailValidatorCallbacks, EmailValidatorLog, EmailValidatorLogLevel, EmailValidatorLookup, EmailValidatorObserve,
    EmailValidatorRelease,
};
pub use handle::EmailValidator;
pub use options::{EmailValidatorOptions, EmailValidatorText};
pub use status::EmailValidatorStatus;

use callbacks::Callbacks;
use options::{Copies, Written};
use status::Failure;

/// The version of this interface. A library with another number must not be used with this header.
pub const EMAIL_VALIDATOR_ABI_VERSION: u32 = 1;

/// The most bytes a text may have, 1 MiB. An address that could be valid is far shorter; the limit catches lengths
/// that come from a negative number.
pub const EMAIL_VALIDATOR_MAX_LENGTH: usize = 1_048_576;

/// The most bytes that all texts of an array may have together: 64 MiB, as the header says where it counts.
///
/// cbindgen:ignore
pub(crate) const MAX_TOTAL_LENGTH: usize = 67_108_864;

/// The most items an array may have.
pub const EMAIL_VALIDATOR_MAX_COUNT: usize = 1_048_576;

const BUILD_INFO: &CStr = match CStr::from_bytes_with_nul(concat!(env!("BUILD_INFO"), "\0").as_bytes()) {
    Ok(info) => info,
    Err(_) => panic!("the build information holds a NUL"),
};

/// The `EMAIL_VALIDATOR_ABI_VERSION` the library was built with.
#[unsafe(no_mangle)]
pub extern "C" fn email_validator_abi_version() -> u32 {
    EMAIL_VALIDATOR_ABI_VERSION
}

/// What this library is: a JSON object with `name`, `version`, `commit`, `fingerprint`, `interface`, `target`,
/// `rustc` (texts) and `dependencies` (name to version).
///
/// The text ends with a NUL, is valid as long as the library is loaded, and is not freed.
#[unsafe(no_mangle)]
pub extern "C" fn email_validator_build_info() -> *const c_char {
    BUILD_INFO.as_ptr()
}

/// Makes a validator and writes it to `validator`. It is freed with `email_validator_free`.
///
/// `callbacks` may be null if no blocked type needs a look-up. Both structures and all they point to are copied;
/// only `user_data` is kept as it is.
///
/// # Safety
///
/// Each pointer is null or points to what its type says; a structure has as many bytes as its `struct_size`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn email_validator_new(
    options: *const EmailValidatorOptions,
    callbacks: *const EmailValidatorCallbacks,
    validator: *mut *mut EmailValidator,
) -> EmailValidatorStatus {
    // SAFETY: the caller's promise.
    let functions = guard::contain(|| unsafe { read_callbacks(callbacks) });
    let observer = functions.as_ref().ok().cloned();
    guard::call(c"email_validator_new", observer.as_ref(), || {
        let functions = functions?;
        // SAFETY: the caller's promise.
        let written = unsafe { Written::read(options)? };
        let out = Out::new(validator, "validator")?;
        // SAFETY: null, or read by `read_callbacks`.
        let of_callbacks = unsafe { Region::of_versioned(callbacks) };
        out.apart_from(written.regions.into_iter().chain([of_callbacks]))?;
        let validator = EmailValidator::new(&written.config, functions)?;
        validator.callbacks().accept();
        // SAFETY: the caller's promise.
        unsafe { out.write(memory::new_handle(validator)) };
        Ok(())
    })
}

/// Ends a validator. Null is allowed and does nothing. A callback may free the validator that called it: the call ends
/// as any other, may still call the callbacks, and only then is the validator gone.
///
/// # Safety
///
/// `validator` is null or comes from `email_validator_new`, was not freed before, and no other thread uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn email_validator_free(validator: *mut EmailValidator) {
    // SAFETY: the caller's promise.
    guard::end(|| unsafe { memory::release_handle(validator) });
}

/// Decides about one address. Writes the decision to `decision` and its length to `decision_length`.
///
/// The decision is JSON in UTF-8, `{"decision":"Allowed"}` or `{"decision":"Denied","blocked":["FREE"]}`, the blocked
/// types in the order of the options' documentation. A NUL follows, which the length does not count; a caller that
/// does not need the length passes null. The text is freed with `email_validator_string_free`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says; `candidate` to `candidate_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn email_validator_check(
    validator: *const EmailValidator,
    candidate: *const c_char,
    candidate_length: usize,
    decision: *mut *mut c_char,
    decision_length: *mut usize,
) -> EmailValidatorStatus {
    // SAFETY: the caller's promise.
    let handle = unsafe { memory::handle(validator, "validator") };
    let observer = handle.as_deref().ok().map(EmailValidator::callbacks);
    guard::call(c"email_validator_check", observer, || {
        let handle = handle.as_deref().map_err(Failure::clone)?;
        let result = TextOut::new(decision, decision_length, "decision")?;
        // SAFETY: the caller's promise.
        let text = unsafe { memory::text(candidate, candidate_length, EMAIL_VALIDATOR_MAX_LENGTH, "candidate")? };
        // A copy: a callback may change the caller's memory, which is checked only once.
        let text = text.to_owned();
        result.apart_from([Region::of(validator, 1), Region::of(candidate, candidate_length)])?;
        // SAFETY: the caller's promise.
        unsafe { result.write(handle.check(&text)?) }
    })
}

/// Decides about many addresses in one call. Writes a JSON array to `decisions`, in the order of the addresses; each
/// item is what `email_validator_check` gives. Length, NUL and freeing are as there.
///
/// All texts are copied and checked before the first look-up is made; together they may have at most 64 MiB, beyond
/// which the call ends with `EMAIL_VALIDATOR_STATUS_TOO_LONG`. If one cannot be read, or a look-up fails, there is no
/// result for any, and the message names the item, counted from 0.
///
/// # Safety
///
/// Each pointer is null or points to what its type says; `candidates` to `count` texts.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn email_validator_check_batch(
    validator: *const EmailValidator,
    candidates: *const EmailValidatorText,
    count: usize,
    decisions: *mut *mut c_char,
    decisions_length: *mut usize,
) -> EmailValidatorStatus {
    // SAFETY: the caller's promise.
    let handle = unsafe { memory::handle(validator, "validator") };
    let observer = handle.as_deref().ok().map(EmailValidator::callbacks);
    guard::call(c"email_validator_check_batch", observer, || {
        let handle = handle.as_deref().map_err(Failure::clone)?;
        let result = TextOut::new(decisions, decisions_length, "decision")?;
        // SAFETY: the caller's promise.
        let texts = unsafe { memory::array(candidates, count, EMAIL_VALIDATOR_MAX_COUNT, "candidates")? };
        // SAFETY: the caller's promise.
        let all = Copies::of(&unsafe { options::read_all(texts, "the candidate")? });
        let own = [Region::of(validator, 1), Region::of(candidates, count)];
        result.apart_from(own.into_iter().chain(texts.iter().map(|text| text.region())))?;
        // SAFETY: the caller's promise.
        unsafe { result.write(handle.check_batch(all.iter())?) }
    })
}

/// Frees a text that this library handed out. Null is allowed and does nothing.
///
/// # Safety
///
/// `text` is null or comes from `email_validator_check` or `email_validator_check_batch`, and was not freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn email_validator_string_free(text: *mut c_char) {
    // SAFETY: the caller's promise.
    guard::end(|| unsafe { memory::free_text(text) });
}

/// Copies the message of the last call in this thread that returned a status, empty if that was
/// `EMAIL_VALIDATOR_STATUS_OK`, and a NUL to `buffer`. What does not fit is cut between two characters.
///
/// Returns the length of the whole message without the NUL, so that `email_validator_last_error(NULL, 0) + 1` is the
/// size to provide.
///
/// # Safety
///
/// `buffer` is null, or `length` bytes may be written there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn email_validator_last_error(buffer: *mut c_char, length: usize) -> usize {
    // SAFETY: the caller's promise.
    unsafe { last_error::copy(buffer, length) }
}

/// # Safety
///
/// The pointer is null or points to what its type says.
unsafe fn read_callbacks(callbacks: *const EmailValidatorCallbacks) -> Result<Callbacks, Failure> {
    if callbacks.is_null() {
        return Callbacks::new(Callbacks::NONE);
    }
    // SAFETY: the caller's promise.
    Callbacks::new(unsafe { memory::versioned(callbacks, "callbacks")? })
}
