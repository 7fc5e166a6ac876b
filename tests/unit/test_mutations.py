from __future__ import annotations

import pytest

from mutants import run
from mutants.mutations import Mutation, mutations
from mutants.run import SOURCES, equivalents


def labels(text):
    return [m.label for m in mutations(text)]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("def f(a):\n    return a == 1\n", "f: a == 1 -> (a != 1)"),
        ("def f(a, b):\n    return a and b\n", "f: a and b -> ((a) or (b))"),
        ("def f(a):\n    if a:\n        print(a)\n", "f: a -> not (a)"),
        ("def f(a):\n    print(a)\n", "f: print(a) -> pass"),
        ("class A:\n    def f(self):\n        return 3\n", "A.f: 3 -> 4"),
        ("X = 'name'\n", "<module>: 'name' -> 'name~'"),
        ("def f():\n    raise ValueError\n", "f: raise ValueError -> pass"),
    ],
)
def test_mutates(text, label):
    assert label in labels(text)


@pytest.mark.parametrize(
    "text",
    [
        '"""A docstring."""\n',
        "def f():\n    '''A docstring.'''\n",
        "from x import y\n",
        "X: Literal['a'] = compute\n",
        "if TYPE_CHECKING:\n    import a\n",
        "X = f'{a} text'\n",
        "X = 'prose with spaces'\n",
    ],
)
def test_leaves_alone(text):
    assert labels(text) == []


def test_every_mutation_changes_one_span_and_compiles():
    text = "def f(a, b):\n    é = a < b\n    return 'x' if é else 'y'\n"
    for mutation in mutations(text):
        assert mutation.before in text
        compile(mutation.source, "mutant", "exec")
        assert mutation.source == text.replace(mutation.before, mutation.after, 1)


def test_equivalent_mutants_exist():
    stale = [(m, text) for m, text in equivalents() if text not in labels((SOURCES / m).read_text(encoding="utf-8"))]
    assert not stale


OWN = "unit/kinds/test_x.py"


def chosen(line, reach, seconds, own=OWN):
    return run._tests(own, Mutation(line, "f", "a", "b", ""), reach, seconds)


def test_the_file_of_the_module_comes_first_and_then_the_fastest_of_others():
    other, slow = "unit/test_y.py::b", "unit/test_z.py::c"
    reach = {3: [f"{slow}|run", f"{other}[1]|run", f"{OWN}::a|run", f"{other}[2]|run"], 4: [""], 5: [f"{slow}|run"]}
    assert chosen(3, reach, {other: 1.0, slow: 200.0}) == (OWN, other)  # two minutes are enough
    assert chosen(3, reach, {}) == (OWN, other, slow)
    assert chosen(4, reach, {}) == (OWN, other, slow)  # it runs at import
    assert chosen(5, reach, {slow: 1000.0}) == (OWN, slow)
    assert chosen(6, reach, {}) == (OWN,)  # perhaps in a program that it starts
    assert chosen(6, reach, {}, own=None) == ()


def test_all_tests_of_a_file_see_what_a_shared_fixture_reaches():
    first, second = "unit/test_y.py::b", "unit/test_y.py::c"
    assert chosen(3, {3: [f"{first}|setup"]}, {first: 1.0, second: 2.0}, own=None) == (first, second)
