"""What the documentation promises: links that lead somewhere, examples that are taken, pages that are current."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ferrule import config, plan
from ferrule.app.publish import DESTINATIONS
from ferrule.app.release.run import disk_of
from ferrule.core import errors
from ferrule.core.platforms import PLATFORMS
from ferrule.kinds import KINDS
from ferrule.toolchain.registry import TOOLS

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    p
    for p in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/*.md"), *ROOT.glob("rust/*.md"))
    if p.is_file()
)
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
CHECKED = re.compile(r"<!-- checked -->\n```yaml\n(.*?)```", re.DOTALL)


def load(path: Path) -> ModuleType:
    """A script of the repository as a module."""
    spec = importlib.util.spec_from_file_location(f"_{path.parent.name}_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


# Links


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def broken(page: Path) -> list[str]:
    """Links of a page, within the repository, that lead to nothing."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    result = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        outside = re.match(r"[a-z]+:", link)
        if not outside and not (target.exists() and (not anchor or anchor in anchors(target))):
            result.append(link)
    return result


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A `heading`: one\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md) [b](there.md#a-heading-one) [c](gone.md) [d](there.md#gone) [e](https://example.org/x)\n"
        "```\n[f](in-a-fence.md)\n```\n"
    )
    assert broken(page) == ["gone.md", "there.md#gone"]


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        links = re.findall(r"\]\(([^)#\s]+)", FENCE.sub("", page.read_text(encoding="utf-8")))
        waiting += [(page.parent / link).resolve() for link in links if "://" not in link]
    assert sorted(p for p in PAGES if p.is_relative_to(ROOT / "docs") and p not in seen) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_pictures_are_small_and_load_nothing(page: Path) -> None:
    for link in re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        picture = page.parent / link
        assert picture.stat().st_size < 200_000
        assert set(re.findall(rb"https?://[\w./]+", picture.read_bytes())) <= {b"http://www.w3.org/2000/svg"}


# Examples


def examples() -> list[Any]:
    return [
        pytest.param(text, id=f"{page.relative_to(ROOT).as_posix()}-{number}")
        for page in PAGES
        for number, text in enumerate(CHECKED.findall(page.read_text(encoding="utf-8")))
    ]


def furnish(root: Path, document: dict[str, Any]) -> None:
    """Make a project in which a targets.yaml finds everything that it names."""
    folder = root / document["project"]["version"]["cargo"]
    crates = sorted({a["crate"] for a in document["artifacts"].values() if "crate" in a})
    write(folder / "Cargo.toml", f'[workspace]\nmembers = {crates}\n[workspace.package]\nversion = "0.1.0"\n')
    locked = "".join(f'\n[[package]]\nname = "{crate}"\nversion = "0.1.0"\n' for crate in crates)
    write(folder / "Cargo.lock", f"version = 4\n{locked}")
    for crate in crates:
        package = f'[package]\nname = "{crate}"\nversion.workspace = true\n'
        write(folder / crate / "Cargo.toml", f'{package}[lib]\ncrate-type = ["cdylib", "staticlib"]\n')
        write(folder / crate / "src" / "lib.rs", "")
        write(folder / crate / "src" / "main.rs", "")
        write(folder / crate / "wit" / "world.wit", "package a:b;\nworld c {}\n")
    for name in document["project"].get("license-files", []):
        write(root / name, "A licence\n")
    for artifact in document["artifacts"].values():
        if "source" in artifact:
            write(root / artifact["source"] / "pyproject.toml", '[project]\nname = "p"\ndynamic = ["version"]\n')
            write(root / artifact["source"] / "src" / "p" / "__init__.py", "")
        if "base" in artifact:
            write(root / artifact["base"], (ROOT / "packaging" / "image" / "base.lock").read_text())


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def planned(root: Path, text: str) -> plan.Plan:
    furnish(root, yaml.safe_load(text))
    write(root / "targets.yaml", text)
    loaded = config.load(root, KINDS, DESTINATIONS)

    return plan.plan(loaded, loaded.project, disk_of(root))


def test_there_are_examples_to_check() -> None:
    assert {p.id.rpartition("-")[0] for p in examples()} >= {"README.md", "docs/tutorial.md"}


@pytest.mark.parametrize("text", examples())
def test_example_is_taken_and_planned(tmp_path: Path, text: str) -> None:
    assert planned(tmp_path, text).actions


@pytest.mark.parametrize("text", examples())
def test_example_with_a_mistake_is_not_taken(tmp_path: Path, text: str) -> None:
    with pytest.raises(errors.ConfigErrors):
        planned(tmp_path, text.replace("kind: checksums", "kind: checksum"))


