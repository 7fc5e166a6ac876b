"""What Cargo would refuse of a package's manifest, or drop without a word, as far as that is known without Cargo.

Rules of The Cargo Book, "The Manifest Format", "Workspaces", "Features" and "Profiles".
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ferrule.core.errors import ConfigError
    from ferrule.core.manifest_table import ManifestTable

_SEMVER: Final = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)
_EDITIONS: Final = ("2015", "2018", "2021", "2024")
COMPILED_IN: Final = ("dependencies", "build-dependencies", "build_dependencies")
"""Tables of dependencies that building a crate needs; underscores are Cargo's older spelling (edition 2021 at most)."""
DEPENDENCIES: Final = (*COMPILED_IN, "dev-dependencies", "dev_dependencies")
_OF_THE_ROOT: Final = ("profile", "patch", "replace")
_OF_PROFILES: Final[dict[str, tuple[object, ...]]] = {
    "debug": (*(True, False, 0, 1, 2), *("none", "limited", "full", "line-tables-only", "line-directives-only")),
    "lto": (*(True, False), *("fat", "thin", "off", "n", "no", "none", "y", "yes", "on")),
    "opt-level": (*(0, 1, 2, 3), *("s", "z")),
    "panic": ("unwind", "abort"),
    "strip": (*(True, False), *("none", "debuginfo", "symbols")),
}
"""The values that settings of a profile may have ("Profiles")."""
_BUILT_IN: Final = ("dev", "release", "test", "bench")


def package_problems(manifest: ManifestTable, workspace: ManifestTable, folder: Path) -> Iterator[ConfigError]:
    """Everything for which Cargo refuses a package in a folder, whoever builds it; `workspace` is the [workspace]."""
    yield from _inherited(manifest, workspace)
    yield from _scalars(manifest, workspace)
    yield from _files(manifest, folder)
    yield from _features(manifest)


def ignored_problems(manifest: ManifestTable) -> Iterator[ConfigError]:
    """Tables of a package that is not the root of its workspace, which Cargo takes from the root alone."""
    for key in _OF_THE_ROOT:
        if manifest.values.get(key):
            yield manifest.problem(
                f"Cargo ignores [{key}] here, as it counts in the manifest of the workspace alone",
                "move it there, or remove it",
                key,
            )


def nested_problems(manifest: ManifestTable) -> Iterator[ConfigError]:
    """A member that is the root of a workspace too, which Cargo refuses."""
    if "workspace" in manifest.values:
        hint = "remove this table, or write the folder into `exclude` of the workspace above"
        yield manifest.problem("a member of a workspace cannot be the root of another", hint, "workspace")


def path_problems(manifest: ManifestTable, workspace: ManifestTable, folder: Path, root: Path) -> Iterator[ConfigError]:
    """Dependencies by path that lead to no package."""
    for dependencies in dependency_tables(manifest, DEPENDENCIES):
        for name in dependencies.values:
            inherited = dependencies.inherits(name)
            table, base = (workspace.table("dependencies"), root) if inherited else (dependencies, folder)
            value = table.values.get(name)
            path = value.get("path") if isinstance(value, dict) else None
            if isinstance(path, str) and not (base / path / "Cargo.toml").is_file():
                yield table.problem(f"{name} is to be in {path}, where no Cargo.toml is", "correct its path", name)


def text_file_problems(
    manifest: ManifestTable, workspace: ManifestTable, folder: Path, root: Path
) -> Iterator[ConfigError]:
    """Readme and licence files that a package names and that are not there: `cargo package` fails without them."""
    package, shared = manifest.table("package"), workspace.table("package")
    for key in ("readme", "license-file"):
        table, base = (shared, root) if package.inherits(key) else (package, folder)
        name = table.values.get(key)
        if isinstance(name, str) and not (base / name).is_file():
            yield table.problem(f"{key} names {name}, which is not there", "write the file, or correct its path", key)


def profile_problems(root: ManifestTable) -> Iterator[ConfigError]:
    """Profiles of a root manifest that inherit from none, or have values that neither Cargo nor rustc takes."""
    profiles = root.table("profile")
    for name in profiles.values:
        table = profiles.table(name)
        for key, allowed in _OF_PROFILES.items():
            if key in table.values and table.values[key] not in allowed:
                listed = ", ".join(json.dumps(value) for value in allowed)
                yield table.problem(f"{table.values[key]!r} is no value of {key}", f"write one of {listed}", key)
        parent = table.values.get("inherits")
        if name in _BUILT_IN:
            continue
        if not isinstance(parent, str):
            reason = "inherits from none"
        elif parent not in (*_BUILT_IN, *profiles.values):
            reason = f"inherits from {parent}, which is not there"
        elif _leads_back(profiles, name):
            reason = "inherits from itself"
        else:
            continue
        yield table.problem(f"the profile {name} {reason}", 'write inherits = "release"', "inherits")


