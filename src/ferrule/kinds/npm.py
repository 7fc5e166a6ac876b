"""npm packages: a WebAssembly component as an ES module for Node.js, browsers and bundlers, with its types."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NoReturn

from pydantic import Field

from ferrule.core.errors import BuildError, ConfigError, VerificationError
from ferrule.core.ignore_files import IgnoreFiles
from ferrule.core.model import Action, ActionInterface, Output
from ferrule.formats import binary, deflate, tar, versions, wasm
from ferrule.formats.archive_member import Member, below, entries_of_folder, in_order
from ferrule.kinds.base import (
    ArtifactRef,
    Context,
    Kind,
    PlanProblem,
    ProjectPath,
    RelativePath,
    ReleaseInfo,
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

# npm, "package.json", name; the first character keeps out what would hide in a listing or be an option.
_NAME: Final = re.compile(r"(?:@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*")
_NAME_LENGTH: Final = 214
# What npm never packs, whatever `files` says (npm-packlist, lib/index.js); .npmrc may hold a token.
_NEVER: Final = (
    *("/node_modules/", "/package-lock.json", "/npm-shrinkwrap.json", "/yarn.lock", "/pnpm-lock.yaml", "/bun.lockb"),
    *(".npmrc", ".npmignore", ".gitignore", "npm-debug.log", ".DS_Store", "._*", ".*.swp", "*.orig"),
    *(".git", ".svn", ".hg", "CVS", "/.lock-wscript", "/.wafpickle-*", "/build/config.gypi", "/archived-packages/"),
)
_ALWAYS: Final = re.compile(r"(?:readme|licen[cs]e|copying)(?:\..*)?", re.IGNORECASE)
_TEMPLATES: Final = {"index.js": "npm.mjs", "index.d.ts": "npm.d.mts"}


class NpmSpec(Spec):
    """A package whose own JavaScript stands on a component, or which is that component alone."""

    kind: Literal["npm"]
    component: Annotated[str, ArtifactRef(("component",))] = Field(description="The component to pack.")
    source: Annotated[RelativePath, ProjectPath("folder")] = Field(
        description="Folder with package.json, and the JavaScript and types that import `./component/index.js`."
    )


def plan(spec: NpmSpec, context: Context) -> list[Action]:
    """The package, which is one for all machines as the component is."""
    return [_action(spec, context, target.triple) for target in context.targets]


def check(_: NpmSpec, context: Context) -> Iterator[PlanProblem]:
    """A version that npm does not take."""
    if message := versions.npm_problem(context.project.version):
        yield version_problem(message, context, context.project.version.partition("+")[0])


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
    file = f"{source}/package.json"
    written = _document(context.read_text(file), file)
    _check(written, file, context.project)
    derived = {
        "description": context.project.description,
        "license": context.project.license,
        "homepage": context.project.homepage,
        "type": "module",
        "exports": None if {"exports", "main"} & written.keys() else _exports(source, context),
        "engines": {"node": ">=20"},
    }
    added = {key: value for key, value in derived.items() if key not in written and value is not None}
    manifest = {"name": written["name"], "version": context.project.version, **written, **added}
    if (files := _files_of(written, file)) is not None:
        manifest["files"] = [*(f for f in files if f != COMPONENT), COMPONENT]
    _check_entry_points(manifest, source, context)
    return manifest


def _exports(source: str, context: Context) -> dict[str, Any]:
    """The component itself is what is imported, where the source folder has no JavaScript of its own."""
    if _exists(f"{source}/index.js", context):
        hint = 'write "exports": {".": {"types": "./index.d.ts", "default": "./index.js"}}'
        raise PlanProblem("source", f"{source}/package.json does not say what is imported", hint)
    return {
        ".": {"types": f"./{COMPONENT}/index.d.ts", "default": f"./{COMPONENT}/index.js"},
        f"./{COMPONENT}/*": f"./{COMPONENT}/*",
        "./package.json": "./package.json",
    }


def _check(written: Mapping[str, Any], file: str, project: ReleaseInfo) -> None:
    name = written.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > _NAME_LENGTH:
        raise PlanProblem(
            "source",
            f"{file} has no valid npm name: {name!r}",
            'write "name": lower-case letters, digits, dots and dashes, with a @scope/ before it where there is one',
        )
    for key, wrong, hint in (
        ("version", "version" in written, "remove it: the release has one"),
        ("type", written.get("type", "module") != "module", 'write "type": "module", as the component is one'),
        ("private", bool(written.get("private")), "remove it: npm would refuse to publish the package"),
        (
            "license",
            project.license is not None and written.get("license", project.license) != project.license,
            f"remove it: the release is under {project.license}",
        ),
    ):
        if wrong:
            raise PlanProblem("source", f"{file} states a {key} of its own: {json.dumps(written[key])}", hint)
    for group in ("dependencies", "peerDependencies", "optionalDependencies"):
        packages = written.get(group) or {}
        if not isinstance(packages, dict):
            raise PlanProblem("source", f"{file} has `{group}` that are not an object", 'write {"name": "version"}')
        for other, where in packages.items():
            if re.match(r"(file|link|portal|workspace):|[./~]", str(where)):
                raise PlanProblem(
                    "source", f"{file} needs {other} from {where}, which users do not have", "name a version"
                )


def _files_of(written: Mapping[str, Any], file: str) -> tuple[str, ...] | None:
    """The `files` of a package.json: plain names of files and folders, without patterns."""
    files = written.get("files")
    if files is None:
        return None
    names = [
        f.removeprefix("./").rstrip("/") if isinstance(f, str) else ""
        for f in (files if isinstance(files, list) else [])
    ]
    for name in names or [""]:
        if not name or re.search(r"[*?\[\]{}!\\]|^/|(^|/)\.{1,2}(/|$)", name):
            raise PlanProblem(
                "source",
                f"{file} has `files` that are not plain names: {json.dumps(files)}",
                "name files and folders of this folder, or leave `files` out to pack all of it",
            )
    return tuple(names)


def _document(text: str, file: str) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if twice := next((key for key in keys if keys.count(key) > 1), None):
            raise PlanProblem("source", f"{file} has the key {twice!r} twice", "remove one")
        return dict(pairs)

    try:
        document = json.loads(text, object_pairs_hook=once)
    except RecursionError:
        raise PlanProblem("source", f"{file} is nested too deeply", "write a flatter one") from None
    except ValueError as error:
        raise PlanProblem("source", f"{file} is not valid JSON: {error}") from None
    if not isinstance(document, dict):
        raise PlanProblem("source", f"{file} is not an object", 'write {"name": "…"}')
    return document


def _check_entry_points(manifest: Mapping[str, Any], source: str, context: Context) -> None:
    """Refuse a package.json that leads to files of its own that are not there; the component's are not there yet."""
    for path in entry_points(manifest):
        if not _is_of_component(path) and "*" not in path and not _exists(f"{source}/{path}", context):
            raise PlanProblem(
                "source", f"{source}/package.json leads to ./{path}, which cannot be read", "correct its `exports`"
            )


