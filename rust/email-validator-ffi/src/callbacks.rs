//! The caller's functions: the look-ups, the log and the observer.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_void};
use std::time::Duration;

use boundary::{Observer, Release, Versioned};
use email_validator::{EmailType, Logger, Overrides};

// The full name too: the header shows it in the signature of the observer.
use crate::status::{EmailValidatorStatus, EmailValidatorStatus as Status, Failure};

/// How important a message is.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailValidatorLogLevel {
    /// Detail for whoever looks for a fault.
    Debug = 0,
    /// An event of ordinary work.
    Log = 1,
    /// Something that works and probably is not meant.
    Warn = 2,
    /// Something that does not work.
    Error = 3,
}

/// A look-up: returns 1 for yes and 0 for no. Any other value ends the call with
/// `EMAIL_VALIDATOR_STATUS_CALLBACK_FAILED`.
///
/// `text` is UTF-8, has `length` bytes and a NUL after them, and is gone when the function returns.
pub type EmailValidatorLookup =
    Option<unsafe extern "C" fn(user_data: *mut c_void, text: *const c_char, length: usize) -> i32>;

/// Takes a message for the people who run the service. No message holds an address or a part of one.
///
/// `message` is UTF-8, has `length` bytes and a NUL after them, and is gone when the function returns.
pub type EmailValidatorLog = Option<
    unsafe extern "C" fn(user_data: *mut c_void, level: EmailValidatorLogLevel, message: *const c_char, length: usize),
>;

/// Told after each call of `email_validator_new`, `email_validator_check` and `email_validator_check_batch`: the
/// function's name (static, with a NUL), how long it took, and what it returns.
pub type EmailValidatorObserve = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        function: *const c_char,
        duration_nanoseconds: u64,
        status: EmailValidatorStatus,
    ),
>;

/// Told, once, that the library calls none of the functions any more and does not use `user_data` again: when the
/// validator is freed, and every call has ended that may call them. It is called in the thread in which that happened,
/// may call the library in turn, and leaves no message.
///
/// It is not called if `email_validator_new` fails: then the library has kept nothing, and all is still the caller's.
pub type EmailValidatorRelease = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// The caller's functions. All may be null, except those that `blocked_emails` needs.
///
/// They are called from the thread that called the library, so from several at once where a validator is shared, and
/// may call the library in turn, and also free the validator that called them. They must return: no C++ exception and
/// no longjmp may leave them.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct EmailValidatorCallbacks {
    /// `sizeof(EmailValidatorCallbacks)`.
    pub struct_size: u32,
    /// Must be 0.
    pub reserved: u32,
    /// Handed to every function as it is. It must stay usable until `release` is called: until the
    /// validator is freed, and, where a callback frees it, until the call that was running has ended.
    pub user_data: *mut c_void,
    /// Whether anybody can open a mailbox at this domain free of charge. Needed for `FREE`.
    pub is_free_email: EmailValidatorLookup,
    /// Whether the domain hands out mailboxes meant to be thrown away. Needed for `DISPOSABLE`.
    pub is_disposable_email: EmailValidatorLookup,
    /// Whether the domain says who receives its mail. Needed for `NO_MX_RECORDS`.
    pub has_mx_records: EmailValidatorLookup,
    /// Whether the address has a Gravatar picture. Needed for `NO_GRAVATAR`.
    pub has_gravatar: EmailValidatorLookup,
    /// Takes the messages.
    pub log: EmailValidatorLog,
    /// Takes the measurements.
    pub observe: EmailValidatorObserve,
    /// Told when the functions are needed no more. May be null; a structure that ends before it has none.
    pub release: EmailValidatorRelease,
}

// SAFETY: it starts with a `u32`; null pointers, null functions and 0 are valid.
unsafe impl Versioned for EmailValidatorCallbacks {
    const FIRST_SIZE: usize = 8 + 7 * size_of::<*const ()>();
}

/// Callbacks that were checked, and belong to a validator.
#[derive(Clone)]
pub(crate) struct Callbacks {
    functions: EmailValidatorCallbacks,
    release: Release,
}

// SAFETY: the functions and what `user_data` points to may be used from any thread at once: the header asks this of
// every caller, and nothing here changes them.
unsafe impl Send for Callbacks {}
// SAFETY: as above.
unsafe impl Sync for Callbacks {}

impl Callbacks {
    pub(crate) const NONE: EmailValidatorCallbacks = EmailValidatorCallbacks {
        struct_size: 0,
        reserved: 0,
        user_data: std::ptr::null_mut(),
        is_free_email: None,
        is_disposable_email: None,
        has_mx_records: None,
        has_gravatar: None,
        log: None,
        observe: None,
        release: None,
    };

