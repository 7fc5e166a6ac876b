//! The C interface of email-validator.

use std::cell::Cell;
use std::ffi::{c_char, c_void};
use std::{ptr, slice};

use email_validator_ffi::{
    EMAIL_VALIDATOR_MAX_COUNT, EMAIL_VALIDATOR_MAX_LENGTH, EmailValidator, EmailValidatorCallbacks,
    EmailValidatorLogLevel, EmailValidatorOptions, EmailValidatorStatus, EmailValidatorText,
    email_validator_abi_version, email_validator_build_info, email_validator_check, email_validator_check_batch,
    email_validator_free, email_validator_last_error, email_validator_new, email_validator_string_free,
};

use crate::caller::Interface;
use crate::handles::{Handles, Shared};
use crate::{Caller, Functions, owed};

/// By what its calls are checked.
pub const INTERFACE: Interface = Interface {
    statuses: &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    last_error: email_validator_last_error,
};

pub(crate) const WORDS: [&str; 22] = [
    "a",
    "@",
    ".",
    "example.com",
    "localhost",
    "[",
    "]",
    "127.0.0.1",
    "IPv6:",
    "::1",
    "\"",
    "\\",
    "(",
    ")",
    "xn--",
    "-",
    "ä",
    "ß",
    "\u{200d}",
    "İ",
    " ",
    "\0",
];

pub(crate) const TYPES: [&str; 6] = ["FREE", "DISPOSABLE", "NO_MX_RECORDS", "NO_GRAVATAR", "INVALID", "free"];

/// Handles that are shared.
pub type Common = [Shared<EmailValidator>; 2];

/// What one thread works with.
pub struct Session {
    validators: Handles<EmailValidator>,
    texts: Vec<*mut c_char>,
}

impl Session {
    /// A session that uses the common handles too.
    #[must_use]
    pub fn new(common: &Common) -> Self {
        Self {
            validators: Handles::new(email_validator_free, common),
            texts: Vec::new(),
        }
    }

    /// Handles for several sessions.
    #[must_use]
    pub fn common() -> Common {
        let of = |blocked: &[EmailValidatorText]| validator(&options(blocked), &callbacks(owed::user_data()));
        [of(&[]), of(&[text("FREE"), text("NO_GRAVATAR")])].map(|handle| Shared::new(handle, email_validator_free))
    }

