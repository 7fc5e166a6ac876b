"""The next version: what interface and commits since the last one ask for (Semantic Versioning 2.0.0)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from ferrule.config.sections import VERSION
from ferrule.core.errors import UsageError
from ferrule.core.frozen import dataclass
from ferrule.formats.interfaces import Change
from ferrule.formats.interfaces.versions import needed, parse
from ferrule.formats.versions import is_semver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.app.versioning.commits import Described

Level = Literal["major", "minor", "patch"]
LEVELS: Final[tuple[Level, ...]] = ("major", "minor", "patch")
_SHOWN: Final = 80  # signs of a version in a message
_PRE: Final = re.compile(r"[A-Za-z][0-9A-Za-z-]*")


@dataclass(frozen=True, slots=True)
class Decision:
    """The next version, why it is that one, and the changes that decided: of the interface, then those of commits."""

    old: str
    new: str
    why: str
    changes: tuple[Change, ...] = ()


def decide(old: str, interface: tuple[Change, ...], commits: tuple[Described, ...]) -> Decision | None:
    """The least version that what has changed asks for; None where nothing has.

    The interface was measured, so that commits only add to it: one that says `fix` does not make a break smaller.
    """
    changes = (*interface, *_of_commits(commits))
    if not changes and not commits:
        return None
    if not changes:
        return Decision(old, raised(old, "patch"), "something has changed, and nothing that users build against")
    least = needed(old, changes)
    return Decision(old, least.version, least.why, changes)


def _of_commits(commits: tuple[Described, ...]) -> Iterator[Change]:
    for commit in commits:
        text = f"({commit.commit[:8]})"
        if commit.breaking:
            yield Change(commit.breaking, text, breaking=True, of="commit")
        elif commit.is_feature:
            yield Change(commit.subject, text, breaking=False, of="commit")


def raised(old: str, level: Level) -> str:
    """A version with one of its numbers raised; one before a release becomes that release if the number asks for it.

    >>> raised("1.2.3", "minor"), raised("2.0.0-rc.1", "major"), raised("1.2.3-rc.1", "patch")
    ('1.3.0', '2.0.0', '1.2.3')
    """
    version = parse(old)
    at = LEVELS.index(level)
    if version.pre and not any(version.numbers[at + 1 :]):
        return ".".join(map(str, version.numbers))
    return ".".join(map(str, [*version.numbers[:at], version.numbers[at] + 1, 0, 0][:3]))


def check(version: str) -> None:
    """Raise UsageError for a version that no targets.yaml could state.

    Cargo takes numbers below 2**64 and npm below 2**53; those of targets.yaml are shorter than either.
    """
    if is_stated(version):
        return
    raise UsageError(
        f"{_short(version)} is no version that targets.yaml could state",
        hint="write three numbers of at most nine digits, and words of at most 32 signs after a - or +",
    )


def _short(words: str) -> str:
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"


def is_stated(version: str) -> bool:
    """Whether a targets.yaml could state it.

    >>> is_stated("1.2.3-rc.1"), is_stated("99999999999999999999.0.0"), is_stated("1.2.3-01")
    (True, False, False)
    """
    return re.fullmatch(VERSION, version) is not None and is_semver(version)


def final(version: str) -> str:
    """The release that a pre-release comes before; any other version is its own.

    >>> final("1.3.0-rc.1")
    '1.3.0'
    """
    return ".".join(map(str, parse(version).numbers))


def chosen(old: str, words: str) -> Decision:
    """The version that a person chose: `major`, `minor`, `patch`, or one that is newer. Raises UsageError."""
    for level in LEVELS:
        if words == level:
            return Decision(old, raised(old, level), f"the {level} number, as it was asked for")
    if not is_semver(words):
        hint = "write major, minor or patch, or a version such as 1.2.3"
        raise UsageError(f"{_short(words)!r} is not a version", hint=hint)
    check(words)
    if parse(words).rank <= parse(old).rank:
        raise UsageError(f"{words} is not newer than {old}", hint="versions only rise: what was published stays")
    return Decision(old, words, "as it was asked for")


def before_release(old: str, new: str, name: str) -> str:
    """The next version before `new` is released: `1.3.0-rc.1`, then `-rc.2`. Raises UsageError for another name.

    >>> before_release("1.2.3", "1.3.0", "rc"), before_release("1.3.0-rc.1", "1.3.0", "rc")
    ('1.3.0-rc.1', '1.3.0-rc.2')
    """
    if not _PRE.fullmatch(name):
        raise UsageError(f"{name!r} is not the name of a pre-release", hint="write alpha, beta or rc")
    plain = new.partition("+")[0].partition("-")[0]
    version = parse(old)
    same = version.pre and ".".join(map(str, version.numbers)) == plain
    number = version.pre[1][1] + 1 if same and version.pre[0][2] == name and len(version.pre) > 1 else 1
    candidate = f"{plain}-{name}.{number}"
    if parse(candidate).rank <= version.rank:
        raise UsageError(f"{candidate} is not newer than {old}", hint="name a later stage, such as rc after beta")
    return candidate
