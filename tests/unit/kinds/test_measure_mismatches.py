"""Libraries and packages that are not what they are said to be: each lie is told in bytes, and found in them.

A lie about a library is one of the file that the compiler wrote, judged as the demo project declares it; a lie about a
package is one of a release of which everything else agrees: manifest, checksums and provenance were written again.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import struct
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lief
import pytest

from fakes.toolchain import GOLDEN, Demo, lay_out, tell_anew
from fakes.triples import ARM, MAC, WASM, X86
from ferrule.app.release import run as release
from ferrule.app.verify import verify
from ferrule.core.model import Digest
from ferrule.formats import tar
from ferrule.formats.archive_member import Member
from ferrule.formats.binary import measure
from ferrule.formats.wheel import read_wheel, wheel_file_name, write_wheel
from ferrule.kinds.library import CargoLibrary

if TYPE_CHECKING:
    from collections.abc import Callable

WHEEL = "demo-1.2.3-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
LC_CODE_SIGNATURE, LC_BUILD_VERSION, LC_NOTHING = 0x1D, 0x32, 0x1B0
LIBRARY = {X86: "demo-x86_64.so", ARM: "demo-aarch64.so", MAC: "demo-arm64.dylib"}


def golden(name: str) -> bytes:
    return gzip.decompress((GOLDEN / f"{name}.gz").read_bytes())


def exchanged(data: bytes, old: bytes, new: bytes) -> bytes:
    assert len(old) == len(new)
    assert old in data
    return data.replace(old, new)


# Mach-O files, changed and signed again


def command(data: bytes, wanted: int) -> int:
    """Where a load command begins (mach-o/loader.h)."""
    path = 32
    for _ in range(struct.unpack_from("<L", data, 16)[0]):
        kind, size = struct.unpack_from("<LL", data, path)
        if kind == wanted:
            return path
        path += size
    raise AssertionError(hex(wanted))


def signed(data: bytes) -> bytes:
    """The same file with right hashes of all its pages (XNU, osfmk/kern/cs_blobs.h)."""
    (start,) = struct.unpack_from("<L", data, command(data, LC_CODE_SIGNATURE) + 8)
    directory = start + struct.unpack_from(">L", data, start + 16)[0]
    (hashes,) = struct.unpack_from(">L", data, directory + 16)
    size, page = 1 << data[directory + 39], 32
    changed = bytearray(data)
    for number, path in enumerate(range(0, start, size)):
        digest = hashlib.sha256(data[path : min(path + size, start)]).digest()
        at = directory + hashes + number * page
        changed[at : at + page] = digest
    return bytes(changed)


def patched(data: bytes, place: int, form: str, *values: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(form, changed, place, *values)
    return bytes(changed)


# Lies about libraries: the target, the bytes, what else is declared, and what is said


@dataclass(frozen=True)
class Library:
    """What a compiler might have written for a target."""

    target: str
    content: Callable[[], bytes]
    said: str
    declared: tuple[tuple[str, Any], ...] = ()


def mac(old: bytes, new: bytes) -> Callable[[], bytes]:
    return lambda: signed(exchanged(golden("demo-arm64.dylib"), old, new))


def linux(old: bytes, new: bytes, name: str = "demo-x86_64.so") -> Callable[[], bytes]:
    return lambda: exchanged(golden(name), old, new)


def universal() -> bytes:
    inner = golden("demo-arm64.dylib")
    head = struct.pack(">LLLLLLL", 0xCAFEBABE, 1, 0x0100000C, 0, 4096, len(inner), 14)
    return head.ljust(4096, b"\0") + inner


def newer_macos() -> bytes:
    data = golden("demo-arm64.dylib")
    return signed(patched(data, command(data, LC_BUILD_VERSION) + 12, "<L", 12 << 16))


def broken_page() -> bytes:
    data = golden("demo-arm64.dylib")
    return data[:20_000] + bytes([data[20_000] ^ 1]) + data[20_001:]


def unsigned() -> bytes:
    data = golden("demo-arm64.dylib")
    return patched(data, command(data, LC_CODE_SIGNATURE), "<L", LC_NOTHING)


LIBRARIES = {
    "symbol of a newer glibc": Library(
        X86,
        linux(b"GLIBC_2.14", b"GLIBC_2.34"),
        "it needs glibc 2.34, declared is 2.17, because of GLIBC_2.34 (memcpy of libc.so.6)",
    ),
    "feature of a newer loader": Library(
        X86,
        lambda: golden("relr-2.36.so"),
        "it needs glibc 2.36, declared is 2.17, because of GLIBC_ABI_DT_RELR (the file itself)",
    ),
    "private symbol of glibc": Library(
        X86,
        linux(b"GLIBC_2.2.5\0", b"GLIBC_2.XYZ\0"),
        "it needs GLIBC_2.XYZ, which belongs to no version of glibc: malloc, strlen",
    ),
    "another machine": Library(
        X86, lambda: golden("demo-aarch64.so"), f"it is a shared library for linux on aarch64, not for {X86}"
    ),
    "another system": Library(
        MAC, lambda: golden("demo-aarch64.so"), f"it is a shared library for linux on aarch64, not for {MAC}"
    ),
    "universal file": Library(MAC, universal, f"it is a universal file, and not one for {MAC} alone"),
    "absolute install name": Library(
        MAC,
        mac(b"@rpath/libdemo", b"/build/libdemo"),
        "its name /build/libdemo.1.dylib is a path of the machine that built it; it should begin with @rpath/",
    ),
    "install name of another file": Library(
        MAC,
        mac(b"@rpath/libdemo.1", b"@rpath/libdemo.2"),
        "its name is @rpath/libdemo.2.dylib, and programs that are linked with it have to ask for "
        "@rpath/libdemo.1.dylib",
    ),
    "soname of another version": Library(
        X86,
        linux(b"libdemo.so.1", b"libdemo.so.2"),
        "its name is libdemo.so.2, and programs that are linked with it have to ask for libdemo.so.1",
    ),
    "RPATH of the machine that built it": Library(
        ARM,
        lambda: golden("demo-aarch64.so"),
        "it looks for libraries in /somewhere, a path of the machine that built it",
    ),
    "RPATH of wherever it is started": Library(
        ARM,
        linux(b"/somewhere", b"./anywhere"[:10], "demo-aarch64.so"),
        "it looks for libraries in ./anywhere, which is wherever it is started",
    ),
    "undeclared export of ELF": Library(
        X86, linux(b"demo_copy", b"evil_copy"), "it exports a symbol that `exports` does not list: evil_copy"
    ),
    "undeclared export of Mach-O": Library(
        MAC,
        lambda: golden("demo-arm64.dylib"),
        "it exports a symbol that `exports` does not list: demo_copy",
        (("exports", ("demo_add",)),),
    ),
    "missing export of ELF": Library(
        X86,
        linux(b"demo_copy", b"demo_cope"),
        "no exported symbol matches `demo_copy`",
        (("exports", ("demo_*", "demo_copy")),),
    ),
    "missing export of Mach-O": Library(
        MAC,
        lambda: golden("demo-arm64.dylib"),
        "no exported symbol matches `demo_sub*`",
        (("exports", ("demo_*", "demo_sub*")),),
    ),
    "page changed after signing": Library(
        MAC, broken_page, "its signature is broken: 1 of 4 pages were changed, the first is 1"
    ),
    "no signature": Library(
        MAC, unsigned, "it is not signed, and macOS on arm64 ends every process that loads such a file"
    ),
    "newer macOS": Library(MAC, newer_macos, "it needs macOS 12.0, declared is 11.0"),
    "undeclared library on Linux": Library(
        X86,
        linux(b"libc.so.6", b"libq.so.6"),
        "it needs libq.so.6, which is neither a system library nor declared",
    ),
    "undeclared library on macOS": Library(
        MAC,
        mac(b"/usr/lib/libSystem.B.dylib", b"@rpath/u/libSystem.B.dylib"),
        "it needs @rpath/u/libSystem.B.dylib, which is neither a system library nor declared",
    ),
    "library at a place of the machine that built it": Library(
        MAC,
        mac(b"/usr/lib/libSystem.B.dylib", b"/opt/lib/libSystem.B.dylib"),
        "it needs /opt/lib/libSystem.B.dylib, a path of the machine that built it",
    ),
}


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, CargoLibrary]:
    """The demo's own library for each target, as its targets.yaml declares it."""
    demo = lay_out(tmp_path_factory.mktemp("declared"))
    actions = release.make_plan(release.load(demo.project), demo.context).actions
    recipes = {a.target: a.recipe for a in actions if isinstance(a.recipe, CargoLibrary)}
    return {target: recipe for target, recipe in recipes.items() if target}


