"""Whether a workspace's Cargo.lock fits its manifests: what `cargo build --locked` would refuse."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ferrule.core.errors import ConfigError
from ferrule.core.toml_file import parse, read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ferrule.core.cargo_workspace import Crate, Workspace

_LARGEST: Final = 16 << 20
_NEWEST: Final = 4
"""The newest format that Cargo 1.96 writes and reads."""
_UPDATE: Final = "run cargo update --workspace, look at the change of Cargo.lock, and commit it"
_COMPARATOR: Final = re.compile(r"(\^|~|=|>=|<=|>|<|)\s*(\d+)(?:\.(\d+|[*xX]))?(?:\.(\d+|[*xX]))?")


def crate_names(text: str) -> frozenset[str]:
    r"""Names of all crates in the text of a Cargo.lock.

    >>> sorted(crate_names('[[package]]\nname = "cc"\n[[package]]\nname = "a"\n'))
    ['a', 'cc']
    """
    return frozenset(re.findall(r'^name = "([^"]+)"', text, re.MULTILINE))


def locked_crates(project: Path, workspace: Workspace) -> frozenset[str]:
    """Names of all crates in the Cargo.lock of a workspace; none where it is no file. Raises StorageError."""
    try:
        data = read_bytes(project, workspace.lock, "Cargo.lock", _LARGEST)
    except (ConfigError, FileNotFoundError):
        return frozenset()
    return crate_names(data.decode("utf-8", "replace"))


def lock_problems(project: Path, workspace: Workspace) -> Iterator[ConfigError]:
    """How Cargo.lock differs from the manifests, each with its place; nothing where there is no Cargo.lock."""
    name = workspace.lock
    try:
        data = read_bytes(project, name, "Cargo.lock", _LARGEST)
        document = parse(data, name, "Cargo.lock", "resolve what a merge left, or take it from a commit")
    except FileNotFoundError:
        return
    except ConfigError as error:
        yield error
        return
    if not isinstance(version := document.get("version", 1), int) or version > _NEWEST:
        hint = "run cargo generate-lockfile with the Rust of this project"
        yield ConfigError(f"version {version} of Cargo.lock is of a newer Cargo", where=f"{name}:1:1", hint=hint)
        return
    packages = document.get("package", [])
    if not isinstance(packages, list) or not all(_is_package(package) for package in packages):
        yield ConfigError("this is not a Cargo.lock", where=f"{name}:1:1", hint="run cargo generate-lockfile")
        return
    lines = data.decode("utf-8").splitlines()
    for crate in workspace.crates.values():
        for message in _differences(crate, packages):
            yield ConfigError(message, where=f"{name}:{_line(lines, crate.name)}:1", hint=_UPDATE)


def _is_package(package: object) -> bool:
    """Whether a table of Cargo.lock has what every one has."""
    if not isinstance(package, dict):
        return False
    dependencies = package.get("dependencies", [])
    return (
        isinstance(package.get("name"), str)
        and isinstance(package.get("version"), str)
        and isinstance(dependencies, list)
        and all(isinstance(dependency, str) for dependency in dependencies)
    )


def _differences(crate: Crate, packages: list[Mapping[str, Any]]) -> Iterator[str]:
    members = [package for package in packages if package["name"] == crate.name and "source" not in package]
    if not members:
        yield f"Cargo.lock does not list the crate {crate.name}"
        return
    member = next((package for package in members if package["version"] == crate.version), None)
    if member is None:
        yield f"Cargo.lock has {crate.name} {members[0]['version']}, and {crate.manifest} says {crate.version}"
        return
    locked = {dependency.split(" ")[0] for dependency in member.get("dependencies", [])}
    required = {package for package, _ in crate.requires}
    for name in sorted(required - locked - {crate.name}):
        yield f"Cargo.lock does not have {name}, which {crate.manifest} requires"
    for name in sorted(locked - required):
        yield f"Cargo.lock has {name} for {crate.name}, and {crate.manifest} does not require it"
    for name, requirement in crate.requires:
        versions = [package["version"] for package in packages if package["name"] == name]
        if requirement and name in locked and not any(satisfies(version, requirement) for version in versions):
            yield f"Cargo.lock has {name} {', '.join(versions)}, and {crate.manifest} requires {requirement}"


def _line(lines: list[str], crate: str) -> int:
    return next((number for number, line in enumerate(lines, 1) if line.strip() == f'name = "{crate}"'), 1)


def satisfies(version: str, requirement: str) -> bool:
    """Whether a version fits a requirement of Cargo ("Specifying Dependencies"); True where that cannot be decided.

    >>> satisfies("1.4.2", "1.2"), satisfies("0.3.1", "0.2"), satisfies("2.0.0", ">=1, <2")
    (True, False, False)
    """
    numbers = re.fullmatch(r"(\d{1,18})\.(\d{1,18})\.(\d{1,18})(?:\+\S*)?", version)
    if numbers is None or "-" in requirement:
        return True  # a version before a release follows rules of its own
    value = (int(numbers[1]), int(numbers[2]), int(numbers[3]))
    return all(_fits(value, part.strip()) for part in requirement.split(","))


def _fits(value: tuple[int, int, int], text: str) -> bool:
    match = _COMPARATOR.fullmatch(text)
    if match is None or len(text) > 64:  # noqa: PLR2004 - no requirement is as long
        return True
    stated = [int(part) for part in match.groups()[1:] if part and part.isdigit()]
    operator = match[1]
    if any(part in ("*", "x", "X") for part in match.groups()[1:]):
        operator = "~" if len(stated) > 1 else "="
    low = (*stated, 0, 0)[:3]
    prefix = value[: len(stated)]
    if operator == "=":
        return prefix == tuple(stated)
    if operator in ("", "^", "~"):
        first = next((i for i, number in enumerate(stated) if number), len(stated) - 1)
        fixed = min(2, len(stated)) if operator == "~" else first + 1
        return value >= low and value[:fixed] == tuple(stated[:fixed])
    if operator.startswith(">"):
        return value >= low if operator == ">=" else prefix > tuple(stated)
    return prefix < tuple(stated) or (operator == "<=" and prefix == tuple(stated))
