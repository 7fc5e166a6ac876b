from __future__ import annotations

import pytest

from ferrule.bindings import go, python
from ferrule.bindings.naming import Names

from .strangers import recognized


@pytest.mark.parametrize(
    ("choices", "name"),
    [
        (("a", "b"), "a"),
        (("in", "b"), "b"),
        (("in",), "in_"),
        (("2d", "in_2d"), "in_2d"),
        (("2d", "2d_"), "_2d"),
        (("0",), "_0"),
        (("",), "_"),
    ],
)
def test_a_name_is_free_and_begins_with_no_digit(choices: tuple[str, ...], name: str) -> None:
    assert Names(frozenset({"in"})).claim(*choices) == name


DIGITS = (
    "typedef struct d_c d_c;\nvoid d_c_free(d_c *c);\nint d_c_2d_scale(d_c *c, int32_t _0, int32_t _1);\n"
    "typedef struct d_3d { int32_t _0; double _1; } d_3d;\nint d_c_take(const d_3d *all);\n"
    "typedef struct d_h { void *user_data; void (*_2)(void *user_data, int32_t _0); } d_h;\n"
    "d_c *d_c_new(const d_h *h);\n"
    "typedef enum { D_2D, D_3D } d_form;\nint d_2d(d_form form);\n"
)


def test_names_of_digits_in_python() -> None:
    text = python.module(recognized(DIGITS), "x")
    for part in (
        "def _2d_scale(self, _0: int, _1: int)",
        "class D3d(",
        "def of(cls, *, _0: int = 0, _1: float",
        "def d_2d(",
    ):
        assert part in text
    assert "class _7zipError(Exception)" in python.module(recognized("int a(void);\nint b(void);", "7zip.h"), "x")


def test_a_status_of_digits_and_words_in_python() -> None:
    text = python.module(
        recognized("typedef enum { X_OK, X_2BIG, X_None } x_status; x_status x_a(void); int x_b(void);"), "x"
    )
    for part in ("    X_2BIG = 1\n", "status = Status.X_2BIG\n", "Status.None_: NoneError"):
        assert part in text


def test_names_of_digits_in_go() -> None:
    text = go.module(recognized(DIGITS), "example.org/x")
    for part in (") X2dScale(x0 int32, x1 int32)", "\tX0 int32\n", "\tX2 func(", "type D3d struct"):
        assert part in text


def test_names_that_a_class_of_python_would_mangle() -> None:
    library = recognized(
        "typedef struct { int __a; int b; } x_o;\nvoid x_f(const x_o *o);\nint x__g(void);\n"
        "typedef struct { void *user_data; void (*_2)(void *user_data); } x_h;\n"
    )
    text = python.module(library, "x")
    for part in (
        'setattr(made, "__a", whole(a, ctypes.c_int))',
        "self.c__g = opened.x__g",
        "LIBRARY.c__g()",
        "CALLBACK_2 = ctypes.CFUNCTYPE(None, ctypes.c_void_p)",
        'made._2 = _callback_2("_2", _2)',
    ):
        assert part in text
