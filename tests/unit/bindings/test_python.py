"""The text of modules in Python; what they answer is seen in tests/integration/test_bindings_in_python.py."""

from __future__ import annotations

import ast
import builtins
import re

import pytest

from ferrule import bindings
from ferrule.bindings import python
from ferrule.core.errors import VerificationError

from .strangers import GOLDEN, STRANGERS, C, keyed, preprocessed, recognized, stranger

END = "# --- what is particular to this library\n"


def particular(text: str) -> str:
    """A module without what every library's has."""
    head, _, rest = text.partition('"""\n# ruff')
    return f'{head}"""\n...\n{rest.partition(END)[2]}'


@pytest.mark.parametrize("name", STRANGERS)
def test_the_module_of_a_stranger(name: str, pytestconfig: pytest.Config) -> None:
    path = GOLDEN / f"{name}.py.txt"
    text = python.module(stranger(name), f"bound-{name}")
    ast.parse(text)
    if pytestconfig.getoption("--write-screens"):
        path.write_text(particular(text), encoding="utf-8")
    assert particular(text) == path.read_text(encoding="utf-8")


def test_generated_twice_is_the_same() -> None:
    text = (GOLDEN / "store.h").read_text(encoding="utf-8")
    made = [
        bindings.generate(preprocessed(text, "store.h"), "store.h", source=text, language="python", package="kv")
        for _ in range(2)
    ]
    assert made[0] == made[1]
    assert made[0].left == ()


def test_what_is_left_is_named_in_the_module() -> None:
    text = python.module(stranger("odd"), "odd")
    assert "- odd_printf: it takes any number of arguments" in ast.get_docstring(ast.parse(text), clean=False)


@pytest.mark.parametrize(
    ("comment", "parents"),
    [("A key.", ", self._handle"), ("A key.\n *\n * It needs nothing that it\n * was made with.", "")],
)
def test_what_was_made_with_a_handle_keeps_it_unless_the_header_says_otherwise(comment: str, parents: str) -> None:
    text = python.module(recognized(keyed(comment)), "x")
    assert f'_made = Handle(LIBRARY._key_free, "key", None{parents})' in text


