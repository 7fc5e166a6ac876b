"""WebAssembly at the level of sections: core modules and components, their names, imports and exports.

Read here because lief knows no WebAssembly and the whole reader is short; components are only understood as far as the
names of what they import and export.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NoReturn

from ferrule.core.errors import VerificationError
from ferrule.formats import leb128, magic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CORE = b"\x01\0\0\0"
_COMPONENT = b"\x0d\0\x01\0"
_CUSTOM = 0
_LONGEST_32 = 5  # bytes of a number of 32 bits
_NAMES = {
    "core": "custom type import function table memory global export start element code data datacount tag",
    "component": "custom module core-instance core-type component instance alias type canon start import export value",
}
_CORE_IMPORT, _CORE_EXPORT = 2, 7
_COMPONENT_IMPORT, _COMPONENT_EXPORT = 10, 11

Kind = Literal["core", "component"]


@dataclass(frozen=True, slots=True)
class WasmSection:
    """A section: its number, the name of a custom one (else None), and its content (after that name).

    It stands in the file from `start` to `end`, the name included and number and size left out.
    """

    number: int
    name: str | None
    content: bytes
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Wasm:
    """A module or component. `imports` are `module.name` for core modules, plain names for components."""

    kind: Kind
    sections: tuple[WasmSection, ...]
    imports: tuple[str, ...]
    exports: tuple[str, ...]

    def sizes(self) -> dict[str, int]:
        """Bytes by kind of section, custom ones by their name."""
        sizes: dict[str, int] = {}
        for section in self.sections:
            label = section_label(self.kind, section)
            sizes[label] = sizes.get(label, 0) + len(section.content)
        return sizes


def section_label(kind: Kind, section: WasmSection) -> str:
    """What a section is called: `code`, `import`, or `custom:name`."""
    if section.name is not None:
        return f"custom:{section.name}"
    names = _NAMES[kind].split()
    return names[section.number] if section.number < len(names) else f"section {section.number}"


def read_wasm(data: bytes, *, where: str | None = None) -> Wasm:
    """Read a core module (core specification 5.5) or a component (Component Model, binary format, version 0x0d).

    Raises VerificationError for anything else, and for cut or damaged sections.
    """
    kind = wasm_kind(data, where=where)
    sections = tuple(sections_of(data, where=where))
    imports: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()
    for section in sections:
        if kind == "core" and section.number == _CORE_IMPORT:
            imports += Reader(section.content, where).vector(_core_import)
        elif kind == "core" and section.number == _CORE_EXPORT:
            exports += Reader(section.content, where).vector(_core_export)
        elif kind == "component" and section.number == _COMPONENT_IMPORT:
            imports += Reader(section.content, where).vector(_component_import)
        elif kind == "component" and section.number == _COMPONENT_EXPORT:
            exports += Reader(section.content, where).vector(_component_export)
    return Wasm(kind, sections, imports, exports)


def wasm_kind(data: bytes, *, where: str | None = None) -> Kind:
    """Whether `data` begins like a core module or a component; raises VerificationError if like neither."""
    version = data[4:8]
    if not data.startswith(magic.WASM) or version not in (_CORE, _COMPONENT):
        raise VerificationError("this is neither a WebAssembly module nor a component", where=where)
    return "core" if version == _CORE else "component"


def custom_sections(data: bytes, name: str, *, where: str | None = None) -> tuple[bytes, ...]:
    """Contents of all custom sections of that name, in order; raises VerificationError as `read_wasm` does."""
    wasm_kind(data, where=where)
    return tuple(section.content for section in sections_of(data, where=where) if section.name == name)


def with_custom_section(data: bytes, name: str, content: bytes, *, where: str | None = None) -> bytes:
    """The module or component with a custom section at its end (core specification 5.5.3, "Custom Section").

    A custom section may stand anywhere and changes no meaning. Raises VerificationError if there is one of that name
    already, and as `read_wasm` does.
    """
    if custom_sections(data, name, where=where):
        raise VerificationError(f"there is a custom section {name!r} already", where=where)
    label = name.encode()
    body = leb128.encode(len(label)) + label + content
    return data + bytes([_CUSTOM]) + leb128.encode(len(body)) + body


def sections_of(data: bytes, *, where: str | None = None) -> Iterator[WasmSection]:
    """Every section in order; raises VerificationError where one is cut (core specification 5.5.2)."""
    reader = Reader(data, where, offset=8)
    while not reader.ended:
        number = reader.byte()
        size = reader.number()
        start = reader.offset
        content = reader.take(size)
        if number == _CUSTOM:
            inner = Reader(content, where)
            name = inner.text()
            yield WasmSection(number, name, inner.rest(), start, start + size)
        else:
            yield WasmSection(number, None, content, start, start + size)


class Reader:
    """Walks over bytes and refuses to step beyond them; `offset` is where it stands."""

    def __init__(self, data: bytes, where: str | None, offset: int = 0) -> None:
        self._data = data
        self._where = where
        self.offset = offset

    @property
    def ended(self) -> bool:
        """Whether all was read."""
        return self.offset >= len(self._data)

    def rest(self) -> bytes:
        """Tell what is left, without stepping over it."""
        return self._data[self.offset :]

    def take(self, size: int) -> bytes:
        """Step over so many bytes."""
        piece = self._data[self.offset : self.offset + size]
        if len(piece) != size:
            self.fail("a section ends too early")
        self.offset += size
        return piece

    def byte(self) -> int:
        """Step over one byte."""
        return self.take(1)[0]

    def peek(self) -> int:
        """Tell the next byte without stepping over it."""
        offset = self.offset
        byte = self.byte()
        self.offset = offset
        return byte

    def number(self) -> int:
        """Read an unsigned number of 32 bits in LEB128."""
        try:
            value, self.offset = leb128.decode(self._data, self.offset, longest=_LONGEST_32)
        except ValueError as error:
            self.fail(str(error))
        return value

    def text(self) -> str:
        """Read a name: its length, and that many bytes of UTF-8."""
        try:
            return self.take(self.number()).decode()
        except UnicodeDecodeError:
            self.fail("a name is not UTF-8")

    def vector(self, item: Callable[[Reader], str]) -> tuple[str, ...]:
        """Read as many items as a number says, up to the end."""
        items = tuple(item(self) for _ in range(self.number()))
        if not self.ended:
            self.fail("a section goes on after its last item")
        return items

    def fail(self, message: str) -> NoReturn:
        """Raise VerificationError: the file is damaged, and how."""
        raise VerificationError(f"the WebAssembly file is damaged: {message}", where=self._where)


def _core_import(reader: Reader) -> str:
    module, name = reader.text(), reader.text()
    kind = reader.byte()
    if kind == 0:
        reader.number()
    elif kind == 1:
        reader.byte()
        _limits(reader)
    elif kind == 2:  # noqa: PLR2004 - a memory
        _limits(reader)
    elif kind == 3:  # noqa: PLR2004 - a global: value type and mutability
        reader.take(2)
    elif kind == 4:  # noqa: PLR2004 - a tag: attribute and type
        reader.byte()
        reader.number()
    else:
        reader.fail(f"an import has the unknown kind {kind}")
    return f"{module}.{name}"


def _limits(reader: Reader) -> None:
    flags = reader.byte()
    reader.number()
    if flags & 1:
        reader.number()


def _core_export(reader: Reader) -> str:
    name = reader.text()
    reader.byte()
    reader.number()
    return name


def _component_import(reader: Reader) -> str:
    name = _component_name(reader)
    _extern(reader)
    return name


def _component_export(reader: Reader) -> str:
    name = _component_name(reader)
    if reader.byte() == 0:
        reader.byte()
    reader.number()
    if reader.byte():
        _extern(reader)
    return name


def _component_name(reader: Reader) -> str:
    kind = reader.byte()
    if kind > 2:  # noqa: PLR2004 - plain, interface, with a version suffix
        reader.fail(f"a name has the unknown kind {kind}")
    name = reader.text()
    return name + reader.text() if kind == 2 else name  # noqa: PLR2004


def _extern(reader: Reader) -> None:
    """Step over an externdesc (Component Model, "Import and Export Definitions")."""
    kind = reader.byte()
    if kind == 0:
        reader.byte()
        reader.number()
    elif kind in (1, 4, 5):
        reader.number()
    elif kind == 2:  # noqa: PLR2004 - a value: equal to one, or of a type (a primitive type is one byte of LEB128 too)
        reader.byte()
        reader.number()
    elif kind == 3:  # noqa: PLR2004 - a type: equal to one, or a resource
        if reader.byte() == 0:
            reader.number()
    else:
        reader.fail(f"an import or export has the unknown kind {kind}")