def _exists(path: str, context: Context) -> bool:
    try:
        context.read_text(path)
    except ConfigError:
        return False
    return True


def entry_points(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Every file that `exports`, `main`, `types` and the like lead to, as a path in the package.

    >>> entry_points({"exports": {".": {"types": "./a.d.ts", "default": "./a.js"}}, "main": "a.js"})
    ('a.d.ts', 'a.js')
    """

    def paths(value: object) -> Iterator[str]:
        if isinstance(value, str) and not value.startswith("#"):
            yield value.removeprefix("./")
        elif isinstance(value, dict):
            for inner in value.values():
                yield from paths(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from paths(inner)

    keys = ("exports", "main", "module", "browser", "types", "typings", "bin")
    return tuple(dict.fromkeys(p for key in keys for p in paths(manifest.get(key))))


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
        entries = in_order((*self._wrapper(context), *below(COMPONENT, self._generated(context))))
        names = [entry.name for entry in entries]
        for path in entry_points(json.loads(self.manifest)):
            if "*" not in path and path not in names:
                written = ", ".join(name for name in names if _is_of_component(name))
                raise BuildError(
                    f"package.json leads to ./{path}, which is not in the package",
                    where=f"{self.source}/package.json",
                    hint=f"correct its `exports`; the release writes {written}",
                )
        tar.write_tar_gz(context.output("package"), below("package", entries), self.epoch)

    def _wrapper(self, context: ActionContext) -> list[Member]:
        """What lies in the source folder, the package.json of the release, and the licences.

        Files are found as the engine finds sources, so that nothing is packed whose change would go unseen.
        """
        manifest = json.loads(self.manifest)
        entries = {"package.json": Member("package.json", self.manifest.encode())}
        files = {file.name.removeprefix(f"{self.source}/"): file for file in context.source_files(self.source)}
        ignored = {name: Path(file.path).read_text() for name, file in files.items() if _is_ignore_file(name)}
        for name in packed_names(tuple(files), manifest.get("files"), ignored):
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
        others = {name: binary.summary(binary.measure(folder / name)) for name in cores if name != main}
        context.record_facts(**identity, files={f"package/{COMPONENT}/{name}": facts for name, facts in others.items()})
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


def packed_names(names: tuple[str, ...], files: list[str] | None, ignore_files: Mapping[str, str]) -> Iterator[str]:
    """Which files of the source folder npm would publish (npm, "package.json", files), but for the component's.

    `ignore_files` are the texts of its .npmignore files by their names; `files` of package.json overrides the first.
    """
    never, ignored = IgnoreFiles(), IgnoreFiles()
    never.read("", _NEVER)
    for name, text in ignore_files.items():
        if files is None or "/" in name:
            ignored.read(name.removesuffix(".npmignore"), text.splitlines())
    for name in names:
        if _is_of_component(name) or never.ignore_any(name):
            continue
        always = "/" not in name and (name == "package.json" or _ALWAYS.fullmatch(name))
        is_selected = files is None or any(name == f or name.startswith(f"{f}/") for f in files)
        if always or (is_selected and not ignored.ignore_any(name)):
            yield name


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
