//! What a caller can get wrong, and the status for it.

use std::ffi::{CStr, c_char, c_void};
use std::mem::offset_of;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{
    ALLOWED, EmailValidator, EmailValidatorCallbacks, EmailValidatorOptions, EmailValidatorText, Handle, INVALID,
    Status, callbacks, email_validator_check, email_validator_check_batch, email_validator_free,
    email_validator_last_error, email_validator_new, email_validator_string_free, last_error, options, outcome, plain,
    size, taken, text, yes,
};
use crate::{
    EMAIL_VALIDATOR_ABI_VERSION, EMAIL_VALIDATOR_MAX_COUNT, EMAIL_VALIDATOR_MAX_LENGTH, MAX_TOTAL_LENGTH,
    email_validator_abi_version, email_validator_build_info,
};

/// One byte past an aligned address, so never aligned for anything wider than a byte.
fn crooked<T>(pointer: *const T) -> *mut T {
    pointer.cast::<u8>().wrapping_add(1).cast::<T>().cast_mut()
}

fn new_refused(options: *const EmailValidatorOptions, callbacks: *const EmailValidatorCallbacks) -> Status {
    let mut validator = ptr::dangling_mut();
    // SAFETY: what the pointers point to lives until the call returns.
    let status = unsafe { email_validator_new(options, callbacks, &raw mut validator) };
    assert_eq!(validator, ptr::dangling_mut(), "a refused call writes nothing");
    status
}

fn check_refused(validator: *const EmailValidator, candidate: *const c_char, length: usize) -> Status {
    let (mut decision, mut decision_length) = (ptr::dangling_mut(), 77);
    // SAFETY: what the pointers point to lives until the call returns.
    let status = unsafe {
        email_validator_check(
            validator,
            candidate,
            length,
            &raw mut decision,
            &raw mut decision_length,
        )
    };
    assert_eq!(
        (decision, decision_length),
        (ptr::dangling_mut(), 77),
        "a refused call writes nothing"
    );
    status
}

fn batch_refused(handle: &Handle, texts: *const EmailValidatorText, count: usize) -> Status {
    let mut decisions = ptr::dangling_mut();
    // SAFETY: what the pointers point to lives until the call returns.
    let status = unsafe { email_validator_check_batch(handle.0, texts, count, &raw mut decisions, ptr::null_mut()) };
    assert_eq!(decisions, ptr::dangling_mut(), "a refused call writes nothing");
    status
}

#[test]
fn null_is_refused_where_something_must_be() {
    let handle = plain();
    assert_eq!(new_refused(ptr::null(), ptr::null()), Status::NullPointer);
    assert_eq!(last_error(), "options is null");
    // SAFETY: null is what is tested.
    let status = unsafe { email_validator_new(&options(&[]), ptr::null(), ptr::null_mut()) };
    assert_eq!(status, Status::NullPointer);
    assert_eq!(check_refused(ptr::null(), c"x".as_ptr(), 1), Status::NullPointer);
    assert_eq!(check_refused(handle.0, ptr::null(), 1), Status::NullPointer);
    // SAFETY: null is what is tested.
    let status = unsafe { email_validator_check(handle.0, c"x".as_ptr(), 1, ptr::null_mut(), ptr::null_mut()) };
    assert_eq!(status, Status::NullPointer);
    assert_eq!(batch_refused(&handle, ptr::null(), 1), Status::NullPointer);
    assert_eq!(
        batch_refused(
            &handle,
            &EmailValidatorText {
                data: ptr::null(),
                length: 1
            },
            1
        ),
        Status::NullPointer
    );
    assert_eq!(last_error(), "item 0: the candidate is null");
}

#[test]
fn null_is_accepted_where_nothing_need_be() {
    let handle = plain();
    let mut decision = ptr::null_mut();
    // SAFETY: an empty text may be null, and so may the place for the length.
    let status = unsafe { email_validator_check(handle.0, ptr::null(), 0, &raw mut decision, ptr::null_mut()) };
    outcome(status).expect("an empty text is a text");
    assert_eq!(taken(decision, INVALID.len()), INVALID);
    assert_eq!(handle.check_batch(&[]), Ok("[]".to_owned()));
    // SAFETY: freeing null does nothing.
    unsafe { email_validator_free(ptr::null_mut()) };
    // SAFETY: freeing null does nothing.
    unsafe { email_validator_string_free(ptr::null_mut()) };
}

