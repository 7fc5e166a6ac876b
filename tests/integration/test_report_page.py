"""The pages about the real release, in a browser: as wide as a phone and as a desk, in light and in dark, on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from browser import Browser
from judges import ferrule, program

from ferrule.reporting.html import page
from ferrule.reporting.page import downloads

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from released import Release

PHONE, DESK = 360, 1280
LOOKS = [(width, dark) for width in (PHONE, DESK) for dark in (False, True)]

# What overflows the window, except in a box that scrolls by itself.
WIDER = """[...document.querySelectorAll("body *")].filter((element) => {
  const box = element.parentElement.closest(".box");
  return !box && !element.closest(".skip") && element.getBoundingClientRect().right > innerWidth + 1;
}).map((element) => element.outerHTML.slice(0, 200))"""
# Texts that are cut off at the end of the window or lie over each other on the axis of the timeline.
CROWDED = """(() => {
  const texts = [...document.querySelectorAll(".timeline > text")].map((text) => text.getBoundingClientRect());
  const over = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  return texts.filter((a, at) => a.right > innerWidth || texts.slice(at + 1).some((b) => over(a, b))).length;
})()"""
# Labels that are cut off at the end of their bar.
CUT = """[...document.querySelectorAll("svg svg text")].filter((text) => {
  const bar = text.parentElement.getBoundingClientRect();
  return getComputedStyle(text).display !== "none" && text.getBoundingClientRect().right > bar.right;
}).map((text) => text.textContent)"""
# What the matrix says of each action: artifact, column, sizes and digests.
MATRIX = """[...document.querySelectorAll("#matrix .result")].map((made) => [
  made.closest("tr").querySelector("b").textContent,
  document.querySelectorAll("#matrix thead th")[made.closest("td").cellIndex].textContent,
  [...made.querySelectorAll("div > data")].map((size) => +size.value),
  [...made.querySelectorAll("code")].map((code) => code.dataset.digest)])"""


@pytest.fixture(scope="module")
def shown(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as the command writes it."""
    file = tmp_path_factory.mktemp("page") / "report.html"
    assert ferrule("report", "--release", "email-validator", release.dist, "--output", file).stdout == f"{file}\n"
    return file


@pytest.fixture(scope="module")
def browser(judged: None) -> Iterator[Browser]:  # noqa: ARG001
    with Browser(program("chromium")) as browser:
        yield browser


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_page_fits_and_is_quiet(browser: Browser, shown: Path, tmp_path: Path, width: int, dark: bool) -> None:
    browser.open(shown, width=width, dark=dark)
    assert browser.evaluate("document.title").startswith("email-validator ")
    assert browser.evaluate("[innerWidth, document.documentElement.scrollWidth]") == [width, width]
    assert browser.evaluate(WIDER) == []
    assert browser.evaluate(CROWDED) == 0
    assert browser.evaluate(CUT) == []
    ground = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    red = int(ground.removeprefix("rgb(").split(",")[0])
    assert red < 64 if dark else red > 192
    browser.picture(tmp_path / "page.png", height=900)
    assert (tmp_path / "page.png").stat().st_size > 10_000
    assert browser.complaints() == []


def test_numbers_are_those_of_the_manifest(browser: Browser, shown: Path, release: Release) -> None:
    browser.open(shown)
    output = browser.evaluate(MATRIX)
    for row in (*release.manifest["artifacts"], *release.manifest["packed"]):
        name = row.get("file") or row["name"]
        if "/" not in name:
            ((sizes, _),) = cells(output, row["artifact"], row["target"], row["sha256"])
            assert row["size"] in sizes, name
    image = [row for row in release.manifest["artifacts"] if row["artifact"] == "image"]
    (index,) = [row["sha256"] for row in image if row["file"] == "image/index.json"]
    assert cells(output, "image", None, index) == [([sum(row["size"] for row in image)], [index])]
    shipped = browser.evaluate('[...document.querySelectorAll("header data")].map((number) => +number.value)')
    assert shipped == [len(release.manifest["artifacts"]), sum(row["size"] for row in release.manifest["artifacts"])]


def cells(told: list[Any], artifact: str, target: str | None, digest: str) -> list[tuple[list[int], list[str]]]:
    """Where the matrix tells a digest: sizes and digests of the actions of its artifact and target that have it."""
    column = target.replace("-unknown", "") if target else "for all targets"
    return [(sizes, digests) for a, c, sizes, digests in told if (a, c) == (artifact, column) and digest in digests]


