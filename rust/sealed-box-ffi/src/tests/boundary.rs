//! What a caller can get wrong, and the status for it.

use std::ffi::CStr;
use std::ptr;

use super::{ALL, Algorithm, Box, Status, callbacks, last_error, options, size};
use crate::{
    SEALED_BOX_ABI_VERSION, SEALED_BOX_MAX_COUNT, SEALED_BOX_MAX_LENGTH, SealedBox, SealedBoxCallbacks, SealedBoxItem,
    SealedBoxKey, SealedBoxOptions, SealedBoxStream, sealed_box_abi_version, sealed_box_build_info,
    sealed_box_bytes_free, sealed_box_encrypt, sealed_box_equal, sealed_box_free, sealed_box_key_free,
    sealed_box_key_generate, sealed_box_key_import, sealed_box_key_public, sealed_box_new, sealed_box_open_batch,
    sealed_box_seal, sealed_box_stream_free, sealed_box_stream_push, sealed_box_verify,
};

/// One byte past an aligned address, so never aligned for anything wider than a byte.
fn crooked<T>(pointer: *const T) -> *mut T {
    pointer.cast::<u8>().wrapping_add(1).cast::<T>().cast_mut()
}

fn new(options: *const SealedBoxOptions, callbacks: *const SealedBoxCallbacks) -> Status {
    let mut sealed_box = ptr::dangling_mut();
    // SAFETY: what the pointers point to lives until the call returns.
    let status = unsafe { sealed_box_new(options, callbacks, &raw mut sealed_box) };
    if status == Status::Ok {
        // SAFETY: it comes from the library, and is freed once.
        unsafe { sealed_box_free(sealed_box) };
    } else {
        assert_eq!(sealed_box, ptr::dangling_mut(), "a refused call writes nothing");
    }
    status
}

fn seal_refused(sealed_box: *const SealedBox, key: *const SealedBoxKey, message: *const u8, length: usize) -> Status {
    let (mut sealed, mut sealed_length) = (ptr::dangling_mut(), 77);
    // SAFETY: what the pointers point to lives until the call returns.
    let status = unsafe {
        sealed_box_seal(
            sealed_box,
            key,
            ptr::null(),
            0,
            message,
            length,
            &raw mut sealed,
            &raw mut sealed_length,
        )
    };
    assert_eq!(
        (sealed, sealed_length),
        (ptr::dangling_mut(), 77),
        "a refused call writes nothing"
    );
    status
}

#[test]
fn null_is_refused_where_something_must_be() {
    let sealed_box = Box::everything();
    let key = sealed_box.generate(Algorithm::Aes256Gcm);
    // SAFETY: null is what is tested.
    let status = unsafe { sealed_box_new(ptr::null(), ptr::null(), ptr::null_mut()) };
    assert_eq!(status, Status::NullPointer);
    assert_eq!(seal_refused(ptr::null(), key.0, ptr::null(), 0), Status::NullPointer);
    assert_eq!(last_error(), "sealed_box is null");
    assert_eq!(
        seal_refused(sealed_box.0, ptr::null(), ptr::null(), 0),
        Status::NullPointer
    );
    assert_eq!(last_error(), "key is null");
    assert_eq!(seal_refused(sealed_box.0, key.0, ptr::null(), 1), Status::NullPointer);
    assert_eq!(last_error(), "message is null");
    let (mut data, mut length) = (ptr::null_mut(), 0);
    // SAFETY: null is what is tested.
    let status = unsafe {
        sealed_box_seal(
            sealed_box.0,
            key.0,
            ptr::null(),
            0,
            ptr::null(),
            0,
            ptr::null_mut(),
            &raw mut length,
        )
    };
    assert_eq!(status, Status::NullPointer);
    // SAFETY: null is what is tested.
    let status = unsafe {
        sealed_box_seal(
            sealed_box.0,
            key.0,
            ptr::null(),
            0,
            ptr::null(),
            0,
            &raw mut data,
            ptr::null_mut(),
        )
    };
    assert_eq!(status, Status::NullPointer);
    // SAFETY: null is what is tested.
    let status = unsafe { sealed_box_key_generate(sealed_box.0, 0x0101, 0, ptr::null_mut()) };
    assert_eq!(status, Status::NullPointer);
    // SAFETY: null is what is tested.
    let status = unsafe { sealed_box_key_public(ptr::null(), &raw mut data, &raw mut length) };
    assert_eq!(status, Status::NullPointer);
    // SAFETY: null is what is tested.
    let status = unsafe { sealed_box_stream_push(ptr::null(), ptr::null(), 0, &raw mut data, &raw mut length) };
    assert_eq!(status, Status::NullPointer);
    // SAFETY: null is what is tested.
    let status = unsafe { sealed_box_equal(ptr::null(), 0, ptr::null(), 0, ptr::null_mut()) };
    assert_eq!(status, Status::NullPointer);
    // SAFETY: null is what is tested.
    let status = unsafe { sealed_box_open_batch(sealed_box.0, key.0, ptr::null(), 1, &raw mut data, &raw mut length) };
    assert_eq!(status, Status::NullPointer);
    assert_eq!(last_error(), "items is null");
}

