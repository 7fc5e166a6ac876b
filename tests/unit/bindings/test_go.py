"""The text of files in Go; what they answer is seen in tests/integration/test_bindings_in_go.py."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from ferrule.bindings import go, model
from ferrule.bindings.declarations import Scalar

from .strangers import GOLDEN, STRANGERS, C, keyed, recognized, stranger

SHARED = "// Handles, calls and callbacks, which are the same for every library.\n"


@pytest.mark.parametrize("name", STRANGERS)
def test_the_file_of_a_stranger(name: str, pytestconfig: pytest.Config) -> None:
    path = GOLDEN / f"{name}.go.txt"
    text = go.module(go.fitting(stranger(name)), f"example.org/{name}").partition(SHARED)[0]
    if pytestconfig.getoption("--write-screens"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        ("void x_put(char a);", "x_put", "it passes a char, which has a sign on some machines"),
        (f"void x_many({', '.join(f'int a{n}' for n in range(16))});", "x_many", "it takes more than 15 arguments"),
        ("struct x_s { char a; };", "x_s", "its field a is a char, which has a sign on some machines"),
        ("struct x_s { char a; }; void x_use(const struct x_s *s);", "x_use", "it takes a x_s, which is left"),
        (
            "struct x_h { void *data; double (*on)(void *data); int (*off)(void *data); };",
            "x_h.on",
            "it returns a floating-point number, which purego cannot; it is null",
        ),
        (
            "struct x_s { char a; }; struct x_h { void *data; void (*on)(void *data, const struct x_s *s); };",
            "x_h.on",
            "it takes a x_s, which is left to the author; it is null",
        ),
        ("struct x_s { char reserved[4]; };", "x_s", "its field reserved is a char, which has a sign"),
        ("enum x_e { X_A }; typedef char x_e; void x_use(x_e *e);", "x_e", "it is passed as a char"),
        ("enum x_e { X_A }; typedef char x_e; void x_use(x_e *e);", "x_use", "it passes a char"),
        ("enum x_e { X_OK }; typedef char x_e; x_e x_use(int a);", "x_use", "it passes a char"),
        (
            "struct x_h { void *data; void (*on)(void *data, char c); };",
            "x_h.on",
            "it passes a char, which has a sign on some machines; it is null",
        ),
        (
            "struct x_h { void *data; char (*on)(void *data); };",
            "x_h.on",
            "it passes a char, which has a sign on some machines; it is null",
        ),
        (
            "void x_string_free(char *t); void x_both(char **a, size_t *a_len, char **b, size_t *b_len);",
            "x_both",
            "it gives several texts of known length",
        ),
    ],
)
def test_what_go_cannot_call_is_left_too(text: str, name: str, reason: str) -> None:
    library = go.fitting(recognized(f"{text}\nint x_more(void);"))
    assert dict(library.left)[name].startswith(reason)
    assert "x_more" in go.module(library, "example.org/x")


def test_what_python_can_call_and_go_too_is_not_left() -> None:
    assert go.fitting(stranger("store")) == stranger("store")


def test_a_char_that_is_a_result_is_left() -> None:
    library = stranger("pixels")
    (function, *_) = library.functions
    results = (model.ValueResult(Scalar("char"), 0, "sign"),)
    fitting = go.fitting(replace(library, functions=(replace(function, results=results),)))
    assert dict(fitting.left) == {"px_invert": "it passes a char, which has a sign on some machines"}


def test_no_comment_becomes_code() -> None:
    library = recognized(
        "/** A {@link x}\n//go:noinline\ngo:linkname f g\n*\\/ func init() { panic(1) } */\nint f(int a);\n"
    )
    text = go.module(go.fitting(library), "example.org/x")
    (comment,) = re.findall(r"// F is f\.\n(.*?)^func", text, flags=re.MULTILINE | re.DOTALL)
    lines = comment.splitlines()
    assert len(lines) == 5
    assert all(line == "//" or line.startswith("// ") for line in lines)


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        ("double x_mean(int32_t a);", "func(int32) float64"),
        ("void x_scale(float a, const double *values, size_t count);", "func(float32, unsafe.Pointer, uintptr)"),
        ("int x_many(int64_t a, int b, int c, int d, int e, int f, int g, int h, short i);", "int16) uintptr"),
        ("int x_few(int64_t a, int b, int c, int d, int e, int f, int g, int h);", ""),
        ("int x_wide(int a, int b, int c, int d, int e, int f, int g, int h, int64_t i, size_t j);", ""),
    ],
)
def test_what_registers_alone_cannot_pass_is_registered(text: str, signature: str) -> None:
    library = go.fitting(recognized(f"{text}\nint x_more(void);"))
    generated = go.module(library, "example.org/x")
    assert signature in generated
    assert ("purego.RegisterFunc(" in generated) is bool(signature)


@pytest.mark.parametrize(
    ("comment", "parents"), [("A key.", ", h.handle"), ("A key. It needs nothing that it was made with.", "")]
)
def test_what_was_made_with_a_handle_keeps_it_unless_the_header_says_otherwise(comment: str, parents: str) -> None:
    text = go.module(recognized(keyed(comment)), "example.org/x")
    assert f"made := h.library.newHandle(h.library.xKeyFreeAt{parents})" in text


CALLED_BACK = (
    "typedef struct x_box x_box;\ntypedef struct { void *user_data; int32_t (*on)(void *user_data); } x_hooks;\n"
    "x_box *x_box_new(const x_hooks *hooks);\nvoid x_box_free(x_box *box);\n"
    "/** A key.%s */\ntypedef struct x_key x_key;\nvoid x_key_free(x_key *key);\n"
    "/** The caller owns it. */\nx_key *x_box_key(x_box *box, x_box *other);\nint x_key_use(x_key *key, x_box *box);\n"
)


@pytest.mark.parametrize(
    ("comment", "makes"), [("", "made"), (" It needs nothing that it was made with.", "h.handle, other.handle, made")]
)
def test_a_call_hears_of_the_callbacks_of_all_that_it_uses(comment: str, makes: str) -> None:
    text = go.module(recognized(CALLED_BACK % comment), "example.org/x")
    assert f"c := f.call.begin({makes})" in text.partition(") Key(")[2]
    assert "c := f.call.begin(h.handle, box.handle)" in text.partition(") Use(")[2]
    assert "made.keep(hooks)" in text


def test_no_parameter_hides_what_a_function_reads() -> None:
    names = sorted(name for name in go.reserved() - C if name[0].islower())
    library = recognized("".join(f"int x_use_{at}(double {name}, int other);\n" for at, name in enumerate(names)))
    text = go.module(library, "example.org/x")
    heads = re.findall(r"^func \(library \*Library\) \w+\((\w+) float64, other int32\)", text, flags=re.MULTILINE)
    assert heads == [f"{name}_" for name in names]


def test_the_names_that_functions_read_are_known() -> None:
    """What Go predeclares, what the shared text declares, packages, and what bodies declare for themselves."""
    assert {"frame", "float64", "new", "handle", "callBack", "purego", "native", "atomic", "value0"} <= go.reserved()
    for name in STRANGERS:
        text = (GOLDEN / f"{name}.go.txt").read_text(encoding="utf-8")
        functions = re.findall(r"^func \((?:h|library) \*\w+\) [A-Z].*?^}", text, flags=re.MULTILINE | re.DOTALL)
        for function in functions:
            own = re.findall(r"^\t+(?:if )?(\w+(?:, \w+)*) := |^\t+var (\w+)", function, flags=re.MULTILINE)
            assert {one for pair in own for one in "".join(pair).split(", ")} <= go.reserved()


def test_a_structure_of_callbacks_hides_nothing_of_the_runtime() -> None:
    text = go.module(
        recognized(
            "typedef struct x_box x_box;\n"
            "typedef struct { void *user_data; int32_t (*back)(void *user_data); } x_call;\n"
            "x_box *x_box_new(const x_call *call_memory);\nvoid x_box_free(x_box *box);\n"
        ),
        "example.org/x",
    )
    assert "var call_Back = sync.OnceValue" in text
    assert "type call_Memory struct" in text


def test_closing_and_freeing_twice_or_nothing_does_nothing() -> None:
    text = go.module(stranger("store"), "example.org/x")
    assert "Close() {\n\tif h != nil {\n\t\th.close()\n\t}\n}" in text
    assert "if t.frame == nil || t.frame.uses != t.use {\n\t\treturn\n\t}" in text
    assert "f, f.uses}" in text


def test_a_structure_may_have_nothing_of_the_callers() -> None:
    text = go.module(
        recognized("typedef struct { size_t size; uint64_t reserved; } x_o; int x_f(const x_o *o); int x_g(void);"),
        "e/x",
    )
    assert "type O struct {\n}" in text
    assert "return O{}\n}" in text