#[test]
fn crooked_pointers_are_refused() {
    let (options, callbacks, handle) = (options(&[]), callbacks(), plain());
    let (mut place, mut length): (*mut c_char, usize) = (ptr::null_mut(), 0);
    assert_eq!(
        new_refused(crooked(&raw const options), ptr::null()),
        Status::Misaligned
    );
    assert_eq!(
        new_refused(&raw const options, crooked(&raw const callbacks)),
        Status::Misaligned
    );
    let mut blocked = options;
    (blocked.blocked_emails, blocked.blocked_emails_count) = (crooked([text(b"FREE")].as_ptr()), 1);
    assert_eq!(new_refused(&raw const blocked, ptr::null()), Status::Misaligned);
    let mut validator: *mut EmailValidator = ptr::null_mut();
    // SAFETY: a crooked pointer is what is tested.
    let status = unsafe { email_validator_new(&raw const options, ptr::null(), crooked(&raw mut validator)) };
    assert_eq!(status, Status::Misaligned);
    assert_eq!(check_refused(crooked(handle.0), c"x".as_ptr(), 1), Status::Misaligned);
    let candidate = c"x".as_ptr();
    // SAFETY: a crooked pointer is what is tested.
    let status = unsafe { email_validator_check(handle.0, candidate, 1, crooked(&raw mut place), &raw mut length) };
    assert_eq!(status, Status::Misaligned);
    // SAFETY: a crooked pointer is what is tested.
    let status = unsafe { email_validator_check(handle.0, candidate, 1, &raw mut place, crooked(&raw mut length)) };
    assert_eq!(status, Status::Misaligned);
    assert_eq!(
        batch_refused(&handle, crooked([text(b"x")].as_ptr()), 1),
        Status::Misaligned
    );
    // SAFETY: what is not aligned never came from the library, so nothing is freed.
    unsafe { email_validator_free(crooked(handle.0)) };
}

#[test]
fn results_may_not_fall_on_other_memory_of_the_call() {
    let handle = plain();
    let mut memory = [0_usize; 8];
    let inside: *mut *mut c_char = memory.as_mut_ptr().wrapping_add(1).cast();
    let check = |candidate: *const c_char, decision, length| {
        // SAFETY: the memory is there; that it overlaps is what is tested.
        unsafe { email_validator_check(handle.0, candidate, 64, decision, length) }
    };
    let start: *const c_char = memory.as_ptr().cast();
    let mut elsewhere = ptr::null_mut();
    assert_eq!(check(start, inside, ptr::null_mut()), Status::Overlap);
    assert_eq!(check(start, &raw mut elsewhere, inside.cast()), Status::Overlap);
    assert_eq!(check([0; 64].as_ptr(), inside, inside.cast()), Status::Overlap);
    assert_eq!(
        check([0; 64].as_ptr(), handle.0.cast(), ptr::null_mut()),
        Status::Overlap
    );
    assert_eq!(
        handle.check(b"joe@example.com"),
        Ok(ALLOWED.to_owned()),
        "the validator is whole"
    );
}

#[test]
fn results_of_a_batch_may_not_fall_on_its_texts() {
    let handle = plain();
    let mut memory = [0_usize; 2];
    let place: *mut *mut c_char = memory.as_mut_ptr().cast();
    let mut texts = [EmailValidatorText {
        data: place.cast(),
        length: 8,
    }];
    // SAFETY: the memory is there; that it overlaps is what is tested.
    let status = unsafe { email_validator_check_batch(handle.0, texts.as_ptr(), 1, place, ptr::null_mut()) };
    assert_eq!(status, Status::Overlap);
    let place = texts.as_mut_ptr();
    // SAFETY: the memory is there; that it overlaps is what is tested.
    let status = unsafe { email_validator_check_batch(handle.0, place, 1, place.cast(), ptr::null_mut()) };
    assert_eq!(status, Status::Overlap);
}

