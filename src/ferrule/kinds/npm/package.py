"""Packs the main package: the JavaScript of a project, a component as JavaScript, and what finds a native library."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ferrule.core import facts
from ferrule.core.errors import BuildError, VerificationError
from ferrule.core.frozen import dataclass
from ferrule.formats import binary, deflate, tar, wasm
from ferrule.formats.archive_member import Member, below, entries_of_folder, in_order
from ferrule.formats.javascript_imports import SUFFIXES, imported_files
from ferrule.formats.npm_files import names_nothing, packed_names
from ferrule.formats.package_json import entry_points_by_key, is_entry_point
from ferrule.kinds.linked_code import third_party
from ferrule.kinds.npm import bindings, native
from ferrule.tools import jco

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ferrule.core.model import ActionInterface
    from ferrule.engine.context import ActionContext
    from ferrule.kinds.npm.native import LibraryPackage

COMPONENT: Final = "component"
"""Name of the folder, inside the package, that the release writes: the component as JavaScript, and its loader."""

SECTION: Final = "ferrule"
"""Name of the custom section in which component and core module say what they are, as JSON."""

NODE: Final = ">=20"
"""The Node.js that a package asks for which says nothing of it."""
_ASYNC_NODE: Final = 25
"""The first Node.js whose WebAssembly can wait for JavaScript without a flag (JSPI, V8 13.7)."""
_ASYNC: Final = re.compile(rb"\[async-(?:lift|lower)\]")

_WASI: Final = "wasi:"
_SHIM_IMPORT: Final = f"import {{ WASIShim }} from '{jco.SHIM}/instantiation';\n"
_TEMPLATES: Final = {"index.js": "npm.mjs", "index.d.ts": "npm.d.mts"}


def _is_async(folder: Path) -> bool:
    """Whether a component's JavaScript has asynchronous functions: it calls them by names of the component model."""
    return any(_ASYNC.search(path.read_bytes()) for path in folder.glob("*.js"))


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """Turn the component into JavaScript and pack it with the sources."""

    source: str
    stem: str
    component: ActionInterface | None
    manifest: str
    license_files: tuple[str, ...]
    epoch: int
    natives: tuple[LibraryPackage, ...] = ()
    compressor: str = deflate.COMPRESSOR
    contents: tuple[ActionInterface, ...] = ()
    bindings: ActionInterface | None = None

    def make(self, context: ActionContext) -> None:
        """Write the tarball as npm does: everything in the folder `package`."""
        generated = self._generated(context, self.component) if self.component else []
        manifest = json.loads(self._for_engines(is_async=_is_async(context.folder / "transpiled")))
        if self.component and (wasi := self._wasi(context, self.component)):
            dependencies = manifest.get("dependencies", {})
            context.report_progress(f"{wasi[0]} is brought by {jco.SHIM}")
            # Exactly the version that jco was made with, unless the package asks for one itself.
            manifest["dependencies"] = {jco.SHIM: jco.shim_version(context.toolchain), **dependencies}
        if self.natives:
            installed = {row.name: manifest["version"] for row in self.natives}
            manifest["optionalDependencies"] = {**manifest.get("optionalDependencies", {}), **installed}
        folders = (
            *below(COMPONENT, generated),
            *below(native.FOLDER, self._native(context) if self.natives else ()),
        )
        text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        entries = in_order((*self._wrapper(context, text, [member.name for member in folders]), *folders))
        names = [entry.name for entry in entries]
        for key, path in entry_points_by_key(json.loads(self.manifest)):
            if "*" not in path and not is_entry_point(path, names.__contains__, key):
                written = ", ".join(member.name for member in folders)
                raise BuildError(
                    f"package.json leads to ./{path}, which is not in the package",
                    where=f"{self.source}/package.json",
                    hint=f"correct `{key}`, or `files` and .npmignore; the release writes {written}",
                )
        self._check_imports(context, entries)
        tar.write_tar_gz(context.output("package"), below("package", entries), self.epoch)

    def _native(self, context: ActionContext) -> list[Member]:
        """What finds the library, and bindings with their types if there are any."""
        if self.bindings is None:
            return native.finder(self.natives)
        return [*native.finder(self.natives, self._interface(context)), *bindings.packed(context, self.bindings)]

    def _interface(self, context: ActionContext) -> str:
        """The fingerprint of the libraries' interface. Raises BuildError where they have several."""
        interfaces = {context.recorded(row.library.id).identity.interface or "" for row in self.natives}
        if len(interfaces) > 1:
            raise BuildError(
                "the libraries of the targets have different interfaces, and the bindings have one for all",
                where=self.source,
                hint="declare the same functions for every target",
            )
        return interfaces.pop()

    def _check_imports(self, context: ActionContext, entries: Sequence[Member]) -> None:
        """Raise BuildError where a module imports a file that is there and is not packed, as Git ignores it."""
        names = {entry.name for entry in entries}
        for entry in entries:
            if not entry.name.endswith(SUFFIXES) or not isinstance(entry.source, Path):
                continue
            text = entry.source.read_text(encoding="utf-8", errors="replace")
            for candidates in imported_files(entry.name, text):
                existing = [c for c in candidates if (context.project / self.source / c).is_file()]
                if existing and names.isdisjoint(candidates):
                    raise BuildError(
                        f"this imports {existing[0]}, which would not be in the package",
                        where=f"{self.source}/{entry.name}",
                        hint="let Git track that file, and `files` and .npmignore publish it",
                    )

    def _wasi(self, context: ActionContext, component: ActionInterface) -> tuple[str, ...]:
        """Interfaces of WASI that the component imports."""
        imports = binary.measure(context.input(component, "component")).imports
        return tuple(sorted({name for name in imports if name.startswith(_WASI)}))

    def _for_engines(self, *, is_async: bool) -> str:
        """The package.json with a Node.js that runs the component. Raises BuildError for an older one that it names."""
        document = json.loads(self.manifest)
        stated = str(document.get("engines", {}).get("node", ""))
        oldest = re.fullmatch(r"\s*(?:>=|\^|~)?\s*v?(\d+)(?:\.\S*)?\s*", stated)
        if not is_async or (oldest and int(oldest[1]) >= _ASYNC_NODE):
            return self.manifest
        if stated != NODE:
            raise BuildError(
                f"`engines` says node {stated or '*'}, and a component with asynchronous functions needs Node.js "
                f"{_ASYNC_NODE} or newer",
                where=f"{self.source}/package.json",
                hint=f'write "engines": {{"node": ">={_ASYNC_NODE}"}} there',
            )
        document["engines"] |= {"node": f">={_ASYNC_NODE}"}
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    def _wrapper(self, context: ActionContext, package: str, written: list[str]) -> list[Member]:
        """What lies in the source folder, the package.json of the release, and the licences.

        Files are found as the engine finds sources, so that nothing is packed whose change would go unseen.
        """
        manifest = json.loads(package)
        entries = {"package.json": Member("package.json", package.encode())}
        files = {file.name.removeprefix(f"{self.source}/"): file for file in context.source_files(self.source)}
        ignored = {
            name: Path(file.path).read_text("utf-8", "replace") for name, file in files.items() if _is_ignore_file(name)
        }
        if nothing := names_nothing(manifest.get("files", ()), (*files, *self.license_files, *written)):
            raise BuildError(
                f"`files` names {', '.join(nothing)}, and no such file would be published",
                where=f"{self.source}/package.json",
                hint="add it to the project (Git must not ignore it), or take it out of `files`",
            )
        for name in packed_names(tuple(files), manifest, ignored, tuple({name.partition("/")[0] for name in written})):
            file = files[name]
            entries.setdefault(name, Member(name, Path(file.path), executable=file.executable))
        for license_file in self.license_files:
            name = license_file.rpartition("/")[2]
            entries.setdefault(name, Member(name, context.project / license_file))
        if third_party.FILE in entries and self.contents:
            raise BuildError(
                f"the package has a file {third_party.FILE} of its own, which the release writes",
                where=f"{self.source}/{third_party.FILE}",
                hint="delete it, or give it another name",
            )
        return [*entries.values(), *third_party.licence_texts_of(context, self.contents)]

    def _generated(self, context: ActionContext, packed: ActionInterface) -> list[Member]:
        """The component as JavaScript, with the core module that was compiled, byte for byte, and the loader."""
        component, module = context.input(packed, "component"), context.input(packed, "module")
        folder = context.folder / "transpiled"
        folder.mkdir()
        context.report_progress("making JavaScript of the component")
        context.run(jco.transpile_command(context.toolchain, component, folder, self.stem))
        members = {entry.name: entry for entry in entries_of_folder(folder)}
        cores = sorted(name for name in members if name.endswith(".wasm"))
        code = _code(module.read_bytes())
        main = next((name for name in cores if _code((folder / name).read_bytes()) == code), None)
        if main is None:
            raise VerificationError(
                f"the component holds none of the code of its core module, {_name(packed, 'module')}",
                hint="the component and its core module must be of one compilation; report this with both files",
            )
        members[main] = Member(main, module)
        identity = _identity(wasm.custom_sections(component.read_bytes(), SECTION), _name(packed, "component"))
        files = {
            f"package/{COMPONENT}/{name}": binary.summary(binary.measure(folder / name))
            for name in cores
            if name != main
        }
        build = facts.BuildIdentity(identity["fingerprint"], identity["interface"])
        context.record_facts(facts.Facts((build, facts.PackageFacts(identity["version"], files))))
        wasi = self._wasi(context, packed)
        values = {
            "shim_import": _SHIM_IMPORT if wasi else "",
            "shim": "new WASIShim().getImportObject()" if wasi else "{}",
            "imports": _imports_type(wasi),
            "stem": self.stem,
            "main": main,
            "identity": identity,
            "modules": cores,
            "places": "\n".join(f"        case '{c}': return new URL('./{c}', import.meta.url);" for c in cores),
            "module_names": " | ".join(f"'{c}'" for c in cores),
        }
        for name, template in _TEMPLATES.items():
            members[name] = Member(name, _filled(template, values).encode())
        return list(members.values())


