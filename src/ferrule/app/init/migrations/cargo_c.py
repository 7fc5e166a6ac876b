"""cargo-c: [package.metadata.capi] (its README, "Configuration"); what it says belongs to the use of its crate."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any, Final

from ferrule.app.init.findings import CapiSettings
from ferrule.app.init.migrations.settings import Settings, toml_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ferrule.app.init.findings import Finding
    from ferrule.app.init.project_files import ProjectFiles
    from ferrule.core.cargo_workspace import Crate

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.+-]{0,63}")
_NUMBERS: Final = re.compile(r"([0-9]{1,5})(?:\.([0-9]{1,5}))?(?:\.([0-9]{1,5}))?.*")
_TAKEN: Final = {
    "header": ("name", "enabled", "generation"),
    "library": ("name", "version", "version_suffix_components", "rustflags"),
    "pkg_config": ("name", "filename", "version", "requires", "requires_private"),
}
_REASONS: Final = {
    "data": "write `files` at the SDK",
    "description": "the pkg-config file has the project's",
    "import_library": "an SDK for Windows always has one",
    "install_subdir": "an SDK has fixed folders",
    "strip_include_path_components": "an SDK's headers are below include/: write `cflags` of `pkg-config`",
    "subdirectory": "an SDK's header lies in include/",
    "to": "an SDK's header lies in include/",
    "versioning": "a library of Ferrule's has a soname with a number: write `abi`",
}


def read(files: ProjectFiles) -> Iterator[Finding]:
    """Whatever is not taken over. Raises ConfigError."""
    for name in files.called("Cargo.toml"):
        if b"capi" not in files.read(name):
            continue
        capi = _table(name, *files.toml(name))
        if capi is None:
            continue
        yield from capi.uncovered("install", *_TAKEN, **_REASONS)
        yield from capi.table("install").uncovered("include", **_REASONS)
        yield from capi.table("install").table("include").uncovered("asset", **_REASONS)
        for part, taken in _TAKEN.items():
            yield from capi.table(part).uncovered(*taken, **_REASONS)


def settings_of(crate: Crate, text: str, document: Mapping[str, Any]) -> CapiSettings | None:
    """What a crate's manifest says to cargo-c; None where it says nothing. Raises ConfigError."""
    capi = _table(crate.manifest, text, document)
    if capi is None:
        return None
    library, header = capi.table("library").values, capi.table("header").values
    return CapiSettings(
        at=capi.at(),
        library=_name(library, "name"),
        header=_name(header, "name"),
        pkg_config=tuple(_pkg_config(capi.table("pkg_config").values)),
        rustflags=tuple(_words(library.get("rustflags"))),
        abi=_abi(crate.version, library),
        headers=tuple(_headers(crate, capi.table("install").table("include").values)),
        generates=header.get("generation") is not False,
    )


def _table(name: str, text: str, document: Mapping[str, Any]) -> Settings | None:
    return toml_settings("[package.metadata.capi]", name, text, document, "package", "metadata", "capi")


def _name(values: Mapping[str, Any], key: str) -> str | None:
    value = values.get(key)
    return value if isinstance(value, str) and _NAME.fullmatch(value) else None


def _words(value: object) -> list[str]:
    return value.split() if isinstance(value, str) else [str(v) for v in value] if isinstance(value, list) else []


def _abi(version: str, library: Mapping[str, Any]) -> str | None:
    """The number in the soname, where cargo-c would not take what SemVer lets break."""
    stated, count = library.get("version", version), library.get("version_suffix_components")
    match = _NUMBERS.fullmatch(str(stated))
    if match is None or (stated == version and count is None):
        return None
    numbers = [part or "0" for part in match.groups()]
    breaking = next((index for index, number in enumerate(numbers, 1) if number != "0"), len(numbers))
    return ".".join(numbers[: count if count in (1, 2, 3) else breaking])


def _pkg_config(values: Mapping[str, Any]) -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """What the pkg-config file says, by the keys of targets.yaml; pkg-config finds it by its file's name."""
    if name := _name(values, "filename") or _name(values, "name"):
        yield "name", name
    if isinstance(version := values.get("version"), str):
        yield "version", version
    for theirs, ours in (("requires", "requires"), ("requires_private", "requires-private")):
        value = values.get(theirs)
        parts = tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else ()
        if parts:
            yield ours, parts


def _headers(crate: Crate, include: Mapping[str, Any]) -> Iterator[str]:
    """Headers that are installed as they are, perhaps globs."""
    assets = include.get("asset")
    for asset in assets if isinstance(assets, list) else ():
        source = asset.get("from") if isinstance(asset, dict) else None
        if isinstance(source, str) and source.endswith((".h", ".hpp")):
            path = posixpath.normpath(posixpath.join(crate.folder, source))
            if not path.startswith(("..", "/")):
                yield path