def test_names_that_python_has_for_itself() -> None:
    library = recognized(
        "typedef enum { x_import, x_class = 3, x_2 } x_type;\nx_type x_len(x_type self, int ctypes, int whole);\n"
        "typedef struct x_call x_call;\n/** The caller owns it. */\n"
        "x_call *x_call_def(int None);\nvoid x_call_free(x_call *call);\n"
        '/** A \\ and """. */\nvoid x_call_close(const x_call *call, int n);\n'
    )
    text = python.module(library, "x")
    tree = ast.parse(text)
    names = {node.name for node in ast.walk(tree) if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    assert {"Type", "XCall", "x_len", "def_", "close_"} <= names
    assert "import_ = 0" in text
    assert "x_2 = 4" in text
    assert "def x_len(self_: Type, ctypes_: int, whole_: int) -> Type:" in text


@pytest.mark.parametrize(
    "comment",
    [
        'Says "yes"',
        '"',
        '""',
        '""""',
        "A \"\"\" and '''.",
        '"""\nimport os\n"""',
        "It ends in \\",
        'It ends in \\"',
        "\\N{no such} \\x \\u12",
        '"begins and ends"',
    ],
)
def test_a_comment_is_a_docstring_whatever_it_says(comment: str) -> None:
    library = recognized(
        f"/** {comment} */\nint x_use(int a);\n/** {comment} */\nenum x_e {{ /** {comment} */ x_a }};\n"
    )
    module = ast.parse(python.module(library, "x"))
    documented = [node for node in module.body if getattr(node, "name", "") in {"use", "x_use", "E", "XE"}]
    assert [ast.get_docstring(node) for node in documented if isinstance(node, (ast.ClassDef, ast.FunctionDef))] == [
        comment,
        comment,
    ]


def test_fields_and_functions_may_be_called_as_python_has_words() -> None:
    library = recognized(
        "typedef struct x_box x_box;\nvoid x_box_free(x_box *box);\nint lambda(int a);\n"
        "typedef struct { const char *from; size_t len; } x_text;\n"
        "typedef struct { void *data; void (*with)(void *data); const char *is; size_t is_len; const char *pass;"
        " int in; const x_text *class; size_t class_count; } x_h;\n"
        "void x_box_new(const x_h *h, x_box **box);\n"
    )
    assert library.left == ()
    text = python.module(library, "x")
    for name in ("from", "with", "is", "pass", "in", "class"):
        assert re.search(rf'setattr\(\w+, "{name}", ', text), name
    assert 'getattr(opened, "lambda")' in text
    text = python.module(recognized("typedef struct { const char *data; size_t len; } x_t; int x_a(int a);"), "x")
    assert "item.data, item.len = data, len(data)" in text


def test_what_is_no_python_is_refused() -> None:
    with pytest.raises(
        VerificationError, match="its bindings would be no Python: invalid syntax: class = 1"
    ) as refused:
        python.compiled("one = 1\nclass = 1\n", "x.h")
    assert (refused.value.where, refused.value.hint) == ("x.h", "give what the header declares there another name")


def test_a_structure_before_others_has_no_default() -> None:
    library = recognized(
        "typedef struct { uint32_t struct_size; uint32_t reserved; double low; } x_bins;\n"
        "int x_before(const x_bins *bins, double scale);\nint x_after(double scale, const x_bins *bins);\n"
    )
    text = python.module(library, "x")
    assert "def before(bins: Bins | None, scale: float) -> int:" in text
    assert "def after(scale: float, bins: Bins | None = None) -> int:" in text


CALLED_BACK = (
    "typedef struct x_box x_box;\ntypedef struct { void *user_data; float (*on)(void *user_data); } x_hooks;\n"
    "x_box *x_box_new(const x_hooks *hooks);\nvoid x_box_free(x_box *box);\n"
    "/** A key.%s */\ntypedef struct x_key x_key;\nvoid x_key_free(x_key *key);\n"
    "/** The caller owns it. */\nx_key *x_box_key(x_box *box);\nint x_key_use(x_key *key, x_box *box);\n"
)


@pytest.mark.parametrize(
    ("comment", "makes"),
    [
        ("", "_made.calls_back"),
        (" It needs nothing that it was made with.", "self._handle.calls_back or _made.calls_back"),
    ],
)
def test_a_call_hears_of_the_callbacks_of_all_that_it_uses(comment: str, makes: str) -> None:
    text = python.module(recognized(CALLED_BACK % comment), "x")
    assert f"if {makes}:\n" in text.partition("def key(")[2].partition("def ")[0]
    assert "if self._handle.calls_back or _other1.calls_back:\n" in text.partition("def use(")[2]


def test_floating_point_numbers_are_checked() -> None:
    text = python.module(recognized(CALLED_BACK % "" + "int x_set(float low, double high, _Bool on);"), "x")
    assert "_set(real(low, ctypes.c_float), real(high, ctypes.c_double), on)" in text
    assert "return real(function(), ctypes.c_float)" in text


def test_no_name_of_a_library_hides_what_its_module_reads() -> None:
    """As a parameter, as a field, as a function, and as an exception."""
    names = sorted(name for name in python.reserved() - C if not name.startswith("_"))
    errors = [f"x_{name.removesuffix('Error')}" for name in names]
    header = (
        f"typedef enum {{ x_ok, {', '.join(errors)} }} x_status;\n"
        f"typedef struct {{ {' '.join(f'int {name};' for name in names)} }} x_settings;\n"
        "x_status x_set(const x_settings *settings);\n"
        + "".join(f"int x_{name}(int a);\nint x_use_{at}(int {name});\n" for at, name in enumerate(names))
    )
    text = python.module(recognized(header), "x")
    functions = {one.name: one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.FunctionDef)}
    assert [functions[f"use_{at}"].args.args[0].arg for at in range(len(names))] == [f"{name}_" for name in names]
    assert [one.arg for one in functions["of"].args.kwonlyargs] == [f"{name}_" for name in names]
    own = ast.parse(text.partition(END)[2]).body
    defined = [one.name for one in own if isinstance(one, (ast.ClassDef, ast.FunctionDef))]
    assert len(set(defined)) == len(defined)
    shared = python.read_globally(text.partition("# fmt: off\n")[2].partition(END)[0])
    assert {*defined} & shared <= {"ClosedError"}


def test_the_names_that_modules_read_are_known() -> None:
    """Those built in, whatever a module's text reads of them, and those that the shared text defines."""
    assert {
        "next",
        "opcode",
        "contextvars",
        "importlib",
        "OverflowError",
        "Exception",
        "MemoryError",
    } <= python.reserved()
    for name in STRANGERS:
        text = python.module(stranger(name), f"bound-{name}")
        own = {one.name for one in ast.parse(text).body if isinstance(one, ast.FunctionDef)}
        assert python.read_globally(text) & {*vars(builtins)} - own <= python.reserved() | {"__name__"}


def test_a_parameter_is_none_of_the_names_that_begin_with_an_underscore() -> None:
    text = python.module(recognized("int x_use(const char *_returned, size_t _returned_len, int __);"), "x")
    assert "def x_use(returned: str, argument: int) -> int:" in text
