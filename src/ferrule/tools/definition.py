"""What Ferrule has to know of a program that it finds and installs: one frozen definition for each.

A file of this folder ends with its definition, and `toolchain/registry.py` lists it. Everything else is derived from
that list: the keys under `toolchain` in targets.yaml, their schema, defaults and reference, what a plan requires, the
search, and the rows of `ferrule doctor`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ferrule.core.model import Tool
    from ferrule.core.platforms import Platform
    from ferrule.core.toolchain import RustInstallation, RustSource
    from ferrule.tools.host import Host
    from ferrule.tools.problems import ToolProblem

    SearchResult = Tool | ToolProblem | RustInstallation
    Probe = Callable[[Tool, Host, Platform, str | None], ToolProblem | None]

VERSION: Final = r"^[0-9]{1,5}(\.[0-9]{1,5}){0,2}(-[a-z]+(\.[0-9]{1,5})?)?$"
"""A version, or the first parts of one."""
EXACT_VERSION: Final = r"^[0-9]{1,5}\.[0-9]{1,5}\.[0-9]{1,5}$"


@dataclass(frozen=True, slots=True)
class ToolSearch:
    """What the search for a tool goes by: the machine, the versions to look for, and what the rest of a plan needs.

    `needed` are the names of all tools of the plan, `rust` is the Rust that was found before, if one was.
    """

    host: Host
    versions: Mapping[str, str]
    triples: tuple[str, ...]
    needed: frozenset[str]
    rust_source: RustSource | None = None
    rust: RustInstallation | None = None


def _nothing_more(_platform: Platform) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolDefinition:
    """A program, or several that come together.

    `name` is also its key under `toolchain` in targets.yaml where `setting` describes one; `version` is the default and
    `pattern` what others look like. `programs` are the names under which actions ask for it, by default its own.
    `requires` are tools that it cannot work without, `requires_for` those that it needs besides for a target.
    `recorded` says that it is unchanged as long as its files are. `probe` tries it out for a target and its floor.
    """

    name: str
    find: Callable[[ToolSearch], Iterable[SearchResult]]
    version: str = ""
    setting: str = ""
    pattern: str = VERSION
    programs: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    requires_for: Callable[[Platform], tuple[str, ...]] = _nothing_more
    recorded: bool = True
    probe: Probe | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which actions ask for it."""
        return self.programs or (self.name,)
