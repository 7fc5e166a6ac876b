"""maturin, from its pinned wheel: builds the wheels of a PyO3 module for a target, for every Python asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import BuildError, StorageError
from ferrule.core.printable import without_colours
from ferrule.tools import cargo, cargo_failures
from ferrule.tools.command import Command
from ferrule.tools.definition import EXACT_VERSION, ToolDefinition
from ferrule.tools.installers import pip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from ferrule.core.errors import FerruleError
    from ferrule.core.model import Tool
    from ferrule.core.toolchain import Toolchain
    from ferrule.tools.cargo import NativeBuild
    from ferrule.tools.host import Host
    from ferrule.tools.problems import ToolProblem
    from ferrule.tools.run import ToolFailed

NAME: Final = "maturin"

_COMPILING: Final = re.compile(r"\s+(?:Compiling|Downloaded) (\S+ v\S+)")
_BUILT: Final = re.compile(r".*Built wheel (?:for (.+) to|for abi3) ")
MARKS: Final = ("   Compiling", "  Downloaded", "Built wheel ")
"""What stands in each line that tells of its progress."""

_CAUSE: Final = re.compile(r"^\s*Caused by: (.+)$", re.MULTILINE)


def find(host: Host, version: str) -> Tool | ToolProblem:
    """The maturin of the pinned wheel, asked for its version."""
    program = str(pip.folder(host, NAME, version) / "bin" / NAME)
    return pip.program(host, NAME, pip.PinnedWheel(NAME, version), (program,), (program, "--version"))


def hide_interpreters(folder: Path, interpreters: Iterable[str]) -> None:
    """Write programs that answer nothing in the place of interpreters; raises StorageError.

    maturin passes over such, and describes the Python by what it brings itself ("Cross compiling"): a wheel depends on
    no Python that happens to be on a machine.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in interpreters:
            path = folder / name
            path.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
            path.chmod(0o755)
    except OSError as error:
        raise StorageError(f"cannot write {folder}: {error.strerror}", where=str(folder)) from error


def command(
    toolchain: Toolchain,
    build: NativeBuild,
    *,
    package: Path,
    interpreters: tuple[str, ...],
    hidden: Path,
    compatibility: str | None,
    output: Path,
    target_folder: Path,
    cache: Path,
    environment: Mapping[str, str],
    offline: bool = False,
    extra: Mapping[str, str] | None = None,
) -> Command:
    """Build the wheels of the package in a folder for a target, one for each of the `interpreters`, in one call.

    What depends on no Python is compiled once, in the one `target_folder`. `hidden` is a folder of `hide_interpreters`;
    `compatibility` is a platform tag without its machine, by which zig also knows the C library to link for; what is in
    the wheels is measured by who calls this, so maturin's own audit is left out.
    """
    platform = build.platform
    argv = [
        *toolchain.tool(NAME).argv,
        *("build", "--zig", "--locked", *(["--offline"] if offline else [])),
        *("--profile", build.profile, "--target", platform.triple, "--target-dir", str(target_folder)),
        *("--out", str(output), "--auditwheel", "skip"),
        *(("--compatibility", compatibility) if compatibility else ()),
        *(option for name in interpreters for option in ("--interpreter", name)),
        *(("--", *link) if (link := cargo.link_options(build)) else ()),
    ]
    env = cargo.native_environment(
        toolchain, build, target_folder=target_folder, cache=cache, environment=environment, extra=extra
    )
    path = ":".join((str(hidden), *([environment["PATH"]] if environment.get("PATH") else [])))
    return Command(tuple(argv), {**env, "PATH": path, "CARGO_TERM_COLOR": "never"}, package)


def progress(line: str) -> str | None:
    """What a line of its output says of its progress, for people."""
    line = without_colours(line)
    if crate := _COMPILING.match(line):
        return f"compiling {crate[1]}"
    if wheel := _BUILT.match(line):
        return f"built for {wheel[1] or 'abi3'}"
    return None


def explain(failed: ToolFailed, source: str) -> FerruleError:
    """What a failure means: the first error with its place, or maturin's own reason; `source` is the package."""
    output = without_colours(failed.stdout + failed.stderr)
    if re.search(r"^error(\[\w+\])?:", output, re.MULTILINE):
        return cargo_failures.explain(failed)
    causes = _CAUSE.findall(output)
    hint = "correct [tool.maturin] in the package's pyproject.toml, or the crate" if causes else failed.hint
    message = causes[-1] if causes else "the build failed"
    return BuildError(f"maturin: {message}", where=source, hint=hint, output=failed.output)


def report_to(say: Callable[[str], None]) -> Callable[[str], None]:
    """A listener to its output that says what it is doing."""

    def read_line(line: str) -> None:
        if message := progress(line):
            say(message)

    return read_line


TOOL: Final = ToolDefinition(
    name=NAME,
    version="1.16.0",
    setting="Version of maturin, which builds wheels with extension modules.",
    pattern=EXACT_VERSION,
    find=lambda search: [find(search.host, search.versions[NAME])],
    requires=("cargo", "zig"),
)