    pub(crate) fn new(functions: EmailValidatorCallbacks) -> Result<Self, Failure> {
        if functions.reserved != 0 {
            return Err(Failure::new(
                Status::InvalidStruct,
                "the reserved field of the callbacks is not 0",
            ));
        }
        // SAFETY: the header asks this of every caller.
        let release = unsafe { Release::new(functions.release, functions.user_data) };
        Ok(Self { functions, release })
    }

    /// From now on they are the library's, which says when it needs them no more.
    pub(crate) fn accept(&self) {
        self.release.accept();
    }

    /// A blocked type whose look-up is missing would silently never apply, so it is refused.
    pub(crate) fn serve(&self, blocked: &[EmailType]) -> Result<(), Failure> {
        let missing = |email_type: &&EmailType| match email_type {
            EmailType::Free => self.functions.is_free_email.is_none(),
            EmailType::Disposable => self.functions.is_disposable_email.is_none(),
            EmailType::NoMxRecords => self.functions.has_mx_records.is_none(),
            EmailType::NoGravatar => self.functions.has_gravatar.is_none(),
            EmailType::Invalid => false,
        };
        match blocked.iter().find(missing) {
            Some(email_type) => Err(Failure::new(
                Status::MissingCallback,
                format_args!("{email_type} needs a callback, which is null"),
            )),
            None => Ok(()),
        }
    }

    fn log(&self, level: EmailValidatorLogLevel, message: &str) {
        let Some(log) = self.functions.log else { return };
        // Our messages hold no NUL; one that did would be dropped rather than cut.
        let Ok(message) = CString::new(message) else { return };
        // SAFETY: the header says how the function is called, and so it is; the message lives until it returns.
        unsafe { log(self.functions.user_data, level, message.as_ptr(), message.count_bytes()) }
    }
}

impl Observer<Status> for Callbacks {
    fn is_observed(&self) -> bool {
        self.functions.observe.is_some()
    }

    fn observe(&self, function: &'static CStr, duration: Duration, status: Status) {
        if let Some(observe) = self.functions.observe {
            let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
            // SAFETY: the header says how the function is called, and so it is; the name is static.
            unsafe { observe(self.functions.user_data, function.as_ptr(), nanoseconds, status) }
        }
    }
}

impl Logger for Callbacks {
    fn debug(&self, message: &str) {
        self.log(EmailValidatorLogLevel::Debug, message);
    }

    fn log(&self, message: &str) {
        self.log(EmailValidatorLogLevel::Log, message);
    }

    fn warn(&self, message: &str) {
        self.log(EmailValidatorLogLevel::Warn, message);
    }

    fn error(&self, message: &str) {
        self.log(EmailValidatorLogLevel::Error, message);
    }
}

/// The look-ups during one call, which remember whether one of them failed.
pub(crate) struct Lookups<'a> {
    callbacks: &'a Callbacks,
    failed: Cell<bool>,
}

impl<'a> Lookups<'a> {
    pub(crate) fn new(callbacks: &'a Callbacks) -> Self {
        Self {
            callbacks,
            failed: Cell::new(false),
        }
    }

    /// A decision counts only if every look-up behind it gave an answer.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        if self.failed.get() {
            return Err(Failure::new(
                Status::CallbackFailed,
                "a look-up returned neither 0 nor 1",
            ));
        }
        Ok(())
    }

    /// After a failure the rest is not asked: the decision is lost anyway.
    fn ask(&self, lookup: EmailValidatorLookup, text: &str) -> bool {
        if self.failed.get() {
            return false;
        }
        let answer = self.call(lookup, text);
        self.failed.set(!matches!(answer, Some(0 | 1)));
        answer == Some(1)
    }

    fn call(&self, lookup: EmailValidatorLookup, text: &str) -> Option<i32> {
        let text = CString::new(text).ok()?;
        // SAFETY: the header says how the function is called, and so it is; the text lives until it returns.
        Some(unsafe { lookup?(self.callbacks.functions.user_data, text.as_ptr(), text.count_bytes()) })
    }
}

impl Overrides for Lookups<'_> {
    fn is_free_email(&self, domain: &str) -> bool {
        self.ask(self.callbacks.functions.is_free_email, domain)
    }

    fn is_disposable_email(&self, domain: &str) -> bool {
        self.ask(self.callbacks.functions.is_disposable_email, domain)
    }

    fn has_mx_records(&self, domain: &str) -> bool {
        self.ask(self.callbacks.functions.has_mx_records, domain)
    }

    fn has_gravatar(&self, email: &str) -> bool {
        self.ask(self.callbacks.functions.has_gravatar, email)
    }
}
