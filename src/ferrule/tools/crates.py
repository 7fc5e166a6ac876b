"""Which crates go into a build: Cargo's own resolution, for one crate, target and choice of features.

Two programs are asked, because neither knows all of it. `cargo tree` follows the resolver that builds follow, with its
features for host and target apart; `cargo metadata` unites those of the whole workspace and of its tests, but knows
licences and authors. Checksums are in Cargo.lock alone.
"""

from __future__ import annotations

import json
import re
import tomllib
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from ferrule.core import model
from ferrule.core.errors import BuildError
from ferrule.core.model import Digest
from ferrule.core.platforms import PLATFORMS
from ferrule.tools.cargo import package_id
from ferrule.tools.command import Command
from ferrule.tools.rust import std_folder, std_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ferrule.core.model import Compiled, Json
    from ferrule.core.toolchain import Toolchain

_FORMAT: Final = "\t{p}\t{f}"
_LINE: Final = re.compile(r"(?P<depth>\d+)\t(?P<package>[^\t]+)\t(?P<features>[^\t]*)")
_PACKAGE: Final = re.compile(r"(?P<name>\S+) v(?P<version>\S+)(?P<rest>.*)")
_PROC_MACRO: Final = " (proc-macro)"


@dataclass(frozen=True, slots=True)
class LinkedCrate:
    """A crate of a build, by its package URL (purl-spec, type `cargo`).

    `folder` is its folder relative to the workspace, for a crate that was not fetched, and `checksum` the
    SHA-256 of the file that was; `linked` tells crates whose code is in what is made from those that only run while it
    is built (build scripts, procedural macros, and what these need). `needs` are package URLs.
    """

    purl: str
    name: str
    version: str
    linked: bool
    features: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    checksum: str | None = None
    folder: str | None = None
    license: str | None = None
    authors: tuple[str, ...] = ()
    description: str | None = None
    homepage: str | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class CrateSource:
    """Where the sources of a crate that is linked in lie on this machine, and what it says of its licence."""

    name: str
    version: str
    folder: Path
    license: str | None = None
    license_file: str | None = None
    authors: tuple[str, ...] = ()
    is_local: bool = False
    is_git: bool = False


@dataclass(frozen=True, slots=True)
class CrateNode:
    """A package of `cargo tree`: its label, its features, and the labels of what it depends on."""

    label: str
    features: frozenset[str]
    needs: frozenset[str]


def tree_command(
    toolchain: Toolchain,
    workspace: Path,
    build: Compiled,
    environment: Mapping[str, str],
    *,
    linked: bool,
    offline: bool,
) -> Command:
    """Name the crates of a build, or with `linked` only those whose code ends up in it (`cargo help tree`)."""
    features = ["--features", ",".join(build.features)] if build.features else []
    argv = (
        *(*toolchain.tool("cargo").argv, "tree", "--locked", *(["--offline"] if offline else [])),
        *("--package", package_id(workspace, build.package) if build.package else build.crate),
        *("--target", build.triple),
        *([] if build.default_features else ["--no-default-features"]),
        *features,
        *("--edges", "normal,no-proc-macro" if linked else "normal,build"),
        *("--prefix", "depth", "--charset", "ascii", "--format", _FORMAT),
    )
    return Command(argv, _environment(toolchain, environment), workspace)


def metadata_command(
    toolchain: Toolchain,
    workspace: Path,
    build: Compiled,
    host: str,
    environment: Mapping[str, str],
    *,
    offline: bool,
) -> Command:
    """Describe every crate that a target, or a build on this host, could need (`cargo help metadata`)."""
    argv = (
        *(*toolchain.tool("cargo").argv, "metadata", "--format-version=1", "--all-features", "--locked"),
        *(["--offline"] if offline else []),
        *(option for triple in dict.fromkeys((build.triple, host)) for option in ("--filter-platform", triple)),
    )
    return Command(argv, _environment(toolchain, environment), workspace)


def _environment(toolchain: Toolchain, environment: Mapping[str, str]) -> dict[str, str]:
    return {**environment, "RUSTC": toolchain.tool("rustc").argv[0], "CARGO_TERM_COLOR": "never"}