# Generated pages


def test_man_pages_are_current() -> None:
    script = load(ROOT / "docs" / "man.py")
    written = {page.name: page.read_text(encoding="utf-8") for page in script.FOLDER.iterdir()}
    assert written == script.pages(), "run: python docs/man.py"


def test_commands_page_is_current() -> None:
    script = load(ROOT / "docs" / "commands.py")
    assert script.PAGE.read_text(encoding="utf-8") == script.page(), "run: python docs/commands.py"


def test_table_of_kinds_and_targets_is_current() -> None:
    script = load(ROOT / "docs" / "limits.py")
    text = script.PAGE.read_text(encoding="utf-8")
    assert "| `x86_64-unknown-linux-gnu` | yes |" in text
    assert text == script.page(text), "run: python docs/limits.py"


@pytest.fixture(scope="module")
def libraries() -> ModuleType:
    return load(ROOT / "docs" / "libraries.py")


@pytest.mark.parametrize("library", ["email-validator", "sealed-box", "signal-stats"])
def test_audit_of_a_library_is_current(libraries: ModuleType, library: str) -> None:
    text = (libraries.FOLDER / f"{library}.md").read_text(encoding="utf-8")
    assert text.count("python docs/libraries.py") == len(libraries.blocks(library))
    assert text == libraries.page(library, text), "run: python docs/libraries.py"


@pytest.mark.parametrize("library", ["email-validator", "sealed-box", "signal-stats"])
def test_audit_has_every_function_and_error_of_the_recorded_interface(libraries: ModuleType, library: str) -> None:
    recorded = json.loads((ROOT / "packaging" / "abi" / library / "interface.json").read_text(encoding="utf-8"))
    (headers,) = recorded["headers"].values()
    names = {name for header in headers.values() for name in header["functions"]}
    errors = {
        (number, name)
        for header in headers.values()
        for enum, values in header["enums"].items()
        if enum.endswith("Status")
        for name, number in values.items()
    }
    text = libraries.header(library)
    assert {function.name for function in libraries.functions(text)} == names
    assert {(number, name) for number, name, _ in libraries.statuses(text)} == errors
    assert all(says.endswith(".") for _, _, says in libraries.statuses(text))


def test_audit_counts_the_crates_of_the_lock_file(libraries: ModuleType) -> None:
    locked = libraries.locked()
    rows = {crate: row["sha256"] for crates in libraries.recorded().values() for crate, row in crates.items()}
    assert {crate: locked.get(crate) for crate in rows} == rows, "run: python docs/libraries.py --crates"


@pytest.mark.parametrize("library", ["email-validator", "sealed-box", "signal-stats"])
def test_audit_counts_every_crate_that_a_library_asks_for(libraries: ModuleType, library: str) -> None:
    counted = {crate.partition(" ")[0] for crate in libraries.recorded()[library]} | {library, "boundary"}
    manifests = [
        tomllib.loads((ROOT / "rust" / crate / "Cargo.toml").read_text(encoding="utf-8"))
        for crate in ("boundary", library, f"{library}-ffi")
    ]
    assert {name for manifest in manifests for name in manifest.get("dependencies", {})} <= counted


def test_audit_names_tests_that_exist() -> None:
    pages = {page: page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "libraries").glob("*.md")}
    paths = {
        path for text in pages.values() for path in re.findall(r"`((?:rust|tests|packaging)/[\w./-]+\.\w+)`", text)
    }
    assert len(paths) > 20
    assert [path for path in sorted(paths) if not (ROOT / path).is_file()] == []


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("fn f() { unsafe { g() } }", (1, 0, 0)),
        ('pub unsafe extern "C" fn f() {}\nunsafe fn g() {}', (0, 2, 0)),
        ("unsafe impl Send for A {}\nunsafe impl<T> Sync for A {}", (0, 0, 2)),
        ('struct A(unsafe extern "C" fn(u8), unsafe fn());', (0, 0, 0)),
        ('#[unsafe(no_mangle)]\nextern "C" fn f() {}\nunsafe extern "C" { fn g(); }', (0, 0, 0)),
        (
            '// unsafe {\n/* unsafe { /* unsafe { */ */ const A: &str = "unsafe {"; const B: &str = r#"unsafe {"#;',
            (0, 0, 0),
        ),
        ("#[cfg(test)]\nmod tests { fn f() { unsafe { g() } } }\nfn h() { unsafe { g() } }", (1, 0, 0)),
        ("#[cfg(test)]\nmod tests;\nfn h() { unsafe { g() } }", (1, 0, 0)),
        ("#[cfg(test)]\nfn f() { unsafe { g() } }\nfn h() {}", (0, 0, 0)),
    ],
)
def test_what_counts_as_unsafe(libraries: ModuleType, text: str, counts: tuple[int, int, int]) -> None:
    sources = {"lib.rs": text, "tests/mod.rs": "unsafe fn f() {}", "tests.rs": "unsafe fn f() {}"}
    assert libraries.count(sources) == libraries.Unsafe(*counts)


