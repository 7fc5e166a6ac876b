"""Releases made again: copies of the sources, what is compared, and what is said of a difference."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess  # noqa: TID251 - a repository is made for the tests
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.toolchain import Demo, lay_out
from ferrule.app.release import run as release
from ferrule.app.reproduce import run as reproduce
from ferrule.app.reproduce.release_diff import Compared, compare, differing_inputs
from ferrule.app.reproduce.run import Reproduction, ReproductionRequest, failure
from ferrule.app.reproduce.source_copy import copy_sources
from ferrule.core.errors import BuildError, ConfigError
from ferrule.core.manifest import Manifest, ManifestFile
from ferrule.core.model import Digest
from ferrule.reporting import reproduction as reproduced
from ferrule.tools import git

if TYPE_CHECKING:
    from collections.abc import Callable

    from ferrule.tools.host import Host

NAMES = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Demo, subprocess.CompletedProcess[str]]:
    """A release, and what is said of it when it is made again by the command line."""
    demo = lay_out(tmp_path_factory.mktemp("twice"))
    assert demo.ferrule("release", "--quiet").returncode == 0
    work = demo.root / "again"
    return demo, demo.ferrule("reproduce", "--against", "dist", "--work", str(work), "--json")


def with_git(demo: Demo) -> Host:
    """The host with Git on its PATH, and the project in a repository."""
    program = shutil.which("git", path=os.defpath)
    assert program is not None
    (demo.root / "bin" / "git").symlink_to(program)
    (demo.project / ".gitignore").write_text("dist/\n.ferrule/\n")
    for arguments in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "one")):
        subprocess.run([program, *arguments], cwd=demo.project, env={**demo.environment, **NAMES}, check=True)
    return demo.context.host


def fill(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        place = folder / name.replace("__", "/").replace("_", ".")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return folder


# The command


def test_a_release_is_reproduced_by_somebody_else(twice: tuple[Demo, subprocess.CompletedProcess[str]]) -> None:
    demo, done = twice
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["equal"] is True
    assert {row["file"] for row in told["files"]} == set(demo.files())
    assert {row["verdict"] for row in told["files"]} == {"equal"}
    varied = {row["what"]: row for row in told["variations"]}
    assert varied["umask"]["second"] == "077"
    assert (varied["clock"]["missing"] == "faketime is not installed") is (shutil.which("faketime") is None)
    assert "not the same" not in done.stderr
    second = Path(told["second"])
    assert json.loads((second / "dist" / "manifest.json").read_bytes()) == json.loads(
        (demo.dist / "manifest.json").read_bytes()
    )
    assert stat.S_IMODE((second / "targets.yaml").stat().st_mode) == 0o600
    assert not list(demo.root.glob("again/second/home*"))


def test_progress_is_told_and_the_release_compared_with_is_left_alone(
    twice: tuple[Demo, subprocess.CompletedProcess[str]],
) -> None:
    demo, done = twice
    assert "second build: copying the sources" in done.stderr
    assert "second build: sums built in" in done.stderr
    assert "first build" not in done.stderr
    log = demo.project / ".ferrule" / "work" / "logs" / "reproduce-second.log"
    assert " -m ferrule release --jobs " in log.read_text()


def test_a_difference_is_an_error_with_its_place(
    twice: tuple[Demo, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    demo, _ = twice
    shutil.copytree(demo.dist, tmp_path / "dist")
    component = tmp_path / "dist" / "demo-1.2.3.wasm"
    content = component.read_bytes()
    component.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
    (demo.root / "bin" / "diffoscope").write_text("#!/bin/sh\necho seen\nexit 1\n")
    (demo.root / "bin" / "diffoscope").chmod(0o755)
    done = demo.ferrule("reproduce", "--against", str(tmp_path / "dist"), "--quiet")
    assert done.returncode == 6
    assert "≠ demo-1.2.3.wasm  different" in done.stdout
    assert "from the same inputs" in done.stdout
    assert "section custom:ferrule, offset 0x" in done.stdout
    assert "diffoscope:\n  seen" in done.stdout
    assert re.search(
        r"error: 1 of \d+ files are not reproduced, the first is demo-1.2.3.wasm: section custom:", done.stderr
    )
    assert "= manifest.json" in done.stdout


def test_two_releases_are_made_and_compared_and_nothing_is_left(demo: Demo) -> None:
    done = demo.ferrule("reproduce")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^reproduced: (\d+) of \1 files are identical$", done.stdout, re.MULTILINE)
    assert "first build: sums built" in done.stderr
    assert not list(demo.root.glob("ferrule-reproduce-*"))
    assert not demo.dist.exists()


def test_tools_that_look_at_the_clock_or_at_the_order_of_files_are_caught(
    demo: Demo, record_property: Callable[[str, object], None]
) -> None:
    """Where the machine has no other clock or no other order to show, that is told."""
    fill(demo.project / "rust" / "demo-ffi" / "src", **{f"{name}_rs": b"" for name in "abcdefgh"})
    (demo.home / "dated-x86_64-unknown-linux-gnu").touch()
    (demo.home / "listed-aarch64-unknown-linux-gnu").touch()
    for name in ("faketime", "mount", "umount"):
        program = shutil.which(name, path=os.defpath)
        if program:
            (demo.root / "bin" / name).symlink_to(program)
    done = demo.ferrule("reproduce", "--json", "--quiet")
    told = json.loads(done.stdout)
    missing = {row["what"]: row["missing"] for row in told["variations"]}
    for what, file in (
        ("clock", "demo-c-1.2.3-x86_64-unknown-linux-gnu.tar.gz"),
        ("order of files", "demo-c-1.2.3-aarch64-unknown-linux-gnu.tar.gz"),
    ):
        (row,) = (row for row in told["files"] if row["file"] == file)
        record_property(f"{what} caught", missing[what] or row["verdict"])
        assert (row["verdict"] == "different") is not bool(missing[what]), (what, row, missing)
        assert missing[what] or "libdemo" in row["difference"]["location"]
    assert done.returncode == (0 if all(missing[what] for what in ("clock", "order of files")) else 6)


def test_a_folder_without_a_manifest_is_no_release(demo: Demo) -> None:
    done = demo.ferrule("reproduce", "--against", "rust")
    assert done.returncode == 3
    assert "there is no manifest.json in this folder" in done.stderr


@pytest.mark.parametrize(("place", "message"), [("project/again", "inside the project"), ("full", "is not empty")])
def test_folders_that_cannot_be_worked_in(demo: Demo, place: str, message: str) -> None:
    (demo.root / "full" / "of").mkdir(parents=True)
    config = release.load(demo.project)
    request = ReproductionRequest(config.root, release.make_plan(config, demo.context), (), work=demo.root / place)
    with pytest.raises(ConfigError, match=message):
        reproduce.reproduce(request, demo.context.host, lambda _: None)


# Copies of the sources


def test_a_copy_of_a_repository_is_as_git_sees_it(demo: Demo) -> None:
    host = with_git(demo)
    (demo.project / "LICENSE").write_text("changed")
    (demo.project / "new").write_text("new")
    (demo.project / "dist").mkdir()
    (demo.project / "dist" / "ignored").touch()
    place = demo.root / "copy"
    copy_sources(demo.project, place, host, umask=0o077, time=1_000_000_000, backwards=True)
    assert (place / "LICENSE").read_text() == "changed"
    assert (place / "new").exists()
    assert not (place / "dist").exists()
    assert (place / "LICENSE").stat().st_mtime == 1_000_000_000
    modes = {stat.S_IMODE(p.stat().st_mode) & 0o077 for p in place.rglob("*") if not p.is_symlink()}
    assert modes == {0}


def test_a_copy_has_the_same_commit_and_is_as_dirty(demo: Demo) -> None:
    host = with_git(demo)
    (demo.project / "LICENSE").write_text("changed")
    copy_sources(demo.project, demo.root / "copy", host)
    assert git.state(demo.root / "copy", host) == git.state(demo.project, host)


def test_without_git_all_but_leftovers_is_copied(demo: Demo) -> None:
    fill(demo.project, rust__target__x=b"", dist__manifest_json=b"{}", dist__SHA256SUMS=b"", kept__x=b"")
    (demo.project / "kept" / "link").symlink_to("x")
    copy_sources(demo.project, demo.root / "copy", demo.context.host)
    copy = demo.root / "copy"
    assert (copy / "kept" / "link").readlink() == Path("x")
    assert not (copy / "rust" / "target").exists()
    assert not (copy / "dist").exists()
    assert (copy / "targets.yaml").read_bytes() == (demo.project / "targets.yaml").read_bytes()


def test_a_source_that_git_ignores_is_told(demo: Demo) -> None:
    host = with_git(demo)
    (demo.project / ".gitignore").write_text("dist/\n.ferrule/\n/LICENSE\n")
    program = demo.root / "bin" / "git"
    subprocess.run(
        [program, "rm", "--quiet", "--cached", "LICENSE"], cwd=demo.project, env=demo.environment, check=True
    )
    config = release.load(demo.project)
    request = ReproductionRequest(config.root, release.make_plan(config, demo.context), ())
    copy_sources(demo.project, demo.root / "copy", host)
    assert reproduce.lacking_sources(request, demo.root / "copy", host) == (
        "LICENSE is a source that git ignores, so no other checkout has it",
    )


# Comparison


def compared(tmp_path: Path, one: dict[str, bytes], two: dict[str, bytes]) -> dict[str, Compared]:
    folders = [fill(tmp_path / name, **files) for name, files in (("one", one), ("two", two))]
    return {found.file: found for found in compare(*folders)}


def manifest(key: str, commit: str | None = None) -> bytes:
    """Of a release of one file, which an action with this key made."""
    file = ManifestFile("x", "library", None, "a", 1, Digest.of(b"1"), Digest(key), "cdylib")
    return json.dumps(Manifest("demo", "1", commit, None, None, (file,), {}).document()).encode()


def test_files_are_compared_by_name_and_content(tmp_path: Path) -> None:
    found = compared(tmp_path, {"a": b"1", "b": b"1", "c": b""}, {"a": b"1", "b": b"2", "d": b""})
    assert {name: one.verdict for name, one in found.items()} == {
        "a": "equal",
        "b": "different",
        "c": "only in the first",
        "d": "only in the second",
    }
    assert found["b"].difference is not None


def test_a_bit_that_lets_a_file_be_executed_is_a_difference(tmp_path: Path) -> None:
    folders = [fill(tmp_path / name, a=b"1") for name in ("one", "two")]
    (folders[1] / "a").chmod(0o755)
    (found,) = compare(*folders)
    assert found.verdict == "different"
    assert found.difference is not None
    assert "executed" in found.difference.reason


def test_a_mask_is_no_difference(tmp_path: Path) -> None:
    folders = [fill(tmp_path / name, a=b"1") for name in ("one", "two")]
    (folders[1] / "a").chmod(0o600)
    assert [one.verdict for one in compare(*folders)] == ["equal"]


def test_a_page_beside_a_release_is_a_difference(tmp_path: Path) -> None:
    assert compared(tmp_path, {"a": b"1", "report_html": b"1"}, {"a": b"1"}).keys() == {"a", "report.html"}


@pytest.mark.parametrize(("key", "same"), [("1" * 64, True), ("2" * 64, False)])
def test_inputs_and_making_are_told_apart(tmp_path: Path, key: str, same: bool) -> None:
    files = [{"a": name, "manifest_json": manifest(k)} for name, k in ((b"1", "1" * 64), (b"2", key))]
    found = compared(tmp_path, *files)
    assert found["a"].same_inputs is same
    assert list(found)[-1] == "manifest.json"


def test_an_image_is_told_once(tmp_path: Path) -> None:
    names = [{"image__oci-layout": b"{}", "image__index_json": b"{}", f"image__blobs__{n}": n.encode()} for n in "xy"]
    found = compared(tmp_path, *names)
    assert [name for name, one in found.items() if one.difference] == []
    found = compared(tmp_path / "other", {**names[0], "image__index_json": b"[]"}, names[0])
    assert [name for name, one in found.items() if one.difference] == ["image/index.json"]


def test_inputs_that_differ_are_named(tmp_path: Path) -> None:
    one = fill(
        tmp_path / "one",
        manifest_json=manifest("1" * 64, "a"),
    )
    two = fill(
        tmp_path / "two",
        manifest_json=manifest("2" * 64, "b"),
    )
    for place, key, digest in ((one, "1", "a"), (two, "2", "b")):
        latest = place / ".ferrule" / "store" / "latest" / "x.json"
        latest.parent.mkdir(parents=True)
        latest.write_text(json.dumps({"key": key * 64, "document": {"sources": {"f": digest * 64}}}))
    assert differing_inputs(one, two, (one, two)) == (
        "source commit: a -> b",
        f"x: sources f: {'a' * 12} -> {'b' * 12}",
    )
    assert differing_inputs(one, two, (one, one)) == ("source commit: a -> b",)
    assert differing_inputs(one, tmp_path, (one, tmp_path))


# What is said


def test_the_difference_that_tells_most_is_named(tmp_path: Path) -> None:
    modules = [b"\0asm\x01\0\0\0" + bytes((0, 3, 1, 120, n)) for n in (1, 2)]
    sides = [{"SUMS": bytes([65 + n]), "z": modules[n]} for n in (0, 1)]
    error = failure(Reproduction(tuple(compared(tmp_path, *sides).values()), ()))
    assert error is not None
    assert "the first is z: section custom:x, offset 0x" in error.message


def test_nothing_failed_where_all_is_equal(tmp_path: Path) -> None:
    files = tuple(compared(tmp_path, {"a": b"1"}, {"a": b"1"}).values())
    assert failure(Reproduction(files, ())) is None
    lost = tuple(compared(tmp_path / "b", {"a": b"1"}, {"b": b"1"}).values())
    error = failure(replace(Reproduction(lost, ()), second=tmp_path))
    assert error is not None
    assert (error.exit_code, str(tmp_path) in str(error.hint)) == (6, True)
    assert "2 of 2 files are not reproduced, the first is a" in error.message


def test_what_differs_is_shown_to_people(tmp_path: Path) -> None:
    files = tuple(compared(tmp_path, {"a": b"one\n1\n", "b": b""}, {"a": b"one\n2\n", "b": b""}).values())
    told = reproduced.text(Reproduction(files, (), inputs=("source commit: a -> b",)).document())
    assert "≠ a  different " in told
    assert "= b  equal " in told
    assert "a: offset 0x4\n  line 2 differs\n  first:  1\n  second: 2" in told
    assert "inputs that differ:\n  source commit: a -> b" in told
    assert told.endswith("not reproduced: 1 of 2 files differ\n")


def test_a_build_that_fails_names_its_code(demo: Demo) -> None:
    config = release.load(demo.project)
    request = ReproductionRequest(config.root, release.make_plan(config, demo.context), (), options=("--nonsense",))
    with pytest.raises(BuildError, match="ended with exit code 2") as raised:
        reproduce.reproduce(request, demo.context.host, lambda _: None)
    assert "ferrule explain 2" in str(raised.value.hint)
    assert str(demo.project / ".ferrule" / "work" / "logs" / "reproduce-first.log") in str(raised.value.hint)
    assert list(demo.root.glob("ferrule-reproduce-*/first/sources/targets.yaml"))
