"""Packages of native libraries for npm: one for each platform, of which npm installs the one that fits the machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import VerificationError
from ferrule.core.frozen import dataclass
from ferrule.formats import deflate
from ferrule.formats.archive_member import Member
from ferrule.kinds.base import PlanProblem
from ferrule.kinds.linked_code import third_party
from ferrule.kinds.npm_platforms import PlatformPackage, platform_name, write_package

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ferrule.core.model import Action, ActionInterface, Json
    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext
    from ferrule.kinds.base import Context

FOLDER: Final = "native"
"""Name of the folder, inside the main package, that finds the library."""
REGISTERS: Final = "napi_register_module_v1"
"""What every addon exports that is built with Node-API (Node.js, "Node-API", Module registration)."""

_TEMPLATES: Final = {"index.js": "native.mjs", "index.d.ts": "native.d.mts"}
_TAKEN_OVER: Final = ("description", "license", "homepage", "repository", "author", "bugs", "engines")
_NAPI: Final = "napi"


@dataclass(frozen=True, slots=True)
class LibraryPackage(PlatformPackage):
    """The package of one platform with a library."""

    library: ActionInterface


def packages(artifact: str, name: str, globs: tuple[str, ...] | None, context: Context) -> tuple[LibraryPackage, ...]:
    """A package for each target that the library of an artifact is made for and that npm can name.

    Without globs of their own they are those of the library, whatever else the main package holds.

    Raises PlanProblem for a target without a shared library, and two targets that npm does not tell apart.
    """
    actions = {action.compiles.triple: action for action in context.actions_of(artifact) if action.compiles}
    selected = {target.triple for target in context.targets}
    rows: dict[str, LibraryPackage] = {}
    for triple, action in actions.items():
        platform = context.platforms[triple]
        if (globs is not None and triple not in selected) or not platform.npm:
            continue
        package = _package(name, platform, action, context)
        if package.name in rows:
            message = f"two targets are both {package.name} to npm, {triple} and another"
            raise PlanProblem("targets", message, "select one of them with `targets`")
        rows[package.name] = package
    return tuple(rows.values())


def _package(name: str, platform: Platform, action: Action, context: Context) -> LibraryPackage:
    output = action.interface.output("cdylib")
    if output is None or action.compiles is None:
        message = f"the library makes no cdylib for {platform.triple}"
        raise PlanProblem("library", message, "narrow `targets` here, or widen them there")
    crate = context.crate(action.compiles.crate)
    is_addon = _NAPI in crate.packages
    if is_addon and not any(path.endswith(".rs") for path in crate.code):
        message = f"{crate.name} is an addon by napi without its build script, which links it as Node.js loads it"
        hint = "add napi-build to [build-dependencies], and build.rs: fn main() { napi_build::setup(); }"
        raise PlanProblem("library", message, hint, f"{crate.manifest}:1:1")
    limits = platform.npm
    file = f"{action.interface.trait('library')}.node" if is_addon else output.name
    return LibraryPackage(platform_name(name, limits), tuple(limits.items()), file, action.interface)


@dataclass(frozen=True, slots=True)
class NativePackage:
    """Pack the library of one platform as it was compiled, with the licences; `about` are fields of package.json."""

    package: LibraryPackage
    version: str
    about: str
    license_files: tuple[str, ...]
    epoch: int
    compressor: str = deflate.COMPRESSOR
    contents: tuple[ActionInterface, ...] = ()

    def make(self, context: ActionContext) -> None:
        """Write the tarball; raises VerificationError for an addon that Node.js would not load."""
        library = self.package.library
        compiled = context.recorded(library.id).compiled.get("cdylib")
        if self.package.file.endswith(".node") and (compiled is None or REGISTERS not in compiled.exports):
            raise VerificationError(
                f"{self.package.file} exports no {REGISTERS}, by which Node.js loads an addon",
                where=context.action.id,
                hint="mark what it offers by #[napi], and turn the feature napi8 or a newer one on",
            )
        document: dict[str, Json] = {
            "name": self.package.name,
            "version": self.version,
            **json.loads(self.about),
            **self.package.fields(),
            "main": self.package.file,
            "files": [self.package.file],
        }
        members = [
            Member(self.package.file, context.input(library, "cdylib")),
            *(Member(name.rpartition("/")[2], context.project / name) for name in self.license_files),
            *third_party.licence_texts_of(context, self.contents),
        ]
        write_package(context, document, members, self.epoch)


def about(manifest: Mapping[str, object]) -> str:
    """What the packages of platforms say as the main one does, as JSON."""
    return json.dumps({key: manifest[key] for key in _TAKEN_OVER if key in manifest}, ensure_ascii=False)


def finder(rows: Iterable[PlatformPackage], interface: str | None = None) -> list[Member]:
    """The module of the main package that finds the library, and its types.

    `interface` is the fingerprint of the C interface that bindings were made for, where there are any.
    """
    said = dict.fromkeys(_TEMPLATES, "") if interface is None else _says(interface)
    table = [row.row("package") for row in rows]
    members = []
    for name, template in _TEMPLATES.items():
        text = (Path(__file__).parent / template).read_text(encoding="utf-8")
        text = text.replace("__PACKAGES__", json.dumps(table, indent=4)) + said[name]
        members.append(Member(name, text.encode()))
    return members


def _says(interface: str) -> dict[str, str]:
    """What the module and its types say of the interface."""
    comment = "// Fingerprint of the C interface that the bindings beside this were made for.\n"
    return {
        "index.js": f"\n{comment}export const INTERFACE = {json.dumps(interface)};\n",
        "index.d.ts": "\n/** Fingerprint of the C interface that the bindings beside this were made for. */\n"
        "export declare const INTERFACE: string;\n",
    }
