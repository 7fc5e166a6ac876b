"""Explanations for people: from the document of one to lines of text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ferrule.reporting.report import duration, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.core.model import Json

_INDENT = "  "
_WIDTH = 14
_LONG = 72


def text(document: Json) -> str:
    """The whole of an explanation."""
    found: Any = document
    ways = {
        "exit code": _exit_code,
        "artifact": _artifact,
        "action": _action,
        "file": _file,
        "folder": _file,
        "digest": _digest,
    }
    return "\n".join(ways[found["what"]](found)) + "\n"


def _row(name: str, value: object) -> Iterator[str]:
    """A line, or nothing where there is nothing to say; several values stand one below the other if they are long."""
    values = [str(v) for v in value] if isinstance(value, (list, tuple)) else [str(value)]
    if not value and value != 0:
        return
    if sum(map(len, values)) <= _LONG:
        yield f"{_INDENT}{name:<{_WIDTH}}{', '.join(values)}"
        return
    for number, one in enumerate(values):
        yield f"{_INDENT}{name if number == 0 else '':<{_WIDTH}}{one}"


def _exit_code(found: dict[str, Any]) -> Iterator[str]:
    name = f" ({found['class']})" if found["class"] else ""
    yield f"exit code {found['code']}{name}: {found['meaning']}"
    yield from (f"{_INDENT}- {advice}" for advice in found["do"])


def _artifact(found: dict[str, Any]) -> Iterator[str]:
    yield f"{found['item']}: artifact of kind {found['kind']}: {found['summary']}"
    yield from _row("stated in", found["stated"])
    yield from _row("made of", found["made_of"])
    yield from _row("used by", found["used_by"])
    yield from _row("targets", found["targets"])
    if len(found["actions"]) == 1:
        yield ""
        yield from _action(found["actions"][0])
        return
    yield ""
    yield f"{len(found['actions'])} actions; ferrule explain ACTION says more of each"
    for action in found["actions"]:
        yield f"{_INDENT}{action['item']}: {_standing(action)}"
        yield from (f"{_INDENT * 3}{line}" for line in _outputs(action))


def _standing(action: dict[str, Any]) -> str:
    words = {"cached": "at hand", "stale": "would run", "waiting": "not known yet", "failed": "would fail"}
    return f"{words.get(action['state'], 'not known')}: {action['reason']}"


def _action(found: dict[str, Any]) -> Iterator[str]:
    target = f" for {found['target']}" if found["target"] else ""
    yield f"{found['item']}: action of {found['artifact']} ({found['kind']}){target}"
    yield from _row("state", _standing(found))
    yield from _row("key", found["key"])
    yield from _row("changed", found["changes"])
    recipe = found["recipe"]
    yield from _row("recipe", recipe["name"])
    yield from _row("", [f"{name} = {value}" for name, value in recipe["fields"].items()])
    yield from _row("needs", found["needs"])
    yield from _row("needed by", found["needed_by"])
    sources = found["sources"]
    declared = sources["declared"]
    yield from _row("sources", f"{sources['files']} files" if sources["files"] is not None and declared else "")
    yield from _row("" if sources["files"] is not None else "sources", declared)
    yield from _row("tools", [f"{n}: {version}" if version else n for n, version in found["tools"].items()])
    if found["last"] is None:
        yield from _row("last built", "never here")
    else:
        yield from _last(found)
    yield from _row("log", found["log"])


def _last(found: dict[str, Any]) -> Iterator[str]:
    last = found["last"]
    moment = datetime.fromtimestamp(last["built"], UTC).strftime("%Y-%m-%d %H:%M UTC")
    took = f" in {duration(last['seconds'])}" if isinstance(last["seconds"], (int, float)) else ""
    yield from _row("last built", f"{moment}{took}")
    yield from _row("because", last["because"])
    yield from _row("its key", last["key"] if last["key"] != found["key"] else "")
    yield from _row("outputs", [*_outputs(found)] or "no longer in the cache")
    yield from _row("read besides", last["read"])
    yield from _row("measured", [*_facts(last["facts"])])


def _outputs(found: dict[str, Any]) -> Iterator[str]:
    for output in (found["last"] or {}).get("outputs", []):
        place = f"dist/{output['ships']}" if output["ships"] else output["name"]
        yield f"{output['sha256'][:12]}  {size(output['size']):>9}  {place}"


def _facts(facts: dict[str, Any], above: str = "") -> Iterator[str]:
    for name, value in facts.items():
        if isinstance(value, dict):
            if all(isinstance(inner, int) for inner in value.values()) and len(value) > 3:  # noqa: PLR2004 - a table
                yield f"{above}{name}: {len(value)}, together {sum(value.values())}"
            else:
                yield from _facts(value, f"{above}{name}.")
        elif isinstance(value, list):
            shown = ", ".join(map(str, value[:4])) + (f" and {len(value) - 4} more" if len(value) > 4 else "")  # noqa: PLR2004
            yield f"{above}{name}: {shown}"
        else:
            yield f"{above}{name}: {value}"


def _file(found: dict[str, Any]) -> Iterator[str]:
    yield f"{found['item']}: {found['what']}" + (f" of {size(found['size'])}" if found["size"] is not None else "")
    yield from _row("sha256", found["sha256"])
    if not found["identities"]:
        yield from _row("says", "nothing of itself: no version and no fingerprint of ferrule's is inside")
    for one in found["identities"]:
        yield ""
        yield f"{_INDENT}{one['form']}{' in ' + one['member'] if one['member'] else ''}"
        for name, value in one.items():
            if name not in ("form", "member") and value:
                yield f"{_INDENT}{_INDENT}{name:<{_WIDTH}}{value}"
    if "unreleased" in {one["fingerprint"] for one in found["identities"]}:
        yield from ("", f"{_INDENT}`unreleased`: built by Cargo alone, not by a release")
    if found["measured"]:
        yield from ("", *_row("measured", [*_facts(found["measured"])]))
    for member, measured in found["inside"].items():
        yield from ("", f"{_INDENT}{member}", *_row("measured", [*_facts(measured)]))
    yield ""
    yield from _manifest(found["manifest"])


def _manifest(found: dict[str, Any] | None) -> Iterator[str]:
    if found is None:
        yield f"{_INDENT}no manifest is near that could tell where it is from"
        return
    commit = f", commit {found['commit'][:12]}" if found.get("commit") else ""
    release = f": {found['project']} {found['release']}{commit}" if "release" in found else ""
    yield f"{_INDENT}{found['file']}{release}"
    if not found["rows"]:
        yield f"{_INDENT}{_INDENT}does not list it, nor what it says it was built as: it is of another release"
    for row in found["rows"]:
        name = row.get("file") or row.get("name") or f"{row.get('files')} files"
        target = f" for {row['target']}" if row.get("target") else ""
        yield f"{_INDENT}{_INDENT}{row['match']}: {name} of {row['artifact']} ({row['kind']}){target}"


def _digest(found: dict[str, Any]) -> Iterator[str]:
    yield f"{found['item']}: a digest"
    yield from _row("key of", found["actions"])
    yield from _row("interface of", found["interface_of"])
    if found["manifest"]:
        yield from _manifest(found["manifest"])
