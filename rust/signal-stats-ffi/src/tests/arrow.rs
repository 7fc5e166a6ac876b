//! Columns as another program hands them in, and as it takes them over.

use std::ffi::{CStr, c_void};
use std::ptr;

use super::{Stats, last_error};
use crate::arrow::{ArrowArray, ArrowSchema};
use crate::{SignalStatsStatus as Status, signal_stats_arrow_new, signal_stats_arrow_values, signal_stats_mean};

unsafe extern "C" fn keep_schema(_: *mut ArrowSchema) {}
unsafe extern "C" fn keep_array(_: *mut ArrowArray) {}

fn schema(format: &'static CStr) -> ArrowSchema {
    ArrowSchema {
        format: format.as_ptr(),
        name: c"x".as_ptr(),
        metadata: ptr::null(),
        flags: 2,
        n_children: 0,
        children: ptr::null_mut(),
        dictionary: ptr::null_mut(),
        release: Some(keep_schema),
        private_data: ptr::null_mut(),
    }
}

fn array(buffers: &mut [*const c_void; 2], length: i64, offset: i64, null_count: i64) -> ArrowArray {
    ArrowArray {
        length,
        null_count,
        offset,
        n_buffers: 2,
        n_children: 0,
        buffers: buffers.as_mut_ptr(),
        children: ptr::null_mut(),
        dictionary: ptr::null_mut(),
        release: Some(keep_array),
        private_data: ptr::null_mut(),
    }
}

/// The status, and where the values are.
fn values(schema: &ArrowSchema, array: &ArrowArray) -> (Status, *const f64, usize) {
    let stats = Stats::new();
    let (mut values, mut count) = (ptr::null(), usize::MAX);
    // SAFETY: everything lives until the call returns.
    let status = unsafe { signal_stats_arrow_values(stats.0, schema, array, &raw mut values, &raw mut count) };
    (status, values, count)
}

#[test]
fn a_column_is_read_where_it_lies() {
    let numbers = [1.0_f64, 2.0, 3.0, 4.0];
    for (bitmap, null_count) in [
        (None, 0),
        (None, -1),
        (Some(0xff_u8), -1),
        (Some(0b1110), -1),
        (Some(0), 0),
    ] {
        let present = bitmap.as_ref().map_or(ptr::null(), |byte| ptr::from_ref(byte).cast());
        let mut buffers = [present, numbers.as_ptr().cast()];
        let (status, at, count) = values(&schema(c"g"), &array(&mut buffers, 3, 1, null_count));
        assert_eq!((status, count), (Status::Ok, 3), "{bitmap:?}");
        assert_eq!(at, &raw const numbers[1]);
    }
}

#[test]
fn an_empty_column_needs_no_memory() {
    let mut buffers = [ptr::null(), ptr::null()];
    let (status, _, count) = values(&schema(c"g"), &array(&mut buffers, 0, 0, 0));
    assert_eq!((status, count), (Status::Ok, 0));
}

#[test]
fn results_are_not_written_over_the_column() {
    let stats = Stats::new();
    let mut numbers = [1.0_f64, 2.0, 3.0, 4.0];
    let before = numbers;
    let mut buffers = [ptr::null(), numbers.as_ptr().cast()];
    let (schema, array) = (schema(c"g"), array(&mut buffers, 3, 1, 0));
    let mut count = 0;
    let within = [numbers.as_mut_ptr().wrapping_add(2).cast(), array.buffers.cast()];
    for values in within {
        // SAFETY: everything lives until the call returns.
        let status =
            unsafe { signal_stats_arrow_values(stats.0, &raw const schema, &raw const array, values, &raw mut count) };
        assert_eq!((status, count), (Status::Overlap, 0));
    }
    assert_eq!(numbers.map(f64::to_bits), before.map(f64::to_bits));
}

