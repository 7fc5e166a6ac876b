"""What is wrong with a tool, and what would put it right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, Self

from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ferrule.core.model import Tool
    from ferrule.tools.host import Host

NO_NETWORK: Final = "no network may be used"


class Installer(Protocol):
    """A change to the machine that puts a tool right. Installers are equal when they do the same."""

    @property
    def method(self) -> str:
        """What it installs by, in a word or two, such as `apt` or `wheel`."""

    @property
    def stage(self) -> int:
        """Installers of a lower stage run first."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of tools that must be installed before."""

    def command(self, host: Host) -> str:
        """The command a person would type."""

    def blocked_reason(self, host: Host) -> str | None:
        """Why it cannot run on this machine, or None."""

    def install(self, host: Host, tools: Mapping[str, Tool], say: Callable[[str], None]) -> None:
        """Install; raises ToolchainError, NetworkError or StorageError."""


@dataclass(frozen=True, slots=True)
class ToolProblem:
    """A tool that is missing or unfit: `fix` says what to do, `fixable` whether `installer` may do it here.

    `required` is the version a project needs, `version` what the machine has instead, `path` where that is.
    """

    tool: str
    problem: str
    fix: str
    fixable: bool = False
    installer: Installer | None = None
    required: str = ""
    version: str = ""
    path: str = ""

    @classmethod
    def with_installer(
        cls,
        host: Host,
        tool: str,
        problem: str,
        installer: Installer,
        *,
        required: str = "",
        version: str = "",
        path: str = "",
    ) -> Self:
        """A problem with an installer; where that is blocked, the fix says why and names the command."""
        blocked = installer.blocked_reason(host)
        command = installer.command(host)
        fix = f"{command}   ({blocked}: run it yourself)" if blocked else command
        return cls(tool, problem, fix, blocked is None, installer, required, version, path)


def matches(required: str, version: str) -> bool:
    """Whether a version is the required one or a refinement of it.

    >>> matches("1.96", "1.96.0"), matches("1.9", "1.96.0")
    (True, False)
    """
    parts = required.split(".")
    return version.replace("-", ".").replace("+", ".").split(".")[: len(parts)] == parts
