"""A C compiler of this machine, which rustc needs to link build scripts and procedural macros."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.core.errors import ToolchainError, VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Tool
from ferrule.tools.definition import ToolDefinition
from ferrule.tools.installers import apt
from ferrule.tools.probe_output import probe_output
from ferrule.tools.problems import ToolProblem
from ferrule.tools.run import ToolFailed, capture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ferrule.tools.host import Host

_STARTUP: Final = "crt1.o"
_PACKAGES = apt.Packages(("gcc", "libc6-dev"))


def find(host: Host) -> Tool | ToolProblem:
    """The program `cc`. What it makes runs while building and is never shipped, so any version will do."""
    program = host.which("cc")
    installer = CommandLineTools() if host.system == "Darwin" else _PACKAGES
    if program is None:
        return ToolProblem.with_installer(host, "cc", "not installed: Rust links build scripts with it", installer)
    # A compiler that does not find a file repeats its name (gcc and clang, -print-file-name).
    if host.system == "Linux" and probe_output(host, program, f"-print-file-name={_STARTUP}") == _STARTUP:
        problem = f"it links nothing, as the files of the C library for that are missing ({_STARTUP})"
        return ToolProblem.with_installer(host, "cc", problem, installer, path=str(program))
    return Tool("cc", "any", (str(program),), "cc")


def preprocess(cc: Tool, options: tuple[str, ...], *, folder: Path, environment: Mapping[str, str]) -> str:
    """What a compiler's preprocessor makes of a file; raises VerificationError with its words if it refuses."""
    try:
        return capture([*cc.argv, *options], env=environment, cwd=folder, timeout=60).stdout
    except ToolFailed as error:
        lines = error.message.splitlines()
        message = next((line for line in lines if "error:" in line), lines[0]).strip(" |")
        raise VerificationError(f"the header cannot be preprocessed: {message}") from error


@dataclass(frozen=True, slots=True)
class CommandLineTools:
    """On macOS Apple's own installer, which asks a person."""

    method = "desktop"
    stage = 0
    needs = ()

    def command(self, host: Host) -> str:  # noqa: ARG002
        """What to type."""
        return "xcode-select --install"

    def blocked_reason(self, host: Host) -> str | None:  # noqa: ARG002
        """It asks questions on the screen."""
        return "it needs the desktop"

    def install(self, host: Host, tools: Mapping[str, Tool], say: Callable[[str], None]) -> None:  # noqa: ARG002
        """Never done by us; raises ToolchainError."""
        raise ToolchainError("there is no C compiler", hint=self.command(host))


TOOL: Final = ToolDefinition(name="cc", find=lambda search: [find(search.host)])
