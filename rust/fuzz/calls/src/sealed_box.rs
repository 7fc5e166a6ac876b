//! The C interface of sealed-box.

use std::ffi::{c_char, c_void};
use std::ptr;

use sealed_box_ffi::*;

use crate::caller::Interface;
use crate::handles::{Handles, Shared};
use crate::{Caller, Functions, owed};

/// By what its calls are checked.
pub const INTERFACE: Interface = Interface {
    statuses: &[
        0, 1, 2, 3, 4, 5, 6, 10, 11, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
    ],
    last_error: sealed_box_last_error,
};

const MOST: usize = SEALED_BOX_MAX_LENGTH + 256;

const ALGORITHMS: [u32; 9] = [0x0101, 0x0102, 0x0103, 0x0104, 0x0201, 0x0202, 0x0301, 0x0401, 0x0501];

/// Numbers of algorithms, and some that are none.
const NUMBERS: [u32; 13] = [
    0x0103,
    0x0101,
    0x0102,
    0x0104,
    0x0201,
    0x0202,
    0x0301,
    0x0401,
    0x0501,
    0,
    0x0999,
    u32::MAX,
    0x1_0103,
];

/// Handles that are shared.
pub struct Common {
    boxes: [Shared<SealedBox>; 1],
    keys: Vec<Shared<SealedBoxKey>>,
    streams: Vec<Shared<SealedBoxStream>>,
}

/// What one thread works with.
pub struct Session {
    boxes: Handles<SealedBox>,
    keys: Handles<SealedBoxKey>,
    streams: Handles<SealedBoxStream>,
    bytes: Vec<(*mut u8, usize)>,
}

impl Session {
    /// A session that uses the common handles too.
    #[must_use]
    pub fn new(common: &Common) -> Self {
        Self {
            boxes: Handles::new(sealed_box_free, &common.boxes),
            keys: Handles::new(sealed_box_key_free, &common.keys),
            streams: Handles::new(sealed_box_stream_free, &common.streams),
            bytes: Vec::new(),
        }
    }

    /// Handles for several sessions: a key of each algorithm, from bytes that are the same in every run.
    #[must_use]
    pub fn common() -> Common {
        let (options, callbacks) = (options(&ALGORITHMS), callbacks());
        let seed = [7_u8; 32];
        // SAFETY: every argument is what its type says.
        unsafe {
            let sealed_box = made(sealed_box_free, |out| {
                sealed_box_new(&raw const options, &raw const callbacks, out)
            });
            let handle = sealed_box.pointer();
            let key = |algorithm| {
                made(sealed_box_key_free, |out| {
                    sealed_box_key_import(handle, algorithm, 1, seed.as_ptr(), seed.len(), out)
                })
            };
            let keys: Vec<_> = ALGORITHMS.into_iter().map(key).collect();
            let (sealing, hashing) = (keys[2].pointer(), keys[4].pointer());
            let free = sealed_box_stream_free;
            let streams = vec![
                made(free, |out| sealed_box_stream_seal(handle, sealing, ptr::null(), 0, out)),
                made(free, |out| sealed_box_stream_open(handle, sealing, ptr::null(), 0, out)),
                made(free, |out| sealed_box_stream_hash(handle, hashing, out)),
            ];
            Common {
                boxes: [sealed_box],
                keys,
                streams,
            }
        }
    }