    fn give_back(&mut self, text: *mut c_char) {
        self.texts.push(text);
        if self.texts.len() > 2 {
            // SAFETY: it came from the library, and is freed once.
            unsafe { email_validator_string_free(self.texts.remove(0)) };
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for text in self.texts.drain(..) {
            // SAFETY: it came from the library, and is freed once.
            unsafe { email_validator_string_free(text) };
        }
    }
}

/// Every function of the header.
pub const FUNCTIONS: &Functions<Session> = &[
    ("email_validator_abi_version", |caller, _| {
        caller.done("email_validator_abi_version", || {
            assert_eq!(email_validator_abi_version(), 1)
        });
    }),
    ("email_validator_build_info", |caller, _| {
        caller.done("email_validator_build_info", || {
            assert!(!email_validator_build_info().is_null())
        });
    }),
    ("email_validator_new", new),
    ("email_validator_free", |caller, session| {
        let handle = match caller.choices.below(3) {
            0 => session.validators.take().unwrap_or_default(),
            1 => ptr::null_mut(),
            _ => caller.handle(&session.validators).map_addr(|address| address | 1),
        };
        // SAFETY: null, misaligned, or a validator that nobody else uses.
        caller.done("email_validator_free", || unsafe { email_validator_free(handle) });
    }),
    ("email_validator_check", check),
    ("email_validator_check_batch", check_batch),
    ("email_validator_string_free", |caller, session| {
        let text = session.texts.pop().unwrap_or(ptr::null_mut());
        // SAFETY: null, or a text that the library handed out.
        caller.done("email_validator_string_free", || unsafe {
            email_validator_string_free(text)
        });
    }),
    ("email_validator_last_error", |caller, _| {
        let (buffer, length) = (caller.output::<c_char>(8, 0), caller.choices.below(9));
        let length = if buffer.1 > 64 { 0 } else { length.min(buffer.1) };
        // SAFETY: the buffer is null or has that length.
        caller.done("email_validator_last_error", || unsafe {
            email_validator_last_error(buffer.0, length);
        });
    }),
];

fn new(caller: &mut Caller<'_>, session: &mut Session) {
    let names: Vec<EmailValidatorText> = (0..caller.choices.below(4)).map(|_| one_text(caller, &TYPES)).collect();
    let names = caller.structures(&names, EMAIL_VALIDATOR_MAX_COUNT);
    let mut wishes = EmailValidatorOptions {
        struct_size: 0,
        require_top_level_domain: caller.choices.pick(&[0, 1, 1, 1, 2, 255]),
        allow_domain_literal: caller.choices.pick(&[0, 1, 1, 1, 2, 255]),
        reserved: [0; 2],
        blocked_emails: names.0,
        blocked_emails_count: names.1,
    };
    wishes.reserved[1] = u8::from(caller.choices.one_in(12));
    let wishes = caller.structure(wishes);
    let user_data = owed::user_data();
    let mut functions = callbacks(user_data);
    if caller.choices.one_in(4) {
        functions.is_free_email = None;
        functions.reserved = u32::from(caller.choices.one_in(4));
    }
    let functions = caller.structure(functions);
    let out = caller.out::<*mut EmailValidator>();
    let call = || {
        // SAFETY: what is neither null nor misaligned is what its type says.
        let status = unsafe { email_validator_new(wishes, functions, out) };
        // SAFETY: it is that of the functions.
        unsafe { owed::settled(user_data, functions, &EmailValidatorStatus::Ok, status) as i32 }
    };
    if caller.call("email_validator_new", call) {
        // SAFETY: the call was done.
        session.validators.keep(unsafe { caller.result(out) });
    }
}

fn check(caller: &mut Caller<'_>, session: &mut Session) {
    if caller.choices.one_in(32) {
        return check_with_an_end(caller, session);
    }
    let handle = caller.handle(&session.validators);
    let address = caller.text(&WORDS, EMAIL_VALIDATOR_MAX_LENGTH);
    let (out, length) = (caller.out(), caller.out());
    // SAFETY: what is neither null nor misaligned is what its type says.
    let call = || unsafe { email_validator_check(handle, address.0, address.1, out, length) } as i32;
    if caller.call("email_validator_check", call) {
        // SAFETY: the call was done.
        session.give_back(unsafe { caller.result(out) });
    }
}

/// A callback frees the validator that called it, as the header allows.
fn check_with_an_end(caller: &mut Caller<'_>, session: &mut Session) {
    let handle = Cell::new(ptr::null_mut::<EmailValidator>());
    let functions = EmailValidatorCallbacks {
        is_free_email: Some(free_the_validator),
        log: None,
        observe: Some(free_and_observe),
        release: None,
        ..callbacks((&raw const handle).cast_mut().cast())
    };
    handle.set(validator(&options(&[text("FREE")]), &functions));
    let address = caller.text(&WORDS, EMAIL_VALIDATOR_MAX_LENGTH);
    let (out, length) = (caller.out(), caller.out());
    let pointer = handle.get();
    // SAFETY: what is neither null nor misaligned is what its type says.
    let call = || unsafe { email_validator_check(pointer, address.0, address.1, out, length) } as i32;
    if caller.call("email_validator_check", call) {
        // SAFETY: the call was done.
        session.give_back(unsafe { caller.result(out) });
    }
    assert!(handle.get().is_null(), "the observer was told");
}

fn check_batch(caller: &mut Caller<'_>, session: &mut Session) {
    let handle = caller.handle(&session.validators);
    let texts: Vec<EmailValidatorText> = (0..caller.choices.below(4)).map(|_| one_text(caller, &WORDS)).collect();
    let texts = caller.structures(&texts, EMAIL_VALIDATOR_MAX_COUNT);
    let (out, length) = (caller.out(), caller.out());
    // SAFETY: what is neither null nor misaligned is what its type says.
    let call = || unsafe { email_validator_check_batch(handle, texts.0, texts.1, out, length) } as i32;
    if caller.call("email_validator_check_batch", call) {
        // SAFETY: the call was done.
        session.give_back(unsafe { caller.result(out) });
    }
}

/// One of the words alone, or a text of several.
fn one_text(caller: &mut Caller<'_>, words: &[&'static str]) -> EmailValidatorText {
    if caller.choices.one_in(3) {
        let (data, length) = caller.text(words, EMAIL_VALIDATOR_MAX_LENGTH);
        return EmailValidatorText { data, length };
    }
    text(caller.choices.pick(words))
}