def patch_problems(root: ManifestTable, folder: Path) -> Iterator[ConfigError]:
    """Crates of [patch] and [replace] that are to be in folders where none is; Cargo reads each, used or not."""
    for table in (*root.table("patch").tables(), root.table("replace")):
        for name, value in table.values.items():
            path = value.get("path") if isinstance(value, dict) else None
            if isinstance(path, str) and not (folder / path / "Cargo.toml").is_file():
                yield table.problem(f"{name} is to be in {path}, where no Cargo.toml is", "correct its path", name)


def _leads_back(profiles: ManifestTable, name: str) -> bool:
    parents = {n: profiles.table(n).values.get("inherits") for n in profiles.values if n not in _BUILT_IN}
    above = parents.get(name)
    for _ in parents:
        if above == name:
            return True
        above = parents.get(above) if isinstance(above, str) else None
    return False


def _inherited(manifest: ManifestTable, workspace: ManifestTable) -> Iterator[ConfigError]:
    """What a package takes over from its workspace, and the workspace does not have."""
    package = manifest.table("package")
    shared = workspace.table("package").values
    for key in package.values:
        if key != "metadata" and package.inherits(key) and key not in shared:
            hint = f"write {key} under [workspace.package], or here"
            yield package.problem(f"{key} is inherited, and the workspace has none", hint, key)
    common = workspace.table("dependencies").values
    for dependencies in dependency_tables(manifest, DEPENDENCIES):
        for name in dependencies.values:
            if dependencies.inherits(name) and name not in common:
                hint = f"write {name} under [workspace.dependencies], or its version here"
                yield dependencies.problem(f"{name} is inherited, and the workspace does not have it", hint, name)
    if manifest.inherits("lints") and "lints" not in workspace.values:
        yield manifest.problem("lints are inherited, and the workspace has none", "write [workspace.lints]", "lints")


def _scalars(manifest: ManifestTable, workspace: ManifestTable) -> Iterator[ConfigError]:
    package, shared = manifest.table("package"), workspace.table("package")
    for key, is_valid, hint in (
        ("version", _SEMVER.fullmatch, 'write three numbers: version = "1.2.3"'),
        ("edition", lambda text: text in _EDITIONS or text > _EDITIONS[-1], 'write edition = "2024"'),
    ):
        table = shared if package.inherits(key) else package
        value = table.values.get(key)
        if isinstance(value, str) and not is_valid(value):
            yield table.problem(f"{value!r} is no {key} that Cargo takes", hint, key)


def _files(manifest: ManifestTable, folder: Path) -> Iterator[ConfigError]:
    """Targets whose sources are not there, or whose names Cargo does not take."""
    package, library = manifest.table("package"), manifest.table("lib")
    build = package.values.get("build")
    named = build if isinstance(build, list) else [build]
    for script in named:
        if isinstance(script, str) and not (folder / script).is_file():
            yield package.problem(f"the build script {script} is not there", "write it, or correct its path", "build")
    has_script = build is not False and (build is not None or (folder / "build.rs").is_file())
    if "links" in package.values and not has_script:
        yield package.problem("links asks for a build script, and there is none", "add build.rs, or remove it", "links")
    if isinstance(name := library.values.get("name"), str) and "-" in name:
        hint = f"write {name.replace('-', '_')}"
        yield library.problem(f"{name!r} has a dash, which no library's name has for Cargo", hint, "name")
    for kind in ("bin", "example", "test", "bench"):
        tables = manifest.values.get(kind)
        named_targets = [t.get("name") for t in tables if isinstance(t, dict)] if isinstance(tables, list) else []
        for twice in sorted({n for n in named_targets if isinstance(n, str) and named_targets.count(n) > 1}):
            yield manifest.problem(f"two of [[{kind}]] have the name {twice}", "rename one of them", kind)
    path = library.values.get("path", "src/lib.rs")
    if "lib" in manifest.values and isinstance(path, str) and not (folder / path).is_file():
        hint = f"write {path}" if "path" not in library.values else "write it, or correct its path"
        yield manifest.problem(f"the library's {path} is not there", hint, "lib")


def _features(manifest: ManifestTable) -> Iterator[ConfigError]:
    """Items of features that name neither a feature nor a dependency of this package."""
    features = manifest.table("features")
    optional: set[str] = set()
    dependencies: set[str] = set()
    for table in dependency_tables(manifest, DEPENDENCIES):
        dependencies |= table.values.keys()
        optional |= {name for name, value in table.values.items() if _is_optional(value)}
    for name in features.values:
        for item in features.texts(name):
            dependency = item.removeprefix("dep:").partition("/")[0].removesuffix("?")
            if item.startswith("dep:"):
                is_there = dependency in optional
            elif "/" in item:
                is_there = dependency in dependencies
            else:
                is_there = item in features.values or item in optional
            if not is_there:
                hint = "name a feature, or a dependency that is optional" if "/" not in item else "name a dependency"
                yield features.problem(f"the feature {name} includes {item!r}, which is not there", hint, name)


def _is_optional(value: object) -> bool:
    return isinstance(value, dict) and value.get("optional") is True


def dependency_tables(manifest: ManifestTable, kinds: tuple[str, ...]) -> Iterator[ManifestTable]:
    """The tables of dependencies of these kinds, for every target and for some."""
    for table in (manifest, *manifest.table("target").tables()):
        yield from (table.table(kind) for kind in kinds)
