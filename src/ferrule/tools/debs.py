"""Debian packages pinned by a lock file: brought up to date, and fetched into the cache with their digests checked."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ferrule.core.errors import ConfigError, NetworkError, StorageError, ToolchainError, VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Digest
from ferrule.core.safe_files import clear
from ferrule.tools.installers import apt
from ferrule.tools.run import ToolFailed, capture

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ferrule.tools.host import Host

_LINE = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9.+-]+):(?P<architecture>[a-z0-9]+)"
    r"(?:=(?P<version>[A-Za-z0-9.+:~-]+) sha256:(?P<sha256>[0-9a-f]{64}) (?P<size>[0-9]+))?"
)
_BASE = ("base-files", "ca-certificates", "netbase", "tzdata")
_LIBC = "libc6"
_HEADER = (
    "# Written by `ferrule lock`. A package is added by its name and architecture alone, and locked by the next run.\n"
)


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """A package of an architecture (Debian's names); locked, if version, digest (hexadecimal) and size are known."""

    name: str
    architecture: str
    version: str = ""
    sha256: str = ""
    size: int = 0

    @property
    def full_name(self) -> str:
        """Name with architecture, as apt has it."""
        return f"{self.name}:{self.architecture}"


def read_lock(text: str) -> tuple[LockedPackage, ...]:
    """Read a lock file: a package a line, as `NAME:ARCH=VERSION sha256:DIGEST SIZE` or, not yet locked, `NAME:ARCH`.

    Raises ValueError that names the line.
    """
    packages: list[LockedPackage] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ValueError(f"line {number} is not NAME:ARCH=VERSION sha256:DIGEST SIZE: {line.strip()!r}")
        parts = match.groupdict(default="")
        packages.append(LockedPackage(**(parts | {"size": int(parts["size"] or 0)})))  # type: ignore[arg-type]
    names = [package.full_name for package in packages]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ValueError(f"{twice} is named twice")
    return tuple(packages)


def format_lock(packages: Iterable[LockedPackage]) -> str:
    """Write a lock file, sorted by architecture and name."""
    ordered = sorted(packages, key=lambda p: (p.architecture, p.name))
    lines = [f"{p.full_name}={p.version} sha256:{p.sha256} {p.size}" if p.version else p.full_name for p in ordered]
    return _HEADER + "".join(f"{line}\n" for line in lines)


def refresh(packages: Sequence[LockedPackage], host: Host) -> tuple[LockedPackage, ...]:
    """Lock every package to what the archive offers now, by one call of `apt-cache show`.

    Raises ToolchainError where there is no apt, ConfigError for a package that the archive does not have.
    """
    offered = _offered([package.full_name for package in packages], host)
    locked: list[LockedPackage] = []
    for package in packages:
        row = offered.get((package.name, package.architecture))
        if row is None:
            raise _unknown(package.full_name, package.architecture, host)
        locked.append(_locked(row))
    return tuple(locked)


def first_lock(architectures: Sequence[str], host: Host) -> tuple[LockedPackage, ...]:
    """What a base for programs and libraries with glibc consists of, locked to what the archive offers now.

    The C library with all that it depends on, certificates, names of services, time zones and the files of a system.
    Raises ToolchainError where there is no apt, ConfigError for a package that the archive does not have.
    """
    locked: dict[tuple[str, str], LockedPackage] = {}
    waiting = [(name, architecture) for architecture in architectures for name in (*_BASE, _LIBC)]
    asked: set[tuple[str, str]] = set()
    while waiting:
        offered = _offered([f"{name}:{architecture}" for name, architecture in waiting], host)
        asked |= {*waiting}
        following: list[tuple[str, str]] = []
        for name, architecture in waiting:
            row = offered.get((name, architecture)) or offered.get((name, "all"))
            if row is None:
                raise _unknown(f"{name}:{architecture}", architecture, host)
            locked[name, row["Architecture"]] = _locked(row)
            if name not in _BASE:  # what these depend on serves their installation, and nothing is installed
                following += [(other, architecture) for other in _dependencies(row)]
        waiting = [package for package in dict.fromkeys(following) if package not in asked]
    return tuple(locked.values())


def _dependencies(row: Mapping[str, str]) -> list[str]:
    """Names of the packages that a package cannot do without, the first of each choice (Debian policy, 7.1)."""
    text = ", ".join(row[field] for field in ("Pre-Depends", "Depends") if row.get(field))
    return [re.split(r"[ (:|]", part.strip(), maxsplit=1)[0] for part in text.split(",") if part.strip()]


def _offered(names: Iterable[str], host: Host) -> dict[tuple[str, str], dict[str, str]]:
    """What the archive has of packages, by name and architecture, by one call of `apt-cache show`."""
    _need_apt(host)
    try:
        shown = capture(["apt-cache", "show", "--no-all-versions", *names], env=host.children).stdout
    except ToolFailed as failed:
        shown = failed.stdout  # one unknown name fails the call; which one is said by those who miss it
    offered = {}
    for paragraph in shown.split("\n\n"):
        fields = dict(re.findall(r"^([\w-]+): (.*)$", paragraph, re.MULTILINE))
        if {"Package", "Architecture", "Version", "SHA256", "Size"} <= fields.keys():
            offered[fields["Package"], fields["Architecture"]] = fields
    return offered


def _locked(row: Mapping[str, str]) -> LockedPackage:
    return LockedPackage(row["Package"], row["Architecture"], row["Version"], row["SHA256"], int(row["Size"]))


def _unknown(package: str, architecture: str, host: Host) -> ConfigError:
    hint = f"correct the name, or run: {apt.Packages((), (architecture,)).command(host)}"
    return ConfigError(f"the package archive has no {package}", hint=hint)


def fetch(packages: Sequence[LockedPackage], host: Host) -> list[Path]:
    """Files of the packages, in their order: from the cache, or by one `apt-get download` of all that are not there.

    Every file is checked by its digest each time. Raises ConfigError for a package that is not locked, NetworkError,
    ToolchainError, VerificationError for other bytes than the lock names, and StorageError.
    """
    unlocked = next((package for package in packages if not package.sha256), None)
    if unlocked:
        raise ConfigError(f"{unlocked.full_name} is not locked", hint="ferrule lock")
    paths = {package: host.cache / "debs" / f"{package.sha256}.deb" for package in packages}
    missing = [package for package, path in paths.items() if not _stands(path, package)]
    if missing:
        _download(missing, paths, host)
    return [paths[package] for package in packages]


def _stands(path: Path, package: LockedPackage) -> bool:
    return not path.is_symlink() and path.is_file() and Digest.of_file(path).hex == package.sha256


def _download(missing: Sequence[LockedPackage], paths: dict[LockedPackage, Path], host: Host) -> None:
    requests = [f"{package.full_name}={package.version}" for package in missing]
    by_hand = f"where there is a network, run ferrule build once; it calls: apt-get download {' '.join(requests)}"
    if host.offline:
        raise NetworkError(f"not in the cache, and no network may be used: {' '.join(requests)}", hint=by_hand)
    _need_apt(host)
    folder = host.cache / "debs"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix="part-") as aside:
            try:
                capture(["apt-get", "-q", "download", *requests], env=host.children, cwd=Path(aside))
            except ToolFailed as failed:
                raise _explain(failed, missing, host, by_hand) from failed
            fetched = {Digest.of_file(path).hex: path for path in Path(aside).glob("*.deb")}
            for package in missing:
                if package.sha256 not in fetched:
                    raise VerificationError(
                        f"the archive gave other bytes for {package.full_name}={package.version} than the lock names",
                        hint="someone may be in between; if the archive changed rightly, run ferrule lock",
                    )
                clear(paths[package])
                shutil.move(fetched[package.sha256], paths[package])
    except OSError as error:
        raise StorageError(f"cannot write {folder}: {error.strerror}", where=str(folder)) from error


def _explain(
    failed: ToolFailed, missing: Sequence[LockedPackage], host: Host, by_hand: str
) -> NetworkError | ConfigError | ToolchainError:
    if any(sign in failed.stderr for sign in apt.UNREACHABLE):
        return NetworkError("the package archive cannot be reached", hint=by_hand)
    architectures = {*apt.foreign_architectures(host), "all"}
    foreign = sorted({p.architecture for p in missing} - architectures)
    if gone := re.search(r"Version '(\S+)' for '(\S+)' was not found", failed.stderr):
        return ConfigError(f"the package archive no longer has {gone[2]} {gone[1]}", hint="run ferrule lock")
    if "Unable to locate package" in failed.stderr and foreign:
        hint = " && ".join(apt.Packages((), (name,)).command(host) for name in foreign)
        return ToolchainError(f"apt knows no packages of {' and '.join(foreign)} yet", hint=hint)
    return ToolchainError(failed.message, output=failed.output)


def _need_apt(host: Host) -> None:
    if not apt.available(host):
        raise ToolchainError(
            "Debian packages are fetched by apt-get, which this machine does not have",
            hint="build this image on Debian or Ubuntu, or name a base image by its digest instead of a lock file",
        )
