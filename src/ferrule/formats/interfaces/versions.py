"""Which version changes ask for (Semantic Versioning 2.0.0), and whether a release has it.

Before 1.0 the specification promises nothing. What Cargo and npm make of that counts here: the leftmost number that is
not 0 is raised for a breaking change, and below it something is raised for an addition.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ferrule.formats.interfaces import Change

_SEMVER: Final = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_NAMES: Final = ("major", "minor", "patch")


@dataclass(frozen=True, slots=True)
class Version:
    """A version: its three numbers, and what comes before the release of that number."""

    numbers: tuple[int, int, int]
    pre: tuple[tuple[int, int, str], ...] = ()

    @property
    def rank(self) -> tuple[object, ...]:
        """A value that sorts as versions do (SemVer, section 11)."""
        return (self.numbers, not self.pre, self.pre)


def parse(text: str) -> Version:
    """Read a version; raises ValueError for anything that is none."""
    match = _SEMVER.fullmatch(text)
    if match is None:
        raise ValueError(f"not a version as SemVer has them: {text!r}")
    parts = match[4].split(".") if match[4] else []
    pre = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)
    return Version((int(match[1]), int(match[2]), int(match[3])), pre)


@dataclass(frozen=True, slots=True)
class Needed:
    """The least version that changes ask for, which of its numbers is raised (none: ""), and why."""

    version: str
    bump: str
    why: str


def needed(recorded: str, changes: tuple[Change, ...]) -> Needed:
    """What has to follow a version after such changes. Raises ValueError for what is no version.

    >>> from ferrule.formats.interfaces import added, broken
    >>> needed("0.3.1", (broken("f()", "is gone"),)).version, needed("1.2.3", (added("f()"),)).version
    ('0.4.0', '1.3.0')
    """
    version = parse(recorded)
    if not changes:
        return Needed(recorded, "", "nothing that users build against has changed")
    breaking = any(change.breaking for change in changes)
    # Where it stands there is nothing below the leftmost number, an addition has to raise that one too.
    first = next((at for at, number in enumerate(version.numbers) if number), 2)
    at = first if breaking else min(first + 1, 2)
    if version.pre and not any(version.numbers[at + 1 :]):
        # What 1.2.4-rc.1 breaks are users of 1.2.3, which 2.0.0-rc.1 has raised the number for already.
        plain = ".".join(map(str, version.numbers))
        return Needed(plain, "pre-release", f"before {plain} itself is released that may change")
    numbers = [*version.numbers[:at], version.numbers[at] + 1, 0, 0][:3]
    what = "a breaking change" if breaking else "an addition"
    since = " before 1.0" if version.numbers[0] == 0 else ""
    return Needed(".".join(map(str, numbers)), _NAMES[at], f"{what} raises the {_NAMES[at]} number{since}")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of an interface since a release that was recorded, and whether the new version says so.

    `problems` are reasons why the new release must not have its version; none means that it may.
    """

    recorded: str
    release: str
    changes: tuple[Change, ...]
    needed: Needed
    problems: tuple[str, ...]


def judge(recorded: str, release: str, changes: tuple[Change, ...]) -> Comparison:
    """Compare the version of a release with the one that its changes ask for.

    Raises ValueError for what is no version.
    """
    old, new, least = parse(recorded), parse(release), needed(recorded, changes)
    if new.rank < old.rank:
        problem = f"{release} is older than {recorded}, which is recorded"
    elif changes and old.pre and new.rank <= old.rank:
        problem = f"{release} is recorded already, with another interface"
    elif changes and new.numbers < parse(least.version).numbers:
        problem = f"the version is {release}, and has to be {least.version} at least: {least.why}"
    else:
        problem = ""
    return Comparison(recorded, release, changes, least, (problem,) if problem else ())
