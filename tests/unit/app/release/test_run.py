"""Releases in this process: what is reported, and what is told of the source."""

from __future__ import annotations

import gzip
import hashlib
import json
import resource
import shutil
import subprocess  # noqa: TID251 - another program is asked
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.triples import ARM, MAC, WASM, X86
from ferrule.app.release import run as release
from ferrule.core.errors import ConfigError, StorageError, ToolchainError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from fakes.toolchain import Demo
    from ferrule.engine.events import Event


@pytest.fixture
def shipped(demo: Demo) -> Demo:
    assert demo.run().failed == ()
    return demo


# What planning reads


@pytest.fixture
def no_descriptors() -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """A machine that has no file descriptor left, for a while."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)

    @contextmanager
    def none() -> Iterator[None]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)

    yield none
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_what_cannot_be_read_is_not_taken_for_what_is_not_there(
    tmp_path: Path, no_descriptors: Callable[[], AbstractContextManager[None]]
) -> None:
    disk = release.disk_of(tmp_path)
    (tmp_path / "folder" / "below").mkdir(parents=True)
    (tmp_path / "file").write_text("text")
    assert (disk.read_text("file"), disk.folders("folder"), disk.folders("absent")) == ("text", ("below",), ())
    for name in ("absent", "folder", "file/below", "n" * 300):
        with pytest.raises(ConfigError, match="this file cannot be read"):
            disk.read_text(name)
    for look, name in ((disk.read_text, "file"), (disk.folders, "folder")):
        with no_descriptors(), pytest.raises(StorageError, match="Too many open files") as failure:
            look(name)
        assert failure.value.where == name


# What is reported


def test_report_tells_every_action_and_file(demo: Demo) -> None:
    events: list[Event] = []
    report = demo.run(events.append)
    assert {o.state for o in report.outcomes} == {"built"}
    assert len(report.outcomes) == 27
    assert {p.file for p in report.placed} == set(demo.files()) - {"manifest.json"}
    for placed in report.placed:
        assert placed.digest.hex == hashlib.sha256((demo.dist / placed.file).read_bytes()).hexdigest()
    again = demo.run()
    assert {o.state for o in again.outcomes} == {"cached"}
    assert [o.files for o in again.outcomes] == [o.files for o in report.outcomes]


def test_unshipped_outputs_are_placed_on_request(demo: Demo) -> None:
    demo.run(everything=True)
    files = set(demo.files())
    assert {f"native/{X86}/libdemo.so.1", f"native/{MAC}/libdemo.1.dylib", "header/demo.h"} <= files
    assert not any(f.endswith("base.tar.gz") for f in files)


def test_failure_keeps_everything_from_shipping(shipped: Demo) -> None:
    before = shipped.touched()
    shipped.edit('exports: ["demo_*"]', 'exports: ["other_*"]')
    report = shipped.run()
    failed = [o for o in report.failed if o.state == "failed"]
    assert {o.action.id for o in failed} == {f"native@{t}" for t in (X86, ARM, MAC)}
    assert all(isinstance(o.error, VerificationError) for o in failed)
    assert "demo_add" in str(failed[0].error)
    assert shipped.touched() == before


@pytest.mark.parametrize(
    ("glob", "fits"),
    [('"demo_*"', True), ('demo_add, "demo_c?py"', True), ("demo_add", False), ('"DEMO_*"', False)],
)
def test_exports_are_globs(demo: Demo, glob: str, fits: bool) -> None:
    demo.edit('exports: ["demo_*"]', f"exports: [{glob}]")
    assert (demo.run().failed == ()) is fits


def test_library_of_another_machine_is_told(demo: Demo) -> None:
    shutil.copy(demo.home / "binaries" / "demo-x86_64.so", demo.home / f"tamper-{ARM}")
    error = next(o.error for o in demo.run().failed if o.state == "failed")
    assert isinstance(error, VerificationError)
    assert error.where == f"native for {ARM}"
    assert "it is a" in error.message


def test_without_exports_nothing_is_said_of_them(demo: Demo) -> None:
    demo.edit('    exports: ["demo_*"]\n', "")
    assert demo.run().failed == ()


def test_floor_that_the_library_does_not_keep_names_the_symbol(demo: Demo) -> None:
    golden = Path(__file__).parents[3] / "golden" / "binaries" / "threads-2.34.so.gz"
    (demo.home / f"tamper-{X86}").write_bytes(gzip.decompress(golden.read_bytes()))
    error = next(o.error for o in demo.run().failed if o.state == "failed")
    assert isinstance(error, VerificationError)
    assert error.where == f"native for {X86}"
    assert "2.34" in error.message
    assert "2.17" in error.message
    assert "pthread_create" in error.message


@pytest.mark.parametrize(("wasi", "fits"), [("false", False), ("true", True)])
def test_imports_of_wasi_are_refused_unless_allowed(demo: Demo, wasi: str, fits: bool) -> None:
    types = b"\x01\x04\x01\x60\x00\x00"
    name = b"\x16wasi_snapshot_preview1\x08fd_write\x00\x00"
    (demo.home / f"tamper-{WASM}").write_bytes(types + b"\x02" + bytes([len(name) + 1]) + b"\x01" + name)
    demo.edit("crate: demo-wasm", f"crate: demo-wasm, wasi: {wasi}")
    failed = demo.run().failed
    assert (failed == ()) is fits
    if failed:
        assert "imports wasi_snapshot_preview1.fd_write" in failed[0].reason


# Tools


def test_plan_without_tools_needs_none(demo: Demo) -> None:
    path = demo.project / "targets.yaml"
    path.write_text(path.read_text().partition("artifacts:")[0] + "artifacts:\n  sums: {kind: checksums}\n")
    report = demo.run()
    assert report.failed == ()
    assert demo.calls == []
    assert json.loads((demo.dist / "manifest.json").read_bytes())["toolchain"] is None
    assert (demo.dist / "SHA256SUMS").read_text() == ""


def test_missing_tool_is_told_before_anything_is_done(demo: Demo) -> None:
    shutil.rmtree(demo.root / "cache" / "tools" / "ziglang-0.17.0")
    with pytest.raises(ToolchainError, match="zig"):
        demo.run()
    assert not (demo.project / ".ferrule").exists()


def test_reasons_change_nothing(shipped: Demo) -> None:
    config = release.load(shipped.project)
    plan = release.make_plan(config, shipped.context)
    state = {p: p.stat().st_mtime_ns for p in (shipped.project / ".ferrule").rglob("*")}
    assert set(release.reasons(config, plan, shipped.context).values()) == {"nothing changed"}
    assert {p: p.stat().st_mtime_ns for p in (shipped.project / ".ferrule").rglob("*")} == state


# The source


def git(demo: Demo, *arguments: str) -> str:
    program = shutil.which("git") or "git"
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        [program, *identity, *arguments], cwd=demo.project, check=True, capture_output=True, text=True, env={}
    )
    return done.stdout.strip()


def test_manifest_names_the_commit_and_whether_it_is_all(demo: Demo) -> None:
    context = replace(demo.context, host=replace(demo.context.host, programs=Path("/usr/bin")))
    config = release.load(demo.project)

    def source() -> dict[str, object]:
        release.run(config, release.make_plan(config, context), context, lambda _: None, output=demo.dist)
        result = json.loads((demo.dist / "manifest.json").read_bytes())["source"]
        assert isinstance(result, dict)
        return result

    assert source() == {"commit": None, "dirty": None}
    (demo.project / ".gitignore").write_text("dist/\n.ferrule/\n")
    git(demo, "init", "--quiet")
    git(demo, "add", ".")
    git(demo, "commit", "--quiet", "-m", "one")
    commit = git(demo, "rev-parse", "HEAD")
    assert source() == {"commit": commit, "dirty": False}
    (demo.project / "notes.txt").write_text("no source")
    assert source() == {"commit": commit, "dirty": False}
    new = demo.project / "rust" / "demo-ffi" / "src" / "new.rs"
    new.write_text("// compiled, and in no commit\n")
    assert source() == {"commit": commit, "dirty": True}
    new.unlink()
    (demo.project / "LICENSE").write_text("other")
    assert source() == {"commit": commit, "dirty": True}
