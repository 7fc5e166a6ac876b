"""The tutorial, from its first command to its last, as a new user would run it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from judges import CHECKOUT, run

import tutorial

pytestmark = pytest.mark.only_on("x86_64-unknown-linux-gnu", reason="the tutorial names this machine's SDK")


@pytest.fixture
def followed(programs: object, tmp_path: Path) -> str:
    """What differs from the tutorial where somebody follows it, block by block."""
    assert programs
    uv = shutil.which("uv")
    assert uv, "uv is in requirements/tests.txt"
    (tmp_path / "ferrule").symlink_to(CHECKOUT)
    installed = tmp_path / "bin"  # before all others in the PATH: the ferrule that the tutorial installs
    variables = {
        "PATH": f"{installed}:/usr/bin:/bin:{Path(uv).parent}",
        "UV_TOOL_DIR": str(tmp_path / "tools"),
        "UV_TOOL_BIN_DIR": str(installed),
    }
    todo = tutorial.steps((CHECKOUT / "docs" / "tutorial.md").read_text(encoding="utf-8"))
    output = run("bash", "-c", tutorial.script(todo), cwd=tmp_path, ok=False, **variables).stdout
    assert (installed / "ferrule").exists()
    return "\n".join(tutorial.differences(todo, output))


def test_every_block_of_the_tutorial_as_it_stands(followed: str) -> None:
    assert followed == ""
