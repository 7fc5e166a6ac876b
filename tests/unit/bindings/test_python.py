"""The text of modules in Python; what they answer is seen in tests/integration/test_bindings_in_python.py."""

from __future__ import annotations

import ast

import pytest

from ferrule import bindings
from ferrule.bindings import python

from .strangers import GOLDEN, STRANGERS, preprocessed, recognized, stranger

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


def test_names_that_python_has_for_itself() -> None:
    library = recognized(
        "typedef enum { x_import, x_class = 3, x_2 } x_type;\nx_type x_len(x_type self, int ctypes, int whole);\n"
        "typedef struct x_call x_call;\nx_call *x_call_def(int None);\nvoid x_call_free(x_call *call);\n"
        '/** A \\ and """. */\nvoid x_call_close(const x_call *call, int n);\n'
    )
    text = python.module(library, "x")
    tree = ast.parse(text)
    names = {node.name for node in ast.walk(tree) if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    assert {"Type", "XCall", "x_len", "def_", "close_"} <= names
    assert "import_ = 0" in text
    assert "x_2 = 4" in text
    assert "def x_len(self_: Type, ctypes_: int, whole_: int) -> Type:" in text
