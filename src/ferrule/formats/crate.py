"""Crates as Cargo packs them, and what a registry is told of one (The Cargo Book, "Registry Web API", "Publish").

The manifest in the file is the one that Cargo has normalized: nothing is inherited and nothing is read from a folder.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ferrule.core.errors import VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Digest
from ferrule.formats import tar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ferrule.core.model import Json

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_TABLES: Final = {"dependencies": "normal", "build-dependencies": "build", "dev-dependencies": "dev"}
_TEXTS: Final = ("description", "documentation", "homepage", "license", "repository", "links")
_REGISTRY: Final = "registry+"


@dataclass(frozen=True, slots=True)
class Dependency:
    """A crate that another one needs: `registry` is the index that its manifest names, None for Cargo's default one.

    `name` is that of the package, and `rename` the one by which the manifest knows it, if that is another.
    """

    name: str
    requirement: str
    kind: str
    rename: str | None = None
    registry: str | None = None
    target: str | None = None
    features: tuple[str, ...] = ()
    is_optional: bool = False
    has_default_features: bool = True


@dataclass(frozen=True, slots=True)
class CratePackage:
    """A crate: name and version, the normalized manifest, and the indexes of the packages in its lock file, by name.

    `readme` is the text of the file that the manifest names.
    """

    name: str
    version: str
    digest: Digest
    manifest: Mapping[str, Any]
    dependencies: tuple[Dependency, ...]
    sources: Mapping[str, str]
    readme: str | None = None

    @property
    def registries(self) -> tuple[str, ...] | None:
        """The registries that it may be published to, by Cargo's names of them; None for any."""
        names = self.manifest["package"].get("publish")
        return () if names is False else tuple(map(str, names)) if isinstance(names, list) else None

    def metadata(self, index: str, *, default: bool) -> dict[str, Json]:
        """What the registry at `index` is told of it; `default` says whether that is the one that Cargo knows itself.

        Raises VerificationError for a dependency of which nothing says from which registry it comes.
        """
        package = self.manifest["package"]
        features = self.manifest.get("features", {})
        return {
            "name": self.name,
            "vers": self.version,
            "deps": [self._dependency(one, index, default=default) for one in self.dependencies],
            "features": {str(name): [str(v) for v in values] for name, values in features.items()},
            "authors": [str(author) for author in package.get("authors", [])],
            **{key: package.get(key) for key in _TEXTS},
            "readme": self.readme,
            "readme_file": package.get("readme") if self.readme is not None else None,
            "keywords": list(package.get("keywords", [])),
            "categories": list(package.get("categories", [])),
            "license_file": package.get("license-file"),
            "badges": self.manifest.get("badges", {}),
            "rust_version": package.get("rust-version"),
        }

    def _dependency(self, one: Dependency, index: str, *, default: bool) -> dict[str, Json]:
        registry = self._registry(one, index, default=default)
        return {
            "optional": one.is_optional,
            "default_features": one.has_default_features,
            "name": one.name,
            "features": list(one.features),
            "version_req": requirement(one.requirement),
            "target": one.target,
            "kind": one.kind,
            **({"registry": registry} if registry else {}),
            **({"explicit_name_in_toml": one.rename} if one.rename else {}),
        }

    def _registry(self, one: Dependency, index: str, *, default: bool) -> str | None:
        """The index of a dependency, None for the one that it is published to."""
        if one.registry is not None:
            return None if _plain(one.registry) == _plain(index) else one.registry
        if default:
            return None
        if one.name not in self.sources:
            raise VerificationError(
                f"nothing says from which registry {one.name} comes",
                where=f"{self.name} {self.version}",
                hint="let Cargo put its lock file into the crate",
            )
        return self.sources[one.name]


def requirement(text: str) -> str:
    """The versions that a manifest asks for, as Cargo writes them to registries: a bare version says `^`.

    >>> [requirement(text) for text in ("1.2", " >= 1, <2.0", "1.x", "=0.3.0", "*")]
    ['^1.2', '>=1, <2.0', '1.*', '=0.3.0', '*']
    """
    parts = [re.sub(r"\s+", "", part) for part in text.split(",")]
    plain = [re.sub(r"\.[xX*](?:\.[xX*])?$", ".*", part) for part in parts]
    return ", ".join(f"^{part}" if part[:1].isdigit() and not part.endswith("*") else part for part in plain)


def _plain(index: str) -> str:
    return index.removeprefix("sparse+").removeprefix(_REGISTRY).rstrip("/")


def index_path(name: str) -> str:
    """Where an index has the file of a crate (The Cargo Book, "Index Format", "Index files").

    >>> [index_path(name) for name in ("a", "ab", "Abc", "serde_json")]
    ['1/a', '2/ab', '3/a/abc', 'se/rd/serde_json']
    """
    lower = name.lower()
    return f"{prefix(lower)}/{lower}"


def prefix(name: str) -> str:
    """The folders of an index in which the file of a crate lies."""
    if len(name) <= 3:  # noqa: PLR2004 - as the format says
        return str(len(name)) if len(name) < 3 else f"3/{name[0]}"  # noqa: PLR2004
    return f"{name[:2]}/{name[2:4]}"


def read_crate(path: Path) -> CratePackage:
    """Read a crate. Raises VerificationError for a file that is none."""
    import tomllib  # noqa: PLC0415 - 2 ms, which planning does not wait for

    try:
        with path.open("rb") as stream:
            files = {member.name.partition("/")[2]: member.read() for member in tar.read_tar_gz(stream)}
        manifest = tomllib.loads(files["Cargo.toml"].decode())
        package = manifest["package"]
        name, version = package["name"], package["version"]
        lock = tomllib.loads(files["Cargo.lock"].decode()) if "Cargo.lock" in files else {}
        rows = {(row["name"], row["source"]) for row in lock.get("package", []) if "source" in row}
        count = Counter(crate for crate, _ in rows)
        readme = package.get("readme")
        text = files[readme].decode("utf-8", "replace") if isinstance(readme, str) and readme in files else None
        if not _NAME.fullmatch(name) or not isinstance(version, str):
            _refuse(path)
        sources = {crate: source.removeprefix(_REGISTRY) for crate, source in rows if count[crate] == 1}
        needs = tuple(_dependencies(manifest))
        return CratePackage(name, version, Digest.of_file(path), manifest, needs, sources, text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise VerificationError("this is not a crate", where=str(path)) from error


def _refuse(path: Path) -> NoReturn:
    raise VerificationError("this is not a crate", where=str(path))


def _dependencies(manifest: Mapping[str, Any]) -> Iterator[Dependency]:
    for target, tables in ((None, manifest), *manifest.get("target", {}).items()):
        for table, kind in _TABLES.items():
            for name, value in tables.get(table, {}).items():
                yield _dependency(name, {"version": value} if isinstance(value, str) else value, kind, target)


def _dependency(name: str, value: Mapping[str, Any], kind: str, target: str | None) -> Dependency:
    package = value.get("package")
    # Cargo leaves the older spelling as its author wrote it (editions before 2024); the newer one goes before it.
    default = value.get("default-features", value.get("default_features"))
    return Dependency(
        name=package or name,
        requirement=str(value.get("version", "*")),
        kind=kind,
        rename=name if package and package != name else None,
        registry=value.get("registry-index"),
        target=target,
        features=tuple(map(str, value.get("features", ()))),
        is_optional=value.get("optional") is True,
        has_default_features=default is not False,
    )
