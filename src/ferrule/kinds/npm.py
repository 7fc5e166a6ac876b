"""npm packages: a WebAssembly component as an ES module for Node.js, browsers and bundlers, with its types."""

from __future__ import annotations

import json
import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NoReturn

from ferrule.core import facts
from ferrule.core.errors import BuildError, ConfigError, VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, ActionInterface, Output
from ferrule.core.section import Field
from ferrule.formats import binary, deflate, tar, versions, wasm
from ferrule.formats.archive_member import Member, below, entries_of_folder, in_order
from ferrule.formats.npm_files import names_nothing, packed_names
from ferrule.formats.package_json import (
    PackageJson,
    entry_points_by_key,
    is_entry_point,
    package_problems,
    read_package_json,
)
from ferrule.kinds.base import (
    ArtifactRef,
    Context,
    Kind,
    PlanProblem,
    ProjectPath,
    RelativePath,
    Spec,
    needs_webassembly,
    version_problem,
)
from ferrule.tools import jco

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ferrule.engine.context import ActionContext

COMPONENT: Final = "component"
"""Name of the folder, inside the package, that the release writes: the component as JavaScript, and its loader."""

SECTION: Final = "ferrule"
"""Name of the custom section in which component and core module say what they are, as JSON."""

_NODE: Final = ">=20"
_ASYNC_NODE: Final = 25
"""The first Node.js whose WebAssembly can wait for JavaScript without a flag (JSPI, V8 13.7)."""
_ASYNC: Final = re.compile(rb"\[async-(?:lift|lower)\]")
_EXPORTS: Final = {
    ".": {"types": f"./{COMPONENT}/index.d.ts", "default": f"./{COMPONENT}/index.js"},
    f"./{COMPONENT}/*": f"./{COMPONENT}/*",
    "./package.json": "./package.json",
}
"""The component itself is what is imported, where the source folder has no JavaScript of its own."""

_TEMPLATES: Final = {"index.js": "npm.mjs", "index.d.ts": "npm.d.mts"}


class NpmSpec(Spec):
    """A package of JavaScript that uses a component, or of the component alone."""

    kind: Literal["npm"]
    component: Annotated[str, ArtifactRef(("component",))] = Field(description="The component to pack.")
    source: Annotated[RelativePath, ProjectPath("folder")] = Field(
        description="Folder with package.json, and the JavaScript and types that import `./component/index.js`."
    )


def plan(spec: NpmSpec, context: Context) -> list[Action]:
    """The package, which is one for all machines as the component is."""
    return [_action(spec, context, target.triple) for target in context.targets]


def check(spec: NpmSpec, context: Context) -> Iterator[PlanProblem]:
    """A version that npm does not take, and everything that is wrong with package.json."""
    if message := versions.npm_problem(context.project.version):
        yield version_problem(message, context, context.project.version.partition("+")[0])
    try:
        yield from _problems(_read(spec.source, context), spec.source, context)
    except ConfigError as error:
        yield PlanProblem("source", error.message, error.hint, error.where)


def _action(spec: NpmSpec, context: Context, triple: str) -> Action:
    project = context.project
    component = context.action_for(spec.component, triple)
    output = component.interface.output("component") if component else None
    if component is None or output is None:
        raise PlanProblem("component", f"{spec.component} is not made for {triple}", "widen `targets` there")
    manifest = package_json(spec.source, context)
    tarball = f"{manifest['name'].removeprefix('@').replace('/', '-')}-{project.version}.tgz"
    return Action(
        id=f"{context.artifact}@{triple}",
        artifact=context.artifact,
        kind="npm",
        target=triple,
        recipe=NpmPackage(
            source=spec.source,
            stem=output.name.removesuffix(".wasm").removesuffix(f"-{project.version}"),
            component=component.interface,
            manifest=json.dumps(manifest, indent=2, ensure_ascii=False) + "\n",
            license_files=project.license_files,
            epoch=project.epoch,
        ),
        outputs=(Output(tarball, "package", tarball if context.ship else None),),
        needs=(component.id,),
        sources=(spec.source, *project.license_files),
        tools=("jco",),
        traits=(("purl", f"pkg:npm/{manifest['name'].replace('@', '%40')}@{project.version}"),),
    )


def package_json(source: str, context: Context) -> dict[str, Any]:
    """The package.json of the package: what was written, and what the release adds (npm, "package.json").

    Raises PlanProblem for what contradicts the release, would not work, or npm would refuse.
    """
    package = _read(source, context)
    for problem in _problems(package, source, context):
        raise problem
    written = package.document
    derived = {
        "description": context.project.description,
        "license": context.project.license,
        "homepage": context.project.homepage,
        "type": "module",
        "exports": None if {"exports", "main"} & written.keys() else _EXPORTS,
        "engines": {"node": _NODE},
    }
    added = {key: value for key, value in derived.items() if key not in written and value is not None}
    manifest = {"name": written["name"], "version": context.project.version, **written, **added}
    if "files" in written:
        names = (name if "*" in name else name.removeprefix("./").rstrip("/") for name in written["files"])
        manifest["files"] = [*(name for name in names if name != COMPONENT), COMPONENT]
    return manifest


def _read(source: str, context: Context) -> PackageJson:
    """The source's package.json. Raises ConfigError."""
    file = posixpath.normpath(f"{source}/package.json")
    return read_package_json(context.read_text(file), file)


