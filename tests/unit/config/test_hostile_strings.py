"""Hostile strings in every field of targets.yaml: refused at their place, or provably harmless; more in faults/."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes import strings
from fakes.toolchain import lay_out
from ferrule import config
from ferrule import plan as planning
from ferrule.app.publish import DESTINATIONS
from ferrule.app.release import run as release
from ferrule.core.section import keys_of
from ferrule.kinds import KINDS
from ferrule.kinds.base import ReleaseInfo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COUNT = 1_500


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return strings.project(lay_out(tmp_path_factory.mktemp("strings")).project)


def test_the_document_they_are_put_into_is_taken(project: Path):
    loaded = config.load(project, KINDS, DESTINATIONS)
    output = loaded.project
    described = ReleaseInfo(output.name, output.version, license_files=output.license_files)
    assert planning.plan(loaded, described, release.disk_of(project)).actions


def test_every_field_of_every_kind_is_a_spot(project: Path):
    """A field that is added to a section is added here: the schema says which there are."""
    result = strings.spots(strings.base(project))
    kinds = {str(spot.path[1]) for spot in result if spot.path[0:1] == ("artifacts",) and len(spot.path) == 3}
    assert len(kinds) >= len(KINDS)
    for kind in KINDS.values():
        for key in (declared.name for declared in keys_of(kind.spec).values()):
            assert any(spot.path[0:1] == ("artifacts",) and spot.path[2:3] == (key,) for spot in result), (
                kind.name,
                key,
            )


def test_some_of_them(project: Path, record_property: Callable[[str, object], None]):
    counts, problems = strings.judge_all(project, COUNT)
    for what, number in counts.items():
        record_property(f"hostile: strings in targets.yaml, {what}", number)
    assert not problems, "\n".join(problems[:20])
    assert counts["refused"] > COUNT // 2
    assert counts["harmless"], "nothing was taken, so that nothing was planned"


def test_they_are_always_the_same(project: Path):
    base = strings.base(project)
    assert list(strings.cases(base, 50)) == list(strings.cases(base, 50))


def test_the_judge_notices(project: Path):
    """What is harmful in one place is harmless in another, and the judge tells which."""
    base = strings.base(project)
    output = strings.Case(strings.Spot(("project", "description"), "value"), "--option", "quoted")
    assert strings.judge(project, strings.written(base, output)) == ("harmless", None)
    wrong = strings.Case(strings.Spot(("project", "name"), "value"), "a\nb", "quoted")
    assert strings.judge(project, strings.written(base, wrong)) == ("refused", None)
