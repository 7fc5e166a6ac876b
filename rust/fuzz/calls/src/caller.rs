//! Chooses arguments, makes the call, and looks at what came of it.

use std::collections::BTreeMap;
use std::ffi::c_char;
use std::ptr;

use crate::{Choices, Functions};

/// Where buffers lie: inputs mostly in the first half, results in the second.
const WORDS: usize = 256;

/// Where structures lie, each with room for the longest that a library reads.
const STRUCTURES: usize = 2048;

/// The longest structure that a library reads, in words.
const MOST_STRUCTURE: usize = 512;

/// The status of a fault that was contained. A caller must not be able to bring one about.
const INTERNAL: i32 = 10;

/// What every call of a library is checked by.
#[derive(Clone, Copy)]
pub struct Interface {
    /// The closed set of its statuses.
    pub statuses: &'static [i32],
    /// Its function for the message of a thread.
    pub last_error: unsafe extern "C" fn(*mut c_char, usize) -> usize,
}

/// Addresses from the first up to, but without, the second.
type Span = (usize, usize);

/// Somebody who calls a library with anything.
pub struct Caller<'a> {
    /// Where arguments come from.
    pub choices: Choices<'a>,
    /// Calls of each function: those that were refused, and those that were done.
    pub counts: BTreeMap<&'static str, [u64; 2]>,
    interface: Interface,
    memory: Box<[u64]>,
    before: Vec<u64>,
    used: usize,
    reads: Vec<Span>,
    writes: Vec<Span>,
    answer: Vec<u8>,
}

impl<'a> Caller<'a> {
    /// Somebody who has called nothing yet.
    #[must_use]
    pub fn new(interface: Interface, choices: Choices<'a>) -> Self {
        Self {
            choices,
            counts: BTreeMap::new(),
            interface,
            memory: vec![0x3FF0_0000_0000_0000; WORDS + STRUCTURES].into(),
            before: Vec::new(),
            used: WORDS,
            reads: Vec::new(),
            writes: Vec::new(),
            answer: Vec::new(),
        }
    }

    /// Makes one call of each function, which are called `rounds` times in all.
    pub fn rounds<S>(&mut self, functions: &Functions<S>, session: &mut S, rounds: u64) {
        for _ in 0..rounds {
            for (_, function) in functions {
                function(self, session);
            }
        }
    }

    /// Calls the functions that the choices name, until there are no more choices.
    pub fn play<S>(&mut self, functions: &Functions<S>, session: &mut S) {
        while !self.choices.is_empty() {
            let number = self.choices.below(functions.len());
            functions[number].1(self, session);
        }
    }

    /// A handle, mostly a good one.
    pub fn handle<T>(&mut self, handles: &crate::handles::Handles<T>) -> *mut T {
        let all: Vec<*mut T> = handles.all().collect();
        let good = self.choices.pick(&all);
        match self.choices.below(24) {
            22 => ptr::null_mut(),
            23 => good.wrapping_byte_add(1),
            _ => {
                self.reads.push(span(good, 1));
                good
            }
        }
    }

    /// An array to read, of at most `limit` values for the library.
    pub fn input<T>(&mut self, limit: usize) -> (*const T, usize) {
        let room = WORDS / 2 * 8 / size_of::<T>();
        let count = self.choices.below(room.min(40) + 1);
        self.input_of(count, limit)
    }

    /// An array to read, mostly of so many values.
    pub fn input_of<T>(&mut self, count: usize, limit: usize) -> (*const T, usize) {
        let (start, count) = self.array::<T>(count, limit, 0);
        if self.choices.one_in(3) {
            self.scribble(start, count);
        }
        self.reads.push(span(start, count));
        (start, count)
    }

    /// The library reads only so many values of the last array, from this one on.
    pub fn reads_only<T>(&mut self, start: *const T, count: usize) {
        self.reads.pop();
        self.reads.push(span(start, count));
    }

