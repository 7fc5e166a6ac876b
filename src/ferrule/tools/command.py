"""A program call as a value: built by the module of a program, run by whoever has the environment and the log."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Protocol

from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Command:
    """A program call: arguments, what the environment has beyond the usual, and the folder to work in."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None


class Runner(Protocol):
    """Runs a command, hands over each line, and returns its standard output."""

    def __call__(
        self, command: Command, /, *, on_line: Callable[[str], None] | None = None, marks: Collection[str] = ()
    ) -> str:
        """Raises BuildError if the command fails; with `on_line`, which receives each line, nothing is returned.

        With `marks`, it receives those alone that hold one of these texts.
        """
