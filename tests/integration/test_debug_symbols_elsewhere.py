"""Debug symbols for Windows and macOS, read by other people's tools: a crash in wine, and addresses in a dylib."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import lief
import pytest
from judges import OWN, ferrule, provision, run
from test_debug_symbols import CRASHES, FRAMES, extract, symbolized

from fakes.triples import MAC, X86

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.rehearsal,  # standard libraries are compiled for it
    pytest.mark.only_on(X86, reason="wine runs programs of this machine, and dsymutil is Debian's"),
]
WINDOWS, MINGW = "x86_64-pc-windows-gnullvm", "x86_64-w64-mingw32-gcc"
JUDGES = {"wine": ("wine", "wine64"), MINGW: ("gcc-mingw-w64-x86-64",)}
TARGETS = f'  {WINDOWS}: {{}}\n  {MAC}: {{macos: "11.0"}}\n'
USER = r"""
#include <stdint.h>
#include <stdio.h>
#include <windows.h>

void crash_now(uintptr_t at);

static LONG WINAPI report(EXCEPTION_POINTERS *crash) {
    CONTEXT frame = *crash->ContextRecord;
    uintptr_t base = (uintptr_t)GetModuleHandleA("crash.dll");
    for (int i = 0; i < 64 && frame.Rip; i++) {
        DWORD64 image = 0, establisher;
        void *handler;
        RUNTIME_FUNCTION *function = RtlLookupFunctionEntry(frame.Rip, &image, NULL);
        if (image == base) printf("%llx\n", frame.Rip - base);
        if (!function) {
            frame.Rip = *(DWORD64 *)frame.Rsp;
            frame.Rsp += 8;
            continue;
        }
        RtlVirtualUnwind(UNW_FLAG_NHANDLER, image, frame.Rip, function, &frame, &handler, &establisher, NULL);
    }
    fflush(stdout);
    ExitProcess(0);
}

int main(void) {
    SetUnhandledExceptionFilter(report);
    crash_now(1);
    return 1;
}
"""
STAND_IN = """\
/* wine 8 has no bcryptprimitives.dll, which every Windows since 10 has. */
__declspec(dllimport) unsigned char SystemFunction036(void *buffer, unsigned long length);
__declspec(dllexport) int ProcessPrng(unsigned char *buffer, unsigned long long length) {
    return SystemFunction036(buffer, (unsigned long)length);
}
"""


@pytest.fixture(scope="module")
def dist(setup) -> Path:  # noqa: ARG001
    """The release, in a folder that is kept, so that the standard libraries are compiled once on a machine."""
    provision(JUDGES)
    folder = OWN / "crashes"
    shutil.copytree(CRASHES, folder, dirs_exist_ok=True)
    text = (CRASHES / "targets.yaml").read_text()
    (folder / "targets.yaml").write_text(re.sub(r"(?s)(?<=targets:\n).*(?=artifacts:)", TARGETS, text))
    ferrule("release", cwd=folder)
    return folder / "dist"


def test_verify_reads_them(dist: Path) -> None:
    output = ferrule("verify", dist, "--json").stdout
    assert f"libcrash-1.2.3-{WINDOWS}-debug.zip" in output
    assert f"libcrash-1.2.3-{MAC}-debug.tar.gz" in output


def test_every_frame_of_a_crash_in_wine_has_its_function_file_and_line(dist: Path, tmp_path: Path) -> None:
    shutil.unpack_archive(dist / f"libcrash-1.2.3-{WINDOWS}-debug.zip", tmp_path)
    debug = tmp_path / f"libcrash-1.2.3-{WINDOWS}-debug" / "crash.dll.debug"
    for name in ("crash.dll", "libcrash.dll.a"):
        shutil.copyfile(dist / "lib" / WINDOWS / name, tmp_path / name)
    for name, text in (("user.c", USER), ("random.c", STAND_IN)):
        (tmp_path / name).write_text(text)
    run(MINGW, "user.c", "libcrash.dll.a", "-o", "user.exe", cwd=tmp_path)
    run(MINGW, "-shared", "random.c", "-o", "bcryptprimitives.dll", "-ladvapi32", cwd=tmp_path)
    environment = {"WINEPREFIX": str(OWN / "wine"), "WINEDEBUG": "-all"}
    output = run("wine", "user.exe", cwd=tmp_path, **environment).stdout
    base = lief.PE.parse(str(tmp_path / "crash.dll")).optional_header.imagebase
    first, *callers = (base + int(line, 16) for line in output.split())
    addresses = [hex(address) for address in (first, *(caller - 1 for caller in callers))]
    assert len(addresses) > 2, output
    frames = symbolized(debug, *addresses)
    assert not [frame for frame in frames if "?" in frame[0] or "?" in frame[1]], frames
    waiting = iter(frames)
    expected = [(name.strip("{}").removesuffix("#0"), place) for name, place in FRAMES]  # as either mangling has it
    assert all(any(name in one and line == place for one, line in waiting) for name, place in expected), frames
    # GNU's tools find the other half by the link in the DLL.
    assert "??" in run("addr2line", "-f", "-e", tmp_path / "crash.dll", addresses[0]).stdout
    shutil.copyfile(debug, tmp_path / debug.name)
    by_binutils = run("addr2line", "-f", "-i", "-e", tmp_path / "crash.dll", *addresses).stdout
    assert re.search(r"crash_fall\n.*fall\.c:5", by_binutils), by_binutils
    assert "??" not in by_binutils
    shown = run("gdb", "-nx", "-batch", "-ex", f"info line *{addresses[0]}", tmp_path / "crash.dll").stdout
    assert re.search(r'Line 5 of ".*fall\.c" .*<crash_fall', shown), shown


def test_a_static_library_for_windows_links_without_debug_information(dist: Path, tmp_path: Path) -> None:
    library = dist / "lib" / WINDOWS / "libcrash.a"
    assert ".debug_" not in run("llvm-objdump", "--section-headers", library).stdout
    (tmp_path / "user.c").write_text(USER)
    libraries = ("-lkernel32", "-lntdll", "-luserenv", "-lws2_32", "-ldbghelp")
    run(MINGW, tmp_path / "user.c", library, "-o", tmp_path / "user.exe", *libraries)


def test_addresses_of_a_dylib_are_resolved_by_its_bundle(dist: Path, tmp_path: Path) -> None:
    extract(dist / f"libcrash-1.2.3-{MAC}-debug.tar.gz", tmp_path)
    (bundle,) = tmp_path.glob("*/libcrash.1.dylib.dSYM")
    debug = bundle / "Contents" / "Resources" / "DWARF" / "libcrash.1.dylib"
    library = dist / "lib" / MAC / "libcrash.1.dylib"
    halves = [lief.MachO.parse(str(path)).at(0) for path in (library, debug)]
    assert bytes(halves[0].uuid.uuid) == bytes(halves[1].uuid.uuid)
    assert not [section.name for section in halves[0].sections if section.segment_name == "__DWARF"]
    addresses = {symbol.name: symbol.value for symbol in halves[1].symbols if symbol.value}
    # Where code of `deeper` was inlined into, every frame is told.
    deeper = next(value for name, value in addresses.items() if name.endswith("6deeper"))
    frames = symbolized(debug, *(hex(deeper + 4 * n) for n in range(40)), hex(addresses["_crash_fall"] + 4))
    names, places = {name.rpartition("::")[2] for name, _ in frames}, {place for _, place in frames}
    assert {"inlined", "deeper", "crash_fall"} <= names
    assert {"lib.rs:10", "fall.c:5"} <= places