    /// What was chosen so far is not read: what would have pointed to it is null.
    pub fn reads_nothing(&mut self) {
        self.reads.clear();
    }

    /// Bytes to read: any, or what the library has answered before, with a flaw or without.
    pub fn bytes(&mut self, limit: usize) -> (*const u8, usize) {
        if self.answer.is_empty() || !self.choices.one_in(3) {
            let count = self.choices.pick(&[32, 24, 12, 64, 0, 1, 16, 100]);
            return self.input_of(count, limit);
        }
        let count = self.answer.len().min(WORDS * 4);
        let offset = self.choices.below(8);
        let start: *mut u8 = self.memory.as_mut_ptr().cast::<u8>().wrapping_add(offset);
        if self.choices.one_in(2) {
            let flaw = self.choices.below(count);
            self.answer[flaw] ^= self.choices.byte();
        }
        // SAFETY: the first half of the buffers and more has that many bytes.
        unsafe { start.copy_from_nonoverlapping(self.answer.as_ptr(), count) };
        self.reads.push(span(start, count));
        (start, count)
    }

    /// A text of these words and of any bytes.
    pub fn text(&mut self, words: &[&str], limit: usize) -> (*const c_char, usize) {
        let mut text = Vec::new();
        for _ in 0..self.choices.below(12) {
            match self.choices.one_in(6) {
                true => text.push(self.choices.byte()),
                false => text.extend_from_slice(self.choices.pick(words).as_bytes()),
            }
        }
        text.truncate(WORDS * 4);
        if self.choices.one_in(6) {
            let (start, count) = self.input::<u8>(limit);
            return (start.cast(), count);
        }
        let start: *mut u8 = self
            .memory
            .as_mut_ptr()
            .cast::<u8>()
            .wrapping_add(self.choices.below(64) * 8);
        // SAFETY: the buffers have that many bytes.
        unsafe { start.copy_from_nonoverlapping(text.as_ptr(), text.len()) };
        self.reads.push(span(start, text.len()));
        (start.cast(), text.len())
    }

    /// An array to write, mostly of so many values.
    pub fn output<T>(&mut self, count: usize, limit: usize) -> (*mut T, usize) {
        let near = if self.choices.one_in(8) {
            self.choices.below(8)
        } else {
            count
        };
        let count = near.min(WORDS / 4 * 8 / size_of::<T>());
        let (start, count) = self.array::<T>(count, limit, WORDS / 2);
        self.writes.push(span(start, count));
        (start.cast_mut(), count)
    }

    /// A place for one result.
    pub fn out<T>(&mut self) -> *mut T {
        let words = size_of::<T>().div_ceil(8);
        let number = match self.choices.below(20) {
            18 => return ptr::null_mut(),
            19 => return self.inside(),
            // Where no array to write is, nor another result.
            0..14 => 3 * WORDS / 4 + self.writes.len() % 4 * 16,
            _ => self.choices.below(WORDS - words - 1),
        };
        let flaw = usize::from(self.choices.one_in(20));
        let pointer = self.word(number).wrapping_byte_add(flaw).cast::<T>();
        self.writes.push(span(pointer, 1));
        pointer
    }

    /// A structure that may grow: its first field is its size. Mostly as it should be.
    pub fn structure<T: Copy>(&mut self, value: T) -> *mut T {
        let exact = size_of::<T>();
        let sizes = [
            exact,
            exact,
            exact,
            exact,
            exact,
            exact + 8,
            4096,
            0,
            7,
            exact - 1,
            exact - 8, // an earlier release's, of those that have grown
            4097,
            u32::MAX as usize,
        ];
        let size = self.choices.pick(&sizes);
        let place = self.place(value);
        let length = if size > 4096 { exact } else { size.max(exact) };
        // SAFETY: every structure has room for 4096 bytes, and starts with a number of 32 bits.
        let rest = unsafe { std::slice::from_raw_parts_mut(place.cast::<u8>(), length) };
        rest[exact..].fill(0);
        if length > exact && self.choices.one_in(3) {
            rest[length - 1] = 1;
        }
        rest[..4].copy_from_slice(&(size as u32).to_ne_bytes());
        let pointer = self.spoil(place);
        if pointer == place {
            // Behind a shorter one is anything, which may be a result.
            let read = if size == exact - 8 { size } else { length };
            self.reads.push((place.addr(), place.addr() + read));
        }
        pointer
    }