def parse_tree(stdout: str) -> dict[str, CrateNode]:
    """Nodes by label, in the order in which they are first named; the first is the crate that is built.

    What Cargo names again, marked with (*), has its dependencies where it was named first.
    """
    nodes: dict[str, CrateNode] = {}
    above: list[str] = []
    for line in stdout.splitlines():
        match = _LINE.match(line.removesuffix(" (*)"))
        if match is None:
            continue
        label, depth = match["package"].removesuffix(_PROC_MACRO), int(match["depth"])
        node = nodes.get(label, CrateNode(label, frozenset(), frozenset()))
        nodes[label] = replace(node, features=node.features | {f for f in match["features"].split(",") if f})
        del above[depth:]
        if above:
            nodes[above[-1]] = replace(nodes[above[-1]], needs=nodes[above[-1]].needs | {label})
        above.append(label)
    return nodes


def resolve(everything: str, linked: str, metadata: str, lock: str, workspace: Path) -> list[LinkedCrate]:
    """Join the output of the programs with Cargo.lock: the crates of a build, the one that is built first.

    `everything` and `linked` are what `tree_command` printed. Raises BuildError for answers that do not fit together.
    """
    nodes, linked_nodes = parse_tree(everything), parse_tree(linked)
    if not nodes:
        raise BuildError("cargo tree named no crate", hint="paste its command from the log to see what it says")
    try:
        packages = json.loads(metadata)["packages"]
        by_label = {label: _package_of(label, packages) for label in nodes}
        checksums = {
            (p["name"], p["version"], p.get("source")): p.get("checksum") for p in tomllib.loads(lock)["package"]
        }
    except (ValueError, KeyError, TypeError) as error:
        raise BuildError(f"what Cargo says of the crates cannot be read: {error}") from error
    purls = {label: _purl(label, package, workspace) for label, package in by_label.items()}
    return [
        _crate(
            linked_nodes.get(label, node),
            by_label[label],
            purl=purls[label],
            linked=label in linked_nodes,
            needs=tuple(sorted({purls[n] for n in node.needs})),
            checksum=checksums.get(
                (by_label[label]["name"], by_label[label]["version"], by_label[label].get("source"))
            ),
            folder=_folder(by_label[label], workspace),
        )
        for label, node in nodes.items()
    ]


def sources(linked: str, metadata: str) -> list[CrateSource]:
    """Where the crates lie that are linked in, of what `resolve` has read already."""
    packages = json.loads(metadata)["packages"]
    return [_source(_package_of(label, packages)) for label in parse_tree(linked)]


def _source(package: Mapping[str, Any]) -> CrateSource:
    origin = package.get("source")
    return CrateSource(
        package["name"],
        package["version"],
        Path(package["manifest_path"]).parent,
        license=package.get("license"),
        license_file=package.get("license_file"),
        authors=tuple(package.get("authors") or ()),
        is_local=origin is None,
        is_git=str(origin).startswith("git+"),
    )


def _crate(node: CrateNode, package: Mapping[str, Any], **fields: Any) -> LinkedCrate:  # noqa: ANN401 - fields of Crate
    return LinkedCrate(
        name=package["name"],
        version=package["version"],
        features=tuple(sorted(node.features)),
        license=package.get("license"),
        authors=tuple(package.get("authors") or ()),
        description=package.get("description"),
        homepage=package.get("repository") or package.get("homepage"),
        origin=package.get("source"),
        **fields,
    )