fn text(text: &'static str) -> EmailValidatorText {
    EmailValidatorText {
        data: text.as_ptr().cast(),
        length: text.len(),
    }
}

fn options(blocked: &[EmailValidatorText]) -> EmailValidatorOptions {
    EmailValidatorOptions {
        struct_size: size_of::<EmailValidatorOptions>() as u32,
        require_top_level_domain: 1,
        allow_domain_literal: 1,
        reserved: [0; 2],
        blocked_emails: blocked.as_ptr(),
        blocked_emails_count: blocked.len(),
    }
}

fn callbacks(user_data: *mut c_void) -> EmailValidatorCallbacks {
    EmailValidatorCallbacks {
        struct_size: size_of::<EmailValidatorCallbacks>() as u32,
        reserved: 0,
        user_data,
        is_free_email: Some(answer),
        is_disposable_email: Some(answer),
        has_mx_records: Some(answer),
        has_gravatar: Some(answer),
        log: Some(log),
        observe: Some(observe),
        release: Some(owed::release),
    }
}

fn validator(options: &EmailValidatorOptions, callbacks: &EmailValidatorCallbacks) -> *mut EmailValidator {
    let mut handle = ptr::null_mut();
    // SAFETY: all three are what their types say.
    let status = unsafe { email_validator_new(options, callbacks, &raw mut handle) };
    assert_eq!(status, EmailValidatorStatus::Ok);
    handle
}

/// Yes, no, and once in a while neither; by the text, so that it is the same in every run.
unsafe extern "C" fn answer(user_data: *mut c_void, text: *const c_char, length: usize) -> i32 {
    // SAFETY: the library hands on what it was given.
    unsafe { owed::check(user_data) };
    // SAFETY: the header promises so many bytes and a NUL.
    let bytes = unsafe { slice::from_raw_parts(text.cast::<u8>(), length + 1) };
    assert_eq!(bytes[length], 0);
    match bytes
        .iter()
        .fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte))
    {
        0..8 => -1,
        sum => i32::from(sum & 1),
    }
}

unsafe extern "C" fn log(user_data: *mut c_void, _: EmailValidatorLogLevel, message: *const c_char, length: usize) {
    // SAFETY: the library hands on what it was given.
    unsafe { owed::check(user_data) };
    // SAFETY: the header promises so many bytes of UTF-8.
    let bytes = unsafe { slice::from_raw_parts(message.cast::<u8>(), length) };
    assert!(str::from_utf8(bytes).is_ok());
}

/// Calls the library in turn.
unsafe extern "C" fn observe(user_data: *mut c_void, name: *const c_char, _: u64, _: EmailValidatorStatus) {
    // SAFETY: the library hands on what it was given.
    unsafe { owed::check(user_data) };
    assert!(!name.is_null());
    // SAFETY: null is allowed everywhere.
    unsafe {
        let _ = email_validator_check(ptr::null(), name, 4, ptr::null_mut(), ptr::null_mut());
    }
}

unsafe extern "C" fn free_the_validator(user_data: *mut c_void, _: *const c_char, _: usize) -> i32 {
    // SAFETY: `check_with_an_end` has made it so; the cell is used by one thread.
    let handle = unsafe { &*user_data.cast::<Cell<*mut EmailValidator>>() };
    // SAFETY: the validator's only end, within the letter of the header.
    unsafe { email_validator_free(handle.replace(ptr::null_mut())) };
    1
}

unsafe extern "C" fn free_and_observe(user_data: *mut c_void, name: *const c_char, _: u64, _: EmailValidatorStatus) {
    // SAFETY: a name with a NUL.
    if unsafe { std::ffi::CStr::from_ptr(name) } == c"email_validator_check" {
        // SAFETY: as above.
        unsafe { free_the_validator(user_data, ptr::null(), 0) };
    }
}
