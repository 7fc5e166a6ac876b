"""GoReleaser: .goreleaser.yaml, its Rust builds above all (its documentation, "Builds", "Rust")."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ferrule.app.init.findings import Finding, RequestedPackage, Uncovered
from ferrule.app.init.migrations.settings import Settings
from ferrule.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ferrule.app.init.project_files import ProjectFiles

_FILES: Final = (".goreleaser.yaml", ".goreleaser.yml", "goreleaser.yaml", "goreleaser.yml")
_PACKAGES: Final = {"brews": "homebrew", "scoops": "scoop"}
_SILENT: Final = ("version", "builds", "nfpms", *_PACKAGES)
_FORMATS: Final = ("deb", "rpm")
_MAINTAINER: Final = re.compile(r"[^<>$]{1,100} <[^<>$@\s]+@[^<>$@\s]+>")
_OF_A_BUILD: Final = 3
"""Levels above the values of a build: the document, its builds, one of them."""
_DEEPEST: Final = 100
_REASONS: Final = {
    "archives": "the archives of SDKs have fixed contents and names",
    "before": "Ferrule runs no commands of a project: run them before it",
    "changelog": "Ferrule writes no changelog",
    "checksum": "the artifact `sums` is SHA256SUMS",
    "dist": "the folder is dist/; ferrule release --output names another",
    "dockers": "an image is an artifact of kind image (docs/how-to/containers.md)",
    "dockers_v2": "an image is an artifact of kind image (docs/how-to/containers.md)",
    "docker_manifests": "an image of Ferrule's is for all platforms at once",
    "gomod": "Go modules are artifacts of kind gomodule",
    "homebrew_casks": "Ferrule writes no Homebrew casks",
    "notarize": "Ferrule does not notarize",
    "project_name": "project.name is that of the crate; write it there",
    "release": "ci.publish names the destinations",
    "sboms": "the artifact `sbom` is CycloneDX for every file",
    "signs": "ferrule release --sign-key signs manifest, checksums and provenance",
    "snapcrafts": "Ferrule makes no snaps",
    "snapshot": "the version is that of the Cargo workspace",
    "universal_binaries": "add the target universal2-apple-darwin for files that serve both kinds of Macs",
    "winget": "Ferrule writes no winget manifests",
}
_OF_BUILDS: Final = {
    "binary": "a program has the name of its [[bin]]",
    "env": "write `env` at the artifact",
    "flags": "write `features`, `profile` or `rustflags` at the artifact",
    "goos": "Go programs are artifacts of kind goprogram, for the targets of this file",
    "goarch": "Go programs are artifacts of kind goprogram, for the targets of this file",
    "hooks": "Ferrule runs no commands of a project",
    "tool": "Cargo builds, and zig links",
    "command": "Cargo builds, and zig links",
}


def read(files: ProjectFiles) -> Iterator[Finding]:
    """The targets of its Rust builds, and its packages of programs; everything else is reported. Raises ConfigError."""
    for name in _FILES:
        if files.has(name):
            yield from _settings(name, files.text(name))
            return


def _settings(name: str, text: str) -> Iterator[Finding]:
    whole = _as_settings(name, name, _composed(name, text))
    yield from whole.uncovered(*_SILENT, **_REASONS)
    for key, kind in _PACKAGES.items():
        if whole.values.get(key):
            yield RequestedPackage(kind, whole.at(key), f"{name} {key}")
    yield from _linux_packages(name, whole)
    builds = whole.values.get("builds", [])
    if not isinstance(builds, list):
        raise whole.wrong("builds", "a list")
    for build in builds:
        if not isinstance(build, _Mapping):
            raise whole.wrong("builds", "a list of mappings")
        settings = _as_settings(name, "builds", build)
        builder = settings.values.get("builder", "go")
        if builder != "rust":
            reason = "Ferrule builds Go programs as artifacts of kind goprogram, around a Go module of the release"
            yield Uncovered(settings.at(), f"a build by {builder}", reason)
        else:
            yield from settings.targets("targets")
        yield from settings.uncovered("id", "builder", "targets", "dir", **_OF_BUILDS)


def _linux_packages(name: str, whole: Settings) -> Iterator[Finding]:
    """The deb and rpm packages that are asked for, once for all."""
    rows = whole.values.get("nfpms") or []
    if not isinstance(rows, list) or not all(isinstance(row, _Mapping) for row in rows):
        raise whole.wrong("nfpms", "a list of mappings")
    for row in rows[:1]:
        settings = _as_settings(name, "nfpms", row)
        formats = settings.texts("formats")
        chosen = tuple(form for form in _FORMATS if form in formats)
        for form in formats:
            if form not in _FORMATS:
                yield Uncovered(settings.at("formats"), f"the package format {form}", "Ferrule makes deb and rpm")
        maintainer = str(settings.values.get("maintainer", ""))
        if not _MAINTAINER.fullmatch(maintainer):
            reason = "kind linux-package needs a maintainer: name and address"
            yield Uncovered(whole.at("nfpms"), f"{name} nfpms", reason)
        elif chosen:
            values: tuple[tuple[str, str | tuple[str, ...]], ...] = (("maintainer", maintainer),)
            values += (("formats", chosen),) if chosen != _FORMATS else ()
            yield RequestedPackage("linux-package", whole.at("nfpms"), f"{name} nfpms", values)


class _Mapping(dict[str, Any]):
    """A mapping that knows its line and column and those of its keys."""

    mark: tuple[int, int] = (1, 1)
    marks: dict[str, tuple[int, int]]


def _as_settings(file: str, title: str, mapping: _Mapping) -> Settings:
    def at(*keys: str) -> str:
        line, column = mapping.marks.get(keys[0], mapping.mark) if keys else mapping.mark
        return f"{file}:{line}:{column}"

    return Settings(title, mapping, at)


def _composed(name: str, text: str) -> _Mapping:
    """The document with the positions of its keys; PyYAML's own mappings have none."""
    import yaml  # noqa: PLC0415 - 21 ms, and few projects have such a file

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_depth(name, yaml.parse(text, loader))
        value = _value(yaml.compose(text, loader), 0, {})
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        message = getattr(error, "problem", None) or "it cannot be read"
        raise ConfigError(
            f"this is not YAML: {message}", where=where, hint="correct it; nothing was written"
        ) from error
    if not isinstance(value, _Mapping):
        raise ConfigError("this is not a mapping", where=f"{name}:1:1", hint="correct it; nothing was written")
    return value


