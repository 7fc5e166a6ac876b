"""Packages of npm that are for one platform each, whatever is in them: their names, and what npm is told of them.

npm takes of the optional dependencies those whose `os`, `cpu` and `libc` are the machine's (npm, "package.json").
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from ferrule.core.frozen import dataclass
from ferrule.core.model import Output
from ferrule.formats import tar
from ferrule.formats.archive_member import Member, below

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ferrule.core.model import Json
    from ferrule.engine.context import ActionContext
    from ferrule.kinds.base import Context

_LIBC: Final = {"glibc": "gnu", "musl": "musl"}
"""How names of packages end for what npm calls a libc, as those of napi do."""


@dataclass(frozen=True, slots=True)
class PlatformPackage:
    """The package of one platform: its name, what npm is told of it (`os`, `cpu`, `libc`), and the file in it."""

    name: str
    limits: tuple[tuple[str, str], ...]
    file: str

    def fields(self) -> dict[str, Json]:
        """What package.json says of the platform."""
        return {key: [value] for key, value in self.limits}

    def row(self, key: str) -> dict[str, str]:
        """The package in the table by which the main package finds it; `key` is what the name is called there."""
        return {key: self.name, "file": self.file, **dict(self.limits)}


def platform_name(name: str, limits: Mapping[str, str]) -> str:
    """The name of the package of a platform.

    >>> platform_name("@a/demo", {"os": "linux", "cpu": "x64", "libc": "glibc"})
    '@a/demo-linux-x64-gnu'
    """
    words = [limits["os"], limits["cpu"], *([_LIBC[limits["libc"]]] if "libc" in limits else [])]
    return "-".join([name, *words])


def tarball(name: str, context: Context) -> Output:
    """The file of a package, as `npm pack` calls it."""
    file = f"{name.removeprefix('@').replace('/', '-')}-{context.project.version}.tgz"
    return Output(file, "package", file if context.ship else None)


def purl(name: str, context: Context) -> tuple[tuple[str, str], ...]:
    """The trait with the package URL of a package (purl-spec, type `npm`)."""
    return (("purl", f"pkg:npm/{name.replace('@', '%40')}@{context.project.version}"),)


def write_package(context: ActionContext, document: Mapping[str, Json], members: Iterable[Member], epoch: int) -> None:
    """Write the tarball as npm does: everything in the folder `package`."""
    manifest = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    entries = [Member("package.json", manifest.encode()), *members]
    tar.write_tar_gz(context.output("package"), below("package", entries), epoch)
