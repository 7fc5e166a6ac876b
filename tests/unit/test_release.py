"""Releases in this process: what is reported, and the rules of the output folder."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess  # noqa: TID251 - another program is asked
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.toolchain import PATIENCE_SECONDS
from fakes.triples import ARM, MAC, WASM, X86
from ferrule import bases, choice, release
from ferrule.engine.events import Noticed
from ferrule.engine.lock import locked
from ferrule.errors import ConfigError, StorageError, ToolchainError, VerificationError
from ferrule.tools.debs import read_lock

if TYPE_CHECKING:
    from fakes.toolchain import Demo
    from ferrule.engine.events import Event


@pytest.fixture
def shipped(demo: Demo) -> Demo:
    assert demo.run().failed == ()
    return demo


def ledger(demo: Demo) -> Path:
    (found,) = (demo.project / ".ferrule").glob("placed-*.json")
    return found


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
    golden = Path(__file__).parents[1] / "golden" / "binaries" / "threads-2.34.so.gz"
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


# Names


def test_part_for_this_machine(demo: Demo) -> None:
    config = release.load(demo.project)
    around = replace(demo.around, host=replace(demo.around.host, system="Linux", machine="aarch64"))
    plan = choice.part(config, around, (), ())
    assert {a.target for a in plan.actions} == {ARM, None}
    plan = choice.part(config, around, ("native",), ("all",))
    assert [a.id for a in plan.actions] == ["header", f"native@{X86}", f"native@{ARM}", f"native@{MAC}"]
    plan = choice.part(config, around, ("component",), (WASM, X86))
    assert [a.id for a in plan.actions] == [f"component@{WASM}"]
    plan = choice.part(config, around, ("npm",), ())
    assert [a.id for a in plan.actions] == [f"component@{WASM}", f"npm@{WASM}"]


@pytest.mark.parametrize(
    ("artifacts", "targets", "says", "hint"),
    [
        (("nativ",), (), "there is no artifact 'nativ'", "did you mean native?"),
        (("xyzzy",), (), "there is no artifact 'xyzzy'", "there are: native, header"),
        ((), ("aarch64-apple-darwn",), "there is no target", "did you mean aarch64-apple-darwin?"),
        (("component",), (MAC,), "component is not made for aarch64-apple-darwin", "--target all"),
    ],
)
def test_name_that_is_not_there(
    demo: Demo, artifacts: tuple[str, ...], targets: tuple[str, ...], says: str, hint: str
) -> None:
    config = release.load(demo.project)
    with pytest.raises(ConfigError) as caught:
        choice.part(config, demo.around, artifacts, targets)
    assert says in caught.value.message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(("system", "machine"), [("Windows", "AMD64"), ("Linux", "riscv64"), ("Darwin", "x86_64")])
def test_machine_that_is_no_target(demo: Demo, system: str, machine: str) -> None:
    around = replace(demo.around, host=replace(demo.around.host, system=system, machine=machine))
    with pytest.raises(ConfigError, match="does not list"):
        choice.part(release.load(demo.project), around, (), ())


# Tools


def test_only_tools_of_the_plan_are_wanted(demo: Demo) -> None:
    config = release.load(demo.project)
    whole = choice.wanted(config, demo.around, extras=("emulation", "node"), host_only=False)
    assert whole.triples == tuple(sorted((X86, ARM, MAC, WASM)))
    assert {"zig", "cbindgen", "wasm-ld", "node", "qemu-aarch64"} <= whole.tools
    own = choice.wanted(config, demo.around, extras=(), host_only=True)
    assert "wasm-ld" not in own.tools
    assert own.triples == (demo.around.host.triple,)


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
    plan = release.make_plan(config, shipped.around)
    state = {p: p.stat().st_mtime_ns for p in (shipped.project / ".ferrule").rglob("*")}
    assert set(release.reasons(config, plan, shipped.around).values()) == {"nothing changed"}
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
    around = replace(demo.around, host=replace(demo.around.host, programs=Path("/usr/bin")))
    config = release.load(demo.project)

    def source() -> dict[str, object]:
        release.run(config, release.make_plan(config, around), around, lambda _: None, output=demo.dist)
        found = json.loads((demo.dist / "manifest.json").read_bytes())["source"]
        assert isinstance(found, dict)
        return found

    assert source() == {"commit": None, "dirty": None}
    (demo.project / ".gitignore").write_text("dist/\n.ferrule/\n")
    git(demo, "init", "--quiet")
    git(demo, "add", ".")
    git(demo, "commit", "--quiet", "-m", "one")
    commit = git(demo, "rev-parse", "HEAD")
    assert source() == {"commit": commit, "dirty": False}
    (demo.project / "LICENSE").write_text("other")
    assert source() == {"commit": commit, "dirty": True}


# The output folder


def test_ledger_names_what_was_placed(shipped: Demo) -> None:
    assert json.loads(ledger(shipped).read_bytes()) == sorted(set(shipped.files()) - {"manifest.json"})


@pytest.mark.parametrize("content", [b"", b"{", b"7", b"null", b'{"a":1}', b"[7, null]", b"\xff", b"[" * 100_000])
def test_damaged_ledger_removes_nothing(shipped: Demo, content: bytes) -> None:
    (shipped.dist / "notes.txt").write_text("mine")
    ledger(shipped).write_bytes(content)
    before = shipped.files()
    assert shipped.run().failed == ()
    assert shipped.files() == before


@pytest.mark.parametrize("name", ["../precious", "/precious", "a/../../precious", "./../precious"])
def test_ledger_that_lies_reaches_nothing_outside(shipped: Demo, name: str) -> None:
    precious = shipped.project / "precious"
    precious.write_text("precious")
    ledger(shipped).write_text(json.dumps([name, "SHA256SUMS"]))
    assert shipped.run().failed == ()
    assert precious.read_text() == "precious"


def test_removed_artifact_takes_its_empty_folders_along(shipped: Demo) -> None:
    (shipped.dist / "image" / "blobs" / "mine").write_text("mine")
    lines = (shipped.project / "targets.yaml").read_text().splitlines(keepends=True)
    (shipped.project / "targets.yaml").write_text("".join(line for line in lines if "kind: image" not in line))
    events: list[Event] = []
    assert shipped.run(events.append).failed == ()
    assert [p.relative_to(shipped.dist).as_posix() for p in shipped.dist.glob("image/**/*")] == [
        "image/blobs",
        "image/blobs/mine",
    ]
    assert Noticed("dist/image/blobs/mine is not part of this release and was left alone") in events


def test_file_made_executable_by_somebody_is_put_right(shipped: Demo) -> None:
    (shipped.dist / "SHA256SUMS").chmod(0o755)
    shipped.run()
    assert (shipped.dist / "SHA256SUMS").stat().st_mode & 0o777 == 0o644


def test_folder_in_the_place_of_a_file_is_told(shipped: Demo) -> None:
    (shipped.dist / "SHA256SUMS").unlink()
    (shipped.dist / "SHA256SUMS" / "full").mkdir(parents=True)
    with pytest.raises(StorageError) as caught:
        shipped.run()
    assert caught.value.hint is not None
    assert not (shipped.dist / "manifest.json").exists()


def test_folder_with_a_manifest_is_whole(shipped: Demo) -> None:
    """The manifest goes first and comes last: where files cannot be replaced, there is none."""
    (shipped.dist / "demo-1.2.3.wasm").unlink()
    (shipped.dist / "demo-1.2.3.wasm").mkdir()
    (shipped.dist / "demo-1.2.3.wasm" / "x").touch()
    with pytest.raises(StorageError):
        shipped.run()
    assert not (shipped.dist / "manifest.json").exists()


# The lock


def test_second_run_waits_and_says_so(tmp_path: Path) -> None:
    heard: list[str] = []
    waits, entered = threading.Event(), threading.Event()

    def hear(event: Event) -> None:
        assert isinstance(event, Noticed)
        heard.append(event.text)
        waits.set()

    def second() -> None:
        with locked(tmp_path / "state", hear):
            entered.set()

    with locked(tmp_path / "state", lambda _: None):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(PATIENCE_SECONDS)
        assert not entered.wait(0.1)
    thread.join(PATIENCE_SECONDS)
    assert entered.is_set()
    assert heard == ["another run works in this project; waiting for it to end"]


def test_lock_is_given_back_after_a_failure(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), locked(tmp_path, lambda _: None):
            raise ZeroDivisionError


def test_state_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StorageError) as caught, locked(tmp_path / "state", lambda _: None):
        pass
    assert "cannot be used" in caught.value.message


# Lock files of image bases


def fake_apt(demo: Demo, version: str) -> None:
    program = demo.root / "bin" / "apt-cache"
    shown = "".join(
        f"Package: libc6\\nArchitecture: {a}\\nVersion: {version}\\nSHA256: {'0' * 64}\\nSize: 7\\n\\n"
        for a in ("amd64", "arm64")
    )
    program.write_text(f"#!/bin/sh\nprintf '{shown}'\n")
    program.chmod(0o755)
    for name in ("apt-get", "dpkg"):
        (demo.root / "bin" / name).write_text("#!/bin/sh\n")
        (demo.root / "bin" / name).chmod(0o755)


def test_refresh_locks_rewrites_those_of_the_project(demo: Demo) -> None:
    fake_apt(demo, "2.41-1")
    lock = demo.project / "packaging" / "base.lock"
    assert list(bases.refresh_locks(release.load(demo.project), demo.around.host, ())) == [("base.lock", 2)]
    assert {p.version for p in read_lock(lock.read_text())} == {"2.41-1"}


def test_refresh_of_what_is_no_lock_file(demo: Demo) -> None:
    fake_apt(demo, "1")
    with pytest.raises(ConfigError, match="no lock file"):
        list(bases.refresh_locks(release.load(demo.project), demo.around.host, (demo.project / "LICENSE",)))
    with pytest.raises(ConfigError, match="no lock file"):
        list(bases.refresh_locks(release.load(demo.project), demo.around.host, (demo.project / "gone",)))