def _name(component: ActionInterface, role: str) -> str:
    output = component.output(role)
    return output.name if output else role


def _is_ignore_file(name: str) -> bool:
    return name.rpartition("/")[2] == ".npmignore"


def _code(data: bytes) -> list[tuple[int, bytes]]:
    """Everything of a core module that has a meaning: all sections but the custom ones (core specification 2.5)."""
    return [(s.number, s.content) for s in wasm.read_wasm(data).sections if s.name is None]


def _identity(sections: tuple[bytes, ...], name: str) -> dict[str, str]:
    if len(sections) != 1:
        _refuse(name, f"{len(sections)} sections {SECTION!r}")
    try:
        values = json.loads(sections[0])
        return {key: str(values[key]) for key in ("version", "fingerprint", "interface")}
    except (ValueError, KeyError, TypeError):
        _refuse(name, f"a section {SECTION!r} that cannot be read")


def _refuse(name: str, what: str) -> NoReturn:
    raise VerificationError(f"{name} has {what}", hint="pack a component of this release")


def _filled(template: str, values: Mapping[str, Any]) -> str:
    """A template with `__NAME__` replaced by a value, texts as they are and anything else as JSON."""
    text = (Path(__file__).parent / template).read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"__{name.upper()}__", value if isinstance(value, str) else json.dumps(value))
    return text


def _imports_type(provided: tuple[str, ...]) -> str:
    """The type of what is given to a component; what the package brings along may be left out."""
    declared = "Parameters<typeof instantiate>[1]"
    if not provided:
        return declared
    names = " | ".join(f"'{name}'" for name in provided)
    return f"Omit<{declared}, {names}> & Partial<Pick<{declared}, ({names}) & keyof {declared}>>"
