"""Files of a release that are larger than `max-size` of targets.yaml allows."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from ferrule.core.byte_size import parse_size, size
from ferrule.core.errors import VerificationError
from ferrule.core.facts import Facts
from ferrule.kinds.base import sized_outputs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ferrule.config import Config
    from ferrule.core.model import Outcome, Output

_SECTIONS: Final = 4
_IN_MEMORY: Final = re.compile(r"bss\b|__common|\.relro_padding")
"""Sections that take no room in a file."""


def check_sizes(config: Config, outcomes: Iterable[Outcome]) -> None:
    """Raise VerificationError for files that are too large, with each limit's place and the largest sections."""
    problems = [problem for outcome in outcomes for problem in _problems(config, outcome)]
    if problems:
        lines = "\n".join(f"  - {line}" for _, line in problems)
        raise VerificationError(
            f"{len(problems)} file{'s are' if problems[1:] else ' is'} larger than `max-size` allows:\n{lines}",
            where=problems[0][0],
            hint="make it smaller, or raise `max-size`; nothing was released",
        )


def _problems(config: Config, outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Place of the limit, and what is wrong."""
    action = outcome.action
    artifact = next(one for one in config.artifacts if one.name == action.artifact)
    limits = artifact.by_target.get(action.target or "", artifact.spec).max_size
    for name, output in sized_outputs(action):
        for glob, limit in limits.items():
            bytes_of = _size(outcome, output)
            if fnmatchcase(name, glob) and bytes_of > parse_size(limit):
                where = config.location_for(action.target, action.artifact, "max-size", glob)
                of = f"{action.artifact} for {action.target}" if action.target else action.artifact
                line = f"{name} of {of} has {bytes_of} bytes ({size(bytes_of)}), and {limit} are allowed ({where})"
                yield where, line + _largest_sections(outcome, output)


def _size(outcome: Outcome, output: Output) -> int:
    """Bytes of a file, or of all files in a folder."""
    return sum(f.size for f in outcome.files if f.name == output.name or f.name.startswith(f"{output.name}/"))


def _largest_sections(outcome: Outcome, output: Output) -> str:
    """The sections that take most room, where the file is a compiled one."""
    measured = Facts.from_json(outcome.facts, outcome.action.id).compiled.get(output.role)
    in_file = [item for item in (measured.sections if measured else {}).items() if not _IN_MEMORY.search(item[0])]
    sections = sorted(in_file, key=lambda item: -item[1])[:_SECTIONS]
    return "; most of it: " + ", ".join(f"{name} {size(count)}" for name, count in sections) if sections else ""
