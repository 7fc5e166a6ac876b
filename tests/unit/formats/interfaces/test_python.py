# ruff: noqa: E501 - declarations are read better in one piece
"""The public interface of a Python package: names, members, and what changes for its users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ferrule.core.errors import VerificationError
from ferrule.formats.interfaces import header, python

if TYPE_CHECKING:
    from pathlib import Path

STANDARD = header.stand_ins()["ferrule-standard.h"].replace("#pragma once\n", "")


def c(text: str, **options: Any) -> Any:
    return header.read(f'# 1 "standard.h"\n{STANDARD}# 1 "x.h"\n{text}', "x.h", release="1.0.0", **options)


def py(folder: Path, **files: str) -> Any:
    for name, text in files.items():
        path = folder / f"{name.replace('__in__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return python.read(folder)


def test_names_that_are_public(tmp_path):
    interface = py(
        tmp_path,
        demo__in____init__=(
            "from __future__ import annotations\nimport json\nfrom demo._inner import f as f, _g\nfrom .part import *\n"
            "LIMIT = 4\nname = json.dumps(1)\n_hidden = 1\n"
        ),
        demo__in___inner="def f(): ...\ndef _g(): ...\n",
        demo__in__part='__all__ = ["h", "away"]\nfrom os import path as away\ndef h() -> "int": ...\ndef i(): ...\n',
        single="def s(): ...\n",
        _private="def p(): ...\n",
    )
    assert set(interface) == {
        "demo",
        "demo.LIMIT",
        "demo.name",
        "demo.part",
        "demo.part.h",
        "demo.part.away",
        "single",
        "single.s",
    }
    assert interface["demo.LIMIT"]["value"] == "4"
    assert "value" not in interface["demo.name"]
    assert interface["demo.part.h"]["returns"] == "int"


def test_members_that_are_public(tmp_path):
    output = py(
        tmp_path,
        demo=(
            "from abc import ABC, abstractmethod\nclass _Base(dict[str, int]):\n    def kept(self): ...\n"
            "class A(_Base, ABC):\n    _own = 1\n    x: int = 1\n    def __init__(self, a): ...\n    def __repr__(self): ...\n"
            "    def _hidden(self): ...\n    @abstractmethod\n    def todo(self): ...\n    @staticmethod\n    def s(a): ...\n"
            "    @classmethod\n    def c(cls, a): ...\n    @property\n    def p(self) -> int: ...\n"
            "    @property\n    def q(self): ...\n    @q.setter\n    def q(self, value): ...\n"
        ),
    )["demo.A"]
    assert output["bases"] == ["dict", "ABC"]
    assert set(output["members"]) == {"kept", "x", "__init__", "todo", "s", "c", "p", "q"}
    assert output["members"]["todo"]["abstract"] is True
    assert [p["name"] for p in output["members"]["s"]["parameters"]] == ["a"]
    assert [p["name"] for p in output["members"]["c"]["parameters"]] == ["a"]
    assert (output["members"]["p"].get("read-only"), output["members"]["q"].get("read-only")) == (True, None)


def test_source_that_is_none(tmp_path):
    with pytest.raises(VerificationError, match="cannot be read"):
        py(tmp_path, demo="def f(:\n")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("def f(): ...", "class f: ...", {("demo.f", True)}),
        ("X = 1", "X = 2", {("demo.X", True)}),
        ("x: int", "x: str", {("demo.x", True)}),
        ("x = f()", "x: str = f()", {("demo.x", False)}),
        ("def f(a): ...", "def f(a: int): ...", {("demo.f(): a", False)}),
        ("def f(a: int): ...", "def f(a): ...", {("demo.f(): a", False)}),
        ("def f(*, a=1): ...", "def f(a=1): ...", {("demo.f(): a", False)}),
        ("def f(*, a=1): ...", "def f(**more): ...", {("demo.f(): a", False), ("demo.f(): more", False)}),
        ("def f(a): ...", "def f(a=1): ...", {("demo.f(): a", False)}),
        ("def f(*a): ...", "def f(*b): ...", set()),
        ("class A: ...", "class A(dict): ...", {("demo.A", False)}),
        ("class A:\n def f(self): ...", "class A:\n @staticmethod\n def f(): ...", {("demo.A.f()", True)}),
        ("class A:\n def f(self): ...", "class A:\n @classmethod\n def f(cls): ...", {("demo.A.f()", True)}),
        ("class A:\n @property\n def p(self): ...", "class A:\n p = f()", {("demo.A.p", False)}),
        ("class A:\n p = f()", "class A:\n @property\n def p(self): ...", {("demo.A.p", True)}),
        (
            "from abc import abstractmethod\nclass A:\n def f(self): ...",
            "from abc import abstractmethod\nclass A:\n @abstractmethod\n def f(self): ...",
            {("demo.A.f()", True)},
        ),
        ("class A:\n x = 1", "class A:\n x = 1\n def g(self): ...", {("demo.A.g", False)}),
        ("def f(a: 'Union[int, str]'): ...", "def f(a: 'int | str | None'): ...", {("demo.f(): a", False)}),
        ("def f() -> 'Optional[int]': ...", "def f() -> int: ...", {("demo.f()", False)}),
        ("def f() -> int: ...", "def f(): ...", {("demo.f()", True)}),
    ],
)
def test_comparing_packages(tmp_path, old, new, says):
    before, after = (py(tmp_path / name, demo=text) for name, text in (("old", old), ("new", new)))
    assert {(change.item, change.breaking) for change in python.compare(before, after)} == says


def test_versions_of_python():
    assert python.requires("Metadata-Version: 2.4\nRequires-Python: >=3.9\n\nRequires-Python: >=9") == ">=3.9"
    assert python.requires("Metadata-Version: 2.4\n\nx") is None
    assert [c.breaking for c in python.compare_requires(None, ">=3.9")] == [True]
    assert [c.breaking for c in python.compare_requires(">=3.9", None)] == [False]
    assert list(python.compare_requires(">=3.9", ">=3.9")) == []


def test_modules_that_no_list_names_are_public(tmp_path):
    interface = py(tmp_path, demo__in____init__="__all__ = []\ndef hidden(): ...\n", demo__in__part="def f(): ...\n")
    assert set(interface) == {"demo", "demo.part", "demo.part.f"}