# Lies about packages of a finished release


@dataclass(frozen=True)
class Folder:
    """A copy of a release whose writer can change everything in it but has no key."""

    path: Path

    def edit(self, name: str, change: Callable[[Any], object]) -> None:
        document = json.loads((self.path / name).read_bytes())
        change(document)
        (self.path / name).write_text(json.dumps(document))

    def facts(self, target: str, **told: object) -> None:
        self.edit("manifest.json", lambda m: m["facts"][f"native@{target}"]["cdylib"].update(told))

    def said(self) -> list[str]:
        return [f"{v.subject}: {v.claim}: {v.problem}" for v in verify(self.path) if v.problem is not None]

    def library(self, target: str) -> bytes:
        return self.members(self.path / f"demo-c-1.2.3-{target}.tar.gz", "lib/libdemo.")[0][1]

    @staticmethod
    def members(archive: Path, begins: str) -> list[tuple[str, bytes]]:
        with archive.open("rb") as stream:
            result = [(e.name, e.read()) for e in tar.read_tar_gz(stream) if e.regular]
        return [(name, content) for name, content in result if f"/{begins}" in name and not name.endswith(".a")]


def library_of_another_machine_in_an_sdk(folder: Folder) -> None:
    archive = folder.path / f"demo-c-1.2.3-{X86}.tar.gz"
    with archive.open("rb") as stream:
        entries = [
            Member(e.name, folder.library(ARM) if ".so.1.2.3" in e.name and e.regular else e.read(), executable=True)
            if e.regular
            else Member(e.name, folder=e.folder, link=e.link)
            for e in tar.read_tar_gz(stream)
        ]
    archive.unlink()
    tar.write_tar_gz(archive, entries, 315_532_800)


