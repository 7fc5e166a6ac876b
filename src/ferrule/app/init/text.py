"""A description as the text of a targets.yaml: a line for each key, a comment where something was chosen.

Written here and not by PyYAML, whose writer knows no comments and chooses styles of its own.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from ferrule.config.scalars import resolve

if TYPE_CHECKING:
    from ferrule.app.init.document import Description
    from ferrule.app.init.lines import Line
    from ferrule.core.model import Json

_HEAD: Final = (
    "# What is released, and for whom. `ferrule check` validates it, `ferrule plan` shows what follows from it.\n"
    "version: 1\n"
)
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./](?:[A-Za-z0-9_./+@:-]*[A-Za-z0-9_./+@-])?(?: [A-Za-z0-9_./+@()-]+)*")
_NOT_VISIBLE: Final = re.compile(r"[^\x20-\x7e]")


def text_of(description: Description) -> str:
    """The whole file."""
    parts = [_HEAD]
    for name, lines in description.sections:
        parts.append(f"\n{name}:\n" + "".join(f"  {_line(line)}\n" for line in lines))
    return "".join(parts)


def _line(line: Line) -> str:
    comment = f"  # {_NOT_VISIBLE.sub('?', line.comment)}" if line.comment else ""
    return f"{_scalar(line.key)}: {flow(line.value)}{comment}"


def flow(value: Json) -> str:
    """A value on one line, as YAML 1.2 and 1.1 read it alike.

    >>> flow({"kind": "library", "types": ["cdylib"], "glibc": "2.17", "wasi": True})
    '{kind: library, types: [cdylib], glibc: "2.17", wasi: true}'
    """
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(name)}: {flow(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(flow(inner) for inner in value) + "]"
    return _scalar(value) if isinstance(value, str) else json.dumps(value)


def _scalar(text: str) -> str:
    plain = _PLAIN.fullmatch(text) and resolve(text) == text
    return text if plain else json.dumps(text, ensure_ascii=not text.isprintable())
