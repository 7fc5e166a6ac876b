use std::ptr::null_mut;

use napi::{Env, Value};

unsafe extern "C" fn add(env: Env, info: *mut std::ffi::c_void) -> Value {
    let (mut values, mut count) = ([null_mut(); 2], 2);
    let (mut a, mut b, mut sum) = (0, 0, null_mut());
    unsafe {
        napi::napi_get_cb_info(env, info, &mut count, values.as_mut_ptr(), null_mut(), null_mut());
        napi::napi_get_value_int32(env, values[0], &mut a);
        napi::napi_get_value_int32(env, values[1], &mut b);
        napi::napi_create_int32(env, a + b, &mut sum);
    }
    sum
}

/// # Safety
/// Node.js calls it.
#[no_mangle]
pub unsafe extern "C" fn napi_register_module_v1(env: Env, _exports: Value) -> Value {
    let mut function = null_mut();
    unsafe { napi::napi_create_function(env, c"add".as_ptr(), 3, add, null_mut(), &mut function) };
    function
}
