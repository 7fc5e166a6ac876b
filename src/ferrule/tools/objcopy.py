"""rust-objcopy, LLVM's program that copies object files: it takes debug information out of what was linked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.tools.command import Command

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.core.toolchain import Toolchain

NAME: Final = "rust-objcopy"


def extract_debug_command(toolchain: Toolchain, linked: Path, debug: Path) -> Command:
    """Write a file with the debug information and the symbol table alone (llvm-objcopy, `--only-keep-debug`)."""
    return Command((*toolchain.tool(NAME).argv, "--only-keep-debug", str(linked), str(debug)), {})


def strip_command(toolchain: Toolchain, linked: Path, stripped: Path, debug: Path, *, keeps_symbols: bool) -> Command:
    """Write the file without its debug information, and with the name and checksum of the file that has it.

    Without its symbol table too, unless it `keeps_symbols`. Other sections stay, whether they are loaded or not.
    """
    what = "--strip-debug" if keeps_symbols else "--strip-all-gnu"
    link = f"--add-gnu-debuglink={debug}"
    return Command((*toolchain.tool(NAME).argv, what, link, str(linked), str(stripped)), {})


def strip_macho_command(toolchain: Toolchain, linked: Path, stripped: Path, *, keeps_symbols: bool) -> Command:
    """Write a Mach-O file without the map to its debug information, and sign it again as its linker did.

    Without the names of what others do not see too, unless it `keeps_symbols` (llvm-objcopy, `--discard-all`).
    """
    what = ("--strip-debug",) if keeps_symbols else ("--strip-debug", "--discard-all")
    return Command((*toolchain.tool(NAME).argv, *what, str(linked), str(stripped)), {})


def strip_archive_command(toolchain: Toolchain, archive: Path, stripped: Path) -> Command:
    """Write a static library whose objects have no debug information."""
    return Command((*toolchain.tool(NAME).argv, "--strip-debug", str(archive), str(stripped)), {})