#[test]
fn a_validator_may_not_be_written_over_its_options() {
    let mut options = options(&[]);
    let place = (&raw mut options)
        .cast::<u8>()
        .wrapping_add(offset_of!(EmailValidatorOptions, blocked_emails));
    // SAFETY: the memory is there; that it overlaps is what is tested.
    let status = unsafe { email_validator_new(&raw const options, ptr::null(), place.cast()) };
    assert_eq!(status, Status::Overlap);
}

#[test]
fn a_validator_may_not_be_written_over_the_tail_of_longer_structures() {
    #[repr(C)]
    struct Newer<T> {
        ours: T,
        tail: [usize; 2],
    }
    let with = |over_options: bool| {
        let tail = [0; 2];
        let (ours, functions) = (options(&[]), callbacks());
        let (mut options, mut callbacks) = (Newer { ours, tail }, Newer { ours: functions, tail });
        options.ours.struct_size = size(size_of_val(&options));
        callbacks.ours.struct_size = size(size_of_val(&callbacks));
        let place = if over_options {
            &raw mut options.tail[1]
        } else {
            &raw mut callbacks.tail[1]
        };
        // SAFETY: the memory is there; that it overlaps is what is tested.
        unsafe { email_validator_new((&raw const options).cast(), (&raw const callbacks).cast(), place.cast()) }
    };
    assert_eq!([with(true), with(false)], [Status::Overlap; 2]);
}

#[test]
fn an_empty_text_overlaps_with_nothing() {
    let handle = plain();
    let mut place = [ptr::null_mut::<c_char>(); 2];
    let inside = place.as_mut_ptr().cast::<u8>().wrapping_add(1);
    // SAFETY: no byte of the text is read.
    let status = unsafe { email_validator_check(handle.0, inside.cast(), 0, place.as_mut_ptr(), ptr::null_mut()) };
    assert_eq!(status, Status::Ok);
    assert_eq!(taken(place[0], INVALID.len()), INVALID);
}

#[test]
fn a_callback_may_free_its_own_validator() {
    unsafe extern "C" fn free(user_data: *mut c_void, _: *const c_char, _: usize) -> i32 {
        // SAFETY: the test put the pointer there, and refers to it by pointers alone.
        let validator = unsafe { user_data.cast::<*mut EmailValidator>().replace(ptr::null_mut()) };
        // SAFETY: from the library, and freed here alone; null the next time.
        unsafe { email_validator_free(validator) };
        1
    }
    let mut validator: *mut EmailValidator = ptr::null_mut();
    let functions = EmailValidatorCallbacks {
        user_data: (&raw mut validator).cast(),
        is_free_email: Some(free),
        is_disposable_email: Some(free),
        ..callbacks()
    };
    let handle = Handle::new(&options(&[text(b"FREE"), text(b"DISPOSABLE")]), &raw const functions);
    // SAFETY: the callbacks read it when they are called.
    unsafe { (&raw mut validator).write(handle.as_ref().expect("the callbacks are there").0) };
    let handle = std::mem::ManuallyDrop::new(handle.expect("the callbacks are there"));
    let both = r#"{"decision":"Denied","blocked":["FREE","DISPOSABLE"]}"#;
    let decisions = handle.check_batch(&[b"joe@example.com", b"jim@example.com"]);
    assert_eq!(decisions, Ok(format!("[{both},{both}]")));
    // SAFETY: as above.
    assert!(unsafe { (&raw const validator).read() }.is_null(), "it was freed");
}

