"""HTML and SVG as values: text can only become markup by being escaped."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape as escape_markup
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_VOID: Final = frozenset({"br", "col", "hr", "input", "link", "meta", "wbr"})


@dataclass(frozen=True, slots=True)
class Html:
    """Finished markup; made by `tag`, `joined` and `raw` alone."""

    text: str


Node = Html | str | None
"""What may stand within an element: markup, text that is to be escaped, or nothing."""
Value = str | float | bool | None


def tag(name: str, /, *children: Node | Iterable[Node], **attributes: Value) -> Html:
    """An element. `class_` stands for `class` and `data_key` for `data-key`; None and False leave an attribute out.

    >>> tag("td", "a < b", class_="x", data_key=1).text
    '<td class="x" data-key="1">a &lt; b</td>'
    """
    rendered = "".join(_attribute(key, value) for key, value in attributes.items())
    inner = joined(*children).text
    return Html(f"<{name}{rendered}>" if name in _VOID else f"<{name}{rendered}>{inner}</{name}>")


def joined(*children: Node | Iterable[Node]) -> Html:
    """Several pieces one after the other."""
    return Html("".join(_text(child) for child in children))


def raw(text: str) -> Html:
    """Text of our own that is markup already; never anything that was read."""
    return Html(text)


def shown(text: str) -> str:
    r"""A text with everything that does not print written out, so that no control or bidi mark can disguise it.

    >>> shown("a\u202eb\ud800")
    'a\\u202eb\\ud800'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def number(value: float) -> str:
    """A number for an attribute: at most two decimals, none that say nothing.

    >>> number(12.0), number(1 / 3)
    ('12', '0.33')
    """
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _text(child: Node | Iterable[Node]) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child.text
    if isinstance(child, str):
        return escape_markup(shown(child))
    return "".join(_text(one) for one in child)


def _attribute(key: str, value: Value) -> str:
    name = key.removesuffix("_").replace("_", "-")
    if value is None or value is False:
        return ""
    if value is True:
        return f" {name}"
    return f' {name}="{escape_markup(shown(value if isinstance(value, str) else number(value)))}"'
