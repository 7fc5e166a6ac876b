"""Finishes and checks the documentation site that zensical built: python docs/site.py site.

With the `offline` plugin each page loads one script from another host; the copy in docs/javascripts takes its place.
What is checked is the HTML as readers get it: every link and anchor leads somewhere, and nothing is loaded from
elsewhere. Home-made, because zensical checks links between Markdown files only, and link checkers ask the network.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHIM: Final = "https://unpkg.com/iframe-worker/shim"
_LOCAL_SHIM: Final = "javascripts/iframe-worker.js"
_NOT_FOUND: Final = "404.html"  # shown at any address, so its links begin at the root
_LOADED_BY_CSS: Final = re.compile(r"""(?:url\(|@import)\s*["']?(?:https?:)?//[^"')\s]+""")
_LOADING_RELATIONS: Final = frozenset({"stylesheet", "icon", "preload", "modulepreload", "prefetch", "preconnect"})


@dataclass(slots=True)
class Page:
    """What a page of the site links to, loads, and can be entered at."""

    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.page.anchors |= {attributes[name] for name in ("id", "name") if name in attributes}
        if tag == "a" and "href" in attributes:
            self.page.links.append(attributes["href"])
        if tag == "link" and _LOADING_RELATIONS & set(attributes.get("rel", "").split()):
            self.page.loads.append(attributes.get("href", ""))
        if "src" in attributes:
            self.page.loads.append(attributes["src"])


def read(text: str) -> Page:
    """The links, loaded files and anchors of an HTML page."""
    reader = _Reader()
    reader.feed(text)
    return reader.page


def use_local_shim(site: Path) -> None:
    """Have every page load the site's copy of the script instead of the one on another host."""
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        depth = len(path.relative_to(site).parts) - 1
        path.write_text(text.replace(_SHIM, "../" * depth + _LOCAL_SHIM), encoding="utf-8")


def problems(site: Path) -> Iterator[str]:
    """What is wrong with a site: links and anchors that lead nowhere, and files that come from another host."""
    pages = {path: read(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(site).as_posix()
        for link in [*page.links, *page.loads]:
            url = urlsplit(link)
            if url.scheme or url.netloc:
                if link in page.loads and url.scheme != "data":
                    yield f"{name}: loads {link}"
                continue
            if url.path.startswith("/") and path.name != _NOT_FOUND:
                yield f"{name}: {link} works only at the root of a host"
                continue
            folder = site if url.path.startswith("/") else path.parent
            target = (folder / unquote(url.path).lstrip("/")).resolve() if url.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                yield f"{name}: no file for {link}"
            elif url.fragment and target in pages and unquote(url.fragment) not in pages[target].anchors:
                yield f"{name}: no anchor for {link}"
    for path in sorted(site.rglob("*.css")):
        for match in _LOADED_BY_CSS.findall(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(site).as_posix()}: loads {match}"


def main(site: Path) -> int:
    """Finish the site and print what is wrong with it."""
    site = site.resolve()
    use_local_shim(site)
    lines = list(problems(site))
    count = sum(1 for _ in site.rglob("*.html"))
    print("\n".join([*lines, f"{count} pages: {len(lines)} problems"]))  # noqa: T201 - what it is run for
    return 1 if lines or not count else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