def library_of_another_machine_in_a_go_module(folder: Folder) -> None:
    native = folder.path / "go" / "internal" / "ferrule" / "native"
    (theirs,), (ours,) = ([*(native / f"linux_{m}").glob("*.so.*")] for m in ("amd64", "arm64"))
    shutil.copyfile(ours, theirs)


def library_that_nobody_compiled_in_a_go_module(folder: Folder) -> None:
    (library,) = (folder.path / "go").rglob("linux_amd64/*.so.*")
    library.write_bytes(library.read_bytes() + b"\0")


def broken_signature_in_a_wheel(folder: Folder) -> None:
    (wheel,) = folder.path.glob("*macosx*.whl")
    broken = broken_page()

    def change(manifest: Any) -> None:
        for one in manifest["packed"]:
            if one["name"].endswith(".dylib"):
                one["sha256"] = Digest.of(broken).hex

    wrap(wheel, wheel.name, read_wheel(wheel).tags, lambda name, content: broken if ".dylib" in name else content)
    folder.edit("manifest.json", change)


def wrap(wheel: Path, name: str, tags: tuple[str, ...], change: Callable[[str, bytes], bytes]) -> None:
    """Write a wheel again as another one, whole in itself."""
    facts = read_wheel(wheel)
    with zipfile.ZipFile(wheel) as archive:
        members = {n: change(n, archive.read(n)) for n in archive.namelist()}
    wheel.unlink()
    info = next(n for n in members if n.endswith("/METADATA")).rpartition("/")[0]
    licences = f"{info}/licenses/"
    write_wheel(
        wheel.with_name(name),
        name=facts.name,
        version=facts.version,
        tags=tags,
        metadata=facts.metadata,
        entries=[Member(n, c) for n, c in members.items() if not n.startswith(info)],
        licenses=[Member(n.removeprefix(licences), c) for n, c in members.items() if n.startswith(licences)],
        epoch=315_532_800,
    )


