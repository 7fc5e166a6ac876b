"""A Cargo workspace as its manifests describe it, read without Cargo.

`cargo metadata` would be the authority, but it needs a toolchain that `ferrule plan` and `ferrule check` must not
require and costs a process in a run that has nothing to do. Only what the manifest format defines is read (The Cargo
Book, "The Manifest Format" and "Workspaces"): members and exclude, path dependencies, inherited package fields, library
name and crate types.
"""

from __future__ import annotations

import posixpath
import re
from contextlib import suppress
from dataclasses import field
from functools import cache
from typing import TYPE_CHECKING

from ferrule.core.cargo_config import included
from ferrule.core.cargo_programs import programs
from ferrule.core.errors import ConfigError
from ferrule.core.frozen import dataclass
from ferrule.core.manifest_problems import (
    COMPILED_IN,
    DEPENDENCIES,
    dependency_tables,
    ignored_problems,
    nested_problems,
    package_problems,
    patch_problems,
    path_problems,
    profile_problems,
    text_file_problems,
)
from ferrule.core.manifest_table import ManifestTable
from ferrule.core.toml_file import parse, read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from ferrule.core.cargo_programs import CrateProgram

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,127}")
_GLOB = re.compile(r"[*?\[]")
_SETTINGS = (".cargo/config.toml", ".cargo/config", "rust-toolchain.toml", "rust-toolchain")
_PROFILES = ("dev", "release", "test", "bench")


@dataclass(frozen=True, slots=True)
class Crate:
    """A package of the workspace.

    `folder`, `paths` (where its path dependencies are) and `code` (where compiling its library begins: the folder of
    its sources and its build script) are relative to the project; `library` is the library target's name, or None.
    `programs` are its binary targets, `features` the names that `--features` takes and `turns_on` what each of them
    turns on, `dependencies` what it calls the packages that it needs and `packages` what these are called themselves,
    `requires` all of them, those of its tests too, by package name with the versions that a registry may give (None for
    those by path or Git), `version_at` the `file:line:column` of its version and
    `rust_version` the oldest Rust that it says it needs. For `problems` Cargo refuses the whole workspace;
    `problems_of_release` count if the crate is released.
    """

    name: str
    version: str
    folder: str
    library: str | None
    types: tuple[str, ...]
    license: str | None = None
    description: str | None = None
    homepage: str | None = None
    authors: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    programs: tuple[CrateProgram, ...] = field(default=(), compare=False)
    features: tuple[str, ...] = field(default=(), compare=False)
    turns_on: Mapping[str, tuple[str, ...]] = field(default_factory=dict, compare=False)
    requires: tuple[tuple[str, str | None], ...] = field(default=(), compare=False)
    dependencies: tuple[str, ...] = field(default=(), compare=False)
    packages: tuple[str, ...] = field(default=(), compare=False)
    version_at: str | None = field(default=None, compare=False)
    rust_version: str | None = field(default=None, compare=False)
    problems: tuple[ConfigError, ...] = field(default=(), compare=False)
    problems_of_release: tuple[ConfigError, ...] = field(default=(), compare=False)

    @property
    def manifest(self) -> str:
        """Path of its manifest, relative to the project's root."""
        return _join(self.folder, "Cargo.toml")

    def active_features(self, features: Iterable[str], *, default: bool) -> frozenset[str]:
        """The features that are on where some are asked for, with all that these turn on."""
        active: set[str] = set()
        waiting = [*features, *(["default"] if default else [])]
        while waiting:
            name = waiting.pop().removeprefix("dep:")
            if name not in active:
                active.add(name)
                dependency, slash, _ = name.partition("/")
                waiting += [dependency] if slash and not dependency.endswith("?") else []
                waiting += self.turns_on.get(name, ())
        return frozenset(active)


