"""Workspaces of many kinds: what init writes is valid, stays as it is, and ends in a release without an edit."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fakes import extension
from fakes.toolchain import Demo, equip
from fakes.workspaces import LAST, SKETCHES, Sketch
from ferrule.app.init import run as init
from ferrule.app.release import run as release

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=SKETCHES.values(), ids=SKETCHES.keys())
def sketch(request: pytest.FixtureRequest) -> Sketch:
    value: Sketch = request.param
    return value


@pytest.fixture
def project(sketch: Sketch, tmp_path: Path) -> Demo:
    """The workspace, and pretended compilers for it."""
    demo = Demo(tmp_path)
    sketch.lay_out(demo.project)
    equip(demo)
    if sketch.remote:
        (demo.root / "bin" / "git").symlink_to(shutil.which("git") or "git")
    if "extension" in sketch.artifacts.values():
        extension.equip(demo)
        extension.built(demo)
    return demo


def test_it_writes_a_valid_file_and_a_release_follows_from_it(project: Demo, sketch: Sketch) -> None:
    proposal = init.propose(project.project, project.context.host)
    assert project.calls == []
    init.write(project.project, proposal)
    config = release.load(project.project)
    plan = release.make_plan(config, project.context)
    assert config.problems == ()
    assert {artifact.name: artifact.kind.name for artifact in config.artifacts} == {**sketch.artifacts, **LAST}
    assert [line for line in sketch.lines if line not in proposal.text] == []
    again = init.propose(project.project, project.context.host)
    assert (again.existing, again.diff) == (proposal.text, "")
    context = replace(project.context, host=replace(project.context.host, offline=False))  # for cibuildwheel
    report = release.run(config, plan, context, lambda _: None, output=project.dist, everything=False)
    assert [(outcome.action.id, outcome.error) for outcome in report.outcomes if outcome.error] == []
    packed = {"library", "header", "component"}  # they are inside of others, unless there are none
    assert {row["kind"] for row in manifest(project)["artifacts"]} >= {*sketch.artifacts.values()} - packed


def test_it_says_what_is_not_covered_and_where(project: Demo, sketch: Sketch) -> None:
    rows = [
        f"{u.where}: {u.what}: {u.reason}"
        for u in init.propose(project.project, project.context.host).description.uncovered
    ]
    assert [expected for expected in sketch.uncovered if not any(expected in row for row in rows)] == []
    assert len(rows) == len(set(rows))
    assert all(row.partition(":")[0] for row in rows)
    assert not any("t0k3n" in row for row in rows)


def manifest(demo: Demo) -> Any:
    return json.loads((demo.dist / "manifest.json").read_bytes())
