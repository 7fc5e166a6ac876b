"""The crates of a compiled file, in the file itself, as cargo-auditable writes them and scanners of binaries read them.

Home-made: cargo-auditable goes by `cargo metadata`, which unites the features of a workspace, starts itself for every
crate, and is one more program that each machine compiles. Its format is documented (its PARSING.md and JSON schema):
JSON in zlib, in a section that is called alike in every format, in Mach-O in the segment __DATA.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from zlib_ng import zlib_ng

from ferrule.core.errors import VerificationError
from ferrule.kinds.linked_code.crates_of_build import CRATES
from ferrule.kinds.linked_code.resolution import resolution_of
from ferrule.tools import crates, zig

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ferrule.core.model import ActionInterface, Compiled
    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext

SECTION: Final = ".dep-v0"
"""Name of the section, and of the custom section in WebAssembly."""

MARK: Final = "ferrule"
"""Name of the section that says by what a file was linked on another machine."""

_MARKED: Final = "ferrule_linked_from"
_FORMAT: Final = 1
"""Procedural macros and what they need count as needed by the build alone."""

_LEVEL: Final = 9
_REGISTRY: Final = re.compile(r"registry\+https://github\.com/rust-lang/([\w.]+)-index")
"""Cargo's own registry as its lock files name it; its name is how the format calls it."""

_SECTIONS: Final = {
    "elf": f'.section {SECTION},"",%progbits',
    "macho": f".section __DATA,{SECTION},regular,no_dead_strip",
    "coff": f'.section "{SECTION}","dr"',
}
"""How assemblers open the section; in ELF it is no part of what is loaded."""


def of_build(context: ActionContext, workspace: Path, build: Compiled) -> bytes:
    """The content of the section for a build; raises BuildError with Cargo's words."""
    return write(resolution_of(context, workspace, build).crates)


def of_contents(context: ActionContext, contents: ActionInterface) -> bytes:
    """The content of the section, of what another action was told by Cargo."""
    document = json.loads(context.input(contents, CRATES).read_bytes())
    return write([*crates.from_json(document["crates"])])


def write(resolved: Sequence[crates.LinkedCrate]) -> bytes:
    """The content of the section: of each crate name, version, kind of source and what it needs, and no path.

    The first of the crates is the one that is compiled.
    """
    ordered = sorted(resolved, key=lambda crate: (crate.name, crate.version, crate.purl))
    index = {crate.purl: number for number, crate in enumerate(ordered)}
    packages = []
    for crate in ordered:
        package: dict[str, Any] = {"name": crate.name, "version": crate.version, "source": _source(crate.origin)}
        if not crate.linked:
            package["kind"] = "build"
        if needs := sorted(index[need] for need in crate.needs):
            package["dependencies"] = needs
        if crate is resolved[0]:
            package["root"] = True
        packages.append(package)
    text = json.dumps({"packages": packages, "format": _FORMAT}, separators=(",", ":"), ensure_ascii=False)
    return zlib_ng.compress(text.encode(), _LEVEL)


def _source(origin: str | None) -> str:
    if origin is None:
        return "local"
    if origin.startswith("git+"):
        return "git"
    own = _REGISTRY.fullmatch(origin)
    return own[1] if own else "registry"


def write_object(context: ActionContext, platform: Platform, content: bytes) -> Path:
    """An object file with the section alone, to be linked in."""
    (context.folder / "audit-data").write_bytes(content)
    source, target = context.folder / "audit-data.s", context.folder / "audit-data.o"
    text = f'{_SECTIONS[platform.family.object_format]}\n.incbin "audit-data"\n'
    source.write_text(text, encoding="utf-8", newline="\n")
    command = zig.assemble_command(
        context.toolchain.tool("zig"), platform, context.site.host.cache, context.folder, source.name, target.name
    )
    context.run(command)
    return target


def write_marked_object(context: ActionContext, platform: Platform, content: bytes, mark: str) -> bytes:
    """An object file for Windows with the section, if it has content, and one with a mark that the linker keeps."""
    (context.folder / "audit-data").write_bytes(content)
    source, target = context.folder / "mark.s", context.folder / "mark.o"
    section = f'{_SECTIONS["coff"]}\n.incbin "audit-data"\n' if content else ""
    text = (
        f'{section}.section "{MARK}","dr"\n.globl {_MARKED}\n{_MARKED}:\n.ascii {json.dumps(mark)}\n'
        f'.section .drectve,"yn"\n.ascii " -include:{_MARKED}"\n'
    )
    source.write_text(text, encoding="utf-8", newline="\n")
    command = zig.assemble_command(
        context.toolchain.tool("zig"), platform, context.site.host.cache, context.folder, source.name, target.name
    )
    context.run(command)
    return target.read_bytes()


def check(file: Path, content: bytes, where: str) -> None:
    """Raise VerificationError for a file that does not hold the content: its linker dropped it."""
    if content not in file.read_bytes():
        raise VerificationError(
            f"{file.name} does not hold the list of its crates, though it was linked with it",
            where=where,
            hint="write `auditable: false` if it is to have none",
        )