#[test]
fn null_is_accepted_where_nothing_need_be() {
    let sealed_box = Box::new(ptr::null(), ptr::null()).expect("the default");
    let key = sealed_box.generate(Algorithm::Xchacha20Poly1305);
    let sealed = sealed_box.seal(&key, b"", b"").expect("an empty message is a message");
    assert_eq!(sealed_box.open(&key, b"", &sealed), Ok(Vec::new()));
    let mut are_equal = 7;
    // SAFETY: no bytes may be null.
    let status = unsafe { sealed_box_equal(ptr::null(), 0, ptr::null(), 0, &raw mut are_equal) };
    assert_eq!((status, are_equal), (Status::Ok, 1));
    // SAFETY: freeing null does nothing.
    unsafe { sealed_box_free(ptr::null_mut()) };
    // SAFETY: freeing null does nothing.
    unsafe { sealed_box_key_free(ptr::null_mut()) };
    // SAFETY: freeing null does nothing.
    unsafe { sealed_box_stream_free(ptr::null_mut()) };
    // SAFETY: freeing null does nothing, whatever the length.
    unsafe { sealed_box_bytes_free(ptr::null_mut(), 9) };
}

#[test]
fn crooked_pointers_are_refused() {
    let (options, callbacks, sealed_box) = (options(&ALL), callbacks(), Box::everything());
    let key = sealed_box.generate(Algorithm::Aes256Gcm);
    assert_eq!(new(crooked(&raw const options), ptr::null()), Status::Misaligned);
    assert_eq!(
        new(&raw const options, crooked(&raw const callbacks)),
        Status::Misaligned
    );
    let mut numbers = options;
    numbers.algorithms = crooked(ALL.as_ptr());
    assert_eq!(new(&raw const numbers, ptr::null()), Status::Misaligned);
    assert_eq!(
        seal_refused(crooked(sealed_box.0), key.0, ptr::null(), 0),
        Status::Misaligned
    );
    assert_eq!(
        seal_refused(sealed_box.0, crooked(key.0), ptr::null(), 0),
        Status::Misaligned
    );
    let (mut data, mut length): (*mut u8, usize) = (ptr::null_mut(), 0);
    // SAFETY: a crooked pointer is what is tested.
    let status = unsafe { sealed_box_key_public(key.0, crooked(&raw mut data), &raw mut length) };
    assert_eq!(status, Status::Misaligned);
    // SAFETY: a crooked pointer is what is tested.
    let status = unsafe { sealed_box_key_public(key.0, &raw mut data, crooked(&raw mut length)) };
    assert_eq!(status, Status::Misaligned);
    let stream: *const SealedBoxStream = crooked(ptr::dangling::<SealedBoxStream>());
    // SAFETY: a crooked pointer is what is tested.
    let status = unsafe { sealed_box_stream_push(stream, ptr::null(), 0, &raw mut data, &raw mut length) };
    assert_eq!(status, Status::Misaligned);
    // SAFETY: what is not aligned never came from the library, so nothing is freed.
    unsafe { sealed_box_key_free(crooked(key.0)) };
    // SAFETY: as above.
    unsafe { sealed_box_free(crooked(sealed_box.0)) };
}

