from __future__ import annotations

import pytest

from ferrule.core.rustflags import refused_flag

STATED = "Ferrule or Cargo states it"


@pytest.mark.parametrize(
    ("flags", "index", "reason"),
    [
        (["-C", "linker=cc"], 1, STATED),
        (["-Clinker=cc"], 0, STATED),
        (["--codegen=linker_flavor=gcc"], 0, STATED),
        (["--codegen", "incremental=x"], 1, STATED),
        (["-g", "--target=x"], 1, STATED),
        (["--crate-type", "lib"], 0, STATED),
        (["-o/tmp/x"], 0, STATED),
        (["--cfg", "a", "-V"], 2, STATED),
        (["-Zfoo"], 0, "only a nightly Rust knows it"),
        (["@flags.txt"], 0, "it reads more flags from a file"),
        (["-Ctarget-cpu=native"], 0, "it makes code for the machine that builds"),
        (["-C", "tune_cpu=native"], 1, "it makes code for the machine that builds"),
    ],
)
def test_what_ferrule_states_or_a_machine_decides_is_refused(flags: list[str], index: int, reason: str) -> None:
    refused = refused_flag(flags)
    assert refused is not None
    assert refused[0] == index
    assert refused[1].startswith(reason)


@pytest.mark.parametrize(
    "flags",
    [
        [],
        ["--cfg", 'backend="fast"'],
        ["--cfg", "--target"],
        ["-C", "target-cpu=x86-64-v3", "-Cpanic=abort", "-O", "--codegen=opt-level=3"],
        ["-Lnative=/folder", "-l", "ssl", "-C", "link-arg=-Wl,-z,now"],
    ],
)
def test_everything_else_is_rustc_s(flags: list[str]) -> None:
    assert refused_flag(flags) is None