#[test]
fn what_is_no_column_of_numbers_is_refused() {
    let numbers = [1.0_f64, 2.0, 3.0, 4.0];
    let bitmap = 0b1101_u8;
    let good = [ptr::null(), numbers.as_ptr().cast()];
    let null = [ptr::from_ref(&bitmap).cast(), numbers.as_ptr().cast()];
    let none = [ptr::null(), ptr::null()];
    let aside = [ptr::null(), numbers.as_ptr().cast::<u8>().wrapping_add(4).cast()];
    let cases = [
        (c"f", good, 4, 0, 0, Status::InvalidArgument, "format g"),
        (c"gg", good, 4, 0, 0, Status::InvalidArgument, "format g"),
        (c"g", null, 4, 0, 1, Status::InvalidArgument, "nulls"),
        (c"g", null, 2, 1, -1, Status::InvalidArgument, "nulls"),
        (c"g", none, 4, 0, 0, Status::InvalidArgument, "no memory"),
        (c"g", good, -1, 0, 0, Status::InvalidArgument, "negative"),
        (c"g", good, 1, i64::MAX, 0, Status::InvalidArgument, "no memory"),
        (c"g", good, 1 << 40, 0, 0, Status::TooLong, "more than"),
        (c"g", aside, 3, 0, 0, Status::Misaligned, "aligned"),
    ];
    for (format, mut buffers, length, offset, null_count, status, words) in cases {
        let seen = values(&schema(format), &array(&mut buffers, length, offset, null_count));
        assert_eq!(seen, (status, ptr::null(), usize::MAX), "{words}");
        assert!(last_error().contains(words), "{} has no {words}", last_error());
    }
}

#[test]
fn a_column_of_another_shape_is_refused() {
    let numbers = [1.0_f64];
    let mut buffers = [ptr::null(), numbers.as_ptr().cast()];
    let mut released = array(&mut buffers, 1, 0, 0);
    released.release = None;
    let mut nested = array(&mut buffers, 1, 0, 0);
    nested.n_children = 1;
    let mut coded = array(&mut buffers, 1, 0, 0);
    coded.dictionary = &raw mut nested;
    let mut short = array(&mut buffers, 1, 0, 0);
    short.n_buffers = 1;
    let mut none = array(&mut buffers, 1, 0, 0);
    none.buffers = ptr::null_mut();
    for array in [&released, &nested, &coded, &short, &none] {
        assert_eq!(values(&schema(c"g"), array).0, Status::InvalidArgument);
    }
    let mut gone = schema(c"g");
    gone.release = None;
    assert_eq!(values(&gone, &array(&mut buffers, 1, 0, 0)).0, Status::InvalidArgument);
}

#[test]
fn results_are_handed_out_as_a_column() {
    let stats = Stats::new();
    for count in [0, 1, 1000] {
        let mut schema = schema(c"");
        let mut column = array(&mut [ptr::null(); 2], 0, 0, 0);
        let mut results = ptr::null_mut();
        // SAFETY: the places live until the call returns.
        let status =
            unsafe { signal_stats_arrow_new(stats.0, count, &raw mut schema, &raw mut column, &raw mut results) };
        assert_eq!(status, Status::Ok);
        for index in 0..count {
            let number = [f64::from(u32::try_from(index).expect("few"))];
            // SAFETY: the column has `count` places.
            let status = unsafe { signal_stats_mean(stats.0, number.as_ptr(), 1, results.wrapping_add(index)) };
            assert_eq!(status, Status::Ok);
        }
        let (status, at, length) = values(&schema, &column);
        assert_eq!((status, length), (Status::Ok, count));
        for index in 0..count {
            // SAFETY: within the column.
            assert_eq!(unsafe { *at.add(index) }, f64::from(u32::try_from(index).expect("few")));
        }
        let (release_array, release_schema) =
            (column.release.expect("not released"), schema.release.expect("nor this"));
        // SAFETY: each is released once; a second time does nothing.
        unsafe {
            release_schema(&raw mut schema);
            release_array(&raw mut column);
            release_array(&raw mut column);
            release_array(ptr::null_mut());
            release_schema(ptr::null_mut());
        }
        assert!(column.release.is_none() && schema.release.is_none());
        assert_eq!(values(&schema, &column).0, Status::InvalidArgument);
    }
}

#[test]
fn no_column_is_made_that_is_too_long_or_over_another() {
    let stats = Stats::new();
    let mut schema = schema(c"g");
    let mut column = array(&mut [ptr::null(); 2], 0, 0, 0);
    let mut results = ptr::null_mut();
    let within = (&raw mut column).cast::<*mut f64>();
    // SAFETY: the places live until the calls return, and none is written.
    unsafe {
        let long = signal_stats_arrow_new(stats.0, usize::MAX, &raw mut schema, &raw mut column, &raw mut results);
        assert_eq!(long, Status::TooLong);
        let over = signal_stats_arrow_new(stats.0, 1, &raw mut schema, &raw mut column, within);
        assert_eq!(over, Status::Overlap);
        let null = signal_stats_arrow_new(stats.0, 1, ptr::null_mut(), &raw mut column, &raw mut results);
        assert_eq!(null, Status::NullPointer);
    }
    assert!(results.is_null());
}
