//! Columns of other programs by the Arrow C Data Interface: taken in where they lie, and handed out to be filled in.
//!
//! The structures are Arrow's ("The Arrow C data interface", Structure definitions); the header brings them where the
//! caller has not included them yet.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use boundary::{Region, memory};

use crate::call::with;
use crate::status::{Failure, SignalStatsStatus};
use crate::{SIGNAL_STATS_MAX_COUNT, SignalStats};

/// Arrow's word for `f64` (Data type description, format strings).
const FLOAT64: &CStr = c"g";

/// The buffers of a column of fixed width: which values are there, and the values.
const BUFFERS: i64 = 2;

/// What a column is of.
#[repr(C)]
pub struct ArrowSchema {
    pub(crate) format: *const c_char,
    pub(crate) name: *const c_char,
    pub(crate) metadata: *const c_char,
    pub(crate) flags: i64,
    pub(crate) n_children: i64,
    pub(crate) children: *mut *mut ArrowSchema,
    pub(crate) dictionary: *mut ArrowSchema,
    pub(crate) release: Option<unsafe extern "C" fn(*mut ArrowSchema)>,
    pub(crate) private_data: *mut c_void,
}

/// The buffers of a column.
#[repr(C)]
pub struct ArrowArray {
    pub(crate) length: i64,
    pub(crate) null_count: i64,
    pub(crate) offset: i64,
    pub(crate) n_buffers: i64,
    pub(crate) n_children: i64,
    pub(crate) buffers: *mut *const c_void,
    pub(crate) children: *mut *mut ArrowArray,
    pub(crate) dictionary: *mut ArrowArray,
    pub(crate) release: Option<unsafe extern "C" fn(*mut ArrowArray)>,
    pub(crate) private_data: *mut c_void,
}

/// Says where the values of a column lie, and how many there are. Nothing is copied, and neither structure is released:
/// both stay the caller's, and `values` may be read until the caller releases `array`.
///
/// The column is of 64-bit floating point numbers (format `g`) without nulls, which have no place in a series of numbers;
/// anything else is `SIGNAL_STATS_STATUS_INVALID_ARGUMENT`.
///
/// # Safety
///
/// Each pointer is null or points to what its type says, and both structures are as Arrow's specification wants them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_arrow_values(
    stats: *const SignalStats,
    schema: *const ArrowSchema,
    array: *const ArrowArray,
    values: *mut *const f64,
    count: *mut usize,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_arrow_values", stats, |_, regions| {
            regions.read(Region::of(schema, 1));
            regions.read(Region::of(array, 1));
            let array = memory::shared(array, "array")?;
            let column = column(memory::shared(schema, "schema")?, array)?;
            regions.read(Region::of(array.buffers, 2));
            regions.read(Region::of(column.as_ptr(), column.len()));
            let values = regions.result(values, "values")?;
            let count = regions.result(count, "count")?;
            values.write(column.as_ptr());
            count.write(column.len());
            Ok(())
        })
    }
}

/// Makes a column of `count` zeros and says where they lie, for results to be written there: whoever takes the column over
/// gets them without a copy.
///
/// `schema` and `array` are released by their own `release`, in any order and by any thread, and `values` may be written
/// until `array` is.
///
/// # Safety
///
/// Each pointer is null or points to what its type says. What `schema` and `array` held before is not released.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn signal_stats_arrow_new(
    stats: *const SignalStats,
    count: usize,
    schema: *mut ArrowSchema,
    array: *mut ArrowArray,
    values: *mut *mut f64,
) -> SignalStatsStatus {
    // SAFETY: the caller's promise.
    unsafe {
        with(c"signal_stats_arrow_new", stats, |_, regions| {
            let schema = regions.result(schema, "schema")?;
            let array = regions.result(array, "array")?;
            let values = regions.result(values, "values")?;
            if count > SIGNAL_STATS_MAX_COUNT {
                let message = format_args!("the column has more than {SIGNAL_STATS_MAX_COUNT} items");
                return Err(Failure::new(SignalStatsStatus::TooLong, message));
            }
            let (exported, first) = exported(count);
            schema.write(FLOATS);
            array.write(exported);
            values.write(first);
            Ok(())
        })
    }
}

fn refused(why: &str) -> Failure {
    Failure::new(SignalStatsStatus::InvalidArgument, why)
}

