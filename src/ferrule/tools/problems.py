"""What is wrong with a tool, and what would put it right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ferrule.core.model import Tool
    from ferrule.tools.host import Host

NO_NETWORK: Final = "no network may be used"


class Installer(Protocol):
    """A change to the machine that puts something right. Remedies are equal when they do the same."""

    @property
    def road(self) -> str:
        """How it comes, in a word or two, such as `apt` or `wheel`."""

    @property
    def stage(self) -> int:
        """Remedies of a lower stage go first."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of tools that must have been found before."""

    def command(self, host: Host) -> str:
        """The command a person would type."""

    def hindrance(self, host: Host) -> str | None:
        """Why it may not be applied here, or None."""

    def apply(self, host: Host, tools: Mapping[str, Tool], say: Callable[[str], None]) -> None:
        """Apply it; raises ToolchainError, NetworkError or StorageError."""


@dataclass(frozen=True, slots=True)
class ToolProblem:
    """A tool that is missing or unfit: `fix` says what to do, `fixable` whether `ferrule setup` may, by `remedy`."""

    tool: str
    problem: str
    fix: str
    fixable: bool = False
    remedy: Installer | None = None
    wanted: str = ""
    found: str = ""
    place: str = ""

    @classmethod
    def with_remedy(
        cls,
        host: Host,
        tool: str,
        problem: str,
        remedy: Installer,
        *,
        wanted: str = "",
        found: str = "",
        place: str = "",
    ) -> Self:
        """A fault with a remedy; where it may not be applied here, the fix says why and names the command."""
        hindrance = remedy.hindrance(host)
        command = remedy.command(host)
        fix = f"{command}   ({hindrance}, so this is for you to run)" if hindrance else command
        return cls(tool, problem, fix, hindrance is None, remedy, wanted, found, place)


def matches(wanted: str, found: str) -> bool:
    """Whether a version is the wanted one or a refinement of it.

    >>> matches("1.96", "1.96.0"), matches("1.9", "1.96.0")
    (True, False)
    """
    parts = wanted.split(".")
    return found.replace("-", ".").replace("+", ".").split(".")[: len(parts)] == parts
