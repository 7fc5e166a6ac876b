//! Every function with arguments that nobody means: null, misaligned, overlapping, huge. Each call ends with a status.
//!
//! `SEALED_BOX_HOSTILE_ROUNDS=1000000 cargo test --release -p sealed-box-ffi hostile` takes longer over it.

use std::env;
use std::ptr;

use super::{Algorithm, Box, Key, Status, Stream, options};
use crate::{
    SEALED_BOX_MAX_COUNT, SEALED_BOX_MAX_LENGTH, SealedBox, SealedBoxEnvelope, SealedBoxItem, SealedBoxKey,
    SealedBoxOptions, SealedBoxStream, sealed_box_agree, sealed_box_bytes_free, sealed_box_decrypt, sealed_box_derive,
    sealed_box_derive_key, sealed_box_encrypt, sealed_box_envelope_read, sealed_box_equal, sealed_box_free,
    sealed_box_hash, sealed_box_hash_batch, sealed_box_hash_check, sealed_box_key_export, sealed_box_key_free,
    sealed_box_key_generate, sealed_box_key_import, sealed_box_key_import_public, sealed_box_key_public,
    sealed_box_last_error, sealed_box_new, sealed_box_open, sealed_box_open_batch, sealed_box_seal,
    sealed_box_seal_batch, sealed_box_sign, sealed_box_stream_finish, sealed_box_stream_free, sealed_box_stream_hash,
    sealed_box_stream_open, sealed_box_stream_push, sealed_box_stream_seal, sealed_box_verify, sealed_box_verify_batch,
};

const ROUNDS: usize = 300;
const WORDS: usize = 16;

/// Chooses arguments, good and bad ones, by a generator that is the same in every run.
struct Dice {
    state: u64,
    sealed_box: Box,
    keys: Vec<Key>,
    streams: Vec<Stream>,
    memory: [u64; WORDS],
    results: Results,
    counts: [usize; 2],
}

/// Where results go if their place is a good one.
#[derive(Clone, Copy)]
struct Results {
    bytes: *mut u8,
    length: usize,
    handle: *mut u8,
    envelope: SealedBoxEnvelope,
    flag: u8,
}

const NOTHING: Results = Results {
    bytes: ptr::null_mut(),
    length: 0,
    handle: ptr::null_mut(),
    envelope: SealedBoxEnvelope {
        operation: 0,
        algorithm: 0,
        key_id: 0,
        status: Status::Ok,
        reserved: 0,
        payload_offset: 0,
        payload_length: 0,
        length: 0,
    },
    flag: 0,
};

fn crooked<T>(pointer: *const T) -> *mut T {
    pointer.cast::<u8>().wrapping_add(1).cast::<T>().cast_mut()
}

impl Dice {
    fn new() -> Self {
        let sealed_box = Box::everything();
        let algorithms = [
            Algorithm::Xchacha20Poly1305,
            Algorithm::HmacSha256,
            Algorithm::HkdfSha256,
        ];
        let pairs = [Algorithm::Ed25519, Algorithm::X25519];
        let keys: Vec<Key> = algorithms
            .into_iter()
            .chain(pairs)
            .map(|algorithm| sealed_box.generate(algorithm))
            .collect();
        let streams = [(0, "seal"), (0, "open"), (1, "hash")]
            .map(|(key, kind)| sealed_box.stream(&keys[key], kind).expect("a stream"));
        Self {
            state: 1,
            sealed_box,
            keys,
            streams: streams.into(),
            memory: [0x0102_0304_0506_0708; WORDS],
            results: NOTHING,
            counts: [0; 2],
        }
    }

