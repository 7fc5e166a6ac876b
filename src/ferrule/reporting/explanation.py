"""Explanations for people: from a document to lines of text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ferrule.core.byte_size import size
from ferrule.reporting.report import duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.core.model import Json

_INDENT = "  "
_WIDTH = 14
_LONG = 72


def text(explanation: Json) -> str:
    """The explanation as text."""
    document: Any = explanation
    ways = {
        "exit code": _exit_code,
        "artifact": _artifact,
        "action": _action,
        "file": _file,
        "folder": _file,
        "digest": _digest,
    }
    return "\n".join(ways[document["what"]](document))


def _row(name: str, value: object) -> Iterator[str]:
    """A line, or none for an empty value; several that are long, or have columns, are written one per line."""
    values = [str(v) for v in value] if isinstance(value, (list, tuple)) else [str(value)]
    if not value and value != 0:
        return
    if sum(map(len, values)) <= _LONG and not any("  " in v for v in values):
        yield f"{_INDENT}{name:<{_WIDTH}}{', '.join(values)}"
        return
    for number, line in enumerate(values):
        yield f"{_INDENT}{name if number == 0 else '':<{_WIDTH}}{line}"


def _exit_code(document: dict[str, Any]) -> Iterator[str]:
    name = f" ({document['class']})" if document["class"] else ""
    yield f"exit code {document['code']}{name}: {document['meaning']}"
    yield from (f"{_INDENT}- {advice}" for advice in document["do"])


def _artifact(document: dict[str, Any]) -> Iterator[str]:
    yield f"{document['item']}: artifact of kind {document['kind']}: {document['summary']}"
    yield from _row("defined in", document["stated"])
    yield from _row("built from", document["made_of"])
    yield from _row("used by", document["used_by"])
    yield from _row("targets", document["targets"])
    if len(document["actions"]) == 1:
        yield ""
        yield from _action(document["actions"][0])
        return
    yield ""
    yield f"{len(document['actions'])} actions; run `ferrule explain ACTION` for details"
    for action in document["actions"]:
        yield f"{_INDENT}{action['item']}: {_standing(action)}"
        yield from (f"{_INDENT * 3}{line}" for line in _outputs(action))


def _standing(action: dict[str, Any]) -> str:
    words = {"cached": "up to date", "stale": "would run", "waiting": "not known yet", "failed": "would fail"}
    return f"{words.get(action['state'], 'not known')}: {action['reason']}"


def _action(document: dict[str, Any]) -> Iterator[str]:
    target = f" for {document['target']}" if document["target"] else ""
    yield f"{document['item']}: action of {document['artifact']} ({document['kind']}){target}"
    yield from _row("state", _standing(document))
    yield from _row("key", document["key"])
    yield from _row("changed", document["changes"])
    recipe = document["recipe"]
    yield from _row("recipe", recipe["name"])
    yield from _row("", [f"{name} = {value}" for name, value in recipe["fields"].items()])
    yield from _row("needs", document["needs"])
    yield from _row("needed by", document["needed_by"])
    sources = document["sources"]
    declared = sources["declared"]
    yield from _row("sources", f"{sources['files']} files" if sources["files"] is not None and declared else "")
    yield from _row("" if sources["files"] is not None else "sources", declared)
    yield from _row("tools", [f"{n}: {version}" if version else n for n, version in document["tools"].items()])
    if document["last"] is None:
        yield from _row("last built", "never on this machine")
    else:
        yield from _last(document)
    yield from _row("log", document["log"])


def _last(document: dict[str, Any]) -> Iterator[str]:
    last = document["last"]
    built = datetime.fromtimestamp(last["built"], UTC).strftime("%Y-%m-%d %H:%M UTC")
    took = f" in {duration(last['seconds'])}" if isinstance(last["seconds"], (int, float)) else ""
    yield from _row("last built", f"{built}{took}")
    yield from _row("because", last["because"])
    yield from _row("its key", last["key"] if last["key"] != document["key"] else "")
    yield from _row("outputs", [*_outputs(document)] or "no longer in the cache")
    yield from _row("also read", last["read"])
    yield from _row("measured", [*_facts(last["facts"])])


def _outputs(document: dict[str, Any]) -> Iterator[str]:
    for output in (document["last"] or {}).get("outputs", []):
        path = f"dist/{output['ships']}" if output["ships"] else output["name"]
        yield f"{output['sha256'][:12]}  {size(output['size']):>9}  {path}"


def _facts(facts: dict[str, Any], above: str = "") -> Iterator[str]:
    for name, value in facts.items():
        if isinstance(value, dict):
            if all(isinstance(inner, int) for inner in value.values()) and len(value) > 3:  # noqa: PLR2004 - a table
                yield f"{above}{name}: {len(value)}, {sum(value.values())} in total"
            else:
                yield from _facts(value, f"{above}{name}.")
        elif isinstance(value, list):
            shown = ", ".join(map(str, value[:4])) + (f" and {len(value) - 4} more" if len(value) > 4 else "")  # noqa: PLR2004
            yield f"{above}{name}: {shown}"
        else:
            yield f"{above}{name}: {value}"


def _file(document: dict[str, Any]) -> Iterator[str]:
    yield f"{document['item']}: {document['what']}" + (
        f" of {size(document['size'])}" if document["size"] is not None else ""
    )
    yield from _row("sha256", document["sha256"])
    if not document["identities"]:
        yield from _row("identity", "none: the file contains no version or fingerprint of Ferrule")
    for identity in document["identities"]:
        yield ""
        yield f"{_INDENT}{identity['form']}{' in ' + identity['member'] if identity['member'] else ''}"
        for name, value in identity.items():
            if name not in ("form", "member") and value:
                yield f"{_INDENT}{_INDENT}{name:<{_WIDTH}}{value}"
    if "unreleased" in {identity["fingerprint"] for identity in document["identities"]}:
        yield from ("", f"{_INDENT}`unreleased`: built by Cargo alone, not by a release")
    if document["measured"]:
        yield from ("", *_row("measured", [*_facts(document["measured"])]))
    for member, measured in document["inside"].items():
        yield from ("", f"{_INDENT}{member}", *_row("measured", [*_facts(measured)]))
    yield ""
    yield from _manifest(document["manifest"])


def _manifest(document: dict[str, Any] | None) -> Iterator[str]:
    if document is None:
        yield f"{_INDENT}no manifest nearby names its origin"
        return
    commit = f", commit {document['commit'][:12]}" if document.get("commit") else ""
    release = f": {document['project']} {document['release']}{commit}" if "release" in document else ""
    yield f"{_INDENT}{document['file']}{release}"
    if not document["rows"]:
        yield f"{_INDENT}{_INDENT}does not list this file or its fingerprint: it belongs to another release"
    for row in document["rows"]:
        name = row.get("file") or row.get("name") or f"{row.get('files')} files"
        target = f" for {row['target']}" if row.get("target") else ""
        yield f"{_INDENT}{_INDENT}{row['match']}: {name} of {row['artifact']} ({row['kind']}){target}"


def _digest(document: dict[str, Any]) -> Iterator[str]:
    yield f"{document['item']}: a digest"
    yield from _row("key of", document["actions"])
    yield from _row("interface of", document["interface_of"])
    if document["manifest"]:
        yield from _manifest(document["manifest"])
