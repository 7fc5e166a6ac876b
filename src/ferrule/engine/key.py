"""The key of an action: SHA-256 over one document that a person can read.

Whatever can change the bytes of the outputs is in the document; where they are built, when and by whom is not.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from ferrule import __version__
from ferrule.core.model import Digest, Json, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ferrule.core.model import Action, FileRecord

Document = dict[str, Json]

_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

ABSENT: Final = "absent"
"""Stands for the digest of what was looked for in vain."""


def canonical(value: Json) -> bytes:
    """JSON with sorted keys, no spaces and no escapes of printable text; the same value always gives the same bytes."""
    return _CANONICAL.encode(value).encode()


def key_document(
    action: Action,
    *,
    sources: Mapping[str, Digest],
    needs: Mapping[str, tuple[FileRecord, ...]],
    needed_facts: Mapping[str, Mapping[str, Json]],
    tools: Mapping[str, str],
    code: Mapping[str, Digest],
    read: Mapping[str, Digest | None] | None = None,
) -> Document:
    """What the outputs of an action depend on: recipe, sources by digest, needed outputs by digest, tool identities.

    `code` is the recipe's own: digests of the modules and data that it is made of.
    `read` are the files and folders of the project that were read besides the declared sources, as the tools said; None
    for one that was looked for in vain.
    """
    return {
        "recipe": type(action.recipe).__name__,
        "fields": to_json(action.recipe),
        "outputs": [[o.name, o.role] for o in action.outputs],
        "sources": {name: digest.hex for name, digest in sorted(sources.items())},
        "needs": {
            need: {record.name: f"{record.digest}{'+x' if record.executable else ''}" for record in records}
            for need, records in sorted(needs.items())
        },
        "facts": {need: Digest.of(canonical(dict(facts))).hex for need, facts in sorted(needed_facts.items())},
        "tools": {name: tools[name] for name in sorted(action.tools)},
        "code": {name: digest.hex for name, digest in sorted(code.items())},
        **({"read": {name: digest.hex if digest else ABSENT for name, digest in read.items()}} if read else {}),
    }


def inputs(document: Document, part: str) -> dict[str, Json]:
    """The `sources`, or what was `read` besides them, by name: digests; or the `fields` of the recipe."""
    values = document.get(part, {})
    return values if isinstance(values, dict) else {}


def read_of(document: Document) -> tuple[str, ...]:
    """Names of what was read besides the declared sources."""
    return tuple(sorted(inputs(document, "read")))


def key_of(document: Document) -> Digest:
    """The key itself."""
    return Digest.of(canonical(document))


def shared_key(key: Digest, settings: Iterable[Digest | None]) -> Digest:
    """The key of a result that other checkouts may take: with the version, and Cargo's settings outside of the project.

    Two versions may measure differently what has one key; settings are by content, as their paths differ.
    """
    digests = [digest.hex for digest in settings if digest]
    return Digest.of(canonical({"ferrule": __version__, "key": key.hex, "settings": to_json(digests)}))


def fingerprint_of(document: Document, code_of: Callable[[str, Digest], Digest] = lambda _, digest: digest) -> Digest:
    """What outputs may carry of their key: the digest of the document without the recipe's code and the commit.

    So another version of this program that makes the same of the same sources, tools and flags makes the same bytes.
    `code_of` gives, for the name of a file that was read and its digest, the digest of what counts of it.
    """
    counted = {part: value for part, value in document.items() if part != "code"}
    counted["fields"] = {name: value for name, value in inputs(document, "fields").items() if name != "commit"}
    for part in ("sources", "read"):
        if part in document:
            counted[part] = {
                name: code_of(name, Digest(text)).hex if text != ABSENT else text
                for name, text in inputs(document, part).items()
                if isinstance(text, str)
            }
    return Digest.of(canonical(counted))


def difference(old: Document, new: Document) -> list[str]:
    """What changed between two key documents, one sentence each, the old value before the new one.

    >>> difference({"recipe": "A"}, {"recipe": "B"})
    ['recipe: A -> B']
    """
    before, after = _flat(old), _flat(new)
    return [
        f"{name}: {_brief(was)} -> {_brief(became)}"
        for name in sorted({*before, *after})
        if (was := before.get(name, "none")) != (became := after.get(name, "none"))
    ]


def _flat(value: Json, prefix: str = "") -> dict[str, Json]:
    if not isinstance(value, dict):
        return {prefix: value}
    flat: dict[str, Json] = {}
    for key, inner in value.items():
        flat |= _flat(inner, f"{prefix} {key}".strip())
    return flat


def _brief(value: Json) -> str:
    text = value if isinstance(value, str) else canonical(value).decode()
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1", text)
