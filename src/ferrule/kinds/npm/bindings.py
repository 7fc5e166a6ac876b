"""Bindings of a library in the npm package that finds it: what they need there, and how they are packed."""

from __future__ import annotations

import json
import posixpath
import re
from typing import TYPE_CHECKING, Final

from ferrule.bindings import LANGUAGES
from ferrule.formats.archive_member import Member
from ferrule.kinds import generated_bindings
from ferrule.kinds.base import BINDINGS_TYPES, PlanProblem
from ferrule.kinds.npm import native

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ferrule.core.model import Action, ActionInterface
    from ferrule.engine.context import ActionContext
    from ferrule.formats.package_json import PackageJson
    from ferrule.kinds.base import Context
    from ferrule.kinds.npm.native import LibraryPackage

KOFFI: Final = (3, 3, 4)
"""The first koffi whose behaviour the bindings rely on; its next major version may behave in another way."""

_VERSION: Final = r"v?(\d+)(?:\.(\d+)(?:\.(\d+))?)?"
_RANGE: Final = re.compile(rf"[\^~=]?\s*{_VERSION}(?:\.[x*])*|>=\s*{_VERSION}\s+<\s*4(?:\.0)*(?:-0)?")
_COMPARATOR: Final = re.compile(r"([<>=^~]*)\s*v?(\d+)(?:\.[\dx*]+)*")
"""An operator and the major version."""
_OLDEST_NODE: Final = 20
"""The first Node.js with `String.prototype.isWellFormed`."""


def plan(
    context: Context, header: str, library: str, package: str, source: str, rows: tuple[LibraryPackage, ...]
) -> list[Action]:
    """The action that generates bindings for the platforms of a package.

    Raises PlanProblem for an addon, which Node.js loads by itself, and an artifact of several headers.
    """
    if rows[0].file.endswith(".node"):
        message = "bindings call a library with a C interface, and this one is an addon of Node-API"
        raise PlanProblem("bindings", message, "leave `bindings` out, or name a library without napi")
    triples = {action.id: action.target or "" for action in context.actions_of(library)}
    platforms = tuple(context.platforms[triples[row.library.id]] for row in rows)
    path = posixpath.normpath(f"{source}/{native.FOLDER}/{LANGUAGES['node'].file}")
    return [generated_bindings.plan(context, header, platforms, language="node", package=package, path=path)]


def problems(package: PackageJson) -> Iterator[PlanProblem]:
    """What a package.json lacks that bindings need: koffi, in a version that they fit, and Node.js."""
    groups = [key for key in ("dependencies", "peerDependencies") if "koffi" in _entries(package, key)]
    if not groups:
        message = "the bindings call the library by koffi, and this does not depend on it"
        yield PlanProblem("bindings", message, _hint("dependencies"), package.at("dependencies"))
    for group in groups:
        version = _entries(package, group)["koffi"]
        # What is no text is reported as that.
        if isinstance(version, str) and not _each(version, _fits):
            message = f"the bindings need koffi {_text(KOFFI)} or a newer one below 4, and this asks for {version}"
            yield PlanProblem("bindings", message, _hint(group), package.at(group, "koffi"))
    stated = _entries(package, "engines").get("node", f">={_OLDEST_NODE}")
    if not isinstance(stated, str) or not _each(stated, _is_new_enough):
        message = f"`engines` says node {json.dumps(stated)}, and the bindings need Node.js {_OLDEST_NODE} or newer"
        yield PlanProblem(
            "bindings", message, f'write "engines": {{"node": ">={_OLDEST_NODE}"}} there', package.at("engines", "node")
        )


def _hint(group: str) -> str:
    return f'write "{group}": {{"koffi": "^{_text(KOFFI)}"}}'


def _entries(package: PackageJson, key: str) -> dict[str, object]:
    value = package.document.get(key)
    return value if isinstance(value, dict) else {}


def _each(version: str, fits: Callable[[str], bool]) -> bool:
    """Whether all alternatives of a range of npm's fit (semver, "Ranges")."""
    return all(fits(one.strip()) for one in version.split("||"))


def _fits(version: str) -> bool:
    """Whether no version in a range is too old or too new; digits that are not there are 0 in the least one."""
    match = _RANGE.fullmatch(version)
    numbers = tuple(int(one) for one in match.groups() if one is not None) if match else ()
    return numbers[:1] == KOFFI[:1] and numbers >= KOFFI


def _is_new_enough(version: str) -> bool:
    """Whether no version in a range is older than what the bindings need; the first of two that are in order counts."""
    compared = _COMPARATOR.findall(version.partition(" - ")[0])
    return any(int(major) >= _OLDEST_NODE for operator, major in compared if not operator.startswith("<"))


def _text(version: tuple[int, int, int]) -> str:
    return ".".join(map(str, version))


def packed(context: ActionContext, action: ActionInterface) -> list[Member]:
    """The bindings that a needed action made, and their types.

    Raises BuildError where the project has others in their place.
    """
    language = LANGUAGES["node"]
    return [
        Member(language.file, generated_bindings.packed(context, action)),
        Member(language.types_file, generated_bindings.packed(context, action, BINDINGS_TYPES)),
    ]