    fn roll(&mut self, sides: usize) -> usize {
        // The generator of Knuth's MMIX.
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.state >> 33).expect("31 bits") % sides
    }

    /// Mostly the good one, so that the rest of the arguments is looked at too.
    fn spoil<T>(&mut self, good: *mut T) -> *mut T {
        match self.roll(12) {
            0 => ptr::null_mut(),
            1 => crooked(good),
            _ => good,
        }
    }

    fn sealed_box(&mut self) -> *const SealedBox {
        self.spoil(self.sealed_box.0)
    }

    fn key(&mut self) -> *const SealedBoxKey {
        let number = self.roll(self.keys.len());
        self.spoil(self.keys[number].0)
    }

    fn stream(&mut self) -> *const SealedBoxStream {
        let number = self.roll(self.streams.len());
        self.spoil(self.streams[number].0)
    }

    /// Bytes that are there, or a length that no memory has.
    fn bytes(&mut self) -> (*const u8, usize) {
        let start: *const u8 = self.memory.as_ptr().cast();
        match self.roll(12) {
            0 => (ptr::null(), 5),
            1 => (ptr::null(), 0),
            2 => (start, usize::MAX),
            3 => (start, SEALED_BOX_MAX_LENGTH + 257),
            4 => (crooked(start), 32),
            5 => (start, 0),
            6 => (start, 24),
            7 => (start, 64),
            _ => (start, 32),
        }
    }

    /// A place for a result: the dedicated one, or one within what goes in.
    fn out<T>(&mut self, good: *mut T) -> *mut T {
        match self.roll(12) {
            0 => self.memory.as_mut_ptr().wrapping_add(2).cast(),
            _ => self.spoil(good),
        }
    }

    fn data(&mut self) -> *mut *mut u8 {
        let good = &raw mut self.results.bytes;
        self.out(good)
    }

    fn length(&mut self) -> *mut usize {
        let good = &raw mut self.results.length;
        self.out(good)
    }

    fn handle<T>(&mut self) -> *mut *mut T {
        let good = (&raw mut self.results.handle).cast();
        self.out(good)
    }

    fn number(&mut self) -> u32 {
        let numbers = [
            0x0101,
            0x0103,
            0x0201,
            0x0301,
            0x0401,
            0x0501,
            0,
            0x0999,
            u32::MAX,
            0x1_0103,
        ];
        numbers[self.roll(numbers.len())]
    }

    /// Whatever was handed out goes back; what was refused wrote nothing.
    fn settle<T>(&mut self, status: Status, free: unsafe extern "C" fn(*mut T)) {
        let results = std::mem::replace(&mut self.results, NOTHING);
        self.counts[usize::from(status == Status::Ok)] += 1;
        assert!(status == Status::Ok || (results.bytes.is_null() && results.handle.is_null()));
        // A good place was given, or memory that the call did not read: there the result is now.
        let stray = self.memory[2];
        self.memory = [0x0102_0304_0506_0708; WORDS];
        assert!(
            status == Status::Ok || stray == self.memory[2],
            "a refused call writes nothing"
        );
        // SAFETY: null, or bytes of the library with the length that it wrote.
        unsafe { sealed_box_bytes_free(results.bytes, results.length) };
        // SAFETY: null, or a handle of the library of this kind.
        unsafe { free(results.handle.cast()) };
    }
}

/// Calls a function with what the dice gave, and gives back what came of it.
macro_rules! hostile {
    ($dice:ident, $free:ident, $function:ident($($argument:expr),* $(,)?)) => {{
        // SAFETY: pointers to memory that is there and as long as is said, or such as must be refused.
        let status = unsafe { $function($($argument),*) };
        $dice.settle(status, $free);
    }};
}

fn keys(dice: &mut Dice) {
    let (sealed_box, number, bytes, handle) = (dice.sealed_box(), dice.number(), dice.bytes(), dice.handle());
    hostile!(
        dice,
        sealed_box_key_free,
        sealed_box_key_import(sealed_box, number, 1, bytes.0, bytes.1, handle)
    );
    let (sealed_box, number, bytes, handle) = (dice.sealed_box(), dice.number(), dice.bytes(), dice.handle());
    hostile!(
        dice,
        sealed_box_key_free,
        sealed_box_key_import_public(sealed_box, number, 1, bytes.0, bytes.1, handle)
    );
    let (sealed_box, number, handle) = (dice.sealed_box(), dice.number(), dice.handle());
    hostile!(
        dice,
        sealed_box_key_free,
        sealed_box_key_generate(sealed_box, number, 1, handle)
    );
    let (key, data, length) = (dice.key(), dice.data(), dice.length());
    hostile!(dice, sealed_box_key_free, sealed_box_key_public(key, data, length));
    let (sealed_box, key, data, length) = (dice.sealed_box(), dice.key(), dice.data(), dice.length());
    hostile!(
        dice,
        sealed_box_key_free,
        sealed_box_key_export(sealed_box, key, data, length)
    );
}

fn messages(dice: &mut Dice) {
    let (sealed_box, key, data, length) = (dice.sealed_box(), dice.key(), dice.data(), dice.length());
    let (a, b, c) = (dice.bytes(), dice.bytes(), dice.bytes());
    hostile!(
        dice,
        sealed_box_key_free,
        sealed_box_seal(sealed_box, key, a.0, a.1, b.0, b.1, data, length)
    );
    hostile!(
        dice,
        sealed_box_key_free,
        sealed_box_open(sealed_box, key, a.0, a.1, b.0, b.1, data, length)
    );
    hostile!(
        dice,
        sealed_box_key_free,
        sealed_box_encrypt(sealed_box, key, a.0, a.1, b.0, b.1, c.0, c.1, data, length)
    );
    hostile!(
        dice,
        sealed_box_key_free,
        sealed_box_decrypt(sealed_box, key, a.0, a.1, b.0, b.1, c.0, c.1, data, length)
    );
    hostile!(
        dice,
        sealed_box_key_free,
        sealed_box_hash(sealed_box, key, a.0, a.1, data, length)
    );
    hostile!(
        dice,
        sealed_box_key_free,
        sealed_box_hash_check(sealed_box, key, a.0, a.1, b.0, b.1)
    );
    hostile!(
        dice,
        sealed_box_key_free,
        sealed_box_sign(sealed_box, key, a.0, a.1, data, length)
    );
    hostile!(
        dice,
        sealed_box_key_free,
        sealed_box_verify(sealed_box, key, a.0, a.1, b.0, b.1)
    );
    let wanted = [0, 32, 8161, usize::MAX][dice.roll(4)];
    hostile!(
        dice,
        sealed_box_key_free,
        sealed_box_derive(sealed_box, key, a.0, a.1, b.0, b.1, wanted, data, length)
    );
    let (number, handle) = (dice.number(), dice.handle());
    hostile!(
        dice,
        sealed_box_key_free,
        sealed_box_derive_key(sealed_box, key, a.0, a.1, b.0, b.1, number, 1, handle)
    );
    let handle = dice.handle();
    hostile!(
        dice,
        sealed_box_key_free,
        sealed_box_agree(sealed_box, key, a.0, a.1, 1, handle)
    );
    let flag = &raw mut dice.results.flag;
    let flag = if dice.roll(4) == 0 { ptr::null_mut() } else { flag };
    hostile!(dice, sealed_box_key_free, sealed_box_equal(a.0, a.1, b.0, b.1, flag));
    let envelope = &raw mut dice.results.envelope;
    let (envelope, a) = (dice.spoil(envelope), if a.1 > 64 { (a.0, usize::MAX / 8) } else { a });
    hostile!(dice, sealed_box_key_free, sealed_box_envelope_read(a.0, a.1, envelope));
}

