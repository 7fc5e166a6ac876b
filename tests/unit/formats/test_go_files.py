"""What is expected here is what CheckFiles of golang.org/x/mod/zip says."""

from __future__ import annotations

import pytest

from ferrule.formats.go_files import local_replacements, name_problem


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["go.mod", "a.go", ".hidden/x", "testdata/ä (1) [x]~.txt"], None),
        (["a.go", "b/A.go", "b/a.go"], "b/A.go and b/a.go differ in case alone"),
        (["x/a*b.txt"], "x/a*b.txt: its name holds '*'"),
        (["x/a:b"], "x/a:b: its name holds ':'"),
        (["x/a'b"], "x/a'b: its name holds \"'\""),
        (["x/NUL.txt"], "x/NUL.txt: Windows cannot have a file called 'NUL.txt'"),
        (["x./y"], "x./y: Windows cannot have a file called 'x.'"),
        (["inner/go.mod", "inner/a*b", "console.go"], None),
    ],
)
def test_names_of_files(names: list[str], problem: str | None) -> None:
    assert name_problem(names) == problem


def test_replacements_by_folders() -> None:
    lines = ("module x", "replace a => ../a // here", "replace (", "\tb v1.0.0 => /b", "\tc => example.org/c v1.0.0")
    text = "\n".join((*lines, "\td => .", ")", "// replace e => ./e"))
    assert list(local_replacements(text)) == [(2, "../a"), (4, "/b"), (6, ".")]
