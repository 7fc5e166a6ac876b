"""What commands cost that people wait for, in instructions, which no load changes: at most a tenth more than before."""

from __future__ import annotations

import subprocess  # noqa: TID251 - asks Git
import sys

import pytest
from judges import CHECKOUT

from fakes.triples import ARM, X86

sys.path.append(str(CHECKOUT / "bench"))

import instructions

pytestmark = pytest.mark.only_on(X86, ARM, reason="valgrind does not run there")


def counts_of_before() -> dict[str, int]:
    """Those that were kept of this interpreter; else the newest commit of which any were kept is counted anew."""
    history = instructions.kept()
    for entry in reversed(history):
        if entry["python"] == instructions.interpreter():
            counts: dict[str, int] = entry["counts"]
            return counts
    commit = history[-1]["commit"]
    has = subprocess.run(["git", "cat-file", "-e", f"{commit}^{{commit}}"], cwd=CHECKOUT, check=False)
    if has.returncode:
        pytest.skip(
            f"counts are kept of {history[-1]['python']}, this is {instructions.interpreter()}, and {commit} cannot be"
            " counted anew in a shallow clone: git fetch --unshallow, or python bench/instructions.py --keep"
        )
    with instructions.checkout_of(commit) as tree:
        return instructions.counted(tree)


@pytest.mark.usefixtures("judged")
def test_no_command_takes_more_instructions_than_it_took() -> None:
    before = counts_of_before()
    assert instructions.slower(instructions.counted(CHECKOUT), before) == []