def _check_depth(name: str, events: Iterable[Any]) -> None:
    """Raise ConfigError for a document so deep that composing it would overflow the stack."""
    depth = 0
    for event in events:
        depth += type(event).__name__.endswith("StartEvent")
        depth -= type(event).__name__.endswith("EndEvent")
        if depth > _DEEPEST:
            where = f"{name}:{event.start_mark.line + 1}:{event.start_mark.column + 1}"
            raise ConfigError("this is nested too deeply", where=where, hint="write a flatter one")


def _value(node: Any, depth: int, seen: dict[tuple[int, int], Any]) -> Any:  # noqa: ANN401 - nodes have no types
    """Mappings, lists and texts, as deep as builds are; an alias gives the value that is `seen` already."""
    if node is None or node.id == "scalar":
        return node.value if node else None
    if (id(node), depth) not in seen:
        is_mapping = node.id == "mapping"
        read = _mapping if is_mapping and depth < _OF_A_BUILD else _list if depth <= _OF_A_BUILD else None
        seen[id(node), depth] = read(node, depth, seen) if read else None
    return seen[id(node), depth]


def _mapping(node: Any, depth: int, seen: dict[tuple[int, int], Any]) -> _Mapping:  # noqa: ANN401
    mapping = _Mapping()
    mapping.mark = (node.start_mark.line + 1, node.start_mark.column + 1)
    mapping.marks = {}
    for key, value in node.value:
        if key.id == "scalar":
            mapping[key.value] = _value(value, depth + 1, seen)
            mapping.marks[key.value] = (key.start_mark.line + 1, key.start_mark.column + 1)
    return mapping


def _list(node: Any, depth: int, seen: dict[tuple[int, int], Any]) -> list[Any]:  # noqa: ANN401
    return [_value(item, depth + 1, seen) for item in node.value] if node.id == "sequence" else []
