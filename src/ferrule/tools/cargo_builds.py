"""Runs a build of Cargo's, and reads what Cargo says it made and what that depends on."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import BuildError
from ferrule.core.printable import without_colours
from ferrule.tools import cargo, cargo_failures
from ferrule.tools.cargo_units import ARTIFACT, SCRIPT, Units, package_name
from ferrule.tools.run import ToolFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ferrule.core.platforms import Platform
    from ferrule.core.toolchain import Toolchain
    from ferrule.tools.cargo import NativeBuild, WasmBuild
    from ferrule.tools.cargo_units import Look, Message
    from ferrule.tools.command import Command, Runner

# What Cargo sets for build scripts and compilers ("The Cargo Book", Environment variables).
_OF_CARGO = re.compile(
    r"CARGO(_.*)?|DEP_.*|RUSTC(_.*)?|RUSTDOC|RUSTFLAGS|OUT_DIR|TARGET|HOST|NUM_JOBS|OPT_LEVEL|DEBUG|PROFILE|MAKEFLAGS"
)


@dataclass(frozen=True, slots=True)
class CargoArtifact:
    """A target of a package that Cargo built: its crate types and the files that hold it."""

    package: str
    kinds: tuple[str, ...]
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class CargoBuild:
    """What a build made and what that depends on.

    `built` is everything that Cargo named, `digests` are of the files when Cargo had written them; `read` are files,
    folders and manifests that were read for it, `asks` the variables of the environment that were asked for, each with
    the first package that did, `native_libraries` what a static library must be linked with, `out_folders` where build
    scripts of packages in folders write, by package, `audit_data` what was linked in to name the crates; and
    `keeps_symbols` says that the profile has what is linked keep its symbols.
    """

    built: tuple[CargoArtifact, ...]
    read: tuple[Path, ...]
    native_libraries: tuple[str, ...]
    asks: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[Path, str] = field(default_factory=dict)
    out_folders: Mapping[str, Path] = field(default_factory=dict)
    audit_data: bytes | None = None
    keeps_symbols: bool = False

    def file(self, package: str, platform: Platform, kind: str, library: str) -> Path:
        """The file of a package's library of a kind (`cdylib`, `staticlib`, or the cdylib's import library).

        Raises BuildError if there is none.
        """
        names = {"cdylib": platform.cdylib(library), "staticlib": platform.staticlib(library)}
        name = names.get(kind) or platform.import_library(library) or ""
        return self._named(package, name, f"does the crate's [lib] have another name than {library}?")

    def program(self, package: str, platform: Platform, program: str) -> Path:
        """The file of a package's binary target; raises BuildError if there is none."""
        return self._named(package, platform.program(program), f"does the crate have a [[bin]] called {program}?")

    def _named(self, package: str, name: str, hint: str) -> Path:
        for one in self.built:
            for path in one.files:
                if one.package == package and path.name == name:
                    return path
        raise BuildError(f"Cargo built {package} but made no {name}", hint=hint)

    def out_folder(self, package: str) -> Path | None:
        """The folder that the build script of a package writes into (OUT_DIR); None without a build script."""
        return self.out_folders.get(package)

    def take(self, file: Path, target: Path, look: Look) -> None:
        """Copy a file that Cargo wrote; raises BuildError if it is not as Cargo wrote it."""
        shutil.copyfile(file, target)
        digest = look(target)
        if digest is None or self.digests.get(file) != digest.hex:
            raise BuildError(
                "this was changed after Cargo had written it, so it was not taken",
                where=str(file),
                hint="run the same command again; does something else write into this folder?",
            )


MARKS: Final = ('{"reason":', "   Compiling", "  Downloaded", "native-static-libs: ")
"""What stands in each line of Cargo's that is read (it fills its verbs up to twelve columns)."""