#[test]
fn results_may_not_fall_on_other_memory_of_the_call() {
    let sealed_box = Box::everything();
    let key = sealed_box.generate(Algorithm::Aes256Gcm);
    let mut memory = [0_usize; 8];
    let inside: *mut *mut u8 = memory.as_mut_ptr().wrapping_add(1).cast();
    let seal = |message: *const u8, data, length| {
        // SAFETY: the memory is there; that it overlaps is what is tested.
        unsafe { sealed_box_seal(sealed_box.0, key.0, ptr::null(), 0, message, 64, data, length) }
    };
    let (mut data, mut length) = (ptr::null_mut(), 0);
    let start: *const u8 = memory.as_ptr().cast();
    assert_eq!(seal(start, inside, &raw mut length), Status::Overlap);
    assert_eq!(seal(start, &raw mut data, inside.cast()), Status::Overlap);
    assert_eq!(seal([0; 64].as_ptr(), inside, inside.cast()), Status::Overlap);
    assert_eq!(
        seal([0; 64].as_ptr(), sealed_box.0.cast(), &raw mut length),
        Status::Overlap
    );
    assert_eq!(seal([0; 64].as_ptr(), key.0.cast(), &raw mut length), Status::Overlap);
    let mut item = [SealedBoxItem {
        data: inside.cast(),
        data_length: 8,
        associated: ptr::null(),
        associated_length: 0,
    }];
    // SAFETY: the memory is there; that it overlaps is what is tested.
    let status = unsafe { sealed_box_open_batch(sealed_box.0, key.0, item.as_ptr(), 1, inside, &raw mut length) };
    assert_eq!(status, Status::Overlap);
    let place = item.as_mut_ptr();
    // SAFETY: the memory is there; that it overlaps is what is tested.
    let status = unsafe { sealed_box_open_batch(sealed_box.0, key.0, place, 1, place.cast(), &raw mut length) };
    assert_eq!(status, Status::Overlap);
    let mut text = *b"text";
    // SAFETY: the memory is there; that it overlaps is what is tested.
    let status = unsafe { sealed_box_equal(text.as_ptr(), 4, ptr::null(), 0, text.as_mut_ptr()) };
    assert_eq!(status, Status::Overlap);
    let mut newer = (options(&ALL), [0_usize; 2]);
    newer.0.struct_size = size(size_of_val(&newer));
    let place = (&raw mut newer.1[1]).cast();
    // SAFETY: the memory is there; that the place is in the tail of the structure is what is tested.
    let status = unsafe { sealed_box_new((&raw const newer).cast(), ptr::null(), place) };
    assert_eq!(status, Status::Overlap);
    let nothing = (&raw const data).cast::<u8>().wrapping_add(1);
    // SAFETY: no byte of an empty message is read, so that it cannot overlap.
    let status = unsafe {
        sealed_box_seal(
            sealed_box.0,
            key.0,
            ptr::null(),
            0,
            nothing,
            0,
            &raw mut data,
            &raw mut length,
        )
    };
    assert_eq!(status, Status::Ok);
    // SAFETY: they come from the library, and are freed once.
    unsafe { sealed_box_bytes_free(data, length) };
    let sealed = sealed_box.seal(&key, b"", b"whole").expect("sealed");
    assert_eq!(
        sealed_box.open(&key, b"", &sealed),
        Ok(b"whole".to_vec()),
        "nothing was written over"
    );
}

#[test]
fn lengths_have_limits() {
    let sealed_box = Box::everything();
    let key = sealed_box.generate(Algorithm::Xchacha20Poly1305);
    let long = vec![0; SEALED_BOX_MAX_LENGTH + 1];
    for length in [long.len(), usize::MAX, usize::MAX / 2, 1 << 31] {
        assert_eq!(
            seal_refused(sealed_box.0, key.0, long.as_ptr(), length),
            Status::TooLong
        );
    }
    let (mut data, mut length) = (ptr::dangling_mut(), 0);
    let item = SealedBoxItem {
        data: long.as_ptr(),
        data_length: usize::MAX,
        associated: ptr::null(),
        associated_length: 0,
    };
    for (items, count) in [
        (&raw const item, 1),
        (&raw const item, SEALED_BOX_MAX_COUNT + 1),
        (&raw const item, usize::MAX),
    ] {
        // SAFETY: an impossible length is what is tested.
        let status =
            unsafe { sealed_box_open_batch(sealed_box.0, key.0, items, count, &raw mut data, &raw mut length) };
        assert_eq!(status, Status::TooLong);
    }
    let half = SealedBoxItem {
        data_length: SEALED_BOX_MAX_LENGTH / 2 + 1,
        ..item
    };
    let items = [half, half];
    // SAFETY: what the pointers point to lives until the call returns.
    let status =
        unsafe { sealed_box_open_batch(sealed_box.0, key.0, items.as_ptr(), 2, &raw mut data, &raw mut length) };
    assert_eq!(status, Status::TooLong, "all items together");
    let mut many = options(&ALL);
    many.algorithms_count = usize::MAX;
    assert_eq!(new(&raw const many, ptr::null()), Status::TooLong);
    let deriving = sealed_box.generate(Algorithm::HkdfSha256);
    assert_eq!(
        sealed_box.derive(&deriving, b"", b"", usize::MAX),
        Err(Status::InvalidLength)
    );
    let mut handle = ptr::null_mut();
    // SAFETY: an impossible length is what is tested.
    let status = unsafe { sealed_box_key_import(sealed_box.0, 0x0201, 0, long.as_ptr(), usize::MAX, &raw mut handle) };
    assert_eq!(status, Status::TooLong);
}

