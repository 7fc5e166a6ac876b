from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.machine import LINUX, MACOS, WANTED
from fakes.triples import ARM
from ferrule.core.errors import StorageError
from ferrule.core.model import Tool
from ferrule.core.platforms import PLATFORMS
from ferrule.toolchain.find import find
from ferrule.tools import zig
from ferrule.tools.run import capture

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    """A zig that leaves a.o in the folder that it is started in, and says what it was given."""
    program = tmp_path / "a folder" / "zig"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\ntouch a.o\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    return Tool("zig", "0.17.0", (str(program),), "zig 0.17.0")


@pytest.mark.parametrize(("words", "leaves"), [(["cc", "-g", "--version"], []), (["cc", "-c", "a b.c"], ["a.o"])])
def test_a_question_for_the_version_leaves_nothing_in_the_sources(
    tmp_path: Path, tool: Tool, words: list[str], leaves: list[str]
) -> None:
    sources, scratch = tmp_path / "sources", tmp_path / "scratch"
    sources.mkdir()
    scratch.mkdir()
    zig.write_wrapper(tool, tmp_path / "cache")
    wrapper = zig.wrapper(tmp_path / "cache", tool.version)
    environment = {"PATH": "/usr/bin:/bin", "TMPDIR": str(scratch)}
    answer = capture([str(wrapper), *words], env=environment, cwd=sources).stdout
    assert answer.splitlines() == words
    assert [path.name for path in sources.iterdir()] == leaves


def test_the_wrapper_is_written_once_and_again_for_another_zig(tmp_path: Path, tool: Tool) -> None:
    zig.write_wrapper(tool, tmp_path)
    wrapper = zig.wrapper(tmp_path, tool.version)
    before = wrapper.stat()
    zig.write_wrapper(tool, tmp_path)
    assert wrapper.stat().st_ino == before.st_ino
    zig.write_wrapper(Tool("zig", "0.17.0", ("/other/zig",), "zig 0.17.0"), tmp_path)
    assert "exec /other/zig" in wrapper.read_text()
    assert [path.name for path in wrapper.parent.iterdir()] == ["ferrule-zig"]


def test_a_cache_that_cannot_be_written(tmp_path: Path, tool: Tool) -> None:
    (tmp_path / "zig").write_text("no folder")
    with pytest.raises(StorageError, match="zig's cache cannot be written"):
        zig.write_wrapper(tool, tmp_path)


@pytest.mark.parametrize(("language", "compiler"), [("c", "cc"), ("c++", "c++")])
def test_c_plus_plus_has_the_headers_of_its_library(tmp_path: Path, language: str, compiler: str) -> None:
    tool, platform = Tool("zig", "1", ("/z/zig",), "zig 1"), PLATFORMS["x86_64-unknown-linux-gnu"]
    command = zig.header_command(tool, platform, floor=None, cache=tmp_path, folder=tmp_path, options=("-x", language))
    assert command.argv[:2] == ("/z/zig", compiler)


def test_names_of_targets_for_zig():
    assert PLATFORMS[LINUX].zig("2.17") == "x86_64-linux-gnu.2.17"
    assert PLATFORMS[ARM].zig() == "aarch64-linux-gnu"
    assert PLATFORMS[MACOS].zig("11.0") == "aarch64-macos.11.0-none"


def test_priming_happens_once_for_each_native_target(machine):
    machine.complete()
    chain = find(WANTED, machine.host())
    machine.forget_calls()
    threads = [
        threading.Thread(target=zig.warm_cache, args=(chain, machine.cache, machine.host().children)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    targets = [call.split()[3] for call in machine.calls]
    assert targets == ["x86_64-linux-gnu", "aarch64-linux-gnu", "aarch64-macos-none"]


def first_link(machine, chain, triple, floor, borrow=lambda _: nullcontext(True)):
    places = (machine.cache, machine.host().children)
    return zig.prelink(chain.tool("zig"), PLATFORMS[triple], floor, *places, borrow)


def test_the_first_link_happens_beside_other_work_and_once(machine):
    machine.complete()
    chain = find(WANTED, machine.host())
    machine.forget_calls()
    for floor in ("2.17", "2.17", "2.28"):
        with first_link(machine, chain, LINUX, floor):
            pass
    assert [call.split()[3] for call in machine.calls] == ["x86_64-linux-gnu.2.17", "x86_64-linux-gnu.2.28"]
    assert all("-shared" in call and "-lunwind" in call for call in machine.calls)


def test_a_first_link_for_which_there_is_no_room_is_left_to_the_real_one(machine):
    machine.complete()
    chain = find(WANTED, machine.host())
    machine.forget_calls()
    asked = []

    @contextmanager
    def never(over):
        asked.append(over.wait(60))
        yield False

    with first_link(machine, chain, LINUX, "2.17", never):
        pass
    assert asked == [True]
    assert machine.calls == []


def test_a_first_link_that_fails_is_left_to_the_real_one(machine):
    machine.complete()
    chain = find(WANTED, machine.host())
    (machine.cache / "zig").touch()
    with first_link(machine, chain, MACOS, "11.0"):
        pass


def test_priming_a_cache_that_cannot_be_written(machine):
    machine.complete()
    chain = find(WANTED, machine.host())
    (machine.cache / "zig").touch()
    with pytest.raises(StorageError, match="zig's cache"):
        zig.warm_cache(chain, machine.cache, machine.host().children)