#[test]
fn a_look_up_that_changes_the_texts_changes_no_decision() {
    const FIRST: &[u8] = b"joe@example.com";
    unsafe extern "C" fn spoil(user_data: *mut c_void, _: *const c_char, _: usize) -> i32 {
        // SAFETY: the test put the memory there, and no reference to it is alive during the call.
        unsafe { ptr::write_bytes(user_data.cast::<u8>(), 0xff, 2 * FIRST.len()) };
        0
    }
    let mut memory = [FIRST, FIRST].concat();
    let start = memory.as_mut_ptr();
    let functions = EmailValidatorCallbacks {
        user_data: start.cast(),
        is_free_email: Some(spoil),
        ..callbacks()
    };
    let handle = Handle::new(&options(&[text(b"FREE")]), &raw const functions).expect("the callback is there");
    let part = |at: usize| EmailValidatorText {
        data: start.wrapping_add(at).cast(),
        length: FIRST.len(),
    };
    let texts = [part(0), part(FIRST.len())];
    let (mut decisions, mut length) = (ptr::null_mut(), 0);
    // SAFETY: all of it lives until the call returns.
    let status =
        unsafe { email_validator_check_batch(handle.0, texts.as_ptr(), 2, &raw mut decisions, &raw mut length) };
    assert_eq!(status, Status::Ok);
    assert_eq!(taken(decisions, length), format!("[{ALLOWED},{ALLOWED}]"));
    assert_eq!(memory, [0xff; 2 * FIRST.len()]);
}

#[test]
fn texts_have_a_limit_together() {
    let handle = plain();
    let long = vec![b'a'; EMAIL_VALIDATOR_MAX_LENGTH];
    let count = MAX_TOTAL_LENGTH / EMAIL_VALIDATOR_MAX_LENGTH;
    let texts = vec![text(&long); EMAIL_VALIDATOR_MAX_COUNT];
    assert_eq!(batch_refused(&handle, texts.as_ptr(), texts.len()), Status::TooLong);
    assert_eq!(
        last_error(),
        format!("item {count}: all texts together are longer than {MAX_TOTAL_LENGTH} bytes")
    );
    assert!(handle.check_batch(&vec![&long[..]; count]).is_ok());
    assert_eq!(new_refused(&options(&texts), ptr::null()), Status::TooLong);
}

#[test]
fn a_message_quotes_the_beginning_of_a_long_name() {
    let long = vec![b'a'; EMAIL_VALIDATOR_MAX_LENGTH];
    assert_eq!(
        new_refused(&options(&[text(&long)]), ptr::null()),
        Status::UnknownEmailType
    );
    assert!(last_error().contains("aa\"…; the types are FREE, ") && last_error().len() <= boundary::MAX_MESSAGE);
}

#[test]
fn lengths_have_limits() {
    let handle = plain();
    let long = vec![b'a'; EMAIL_VALIDATOR_MAX_LENGTH + 1];
    assert_eq!(handle.check(&long[1..]), Ok(INVALID.to_owned()));
    for length in [long.len(), usize::MAX, usize::MAX / 2, 1 << 31] {
        assert_eq!(check_refused(handle.0, long.as_ptr().cast(), length), Status::TooLong);
    }
    for count in [EMAIL_VALIDATOR_MAX_COUNT + 1, usize::MAX] {
        assert_eq!(batch_refused(&handle, [text(b"x")].as_ptr(), count), Status::TooLong);
    }
    assert_eq!(new_refused(&options(&[text(&long)]), ptr::null()), Status::TooLong);
    let one = [text(b"FREE")];
    let mut many = options(&one);
    many.blocked_emails_count = usize::MAX;
    assert_eq!(new_refused(&raw const many, ptr::null()), Status::TooLong);
}

#[test]
fn texts_are_utf8() {
    let handle = plain();
    for bytes in [
        &b"\xff"[..],
        b"joe@example.com\xc3",
        b"\xed\xa0\x80",
        b"\xc0\x80",
        b"\xf4\x90\x80\x80",
    ] {
        let refusal = (Status::NotUtf8, "candidate is not UTF-8".to_owned());
        assert_eq!(handle.check(bytes), Err(refusal));
        let refusal = (Status::NotUtf8, "item 1: the candidate is not UTF-8".to_owned());
        assert_eq!(handle.check_batch(&[b"joe@example.com", bytes]), Err(refusal));
        assert_eq!(new_refused(&options(&[text(bytes)]), ptr::null()), Status::NotUtf8);
    }
}