def tagged(*platforms: str) -> Callable[[Folder], None]:
    """The wheel of Linux on x86_64 under other tags, in its name and inside."""

    def tell(folder: Folder) -> None:
        tags = tuple(f"py3-none-{platform}" for platform in platforms)
        name = wheel_file_name("demo", "1.2.3", tags)
        wrap(folder.path / WHEEL, name, tags, lambda _, content: content)
        (folder.path / f"{WHEEL}.cdx.json").rename(folder.path / f"{name}.cdx.json")
        for file in ("manifest.json", "SHA256SUMS", "provenance.intoto.jsonl"):
            text = (folder.path / file).read_text()
            (folder.path / file).write_text(text.replace(WHEEL, name))

    return tell


def claimed(target: str, **told: object) -> Callable[[Folder], None]:
    return lambda folder: folder.facts(target, **told)


PACKAGES: dict[str, tuple[Callable[[Folder], None], str]] = {
    "library of another machine in an SDK": (
        library_of_another_machine_in_an_sdk,
        r"libdemo\.so\.1\.2\.3 is for linux on aarch64, and it is packed for x86_64-unknown-linux-gnu",
    ),
    "library of another machine in a Go module": (
        library_of_another_machine_in_a_go_module,
        r"libdemo\.so\.1 is for linux on aarch64, and it is packed for linux_amd64",
    ),
    "library that nobody compiled in a Go module": (
        library_that_nobody_compiled_in_a_go_module,
        r"linux_amd64/libdemo\.so\.1 is not the native that was compiled",
    ),
    "broken signature in a wheel": (
        broken_signature_in_a_wheel,
        r"libdemo\.1\.dylib: measured: its signature is broken",
    ),
    "wheel for an older glibc": (
        tagged("manylinux_2_5_x86_64"),
        r"tags: .* needs glibc 2\.14, and the tag says manylinux_2_5_x86_64",
    ),
    "wheel for another machine": (
        tagged("manylinux_2_17_aarch64"),
        r"tags: .* is for linux on x86_64, and the tag says manylinux_2_17_aarch64",
    ),
    "wheel for another system": (
        tagged("macosx_11_0_x86_64"),
        r"tags: .* is for linux on x86_64, and the tag says macosx_11_0_x86_64",
    ),
    "wheel for every machine": (tagged("any"), r"tags: .* and the tag says any"),
    "older floor in the manifest": (claimed(X86, glibc="2.5"), r"the manifest says something else of it: glibc$"),
    "symbols that are there said to be stripped": (
        claimed(MAC, stripped=True),
        r"the manifest says something else of it: stripped$",
    ),
    "another build id": (claimed(X86, build_id="0" * 40), r"the manifest says something else of it: build_id$"),
    "another size of a section": (
        claimed(X86, sections={".text": 1}),
        r"the manifest says something else of it: sections$",
    ),
    "signature that is not there": (
        claimed(MAC, signature="certificate"),
        r"the manifest says something else of it: signature$",
    ),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A true release."""
    demo = lay_out(tmp_path_factory.mktemp("finished"))
    demo.edit("source: packaging/go}", "source: packaging/go, ship: true}")
    assert demo.run().failed == ()
    return demo.dist


# Lies that a whole run has to meet


def with_old_base(demo: Demo) -> None:
    """Everything is declared as it is, and the image's base is older than that."""
    (demo.home / f"tamper-{X86}").write_bytes(exchanged(golden("demo-x86_64.so"), b"GLIBC_2.14", b"GLIBC_2.38"))
    demo.edit('x86_64-unknown-linux-gnu: {glibc: "2.17"}', 'x86_64-unknown-linux-gnu: {glibc: "2.38"}')


def with_undeclared_import(demo: Demo) -> None:
    types, name = b"\x01\x04\x01\x60\x00\x00", b"\x03env\x04host\x00\x00"
    (demo.home / f"tamper-{WASM}").write_bytes(types + b"\x02" + bytes([len(name) + 1]) + b"\x01" + name)


def with_symbol_from_an_object(demo: Demo) -> None:
    (demo.home / f"tamper-{X86}").write_bytes(exchanged(golden("demo-x86_64.so"), b"GLIBC_2.14", b"GLIBC_2.34"))


def with_another_fingerprint(demo: Demo) -> None:
    """The crate was compiled for another release: that is read from the finished one."""
    output = b'{"fingerprint": "' + b"f" * 64 + b'"}'
    (demo.home / f"tamper-{X86}").write_bytes(golden("demo-x86_64.so") + output)


def with_undefined_symbol(name: bytes) -> Callable[[Demo], None]:
    """Let the library for Linux use a function of six letters for which the linker saw no library."""

    def prepare(demo: Demo) -> None:
        data = golden("demo-x86_64.so")
        elf = lief.ELF.parse(data)
        index = next(n for n, symbol in enumerate(elf.dynamic_symbols) if symbol.name == "malloc")
        versions = next(section for section in elf.sections if section.name == ".gnu.version")
        data = patched(data, versions.file_offset + 2 * index, "<H", 1)
        (demo.home / f"tamper-{X86}").write_bytes(exchanged(data, b"\0malloc\0", b"\0" + name + b"\0"))

    return prepare


RUNS: dict[str, tuple[Callable[[Demo], None], str]] = {
    "base older than the library needs": (
        with_old_base,
        r"the library demo needs glibc 2\.38 \(memcpy\), and the base for linux/amd64 has 2\.36",
    ),
    "undeclared import of WebAssembly": (
        with_undeclared_import,
        r"demo-1\.2\.3\.core\.wasm imports env\.host, which its world does not declare",
    ),
    "symbol of a newer glibc, and the object that asks for it": (
        with_symbol_from_an_object,
        r"memcpy is used by demo\.o",
    ),
    "symbol that nothing defines": (
        with_undefined_symbol(b"helper"),
        r"it needs helper, which nothing defines: neither the file itself nor a library that it needs",
    ),
    "symbol of a library that is not asked for": (
        with_undefined_symbol(b"dlopen"),
        r"it needs dlopen and not libdl\.so\.2, the library that has it",
    ),
    "fingerprint of another release": (with_another_fingerprint, r"it carries the fingerprint ffffffffffff"),
}


# The tests


def test_what_is_true_is_believed(declared: dict[str, CargoLibrary], finished: Path) -> None:
    for target, name in LIBRARY.items():
        output = [] if target != ARM else ["it looks for libraries in /somewhere, a path of the machine that built it"]
        assert declared[target].problems(measure(golden(name)), "cdylib") == output
    assert Folder(finished).said() == []


def test_lies_about_libraries_are_refused(
    declared: dict[str, CargoLibrary], record_property: Callable[[str, object], None]
) -> None:
    output = {
        name: replace(declared[lie.target], **dict(lie.declared)).problems(measure(lie.content()), "cdylib")
        for name, lie in LIBRARIES.items()
    }
    expected = {name: lie.said for name, lie in LIBRARIES.items()}
    refused = [name for name, problems in output.items() if expected[name] in problems]
    record_property("lies about libraries refused", f"{len(refused)} of {len(LIBRARIES)}")
    assert {name: output[name] for name in LIBRARIES if name not in refused} == {}
    assert len(LIBRARIES) >= 15


def test_lies_about_packages_are_refused(
    finished: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    believed = {}
    for number, (name, (tell, output)) in enumerate(PACKAGES.items()):
        folder = Folder(Path(shutil.copytree(finished, tmp_path / str(number))))
        tell(folder)
        tell_anew(folder.path)
        problems = folder.said()
        if not any(re.search(output, problem) for problem in problems):
            believed[name] = problems
    record_property("lies about packages refused", f"{len(PACKAGES) - len(believed)} of {len(PACKAGES)}")
    assert believed == {}


@pytest.mark.parametrize("name", RUNS)
def test_lies_that_a_run_meets_are_refused(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    prepare, output = RUNS[name]
    demo = lay_out(tmp_path)
    prepare(demo)
    failed = [str(outcome.error or outcome.reason) for outcome in demo.run().failed]
    problems = failed or Folder(demo.dist).said()
    record_property(f"lie: {name}", problems[0] if problems else "believed")
    assert any(re.search(output, problem) for problem in problems), problems
