"""What a WebAssembly module asks of its host and gives to it: the world of its WIT, as `formats.wit` reads it.

Versions in names of interfaces count as the Component Model has it (design/mvp/WIT.md, "Package declaration"): releases
that SemVer calls compatible are one and the same interface.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ferrule.formats import wit
from ferrule.formats.interfaces import Change, Surface, broken, compare_named, keeps_order

if TYPE_CHECKING:
    from collections.abc import Iterator

_OWN: Final = "(the world itself)"
_PARTS: Final = {"record": "fields", "variant": "cases", "enum": "cases", "flags": "labels"}


def read(world: wit.World) -> Surface:
    """A world as `world` (its name), `imports` and `exports` (functions by interface), and `types` by name."""
    types: Surface = {}
    sides = {
        side: {
            _compatible(interface.name): {name: _function(function, types) for name, function in interface.functions}
            for interface in interfaces
        }
        for side, interfaces in (("imports", world.imports), ("exports", world.exports))
    }
    return {"world": _compatible(world.name), **sides, "types": dict(sorted(types.items()))}


def _compatible(name: str | None) -> str:
    """The name with as much of its version as has to agree.

    >>> [_compatible(f"a:b/c@{version}") for version in ("0.1.4", "1.2.3", "0.0.3", "1.0.0-rc")]
    ['a:b/c@0.1', 'a:b/c@1', 'a:b/c@0.0.3', 'a:b/c@1.0.0-rc']
    """
    if name is None:
        return _OWN
    return re.sub(r"@(0\.0\.\d+|0\.[1-9]\d*|[1-9]\d*)(\.\d+)*$", r"@\1", name)


def _function(function: wit.Function, types: Surface) -> Surface:
    return {
        "parameters": [[name, _text(kind, types)] for name, kind in function.parameters],
        "result": None if function.result is None else _text(function.result, types),
        **({"async": True} if function.is_async else {}),
    }


def _text(kind: wit.Type, types: Surface) -> str:  # noqa: PLR0911 - one for each type
    match kind:
        case wit.Scalar(name):
            return name
        case wit.ListOf(element):
            return f"list<{_text(element, types)}>"
        case wit.OptionOf(value):
            return f"option<{_text(value, types)}>"
        case wit.ResultOf(ok, err):
            return f"result<{', '.join('_' if part is None else _text(part, types) for part in (ok, err))}>"
        case wit.TupleOf(items):
            return f"tuple<{', '.join(_text(item, types) for item in items)}>"
        case wit.Other(words):
            return words
    return _named(kind, types)


def _named(kind: wit.Named, types: Surface) -> str:
    match kind:
        case wit.Record(fields):
            surface: Surface = {"kind": "record", "fields": [[name, _text(value, types)] for name, value in fields]}
        case wit.Variant(cases):
            surface = {
                "kind": "variant",
                "cases": [[name, None if value is None else _text(value, types)] for name, value in cases],
            }
        case wit.Enum(names):
            surface = {"kind": "enum", "cases": [[name, None] for name in names]}
        case _:
            labels = kind.labels
            surface = {"kind": "flags", "labels": [[name, None] for name in labels]}
    if kind.name is None:
        parts = surface[_PARTS[surface["kind"]]]
        return f"{surface['kind']} {{{', '.join(': '.join(filter(None, part)) for part in parts)}}}"
    label = kind.name.label if kind.name.interface is None else f"{_compatible(kind.name.interface)}.{kind.name.label}"
    types[label] = surface
    return label


def compare(old: Surface, new: Surface) -> Iterator[Change]:
    """Every difference for hosts that were written for the older world."""
    if old["world"] != new["world"]:
        yield broken(old["world"], f"is now the world {new['world']}")
    yield from _side(old["exports"], new["exports"], "export", "is gone", "is new", lost=True)
    asked = ("is no longer asked for", "has to be supplied by every host")
    yield from _side(old["imports"], new["imports"], "import", *asked, lost=False)
    yield from compare_named(old["types"], new["types"], lambda name: f"type {name}", _type)


def _side(old: Surface, new: Surface, side: str, gone: str, come: str, *, lost: bool) -> Iterator[Change]:
    """What a host supplies is the other way round: it can do without being asked, and not without being able to."""
    before, after = (
        {
            f"{interface}: {name}": function
            for interface, functions in one.items()
            for name, function in functions.items()
        }
        for one in (old, new)
    )
    for name in sorted({*before, *after}):
        item = f"{side} {name.removeprefix(f'{_OWN}: ')}"
        if name not in after:
            yield Change(item, gone, breaking=lost)
        elif name not in before:
            yield Change(item, come, breaking=not lost)
        elif before[name] != after[name]:
            yield broken(item, f"is {_signature(after[name])}, and was {_signature(before[name])}")


def _signature(function: Surface) -> str:
    parameters = ", ".join(f"{name}: {kind}" for name, kind in function["parameters"])
    result = f" -> {function['result']}" if function["result"] else ""
    return f"{'async ' if function.get('async') else ''}func({parameters}){result}"


def _type(name: str, old: Surface, new: Surface) -> Iterator[Change]:
    """Types are laid out by their shape, so that every change of it is one for both sides."""
    item = f"type {name}"
    if old["kind"] != new["kind"]:
        yield broken(item, f"is a {new['kind']}, and was a {old['kind']}")
        return
    part = _PARTS[old["kind"]]
    before, after = dict(old[part]), dict(new[part])
    for label in sorted({*before} - {*after}):
        yield broken(item, f"no longer has {label}")
    for label in sorted({*after} - {*before}):
        yield broken(item, f"has {label} now, which hosts of the older one do not know")
    if not keeps_order(list(before), list(after)):
        yield broken(item, f"has its {part} in another order: {', '.join(after)}")
    for label in sorted({*before} & {*after}):
        if before[label] != after[label]:
            now, was = (one[label] or "without a value" for one in (after, before))
            yield broken(f"{item}: {label}", f"is {now}, and was {was}")