@dataclass(frozen=True, slots=True)
class Workspace:
    """A Cargo workspace: its folder relative to the project's root, and its crates by package name.

    `settings` are the files that hold for all of them (root manifest, lock file, toolchain and Cargo settings),
    `version` is the one that crates may inherit, if there is one, and `version_at` its place; `profiles` are those that
    the root manifest knows, `globs` the members that are globs with their places, `excluded` what none of them takes.
    """

    folder: str
    crates: Mapping[str, Crate]
    locked: bool
    settings: tuple[str, ...] = ()
    version: str | None = None
    version_at: str | None = None
    profiles: tuple[str, ...] = _PROFILES
    globs: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    excluded: tuple[str, ...] = field(default=(), compare=False)
    problems: tuple[ConfigError, ...] = field(default=(), compare=False)

    @property
    def lock(self) -> str:
        """Path of the lock file, relative to the project's root."""
        return _join(self.folder, "Cargo.lock")

    @property
    def manifest(self) -> str:
        """Path of the root manifest, relative to the project's root."""
        return _join(self.folder, "Cargo.toml")

    @property
    def code(self) -> tuple[str, ...]:
        """All that is compiled of any crate: settings, lock file, manifests, sources and build scripts."""
        return tuple(dict.fromkeys(path for name in self.crates for path in self.compiled(name))) or (self.folder,)

    def package(self, name: str) -> str:
        """What addresses a crate, whatever else has its name: `folder#name@version`, the folder below the workspace."""
        crate = self.crates[name]
        return f"{_join_relative(crate.folder, self.folder)}#{name}@{crate.version}"

    def sources(self, name: str) -> tuple[str, ...]:
        """Everything that belongs to a crate, whether a build reads it or not.

        Lock file, settings, its folder and those of the crates of the workspace it depends on by path.
        """
        return tuple(dict.fromkeys((*self.settings, *sorted(crate.folder for crate in self.closure(name)))))

    def compiled(self, name: str, *, alone: bool = False) -> tuple[str, ...]:
        """Files and folders that every build of this crate's library reads.

        Lock file, settings, the manifests of all members (Cargo reads each), and sources and build scripts of the crate
        and, unless it is looked at `alone`, those of the workspace it depends on by path: not their tests, examples and
        texts. Whatever else is read, Cargo or cbindgen reports afterwards.
        """
        manifests = sorted(_join(crate.folder, "Cargo.toml") for crate in self.crates.values())
        crates = (self.crates[name],) if alone else self.closure(name)
        code = sorted(path for crate in crates for path in crate.code)
        return tuple(dict.fromkeys((*self.settings, *manifests, *code)))

    def closure(self, name: str) -> tuple[Crate, ...]:
        """A crate and those of the workspace it depends on by path."""
        by_folder = {crate.folder: crate for crate in self.crates.values()}
        seen: set[str] = set()
        waiting = [self.crates[name].folder]
        while waiting:
            folder = waiting.pop()
            if folder not in seen:
                seen.add(folder)
                waiting += [p for p in by_folder[folder].paths if p in by_folder]
        return tuple(by_folder[folder] for folder in sorted(seen))


def read_workspace(project: Path, folder: str = ".") -> Workspace:
    """Read the workspace that `folder` is the root or a member of, without following links out of the project.

    Raises ConfigError naming the manifest at fault.
    """
    root, folder = _root(project, folder)
    table = root.table("workspace")
    crates: dict[str, Crate] = {}
    members = [*(["."] if "package" in root.values else []), *_members(project / folder, table)]
    waiting = dict.fromkeys(_below(folder, member, table) for member in members)
    seen: set[str] = set()
    while waiting:
        crate_folder, _ = waiting.popitem()
        seen.add(crate_folder)
        manifest = root if crate_folder == folder else _member(project, crate_folder, table)
        if "package" not in manifest.values:
            continue
        paths = tuple(_path_dependencies(manifest, crate_folder, folder, table))
        crate = _crate(
            *(manifest, table, crate_folder, project / crate_folder, project / folder), tuple(sorted(set(paths)))
        )
        if (other := crates.setdefault(crate.name, crate)) is not crate:
            raise manifest.problem(
                f"the package {crate.name} is also in {other.folder}", "rename one of the two", "package", "name"
            )
        nearby = _automatic_members(manifest, crate_folder, folder, table)
        waiting |= dict.fromkeys(p for p in nearby if p not in seen and (project / p / "Cargo.toml").is_file())
    globs = tuple((glob, table.at("members")) for glob in table.texts("members") if _GLOB.search(glob))
    return Workspace(
        folder,
        dict(sorted(crates.items(), key=lambda item: item[1].folder)),
        locked=(project / folder / "Cargo.lock").is_file(),
        settings=tuple(_settings(project, folder)),
        version=table.table("package").text("version"),
        version_at=root.at("workspace", "package", "version"),
        profiles=tuple(dict.fromkeys((*_PROFILES, *root.table("profile").values))),
        globs=globs,
        problems=(*profile_problems(root), *patch_problems(root, project / folder)),
        excluded=tuple(posixpath.normpath(name) for name in table.texts("exclude")) if globs else (),
    )


def _join(*parts: str) -> str:
    return posixpath.normpath(posixpath.join(*parts))


