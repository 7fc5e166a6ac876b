"""Another person at the same machine: what is different about it, and what is said where it cannot be had."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from ferrule.tools import stranger as strangers
from ferrule.tools.host import Host
from ferrule.tools.run import Person

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
    place = host.path[0] / name
    place.write_text(f"#!/bin/sh\n{script}\n")
    place.chmod(0o755)
    return place


def home(tmp_path: Path) -> Path:
    place = tmp_path / "theirs"
    place.mkdir()
    return place


def missing(who: strangers.Stranger, what: str) -> str:
    return next(v.missing for v in who.variations if v.what == what)


def test_a_stranger_has_other_habits_and_the_same_tools(host: Host, tmp_path: Path) -> None:
    who = strangers.stranger(host, home(tmp_path), ())
    assert who.person == Person(umask=0o077)
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
    who = strangers.stranger(host, home(tmp_path), ())
    told = {v.what: (v.first, v.second) for v in who.variations if not v.missing}
    assert told["umask"] == ("022", "077")
    assert told["TZ"] == ("UTC", "Pacific/Chatham")
    assert missing(who, "user") == "only root may start a program as another user"
    assert missing(who, "clock") == "faketime is not installed"


def test_most_people_have_the_usual_mask(host: Host, tmp_path: Path) -> None:
    who = strangers.plain(host, home(tmp_path))
    assert who.person == Person(umask=0o022)
    assert who.prefix == ()
    assert who.environment["HOME"] == host.environment["HOME"]


def test_the_clock_is_set_where_that_can_be_done(host: Host, tmp_path: Path) -> None:
    place = program(host, "faketime", "")
    who = strangers.stranger(host, home(tmp_path), ())
    assert who.prefix == (str(place), "-f", "+400d")
    assert missing(who, "clock") == ""


@pytest.mark.parametrize(("variable", "value"), [("GOPATH", "/g:/h"), ("GOMODCACHE", "/g/pkg/mod")])
def test_modules_of_go_are_where_go_has_them(host: Host, tmp_path: Path, variable: str, value: str) -> None:
    known = replace(host, environment={**host.environment, variable: value})
    assert strangers.stranger(known, home(tmp_path), ()).environment["GOMODCACHE"] == "/g/pkg/mod"


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
    who = strangers.stranger(replace(host, is_root=True), home(tmp_path), (closed / "program",))
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
    given = strangers._lend(host, home(tmp_path), OURSELVES)
    lent = Path(given["CARGO_HOME"])
    assert {p.name for p in lent.iterdir() if p.is_file()} == {"config"}
    copy = Path(given["FERRULE_CACHE"]) / "zig" / "0" / "x"
    assert copy.read_text() == "written to"
    assert copy.stat().st_ino != zig.stat().st_ino


def files_of(tmp_path: Path) -> Path:
    files = tmp_path / "files"
    files.mkdir()
    (files / "one").touch()
    return files


def test_without_disorderfs_files_are_moved_and_it_is_said(host: Host, tmp_path: Path) -> None:
    files, place = files_of(tmp_path), tmp_path / "place"
    with strangers.reversed_order(host, files, place) as reason:
        assert (place / "one").exists()
    assert reason == "disorderfs is not installed"
    assert (place / "one").exists()


def test_disorderfs_shows_files_until_the_end(host: Host, tmp_path: Path) -> None:
    files, place = files_of(tmp_path), tmp_path / "place"
    program(host, "disorderfs", 'shift 3; /bin/rmdir "$2"; /bin/ln -s "$1" "$2"')
    program(host, "fusermount", '/bin/rm "$2"; /bin/mkdir "$2"')
    with strangers.reversed_order(host, files, place) as reason:
        assert reason == ""
        assert place.is_symlink()
    assert not place.is_symlink()
    assert (place / "one").exists()
    assert not files.exists()


def test_a_disorderfs_that_does_not_work_is_told(host: Host, tmp_path: Path) -> None:
    files, place = files_of(tmp_path), tmp_path / "place"
    program(host, "disorderfs", "exit 1")
    program(host, "fusermount", "")
    with strangers.reversed_order(host, files, place) as reason:
        assert (place / "one").exists()
    assert reason.startswith("disorderfs does not work here: ")
