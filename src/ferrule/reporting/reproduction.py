"""What came of building a release again, for people: what was different, a line for each file, the first difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ferrule.core.model import Json

_MARKS = {"equal": "="}


def text(document: Json) -> str:
    """The whole of a reproduction's document."""
    found: Any = document
    lines = [
        *_variations(found["variations"]),
        "",
        *(f"{_MARKS.get(row['verdict'], '≠')} {row['file']}  {_verdict(row)}" for row in found["files"]),
        *(line for row in found["files"] if row["difference"] for line in _difference(row)),
        *_list("what went in differs:", found["inputs"]),
        *_list("as diffoscope sees it:", found["diffoscope"]),
        "",
        _sum(found["files"]),
    ]
    return "\n".join(lines) + "\n"


def _variations(rows: list[dict[str, str]]) -> Iterator[str]:
    yield "the second build was made with"
    width = max((len(row["what"]) for row in rows), default=0)
    for row in rows:
        told = f"not done: {row['missing']}" if row["missing"] else f"{row['first']} → {row['second']}"
        yield f"  {row['what']:<{width}}  {told}"


def _verdict(row: Mapping[str, Any]) -> str:
    if row["verdict"] == "equal":
        return f"equal {row['first'][:12]}"
    digests = " → ".join((row[side] or "none")[:12] for side in ("first", "second"))
    why = {True: ", from the same inputs", False: ", from other inputs", None: ""}[row["same_inputs"]]
    return f"{row['verdict']} {digests}{why}"


def _difference(row: Mapping[str, Any]) -> Iterator[str]:
    found = row["difference"]
    at = f", byte {found['at']:#x}" if found["at"] is not None and found["at"] != found["offset"] else ""
    yield ""
    yield f"{row['file']}: {found['place']}{at}"
    yield f"  {found['reason']}"
    if found["first"] or found["second"]:
        yield f"  first:  {found['first']}"
        yield f"  second: {found['second']}"
    if found["also"]:
        more = f" and {len(found['also']) - 5} more" if len(found["also"]) > 5 else ""  # noqa: PLR2004 - a line full
        yield f"  also: {', '.join(found['also'][:5])}{more}"


def _list(title: str, lines: list[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in lines)] if lines else []


def _sum(rows: list[dict[str, Any]]) -> str:
    equal = sum(row["verdict"] == "equal" for row in rows)
    if equal == len(rows):
        return f"reproduced: {equal} of {len(rows)} files are the same, byte for byte"
    return f"not reproduced: {len(rows) - equal} of {len(rows)} files differ"
