"""A crash in a released library, resolved by other people's tools from the debug symbols beside the release alone."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from pathlib import Path

import lief
import pytest
from judges import compiled, ferrule, run
from released import LINUX

from fakes.triples import ARM, X86

pytestmark = pytest.mark.only_on(*LINUX, reason="debug symbols are separated for Linux, by tools of Linux read here")
CRASHES = Path(__file__).parent / "crashes"
USER = r"""
#include <execinfo.h>
#include <signal.h>
#include <stdint.h>
#include <unistd.h>

void crash_now(uintptr_t at);

static void report(int number) {
    (void)number;
    void *frames[64];
    backtrace_symbols_fd(frames, backtrace(frames, 64), 1);
    _exit(0);
}

int main(void) {
    void *warm[1];
    backtrace(warm, 1);
    signal(SIGSEGV, report);
    crash_now(1);
    return 1;
}
"""
# From the crash outwards; line tables have no names of modules for what is inlined. Between them are frames of the
# standard library's sorting, which are those of whatever release compiles this.
FRAMES = (
    ("crash_fall", "fall.c:5"),
    ("inlined", "lib.rs:10"),
    ("{closure#0}", "lib.rs:17"),
    ("deeper", "lib.rs:16"),
    ("crash_now", "lib.rs:27"),
)


def released(folder: Path, targets: str = f"{X86}, {ARM}", symbols: str = "true") -> Path:
    """The workspace, released in a folder of its own, with what its debug archives hold beside each file."""
    shutil.copytree(CRASHES, folder)
    text = (folder / "targets.yaml").read_text()
    triples = "".join(f'  {triple}: {{glibc: "2.17"}}\n' for triple in targets.split(", "))
    text = re.sub(r"(?s)(?<=targets:\n).*(?=artifacts:)", triples, text)
    (folder / "targets.yaml").write_text(text.replace("debug-symbols: true", f"debug-symbols: {symbols}"))
    ferrule("release", cwd=folder)
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=folder / "dist")
    return folder / "dist"


@pytest.fixture(scope="module")
def dist(setup, tmp_path_factory) -> Path:  # noqa: ARG001
    return released(tmp_path_factory.mktemp("crash") / "project")


def extract(archive: Path, folder: Path) -> None:
    """Unpack by another program than the one that packed."""
    folder.mkdir(exist_ok=True)
    run("tar", "-xf", archive, "-C", folder)


def unpacked(dist: Path, folder: Path, triple: str) -> tuple[Path, Path]:
    """A released library, and its debug symbols beside it."""
    name = f"libcrash-1.2.3-{triple}-debug"
    extract(dist / f"{name}.tar.gz", folder)
    library = folder / name / "libcrash.so.1"
    shutil.copyfile(dist / "lib" / triple / library.name, library)
    return library, library.with_name(f"{library.name}.debug")


def symbolized(file: Path, *offsets: str) -> list[tuple[str, str]]:
    """Function, and file and line, of each frame, inlined ones first."""
    out = run("llvm-symbolizer", f"--obj={file}", "--demangle", "--output-style=LLVM", *offsets).stdout
    lines = [line for line in out.splitlines() if line]
    pairs = zip(lines[::2], lines[1::2], strict=True)
    return [(name, place.rpartition("/")[2].rpartition(":")[0]) for name, place in pairs]


def test_verify_reads_the_debug_symbols(dist: Path) -> None:
    assert f"libcrash-1.2.3-{X86}-debug.tar.gz" in ferrule("verify", dist, "--json").stdout


@pytest.mark.only_on(X86, reason="the library is of another machine")
def test_every_frame_of_a_crash_has_its_function_file_and_line(dist: Path, tmp_path: Path) -> None:
    library, debug = unpacked(dist, tmp_path, X86)
    (tmp_path / "user.c").write_text(USER)
    program = tmp_path / "user"
    run("gcc", "-rdynamic", tmp_path / "user.c", "-o", program, library)
    (library.parent / "libcrash.so.1").chmod(0o755)
    output = run(program, LD_LIBRARY_PATH=os.fspath(library.parent)).stdout
    offsets = re.findall(r"libcrash\.so\.1\(\+?([\w+]*)\)\[", output)
    first, *callers = (int(offset, 16) if "x" in offset[:2] else _of_symbol(library, offset) for offset in offsets)
    # A return address is behind the call.
    absolute = [hex(address) for address in (first, *(caller - 1 for caller in callers))]
    assert len(absolute) > 2, output
    frames = symbolized(debug, *absolute)
    assert not [frame for frame in frames if "??" in frame[0] or "?" in frame[1]], frames
    waiting = iter(frames)
    assert all(any(_is(frame, name, place) for frame in waiting) for name, place in FRAMES), frames
    # From the released file LLVM's symbolizer goes on to the lines, and takes names of C from its symbol table alone.
    assert [place for _, place in symbolized(library, *absolute)] == [place for _, place in frames]
    by_binutils = run("addr2line", "-f", "-i", "-e", library, *absolute).stdout
    assert "crash_fall" in by_binutils
    assert "??" not in by_binutils


def _is(frame: tuple[str, str], name: str, place: str) -> bool:
    return name in frame[0] and frame[1] == place


def _of_symbol(library: Path, text: str) -> int:
    """An offset that is told from a symbol, `crash_now+0x12`."""
    name, _, rest = text.partition("+")
    return exported(library, name) + int(rest, 16)


def exported(library: Path, name: str) -> int:
    """The address of a symbol that a library exports."""
    rows = [line.split() for line in run("nm", "--dynamic", "--defined-only", library).stdout.splitlines()]
    return next(int(row[0], 16) for row in rows if row[-1] == name)


@pytest.mark.only_on(X86, reason="gdb starts the program")
def test_gdb_shows_the_crash_of_a_released_program(dist: Path, tmp_path: Path) -> None:
    for name in (f"crash-1.2.3-{X86}", f"crash-1.2.3-{X86}-debug"):
        extract(dist / f"{name}.tar.gz", tmp_path)
    program = tmp_path / f"crash-1.2.3-{X86}" / "crash"
    options = ("-ex", "set debuginfod enabled off", "-ex", "set debug-file-directory /nowhere")
    without = run("gdb", "-nx", "-batch", *options, "-ex", "info line crash_fall", program, ok=False).stdout
    assert "fall.c" not in without
    shutil.copyfile(tmp_path / f"crash-1.2.3-{X86}-debug" / "crash.debug", program.with_name("crash.debug"))
    shown = run("gdb", "-nx", "-batch", *options, "-ex", "run", "-ex", "backtrace", program).stdout
    assert re.search(r"#0 .*crash_fall .*fall\.c:5", shown), shown
    assert re.search(r"in main \(\) at cli/src/main\.rs:4", shown), shown


def test_the_symbols_of_another_machine(dist: Path, tmp_path: Path) -> None:
    library, debug = unpacked(dist, tmp_path, ARM)
    (frame, *_) = symbolized(debug, hex(exported(library, "crash_now")))
    assert (frame[0], frame[1].partition(":")[0]) == ("crash_now", "lib.rs")


@pytest.mark.parametrize("triple", [X86, ARM])
def test_the_list_of_crates_outlasts_the_stripping(dist: Path, tmp_path: Path, programs, triple: str) -> None:
    extract(dist / f"crash-1.2.3-{triple}.tar.gz", tmp_path)
    reader = compiled("rust-audit-info", programs)
    files = {
        "crash": tmp_path / f"crash-1.2.3-{triple}" / "crash",
        "crash-ffi": dist / "lib" / triple / "libcrash.so.1",
    }
    for root, file in files.items():
        packages = json.loads(run(reader, file).stdout)["packages"]
        assert [package["name"] for package in packages if package.get("root")] == [root]
        assert {package["name"] for package in packages} >= {"crash-ffi", "cc"}


def loaded(path: Path) -> dict[str, tuple[int, int, str]]:
    """Address, size and digest of every section that is loaded, but for the build id, which is of the whole file."""
    elf = lief.parse(os.fspath(path))  # whose sections live as long as it does
    flag, only_in_memory = lief.ELF.Section.FLAGS.ALLOC, lief.ELF.Section.TYPE.NOBITS
    return {
        one.name: (
            one.virtual_address,
            one.size,
            "" if one.type == only_in_memory else hashlib.sha256(bytes(one.content)).hexdigest(),
        )
        for one in elf.sections
        if one.has(flag) and "build-id" not in one.name
    }


def test_what_is_loaded_is_the_same_without_and_everything_elsewhere(dist: Path, tmp_path: Path) -> None:
    elsewhere = released(tmp_path / "a folder of another name", X86)
    for name in (f"libcrash-1.2.3-{X86}-debug.tar.gz", f"crash-1.2.3-{X86}-debug.tar.gz", f"lib/{X86}/libcrash.so.1"):
        assert (elsewhere / name).read_bytes() == (dist / name).read_bytes(), name
    without = released(tmp_path / "without", X86, "false")
    assert not list(without.glob("*-debug.*"))
    library = f"lib/{X86}/libcrash.so.1"
    assert loaded(without / library) == loaded(dist / library)
