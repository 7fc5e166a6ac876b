"""The public names of a Python package with their signatures, as griffe reads them: without importing anything.

griffe follows re-exports, `__all__` and the parameters of dataclasses, and is what mkdocstrings stands on. Its own
search for breaking changes knows no additions, wants both packages as source, and says nothing about types of
parameters, so that only its reading is used.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import griffe
from packaging.specifiers import SpecifierSet

from ferrule.core.errors import VerificationError
from ferrule.formats.interfaces import Change, Surface, added, broken, compare_named
from ferrule.formats.interfaces.python_types import members, normal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_EITHER, _POSITIONAL, _KEYWORD = "positional or keyword", "positional-only", "keyword-only"
_MANY: Final = ("variadic positional", "variadic keyword")
_ENUMS: Final = frozenset(("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"))
_TO_IMPLEMENT: Final = frozenset(("Protocol", "ABC"))
_SILENT: Final = frozenset(("__repr__", "__str__", "__del__", "__post_init__", "__slots__", "__module__", "__doc__"))
"""Special names that nobody builds against, or that say nothing about how to use a class."""


def read(folder: Path, *, where: str | None = None) -> Surface:
    """The public names of the packages and modules below a folder.

    The document: every public object by its path, `kind` (`module`, `class`, `function`, `attribute`) and by kind
    `parameters` (name, kind, annotation, default), `returns`, `bases`, `members`, `annotation`, `value`. Raises
    VerificationError for source that is none.
    """
    names = sorted(
        p.name.partition(".")[0]
        for p in folder.iterdir()
        if not p.name.startswith(("_", ".")) and ((p / "__init__.py").is_file() or p.suffix in {".py", ".pyi"})
    )
    surface: Surface = {}
    try:
        loader = griffe.GriffeLoader(search_paths=[folder], allow_inspection=False)
        for name in dict.fromkeys(names):
            package = loader.load(name)
            loader.resolve_aliases(external=False)
            _module(package, name, surface)
    except (SyntaxError, ImportError, griffe.GriffeError, RecursionError, ValueError) as error:
        raise VerificationError(f"the Python package cannot be read: {error}", where=where) from error
    return surface


def _module(module: Any, path: str, surface: Surface) -> None:  # noqa: ANN401 - an object or an alias of griffe
    surface[path] = {"kind": "module"}
    listed = module.exports
    for name, member in module.members.items():
        if not _is_public(name) if listed is None else name not in {str(e) for e in listed}:
            if not member.is_alias and member.is_module and _is_public(name):
                _module(member, f"{path}.{name}", surface)
            continue
        if listed is None and member.is_alias:
            continue  # imported for its own use
        target = _target(member)
        if target is None:
            surface[f"{path}.{name}"] = {"kind": "attribute", "annotation": None}
        elif target.is_module:
            _module(target, f"{path}.{name}", surface)
        else:
            surface[f"{path}.{name}"] = _object(target)


def _is_public(name: str) -> bool:
    return not name.startswith("_")


def _target(member: Any) -> Any:  # noqa: ANN401 - an object or an alias of griffe
    """What a name stands for; None if that is outside of the package."""
    try:
        return member.final_target if member.is_alias else member
    except (griffe.AliasResolutionError, griffe.CyclicAliasError):
        return None


def _object(item: Any, *, enum: bool = False) -> Surface:  # noqa: ANN401 - an object of griffe
    if item.is_class:
        return _class(item)
    if item.is_function:
        return _function(item)
    surface: Surface = {"kind": "attribute", "annotation": _text(item.annotation)}
    literal = item.value is not None and re.fullmatch(r"-?[\d.]+|b?(['\"]).*\1|True|False|None", str(item.value))
    if item.value is not None and (enum or (literal and item.name.isupper())):
        surface["value"] = str(item.value)
    if "property" in item.labels and "writable" not in item.labels:
        surface["read-only"] = True
    return surface


def _function(function: Any) -> Surface:  # noqa: ANN401 - an object of griffe
    bound = function.parent is not None and function.parent.is_class and "staticmethod" not in function.labels
    parameters = list(function.parameters)[1 if bound else 0 :]
    return {
        "kind": "function",
        "parameters": [
            {
                "name": p.name,
                "kind": p.kind.value,
                "annotation": _text(p.annotation),
                **({} if p.default is None or p.kind.value in _MANY else {"default": str(p.default)}),
            }
            for p in parameters
        ],
        "returns": _text(function.returns),
        **({"async": True} if "async" in function.labels else {}),
        **({"abstract": True} if "abstractmethod" in function.labels else {}),
        **{label: True for label in ("staticmethod", "classmethod") if label in function.labels},
    }


def _class(item: Any) -> Surface:  # noqa: ANN401 - an object of griffe
    bases = _bases(item)
    members: Surface = {}
    for name, member in sorted(item.all_members.items()):
        special = re.fullmatch(r"__\w+__", name)
        target = _target(member)
        if target is None or (special and (name in _SILENT or not target.is_function)):
            continue
        if _is_public(name) or special:
            members[name] = _object(target, enum=bool(_ENUMS & {*bases}))
    return {"kind": "class", "bases": bases, "members": members}


def _bases(item: Any) -> list[str]:  # noqa: ANN401 - an object of griffe
    """Names of base classes; private ones stand for theirs."""
    names: list[str] = []
    for base in item.bases:
        name = re.sub(r"\[.*", "", str(base)).rpartition(".")[2]
        if name.startswith("_"):
            inner = [c for c in item.mro() if c.name == name]
            names += [n for c in inner for n in _bases(c)]
        else:
            names.append(name)
    return names


def _text(annotation: Any) -> str | None:  # noqa: ANN401 - an expression of griffe, or text
    return None if annotation is None else " ".join(str(annotation).replace("'", "").split())


def requires(metadata: str) -> str | None:
    """What METADATA says about versions of Python (core metadata, `Requires-Python`)."""
    match = re.search(r"^Requires-Python:[ \t]*(.+?)[ \t]*$", metadata.partition("\n\n")[0], flags=re.MULTILINE)
    return match[1] if match else None


def compare_requires(old: str | None, new: str | None) -> Iterator[Change]:
    """Whether Pythons were given up, or are supported now."""
    before, after = (SpecifierSet(text or "") for text in (old, new))
    versions = [f"{major}.{minor}" for major, count in ((2, 8), (3, 40)) for minor in range(count)]
    lost = [v for v in versions if v in before and v not in after]
    if lost:
        yield broken("requires-python", f"is {new}, and was {old or 'anything'}: without {lost[0]}")
    elif before != after:
        yield added("requires-python", f"is {new or 'anything'}, and was {old}")


def compare(old: Surface, new: Surface) -> Iterator[Change]:
    """Every difference for programs that use the older package."""
    yield from compare_named(old, new, str, _objects)


def _objects(path: str, old: Surface, new: Surface) -> Iterator[Change]:
    if old["kind"] != new["kind"]:
        yield broken(path, f"is a {new['kind']}, and was a {old['kind']}")
    elif old["kind"] == "function":
        yield from _functions(path, old, new)
    elif old["kind"] == "class":
        yield from _classes(path, old, new)
    else:
        yield from _attributes(path, old, new)


def _classes(path: str, old: Surface, new: Surface) -> Iterator[Change]:
    for base in [b for b in old["bases"] if b not in new["bases"]]:
        yield broken(path, f"is no longer a {base}")
    for base in [b for b in new["bases"] if b not in old["bases"]]:
        yield added(path, f"is a {base} too")
    implemented = bool(_TO_IMPLEMENT & {*old["bases"]})
    for change in compare_named(old["members"], new["members"], lambda name: f"{path}.{name}", _member(path)):
        name = change.item.removeprefix(f"{path}.")
        is_new = name in new["members"] and name not in old["members"]
        if is_new and (implemented or new["members"][name].get("abstract")):
            yield broken(change.item, "has to be supplied by every class that is one")
        else:
            yield change


def _member(path: str) -> Any:  # noqa: ANN401 - as compare_named wants it
    return lambda name, old, new: _objects(f"{path}.{name}", old, new)


def _attributes(path: str, old: Surface, new: Surface) -> Iterator[Change]:
    if old.get("value") != new.get("value"):
        yield broken(path, f"is {new.get('value', 'computed')}, and was {old.get('value', 'computed')}")
    if new.get("read-only") and not old.get("read-only"):
        yield broken(path, "can no longer be set")
    if old.get("read-only") and not new.get("read-only"):
        yield added(path, "can be set")
    yield from _out(path, "is", old["annotation"], new["annotation"])


def _functions(path: str, old: Surface, new: Surface) -> Iterator[Change]:
    item = f"{path}()"
    for label, words in (("async", "a coroutine"), ("staticmethod", "static"), ("classmethod", "a class method")):
        if old.get(label) != new.get(label):
            yield broken(item, f"is {'' if new.get(label) else 'no longer '}{words}")
    if new.get("abstract") and not old.get("abstract"):
        yield broken(item, "has to be supplied by every class that is one")
    yield from _parameters(item, old["parameters"], new["parameters"])
    yield from _out(item, "returns", old["returns"], new["returns"])


def _parameters(item: str, old: list[Surface], new: list[Surface]) -> Iterator[Change]:
    before, after = ([p["name"] for p in one if p["kind"] in (_EITHER, _POSITIONAL)] for one in (old, new))
    renamed = _renamed(old, new)
    names = {p["name"]: p for p in new}
    matched = set()
    for parameter in old:
        name = renamed.get(parameter["name"], parameter["name"])
        other = names.get(name)
        if other is None:
            yield from _lost(item, parameter, new)
            continue
        matched.add(name)
        yield from _parameter(f"{item}: {name}", parameter, other)
        if parameter["kind"] != _KEYWORD and name in after:
            index, now = before.index(parameter["name"]), after.index(name)
            if index != now:
                yield broken(f"{item}: {name}", f"is parameter {now + 1}, and was {index + 1}")
    for parameter in new:
        if parameter["name"] not in matched:
            optional = "default" in parameter or parameter["kind"] in _MANY
            text = "is a new parameter" if optional else "is a new parameter that has to be given"
            yield (added if optional else broken)(f"{item}: {parameter['name']}", text)


def _renamed(old: list[Surface], new: list[Surface]) -> dict[str, str]:
    """Parameters that nobody can call by name and have another one now."""
    pairs = zip(old, new, strict=False)
    return {a["name"]: b["name"] for a, b in pairs if a["kind"] == b["kind"] and a["kind"] in (_POSITIONAL, *_MANY)}


def _lost(item: str, parameter: Surface, new: list[Surface]) -> Iterator[Change]:
    taken = {p["kind"] for p in new}
    if parameter["kind"] == _KEYWORD and "variadic keyword" in taken:
        yield added(f"{item}: {parameter['name']}", "is one of the further keywords now")
    else:
        yield broken(f"{item}: {parameter['name']}", "is no longer a parameter")


def _parameter(item: str, old: Surface, new: Surface) -> Iterator[Change]:
    if old["kind"] != new["kind"]:
        wider = new["kind"] == _EITHER
        yield (added if wider else broken)(item, f"is {new['kind']}, and was {old['kind']}")
    if "default" in old and "default" not in new:
        yield broken(item, "has to be given, and had a default")
    elif "default" in new and "default" not in old:
        yield added(item, "has a default")
    elif old.get("default") != new.get("default"):
        yield broken(item, f"is {new['default']} where it is not given, and was {old['default']}")
    if _same(old["annotation"], new["annotation"]):
        return
    if old["annotation"] is not None:
        wider = new["annotation"] is None or members(old["annotation"]) <= members(new["annotation"])
        text = f"takes {new['annotation'] or 'anything'}, and took {old['annotation']}"
        yield (added if wider else broken)(item, text)
    else:
        yield added(item, f"tells its type: {new['annotation']}")


def _same(old: str | None, new: str | None) -> bool:
    return old == new or (old is not None and new is not None and normal(old) == normal(new))


def _out(item: str, verb: str, old: str | None, new: str | None) -> Iterator[Change]:
    """The type of something that users get: less of it is fine, more or other is not."""
    if _same(old, new):
        return
    if old is None:
        yield added(item, f"tells its type: {new}")
    else:
        narrower = new is not None and members(new) <= members(old)
        past = {"is": "was", "returns": "returned"}[verb]
        yield (added if narrower else broken)(item, f"{verb} {new or 'untold'}, and {past} {old}")