    /// Structures that are read as they are, one after the other.
    pub fn structures<T: Copy>(&mut self, values: &[T], limit: usize) -> (*mut T, usize) {
        let first = self.reserve(size_of_val(values).div_ceil(8)).cast::<T>();
        // SAFETY: there is room for them, and words are aligned for everything that a header has.
        unsafe { first.copy_from_nonoverlapping(values.as_ptr(), values.len()) };
        self.reads.push(span(first, values.len()));
        let count = self.choices.pick(&[
            values.len(),
            values.len(),
            values.len(),
            values.len(),
            limit + 1,
            usize::MAX,
        ]);
        (self.spoil(first), count)
    }

    /// A value in memory that stays for the call.
    pub fn place<T: Copy>(&mut self, value: T) -> *mut T {
        let place = self.reserve(MOST_STRUCTURE).cast::<T>();
        // SAFETY: as in `structures`.
        unsafe { place.write(value) };
        place
    }

    /// Mostly the good one, so that the rest of the arguments is looked at too.
    pub fn spoil<T>(&mut self, good: *mut T) -> *mut T {
        match self.choices.below(16) {
            14 => ptr::null_mut(),
            15 => good.wrapping_byte_add(1),
            _ => good,
        }
    }

    /// A call that returns a status. True if it was done.
    ///
    /// # Panics
    ///
    /// If the status is unknown or that of a fault, if there is no message for a failure, if anything was written but
    /// the results of a call that was done, or if that were written over something else of the call.
    pub fn call(&mut self, name: &'static str, call: impl FnOnce() -> i32) -> bool {
        self.before.clear();
        self.before.extend_from_slice(&self.memory[..self.used]);
        let status = call();
        assert!(self.interface.statuses.contains(&status), "{name} returns {status}");
        assert_ne!(status, INTERNAL, "{name} has a fault");
        let is_done = status == 0;
        // SAFETY: null asks for the length alone.
        let message = unsafe { (self.interface.last_error)(ptr::null_mut(), 0) };
        assert_eq!(
            message == 0,
            is_done,
            "{name} returns {status} with a message of {message} bytes"
        );
        self.check_memory(name, is_done);
        self.end(name, is_done);
        is_done
    }

    /// A call that returns no status.
    pub fn done(&mut self, name: &'static str, call: impl FnOnce()) {
        call();
        self.end(name, true);
    }

    /// What a call that was done wrote.
    ///
    /// # Safety
    ///
    /// It is the place for a result of the last call, which was done.
    pub unsafe fn result<T: Copy>(&self, out: *const T) -> T {
        // SAFETY: the caller's promise.
        unsafe { out.read() }
    }

    /// Keeps bytes of the library for later calls.
    ///
    /// # Safety
    ///
    /// Null, or so many bytes.
    pub unsafe fn remember(&mut self, bytes: *const u8, length: usize) {
        self.answer.clear();
        if !bytes.is_null() {
            // SAFETY: the caller's promise.
            self.answer
                .extend_from_slice(unsafe { std::slice::from_raw_parts(bytes, length) });
        }
    }

    fn word(&mut self, number: usize) -> *mut u64 {
        self.memory.as_mut_ptr().wrapping_add(number)
    }

