"""Problems of a document while it is read: collected with positions, without repetitions, raised all at once."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, NoReturn

from ferrule.core.errors import ConfigError, ConfigErrors
from ferrule.core.frozen import dataclass
from ferrule.core.masked import masked

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST = 100
"""The most problems that are reported; a document with more is not read further."""

_SHOWN = 60
_SIMILAR = 0.6
_EFFORT = 300_000


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the document: line and column, both counted from 1, the column in characters."""

    line: int
    column: int


@dataclass(slots=True)
class Problems:
    """The problems found so far in the document called `file`.

    `effort` bounds what the search for similar names may cost in a document made to be expensive; it counts pairs of
    characters compared.
    """

    file: str
    by_position: dict[tuple[Position, str], ConfigError] = field(default_factory=dict)
    closed: set[Position] = field(default_factory=set)
    effort: int = _EFFORT

    def where(self, mark: Position) -> str:
        """`file:line:column`, as editors and terminals turn it into a link."""
        return f"{self.file}:{mark.line}:{mark.column}"

    def add(self, mark: Position, message: str, hint: str, where: str | None = None) -> None:
        """Note a problem; nothing is added at a closed position, and the same problem there only once.

        `where` is the place to show if that is in another file, which the document names at `mark`.
        """
        if mark not in self.closed:
            self._note(mark, ConfigError(message, hint=hint, where=where or self.where(mark)))

    def has(self, mark: Position) -> bool:
        """Whether there is a problem at this position."""
        return any(position == mark for position, _ in self.by_position)

    def close(self, mark: Position, message: str, hint: str) -> None:
        """Add a problem and close its position: further problems there would not help."""
        self.add(mark, message, hint)
        self.closed.add(mark)

    def fatal(self, mark: Position, message: str, hint: str) -> NoReturn:
        """Note a problem after which the document cannot be read further; raises ConfigErrors."""
        self.add(mark, message, hint)
        raise self.error()

    def error(self) -> ConfigErrors:
        """All of it, in the order of the document."""
        return ConfigErrors(tuple(self.by_position[key] for key in sorted(self.by_position)))

    def check(self) -> None:
        """Raise ConfigErrors if there is any problem."""
        if self.by_position:
            raise self.error()

    def nearest(self, word: str, names: Iterable[str]) -> str | None:
        """The name most like the word (Ratcliff and Obershelp, by difflib), or None if none is alike."""
        from difflib import SequenceMatcher  # noqa: PLC0415 - 1 ms, for a mistake

        best, best_ratio = None, _SIMILAR
        matcher = SequenceMatcher(autojunk=False, b=word) if len(word) <= _SHOWN else None
        for name in names:
            self.effort -= len(word) * len(name)
            if matcher is None or self.effort < 0:
                break
            matcher.set_seq1(name)
            if matcher.quick_ratio() >= best_ratio and (ratio := matcher.ratio()) >= best_ratio:
                best, best_ratio = name, ratio + 1e-9
        return best

    def suggestion(self, word: str, names: Iterable[str], otherwise: str) -> str:
        """A hint: the nearest name if there is one, otherwise the given text."""
        name = self.nearest(word, names)
        return f"did you mean {name}?" if name is not None else otherwise

    def _note(self, mark: Position, error: ConfigError) -> None:
        self.by_position.setdefault((mark, error.message), error)
        if len(self.by_position) > MOST:
            self.by_position.popitem()
            last = max(m for m, _ in self.by_position)
            more = "there are more errors than are shown"
            self.by_position[last, more] = ConfigError(more, hint="correct these first", where=self.where(last))
            raise self.error()


def quote(text: str) -> str:
    """The text in double quotes, shortened, with everything escaped that could mislead a reader or a terminal.

    Secrets in addresses are masked.
    """
    text = masked(text)
    short = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return '"' + "".join(_escaped(c) for c in short) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def listed(names: Iterable[str], most: int = 12) -> str:
    """Names as a list in a sentence: `a, b and c`, or `none`; long lists are cut."""
    shown = list(names)
    if len(shown) > most:
        shown = [*shown[: most - 1], f"{len(shown) - most + 1} more"]
    head, tail = shown[:-1], shown[-1:]
    return " and ".join([", ".join(head), *tail]) if head else (tail[0] if tail else "none")
