"""Columns of Arrow's, read where they lie (The Arrow PyCapsule Interface, "ArrowArray Export")."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

from ferrule_signal_stats import _bindings

_native = _bindings._native  # noqa: SLF001 - the bindings leave this function to their package
_VALUES = ctypes.CDLL(str(Path(_native.__file__).with_name(_native.LIBRARY))).signal_stats_arrow_values
_VALUES.argtypes = (ctypes.c_void_p,) * 5
_POINTER = ctypes.pythonapi.PyCapsule_GetPointer
_POINTER.argtypes, _POINTER.restype = (ctypes.py_object, ctypes.c_char_p), ctypes.c_void_p
_LIBRARY = _bindings.SignalStats()


def borrowed(values: Any) -> Any:  # noqa: ANN401 - whatever has a buffer
    """The values of a column, not copied and as long-lived as what is returned; anything else as it is.

    Raises InvalidArgumentError for columns of other types, and for nulls.
    """
    export = getattr(values, "__arrow_c_array__", None)
    if export is None:
        return values
    schema, column = export()
    address, count = ctypes.c_void_p(), ctypes.c_size_t()
    with _LIBRARY._handle as handle:  # noqa: SLF001 - as above
        status = _VALUES(
            handle,
            _POINTER(schema, b"arrow_schema"),
            _POINTER(column, b"arrow_array"),
            ctypes.byref(address),
            ctypes.byref(count),
        )
        if status:
            raise _bindings.failure(status)
    kind: Any = ctypes.c_double * count.value
    elements = kind.from_address(address.value) if count.value else kind()
    elements.column = column  # which releases the values when nobody refers to it
    return memoryview(elements).toreadonly()