#[test]
fn structures_of_other_releases_are_understood_or_refused() {
    #[repr(C)]
    struct Newer {
        options: EmailValidatorOptions,
        more: [u8; 8],
    }
    let with = |size: usize, more| {
        let mut newer = Newer {
            options: options(&[]),
            more,
        };
        newer.options.struct_size = super::size(size);
        let mut validator = ptr::null_mut();
        // SAFETY: the structure is as long as it says, wherever its length is possible at all.
        let status = unsafe { email_validator_new((&raw const newer).cast(), ptr::null(), &raw mut validator) };
        // SAFETY: null, or a validator that nobody else frees.
        unsafe { email_validator_free(validator) };
        status
    };
    let own = size_of::<EmailValidatorOptions>();
    assert_eq!(with(own, [0; 8]), Status::Ok);
    assert_eq!(with(own, [1; 8]), Status::Ok, "what is beyond the size is not read");
    assert_eq!(with(own + 8, [0; 8]), Status::Ok);
    assert_eq!(with(own + 8, [0, 0, 0, 0, 0, 0, 0, 1]), Status::InvalidStruct);
    for size in [0, 4, own - 1, 4097, u32::MAX as usize] {
        assert_eq!(with(size, [0; 8]), Status::InvalidStruct, "{size}");
    }
}

#[test]
fn fields_hold_what_they_may() {
    let mut wrong = options(&[]);
    wrong.require_top_level_domain = 2;
    assert_eq!(new_refused(&raw const wrong, ptr::null()), Status::InvalidStruct);
    let mut wrong = options(&[]);
    wrong.allow_domain_literal = 255;
    assert_eq!(new_refused(&raw const wrong, ptr::null()), Status::InvalidStruct);
    let mut wrong = options(&[]);
    wrong.reserved[1] = 1;
    assert_eq!(new_refused(&raw const wrong, ptr::null()), Status::InvalidStruct);
    let wrong = EmailValidatorCallbacks {
        reserved: 1,
        ..callbacks()
    };
    assert_eq!(new_refused(&options(&[]), &raw const wrong), Status::InvalidStruct);
    let wrong = EmailValidatorCallbacks {
        struct_size: size(8),
        ..callbacks()
    };
    assert_eq!(new_refused(&options(&[]), &raw const wrong), Status::InvalidStruct);
}

#[test]
fn a_blocked_type_needs_its_callback() {
    for name in ["FREE", "DISPOSABLE", "NO_MX_RECORDS", "NO_GRAVATAR"] {
        let blocked = [text(name.as_bytes())];
        assert_eq!(new_refused(&options(&blocked), ptr::null()), Status::MissingCallback);
        assert_eq!(last_error(), format!("{name} needs a callback, which is null"));
    }
    assert!(Handle::new(&options(&[text(b"INVALID")]), ptr::null()).is_ok());
}

#[test]
fn a_look_up_that_fails_ends_the_call() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    unsafe extern "C" fn fail(_: *mut c_void, _: *const c_char, _: usize) -> i32 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        -1
    }
    let functions = EmailValidatorCallbacks {
        is_free_email: Some(fail),
        has_mx_records: Some(fail),
        ..callbacks()
    };
    let blocked = [text(b"FREE"), text(b"NO_MX_RECORDS")];
    let handle = Handle::new(&options(&blocked), &raw const functions).expect("the callbacks are there");
    let refusal = handle.check(b"joe@example.com");
    assert_eq!(
        refusal,
        Err((Status::CallbackFailed, "a look-up returned neither 0 nor 1".to_owned()))
    );
    assert_eq!(CALLS.load(Ordering::Relaxed), 1, "the second look-up is not asked");
    let refusal = handle.check_batch(&[b"malformed", b"joe@example.com", b"jim@example.com"]);
    let message = "item 1: a look-up returned neither 0 nor 1".to_owned();
    assert_eq!(refusal, Err((Status::CallbackFailed, message)));
    assert_eq!(CALLS.load(Ordering::Relaxed), 2, "the rest of the batch is not asked");
    assert_eq!(
        handle.check(b"malformed"),
        Ok(INVALID.to_owned()),
        "nothing is asked about this one"
    );
}

