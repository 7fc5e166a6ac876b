//! The vectors through the C functions.

#[path = "../../../vectors/reader.rs"]
mod reader;

use std::ffi::{c_char, c_void};
use std::ptr;

use reader::{Lists, Vector, vectors};

use super::{EmailValidatorCallbacks, EmailValidatorText, Handle, Status, callbacks, options, received, text};

/// One look-up per list; which list it is, is the type parameter's only job.
unsafe extern "C" fn is_listed<const LIST: usize>(user_data: *mut c_void, asked: *const c_char, length: usize) -> i32 {
    // SAFETY: `functions` put the lists there, and they outlive the validator.
    let lists = unsafe { &*user_data.cast::<Lists>() };
    // SAFETY: they come from the library.
    let asked = unsafe { received(asked, length) };
    let list = [&lists.free, &lists.disposable, &lists.mx, &lists.gravatar][LIST];
    i32::from(list.iter().any(|listed| listed == asked))
}

fn functions(lists: &Lists) -> EmailValidatorCallbacks {
    EmailValidatorCallbacks {
        user_data: ptr::from_ref(lists).cast_mut().cast(),
        is_free_email: Some(is_listed::<0>),
        is_disposable_email: Some(is_listed::<1>),
        has_mx_records: Some(is_listed::<2>),
        has_gravatar: Some(is_listed::<3>),
        ..callbacks()
    }
}

fn handle(vector: &Vector) -> Result<Handle, String> {
    let blocked: Vec<EmailValidatorText> = vector.blocked_emails.iter().map(|name| text(name.as_bytes())).collect();
    let mut options = options(&blocked);
    options.require_top_level_domain = vector.require_top_level_domain.into();
    options.allow_domain_literal = vector.allow_domain_literal.into();
    Handle::new(&options, &functions(&vector.lists)).map_err(|(status, message)| {
        assert_eq!(status, Status::UnknownEmailType);
        message
    })
}

#[test]
fn every_vector_gives_what_it_says() {
    for vector in vectors() {
        let decision = handle(&vector).map(|handle| handle.check(vector.candidate.as_bytes()).expect("a decision"));
        assert_eq!(decision, vector.expected, "{}: {:?}", vector.name, vector.candidate);
    }
}

#[test]
fn a_batch_of_one_gives_the_same_in_brackets() {
    for vector in vectors() {
        let Ok(handle) = handle(&vector) else { continue };
        let decisions = handle.check_batch(&[vector.candidate.as_bytes()]).expect("decisions");
        assert_eq!(
            Ok(decisions),
            vector.expected.map(|decision| format!("[{decision}]")),
            "{}",
            vector.name
        );
    }
}
