"""What actions record of their outputs for the actions that need them, as values with one reader each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from ferrule.core.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ferrule.core.model import Json

_VERSION: Final = re.compile(r"(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class BuildIdentity:
    """What an output carries of its build: digest of sources, tools and flags, and that of its interface if any."""

    fingerprint: str | None = None
    interface: str | None = None

    @classmethod
    def from_json(cls, facts: Mapping[str, Json], action: str) -> Self:
        """Read the facts of an action; raises VerificationError where they are of other types."""
        return cls(_text(facts, "fingerprint", action), _text(facts, "interface", action))

    def to_json(self) -> dict[str, Json]:
        """The facts as they are recorded."""
        return {**self.values()}

    def values(self) -> dict[str, str]:
        """Those that there are, by name."""
        pairs = {"fingerprint": self.fingerprint, "interface": self.interface}
        return {name: value for name, value in pairs.items() if value}


@dataclass(frozen=True, slots=True)
class MeasuredLibrary:
    """What was measured of a dynamic library; `glibc` is the oldest that loads it, for the sake of some symbols."""

    needed: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()
    glibc: tuple[int, int] | None = None
    glibc_because_of: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, facts: Mapping[str, Json], action: str) -> Self:
        """Read the summary of a library (`formats.binary.summary`); raises VerificationError for other types."""
        version = _text(facts, "glibc", action)
        numbers = _VERSION.fullmatch(version) if version is not None else None
        if version is not None and numbers is None:
            raise _damaged(action, "glibc", "a version", version)
        return cls(
            needed=_texts(facts, "needed", action),
            exports=_texts(facts, "exports", action),
            glibc=(int(numbers[1]), int(numbers[2])) if numbers else None,
            glibc_because_of=_texts(facts, "glibc_because_of", action),
        )


@dataclass(frozen=True, slots=True)
class LibraryFacts:
    """What is recorded of a library.

    `link` are options that its static library is linked with, `reads` the files of the project that its compilation
    read; `cdylib` is what was measured of the dynamic one.
    """

    identity: BuildIdentity = BuildIdentity()
    link: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    cdylib: MeasuredLibrary | None = None

    @classmethod
    def from_json(cls, facts: Mapping[str, Json], action: str) -> Self:
        """Read the facts of an action; raises VerificationError where they are of other types."""
        measured = facts.get("cdylib")
        if measured is not None and not isinstance(measured, dict):
            raise _damaged(action, "cdylib", "an object", measured)
        return cls(
            identity=BuildIdentity.from_json(facts, action),
            link=_texts(facts, "link", action),
            reads=_texts(facts, "reads", action),
            cdylib=MeasuredLibrary.from_json(measured, action) if measured is not None else None,
        )

    def to_json(self) -> dict[str, Json]:
        """The facts as they are recorded, but for what is measured: that is recorded file by file, in full."""
        reads: dict[str, Json] = {"reads": [*self.reads]} if self.reads else {}
        return {"link": [*self.link], **reads, **self.identity.to_json()}


def _text(facts: Mapping[str, Json], name: str, action: str) -> str | None:
    value = facts.get(name)
    if value is not None and not isinstance(value, str):
        raise _damaged(action, name, "a string", value)
    return value


def _texts(facts: Mapping[str, Json], name: str, action: str) -> tuple[str, ...]:
    value = facts.get(name, [])
    texts = tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
    if not isinstance(value, list) or len(texts) < len(value):
        raise _damaged(action, name, "a list of strings", value)
    return texts


def _damaged(action: str, name: str, expected: str, value: Json) -> VerificationError:
    return VerificationError(
        f"the recorded facts of {action} are damaged: {name}: expected {expected}, found {value!r}",
        hint="ferrule cache verify",
    )
