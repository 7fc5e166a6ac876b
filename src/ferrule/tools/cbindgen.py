"""cbindgen: C headers from Rust."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.core.model import Tool
from ferrule.tools.command import Command
from ferrule.tools.definition import ToolDefinition
from ferrule.tools.installers.cargo_install import CargoInstall, folder
from ferrule.tools.probe_output import probe_output
from ferrule.tools.problems import ToolProblem

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.core.toolchain import Toolchain
    from ferrule.tools.host import Host


def find(host: Host, version: str) -> Tool | ToolProblem:
    """A cbindgen of exactly that version, from the cache or the PATH: a header depends on every detail."""
    own = folder(host, "cbindgen", version) / "bin" / "cbindgen"
    others: list[str] = []
    for program in dict.fromkeys((own, *host.every("cbindgen"))):
        found = probe_output(host, program, "--version").rpartition(" ")[2]
        if found == version:
            return Tool("cbindgen", version, (str(program),), f"cbindgen {version}")
        if found or program.exists():
            others.append(f"{found or 'does not start'} ({program})")
    problem = "not the required version" if others else "not installed"
    return ToolProblem.with_installer(
        host, "cbindgen", problem, CargoInstall("cbindgen", version), required=version, version=", ".join(others)
    )


def header_command(
    toolchain: Toolchain,
    *,
    crate: str,
    crate_folder: Path,
    lockfile: Path,
    metadata: Path,
    config: Path | None,
    output: Path,
    notes: Path,
    offline: bool = False,
) -> Command:
    """The command that writes a crate's header to `output` (cbindgen's docs.md, "Command line").

    `notes` is where it notes, as a makefile, which files it read.
    `metadata` is a file with what `cargo metadata` says; cbindgen's own call of it would rewrite a stale Cargo.lock.
    """
    argv = [
        *toolchain.tools["cbindgen"].argv,
        *("--quiet", "--crate", crate, "--lockfile", str(lockfile), "--metadata", str(metadata)),
        *("--output", str(output), "--depfile", str(notes)),
        *(["--config", str(config)] if config else []),
        ".",
    ]
    environment = {
        "CARGO": toolchain.tools["cargo"].argv[0],
        "RUSTC": toolchain.tools["rustc"].argv[0],
        **({"CARGO_NET_OFFLINE": "true"} if offline else {}),
    }
    return Command(tuple(argv), environment, crate_folder)


TOOL: Final = ToolDefinition(
    name="cbindgen",
    version="0.29.4",
    setting="Version of cbindgen, which writes headers.",
    find=lambda search: [find(search.host, search.versions["cbindgen"])],
    requires=("cargo",),
)