def _root(project: Path, folder: str) -> tuple[ManifestTable, str]:
    """The manifest with the [workspace] table that holds for a folder, and its folder; else the folder's own."""
    try:
        own = _manifest(project, folder)
    except FileNotFoundError as error:
        hint = "name the folder of the Cargo workspace's Cargo.toml"
        raise ConfigError("there is no Cargo manifest here", where=str(error), hint=hint) from None
    stated = own.table("package").text("workspace") if "workspace" not in own.values else None
    if stated and not (candidate := _join(folder, stated)).startswith(("..", "/")):
        try:
            return _manifest(project, candidate), candidate
        except FileNotFoundError:
            hint = "correct it, or leave it out: Cargo looks in the folders above"
            raise own.problem(f"there is no Cargo.toml in {stated}", hint, "package", "workspace") from None
    candidate = folder
    while "workspace" not in own.values and candidate != ".":
        candidate = _join(candidate, "..")
        if (project / candidate / "Cargo.toml").is_file():
            above = _manifest(project, candidate)
            if _join_relative(folder, candidate) in _members(project / candidate, above.table("workspace")):
                return above, candidate
    return own, folder


def _manifest(project: Path, folder: str) -> ManifestTable:
    name = _join(folder, "Cargo.toml")
    data = read_bytes(project, name)
    return ManifestTable(name, parse(data, name), content=data.decode("utf-8"))


def _member(project: Path, folder: str, table: ManifestTable) -> ManifestTable:
    try:
        return _manifest(project, folder)
    except FileNotFoundError:
        hint = "write it, or take the member out"
        raise table.problem(f"the member {folder} has no Cargo.toml", hint, "members") from None


def _members(root: Path, table: ManifestTable) -> list[str]:
    """Folders that `members` names, relative to the root; of those that globs find, the crates not excluded."""
    members: list[str] = []
    for pattern in table.texts("members"):
        if not _GLOB.search(pattern):
            members.append(posixpath.normpath(pattern))
            continue
        try:
            paths = sorted(root.glob(posixpath.normpath(pattern)))
            names = [p.relative_to(root).as_posix() for p in paths if (p / "Cargo.toml").is_file()]
        except (ValueError, NotImplementedError, OSError) as error:
            hint = "write a glob below this folder"
            raise table.problem(f"the member {pattern!r} is not a usable glob: {error}", hint, "members") from error
        members += [name for name in names if not _excluded(name, table)]
    return list(dict.fromkeys(members))


def _excluded(name: str, table: ManifestTable) -> bool:
    return any(_is_below(name, posixpath.normpath(e)) for e in table.texts("exclude"))


def _is_below(name: str, folder: str) -> bool:
    return folder in (".", name) or name.startswith(f"{folder}/")


def _below(folder: str, member: str, table: ManifestTable) -> str:
    """A member's folder relative to the project."""
    path = _join(folder, member)
    if path.startswith(("..", "/")):
        raise table.problem(f"the member {member!r} is outside the project", "move it, or widen the project", "members")
    return path


@cache  # every target of an artifact asks for the same
def _join_relative(folder: str, base: str) -> str:
    return posixpath.relpath(folder, base)


def _crate(
    manifest: ManifestTable,
    workspace: ManifestTable,
    crate_folder: str,
    folder: Path,
    root: Path,
    paths: tuple[str, ...],
) -> Crate:
    """The crate in a folder, of the workspace whose folder is `root`."""
    shared, common = workspace.table("package"), workspace.table("dependencies")
    package, library = manifest.table("package"), manifest.table("lib")
    name = package.text("name") or ""
    if not _NAME.fullmatch(name):
        raise manifest.problem(
            f"{name!r} is not the name of a package", "use letters, digits, dashes and underscores", "package", "name"
        )
    is_found = package.values.get("autolib") is not False and (folder / "src" / "lib.rs").is_file()
    has_library = "lib" in manifest.values or is_found
    stated = library.texts("crate-type") or library.texts("crate_type")
    types = stated or (("proc-macro",) if library.values.get("proc-macro") is True else ("lib",))
    library_name = library.text("name") or name.replace("-", "_")
    if not _NAME.fullmatch(library_name):
        raise manifest.problem(
            f"{library_name!r} is not the name of a library", "use letters, digits and underscores", "lib", "name"
        )

    def text(key: str) -> str | None:
        return shared.text(key) if package.inherits(key) else package.text(key)

    source = (shared if package.inherits("version") else package).at("version")
    return Crate(
        name=name,
        version=text("version") or "0.0.0",
        folder=crate_folder,
        library=library_name if has_library else None,
        types=types if has_library else (),
        license=text("license"),
        description=text("description"),
        homepage=text("homepage") or text("repository"),
        authors=(shared if package.inherits("authors") else package).texts("authors"),
        paths=paths,
        code=tuple(_code(package, library, crate_folder, folder)),
        programs=tuple(programs(manifest, name, crate_folder, folder)),
        features=tuple(_features(manifest)),
        turns_on={key: manifest.table("features").texts(key) for key in manifest.table("features").values},
        dependencies=tuple(dict.fromkeys(n for t in dependency_tables(manifest, COMPILED_IN) for n in t.values)),
        requires=tuple(dict.fromkeys(_requires(manifest, common, DEPENDENCIES))),
        packages=tuple(dict.fromkeys(name for name, _ in _requires(manifest, common, COMPILED_IN))),
        version_at=source,
        rust_version=text("rust-version"),
        problems=(
            *package_problems(manifest, workspace, folder),
            *path_problems(manifest, workspace, folder, root),
            *(nested_problems(manifest) if folder.resolve() != root.resolve() else ()),
        ),
        problems_of_release=(
            *text_file_problems(manifest, workspace, folder, root),
            *(ignored_problems(manifest) if folder.resolve() != root.resolve() else ()),
        ),
    )


