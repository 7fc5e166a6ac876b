"""Ten thousand hostile strings across every field of targets.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes import strings
from fakes.toolchain import lay_out

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.faults, pytest.mark.thorough]


@pytest.mark.parametrize("part", range(4))
def test_all_of_them(part: int, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    project = strings.project(lay_out(tmp_path).project)
    counts, problems = strings.judge_all(project, 2_500, strings.SEED + part)
    for what, number in counts.items():
        record_property(f"hostile: strings in targets.yaml, {what}", number)
    assert not problems, "\n".join(problems[:20])
