"""Markdown of a changelog as markup: text, lists, headings, code and links, and nothing that is fetched or run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from markdown_it import MarkdownIt

from ferrule.reporting.page.markup import Html, joined, raw, tag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

_BLOCKS: Final = frozenset({"p", "ul", "ol", "li", "blockquote", "em", "strong"})
_HEADING: Final = re.compile(r"h([1-6])")
_LINK: Final = re.compile(r"(https?://|mailto:)", re.IGNORECASE)
_HIGHEST: Final = 3
"""The level of headings below that of the section."""


def prose(text: str) -> Html:
    """The markup of a text in Markdown (CommonMark); HTML in it is text, and so are pictures.

    A link leads somewhere only if that is an address of its own: what is relative to a repository is not here.
    """
    return joined(_elements(iter(MarkdownIt("commonmark", {"html": False}).disable("image").parse(text))))


def _elements(tokens: Iterator[Token]) -> Iterator[Html]:
    """The elements up to the end of the one that the tokens are in."""
    for token in tokens:
        if token.nesting < 0:
            return
        if token.nesting > 0:
            yield _element(token, joined(_elements(tokens)))
        elif token.type == "inline":
            yield from _elements(iter(token.children or ()))
        elif token.type in {"fence", "code_block"}:
            lines = (joined(line, raw("\n")) for line in token.content.splitlines())
            yield tag("pre", tag("code", lines))
        elif token.type in {"hardbreak", "hr"}:
            yield tag(token.tag)
        elif token.type == "code_inline":
            yield tag("code", token.content)
        else:
            yield joined(token.content or " ")


def _element(token: Token, content: Html) -> Html:
    if token.hidden:  # the paragraphs of a list whose items stand close together
        return content
    if heading := _HEADING.fullmatch(token.tag):
        return tag(f"h{max(int(heading[1]), _HIGHEST)}", content)
    target = str(token.attrs.get("href", ""))
    if token.tag == "a" and _LINK.match(target):
        return tag("a", content, href=target)
    return tag(token.tag, content) if token.tag in _BLOCKS else content
