"""The wording of names, sizes, times and states in the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.core.byte_size import size
from ferrule.reporting.page.markup import Html, joined, tag
from ferrule.reporting.page.subject import short
from ferrule.reporting.report import duration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ferrule.core.model import Action
    from ferrule.reporting.journal import JournalStep
    from ferrule.reporting.page.markup import Node

_MARKS: Final = {
    "built": "●",
    "cached": "○",
    "shared": "◍",
    "remote": "◍",
    "failed": "✕",
    "skipped": "–",  # noqa: RUF001 - a mark
    "earlier": "◌",
    "absent": "□",
}
_WORDS: Final = {
    "built": "built in the last run",
    "cached": "from the cache",
    "shared": "from another checkout",
    "remote": "from the remote cache",
    "failed": "failed",
    "skipped": "skipped",
    "earlier": "from an earlier run",
    "absent": "not built yet",
}


def name_of(action: Action | JournalStep) -> str:
    """An action's name beside its target.

    The part of its id before the target, or all of it where it has none.
    """
    return action.id.removesuffix(f"@{action.target}") if action.target else action.id


def label(action: Action | JournalStep) -> str:
    """Name and target in one line."""
    return f"{name_of(action)} · {short(action.target)}" if action.target else name_of(action)


def took(seconds: float) -> str:
    """Seconds for people, in milliseconds where they are few.

    >>> took(0.0421), took(12.34)
    ('42 ms', '12.3 s')
    """
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else duration(seconds)


def exact(count: int) -> Html:
    """A size that people can read, with its bytes for programs and on hovering."""
    return tag("data", size(count), value=str(count), title=f"{count:,} bytes")


def digest(hexadecimal: str) -> Html:
    """The beginning of a digest, all of it on hovering."""
    return tag("code", hexadecimal[:12], title=hexadecimal, data_digest=hexadecimal)


def state(name: str, more: str = "") -> Html:
    """A state as a mark and a word; `more` stands behind it."""
    return tag("span", _mark(name), " ", _WORDS[name], more, class_=f"state {name}")


def mark(name: str) -> Html:
    """A state as a mark alone; its word is there for those who cannot see it."""
    return tag("span", _mark(name), unseen(_WORDS[name]), class_=f"state {name}", title=_WORDS[name])


def _mark(name: str) -> Html:
    return tag("span", _MARKS[name], aria_hidden="true")


def unseen(text: str) -> Html:
    """Text for screen readers alone."""
    return tag("span", text, class_="unseen")


def states(names: Iterable[str]) -> Html:
    """The legend of the marks of these states."""
    return tag("ul", (tag("li", state(name)) for name in _MARKS if name in names), class_="key")


def table(caption: str, head: tuple[Node, ...], rows: list[tuple[Node, ...]], numeric: tuple[int, ...] = ()) -> Html:
    """A table in a box of its own that scrolls; the first cell of each row is its heading.

    `numeric` are columns of numbers.
    """
    return boxed(
        caption,
        tag(
            "table",
            tag("caption", caption, class_="unseen"),
            tag("thead", tag("tr", *(_cell("th", cell, at in numeric, "col") for at, cell in enumerate(head)))),
            tag("tbody", *(tag("tr", _row(row, numeric)) for row in rows)),
        ),
    )


def _row(row: tuple[Node, ...], numeric: tuple[int, ...]) -> Html:
    first, *others = row
    return joined(
        _cell("th", first, numeric=False, scope="row"),
        *(_cell("td", cell, at in numeric) for at, cell in enumerate(others, 1)),
    )


def _cell(name: str, content: Node, numeric: bool, scope: str | None = None) -> Html:
    return tag(name, content, scope=scope, class_="number" if numeric else None)


def boxed(caption: str, content: Html) -> Html:
    """Something wide in a box that scrolls by itself, and that can be reached by keyboard to do so."""
    return tag("div", content, class_="box", role="group", aria_label=caption, tabindex=0)


def section(anchor: str, heading: str, *content: Node) -> Html:
    """A part of the page."""
    title = tag("h2", heading, id=f"{anchor}-title")
    return tag("section", title, *content, id=anchor, aria_labelledby=f"{anchor}-title")


def paragraph(*content: Node) -> Html:
    """A paragraph."""
    return tag("p", *content)


def key_of(entries: list[tuple[str, str]]) -> Html:
    """What colours stand for: pairs of a class and a word."""
    rows = (tag("li", tag("span", class_=f"swatch {name}"), " ", word) for name, word in entries)
    return tag("ul", *rows, class_="key")
