from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace

import pytest

from fakes.machine import ALL, COMMIT, LINUX, MACOS, WANTED, remove
from fakes.triples import ARM, WASM
from ferrule.core.errors import StorageError, ToolchainError
from ferrule.core.toolchain import Toolchain
from ferrule.toolchain.find import find, listed, require
from ferrule.toolchain.record import load
from ferrule.toolchain.requirements import ToolRequirements, needed_tools
from ferrule.tools.problems import ToolProblem


def test_a_toolchain_knows_versions_and_never_places(machine):
    machine.complete()
    toolchain = find(WANTED, machine.host())
    assert toolchain.rust_source == "distribution"
    assert toolchain.std == {LINUX: "prebuilt", ARM: "prebuilt", MACOS: "build-std", WASM: "build-std"}
    assert toolchain.sysroot == machine.usr
    assert f"commit-hash: {COMMIT}" in toolchain.identity("rustc")
    assert "LLVM version: 22.1.8" in toolchain.identity("rustc")
    assert "libstd-0123456789abcdef.rlib" in toolchain.identity("rustc")
    assert toolchain.identity("zig") == "zig 0.17.0"
    for name in toolchain.tools:
        assert str(machine.root) not in toolchain.identity(name)
    with pytest.raises(ToolchainError, match="docker is not part"):
        toolchain.tool("docker")


def test_another_build_of_the_same_version_is_another_toolchain(machine):
    machine.complete()
    before = find(WANTED, machine.host()).identity("rustc")
    std = machine.usr / "lib/rustlib" / LINUX / "lib"
    (std / "libstd-0123456789abcdef.rlib").rename(std / "libstd-fedcba9876543210.rlib")
    assert find(WANTED, machine.host()).identity("rustc") != before


def test_json_there_and_back(machine):
    machine.complete()
    toolchain = find(WANTED, machine.host())
    assert Toolchain.from_json(json.loads(json.dumps(toolchain.to_json()))) == toolchain


def test_the_second_time_no_process_is_started(machine):
    machine.complete()
    toolchain = find(WANTED, machine.host())
    machine.forget_calls()
    assert load(WANTED, machine.host()) == toolchain
    assert machine.calls == []
    assert require(WANTED, machine.host()) == toolchain
    assert machine.calls == []


@pytest.mark.parametrize(
    "place",
    [
        "usr/bin/rustc",
        "cache/tools/ziglang-0.17.0/ziglang/zig",
        f"usr/lib/rustlib/{LINUX}/lib",
        "usr/lib/rustlib/src/rust",
    ],
)
def test_a_changed_or_missing_file_is_noticed(machine, place):
    machine.complete()
    find(WANTED, machine.host())
    path = machine.root / place
    if path.is_dir():
        (path / "new").touch()
    else:
        path.write_text(path.read_text() + "\n")
    assert load(WANTED, machine.host()) is None
    find(replace(WANTED), machine.host())
    remove(path)
    assert load(WANTED, machine.host()) is None


def test_a_program_changed_with_its_size_and_time_put_back_is_noticed(machine):
    machine.complete()
    find(WANTED, machine.host())
    program = machine.root / "usr/bin/rustc"
    status, text = program.stat(), program.read_text()
    with program.open("r+") as file:
        file.write(text.swapcase())
    os.utime(program, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert load(WANTED, machine.host()) is None


def test_a_program_that_is_found_earlier_on_the_path_is_noticed(machine):
    machine.complete()
    first = machine.root / "first"
    host = replace(machine.host(), path=(first, *machine.host().path))
    find(WANTED, host)
    assert load(WANTED, host) is not None
    first.mkdir()
    (first / "other").touch()
    assert load(WANTED, host) is not None
    shutil.copy2(machine.root / "usr/bin/cargo", first / "cargo")
    assert load(WANTED, host) is None


def test_another_wish_is_looked_for(machine):
    machine.complete()
    find(WANTED, machine.host())
    assert load(replace(WANTED, triples=(LINUX,)), machine.host()) is None
    assert load(WANTED, machine.host(environment={"HOME": "/other"})) is None
    assert load(WANTED, machine.host()) is not None


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"format": 1}', '{"format": 2, "files": {}, "toolchain": {}}'])
def test_a_damaged_record_is_looked_over(machine, damage):
    machine.complete()
    toolchain = find(WANTED, machine.host())
    (record,) = (machine.cache / "toolchain").glob("*.json")
    record.write_text(damage)
    assert load(WANTED, machine.host()) is None
    assert require(WANTED, machine.host()) == toolchain