def build(run: Runner, command: Command, say: Callable[[str], None], units: Units) -> CargoBuild:
    """Run a build and read what Cargo says of it; raises BuildError that names the place of the first error.

    Cargo runs once more if it used something in its folder that is not as it wrote it.
    """
    with units.watched():
        for _ in range(2):
            messages, libraries = _run(run, command, say, units)
            suspect = units.suspect(messages)
            if not suspect:
                return _cargo_build(messages, units, libraries, command)
            units.forget(suspect)
    raise BuildError(
        f"what Cargo made of {', '.join(sorted(suspect))} changes while it builds, so nothing was taken",
        where=str(units.folder),
        hint="does another program write into this folder? If not, delete the folder",
    )


def _run(
    run: Runner, command: Command, say: Callable[[str], None], units: Units
) -> tuple[list[Message], tuple[str, ...]]:
    libraries: list[str] = []
    messages: list[Message] = []

    def read_line(line: str) -> None:
        line = without_colours(line)
        if line.startswith('{"reason":'):
            messages.extend(finished := list(parse_messages(line)))
            for message in finished:
                units.note(message)
        elif crate := compiling(line):
            say(f"compiling {crate}")
        elif libraries_line := re.search(r"native-static-libs: (.+)", line):
            libraries[:] = libraries_line[1].split()

    try:
        run(command, on_line=read_line, marks=MARKS)
    except ToolFailed as failed:
        raise cargo_failures.explain(failed) from failed
    return messages, tuple(libraries)


def compiling(line: str) -> str | None:
    """The crate, with its version, that a line of Cargo's says it compiles or has fetched.

    >>> compiling("   Compiling demo v1.2.3 (/w/demo)")
    'demo v1.2.3'
    """
    crate = re.match(r"\s+(?:Compiling|Downloaded) (\S+ v\S+)", without_colours(line))
    return crate[1] if crate else None


def _cargo_build(messages: Iterable[Message], units: Units, libraries: tuple[str, ...], command: Command) -> CargoBuild:
    used = units.of(messages)
    asks: dict[str, str] = {}
    for unit in used:
        asks |= {name: unit.package for name in unit.asks if name not in asks}
    variables = {*command.env, *(name for m in messages if m["reason"] == SCRIPT for name, _ in m["env"])}
    return CargoBuild(
        built=tuple(_built(m) for m in messages if m["reason"] == ARTIFACT),
        read=tuple(sorted({Path(path) for unit in used for path in unit.read})),
        native_libraries=libraries,
        asks={
            name: package for name, package in asks.items() if name not in variables and not _OF_CARGO.fullmatch(name)
        },
        out_folders={
            package_name(m["package_id"]): Path(m["out_dir"])
            for m in messages
            if m["reason"] == SCRIPT and m["package_id"].startswith("path+")
        },
        digests={units.folder / name: digest for unit in used for name, digest in unit.wrote.items() if digest},
    )


def _built(message: Message) -> CargoArtifact:
    files = tuple(Path(name) for name in message["filenames"])
    return CargoArtifact(package_name(message["package_id"]), tuple(message["target"]["crate_types"]), files)


def units(build: NativeBuild | WasmBuild, command: Command, toolchain: Toolchain, look: Look) -> Units:
    """The units of the folder that a command builds in."""
    source = toolchain.sysroot / "lib" / "rustlib" / "src" / "rust"
    return Units(Path(command.env["CARGO_TARGET_DIR"]), build.workspace, (source,), look)


def inputs(
    built: CargoBuild, workspace: Path, project: Path, environment: Mapping[str, str]
) -> tuple[list[Path], Mapping[str, str]]:
    """Files and variables that a build depends on."""
    # Settings in the project are declared as far as there are any, and a new one changes the plan.
    outside = (path for path in cargo.settings(workspace, environment) if not path.is_relative_to(project))
    return [*built.read, *outside], built.asks


def parse_messages(stdout: str) -> Iterator[Message]:
    """What Cargo says of units, from its messages in JSON ("The Cargo Book", External tools).

    A line that is no JSON is not Cargo's: macros and compilers write to the same output.
    """
    for line in stdout.splitlines():
        if line.startswith("{"):
            try:
                message = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if message.get("reason") in {ARTIFACT, SCRIPT}:
                yield message
