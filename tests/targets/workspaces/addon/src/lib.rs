//! Counts the words of a text.

use napi_derive::napi;

#[napi]
pub fn words(text: String) -> u32 {
    text.split_whitespace().count() as u32
}
