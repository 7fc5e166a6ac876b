//! The options as a C caller writes them.

use std::ffi::c_char;
use std::iter;

use boundary::{Region, Versioned, memory};
use email_validator::EmailValidationConfig;

use crate::status::{EmailValidatorStatus as Status, Failure};
use crate::{EMAIL_VALIDATOR_MAX_COUNT, EMAIL_VALIDATOR_MAX_LENGTH, MAX_TOTAL_LENGTH};

/// A text of the caller: UTF-8, its length in bytes, no NUL needed. An empty text may be null.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct EmailValidatorText {
    /// Where it starts.
    pub data: *const c_char,
    /// How many bytes it has; at most `EMAIL_VALIDATOR_MAX_LENGTH`.
    pub length: usize,
}

impl EmailValidatorText {
    /// # Safety
    ///
    /// `data` is null or points to `length` bytes that nobody changes during `'a`.
    pub(crate) unsafe fn read<'a>(self, what: &str) -> Result<&'a str, Failure> {
        // SAFETY: the caller's promise.
        unsafe { memory::text(self.data, self.length, EMAIL_VALIDATOR_MAX_LENGTH, what) }
    }

    pub(crate) fn region(self) -> Region {
        Region::of(self.data, self.length)
    }
}

/// What to demand of an address.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct EmailValidatorOptions {
    /// `sizeof(EmailValidatorOptions)`.
    pub struct_size: u32,
    /// 1 refuses a domain of a single label, such as `localhost`; 0 accepts it.
    pub require_top_level_domain: u8,
    /// 1 accepts an address literal as the domain, such as `[192.0.2.1]`; 0 refuses it.
    pub allow_domain_literal: u8,
    /// Must be 0.
    pub reserved: [u8; 2],
    /// The types to refuse: `FREE`, `DISPOSABLE`, `NO_MX_RECORDS`, `NO_GRAVATAR`, `INVALID`. An address that is not
    /// well formed is refused as `INVALID` even if that is not named. Null if there are none.
    pub blocked_emails: *const EmailValidatorText,
    /// How many there are; at most `EMAIL_VALIDATOR_MAX_COUNT`, with 64 MiB together.
    pub blocked_emails_count: usize,
}

// SAFETY: it starts with a `u32`; null and 0 are valid.
unsafe impl Versioned for EmailValidatorOptions {
    const FIRST_SIZE: usize = 8 + 2 * size_of::<*const ()>();
}

/// What a caller wrote, and the memory it was read from.
pub(crate) struct Written {
    pub(crate) config: EmailValidationConfig,
    pub(crate) regions: Vec<Region>,
}

impl Written {
    /// # Safety
    ///
    /// The structure and all it points to are what the header says, and nobody changes them meanwhile.
    pub(crate) unsafe fn read(pointer: *const EmailValidatorOptions) -> Result<Self, Failure> {
        // SAFETY: the caller's promise.
        let options = unsafe { memory::versioned(pointer, "options")? };
        if options.reserved != [0, 0] {
            return Err(Failure::new(
                Status::InvalidStruct,
                "the reserved field of the options is not 0",
            ));
        }
        let (blocked, count) = (options.blocked_emails, options.blocked_emails_count);
        // SAFETY: the caller's promise.
        let names = unsafe { memory::array(blocked, count, EMAIL_VALIDATOR_MAX_COUNT, "blocked_emails")? };
        let config = EmailValidationConfig {
            require_top_level_domain: flag(options.require_top_level_domain, "require_top_level_domain")?,
            allow_domain_literal: flag(options.allow_domain_literal, "allow_domain_literal")?,
            // SAFETY: the caller's promise.
            blocked_emails: unsafe { read_all(names, "a name in blocked_emails")? }
                .into_iter()
                .map(str::to_owned)
                .collect(),
        };
        // SAFETY: `versioned` has read it.
        let own = unsafe { Region::of_versioned(pointer) };
        let mut regions = vec![own, Region::of(names.as_ptr(), names.len())];
        regions.extend(names.iter().map(|name| name.region()));
        Ok(Self { config, regions })
    }
}

/// Reads an array of texts; a failure says at which place, or that together they are too long.
///
/// # Safety
///
/// Every text is what the header says, and nobody changes it during `'a`.
pub(crate) unsafe fn read_all<'a>(texts: &[EmailValidatorText], what: &str) -> Result<Vec<&'a str>, Failure> {
    let mut total = 0;
    let read = |(index, text): (usize, &EmailValidatorText)| {
        // SAFETY: the caller's promise.
        let text = unsafe { text.read(what) }.map_err(|failure| failure.at(index))?;
        total += text.len();
        if total > MAX_TOTAL_LENGTH {
            let message = format_args!("all texts together are longer than {MAX_TOTAL_LENGTH} bytes");
            return Err(Failure::new(Status::TooLong, message).at(index));
        }
        Ok(text)
    };
    texts.iter().enumerate().map(read).collect()
}

/// Texts in memory of ours, which no callback changes: one piece for all.
pub(crate) struct Copies {
    text: String,
    ends: Vec<usize>,
}

impl Copies {
    pub(crate) fn of(texts: &[&str]) -> Self {
        let end = |so_far: &mut usize, text: &&str| {
            *so_far += text.len();
            Some(*so_far)
        };
        Self {
            text: texts.concat(),
            ends: texts.iter().scan(0, end).collect(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(start, end)| &self.text[*start..*end])
    }
}

fn flag(value: u8, name: &str) -> Result<bool, Failure> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Failure::new(
            Status::InvalidStruct,
            format_args!("{name} is neither 0 nor 1"),
        )),
    }
}
