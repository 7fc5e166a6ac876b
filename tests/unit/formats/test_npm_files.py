"""What is expected here is what npm-packlist 10 (npm 11) answers to the same input."""

from __future__ import annotations

import pytest

from ferrule.formats.npm_files import names_nothing, packed_names

NAMES = (
    *("README.md", "index.js", "index.d.ts", "a.test.js", "lib/a.js", "lib/a.test.js", "lib/b.txt", "lib/deep/c.js"),
    *("src/a.js", "src/lib/e.js", ".hidden", "lib/.h.js", "data/x [1].txt", "LIB2/Z.JS", "package.json", "bin/cli"),
    *("docs/README.md", "docs/index.js"),
)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["*.js"], "index.js a.test.js"),
        (["*.js", "docs/*.md"], "index.js a.test.js docs/README.md docs/index.js"),
        (
            ["**/*.js", "!**/*.test.js"],
            "index.js lib/a.js lib/deep/c.js lib/.h.js src/a.js src/lib/e.js LIB2/Z.JS docs/index.js",
        ),
        (["lib/"], "lib/a.js lib/a.test.js lib/b.txt lib/deep/c.js lib/.h.js"),
        (["./lib", "!lib/a.test.js", "!lib/deep"], "lib/a.js lib/b.txt lib/.h.js"),
        (["/lib/*"], "lib/a.js lib/a.test.js lib/b.txt lib/deep/c.js lib/.h.js"),
        (["lib/**/*.{js,txt}", "!*.test.js"], "lib/a.js lib/b.txt lib/deep/c.js lib/.h.js"),
        (["index.*"], "index.js index.d.ts"),
        (["lib2/*"], "LIB2/Z.JS"),
        (["lib/?.js", "[c-i]*.ts"], "lib/a.js index.d.ts"),
        (["data"], "data/x [1].txt"),
        (["!lib"], ""),
        (["src/lib"], "src/lib/e.js"),
        (["deep"], ""),
    ],
)
def test_patterns_are_those_of_npm(files: list[str], expected: str) -> None:
    packed = set(packed_names(NAMES, {"files": files}, {}, ("component",))) - {"README.md", "package.json"}
    spaced = {"data/x [1].txt"} if "data/x" in expected else set()
    assert packed == (spaced or set(expected.split()))


def test_what_package_json_leads_to_is_packed_anyway() -> None:
    manifest = {"files": ["lib/b.txt"], "main": "./src/a.js", "bin": {"x": "./bin/cli"}, "browser": "index.js"}
    packed = set(packed_names(NAMES, manifest, {}, ("component",)))
    assert packed == {"README.md", "package.json", "lib/b.txt", "src/a.js", "bin/cli", "index.js"}


def test_nested_ignore_files_count_but_for_files_that_are_named() -> None:
    ignore_files = {"lib/.npmignore": "*.js\n", ".npmignore": "*\n"}
    packed = set(packed_names(NAMES, {"files": ["lib", "lib/a.js"]}, ignore_files, ("component",)))
    assert packed == {"README.md", "package.json", "lib/a.js", "lib/b.txt"}


def test_entries_that_name_nothing() -> None:
    files = ("lib", "dist", "*.css", "!nope", "LICENSE", "./README.md", "./LICENSE", "**/*.txt")
    assert names_nothing(files, NAMES) == ("dist", "*.css")
    assert names_nothing(("~README.md",), NAMES) == ("~README.md",)
