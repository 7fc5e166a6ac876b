"""Other people's readers of binaries, of which Ferrule itself uses none: LLVM's, and a second one for each format."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pefile
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from judges import program, run

if TYPE_CHECKING:
    from pathlib import Path

COMPONENT: Final = b"\0asm\x0d\0\1\0"
READERS: Final = {"llvm-readobj": ("llvm",), "llvm-nm": ("llvm",), "llvm-lipo": ("llvm",), "file": ("file",)}
"""Programs that read, and the packages of Debian that bring them."""

# What `file` and LLVM call the machines, by the name that Ferrule has measured.
_FILE: Final = {
    "x86_64": r"x86.64",
    "aarch64": r"aarch64",
    "arm64": r"arm64",
    "i686": r"Intel (i386|80386)",
    "arm": r"ARM, EABI5",
    "riscv64": r"RISC-V",
    "ppc64le": r"64-bit LSB.*PowerPC",
    "s390x": r"IBM S/390",
    "wasm32": r"WebAssembly",
}
_LLVM: Final = {"arm64": "aarch64", "i686": "i386", "ppc64le": "powerpc64le"}


def read_machine(file: Path, machine: str) -> None:
    """Both readers see a file for this machine, or these; components of WebAssembly are no objects to LLVM."""
    described = run(program("file"), "--brief", file).stdout
    headers = "" if file.read_bytes().startswith(COMPONENT) else _llvm(file, "--file-headers")
    for name in machine.split("+"):
        assert re.search(_FILE[name], described, flags=re.IGNORECASE), described
        assert not headers or re.search(rf"^Arch: {_LLVM.get(name, name)}$", headers, flags=re.MULTILINE)


def read_part(file: Path, machine: str, target: Path) -> bytes:
    """The file for one machine in a universal one, as LLVM's lipo takes it out."""
    run(program("llvm-lipo"), file, "-thin", machine, "-output", target)
    return target.read_bytes()


def read_exports(library: Path, machine: str) -> set[str]:
    """The exported names of a shared library, in which both readers agree; of Mach-O only LLVM reads them."""
    names = _llvm_exports(library, machine)
    other = {".dll": _pe_exports, ".dylib": lambda path: _llvm_exports(path, machine)}.get(library.suffix, _elf_exports)
    others = other(library)
    assert names == others
    return names


def _llvm(file: Path, *options: str) -> str:
    return run(program("llvm-readobj"), *options, file).stdout


def _llvm_exports(library: Path, machine: str) -> set[str]:
    if library.suffix == ".dll":
        return set(re.findall(r"^\s+Name: (\S+)$", _llvm(library, "--coff-exports"), flags=re.MULTILINE))
    options = ("--extern-only", f"--arch={machine}") if library.suffix == ".dylib" else ("--dynamic", "--extern-only")
    text = run(program("llvm-nm"), *options, "--defined-only", "--just-symbol-name", library).stdout
    names = {name.partition("@")[0] for name in text.split()}
    return {name.removeprefix("_") for name in names} if library.suffix == ".dylib" else names


def _pe_exports(library: Path) -> set[str]:
    with pefile.PE(str(library)) as opened:
        return {symbol.name.decode() for symbol in opened.DIRECTORY_ENTRY_EXPORT.symbols}


def _elf_exports(library: Path) -> set[str]:
    with library.open("rb") as file:
        elf = ELFFile(file)
        assert any(isinstance(section, DynamicSection) for section in elf.iter_sections())
        symbols = elf.get_section_by_name(".dynsym").iter_symbols()
        return {s.name for s in symbols if s.entry.st_shndx != "SHN_UNDEF" and s.entry.st_info.bind != "STB_LOCAL"}
