"""`ferrule report` and `ferrule release --report`, with pretended compilers."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from pages import Parsed

from fakes.toolchain import Demo, lay_out, sums_agree
from ferrule.reporting import journal

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A project that was released once, for tests that change nothing."""
    demo = lay_out(tmp_path_factory.mktemp("released"))
    done = demo.ferrule("release", "--report")
    assert done.returncode == 0, done.stderr
    return demo


@pytest.fixture
def shipped(released: Demo) -> Demo:
    """The same project at the same place, for a test that changes it; it is put back behind it."""
    aside = released.root / "aside"
    shutil.copytree(released.project, aside, symlinks=True, copy_function=shutil.copy2)
    yield released
    shutil.rmtree(released.project)
    aside.rename(released.project)


def state(demo: Demo) -> dict[str, int]:
    """When each file that ferrule keeps was written."""
    return {p.name: p.stat().st_mtime_ns for p in (demo.project / ".ferrule").rglob("*") if p.is_file()}


def runs(demo: Demo) -> tuple[journal.JournalRun, ...]:
    result, problems = journal.read(demo.project / ".ferrule")
    assert problems == ()
    return result


def written(demo: Demo, *arguments: str, **environment: str) -> str:
    """The page that the command writes."""
    done = demo.ferrule("report", *arguments, **environment)
    assert done.returncode == 0, done.stderr
    path = demo.project / ".ferrule" / "report.html"
    assert done.stdout == ".ferrule/report.html\n"
    return path.read_text(encoding="utf-8")


def test_numbers_are_those_of_manifest_and_journal(released: Demo) -> None:
    parsed = Parsed(written(released))
    manifest = json.loads((released.dist / "manifest.json").read_bytes())
    values, digests = parsed.values("value"), parsed.values("data-digest")
    for row in manifest["artifacts"]:
        if not row["file"].startswith(("image/", "go/")):
            assert str(row["size"]) in values
            assert row["sha256"] in digests
    for row in manifest["packed"]:
        assert row["sha256"] in digests or row["name"].startswith("go/")
    (run,) = runs(released)
    assert run.whole
    assert f"{len(run.steps)} actions had to run, 0 came from the cache" in parsed.text


def test_the_page_that_a_release_writes_is_the_same_page(released: Demo) -> None:
    page = released.project / ".ferrule" / "report.html"
    assert page.stat().st_mode & 0o777 == 0o644
    assert page.read_text(encoding="utf-8") == written(released)


def test_nothing_but_its_inputs_changes_the_page(released: Demo) -> None:
    one = written(released, PYTHONHASHSEED="1", TZ="Asia/Kathmandu", LC_ALL="C", USER="a")
    other = written(released, PYTHONHASHSEED="2", TZ="America/New_York", LC_ALL="C.UTF-8", COLUMNS="40")
    assert one == other
    assert str(released.root) not in one


def test_the_page_is_no_part_of_the_release(released: Demo) -> None:
    manifest = (released.dist / "manifest.json").read_text()
    assert "report.html" not in manifest + (released.dist / "SHA256SUMS").read_text()
    assert not (released.dist / "report.html").exists()
    assert sums_agree(released.dist)
    assert released.ferrule("verify").returncode == 0


def test_a_run_with_nothing_to_do_writes_nothing(released: Demo) -> None:
    for arguments in (["release", "--report"], ["release", "--report", "--json"]):
        released.ferrule(*arguments)
        before, files = state(released), released.touched()
        done = released.ferrule(*arguments)
        assert done.returncode == 0
        assert state(released) == before
        assert released.touched() == files
    assert len(runs(released)) == 1


def test_a_page_that_is_gone_is_written_again(shipped: Demo) -> None:
    page = shipped.project / ".ferrule" / "report.html"
    assert shipped.ferrule("release", "--report").returncode == 0
    page.unlink()
    assert shipped.ferrule("release", "--report").returncode == 0
    assert page.read_text().startswith("<!doctype html>")


def test_a_page_of_somebody_else_is_left_alone(shipped: Demo) -> None:
    assert shipped.ferrule("release").returncode == 0
    (shipped.dist / "report.html").write_text("mine")
    done = shipped.ferrule("release")
    assert "dist/report.html is not part of this release and is kept" in done.stderr
    assert (shipped.dist / "report.html").read_text() == "mine"


def test_what_changed_is_told_with_its_reason(shipped: Demo) -> None:
    (shipped.project / "packaging" / "python" / "README.md").write_text("other words, and more of them than before\n")
    assert shipped.ferrule("release").returncode == 0
    run = runs(shipped)[-1]
    built = {s.id for s in run.steps if s.state == "built"}
    assert {"sdk-py@sdist", "sums"} <= built
    assert not {i for i in built if i.startswith(("native", "sdk-c", "component"))}
    text = Parsed(written(shipped)).text
    assert "because" in text
    assert "sources packaging/python/README.md: " in text
    assert "1.2.3 (run 1)" in text
    assert "1.2.3 (run 2)" in text
    assert f"{len(run.steps) - len(built)} from the cache" in text


def test_a_failed_run_is_told(shipped: Demo) -> None:
    shipped.edit('exports: ["demo_*"]', 'exports: ["other_*"]')
    before = shipped.files()
    assert shipped.ferrule("release", "--report").returncode == 6
    assert shipped.files() == before
    text = Parsed(written(shipped)).text
    assert "The last run failed. The files in dist/ are from an earlier run." in text
    assert [s.state for s in runs(shipped)[-1].steps].count("failed") == 3


def test_a_part_is_kept_as_what_it_is(shipped: Demo) -> None:
    (shipped.project / "packaging" / "python" / "README.md").write_text("words\n")
    assert shipped.ferrule("build", "sdk-py").returncode == 0
    assert [run.command for run in runs(shipped)] == ["release", "build"]
    assert "ferrule build" in Parsed(written(shipped)).text


def test_before_anything_was_made(demo: Demo) -> None:
    text = Parsed(written(demo)).text
    assert "Nothing has been released yet" in text
    assert "planned, but not in dist/ yet" in text


def test_damaged_journals_are_said(shipped: Demo) -> None:
    (shipped.project / ".ferrule" / "journal-000009.json").write_text("{")
    assert "journal-000009.json cannot be read and was left out" in Parsed(written(shipped)).text


@pytest.mark.parametrize("content", ["{", "7", "null", "{}", '{"version": 1, "artifacts": 7}'])
def test_damaged_manifest_is_told(shipped: Demo, content: str) -> None:
    (shipped.dist / "manifest.json").write_text(content)
    done = shipped.ferrule("report")
    assert done.returncode == 6
    assert "make the release again" in done.stderr


def test_a_folder_without_a_release_is_told(released: Demo, tmp_path: Path) -> None:
    done = released.ferrule("report", str(tmp_path))
    assert done.returncode == 6
    assert "there is no release here" in done.stderr


def test_another_release_and_another_place(released: Demo, tmp_path: Path) -> None:
    shutil.copytree(released.dist, tmp_path / "copy")
    path = tmp_path / "deep" / "page.html"
    done = released.ferrule("report", str(tmp_path / "copy"), "--output", str(path), "--json")
    assert json.loads(done.stdout) == {"report": str(path)}
    assert path.read_text(encoding="utf-8") == written(released)


def test_a_place_that_cannot_be_written(released: Demo, tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    done = released.ferrule("report", "--output", str(tmp_path / "page.html"))
    assert done.returncode == 7
