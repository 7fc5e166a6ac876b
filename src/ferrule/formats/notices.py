"""THIRD-PARTY-LICENSES: the licence texts of all that is linked into a package, each text once, as one text file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from ferrule.core.frozen import dataclass
from ferrule.core.model import Digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ferrule.core.model import Json

FILE: Final = "THIRD-PARTY-LICENSES"
"""Name of the file in every package."""

_RULE: Final = "-" * 78
_HEAD: Final = """\
THIRD-PARTY SOFTWARE

This package holds compiled code of the software that is listed here. The
texts of its licences follow, each with the names of what it is the text of.
"""


@dataclass(frozen=True, slots=True)
class LicensedPart:
    """Software that is linked in: its licence as it states it, and the texts by the names of their files.

    `authors` are told where it brings no text of its own, so that the text is the standard one.
    """

    name: str
    version: str
    license: str | None
    texts: tuple[tuple[str, str], ...]
    authors: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}"


def normalized(text: str) -> str:
    """A text as it is compared and written: one kind of line end, no blanks at ends of lines, no form feed."""
    lines = text.removeprefix("\ufeff").replace("\f", "").splitlines()
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def write_parts(parts: Iterable[LicensedPart]) -> str:
    """Parts as JSON that holds each text once."""
    texts: dict[str, str] = {}
    rows: list[Json] = []
    for part in parts:
        names: list[Json] = []
        for file, text in part.texts:
            digest = Digest.of(normalized(text).encode()).hex
            texts[digest] = normalized(text)
            names.append([file, digest])
        row: dict[str, Json] = {"name": part.name, "version": part.version, "license": part.license, "texts": names}
        rows.append({**row, **({"authors": list(part.authors)} if part.authors else {})})
    document = {"parts": rows, "texts": texts}
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read_parts(document: str) -> tuple[LicensedPart, ...]:
    """Read what `write_parts` wrote."""
    values: dict[str, Any] = json.loads(document)
    return tuple(
        LicensedPart(
            row["name"],
            row["version"],
            row["license"],
            tuple((file, values["texts"][digest]) for file, digest in row["texts"]),
            tuple(row.get("authors", ())),
        )
        for row in values["parts"]
    )


def render(parts: Sequence[LicensedPart]) -> bytes:
    """The file: what is linked in, by name, and then each text with the names of what it belongs to."""
    unique = sorted(dict.fromkeys(parts), key=lambda part: (part.name.casefold(), part.version, part.texts))
    users: dict[str, dict[str, None]] = {}
    for part in unique:
        for file, text in part.texts:
            users.setdefault(normalized(text), {})[f"{part.title} ({file})"] = None
    blocks = [f"{_HEAD}\n" + "".join(f"{line}\n" for line in dict.fromkeys(map(_line, unique)))]
    blocks += [
        f"{_RULE}\n" + "".join(f"{user}\n" for user in names) + f"{_RULE}\n\n{text}\n" for text, names in users.items()
    ]
    return "\n".join(blocks).encode()


def _line(part: LicensedPart) -> str:
    stated = f": {part.license}" if part.license else ""
    by = f", by {', '.join(part.authors)} (it brings no text of its own; this is the standard one)"
    return f"  {part.title}{stated}{by if part.authors else ''}"
