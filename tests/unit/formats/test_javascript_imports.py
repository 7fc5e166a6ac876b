"""What a JavaScript module imports by relative names."""

from __future__ import annotations

import pytest

from ferrule.formats.javascript_imports import imported_files


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import x from './b.js';", ["lib/b.js"]),
        ('import "./b.mjs"', ["lib/b.mjs"]),
        ("export * from '../b'", ["b"]),
        ("const {b} = require( './b' )", ["lib/b"]),
        ("await import(`./b`)", []),
        ("import x from 'b'", []),
        ("import x from '../../b.js'", []),
    ],
)
def test_modules_beside(text: str, expected: list[str]) -> None:
    assert [names[0] for names in imported_files("lib/a.js", text)] == expected


def test_a_name_without_its_end() -> None:
    (names,) = imported_files("a.js", "require('./b')")
    assert {"b", "b.js", "b.json", "b.node", "b/index.js"} <= {*names}
