"""What the pages share: a self-contained HTML file that works without scripts and depends on no clock.

Everything that was read may be hostile (names, reasons, versions), so text reaches a page through `markup` only, and
a page forbids itself everything but its own style and script, each by its digest (Content Security Policy Level 3,
section 6.7.3.3, "Does element match source list for type and source?").
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.reporting.page import words
from ferrule.reporting.page.markup import Html, Node, raw, tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_FOLDER: Final = Path(__file__).parent


def document(
    title: str,
    parts: Mapping[str, str],
    header: Html,
    sections: Iterable[Node],
    footer: str,
    *,
    styles: tuple[str, ...],
    script: str,
) -> str:
    """A page: `parts` are the anchors of its sections with their names, `styles` and `script` files beside this one."""
    style = "".join((_FOLDER / name).read_text(encoding="utf-8") for name in styles)
    code = (_FOLDER / script).read_text(encoding="utf-8")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, code)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", raw(style)),
    )
    links = (tag("li", tag("a", name, href=f"#{anchor}")) for anchor, name in parts.items())
    body = tag(
        "body",
        tag("a", "To the content", href="#content", class_="skip"),
        header,
        tag("nav", tag("ul", links), aria_label="Parts of this page"),
        tag("main", *sections, id="content"),
        tag("footer", words.paragraph(footer)),
        tag("script", raw(code)),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en').text}\n"


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src {_source_of(style)}; script-src {_source_of(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _source_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
