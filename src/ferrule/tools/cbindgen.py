"""cbindgen: C headers from Rust."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from ferrule.core.frozen import dataclass
from ferrule.core.model import Tool
from ferrule.tools.command import Command
from ferrule.tools.definition import ToolDefinition
from ferrule.tools.installers.cargo_install import CargoInstall, folder
from ferrule.tools.probe_output import probe_output
from ferrule.tools.problems import ToolProblem

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ferrule.core.toolchain import Toolchain
    from ferrule.tools.host import Host


_LANGUAGES: Final[dict[str, Literal["c", "c++", "cython"]]] = {
    **dict.fromkeys(("c", "C"), "c"),
    **dict.fromkeys(("c++", "C++", "cxx", "Cxx", "cpp", "Cpp", "cplusplus", "Cplusplus", "CXX", "CPP"), "c++"),
    **dict.fromkeys(("cython", "Cython", "CYTHON"), "cython"),
}
_HARMLESS: Final = re.compile(
    r"WARN: (Skip |Skipping .* - \(not `no_mangle`|Skipping associated constants|Couldn't find path for .* skipping"
    r"|Missing `\[defines\]` entry|couldn't parse (unsafe\(\)|deprecated) attribute|deprecated attribute must be"
    r"|Failed to discover host platform)"
)


def find(host: Host, version: str) -> Tool | ToolProblem:
    """A cbindgen of exactly that version, from the cache or the PATH: a header depends on every detail."""
    bundled = folder(host, "cbindgen", version) / "bin" / "cbindgen"
    unfit: list[str] = []
    for program in dict.fromkeys((bundled, *host.every("cbindgen"))):
        reported = probe_output(host, program, "--version").rpartition(" ")[2]
        if reported == version:
            return Tool("cbindgen", version, (str(program),), f"cbindgen {version}")
        if reported or program.exists():
            unfit.append(f"{reported or 'does not start'} ({program})")
    problem = "not the required version" if unfit else "not installed"
    return ToolProblem.with_installer(
        host, "cbindgen", problem, CargoInstall("cbindgen", version), required=version, version=", ".join(unfit)
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """What a configuration says of the form of the header; None where it says nothing (cbindgen's docs.md).

    `excluded` are types that cbindgen leaves out, because the header has them from elsewhere.
    """

    language: Literal["c", "c++", "cython"] | None = None
    cpp_compat: bool | None = None
    excluded: tuple[str, ...] = ()


def read_settings(text: str) -> Settings:
    """What cbindgen.toml says; raises ValueError for what cbindgen would refuse."""
    import tomllib  # noqa: PLC0415 - 2 ms, where there is such a file

    try:
        values = tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    name = values.get("language")
    language = _LANGUAGES.get(name) if isinstance(name, str) else None
    if name is not None and language is None:
        raise ValueError(f"language = {name!r} is none of C, C++ and Cython")
    export = values.get("export")
    excluded = export.get("exclude") if isinstance(export, dict) else None
    names = tuple(map(str, excluded)) if isinstance(excluded, list) else ()
    return Settings(language, values.get("cpp_compat"), names)


MARKS: Final = ("WARN: ", "ERROR: ")
"""How the lines begin in which cbindgen complains."""


def complaints(lines: Iterable[str], excluded: Iterable[str] = ()) -> list[str]:
    """Warnings and errors among what cbindgen writes, each once, but for what says nothing of the interface.

    Those are items that nobody outside can use, attributes that cbindgen does not know, and conditions without an entry
    in `[defines]`: what is declared although no library has it, and what one has and is not, is found when the two are
    compared. Nor are types of interest that the configuration excludes: the header is compiled, and needs them then.
    """
    messages = [line.strip() for line in lines if line.lstrip().startswith(MARKS)]
    left_out = tuple(f"WARN: Can't find {name}." for name in excluded)
    return [line for line in dict.fromkeys(messages) if not _HARMLESS.match(line) and not line.startswith(left_out)]


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
    settings: Settings,
    offline: bool = False,
) -> Command:
    """The command that writes a crate's header to `output` (cbindgen's docs.md, "Command line").

    `settings` are what `config` says: where it says nothing, the header is one of C that C++ can use too.
    `notes` is where it notes, as a makefile, which files it read.
    `metadata` is a file with what `cargo metadata` says; cbindgen's own call of it would rewrite a stale Cargo.lock.
    """
    argv = [
        *toolchain.tools["cbindgen"].argv,
        *("--crate", crate, "--lockfile", str(lockfile), "--metadata", str(metadata)),
        *("--output", str(output), "--depfile", str(notes)),
        *(["--config", str(config)] if config else []),
        *(["--lang", "c"] if settings.language is None else []),
        *(["--cpp-compat"] if settings.cpp_compat is None and settings.language != "c++" else []),
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
