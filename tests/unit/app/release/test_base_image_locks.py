"""Lock files of image bases, written anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ferrule.app.release import base_image_locks as bases
from ferrule.app.release import run as release
from ferrule.core.errors import ConfigError, UsageError
from ferrule.tools.debs import read_lock

if TYPE_CHECKING:
    from fakes.toolchain import Demo


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
    assert list(bases.refresh_locks(release.load(demo.project), demo.context.host, ())) == [("base.lock", 2)]
    assert {p.version for p in read_lock(lock.read_text())} == {"2.41-1"}


def test_refresh_of_what_is_no_lock_file(demo: Demo) -> None:
    fake_apt(demo, "1")
    with pytest.raises(ConfigError, match="not a valid lock file"):
        list(bases.refresh_locks(release.load(demo.project), demo.context.host, (demo.project / "LICENSE",)))
    with pytest.raises(UsageError, match="this file cannot be read: No such file or directory"):
        list(bases.refresh_locks(release.load(demo.project), demo.context.host, (demo.project / "gone",)))


def test_the_first_lock_is_written_where_there_is_none(demo: Demo) -> None:
    fake_apt(demo, "2.41-1")
    lock = demo.project / "packaging" / "base.lock"
    config = release.load(demo.project)
    assert list(bases.write_first_locks(config, demo.context.host)) == []
    lock.unlink()
    packages = "".join(
        f"Package: {name}\\nArchitecture: {a}\\nVersion: 1\\nSHA256: {'0' * 64}\\nSize: 7\\n\\n"
        for name in ("base-files", "ca-certificates", "netbase", "tzdata", "libc6")
        for a in ("amd64", "arm64")
    )
    (demo.root / "bin" / "apt-cache").write_text(f"#!/bin/sh\nprintf '{packages}'\n")
    assert list(bases.write_first_locks(config, demo.context.host)) == [("packaging/base.lock", 10)]
    assert {p.architecture for p in read_lock(lock.read_text())} == {"amd64", "arm64"}


@pytest.mark.parametrize(
    ("base", "problem"),
    [
        ("debian:12", "debian:12 is not a file of the project"),
        ("/etc/base.lock", "/etc/base.lock is not a file of the project"),
        ("../base.lock", "../base.lock is not a file of the project"),
        ("base.lock, targets: ['*-darwin']", "no target of the image is an architecture of Debian's: base.lock"),
    ],
)
def test_a_first_lock_that_cannot_be_written(demo: Demo, base: str, problem: str) -> None:
    demo.edit("base: packaging/base.lock", f"base: {base}")
    with pytest.raises(ConfigError, match=problem) as caught:
        list(bases.write_first_locks(release.load(demo.project), demo.context.host))
    assert (caught.value.where or "").startswith("targets.yaml:")