def test_what_a_killed_run_left_of_a_record_is_taken_away(machine):
    machine.complete()
    find(WANTED, machine.host())
    (record,) = (machine.cache / "toolchain").glob("*.json")
    left = record.with_name(f"{record.name}.part")
    record.rename(left)
    find(WANTED, machine.host())
    assert record.exists()
    assert not left.exists()


def test_a_cache_that_cannot_be_written(machine):
    machine.complete()
    (machine.cache / "toolchain").touch()
    with pytest.raises(StorageError, match="cannot write"):
        find(WANTED, machine.host())


def test_a_record_that_cannot_be_put_in_its_place_leaves_nothing_aside(machine):
    machine.complete()
    find(WANTED, machine.host())
    (record,) = (machine.cache / "toolchain").glob("*.json")
    record.unlink()
    record.mkdir()
    with pytest.raises(StorageError, match="cannot write"):
        find(WANTED, machine.host())
    assert not record.with_name(f"{record.name}.part").exists()


def test_only_what_is_needed_is_wanted(machine):
    machine.rust(linkers=False, source=False)
    machine.cbindgen()
    toolchain = find(replace(WANTED, triples=(LINUX,), tools=frozenset({"cbindgen"})), machine.host())
    assert sorted(toolchain.tools) == ["cargo", "cbindgen", "cc", "rustc", f"std-{LINUX}"]


def test_needed_tools_bring_others():
    needed = needed_tools(ToolRequirements(frozenset({"cargo-zigbuild"}), (MACOS,)))
    assert needed == {"cargo-zigbuild", "zig", "cargo", "rustc", "rust-objcopy", "cc"}
    assert needed_tools(ToolRequirements(frozenset({"node"}))) == {"node"}
    assert needed_tools(ToolRequirements(frozenset(), (LINUX,))) == {"cargo", "rustc", "cc"}


def test_no_rust_is_looked_for_where_none_is_needed(machine):
    machine.program("node", "echo v22.3.0")
    toolchain = find(replace(WANTED, triples=(), tools=frozenset({"node"})), machine.host())
    assert toolchain.tools["node"].version == "22.3.0"
    assert machine.calls == ["node --version"]


def test_an_engine_is_asked_each_time(machine):
    machine.complete()
    machine.program("podman", "echo 4.3.1")
    expected = replace(WANTED, tools=WANTED.tools | {"container"})
    assert find(expected, machine.host()).tool("container").version == "podman 4.3.1"
    assert load(expected, machine.host()) is None


def test_all_targets_have_a_standard_library(machine):
    machine.complete()
    assert set(find(WANTED, machine.host()).std) == set(ALL)


def test_a_fix_that_several_share_is_named_with_the_last_of_them():
    problems = [ToolProblem(name, "not installed", fix) for name, fix in (("a", "x"), ("b", "y"), ("c", "x"))]
    assert listed("3 tools are missing", problems).splitlines() == [
        "3 tools are missing:",
        "  - a: not installed",
        "  - b: not installed",
        "      fix: y",
        "  - c: not installed",
        "      fix: x",
    ]


def test_the_first_record_makes_its_folder(machine):
    machine.complete()
    shutil.rmtree(machine.cache / "toolchain", ignore_errors=True)
    toolchain = find(WANTED, machine.host())
    assert load(WANTED, machine.host()) == toolchain
