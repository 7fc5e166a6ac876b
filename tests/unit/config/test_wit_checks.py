"""The WIT of components, checked with the rest of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.unreadable import make_unreadable
from ferrule import config
from ferrule.app.publish import DESTINATIONS
from ferrule.kinds import KINDS

if TYPE_CHECKING:
    from fakes.toolchain import Demo

HANDLE = "package a:b;\nworld w {\n  resource r;\n  export run: func() -> own<r>;\n}\n"


def problems(demo: Demo) -> list[str]:
    loaded = config.load(demo.project, KINDS, DESTINATIONS)
    return [f"{problem.where}: {problem.message}" for problem in loaded.problems]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("world w {\n  nothing\n}", "rust/demo-wasm/wit/demo.wit:2:3: not valid WIT: expected import, export"),
        (HANDLE, "rust/demo-wasm/wit/demo.wit:3:3: Go bindings cannot carry a resource"),
    ],
)
def test_problems_in_a_file(demo: Demo, text: str, message: str):
    file = demo.project / "targets.yaml"
    file.write_text(file.read_text().replace("{kind: gomodule,", "{kind: gomodule, component: component,"))
    assert problems(demo) == []
    (demo.project / "rust" / "demo-wasm" / "wit" / "demo.wit").write_text(text)
    assert any(problem.startswith(message) for problem in problems(demo))


def test_a_folder_without_wit(demo: Demo):
    (demo.project / "rust" / "demo-wasm" / "wit" / "demo.wit").unlink()
    (problem,) = problems(demo)
    assert problem.startswith("targets.yaml:")
    assert problem.endswith("there is no .wit file in rust/demo-wasm/wit")


def test_a_file_in_another_encoding(demo: Demo):
    (demo.project / "rust" / "demo-wasm" / "wit" / "demo.wit").write_bytes(b"\xff")
    assert problems(demo) == ["rust/demo-wasm/wit/demo.wit:1:1: this file is not UTF-8"]


def test_the_wit_may_be_named(demo: Demo):
    file = demo.project / "targets.yaml"
    file.write_text(file.read_text().replace("{kind: component, ", "{kind: component, wit: wit, "))
    (demo.project / "wit").mkdir()
    (demo.project / "wit" / "demo.wit").write_text("world w {")
    assert [problem.split(": ")[0] for problem in problems(demo)] == ["wit/demo.wit:1:10"]
    (demo.project / "wit" / "demo.wit").unlink()
    (problem,) = problems(demo)
    assert problem.endswith("there is no .wit file in wit")


def test_a_file_that_cannot_be_read(demo: Demo):
    make_unreadable(demo.project / "rust" / "demo-wasm" / "wit" / "demo.wit")
    assert problems(demo) == ["rust/demo-wasm/wit/demo.wit: this file cannot be read: Input/output error"]
