"""Releases made again: at once and without work where nothing changed, and with the same bytes somewhere else."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from judges import CHECKOUT, ferrule, run
from released import Release, sha256


def written(dist: Path) -> dict[str, tuple[int, int]]:
    """Which file each one is, and when it was last changed in any way."""
    return {str(p): (s.st_ino, s.st_ctime_ns) for p in dist.rglob("*") if p.is_file() and (s := p.stat())}


def test_a_second_release_starts_no_program_but_git(release, tmp_path):
    trace = tmp_path / "trace"
    before = written(release.dist)
    judge = ("strace", "--follow-forks", "--trace=execve", "--quiet=all", "--output", trace)
    command = (sys.executable, "-m", "ferrule", "release", release.dist.name, "--output", release.dist.parent)
    run(*judge, *command, cwd=CHECKOUT, PYTHONPATH=str(CHECKOUT / "src"))
    calls = re.findall(r'execve\("([^"]+)".*\) = 0$', trace.read_text(), flags=re.MULTILINE)
    assert calls[0] == sys.executable
    assert {Path(call).name for call in calls[1:]} <= {"git"}
    assert written(release.dist) == before


def test_a_second_release_lists_what_is_there(release):
    output = ferrule("release", release.dist.name, "--output", release.dist.parent).stdout
    head, *rows = output.splitlines()[:-1]
    assert head.split() == ["file", "target", "size", "sha256"]  # no time: nothing was built
    assert len(rows) > 10


def test_somebody_else_elsewhere_makes_the_same_bytes(release, reproduced):
    assert [row for row in reproduced["files"] if row["verdict"] != "equal"] == []
    assert reproduced["equal"]
    assert reproduced["inputs"] == []
    there = Release(Path(reproduced["second"]) / "dist" / "email-validator", Path(reproduced["second"]))
    assert there.manifest == release.manifest
    digests = {name: sha256(path) for name, path in release.files().items() if name != "report.html"}
    assert {name: sha256(path) for name, path in there.files().items() if name != "report.html"} == digests
    assert {row["file"]: row["second"] for row in reproduced["files"]} == digests


def test_what_was_different_about_it_is_told(reproduced):
    varied = {row["what"]: row for row in reproduced["variations"]}
    assert {what for what, row in varied.items() if not row["missing"]} >= {"folder", "umask", "TZ", "USER", "threads"}
    assert (varied["user"]["missing"] == "") == (varied["user"]["second"] != str(os.geteuid()))