#[test]
fn a_batch_is_read_before_anything_is_asked() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    unsafe extern "C" fn count(_: *mut c_void, _: *const c_char, _: usize) -> i32 {
        CALLS.fetch_add(1, Ordering::Relaxed).min(1).try_into().expect("0 or 1")
    }
    let functions = EmailValidatorCallbacks {
        is_free_email: Some(count),
        ..callbacks()
    };
    let handle = Handle::new(&options(&[text(b"FREE")]), &raw const functions).expect("the callback is there");
    assert!(handle.check_batch(&[b"joe@example.com", b"\xff"]).is_err());
    assert_eq!(CALLS.load(Ordering::Relaxed), 0);
    let decisions = handle.check_batch(&[b"joe@example.com", b"malformed", b"joe@example.com"]);
    let free = r#"{"decision":"Denied","blocked":["FREE"]}"#;
    assert_eq!(decisions, Ok(format!("[{ALLOWED},{INVALID},{free}]")));
}

#[test]
fn a_message_is_cut_to_the_buffer() {
    assert_eq!(
        new_refused(&options(&[text("ä".as_bytes())]), ptr::null()),
        Status::UnknownEmailType
    );
    let whole = last_error();
    for length in 0..=whole.len() + 2 {
        let mut buffer = vec![0x55_u8; length + 1];
        // SAFETY: the buffer has one byte more than is said.
        let wanted = unsafe { email_validator_last_error(buffer.as_mut_ptr().cast(), length) };
        assert_eq!(wanted, whole.len());
        assert_eq!(buffer[length], 0x55, "nothing is written behind the buffer");
        if length > 0 {
            let cut = CStr::from_bytes_until_nul(&buffer)
                .expect("a NUL")
                .to_str()
                .expect("whole characters");
            assert!(whole.starts_with(cut) && cut.len() + 2 >= length.min(whole.len() + 1));
        }
    }
    assert_eq!(last_error(), whole, "reading a message keeps it");
}

#[test]
fn a_success_clears_the_message() {
    let handle = plain();
    assert!(handle.check(b"\xff").is_err());
    assert_ne!(last_error(), "");
    assert!(handle.check(b"joe@example.com").is_ok());
    assert_eq!(last_error(), "");
}

#[test]
fn options_are_copied() {
    let functions = EmailValidatorCallbacks {
        is_free_email: Some(yes),
        ..callbacks()
    };
    let handle = {
        let name = b"FREE".to_vec();
        let blocked = vec![text(&name)];
        Handle::new(&options(&blocked), &raw const functions).expect("the callback is there")
    };
    assert_eq!(
        handle.check(b"joe@example.com"),
        Ok(r#"{"decision":"Denied","blocked":["FREE"]}"#.to_owned())
    );
}

#[test]
fn the_library_says_what_it_is() {
    assert_eq!(email_validator_abi_version(), EMAIL_VALIDATOR_ABI_VERSION);
    // SAFETY: the text is static.
    let info = unsafe { CStr::from_ptr(email_validator_build_info()) }
        .to_str()
        .expect("UTF-8");
    let info: serde_json::Value = serde_json::from_str(info).expect("JSON");
    assert_eq!(info["name"], "email-validator");
    assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
    for field in ["commit", "fingerprint", "interface", "target", "rustc"] {
        assert!(
            info[field]
                .as_str()
                .is_some_and(|value| !value.is_empty() && !value.contains('/')),
            "{field}"
        );
    }
    let dependencies = info["dependencies"].as_object().expect("an object");
    assert!(dependencies.contains_key("idna") && dependencies.contains_key("email-validator"));
    assert!(
        !dependencies.contains_key("proptest"),
        "what only the tests need is not in the library"
    );
}
