"""The first bytes of the formats that Ferrule tells apart."""

from __future__ import annotations

from typing import Final

ELF: Final = b"\x7fELF"
MACHO: Final = b"\xcf\xfa\xed\xfe"
"""A 64-bit little-endian Mach-O file (mach-o/loader.h)."""
MACHO_FAT: Final = b"\xca\xfe\xba\xbe"
MACHO_FAT_64: Final = b"\xca\xfe\xba\xbf"
MACHO_FATS: Final = (MACHO_FAT, MACHO_FAT_64)
PE: Final = b"MZ"
WASM: Final = b"\0asm"
AR: Final = b"!<arch>\n"
ZIP: Final = b"PK\x03\x04"
GZIP: Final = b"\x1f\x8b"

NATIVE: Final = (ELF, MACHO, *MACHO_FATS, PE)
"""Programs and libraries of an operating system."""
COMPILED: Final = (*NATIVE, WASM, AR)
"""Whatever a compiler makes."""
