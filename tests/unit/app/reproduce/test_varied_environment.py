"""Another person at the same machine: what is different about it, and what is said where it cannot be had."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from ferrule.app.reproduce import varied_environment as strangers
from ferrule.core.errors import StorageError
from ferrule.tools.host import Host
from ferrule.tools.run import RunAs

OURSELVES = (os.geteuid(), os.getegid())


@pytest.fixture
def host(tmp_path: Path) -> Host:
    environment = {
        "PATH": os.defpath,
        "HOME": str(tmp_path / "home"),
        "TZ": "UTC",
        "GITHUB_ACTIONS": "true",
        "RUSTFLAGS": "-C opt-level=0",
        "SOURCE_DATE_EPOCH": "7",
        "PYTHONPATH": "mine",
    }
    (tmp_path / "bin").mkdir()
    return Host(
        path=(tmp_path / "bin",),
        environment=environment,
        cache=tmp_path / "cache",
        system="Linux",
        machine="x86_64",
        is_root=False,
        offline=True,
        python=Path(sys.executable),
        programs=tmp_path / "none",
    )


def program(host: Host, name: str, script: str) -> Path:
    path = host.path[0] / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def home(tmp_path: Path) -> Path:
    path = tmp_path / "theirs"
    path.mkdir()
    return path


def missing(who: strangers.VariedEnvironment, what: str) -> str:
    return next(v.missing for v in who.variations if v.what == what)


def test_a_stranger_has_other_habits_and_the_same_tools(host: Host, tmp_path: Path) -> None:
    who = strangers.varied_environment(host, home(tmp_path), ())
    assert who.person == RunAs(umask=0o077)
    assert who.environment["TZ"] == "Pacific/Chatham"
    assert who.environment["HOME"] == str(tmp_path / "theirs")
    assert Path(who.environment["TMPDIR"]).is_dir()
    assert who.environment["CARGO_HOME"] == str(tmp_path / "home" / ".cargo")
    assert who.environment["FERRULE_CACHE"] == str(host.cache)
    assert who.environment["GOMODCACHE"] == str(tmp_path / "home" / "go" / "pkg" / "mod")
    assert who.environment["SOURCE_DATE_EPOCH"] == "7"
    assert who.environment["PYTHONPATH"].endswith(f"{os.pathsep}mine")
    assert {"GITHUB_ACTIONS", "RUSTFLAGS"} & {*who.environment} == set()


def test_what_is_different_is_told(host: Host, tmp_path: Path) -> None:
    who = strangers.varied_environment(host, home(tmp_path), ())
    output = {v.what: (v.first, v.second) for v in who.variations if not v.missing}
    assert output["umask"] == ("022", "077")
    assert output["TZ"] == ("UTC", "Pacific/Chatham")
    assert missing(who, "user") == "only root may start a program as another user"
    assert missing(who, "clock") == "faketime is not installed"


def test_most_people_have_the_usual_mask(host: Host, tmp_path: Path) -> None:
    who = strangers.plain(host, home(tmp_path))
    assert who.person == RunAs(umask=0o022)
    assert who.prefix == ()
    assert who.environment["HOME"] == host.environment["HOME"]


def test_the_clock_is_set_where_that_can_be_done(host: Host, tmp_path: Path) -> None:
    path = program(host, "faketime", "")
    who = strangers.varied_environment(host, home(tmp_path), ())
    assert who.prefix == (str(path), "-f", "+400d")
    assert missing(who, "clock") == ""


@pytest.mark.parametrize(("variable", "value"), [("GOPATH", "/g:/h"), ("GOMODCACHE", "/g/pkg/mod")])
def test_modules_of_go_are_where_go_has_them(host: Host, tmp_path: Path, variable: str, value: str) -> None:
    known = replace(host, environment={**host.environment, variable: value})
    assert strangers.varied_environment(known, home(tmp_path), ()).environment["GOMODCACHE"] == "/g/pkg/mod"


def test_a_path_is_closed_where_others_may_not_go() -> None:
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        top.chmod(0o755)
        folder = top / "a" / "b"
        folder.mkdir(parents=True)
        file = folder / "program"
        file.touch(0o755)
        assert strangers.closed_at(file) is None
        (top / "a").chmod(0o700)
        assert strangers.closed_at(file) == top / "a"
        (top / "a").chmod(0o711)
        file.chmod(0o744)
        assert strangers.closed_at(file) == file


def test_root_tells_what_the_other_user_may_not_reach(host: Host, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(0o700)
    (closed / "program").touch(0o755)
    who = strangers.varied_environment(replace(host, is_root=True), home(tmp_path), (closed / "program",))
    assert missing(who, "user").startswith("nobody may not use ")
    assert who.person.user is None


def test_what_is_lent_is_linked_and_keeps_its_owner(host: Host, tmp_path: Path) -> None:
    tool = host.cache / "tools" / "zig" / "zig"
    tool.parent.mkdir(parents=True)
    tool.write_text("zig")
    tool.chmod(0o755)
    (tool.parent / "link").symlink_to("zig")
    secret = tool.parent / "closed"
    secret.write_text("x")
    secret.chmod(0o600)
    before = tool.stat()
    strangers._link(host.cache / "tools", tmp_path / "lent", OURSELVES)
    lent = tmp_path / "lent" / "zig"
    assert (lent / "zig").stat().st_ino == before.st_ino
    assert (tool.stat().st_uid, tool.stat().st_mode) == (before.st_uid, before.st_mode)
    assert (lent / "link").readlink() == Path("zig")
    assert (lent / "closed").stat().st_ino != secret.stat().st_ino


def test_secrets_are_not_lent(host: Host, tmp_path: Path) -> None:
    cargo = Path(host.environment["HOME"]) / ".cargo"
    cargo.mkdir(parents=True)
    (cargo / "credentials.toml").write_text("secret")
    (cargo / "config.toml").write_text('[registry]\ntoken = "secret"\n')
    (cargo / "config").write_text("[net]\n")
    zig = host.cache / "zig" / "0" / "x"
    zig.parent.mkdir(parents=True)
    zig.write_text("written to")
    given = strangers._share_caches(host, home(tmp_path), OURSELVES)
    lent = Path(given["CARGO_HOME"])
    assert {p.name for p in lent.iterdir() if p.is_file()} == {"config"}
    copy = Path(given["FERRULE_CACHE"]) / "zig" / "0" / "x"
    assert copy.read_text() == "written to"
    assert copy.stat().st_ino != zig.stat().st_ino


def files_of(tmp_path: Path) -> Path:
    files = tmp_path / "files"
    (files / ".git").mkdir(parents=True)
    for name in "abcdefgh":
        (files / name).write_text(name)
        (files / ".git" / name).touch()
    return files


def listed(folder: Path) -> list[str]:
    return [entry.name for entry in os.scandir(folder) if not entry.is_dir(follow_symlinks=False)]


def test_without_a_way_files_are_moved_and_it_is_said(host: Host, tmp_path: Path) -> None:
    files, path = files_of(tmp_path), tmp_path / "place"
    with strangers.another_order(host, files, path) as order:
        assert (path / "a").exists()
    assert order.second == "written backwards"
    assert order.missing == "disorderfs is not installed; only root on Linux may mount overlayfs"
    assert (path / "a").exists()


def test_disorderfs_shows_files_until_the_end(host: Host, tmp_path: Path) -> None:
    files, path = files_of(tmp_path), tmp_path / "place"
    program(host, "disorderfs", 'shift 3; /bin/rmdir "$2"; /bin/ln -s "$1" "$2"')
    program(host, "fusermount", '/bin/rm "$2"; /bin/mkdir "$2"')
    with pytest.raises(RuntimeError), strangers.another_order(host, files, path) as order:  # noqa: PT012 - a build
        assert (order.second, order.missing) == ("reversed, by disorderfs", "")
        assert path.is_symlink()
        raise RuntimeError
    assert not path.is_symlink()
    assert (path / "a").exists()
    assert not files.exists()


def test_what_does_not_work_is_told(host: Host, tmp_path: Path) -> None:
    files, path = files_of(tmp_path), tmp_path / "place"
    before = listed(files)
    for name in ("disorderfs", "fusermount", "mount", "umount"):
        program(host, name, "exit 1")
    with strangers.another_order(replace(host, is_root=True), files, path) as order:
        assert listed(path) == before
    assert order.missing.startswith("disorderfs does not work here: ")
    assert "; mount does not work here: " in order.missing
    assert sorted(listed(path)) == list("abcdefgh")
    assert {p.name for p in tmp_path.iterdir()} == {"bin", "place"}


def test_what_cannot_be_taken_away_is_an_error(host: Host, tmp_path: Path) -> None:
    files, path = files_of(tmp_path), tmp_path / "place"
    program(host, "disorderfs", "")
    program(host, "fusermount", "exit 1")
    with (
        pytest.raises(StorageError, match="cannot be unmounted"),
        strangers.another_order(host, files, path),
    ):
        (path / "left").touch()


def test_overlayfs_lists_files_in_another_order_and_everything_is_kept(host: Host, tmp_path: Path) -> None:
    """With the true programs where the machine lets them, else as it is told."""
    (tmp_path / "bin").rmdir()
    true = replace(host, path=(Path("/usr/bin"), Path("/bin")), is_root=os.geteuid() == 0)
    files, path = files_of(tmp_path), tmp_path / "place"
    before = listed(files)
    with strangers.another_order(true, files, path) as order:
        if order.second.endswith("overlayfs"):
            assert sorted(listed(path)) == sorted(before)
            assert listed(path) != before
            (path / before[-1]).write_text("changed")
            (path / before[-2]).unlink()
            (path / "made" / "here").mkdir(parents=True)
        else:
            assert order.missing or "disorderfs" in order.second
    assert not os.path.ismount(path)
    if order.second.endswith("overlayfs"):
        assert sorted(listed(path)) == sorted({*before} - {before[-2]})
        assert (path / before[-1]).read_text() == "changed"
        assert (path / "made" / "here").is_dir()
    assert {p.name for p in tmp_path.iterdir()} == {"place"}


def test_layers_are_split_and_joined(tmp_path: Path) -> None:
    files, lower = files_of(tmp_path), tmp_path / "lower"
    (files / "folder").mkdir(mode=0o700)
    (files / "folder" / "only").touch()
    (files / "link").symlink_to("folder")
    before = listed(files)
    strangers.split(files, lower)
    assert listed(files) == [name for name in before if not os.path.lexists(lower / name)]
    assert len(listed(lower)) == len(before) // 2
    assert (lower / "folder").stat().st_mode == (files / "folder").stat().st_mode
    assert not (lower / ".git").exists()
    (files / "folder" / "only").unlink()
    (files / "folder").rmdir()
    strangers.join(files, lower)
    assert sorted(listed(files)) == sorted(before)
    assert not (files / "folder").exists()
    assert not lower.exists()
