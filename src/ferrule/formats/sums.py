"""SHA256SUMS: the file that people check with `sha256sum -c`, written and read as GNU coreutils does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ferrule.core.errors import VerificationError
from ferrule.core.model import Digest

if TYPE_CHECKING:
    from collections.abc import Mapping

_LINE = re.compile(r"(?P<escaped>\\?)(?P<digest>[0-9a-f]{64}) [ *](?P<name>.+)")
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
_UNESCAPES = {value: key for key, value in _ESCAPES.items()}


def format_sums(digests: Mapping[str, Digest]) -> str:
    """One line per file, sorted by name: digest, two spaces, name (coreutils manual, "md5sum invocation").

    A name with a backslash, line feed or carriage return is escaped and its line begins with a backslash.
    """
    return "".join(_line(name, digest) for name, digest in sorted(digests.items()))


def _line(name: str, digest: Digest) -> str:
    escaped = "".join(_ESCAPES.get(character, character) for character in name)
    mark = "" if escaped == name else "\\"
    return f"{mark}{digest}  {escaped}\n"


def parse_sums(text: str, *, where: str | None = None) -> dict[str, Digest]:
    """Read such a file back.

    Raises VerificationError for a line of another form, a name that is there twice, and a file that does not end with
    a line feed, since it may have been cut.
    """
    if text and not text.endswith("\n"):
        raise VerificationError("the last line of the checksums is cut", where=where)
    digests: dict[str, Digest] = {}
    for number, line in enumerate(text.split("\n")[:-1], 1):
        match = _LINE.fullmatch(line)
        name = _name(match["name"], bool(match["escaped"])) if match else None
        label = f"{where}:{number}" if where else f"line {number}"
        if match is None or name is None:
            raise VerificationError("this is not a line of SHA-256 checksums", where=label)
        if name in digests:
            raise VerificationError(f"{name!r} is listed twice", where=label)
        digests[name] = Digest(match["digest"])
    return digests


def _name(text: str, escaped: bool) -> str | None:
    if not escaped:
        return text
    pieces = re.findall(r"\\.|[^\\]|\\$", text)
    valid = all((len(piece) == 1 and piece != "\\") or piece in _UNESCAPES for piece in pieces)
    return "".join(_UNESCAPES.get(piece, piece) for piece in pieces) if valid else None
