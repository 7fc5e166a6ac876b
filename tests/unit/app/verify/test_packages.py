from __future__ import annotations

import pytest

from ferrule.app.verify.packages import _tag_problem
from ferrule.core.platforms import PLATFORMS
from ferrule.formats.binary import BinaryFacts

WITH_WHEELS = [triple for triple, row in PLATFORMS.items() if row.has_wheels]


@pytest.mark.parametrize("triple", WITH_WHEELS)
def test_a_wheel_is_tagged_for_the_machine_of_its_library(triple: str) -> None:
    row = PLATFORMS[triple]
    facts = BinaryFacts("elf", "shared library", row.system, row.machine, 1)
    assert _tag_problem(facts, (f"py3-none-{row.wheel_tag(11, 0)}",), "libdemo.so") is None


@pytest.mark.parametrize(
    ("tag", "system", "machine"),
    [("manylinux_2_17_armv7l", "linux", "aarch64"), ("macosx_11_0_universal2", "macos", "arm64")],
)
def test_a_wheel_that_is_tagged_for_another_machine(tag: str, system: str, machine: str) -> None:
    facts = BinaryFacts("elf", "shared library", system, machine, 1)
    problem = _tag_problem(facts, (f"py3-none-{tag}",), "libdemo")
    assert problem == f"libdemo is for {system} on {machine}, and the tag says {tag}"