    /// Within something that the call reads, where no result may be.
    fn inside<T>(&mut self) -> *mut T {
        let all = self
            .reads
            .iter()
            .chain(&self.writes)
            .filter(|span| span.0 > 4096 && span.0 < span.1);
        let all: Vec<Span> = all.copied().collect();
        if all.is_empty() {
            return ptr::null_mut();
        }
        let (start, end) = self.choices.pick(&all);
        let address = (start + self.choices.below(64).min(end - start - 1)) & !7;
        // Where it is the memory of a handle or a buffer of this caller, the call has to refuse it; a call that does
        // not is noticed by what it has overwritten.
        let pointer = ptr::with_exposed_provenance_mut::<T>(address);
        self.writes.push(span(pointer, 1));
        pointer
    }

    /// An array within the buffers, or one that must be refused.
    fn array<T>(&mut self, count: usize, limit: usize, first: usize) -> (*const T, usize) {
        let base = self.word(first).cast::<u8>();
        let start: *const u8 = match size_of::<T>() {
            1 => base.wrapping_add(self.choices.below(64)),
            _ => base.wrapping_add(self.choices.below(WORDS / 8) * 8),
        };
        let start = start.cast::<T>();
        let near = self.word(16).cast_const().cast();
        match self.choices.below(24) {
            15 => (ptr::null(), count.max(1)),
            16 => (ptr::null(), 0),
            17 => (start, usize::MAX),
            18 => (start, limit + 1),
            19 => (start, isize::MAX.unsigned_abs()),
            20 => (ptr::dangling(), 0),
            21 => (start.wrapping_byte_add(1), count),
            22 => (start.wrapping_byte_add(4), count),
            23 => (near, count),
            _ => (start, count),
        }
    }

    /// Writes anything over an array within the buffers.
    fn scribble<T>(&mut self, start: *const T, count: usize) {
        let first = (start.addr().wrapping_sub(self.memory.as_ptr().addr())) / 8;
        let words = count.saturating_mul(size_of::<T>()) / 8;
        if first < WORDS && words <= WORDS - first {
            let values = [
                0.0,
                -0.0,
                1.0,
                -1.0,
                f64::NAN,
                f64::INFINITY,
                f64::MAX,
                f64::MIN_POSITIVE,
                5e-324,
                1e-300,
            ];
            for word in &mut self.memory[first..first + words] {
                *word = match self.choices.below(4) {
                    0 => self.choices.pick(&values).to_bits(),
                    1 => f64::from(self.choices.byte()).to_bits(),
                    _ => self.choices.word(),
                };
            }
        }
    }

    /// So many words for a structure.
    fn reserve(&mut self, words: usize) -> *mut u64 {
        let place = self.word(self.used);
        self.used += words;
        assert!(self.used <= self.memory.len(), "a call has too many structures");
        place
    }

    /// A call that was refused has written nothing, and one that was done nothing but its results.
    fn check_memory(&self, name: &str, is_done: bool) {
        if is_done {
            for (index, (start, end)) in self.writes.iter().enumerate() {
                let others = self.reads.iter().chain(&self.writes[..index]);
                let overlap = others
                    .clone()
                    .any(|other| start < end && other.0 < other.1 && *start < other.1 && other.0 < *end);
                assert!(!overlap, "{name} has written over something else of the call");
            }
        }
        if self.memory[..self.used] == self.before[..] {
            return;
        }
        assert!(is_done, "{name} was refused and has written");
        let base = self.memory.as_ptr().addr();
        let changed = (0..self.used).filter(|number| self.memory[*number] != self.before[*number]);
        for number in changed {
            let (start, end) = (base + number * 8, base + number * 8 + 8);
            let is_result = self.writes.iter().any(|write| write.0 < end && start < write.1);
            assert!(is_result, "{name} has written beside its results");
        }
    }

    fn end(&mut self, name: &'static str, is_done: bool) {
        self.counts.entry(name).or_default()[usize::from(is_done)] += 1;
        self.reads.clear();
        self.writes.clear();
        self.used = WORDS;
    }
}

fn span<T>(pointer: *const T, count: usize) -> Span {
    let start = pointer.expose_provenance();
    (start, start.saturating_add(count.saturating_mul(size_of::<T>())))
}