def _problems(package: PackageJson, source: str, context: Context) -> Iterator[PlanProblem]:
    """Everything that contradicts the release, would not work, or npm would refuse, with its place."""
    for problem in package_problems(package, context.project.version, context.project.license):
        yield PlanProblem("source", problem.message, problem.hint, problem.where)
    for key, path in entry_points_by_key(package.document):
        # The component's files are not there yet.
        if not (
            _is_of_component(path)
            or "*" in path
            or is_entry_point(path, lambda name: context.has_file(f"{source}/{name}"), key)
        ):
            hint = f"correct `{key}`, or add the file"
            yield PlanProblem("source", f"this leads to ./{path}, which cannot be read", hint, package.at(key))
    if not {"exports", "main"} & package.document.keys() and context.has_file(f"{source}/index.js"):
        hint = 'write "exports": {".": {"types": "./index.d.ts", "default": "./index.js"}}'
        yield PlanProblem("source", "this does not say what is imported", hint, package.at())


def _is_async(folder: Path) -> bool:
    """Whether a component's JavaScript has asynchronous functions: it calls them by names of the component model."""
    return any(_ASYNC.search(path.read_bytes()) for path in folder.glob("*.js"))


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """Turn the component into JavaScript and pack it with the sources."""

    source: str
    stem: str
    component: ActionInterface
    manifest: str
    license_files: tuple[str, ...]
    epoch: int
    compressor: str = deflate.COMPRESSOR

    def make(self, context: ActionContext) -> None:
        """Write the tarball as npm does: everything in the folder `package`."""
        generated = self._generated(context)
        manifest = self._for_engines(is_async=_is_async(context.folder / "transpiled"))
        entries = in_order((*self._wrapper(context, manifest), *below(COMPONENT, generated)))
        names = [entry.name for entry in entries]
        for key, path in entry_points_by_key(json.loads(self.manifest)):
            if "*" not in path and not is_entry_point(path, names.__contains__, key):
                written = ", ".join(name for name in names if _is_of_component(name))
                raise BuildError(
                    f"package.json leads to ./{path}, which is not in the package",
                    where=f"{self.source}/package.json",
                    hint=f"correct `{key}`, or `files` and .npmignore; the release writes {written}",
                )
        tar.write_tar_gz(context.output("package"), below("package", entries), self.epoch)

    def _for_engines(self, *, is_async: bool) -> str:
        """The package.json with a Node.js that runs the component. Raises BuildError for an older one that it names."""
        document = json.loads(self.manifest)
        stated = str(document.get("engines", {}).get("node", ""))
        oldest = re.fullmatch(r"\s*(?:>=|\^|~)?\s*v?(\d+)(?:\.\S*)?\s*", stated)
        if not is_async or (oldest and int(oldest[1]) >= _ASYNC_NODE):
            return self.manifest
        if stated != _NODE:
            raise BuildError(
                f"`engines` says node {stated or '*'}, and a component with asynchronous functions needs Node.js "
                f"{_ASYNC_NODE} or newer",
                where=f"{self.source}/package.json",
                hint=f'write "engines": {{"node": ">={_ASYNC_NODE}"}} there',
            )
        document["engines"] |= {"node": f">={_ASYNC_NODE}"}
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    def _wrapper(self, context: ActionContext, package: str) -> list[Member]:
        """What lies in the source folder, the package.json of the release, and the licences.

        Files are found as the engine finds sources, so that nothing is packed whose change would go unseen.
        """
        manifest = json.loads(package)
        entries = {"package.json": Member("package.json", package.encode())}
        files = {file.name.removeprefix(f"{self.source}/"): file for file in context.source_files(self.source)}
        ignored = {name: Path(file.path).read_text() for name, file in files.items() if _is_ignore_file(name)}
        if nothing := names_nothing(manifest.get("files", ()), (*files, *self.license_files, f"{COMPONENT}/index.js")):
            raise BuildError(
                f"`files` names {', '.join(nothing)}, and no such file would be published",
                where=f"{self.source}/package.json",
                hint="add it to the project (Git must not ignore it), or take it out of `files`",
            )
        for name in packed_names(tuple(files), manifest, ignored, COMPONENT):
            file = files[name]
            entries.setdefault(name, Member(name, Path(file.path), executable=file.executable))
        for license_file in self.license_files:
            name = license_file.rpartition("/")[2]
            entries.setdefault(name, Member(name, context.project / license_file))
        return list(entries.values())

    def _generated(self, context: ActionContext) -> list[Member]:
        """The component as JavaScript, with the core module that was compiled, byte for byte, and the loader."""
        component, module = context.input(self.component, "component"), context.input(self.component, "module")
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
                f"the component holds none of the code of its core module, {self._name('module')}",
                hint="the component and its core module must be of one compilation; report this with both files",
            )
        members[main] = Member(main, module)
        identity = _identity(wasm.custom_sections(component.read_bytes(), SECTION), self._name("component"))
        files = {
            f"package/{COMPONENT}/{name}": binary.summary(binary.measure(folder / name))
            for name in cores
            if name != main
        }
        build = facts.BuildIdentity(identity["fingerprint"], identity["interface"])
        context.record_facts(facts.Facts((build, facts.PackageFacts(identity["version"], files))))
        values = {
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

    def _name(self, role: str) -> str:
        output = self.component.output(role)
        return output.name if output else role


def _is_of_component(name: str) -> bool:
    return name.startswith(f"{COMPONENT}/")


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


KIND = Kind(
    name="npm",
    spec=NpmSpec,
    plan=plan,
    check=check,
    summary="an npm package of a component, for Node.js, browsers and bundlers",
    unsupported=needs_webassembly,
)
