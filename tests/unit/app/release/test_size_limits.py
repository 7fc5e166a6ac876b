"""Files that are larger than targets.yaml allows keep a release from being made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.toolchain import lay_out
from fakes.triples import ARM, X86
from ferrule.core.errors import ConfigErrors, VerificationError

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.toolchain import Demo

NATIVE = "native: {kind: library, crate: demo-ffi, ship: true"


def project(root: Path, artifacts: str) -> Demo:
    demo = lay_out(root)
    targets = demo.project / "targets.yaml"
    head = targets.read_text().partition("artifacts:\n")[0]
    targets.write_text(f"{head}artifacts:\n  {artifacts}\n")
    return demo


def test_a_file_that_is_too_large_is_named_with_its_place_and_what_is_in_it(tmp_path: Path) -> None:
    limit = 'max-size: {"*.so.*": 2900 B}'
    demo = project(tmp_path, f"{NATIVE}, types: [cdylib], targets: [{X86}], {limit}}}")
    with pytest.raises(VerificationError) as caught:
        demo.run()
    message = str(caught.value)
    assert "1 file is larger than `max-size` allows" in message
    assert f"libdemo.so.1 of native for {X86} has " in message
    assert " and 2900 B are allowed (targets.yaml:" in message
    assert "; most of it: ." in message
    assert (caught.value.where or "").startswith("targets.yaml:")
    assert not demo.dist.exists()
    demo.edit("2900 B", "1 MiB")
    assert demo.run().failed == ()
    assert demo.dist.exists()


def test_every_file_counts_once_for_each_limit_and_memory_for_none(tmp_path: Path) -> None:
    limits = (
        'max-size: {"*": 10 B, "*.a": 1 GB}, per-target: {"aarch64*": {max-size: {"*.a": 0.5kB}}, "*": {env: {A: b}}}'
    )
    demo = project(tmp_path, f"{NATIVE}, targets: [{X86}, {ARM}], {limits}}}")
    with pytest.raises(VerificationError, match="3 files are larger") as caught:
        demo.run()
    lines = str(caught.value).splitlines()[1:4]
    assert [line.split()[1] for line in lines] == ["libdemo.so.1", "libdemo.a", "libdemo.a"]
    *_, last = (line.partition("(targets.yaml:")[2] for line in lines)
    assert last != lines[0].partition("(targets.yaml:")[2]  # the place in `per-target`
    assert ".relro_padding" not in str(caught.value)


def test_what_is_for_all_targets_and_folders_have_a_limit_too(tmp_path: Path) -> None:
    demo = project(tmp_path, "sums: {kind: checksums, max-size: {SHA256SUMS: 10 B}}\n  " + NATIVE + "}")
    with pytest.raises(VerificationError, match="SHA256SUMS of sums has "):
        demo.run()


def test_a_glob_that_limits_nothing_is_refused(tmp_path: Path) -> None:
    demo = project(tmp_path, f'{NATIVE}, targets: [{X86}], max-size: {{"*.dll": 1 MB}}}}')
    with pytest.raises(ConfigErrors, match=r"no file of native matches \*\.dll") as caught:
        demo.run()
    assert "there are: libdemo.so.1, libdemo.a" in str(caught.value)
