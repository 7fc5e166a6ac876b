"""The lists of system libraries' symbols that zig carries to link with, each in its form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.core.errors import ToolchainError
from ferrule.formats.glibc_abilist import read_glibc
from ferrule.formats.musl_symbols import read_musl
from ferrule.formats.tbd import read_tbd

if TYPE_CHECKING:
    from ferrule.core.platforms import Platform
    from ferrule.formats.system_symbols import SystemSymbols


def read(data: bytes, platform: Platform) -> SystemSymbols:
    """The list of a platform; raises ToolchainError for one that has another form, as another zig may bring."""
    try:
        if platform.family.libc == "libSystem":
            return read_tbd(data.decode(), machine=platform.machine)
        if platform.family.libc == "musl":
            return read_musl(data.decode(), machine=platform.architecture.name)
        loader = (platform.elf_interpreter or "").rpartition("/")[2]
        return read_glibc(data, target=platform.zig(), loader=loader)
    except ValueError as error:
        raise ToolchainError(
            f"zig's list of the system's symbols cannot be read: {error}",
            hint="pin a zig that this ferrule knows (targets.yaml, toolchain)",
        ) from error
