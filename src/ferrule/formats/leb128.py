"""Unsigned numbers in LEB128 (WebAssembly core specification 5.2.2), which protocol buffers call varints.

Home-made, because it is two loops of five lines: no library for it is better known than the format.
"""

from __future__ import annotations

_PAYLOAD, _MORE = 0x7F, 0x80


def encode(value: int) -> bytes:
    """A number, as short as possible."""
    out = bytearray()
    while value > _PAYLOAD:
        out.append(value & _PAYLOAD | _MORE)
        value >>= 7
    return bytes((*out, value))


def decode(data: bytes, offset: int = 0, *, longest: int = 10) -> tuple[int, int]:
    """The number at an offset and where it ends; raises ValueError if it is cut or has more bytes than `longest`."""
    value = 0
    group = data[offset : offset + longest]
    for index, byte in enumerate(group):
        value |= (byte & _PAYLOAD) << 7 * index
        if byte < _MORE:
            return value, offset + index + 1
    raise ValueError("a number is cut" if len(group) < longest else f"a number is longer than {longest} bytes")