#[test]
fn structures_of_other_releases_are_understood_or_refused() {
    #[repr(C)]
    struct Newer {
        options: SealedBoxOptions,
        more: [u8; 8],
    }
    let with = |size: usize, more| {
        let mut newer = Newer {
            options: options(&ALL),
            more,
        };
        newer.options.struct_size = super::size(size);
        new((&raw const newer).cast(), ptr::null())
    };
    let own = size_of::<SealedBoxOptions>();
    assert_eq!(with(own, [1; 8]), Status::Ok, "what is beyond the size is not read");
    assert_eq!(with(own + 8, [0; 8]), Status::Ok);
    assert_eq!(with(own + 8, [0, 0, 0, 0, 0, 0, 0, 1]), Status::InvalidStruct);
    for size in [0, 4, own - 1, 4097, u32::MAX as usize] {
        assert_eq!(with(size, [0; 8]), Status::InvalidStruct, "{size}");
    }
}

#[test]
fn fields_hold_what_they_may() {
    let mut wrong = options(&ALL);
    wrong.allow_caller_nonces = 2;
    assert_eq!(new(&raw const wrong, ptr::null()), Status::InvalidStruct);
    let mut wrong = options(&ALL);
    wrong.allow_export = 255;
    assert_eq!(new(&raw const wrong, ptr::null()), Status::InvalidStruct);
    let mut wrong = options(&ALL);
    wrong.reserved[1] = 1;
    assert_eq!(new(&raw const wrong, ptr::null()), Status::InvalidStruct);
    let wrong = SealedBoxCallbacks {
        reserved: 1,
        ..callbacks()
    };
    assert_eq!(new(ptr::null(), &raw const wrong), Status::InvalidStruct);
    let wrong = SealedBoxCallbacks {
        struct_size: size(8),
        ..callbacks()
    };
    assert_eq!(new(ptr::null(), &raw const wrong), Status::InvalidStruct);
    assert_eq!(new(&options(&[0x0101, 0x0199]), ptr::null()), Status::UnknownAlgorithm);
    assert_eq!(last_error(), "item 1: there is no such algorithm");
}

#[test]
fn the_default_is_narrow() {
    let sealed_box = Box::new(ptr::null(), ptr::null()).expect("the default");
    for algorithm in ALL {
        let mut key = ptr::null_mut();
        // SAFETY: what the pointers point to lives until the call returns.
        let status = unsafe { sealed_box_key_generate(sealed_box.0, algorithm, 0, &raw mut key) };
        let is_default = [0x0103, 0x0201, 0x0301, 0x0401, 0x0501].contains(&algorithm);
        assert_eq!(status, if is_default { Status::Ok } else { Status::NotAllowed });
        // SAFETY: null, or a key that nobody else frees.
        unsafe { sealed_box_key_free(key) };
    }
    let key = sealed_box.generate(Algorithm::Xchacha20Poly1305);
    assert_eq!(sealed_box.encrypt(&key, &[0; 24], b"", b""), Err(Status::NotAllowed));
    assert_eq!(sealed_box.export(&key), Err(Status::NotAllowed));
    let mut none = options(&[]);
    none.allow_export = 0;
    none.algorithms_count = 0;
    let sealed_box = Box::new(&raw const none, ptr::null()).expect("an empty list");
    let mut key = ptr::null_mut();
    // SAFETY: what the pointers point to lives until the call returns.
    let status = unsafe { sealed_box_key_generate(sealed_box.0, 0x0103, 0, &raw mut key) };
    assert_eq!(
        status,
        Status::NotAllowed,
        "a list that is empty and not null allows nothing"
    );
}