def test_a_crate_may_forbid_unsafe(libraries: ModuleType) -> None:
    assert libraries.count({"lib.rs": "#![forbid(missing_docs, unsafe_code)]\n"}).forbidden


def test_support_page_has_what_ci_and_the_defaults_say() -> None:
    text = (ROOT / "docs" / "support.md").read_text(encoding="utf-8")
    ci = yaml.safe_load((ROOT / "targets.yaml").read_text(encoding="utf-8"))["ci"]
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    defaults = [tool.version for tool in TOOLS.values() if tool.setting]
    words = [*ci["tests"], *ci["consumers"], oldest.removeprefix(">="), *defaults, *PLATFORMS]
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize("name", ["targets", "manifest"])
def test_published_schema_is_named_after_the_version_of_its_format(name: str) -> None:
    schema = json.loads((ROOT / "docs" / f"{name}.schema.json").read_text(encoding="utf-8"))
    assert schema["$id"] == f"urn:ferrule:{name}:{schema['properties']['version']['const']}"
    assert schema["$id"] in (ROOT / "docs" / "schemas.md").read_text(encoding="utf-8")


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\((\d{4}-[a-z0-9-]+\.md)\) \| ", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == sorted(p.name for p in folder.glob("0*.md"))
    for name in listed:
        assert (folder / name).read_text(encoding="utf-8").startswith(f"# {name[:4]}: ")


# What bench makes of what it measures


@pytest.fixture(scope="module")
def figures() -> ModuleType:
    return load(ROOT / "bench" / "figures.py")


def test_ratio_is_that_of_the_medians(figures: ModuleType) -> None:
    ours = [figures.Sample(wall=w, cpu=c) for w, c in ((1.0, 9.0), (2.0, 3.0), (50.0, 3.0))]
    theirs = [figures.Sample(wall=w, cpu=c) for w, c in ((4.0, 2.0), (4.0, 2.0), (4.0, 1.0))]
    wall, cpu = figures.ratios("x", "ours to theirs", ours, theirs, wall=0.5, cpu=1.4)
    assert (wall.name, wall.value, wall.met) == ("x-wall", 0.5, True)
    assert (cpu.name, cpu.value, cpu.met) == ("x-cpu", 1.5, False)
    assert wall.detail == "2.00 s to 4.00 s, 3 rounds"


def test_commands_in_a_row_cost_their_sum(figures: ModuleType) -> None:
    assert figures.total([figures.Sample(1.0, 2.0), figures.Sample(3.0, 4.0)]) == figures.Sample(4.0, 6.0)


def test_table_tells_goals_and_what_has_none(figures: ModuleType) -> None:
    result = [
        figures.Figure("a", "one", 1.25, "x", 1.05, "how"),
        figures.Figure("b", "two", 0.5, "s", 0.5, "how"),
        figures.Figure("c", "three", 61.7, "MiB", None, "how"),
    ]
    lines = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in figures.table(result).splitlines()]
    assert lines[2:] == [
        ["one", "1.25 x", "≤ 1.05 x", "**no**", "how"],
        ["two", "0.50 s", "≤ 0.50 s", "yes", "how"],
        ["three", "62 MiB", "-", "-", "how"],
    ]
    assert [figure.met for figure in result] == [False, True, None]


def test_chart_draws_every_figure_with_a_goal(figures: ModuleType) -> None:
    from xml.etree import ElementTree as ET  # noqa: PLC0415

    result = [
        figures.Figure("a", "half & half", 0.5, "x", 1.0, ""),
        figures.Figure("b", "far too much", 9.0, "x", 1.0, ""),
        figures.Figure("c", "no goal", 1.0, "s", None, ""),
    ]
    drawn = ET.fromstring(figures.chart(result))
    bars = [float(e.get("width", "0")) for e in drawn.iter("{http://www.w3.org/2000/svg}rect")][1:]
    texts = [e.text for e in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert bars == [120.0, 360.0]
    assert "half & half" in texts
    assert "no goal" not in texts
