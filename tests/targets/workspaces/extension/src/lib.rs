//! Counts the words of a text, with a function in C that knows spaces.

use pyo3::prelude::*;

extern "C" {
    fn is_space(character: i32) -> i32;
}

#[pyfunction]
fn words(text: &str) -> usize {
    text.as_bytes().split(|&byte| unsafe { is_space(byte.into()) } != 0).filter(|word| !word.is_empty()).count()
}

#[pymodule]
fn count_ext(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(words, module)?)
}
