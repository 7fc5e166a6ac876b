"""`ferrule init` as people call it: what it prints, writes and leaves alone."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from fakes.workspaces import SKETCHES
from ferrule.cli import cli
from ferrule.core.errors import FerruleError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return SKETCHES["cargo-dist"].lay_out(tmp_path / "project")


def init(folder: Path, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["init", "-C", str(folder), *arguments], catch_exceptions=True)
    if isinstance(done.exception, FerruleError):
        return done.exception.exit_code, str(done.exception)
    assert done.exception is None, done.exc_info
    return done.exit_code, done.output


def test_it_writes_says_what_is_not_covered_and_then_changes_nothing(project: Path) -> None:
    code, output = init(project)
    assert (code, output.splitlines()[0]) == (0, "targets.yaml written: 7 artifacts")
    assert "  dist-workspace.toml:6:1: the target x86_64-unknown-freebsd: Ferrule does not build for it yet" in output
    assert output.endswith("\nnext: ferrule check, ferrule plan, ferrule release --setup\n")
    written = (project / "targets.yaml").read_bytes()
    code, output = init(project)
    assert (code, output.splitlines()[0]) == (
        0,
        "targets.yaml exists and was not changed; ferrule init --diff shows what would be written now",
    )
    assert "x86_64-unknown-freebsd" in output
    assert init(project, "--diff") == (0, "targets.yaml: nothing would change\n")
    assert (project / "targets.yaml").read_bytes() == written


def test_a_difference_is_shown_and_nothing_written(project: Path) -> None:
    _, output = init(project, "--diff")
    assert "+  native: {kind: library, crate: demo, header: header}" in output.splitlines()
    assert not (project / "targets.yaml").exists()
    (project / "targets.yaml").write_text("version: 1\n")
    _, output = init(project, "--diff")
    assert " version: 1" in output.splitlines()
    assert (project / "targets.yaml").read_text() == "version: 1\n"


def test_what_check_would_refuse_is_said_at_once(project: Path) -> None:
    shutil.rmtree(project)
    SKETCHES["Go and Python"].lay_out(project)
    (project / "go" / "go.mod").write_text("module example.org/demo\n\ngo 1.24\n")
    code, output = init(project)
    assert code == 0
    assert "\nto do first, as ferrule check says:\n  targets.yaml:" in output
    assert "go/go.mod does not require github.com/ebitengine/purego" in output
    (project / "targets.yaml").unlink()
    (problem,) = json.loads(init(project, "--json")[1])["problems"]
    assert problem["hint"] == "add it in go: go get github.com/ebitengine/purego"


def test_programs_get_it_all_as_json(project: Path) -> None:
    document = json.loads(init(project, "--json")[1])
    assert (document["written"], document["artifacts"][0]) == (True, "native")
    where = {row["what"]: row["where"] for row in document["uncovered"]}
    assert where["the target x86_64-unknown-freebsd"] == "dist-workspace.toml:6:1"
    again = json.loads(init(project, "--json")[1])
    assert (again["written"], again["diff"]) == (False, "")


def test_quiet_says_nothing(project: Path) -> None:
    assert init(project, "--quiet") == (0, "")
    assert (project / "targets.yaml").is_file()


def test_what_it_refuses_has_the_documented_codes(tmp_path: Path) -> None:
    assert init(tmp_path)[0] == 3
    assert CliRunner().invoke(cli, ["init", "-C", str(tmp_path / "gone")]).exit_code == 2