def _package_of(label: str, packages: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The package that a label of `cargo tree` stands for; raises KeyError."""
    match = _PACKAGE.fullmatch(label)
    same = [p for p in packages if match and (p["name"], p["version"]) == (match["name"], match["version"])]
    if match is None or not same:
        raise KeyError(f"cargo metadata does not know {label}")
    source = match["rest"].strip(" ()").partition("#")[0]
    fitting = [p for p in same if (p.get("source") is None) == source.startswith("/")]
    exact = [p for p in fitting if source and source in f"{p.get('source')} {Path(p['manifest_path']).parent}"]
    return (exact or fitting or same)[0]


def _folder(package: Mapping[str, Any], workspace: Path) -> str | None:
    if package.get("source") is not None:
        return None
    folder = Path(package["manifest_path"]).parent
    return folder.relative_to(workspace).as_posix() if folder.is_relative_to(workspace) else folder.name


def _purl(label: str, package: Mapping[str, Any], workspace: Path) -> str:
    """The package URL; where a crate is not of the registry that Cargo uses by default, it says of where it is."""
    name, version, source = package["name"], package["version"], package.get("source")
    base = f"pkg:cargo/{name}@{quote(version, safe='')}"
    if source is None:
        return f"{base}?download_url={quote(f'file:{_folder(package, workspace)}', safe=':')}"
    if source.startswith("git+"):
        repository, _, commit = source.partition("#")
        at = f"{repository.partition('?')[0]}@{commit}"
        return f"{base}?vcs_url={quote(at, safe=':')}"
    match = _PACKAGE.fullmatch(label)
    if match and match["rest"].strip():
        return f"{base}?repository_url={quote(source.partition('+')[2], safe=':')}"
    return base


def of_standard_library(toolchain: Toolchain, triple: str) -> list[LinkedCrate]:
    """The fetched crates that Rust's standard library is made of for a target, those that it needs itself.

    Its own Cargo.lock names them, for all platforms at once; they are there if they were compiled for the target or,
    where it is compiled along, for another one. Empty where the source is not installed.
    """
    source, sysroot = std_source(toolchain.sysroot) / "library", toolchain.sysroot
    try:
        packages = {p["name"]: p for p in tomllib.loads((source / "Cargo.lock").read_text(encoding="utf-8"))["package"]}
    except (OSError, ValueError, KeyError, TypeError):
        return []
    compiled = compiled_crates(sysroot, triple) or compiled_crates(sysroot, "*")
    compiled |= {*PLATFORMS[triple].family.std_crates}
    crates: dict[str, LinkedCrate] = {}
    waiting = ["std"] if "std" in packages else []
    while waiting:
        package = packages[waiting.pop()]
        names = [need.split()[0] for need in package.get("dependencies", ())]
        needs = [name for name in names if name in packages and name.replace("-", "_") in compiled]
        crates[package["name"]] = _of_std(source, package, needs, packages)
        waiting += [name for name in needs if name not in crates]
    return [crates[name] for name in sorted(crates) if crates[name].checksum]


def digest_of_std(toolchain: Toolchain, triple: str) -> str | None:
    """SHA-256 of a compiled standard library, its part `std`; None where there is none, or several."""
    files = list(std_folder(toolchain.sysroot, triple).glob("libstd-*.rlib"))
    return Digest.of_file(files[0]).hex if len(files) == 1 else None


def compiled_crates(sysroot: Path, triple: str) -> set[str]:
    """Names of the crates of a compiled standard library, as rustc writes them."""
    files = (sysroot / "lib" / "rustlib").glob(f"{triple}/lib/lib*.rlib")
    return {file.stem.removeprefix("lib").rpartition("-")[0] for file in files}


def _of_std(source: Path, package: Mapping[str, Any], needs: list[str], packages: Mapping[str, Any]) -> LinkedCrate:
    name, version = package["name"], package["version"]
    metadata: dict[str, Any] = {}
    for folder in (f"{name}-{version}", name):
        with suppress(OSError, ValueError, KeyError):
            metadata = (
                metadata or tomllib.loads((source / "vendor" / folder / "Cargo.toml").read_text("utf-8"))["package"]
            )
    purls = {n: f"pkg:cargo/{n}@{quote(packages[n]['version'], safe='')}" for n in (name, *needs)}
    return LinkedCrate(
        purl=purls[name],
        name=name,
        version=version,
        linked=True,
        needs=tuple(sorted(purls[n] for n in needs if packages[n].get("checksum"))),
        checksum=package.get("checksum"),
        license=metadata.get("license"),
        authors=tuple(metadata.get("authors", ())),
        description=metadata.get("description"),
        homepage=metadata.get("repository"),
        origin=package.get("source"),
    )


def to_json(crates: Sequence[LinkedCrate]) -> list[Json]:
    """A form for `from_json`."""
    return [model.to_json(crate) for crate in crates]


def from_json(values: Sequence[Mapping[str, Any]]) -> Iterator[LinkedCrate]:
    """Read what `to_json` gave."""
    for value in values:
        fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in value.items()}
        yield LinkedCrate(**fields)
