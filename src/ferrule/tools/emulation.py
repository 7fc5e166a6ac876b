"""Programs of another architecture: the kernel's binfmt_misc and qemu's user-mode emulators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.core.errors import ToolchainError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Tool
from ferrule.core.platforms import PLATFORMS
from ferrule.tools.definition import ToolDefinition
from ferrule.tools.installers import apt
from ferrule.tools.problems import ToolProblem
from ferrule.tools.run import ToolFailed, ToolMissing, capture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ferrule.tools.host import Host
    from ferrule.tools.problems import Installer

_PACKAGES = apt.Packages(("qemu-user-static", "binfmt-support"))


def name(machine: str) -> str:
    """The tool that runs programs of a machine: `qemu-aarch64`."""
    return f"qemu-{machine}"


def find(host: Host, machine: str) -> Tool | ToolProblem:
    """The emulator that the kernel starts for programs of `machine` (`aarch64`, `x86_64`), or this machine itself."""
    tool = name(machine)
    if host.machine.lower() in {machine, {"aarch64": "arm64", "x86_64": "amd64"}.get(machine)}:
        return Tool(tool, "native", (), f"{tool} native")
    program = host.which(f"qemu-{machine}-static") or host.which(f"qemu-{machine}")
    if program is None:
        return ToolProblem.with_installer(host, tool, "not installed", _PACKAGES)
    entry = host.kernel / "sys" / "fs" / "binfmt_misc" / tool
    if not entry.is_file() or not entry.read_text(encoding="utf-8").startswith("enabled"):
        problem = "the kernel does not know it yet"
        return ToolProblem.with_installer(host, tool, problem, _registration(host, machine), path=str(program))
    try:
        words = capture([str(program), "--version"], env=host.children, timeout=20).stdout.split()
    except (ToolFailed, ToolMissing) as error:
        return ToolProblem.with_installer(host, tool, error.message.splitlines()[0], _PACKAGES, path=str(program))
    version = words[words.index("version") + 1] if "version" in words else "unknown"
    return Tool(tool, version, (str(program),), f"{tool} {version}")


def _registration(host: Host, machine: str) -> Installer:
    """How the kernel gets to know an emulator: by a program that a package brings, which may be missing alone."""
    if host.which("update-binfmts") is None and apt.available(host):
        return apt.Packages(("binfmt-support",))
    return Register(machine)


@dataclass(frozen=True, slots=True)
class Register:
    """Tell the kernel about an emulator that is installed."""

    machine: str

    method = "binfmt"
    stage = 3
    needs = ()

    def command(self, host: Host) -> str:
        """The commands that a person would type."""
        sudo = "" if host.is_root else "sudo "
        return " && ".join(f"{sudo}{' '.join(step)}" for step in self._steps(host))

    def blocked_reason(self, host: Host) -> str | None:
        """Whether we may."""
        if not host.is_root:
            return "only root may change the kernel's table"
        return None if host.which("update-binfmts") else "there is no update-binfmts"

    def install(self, host: Host, tools: Mapping[str, Tool], say: Callable[[str], None]) -> None:  # noqa: ARG002
        """Mount the table if it is not there and enable the entry; raises ToolchainError."""
        say(f"telling the kernel about qemu-{self.machine}")
        for step in self._steps(host):
            try:
                capture([str(host.which(step[0]) or step[0]), *step[1:]], env=host.children)
            except (ToolFailed, ToolMissing) as error:
                raise ToolchainError(f"qemu-{self.machine} could not be registered:\n{error.message}") from error

    def _steps(self, host: Host) -> list[list[str]]:
        table = host.kernel / "sys" / "fs" / "binfmt_misc"
        mount = [] if (table / "register").exists() else [["mount", "-t", "binfmt_misc", "binfmt_misc", str(table)]]
        # Packages that were configured inside a container, or in another order, have imported nothing.
        description = host.programs.parent / "share" / "binfmts" / name(self.machine)
        importing = [["update-binfmts", "--import", name(self.machine)]] if description.is_file() else []
        return [*mount, *importing, ["update-binfmts", "--enable", name(self.machine)]]


def _definition(machine: str) -> ToolDefinition:
    return ToolDefinition(
        name=name(machine),
        find=lambda search: [find(search.host, machine)],
        recorded=False,  # no file tells what the kernel knows
    )


TOOLS: Final = tuple(
    _definition(machine)
    for machine in dict.fromkeys(row.machine for row in PLATFORMS.values() if row.family.object_format == "elf")
)