    /// Keeps bytes that were handed out for a while, and what they are for later calls.
    fn keep(&mut self, caller: &mut Caller<'_>, bytes: *mut u8, length: usize) {
        // SAFETY: the library wrote both.
        unsafe { caller.remember(bytes, length) };
        self.bytes.push((bytes, length));
        if self.bytes.len() > 2 {
            let (bytes, length) = self.bytes.remove(0);
            // SAFETY: they came from the library, and are freed once.
            unsafe { sealed_box_bytes_free(bytes, length) };
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for (bytes, length) in self.bytes.drain(..) {
            // SAFETY: they came from the library, and are freed once.
            unsafe { sealed_box_bytes_free(bytes, length) };
        }
    }
}

fn made<T>(free: unsafe extern "C" fn(*mut T), make: impl FnOnce(*mut *mut T) -> SealedBoxStatus) -> Shared<T> {
    let mut handle = ptr::null_mut();
    assert_eq!(make(&raw mut handle), SealedBoxStatus::Ok);
    Shared::new(handle, free)
}

/// A function on many items.
macro_rules! batch {
    ($name:ident) => {
        giver!(
            $name,
            |caller, session| {
                let (sealed_box, key) = (caller.handle(&session.boxes), caller.handle(&session.keys));
                let count = caller.choices.below(4);
                let items: Vec<SealedBoxItem> = (0..count).map(|_| item(caller)).collect();
                (sealed_box, key, caller.structures(&items, SEALED_BOX_MAX_COUNT))
            },
            |(sealed_box, key, items), out, length| $name(sealed_box, key, items.0, items.1, out, length)
        )
    };
}

/// Every function of the header.
pub const FUNCTIONS: &Functions<Session> = &[
    ("sealed_box_abi_version", |caller, _| {
        caller.done("sealed_box_abi_version", || assert_eq!(sealed_box_abi_version(), 1));
    }),
    ("sealed_box_build_info", |caller, _| {
        caller.done("sealed_box_build_info", || assert!(!sealed_box_build_info().is_null()));
    }),
    ("sealed_box_last_error", |caller, _| {
        let (buffer, length) = caller.output::<c_char>(8, 0);
        let length = if length > 64 { 0 } else { length };
        // SAFETY: the buffer is null or has that length.
        caller.done("sealed_box_last_error", || unsafe {
            sealed_box_last_error(buffer, length);
        });
    }),
    ("sealed_box_bytes_free", |caller, session| {
        let (bytes, length) = match caller.choices.below(3) {
            0 => session.bytes.pop().unwrap_or((ptr::null_mut(), 0)),
            1 => (ptr::null_mut(), usize::MAX),
            _ => (ptr::null_mut(), 0),
        };
        // SAFETY: null, or bytes that the library handed out.
        caller.done("sealed_box_bytes_free", || unsafe {
            sealed_box_bytes_free(bytes, length)
        });
    }),
    maker!(
        sealed_box_new,
        boxes,
        |caller, session| {
            let count = caller.choices.below(4);
            let numbers: Vec<u32> = (0..count).map(|_| caller.choices.number(&NUMBERS)).collect();
            let numbers = caller.structures(&numbers, SEALED_BOX_MAX_COUNT);
            let mut wishes = options(&[]);
            wishes.allow_caller_nonces = caller.choices.pick(&[0, 1, 1, 1, 2, 255]);
            wishes.allow_export = caller.choices.pick(&[0, 1, 1, 1, 2, 255]);
            wishes.reserved[0] = u8::from(caller.choices.one_in(12));
            (wishes.algorithms, wishes.algorithms_count) = (numbers.0, numbers.1);
            let mut functions = callbacks();
            let user_data = functions.user_data;
            functions.reserved = u32::from(caller.choices.one_in(12));
            let wishes = caller.structure(wishes);
            if wishes.is_null() {
                caller.reads_nothing();
            }
            (wishes, caller.structure(functions), user_data)
        },
        |(wishes, functions, user_data), out| {
            let status = sealed_box_new(wishes, functions, out);
            owed::settled(user_data, functions, &SealedBoxStatus::Ok, status)
        }
    ),
    free!(sealed_box_free, boxes),
    maker!(
        sealed_box_key_import,
        keys,
        |caller, session| {
            (
                caller.handle(&session.boxes),
                caller.choices.number(&NUMBERS),
                caller.bytes(MOST),
            )
        },
        |(sealed_box, number, bytes), out| sealed_box_key_import(sealed_box, number, 2, bytes.0, bytes.1, out)
    ),
    maker!(
        sealed_box_key_import_public,
        keys,
        |caller, session| {
            (
                caller.handle(&session.boxes),
                caller.choices.number(&[0x0401, 0x0501, 0x0101]),
                caller.bytes(MOST),
            )
        },
        |(sealed_box, number, bytes), out| sealed_box_key_import_public(sealed_box, number, 3, bytes.0, bytes.1, out)
    ),
    maker!(
        sealed_box_key_generate,
        keys,
        |caller, session| { (caller.handle(&session.boxes), caller.choices.number(&NUMBERS)) },
        |(sealed_box, number), out| sealed_box_key_generate(sealed_box, number, 4, out)
    ),
    giver!(
        sealed_box_key_public,
        |caller, session| caller.handle(&session.keys),
        |key, out, length| sealed_box_key_public(key, out, length)
    ),
    giver!(
        sealed_box_key_export,
        |caller, session| { (caller.handle(&session.boxes), caller.handle(&session.keys)) },
        |(sealed_box, key), out, length| sealed_box_key_export(sealed_box, key, out, length)
    ),
    free!(sealed_box_key_free, keys),
    giver!(
        sealed_box_seal,
        |caller, session| {
            let (sealed_box, key) = (caller.handle(&session.boxes), caller.handle(&session.keys));
            (sealed_box, key, caller.bytes(MOST), caller.bytes(MOST))
        },
        |(sealed_box, key, a, m), out, length| sealed_box_seal(sealed_box, key, a.0, a.1, m.0, m.1, out, length)
    ),
    giver!(
        sealed_box_open,
        |caller, session| {
            if caller.choices.one_in(4) {
                let (sealed_box, key, result) = genuine(caller, session, 2, |sealed_box, key, out, length| unsafe {
                    sealed_box_seal(sealed_box, key, ptr::null(), 0, MESSAGE.as_ptr(), 5, out, length)
                });
                (sealed_box, key, (ptr::null(), 0), result)
            } else {
                let (sealed_box, key) = (caller.handle(&session.boxes), caller.handle(&session.keys));
                (sealed_box, key, caller.bytes(MOST), caller.bytes(MOST))
            }
        },
        |(sealed_box, key, a, s), out, length| sealed_box_open(sealed_box, key, a.0, a.1, s.0, s.1, out, length)
    ),
    giver!(
        sealed_box_encrypt,
        |caller, session| {
            let (sealed_box, key) = (caller.handle(&session.boxes), caller.handle(&session.keys));
            let nonce = caller.choices.pick(&[12, 24, 32, 0]);
            (
                sealed_box,
                key,
                caller.input_of::<u8>(nonce, MOST),
                caller.bytes(MOST),
                caller.bytes(MOST),
            )
        },
        |(sealed_box, key, n, a, m), out, length| {
            sealed_box_encrypt(sealed_box, key, n.0, n.1, a.0, a.1, m.0, m.1, out, length)
        }
    ),
    giver!(
        sealed_box_decrypt,
        |caller, session| {
            if caller.choices.one_in(4) {
                let nonce = caller.structures(&NONCE, MOST);
                let (sealed_box, key, sealed) = genuine(caller, session, 2, |sealed_box, key, out, length| unsafe {
                    let (nonce, message) = (NONCE.as_ptr(), MESSAGE.as_ptr());
                    sealed_box_encrypt(sealed_box, key, nonce, 24, ptr::null(), 0, message, 5, out, length)
                });
                (
                    sealed_box,
                    key,
                    (nonce.0.cast_const(), nonce.1),
                    (ptr::null(), 0),
                    sealed,
                )
            } else {
                let (sealed_box, key) = (caller.handle(&session.boxes), caller.handle(&session.keys));
                let nonce = caller.choices.pick(&[12, 24, 32, 0]);
                (
                    sealed_box,
                    key,
                    caller.input_of::<u8>(nonce, MOST),
                    caller.bytes(MOST),
                    caller.bytes(MOST),
                )
            }
        },
        |(sealed_box, key, n, a, s), out, length| {
            sealed_box_decrypt(sealed_box, key, n.0, n.1, a.0, a.1, s.0, s.1, out, length)
        }
    ),
    giver!(
        sealed_box_hash,
        |caller, session| {
            (
                caller.handle(&session.boxes),
                caller.handle(&session.keys),
                caller.bytes(MOST),
            )
        },
        |(sealed_box, key, m), out, length| sealed_box_hash(sealed_box, key, m.0, m.1, out, length)
    ),
    function!(
        sealed_box_hash_check,
        |caller, session| {
            if caller.choices.one_in(4) {
                let message = caller.structures(&MESSAGE, MOST);
                let (sealed_box, key, result) = genuine(caller, session, 4, |sealed_box, key, out, length| unsafe {
                    sealed_box_hash(sealed_box, key, MESSAGE.as_ptr(), 5, out, length)
                });
                (sealed_box, key, (message.0.cast_const(), message.1), result)
            } else {
                let (sealed_box, key) = (caller.handle(&session.boxes), caller.handle(&session.keys));
                (sealed_box, key, caller.bytes(MOST), caller.bytes(MOST))
            }
        },
        |(sealed_box, key, m, t)| sealed_box_hash_check(sealed_box, key, m.0, m.1, t.0, t.1)
    ),
    function!(
        sealed_box_equal,
        |caller, session| { (caller.bytes(MOST), caller.bytes(MOST), caller.out()) },
        |(a, b, out)| sealed_box_equal(a.0, a.1, b.0, b.1, out)
    ),
    giver!(
        sealed_box_derive,
        |caller, session| {
            let (sealed_box, key) = (caller.handle(&session.boxes), caller.handle(&session.keys));
            (
                sealed_box,
                key,
                caller.bytes(MOST),
                caller.bytes(MOST),
                caller.choices.pick(&[32, 0, 1, 100, 8161, usize::MAX]),
            )
        },
        |(sealed_box, key, s, i, count), out, length| {
            sealed_box_derive(sealed_box, key, s.0, s.1, i.0, i.1, count, out, length)
        }
    ),
    maker!(
        sealed_box_derive_key,
        keys,
        |caller, session| {
            let (sealed_box, key) = (caller.handle(&session.boxes), caller.handle(&session.keys));
            (
                sealed_box,
                key,
                caller.bytes(MOST),
                caller.bytes(MOST),
                caller.choices.number(&NUMBERS),
            )
        },
        |(sealed_box, key, s, i, number), out| {
            sealed_box_derive_key(sealed_box, key, s.0, s.1, i.0, i.1, number, 5, out)
        }
    ),
    maker!(
        sealed_box_agree,
        keys,
        |caller, session| {
            (
                caller.handle(&session.boxes),
                caller.handle(&session.keys),
                caller.bytes(MOST),
            )
        },
        |(sealed_box, key, p), out| sealed_box_agree(sealed_box, key, p.0, p.1, 6, out)
    ),
    giver!(
        sealed_box_sign,
        |caller, session| {
            (
                caller.handle(&session.boxes),
                caller.handle(&session.keys),
                caller.bytes(MOST),
            )
        },
        |(sealed_box, key, m), out, length| sealed_box_sign(sealed_box, key, m.0, m.1, out, length)
    ),
    function!(
        sealed_box_verify,
        |caller, session| {
            if caller.choices.one_in(4) {
                let message = caller.structures(&MESSAGE, MOST);
                let (sealed_box, key, result) = genuine(caller, session, 7, |sealed_box, key, out, length| unsafe {
                    sealed_box_sign(sealed_box, key, MESSAGE.as_ptr(), 5, out, length)
                });
                (sealed_box, key, (message.0.cast_const(), message.1), result)
            } else {
                let (sealed_box, key) = (caller.handle(&session.boxes), caller.handle(&session.keys));
                (sealed_box, key, caller.bytes(MOST), caller.bytes(MOST))
            }
        },
        |(sealed_box, key, m, s)| sealed_box_verify(sealed_box, key, m.0, m.1, s.0, s.1)
    ),
    batch!(sealed_box_seal_batch),
    batch!(sealed_box_open_batch),
    batch!(sealed_box_hash_batch),
    batch!(sealed_box_verify_batch),
    function!(
        sealed_box_envelope_read,
        |caller, session| { (caller.bytes(4 * SEALED_BOX_MAX_LENGTH), caller.out()) },
        |(bytes, out)| sealed_box_envelope_read(bytes.0, bytes.1, out)
    ),
    maker!(
        sealed_box_stream_seal,
        streams,
        |caller, session| {
            (
                caller.handle(&session.boxes),
                caller.handle(&session.keys),
                caller.bytes(MOST),
            )
        },
        |(sealed_box, key, a), out| sealed_box_stream_seal(sealed_box, key, a.0, a.1, out)
    ),
    maker!(
        sealed_box_stream_open,
        streams,
        |caller, session| {
            (
                caller.handle(&session.boxes),
                caller.handle(&session.keys),
                caller.bytes(MOST),
            )
        },
        |(sealed_box, key, a), out| sealed_box_stream_open(sealed_box, key, a.0, a.1, out)
    ),
    maker!(
        sealed_box_stream_hash,
        streams,
        |caller, session| { (caller.handle(&session.boxes), caller.handle(&session.keys)) },
        |(sealed_box, key), out| sealed_box_stream_hash(sealed_box, key, out)
    ),
    giver!(
        sealed_box_stream_push,
        |caller, session| { (caller.handle(&session.streams), caller.bytes(MOST)) },
        |(stream, p), out, length| sealed_box_stream_push(stream, p.0, p.1, out, length)
    ),
    giver!(
        sealed_box_stream_finish,
        |caller, session| caller.handle(&session.streams),
        |stream, out, length| sealed_box_stream_finish(stream, out, length)
    ),
    free!(sealed_box_stream_free, streams),
];

type Bytes = (*const u8, usize);

const MESSAGE: [u8; 5] = [1, 2, 3, 4, 5];

const NONCE: [u8; 24] = [3; 24];

/// A function that makes something of `MESSAGE`.
type Make = unsafe fn(*const SealedBox, *const SealedBoxKey, *mut *mut u8, *mut usize) -> SealedBoxStatus;

/// What the opposite of a function is for: a box, the common key of that number, and what was made of the message.
fn genuine(
    caller: &mut Caller<'_>,
    session: &Session,
    number: usize,
    make: Make,
) -> (*mut SealedBox, *mut SealedBoxKey, Bytes) {
    let sealed_box = session.boxes.all().next().unwrap_or_default();
    let key = session.keys.all().nth(number).unwrap_or_default();
    let (mut bytes, mut length) = (ptr::null_mut(), 0);
    // SAFETY: every argument is what its type says, and the bytes are freed once.
    let result = unsafe {
        assert_eq!(
            make(sealed_box, key, &raw mut bytes, &raw mut length),
            SealedBoxStatus::Ok
        );
        let result = std::slice::from_raw_parts(bytes, length).to_vec();
        sealed_box_bytes_free(bytes, length);
        result
    };
    let result = caller.structures(&result, MOST);
    (sealed_box, key, (result.0, result.1))
}

fn item(caller: &mut Caller<'_>) -> SealedBoxItem {
    let (data, associated) = (caller.bytes(MOST), caller.bytes(MOST));
    SealedBoxItem {
        data: data.0,
        data_length: data.1,
        associated: associated.0,
        associated_length: associated.1,
    }
}

fn options(algorithms: &[u32]) -> SealedBoxOptions {
    SealedBoxOptions {
        struct_size: size_of::<SealedBoxOptions>() as u32,
        allow_caller_nonces: 1,
        allow_export: 1,
        reserved: [0; 2],
        algorithms: algorithms.as_ptr(),
        algorithms_count: algorithms.len(),
    }
}

fn callbacks() -> SealedBoxCallbacks {
    SealedBoxCallbacks {
        struct_size: size_of::<SealedBoxCallbacks>() as u32,
        reserved: 0,
        user_data: owed::user_data(),
        audit: Some(audit),
        observe: Some(observe),
        release: Some(owed::release),
    }
}

unsafe extern "C" fn audit(user_data: *mut c_void, key_use: *const SealedBoxKeyUse) {
    // SAFETY: the library hands on what it was given.
    unsafe { owed::check(user_data) };
    // SAFETY: the header promises a use.
    assert_eq!(unsafe { key_use.read() }.reserved, 0);
}

/// Calls the library in turn.
unsafe extern "C" fn observe(user_data: *mut c_void, name: *const c_char, _: u64, _: SealedBoxStatus) {
    // SAFETY: the library hands on what it was given.
    unsafe { owed::check(user_data) };
    assert!(!name.is_null());
    // SAFETY: null is allowed everywhere.
    let status = unsafe { sealed_box_key_public(ptr::null(), ptr::null_mut(), ptr::null_mut()) };
    assert_eq!(status, SealedBoxStatus::NullPointer);
}
