//! A library without core, so that nothing of Rust's has to be compiled for a target that is linked on Windows.
#![feature(no_core, lang_items)]
#![allow(internal_features)]
#![no_core]
#[lang = "pointee_sized"]
trait PointeeSized {}
#[lang = "meta_sized"]
trait MetaSized: PointeeSized {}
#[lang = "sized"]
trait Sized: MetaSized {}
#[lang = "copy"]
trait Copy {}
impl Copy for i32 {}
#[unsafe(no_mangle)]
pub extern "C" fn tiny_echo(number: i32) -> i32 {
    number
}