def test_sections_are_those_of_the_manifest(browser: Browser, shown: Path, release: Release) -> None:
    browser.open(shown)
    rows = browser.evaluate("""[...document.querySelectorAll("#sections tbody tr")].map((row) => [
      row.cells[0].firstChild.textContent.trim(), row.cells[1].textContent, +row.querySelector("data").value])""")
    expected = [
        [action, section, size]
        for action, facts in release.manifest["facts"].items()
        for output in facts.values()
        if isinstance(output, dict) and "sections" in output
        for section, size in output["sections"].items()
    ]
    assert sorted(rows) == sorted(expected)
    assert len({action for action, _, _ in rows}) >= 4


def test_pieces_of_a_bar_are_as_long_as_their_share(browser: Browser, shown: Path) -> None:
    browser.open(shown)
    bars = browser.evaluate("""[...document.querySelectorAll(".sized")].map((sized) => [
      +sized.querySelector("data").value, sized.querySelector("svg").getBoundingClientRect().width,
      [...sized.querySelectorAll(".piece > rect")].map((rect) => rect.getBoundingClientRect().width)])""")
    assert max(sum(pieces) / width for _, width, pieces in bars) == pytest.approx(1, abs=0.01)
    assert len(bars) >= 4


def test_hovering_and_filtering(browser: Browser, shown: Path) -> None:
    browser.open(shown)
    lit = browser.evaluate("""(() => {
      const made = document.querySelector("#matrix .result");
      made.dispatchEvent(new MouseEvent("mouseover", {bubbles: true}));
      const on = document.querySelectorAll(".lit").length;
      made.dispatchEvent(new MouseEvent("mouseout", {bubbles: true}));
      return [on, document.querySelectorAll(".lit").length, document.querySelectorAll("#graph .node").length];
    })()""")
    assert lit[0] >= 2
    assert lit[1] == 0
    assert lit[2] >= 10
    assert browser.complaints() == []


def test_a_page_full_of_hostile_texts_does_nothing(browser: Browser, tmp_path: Path) -> None:
    from unit.reporting.pages import HOSTILE, hostile  # noqa: PLC0415

    for number, text in enumerate(HOSTILE):
        file = tmp_path / f"{number}.html"
        file.write_text(page(hostile(text)), encoding="utf-8")
        browser.open(file, width=PHONE)
        browser.evaluate("document.querySelectorAll('*').forEach((e) => e.dispatchEvent(new MouseEvent('mouseover')))")
        assert browser.evaluate("window.reached ?? null") is None
        assert browser.evaluate("[...document.scripts].length") == 1
        assert browser.evaluate("[innerWidth, document.documentElement.scrollWidth]") == [PHONE, PHONE], text
        assert browser.complaints() == []
        filtered = """(() => { const field = document.getElementById("filter"); field.value = "no such action";
          field.dispatchEvent(new Event("input"));
          return [...document.querySelectorAll("#why tbody tr")].filter((row) => !row.hidden).length; })()"""
        assert browser.evaluate(filtered) == 0


def test_policy_stops_what_is_not_ours(browser: Browser, shown: Path, tmp_path: Path) -> None:
    file = tmp_path / "changed.html"
    more = (
        '<script>window.reached = 1</script><img src="https://example.org/x.png" onerror="window.reached = 2"></body>'
    )
    file.write_text(shown.read_text(encoding="utf-8").replace("</body>", more), encoding="utf-8")
    browser.open(file)
    assert browser.evaluate("window.reached ?? null") is None
    assert len(browser.complaints()) >= 2


