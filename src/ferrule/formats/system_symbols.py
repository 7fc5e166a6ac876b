"""What the libraries of an operating system define, whichever list that was read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Version: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SystemSymbols:
    """Symbols by the name under which their library is asked for, each with the first version that has it.

    `system` is what the versions are of; a list that knows no versions has empty ones. `always` are the libraries that
    every one of the others brings into a process.
    """

    system: str
    libraries: Mapping[str, Mapping[str, Version]]
    always: tuple[str, ...] = ()
