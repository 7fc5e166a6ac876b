"""The results of `ferrule reproduce`, for people: the variations, a line for each file, the first difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ferrule.core.model import Json

_MARKS = {"equal": "="}


def text(reproduction: Json) -> str:
    """The document of a reproduction as text."""
    document: Any = reproduction
    lines = [
        *_variations(document["variations"]),
        "",
        *(f"{_MARKS.get(row['verdict'], '≠')} {row['file']}  {_verdict(row)}" for row in document["files"]),
        *(line for row in document["files"] if row["difference"] for line in _difference(row)),
        *_list("inputs that differ:", document["inputs"]),
        *_list("diffoscope:", document["diffoscope"]),
        "",
        _sum(document["files"]),
    ]
    return "\n".join(lines)


def _variations(rows: list[dict[str, str]]) -> Iterator[str]:
    yield "variations of the second build"
    width = max((len(row["what"]) for row in rows), default=0)
    for row in rows:
        change = f"not varied: {row['missing']}" if row["missing"] else f"{row['first']} → {row['second']}"
        yield f"  {row['what']:<{width}}  {change}"


def _verdict(row: Mapping[str, Any]) -> str:
    if row["verdict"] == "equal":
        return f"equal {row['first'][:12]}"
    digests = " → ".join((row[side] or "none")[:12] for side in ("first", "second"))
    why = {True: ", from the same inputs", False: ", from other inputs", None: ""}[row["same_inputs"]]
    return f"{row['verdict']} {digests}{why}"


def _difference(row: Mapping[str, Any]) -> Iterator[str]:
    document = row["difference"]
    at = f", byte {document['at']:#x}" if document["at"] is not None and document["at"] != document["offset"] else ""
    yield ""
    yield f"{row['file']}: {document['location']}{at}"
    yield f"  {document['reason']}"
    if document["first"] or document["second"]:
        yield f"  first:  {document['first']}"
        yield f"  second: {document['second']}"
    if document["also"]:
        more = f" and {len(document['also']) - 5} more" if len(document["also"]) > 5 else ""  # noqa: PLR2004 - a line full
        yield f"  also: {', '.join(document['also'][:5])}{more}"


def _list(title: str, lines: list[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in lines)] if lines else []


def _sum(rows: list[dict[str, Any]]) -> str:
    equal = sum(row["verdict"] == "equal" for row in rows)
    if equal == len(rows):
        return f"reproduced: {equal} of {len(rows)} files are identical"
    return f"not reproduced: {len(rows) - equal} of {len(rows)} files differ"