fn batches(dice: &mut Dice) {
    let (a, b) = (dice.bytes(), dice.bytes());
    let item = |data: (*const u8, usize), associated: (*const u8, usize)| SealedBoxItem {
        data: data.0,
        data_length: data.1,
        associated: associated.0,
        associated_length: associated.1,
    };
    let mut items = [item(a, b), item(b, a)];
    let items = dice.spoil(items.as_mut_ptr());
    let count = [0, 1, 2, SEALED_BOX_MAX_COUNT + 1, usize::MAX][dice.roll(5)];
    for function in [
        sealed_box_seal_batch,
        sealed_box_open_batch,
        sealed_box_hash_batch,
        sealed_box_verify_batch,
    ] {
        let (sealed_box, key, data, length) = (dice.sealed_box(), dice.key(), dice.data(), dice.length());
        hostile!(
            dice,
            sealed_box_key_free,
            function(sealed_box, key, items, count, data, length)
        );
    }
}

fn streams(dice: &mut Dice) {
    let (sealed_box, key, a, handle) = (dice.sealed_box(), dice.key(), dice.bytes(), dice.handle());
    hostile!(
        dice,
        sealed_box_stream_free,
        sealed_box_stream_seal(sealed_box, key, a.0, a.1, handle)
    );
    let (sealed_box, key, a, handle) = (dice.sealed_box(), dice.key(), dice.bytes(), dice.handle());
    hostile!(
        dice,
        sealed_box_stream_free,
        sealed_box_stream_open(sealed_box, key, a.0, a.1, handle)
    );
    let (sealed_box, key, handle) = (dice.sealed_box(), dice.key(), dice.handle());
    hostile!(
        dice,
        sealed_box_stream_free,
        sealed_box_stream_hash(sealed_box, key, handle)
    );
    let (stream, a, data, length) = (dice.stream(), dice.bytes(), dice.data(), dice.length());
    hostile!(
        dice,
        sealed_box_stream_free,
        sealed_box_stream_push(stream, a.0, a.1, data, length)
    );
    let (stream, data, length) = (dice.stream(), dice.data(), dice.length());
    hostile!(
        dice,
        sealed_box_stream_free,
        sealed_box_stream_finish(stream, data, length)
    );
}

fn boxes(dice: &mut Dice) {
    let numbers = [dice.number(), 0x0101];
    let mut options = options(&numbers);
    options.struct_size = [0, 7, options.struct_size, options.struct_size, 4097][dice.roll(5)];
    options.reserved[0] = u8::from(dice.roll(8) == 0);
    let (options, handle) = (dice.spoil(&raw mut options), dice.handle());
    hostile!(
        dice,
        sealed_box_free,
        sealed_box_new(options.cast_const().cast::<SealedBoxOptions>(), ptr::null(), handle)
    );
}

#[test]
fn every_call_ends_with_a_status() {
    let rounds = env::var("SEALED_BOX_HOSTILE_ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(ROUNDS);
    let mut dice = Dice::new();
    for round in 0..rounds {
        if round % 50 == 0 {
            let fresh = Dice::new();
            (dice.sealed_box, dice.keys, dice.streams) = (fresh.sealed_box, fresh.keys, fresh.streams);
        }
        keys(&mut dice);
        messages(&mut dice);
        batches(&mut dice);
        streams(&mut dice);
        boxes(&mut dice);
        let mut buffer = [0; 4];
        let length = dice.roll(5);
        // SAFETY: the buffer has that many bytes.
        unsafe { sealed_box_last_error(buffer.as_mut_ptr(), length) };
    }
    let [refused, done] = dice.counts;
    assert_eq!(refused + done, rounds * 28);
    assert!(
        refused > rounds && done > rounds,
        "{refused} were refused, {done} were done"
    );
}