def test_without_its_script_the_page_tells_the_same(browser: Browser, shown: Path) -> None:
    browser.open(shown)
    text = browser.evaluate("document.body.innerText")
    browser("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(shown)
        browser("Emulation.setScriptExecutionDisabled", value=False)
        plain = browser.evaluate("document.body.innerText")
    finally:
        browser("Emulation.setScriptExecutionDisabled", value=False)
    assert plain.split() == text.replace("Filter:", "").split()


def test_on_paper_nothing_is_cut_off(browser: Browser, shown: Path) -> None:
    browser.open(shown, width=794, media="print")
    assert browser.evaluate("document.documentElement.scrollWidth") == 794
    assert browser.evaluate('[...document.querySelectorAll("nav, .skip")].map((e) => getComputedStyle(e).display)') == [
        "none",
        "none",
    ]
    output = browser("Page.printToPDF", printBackground=True)["data"]
    assert len(output) > 10_000


# The page for those who download it


@pytest.fixture(scope="module")
def offered(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That page as the command writes it, with a changelog."""
    folder = tmp_path_factory.mktemp("offered")
    version = release.manifest["release"]
    (folder / "CHANGES.md").write_text(
        f"# {version}\n\n- A {'very_' * 40}long word and `{'code' * 40}`.\n\n```\n{'x' * 200}\n```\n"
    )
    ferrule(
        "page",
        release.dist,
        "--output",
        folder / "p.html",
        "--changelog",
        folder / "CHANGES.md",
        "--quiet",
    )
    return folder / "p.html"


@pytest.mark.parametrize("width", [PHONE, 768, DESK])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_for_downloads_fits_and_is_quiet(
    browser: Browser, offered: Path, tmp_path: Path, width: int, dark: bool
) -> None:
    browser.open(offered, width=width, dark=dark)
    browser.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert browser.evaluate("[innerWidth, document.documentElement.scrollWidth]") == [width, width]
    assert browser.evaluate(WIDER) == []
    cut = """[...document.querySelectorAll("body *")].filter((one) => one.scrollWidth > one.clientWidth + 1
      && getComputedStyle(one).overflowX !== "visible").map((one) => one.outerHTML.slice(0, 200))"""
    assert browser.evaluate(cut) == []
    ground = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    red = int(ground.removeprefix("rgb(").split(",")[0])
    assert red < 64 if dark else red > 192
    browser.picture(tmp_path / "page.png", height=900)
    assert (tmp_path / "page.png").stat().st_size > 10_000
    assert browser.complaints() == []


def test_a_click_copies_a_digest_or_selects_it(browser: Browser, offered: Path, release: Release) -> None:
    browser.open(offered)
    first = "document.querySelector('.copied')"
    digest = browser.evaluate(f"{first}.querySelector('code').textContent")
    assert digest in {row["sha256"] for row in release.manifest["artifacts"]}
    clicked = browser.evaluate(
        f"(async () => {{ const button = {first}.querySelector('button'); const shown = !button.hidden; button.click();"
        " await new Promise((done) => setTimeout(done, 300));"
        " return [shown, button.textContent, getSelection().toString()]; })()"
    )
    assert clicked[:2] in ([True, "Copied"], [True, "Selected"])
    assert clicked[2] in {digest, ""}
    assert browser.evaluate(f"getComputedStyle({first}.querySelector('code')).userSelect") == "all"
    links = browser.evaluate(
        "[...document.querySelectorAll('#files a')].map((link) => decodeURIComponent(link.getAttribute('href')))"
    )
    assert {row["file"] for row in release.manifest["artifacts"]} <= set(links)
    browser("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(offered)
        browser("Emulation.setScriptExecutionDisabled", value=False)
        plain = browser.evaluate("[document.body.innerText.includes('Copy'), document.body.innerText]")
    finally:
        browser("Emulation.setScriptExecutionDisabled", value=False)
    assert plain[0] is False
    assert digest in plain[1]


def test_that_page_full_of_hostile_texts_does_nothing(browser: Browser, tmp_path: Path) -> None:
    from unit.reporting.pages import HOSTILE, hostile_downloads  # noqa: PLC0415

    for number, text in enumerate(HOSTILE):
        file = tmp_path / f"{number}.html"
        file.write_text(downloads.page(hostile_downloads(text), "../dist/"), encoding="utf-8")
        browser.open(file, width=PHONE)
        browser.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        browser.evaluate("document.querySelectorAll('*').forEach((e) => e.dispatchEvent(new MouseEvent('mouseover')))")
        assert browser.evaluate("window.reached ?? null") is None
        assert browser.evaluate("[...document.scripts].length") == 1
        assert browser.evaluate("document.images.length") == 0
        assert browser.evaluate("[innerWidth, document.documentElement.scrollWidth]") == [PHONE, PHONE], text
        assert browser.complaints() == []
