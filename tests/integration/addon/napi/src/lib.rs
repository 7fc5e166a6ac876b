//! As much of Node-API as this addon needs, in the place of the crate of this name.
#![no_std]
use core::ffi::{c_char, c_void};

pub type Env = *mut c_void;
pub type Value = *mut c_void;
pub type Callback = unsafe extern "C" fn(Env, *mut c_void) -> Value;

extern "C" {
    pub fn napi_create_function(
        env: Env, name: *const c_char, length: usize, callback: Callback, data: *mut c_void, result: *mut Value,
    ) -> i32;
    pub fn napi_get_cb_info(
        env: Env, info: *mut c_void, count: *mut usize, values: *mut Value, this: *mut Value, data: *mut *mut c_void,
    ) -> i32;
    pub fn napi_get_value_int32(env: Env, value: Value, result: *mut i32) -> i32;
    pub fn napi_create_int32(env: Env, value: i32, result: *mut Value) -> i32;
}