#[test]
fn outcomes_have_their_status() {
    let sealed_box = Box::everything();
    let (sealing, signing) = (
        sealed_box.generate(Algorithm::Aes256Gcm),
        sealed_box.generate(Algorithm::Ed25519),
    );
    assert_eq!(sealed_box.sign(&sealing, b""), Err(Status::WrongKey));
    assert_eq!(
        sealed_box.encrypt(&sealing, &[0; 11], b"", b""),
        Err(Status::InvalidNonce)
    );
    assert_eq!(sealed_box.open(&sealing, b"", b"noise"), Err(Status::Malformed));
    assert_eq!(sealed_box.import(0x0101, &[0; 31]).map(|_| ()), Err(Status::InvalidKey));
    assert_eq!(
        sealed_box.import(0x0999, &[0; 32]).map(|_| ()),
        Err(Status::UnknownAlgorithm)
    );
    assert_eq!(
        sealed_box.import(0x1_0101, &[0; 32]).map(|_| ()),
        Err(Status::UnknownAlgorithm)
    );
    assert_eq!(sealed_box.agree(&signing, &[9; 32]).map(|_| ()), Err(Status::WrongKey));
    assert_eq!(sealing.public(), Err(Status::WrongKey));
    assert_eq!(signing.public().map(|bytes| bytes.len()), Ok(32));
    // SAFETY: what the pointers point to lives until the call returns.
    let status = unsafe { sealed_box_verify(sealed_box.0, signing.0, b"m".as_ptr(), 1, [0; 64].as_ptr(), 64) };
    assert_eq!(status, Status::Rejected);
    let (mut data, mut length) = (ptr::null_mut(), 0);
    let nonce = [0; 12];
    // SAFETY: what the pointers point to lives until the call returns.
    let status = unsafe {
        sealed_box_encrypt(
            sealed_box.0,
            signing.0,
            nonce.as_ptr(),
            12,
            ptr::null(),
            0,
            ptr::null(),
            0,
            &raw mut data,
            &raw mut length,
        )
    };
    assert_eq!(status, Status::WrongKey);
}

#[test]
fn the_library_says_what_it_is() {
    assert_eq!(sealed_box_abi_version(), SEALED_BOX_ABI_VERSION);
    // SAFETY: the text is static.
    let info = unsafe { CStr::from_ptr(sealed_box_build_info()) }
        .to_str()
        .expect("UTF-8");
    let info: serde_json::Value = serde_json::from_str(info).expect("JSON");
    assert_eq!(info["name"], "sealed-box");
    assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
    for field in ["commit", "fingerprint", "interface", "target", "rustc"] {
        assert!(info[field].as_str().is_some_and(|value| !value.is_empty()), "{field}");
    }
    let dependencies = info["dependencies"].as_object().expect("an object");
    let cryptography = info["cryptography"].as_object().expect("an object");
    // Everything inside is either told of with its checksum, or known not to compute on secrets.
    let other = [
        "block-buffer",
        "boundary",
        "cfg-if",
        "cpubits",
        "cpufeatures",
        "curve25519-dalek-derive",
        "fiat-crypto",
        "hybrid-array",
        "inout",
        "libc",
        "proc-macro2",
        "quote",
        "r-efi",
        "rand_core",
        "rustc_version",
        "sealed-box",
        "semver",
        "syn",
        "typenum",
        "unicode-ident",
        "universal-hash",
        "wasip2",
        "wasip3",
        "wit-bindgen",
    ];
    for (name, version) in dependencies {
        let row = cryptography.get(name);
        assert!(
            row.is_some() != other.contains(&name.as_str()),
            "{name} is new: is it cryptography?"
        );
        if let Some(row) = row {
            assert_eq!(row["version"], *version, "{name}");
            let checksum = row["sha256"].as_str().expect("a checksum");
            assert!(
                checksum.len() == 64 && checksum.bytes().all(|digit| digit.is_ascii_hexdigit()),
                "{name}"
            );
        }
    }
    assert!(
        !dependencies.contains_key("proptest"),
        "what only the tests need is not in the library"
    );
}
