"""Core modules that tell a world, written by hand: as generators of bindings write them, or as they never would."""

from __future__ import annotations

from pathlib import Path

from ferrule.formats.leb128 import encode as leb128

GOLDEN = Path(__file__).parents[1] / "golden" / "worlds"
CORE = b"\0asm\x01\0\0\0"
COMPONENT = b"\0asm\x0d\0\x01\0"
INTERFACE = "0123456789abcdef" * 4
STRING, U8, ERROR_CONTEXT = b"\x73", b"\x7d", b"\x64"
NOTHING = b"\x01\x00"


def text(value: str) -> bytes:
    return leb128(len(value.encode())) + value.encode()


def vector(*items: bytes) -> bytes:
    return leb128(len(items)) + b"".join(items)


def section(number: int, content: bytes) -> bytes:
    return bytes([number]) + leb128(len(content)) + content


def custom(name: str, content: bytes) -> bytes:
    return section(0, text(name) + content)


def result(kind: bytes) -> bytes:
    return b"\x00" + kind


def function(*parameters: tuple[str, bytes], returns: bytes = NOTHING, opcode: bytes = b"\x40") -> bytes:
    """A type declaration of a function."""
    return declared(opcode + vector(*(text(name) + kind for name, kind in parameters)) + returns)


def declared(definition: bytes) -> bytes:
    return b"\x01" + definition


def imported(name: str, description: bytes) -> bytes:
    return b"\x03\x00" + text(name) + description


def exported(name: str, description: bytes) -> bytes:
    return b"\x04\x00" + text(name) + description


def of_function(index: int) -> bytes:
    return b"\x01" + leb128(index)


def equal_to(index: int) -> bytes:
    return b"\x03\x00" + leb128(index)


def of_instance(index: int) -> bytes:
    return b"\x05" + leb128(index)


RESOURCE = b"\x03\x01"


def instance(*declarations: bytes) -> bytes:
    return b"\x42" + vector(*declarations)


def told(*declarations: bytes, name: str = "a:b/w", encoding: bytes = b"\x04\x00") -> bytes:
    """The section of a world with these declarations."""
    package = b"\x41" + vector(declared(b"\x41" + vector(*declarations)), exported(name, b"\x04\x00"))
    return COMPONENT + custom("wit-component-encoding", encoding) + section(7, vector(package))


def module(*worlds: bytes, interface: str | None = INTERFACE) -> bytes:
    """A core module that tells these worlds, and its interface fingerprint."""
    identity = b"" if interface is None else custom("ferrule", f'{{"interface":"{interface}"}}'.encode())
    return CORE + b"".join(custom(f"component-type:{n}", world) for n, world in enumerate(worlds)) + identity


def golden(name: str) -> bytes:
    """A core module that tells a world of tests/golden/worlds."""
    return module((GOLDEN / f"{name}.wasm").read_bytes())


def exporting(*types: bytes, kind: bytes) -> bytes:
    """A core module whose world exports `f: func(v: kind)`, after these declarations of types."""
    index = len(types)
    return module(told(*types, function(("v", kind)), exported("f", of_function(index))))
