"""Writes what docs/libraries/*.md say of interfaces and of `unsafe`: python docs/libraries.py.

Functions and errors come from the recorded header of each library, `unsafe` of its own crates from their sources. That
of other crates is counted where Cargo keeps them, by `python docs/libraries.py --crates`, and written to
docs/libraries/unsafe.json with their checksums. cargo-geiger is not used: it compiles each crate, and its counts depend
on the compiler.
"""

from __future__ import annotations

import json
import re
import subprocess  # noqa: TID251 - asks Cargo for the crates, by hand
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pygments.lexers.rust import RustLexer
from pygments.token import Comment, String, Whitespace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "docs" / "libraries"
COUNTED: Final = FOLDER / "unsafe.json"
LIBRARIES: Final = ("email-validator", "sealed-box", "signal-stats")
TARGETS: Final = ("x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "aarch64-apple-darwin")

_BLOCK: Final = re.compile(r"(<!-- (\w+): python docs/libraries.py -->\n).*?(?=<!-- /\2 -->)", re.DOTALL)
_COMMENT: Final = r"/\*\*((?:(?!\*/).)*)\*/\s*"
_FUNCTION: Final = re.compile(_COMMENT + r"[\w \*]+?\b([a-z]\w+)\([^;{}]*\);", re.DOTALL)
_STATUSES: Final = re.compile(r"\nenum \w+Status\n.*?\n \{\n(.*?)\n\};", re.DOTALL)
_STATUS: Final = re.compile(_COMMENT + r"(\w+) = (\d+),", re.DOTALL)
_FREED: Final = re.compile(r"freed(?:,[^`]*?,)? with `(\w+)`")
_SENTENCE: Final = re.compile(r".*?[^.]\.(?= [A-Z`]|$)")


@dataclass(frozen=True, slots=True)
class Function:
    """An exported function: its name, the sentence of the header, and what frees its result."""

    name: str
    sentence: str
    freed_with: str


@dataclass(frozen=True, slots=True)
class Unsafe:
    """How often `unsafe` stands in the text of a crate, without comments, texts and tests."""

    blocks: int = 0
    functions: int = 0
    implementations: int = 0
    forbidden: bool = False

    def cells(self) -> str:
        """The cells of a table."""
        counts = f"{self.blocks} | {self.functions} | {self.implementations}"
        return f"{counts} | {'forbidden' if self.forbidden else ''}".rstrip()


# The recorded header


def header(library: str) -> str:
    """The header of the interface that was recorded last."""
    (path,) = (ROOT / "packaging" / "abi" / library / "include").glob("*.h")
    return path.read_text(encoding="utf-8")


def functions(text: str) -> list[Function]:
    """The functions that a header declares, in its order."""
    return [Function(name, _sentence(comment), _freed_with(comment, name)) for comment, name in _FUNCTION.findall(text)]


def statuses(text: str) -> list[tuple[int, str, str]]:
    """Number, name and meaning of each status that a header declares."""
    (body,) = _STATUSES.findall(text)
    return [(int(number), name, _plain(comment)) for comment, name, number in _STATUS.findall(body)]


def _plain(comment: str) -> str:
    return " ".join(re.sub(r"^\s*\* ?", "", line).strip() for line in comment.strip().splitlines()).strip()


def _sentence(comment: str) -> str:
    paragraph = _plain(re.split(r"\n \*\n", comment.strip("\n"))[0])
    sentence = _SENTENCE.match(paragraph)
    return (sentence[0] if sentence else paragraph).replace("|", r"\|")


def _freed_with(comment: str, name: str) -> str:
    return ", ".join(f"`{free}`" for free in dict.fromkeys(_FREED.findall(_plain(comment))) if free != name)


# `unsafe` in sources


def count(sources: Mapping[str, str]) -> Unsafe:
    """Count in the sources of a crate, by path; what is compiled for tests alone is left out."""
    skipped = {module for text in sources.values() for module in _test_modules(text)}
    tokens = [list(_tokens(text)) for path, text in sorted(sources.items()) if not _is_of(path, skipped)]
    kinds = [kind for file in tokens for kind in _kinds(file)]
    forbids = any(re.search(r"#!\[forbid\([^)]*\bunsafe_code\b", text) for text in sources.values())
    return Unsafe(*(kinds.count(kind) for kind in ("block", "function", "implementation")), forbids)


def _is_of(path: str, modules: set[str]) -> bool:
    parts = Path(path).with_suffix("").parts
    return bool({*parts} & {*modules, "tests"})


def _test_modules(text: str) -> list[str]:
    return re.findall(r"#\[cfg\(test\)\]\s*(?:pub(?:\(\w+\))? )?mod (\w+);", text)


def _tokens(text: str) -> Iterator[str]:
    """The words of a file, without comments and texts; `#[cfg(test)]` is one word, other attributes none."""
    for kind, value in RustLexer().get_tokens(text):
        if kind in Comment.Preproc and value.strip() == "cfg(test)":
            yield "#[cfg(test)]"
        elif value.strip() and kind not in Comment and kind not in String and kind not in Whitespace:
            yield value


def _kinds(tokens: list[str]) -> Iterator[str]:
    position = 0
    while position < len(tokens):
        if tokens[position] == "#[cfg(test)]":
            position = _end_of_item(tokens, position + 1)
            continue
        if tokens[position] == "unsafe":
            after = [word for word in tokens[position + 1 : position + 4] if word != "extern"]
            if after[:1] == ["{"] and tokens[position + 1] == "{":
                yield "block"
            elif after[:1] == ["fn"] and after[1] != "(":  # `unsafe fn(…)` is a type
                yield "function"
            elif after[:1] == ["impl"]:
                yield "implementation"
        position += 1


def _end_of_item(tokens: list[str], position: int) -> int:
    """Behind the item that begins here: its `;`, or its last brace."""
    depth = 0
    for number, word in enumerate(tokens[position:], position):
        depth += sum(word.count(c) for c in "{(") - sum(word.count(c) for c in "})")
        if depth == 0 and (word.endswith((";", "}"))):
            return number + 1
    return len(tokens)


def own_crates(library: str) -> dict[str, Unsafe]:
    """The crates of this workspace that are in a library."""
    names = ("boundary", library, f"{library}-ffi")
    return {name: count(_sources(ROOT / "rust" / name)) for name in names}


def _sources(crate: Path) -> dict[str, str]:
    folder = crate / "src"
    return {p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8") for p in folder.rglob("*.rs")}


# Crates of others


def locked() -> dict[str, str]:
    """The checksum of each crate of the lock file, by name and version."""
    lock = tomllib.loads((ROOT / "rust" / "Cargo.lock").read_text(encoding="utf-8"))
    return {f"{p['name']} {p['version']}": p["checksum"] for p in lock["package"] if "checksum" in p}


def count_crates() -> dict[str, Any]:
    """Ask Cargo which crates are in each library, and count in what it has downloaded; the document to keep."""
    checksums = locked()
    packages = json.loads(_cargo("metadata", "--format-version", "1"))["packages"]
    folders = {f"{p['name']} {p['version']}": Path(p["manifest_path"]).parent for p in packages}
    targets = [word for target in TARGETS for word in ("--target", target)]
    result: dict[str, Any] = {}
    for library in LIBRARIES:
        tree = ("tree", "--package", f"{library}-ffi", "--edges", "normal,no-proc-macro", "--prefix", "none", *targets)
        lines = {line.split(" (")[0].replace(" v", " ") for line in _cargo(*tree).splitlines() if line}
        crates = sorted(lines & {*checksums})
        result[library] = {
            crate: {"sha256": checksums[crate], **_fields(count(_sources(folders[crate])))} for crate in crates
        }
    return result


def _cargo(command: str, *arguments: str) -> str:
    call = ["cargo", command, "--locked", *arguments]
    return subprocess.run(call, cwd=ROOT / "rust", check=True, capture_output=True, text=True).stdout


def _fields(counts: Unsafe) -> dict[str, Any]:
    return {field: getattr(counts, field) for field in Unsafe.__slots__}


def recorded() -> dict[str, dict[str, Any]]:
    """What `--crates` has written, by library and crate."""
    document: dict[str, dict[str, Any]] = json.loads(COUNTED.read_text(encoding="utf-8"))
    return document


# The pages


def blocks(library: str) -> dict[str, str]:
    """The generated parts of a page, by name."""
    text = header(library)
    others = {
        crate: Unsafe(**{field: row[field] for field in Unsafe.__slots__}) for crate, row in recorded()[library].items()
    }
    return {
        "functions": _table(
            "| function | what it does | the result is freed with |",
            [f"| `{f.name}` | {f.sentence} | {f.freed_with} |" for f in functions(text)],
        ),
        "errors": _table(
            "| number | status | meaning |", [f"| {n} | `{name}` | {says} |" for n, name, says in statuses(text)]
        ),
        "unsafe": _table(
            "| crate | blocks | functions | implementations | `unsafe_code` |",
            [f"| {name} | {counts.cells()} |" for name, counts in (own_crates(library) | others).items()],
        ),
    }


def _table(head: str, rows: list[str]) -> str:
    line = "|" + " --- |" * (head.count("|") - 1)
    return "\n" + "\n".join([head, line, *(row.replace("  |", " |") for row in rows)]) + "\n\n"


def page(library: str, text: str) -> str:
    """The page of a library, with its generated parts replaced."""
    new = blocks(library)
    return _BLOCK.sub(lambda match: match[1] + new[match[2]], text)


def main(arguments: list[str]) -> None:
    """Write the pages; with `--crates`, count in the crates of others first."""
    if arguments == ["--crates"]:
        COUNTED.write_text(json.dumps(count_crates(), indent=1) + "\n", encoding="utf-8")
    for library in LIBRARIES:
        path = FOLDER / f"{library}.md"
        path.write_text(page(library, path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
