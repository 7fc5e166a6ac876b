//! Adds two numbers.

pub const WORDS: &str = include_str!("../../../assets/words.txt");

#[unsafe(no_mangle)]
pub extern "C" fn demo_add(a: i32, b: i32) -> i32 {
    a + b
}
