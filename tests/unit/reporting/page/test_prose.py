"""Markdown of changelogs on a page."""

from __future__ import annotations

import pytest
from pages import HOSTILE, Parsed

from ferrule.reporting.page.prose import prose


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("a **b** _c_ `d`", "<p>a <strong>b</strong> <em>c</em> <code>d</code></p>"),
        ("# One\n\n#### Four", "<h3>One</h3><h4>Four</h4>"),
        ("- a\n- b\n  c", "<ul><li>a</li><li>b c</li></ul>"),
        ("1. a\n\n2. b", "<ol><li><p>a</p></li><li><p>b</p></li></ol>"),
        ("a  \nb\n\n---", "<p>a<br>b</p><hr>"),
        ("```sh\na <b>\nc\n```", "<pre><code>a &lt;b&gt;\nc\n</code></pre>"),
        ("    code", "<pre><code>code\n</code></pre>"),
        ("> q", "<blockquote><p>q</p></blockquote>"),
        ("[x](https://example.org/?a=1&b)", '<p><a href="https://example.org/?a=1&amp;b">x</a></p>'),
        ("<mailto:me@example.org>", '<p><a href="mailto:me@example.org">mailto:me@example.org</a></p>'),
        ("[x](docs/x.md)", "<p>x</p>"),
        ("![p](https://example.org/p.png)", '<p>!<a href="https://example.org/p.png">p</a></p>'),
        ("<b onclick=x>y</b>", "<p>&lt;b onclick=x&gt;y&lt;/b&gt;</p>"),
        ("a\u202eb", "<p>a\\u202eb</p>"),
        ("", ""),
    ],
)
def test_what_becomes_of_it(text: str, markup: str) -> None:
    assert prose(text).text == markup


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "form", ["{}", "[a]({})", "[{}](https://e.org)", "`{}`", "# {}", "- {}", "```{}\n{}\n```", "<{}>"]
)
def test_nothing_hostile_comes_through(text: str, form: str) -> None:
    parsed = Parsed(prose(form.replace("{}", text)).text)
    assert parsed.tags <= {"p", "a", "code", "pre", "h3", "ul", "li", "blockquote", "em", "strong", "br", "hr", "ol"}
    assert {name for _, name, _ in parsed.attributes} <= {"href"}
    assert all(value.startswith(("https://", "mailto:")) for value in parsed.values("href"))
