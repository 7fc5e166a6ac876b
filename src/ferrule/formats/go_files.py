"""Names of files that a Go module may have: with any other the go command refuses the whole module.

Rules of golang.org/x/mod: CheckFilePath of package module, and CheckFiles of package zip.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_PUNCTUATION: Final = "!#$%&()+,-.=@[]^_{}~ "
_OF_WINDOWS: Final = re.compile(r"(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\..*)?", re.IGNORECASE)


def name_problem(names: Iterable[str]) -> str | None:
    """What the go command refuses of the names of a module's files; those of modules inside are not its own."""
    names = tuple(names)
    inner = {f"{folder}/" for name in names if (folder := posixpath.dirname(name)) and name.endswith("/go.mod")}
    by_case: dict[str, str] = {}
    for name in names:
        if name.startswith(tuple(inner)):
            continue
        for part in name.split("/"):
            if _OF_WINDOWS.fullmatch(part) or part.endswith("."):
                return f"{name}: Windows cannot have a file called {part!r}"
            if wrong := next((c for c in part if not _is_allowed(c)), None):
                return f"{name}: its name holds {wrong!r}"
        if (other := by_case.setdefault(name.casefold(), name)) != name:
            return f"{other} and {name} differ in case alone"
    return None


def _is_allowed(character: str) -> bool:
    return character.isalpha() or (character.isascii() and (character.isdigit() or character in _PUNCTUATION))


def local_replacements(go_mod: str) -> Iterable[tuple[int, str]]:
    """Line and path of every `replace` by a folder, which counts in the author's checkout alone (Go Modules Reference).

    >>> list(local_replacements("replace a.b/c => ../c"))
    [(1, '../c')]
    """
    for number, line in enumerate(go_mod.splitlines(), 1):
        match = re.search(r"=>\s*(\"?)(\.{1,2}/[^\s\"]*|/[^\s\"]*|\.{1,2})\1\s*$", line.partition("//")[0].rstrip())
        if match:
            yield number, match[2]
