"""The documentation site, as far as it can be checked without building it, and the checks of the built one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from test_docs import FENCE, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SETTINGS: dict[str, Any] = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]


def pages_of(nav: Any) -> Iterator[str]:
    """The pages of a navigation, in order."""
    if isinstance(nav, str):
        yield nav
    else:
        for entry in nav.values() if isinstance(nav, dict) else nav:
            yield from pages_of(entry)


def test_every_page_is_in_the_navigation_once() -> None:
    assert sorted(pages_of(SETTINGS["nav"])) == sorted(p.relative_to(DOCS).as_posix() for p in DOCS.rglob("*.md"))


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda p: p.relative_to(DOCS).as_posix())
def test_no_link_leaves_what_the_site_holds(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", FENCE.sub("", page.read_text(encoding="utf-8")))
    relative = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in relative if not (page.parent / link).resolve().is_relative_to(DOCS)] == []


def test_no_font_comes_from_elsewhere() -> None:
    assert SETTINGS["theme"]["font"] is False
    assert SETTINGS["docs_dir"] == "docs"


def test_the_built_site_is_not_committed() -> None:
    assert f"/{SETTINGS['site_dir']}/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


# What `scripts/nox -s docs` checks of the built site


@pytest.fixture(scope="module")
def site() -> ModuleType:
    return load(DOCS / "site.py")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "javascripts").mkdir()
    (tmp_path / "javascripts" / "iframe-worker.js").write_text("")
    (tmp_path / "index.html").write_text('<h1 id="top">x</h1><a href="sub/">a</a><a href="sub/index.html#b">b</a>')
    (tmp_path / "sub" / "index.html").write_text(
        '<p id="b"></p><a href="https://example.org/">out</a><script src="https://unpkg.com/iframe-worker/shim"></script>'
    )
    return tmp_path


def test_a_good_site_has_no_problems(site: ModuleType, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.main(folder) == 0
    assert capsys.readouterr().out == "2 pages: 0 problems\n"
    assert 'src="../javascripts/iframe-worker.js"' in (folder / "sub" / "index.html").read_text()


def test_an_empty_site_is_a_mistake(site: ModuleType, tmp_path: Path) -> None:
    assert site.main(tmp_path) == 1


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ('<a href="gone.html">x</a>', "page.html: no file for gone.html"),
        ('<a href="index.html#gone">x</a>', "page.html: no anchor for index.html#gone"),
        ('<a href="#gone">x</a>', "page.html: no anchor for #gone"),
        ('<a href="/index.html">x</a>', "page.html: /index.html works only at the root of a host"),
        ('<img src="gone.png">', "page.html: no file for gone.png"),
        ('<img src="https://example.org/a.png">', "page.html: loads https://example.org/a.png"),
        ('<script src="//example.org/a.js"></script>', "page.html: loads //example.org/a.js"),
        ('<link rel="stylesheet" href="https://example.org/a.css">', "page.html: loads https://example.org/a.css"),
    ],
)
def test_problem_of_a_page(site: ModuleType, folder: Path, html: str, problem: str) -> None:
    (folder / "page.html").write_text(html)
    site.use_local_shim(folder)
    assert list(site.problems(folder)) == [problem]


@pytest.mark.parametrize("css", ["a { src: url(https://example.org/f.woff) }", '@import "//example.org/a.css";'])
def test_a_style_sheet_that_loads_from_elsewhere(site: ModuleType, folder: Path, css: str) -> None:
    (folder / "a.css").write_text(css)
    site.use_local_shim(folder)
    assert [line.partition(" ")[0] for line in site.problems(folder)] == ["a.css:"]
