//! Counts words, with a part in C, a thread, a map and an unwound panic: what needs a whole standard library.

use std::collections::HashMap;

extern "C" {
    fn tally_inner_is_space(character: i32) -> i32;
}

/// How often each word occurs, counted in a thread of its own where there are threads.
pub fn words(text: &str) -> HashMap<String, u32> {
    let text = text.to_owned();
    if cfg!(target_family = "wasm") {
        return count(&text);
    }
    std::thread::spawn(move || count(&text)).join().unwrap_or_default()
}

fn count(text: &str) -> HashMap<String, u32> {
    let mut counts = HashMap::new();
    // SAFETY: the function reads nothing but its argument.
    for word in text.split(|c: char| unsafe { tally_inner_is_space(c as i32) } != 0).filter(|word| !word.is_empty()) {
        *counts.entry(word.to_owned()).or_insert(0) += 1;
    }
    counts
}

/// The number of different words in a text, or -1 for one that is no UTF-8.
///
/// # Safety
///
/// `text` must point to `length` bytes.
#[no_mangle]
pub unsafe extern "C" fn tally_words(text: *const u8, length: usize) -> i32 {
    let bytes = std::slice::from_raw_parts(text, length);
    let counted = std::panic::catch_unwind(|| words(std::str::from_utf8(bytes).expect("UTF-8")).len() as i32);
    counted.unwrap_or(-1)
}

/// The version of the library as a number: a header of Ferrule has a macro TALLY_VERSION.
#[no_mangle]
pub static TALLY_NUMBER: u32 = 10203;