/// The values of a column.
///
/// # Safety
///
/// Both are as Arrow's specification wants them, and nobody changes the values during `'a`.
unsafe fn column<'a>(schema: &ArrowSchema, array: &'a ArrowArray) -> Result<&'a [f64], Failure> {
    if schema.release.is_none() || array.release.is_none() {
        return Err(refused("the column was released"));
    }
    // SAFETY: a format is never null in a schema that was not released, but this one may break the rules.
    if schema.format.is_null() || unsafe { CStr::from_ptr(schema.format) } != FLOAT64 {
        return Err(refused("the column is not of 64-bit floating point numbers (format g)"));
    }
    if array.n_buffers != BUFFERS || array.n_children != 0 || !array.dictionary.is_null() || array.buffers.is_null() {
        return Err(refused("the column does not have the two buffers of numbers"));
    }
    let number = |value: i64| usize::try_from(value).map_err(|_| refused("the column has a negative length or offset"));
    let (length, offset) = (number(array.length)?, number(array.offset)?);
    // SAFETY: there are two, as was just checked.
    let [present, values] = unsafe { array.buffers.cast::<[*const c_void; 2]>().read_unaligned() };
    // SAFETY: the caller's promise.
    if array.null_count != 0 && !present.is_null() && unsafe { has_null(present.cast(), offset, length) } {
        return Err(refused("the column has nulls; drop or fill them before"));
    }
    if length == 0 {
        return Ok(&[]);
    }
    let whole = length
        .checked_add(offset)
        .filter(|whole| *whole <= isize::MAX as usize / size_of::<f64>());
    if whole.is_none() || values.is_null() {
        return Err(refused("the column has no memory for its values"));
    }
    // SAFETY: the caller's promise; the length does not leave what can be addressed.
    unsafe {
        memory::array(
            values.cast::<f64>().wrapping_add(offset),
            length,
            SIGNAL_STATS_MAX_COUNT,
            "the column",
        )
    }
}

/// Whether a bit of a validity bitmap is 0 (Arrow columnar format, "Validity bitmaps": least-significant bit first).
///
/// # Safety
///
/// The bitmap has `offset + length` bits.
unsafe fn has_null(bitmap: *const u8, offset: usize, length: usize) -> bool {
    (offset..offset.saturating_add(length)).any(|index| {
        // SAFETY: the caller's promise.
        let byte = unsafe { bitmap.add(index / 8).read() };
        byte >> (index % 8) & 1 == 0
    })
}

/// What an exported array owns.
struct Owned {
    values: Box<[f64]>,
    buffers: [*const c_void; 2],
}

/// A schema that owns nothing: its texts are the library's.
const FLOATS: ArrowSchema = ArrowSchema {
    format: FLOAT64.as_ptr(),
    name: c"".as_ptr(),
    metadata: ptr::null(),
    flags: 0, // no value is null
    n_children: 0,
    children: ptr::null_mut(),
    dictionary: ptr::null_mut(),
    release: Some(release_schema),
    private_data: ptr::null_mut(),
};

/// A column of zeros, and the first of them.
fn exported(count: usize) -> (ArrowArray, *mut f64) {
    let owned = Box::into_raw(Box::new(Owned {
        values: vec![0.0; count].into_boxed_slice(),
        buffers: [ptr::null(); 2],
    }));
    // SAFETY: it was made a line before, and is given away below.
    let (values, buffers) = unsafe { (&raw mut (*owned).values, &raw mut (*owned).buffers) };
    // SAFETY: as before. The pointers stay, for boxes do not move.
    let first = unsafe { (*values).as_mut_ptr() };
    // SAFETY: as before.
    unsafe { (*buffers)[1] = first.cast() };
    let array = ArrowArray {
        length: i64::try_from(count).unwrap_or(i64::MAX), // a count that was allocated is far smaller
        null_count: 0,
        offset: 0,
        n_buffers: BUFFERS,
        n_children: 0,
        buffers: buffers.cast(),
        children: ptr::null_mut(),
        dictionary: ptr::null_mut(),
        release: Some(release_array),
        private_data: owned.cast(),
    };
    (array, first)
}

/// Marks a schema as released (The Arrow C data interface, "Release callback semantics").
unsafe extern "C" fn release_schema(schema: *mut ArrowSchema) {
    // SAFETY: whoever releases hands the structure in.
    if let Some(schema) = unsafe { schema.as_mut() } {
        schema.release = None;
    }
}

/// Frees the values of an array, and marks it as released.
unsafe extern "C" fn release_array(array: *mut ArrowArray) {
    // SAFETY: whoever releases hands the structure in.
    let Some(array) = (unsafe { array.as_mut() }) else {
        return;
    };
    if array.release.take().is_some() && !array.private_data.is_null() {
        // SAFETY: only `exported` makes arrays with this callback, and it is called once.
        drop(unsafe { Box::from_raw(array.private_data.cast::<Owned>()) });
        array.private_data = ptr::null_mut();
    }
}