def _code(package: ManifestTable, library: ManifestTable, crate_folder: str, folder: Path) -> Iterator[str]:
    """Folder of the library's sources and the build scripts ("The Manifest Format": `path`, `build`), if inside."""
    source = posixpath.dirname(library.text("path") or "src/lib.rs") or "."
    yield _join(crate_folder, source if (folder / source).is_dir() and _is_inside(crate_folder, source) else ".")
    build = package.values.get("build", "build.rs")
    named = build if isinstance(build, list) else [build]
    scripts = [script if isinstance(script, str) else "build.rs" for script in named if script is not False]
    for script in scripts:
        if (folder / script).is_file() and _is_inside(crate_folder, script):
            yield _join(crate_folder, script)


def _features(manifest: ManifestTable) -> Iterator[str]:
    """Names of features; an optional dependency is one unless a feature names it as dep:NAME ("Features")."""
    features = manifest.table("features")
    yield from features.values
    hidden = {item for key in features.values for item in features.texts(key) if item.startswith("dep:")}
    for dependencies in dependency_tables(manifest, COMPILED_IN):
        for name, value in dependencies.values.items():
            if isinstance(value, dict) and value.get("optional") is True and f"dep:{name}" not in hidden:
                yield name


def _requires(
    manifest: ManifestTable, common: ManifestTable, kinds: tuple[str, ...]
) -> Iterator[tuple[str, str | None]]:
    """Every dependency of these tables by its package's name, with the versions that a registry may give."""
    for dependencies in dependency_tables(manifest, kinds):
        for name in dependencies.values:
            table = common if dependencies.inherits(name) else dependencies
            value = table.values.get(name)
            if isinstance(value, str):
                yield name, value
            elif isinstance(value, dict):
                entry = table.table(name)
                is_local = "path" in value or "git" in value
                yield entry.text("package") or name, None if is_local else entry.text("version")


def _is_inside(folder: str, path: str) -> bool:
    return not _join(folder, path).startswith(("..", "/"))


def _path_dependencies(
    manifest: ManifestTable,
    crate_folder: str,
    folder: str,
    workspace: ManifestTable,
    kinds: tuple[str, ...] = COMPILED_IN,
) -> Iterator[str]:
    """Folders, inside the project, of the crates that a manifest names by path or through the workspace's table."""
    common = workspace.table("dependencies")
    for dependencies in dependency_tables(manifest, kinds):
        for name in dependencies.values:
            inherited = dependencies.inherits(name)
            source, base = (common, folder) if inherited else (dependencies, crate_folder)
            value = source.values.get(name)
            if isinstance(value, dict) and (path := source.table(name).text("path")):
                target = _join(base, path)
                if not target.startswith(("..", "/")):
                    yield target


def _automatic_members(
    manifest: ManifestTable, crate_folder: str, folder: str, workspace: ManifestTable
) -> Iterator[str]:
    """Path dependencies below a workspace's folder are members without being named (The Cargo Book, "Workspaces")."""
    if workspace.values or "workspace" in manifest.values:
        for path in _path_dependencies(manifest, crate_folder, folder, workspace, DEPENDENCIES):
            name = _join_relative(path, folder)
            if not name.startswith("..") and not _excluded(name, workspace):
                yield path


def _settings(project: Path, folder: str) -> Iterator[str]:
    """Manifest and lock file, and what Cargo and rustup look for from there upwards ("Hierarchical structure")."""
    folders = [folder]
    while folders[-1] != ".":
        folders.append(_join(folders[-1], ".."))
    names = (
        *(_join(folder, n) for n in ("Cargo.toml", "Cargo.lock")),
        *(_join(p, n) for p in folders for n in _SETTINGS),
    )
    yield from (name for name in names if (project / name).is_file())
    yield from _included_settings(project, folder)


def _included_settings(project: Path, folder: str) -> Iterator[str]:
    """Files of the project that Cargo's settings include; what is wrong with them is told where they are checked."""
    with suppress(ConfigError):
        for path in included(project, folder):
            if path.is_relative_to(project.resolve()):
                yield path.relative_to(project.resolve()).as_posix()
