"""What a C header declares: functions, types with their layout, enumerators, macros.

pycparser reads it, after a C compiler's preprocessor has: it is pure Python, has no dependencies, and cffi has relied
on it for a decade; libclang would be 25 MB of native code. It knows no extensions of compilers, so that what would
change a layout (packed, aligned) is refused and the standard headers are stand-ins, which also makes the result the
same on every machine.

Layout follows the System V ABI for LP64 machines (x86-64 psABI, 3.1.2; AAPCS64, 5.9; Apple follows it but for long
double): natural alignment, members in order, the size a multiple of the alignment.
"""

from __future__ import annotations

import math
import posixpath
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pycparser import c_ast, c_parser  # type: ignore[import-untyped]

from ferrule.core.errors import VerificationError
from ferrule.core.platforms import DataModel
from ferrule.formats.interfaces import GONE, Change, Surface, added, broken, compare_named, keeps_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ferrule.core.platforms import Platform

STANDARD_TYPES: Final = {
    **{f"{sign}int{bits}_t": f"{sign[:1] or 'i'}{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"{sign}int_least{bits}_t": f"{sign[:1] or 'i'}{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **dict.fromkeys(("intptr_t", "ptrdiff_t", "ssize_t"), "i pointer"),
    **dict.fromkeys(("uintptr_t", "size_t"), "u pointer"),
    "intmax_t": "i64",
    "off_t": "i64",
    "uintmax_t": "u64",
    **dict.fromkeys(("wchar_t", "wint_t"), "wide character"),
    **dict.fromkeys(("va_list", "jmp_buf", "FILE", "time_t"), ""),
}
"""Types of the standard library by their exact kind, `pointer` for the size of one; those without stay themselves."""
_BUILTIN: Final = {
    "void": "void",
    "char": "char",
    "_Bool": "bool",
    "float": "f32",
    "double": "f64",
    "long double": "long double",
    "signed char": "i8",
    "unsigned char": "u8",
    **dict.fromkeys(("short", "short int", "signed short", "signed short int"), "i16"),
    **dict.fromkeys(("unsigned short", "unsigned short int"), "u16"),
    **dict.fromkeys(("int", "signed", "signed int"), "i32"),
    **dict.fromkeys(("unsigned", "unsigned int"), "u32"),
    **dict.fromkeys((f"{s}long{i}" for s in ("", "signed ") for i in ("", " int")), "i long"),
    **dict.fromkeys((f"{s}long long{i}" for s in ("", "signed ") for i in ("", " int")), "i64"),
    **dict.fromkeys((f"unsigned long{i}" for i in ("", " int")), "u long"),
    **dict.fromkeys((f"unsigned long long{i}" for i in ("", " int")), "u64"),
}
_SIZES: Final = {"char": 1, "bool": 1, "f32": 4, "f64": 8, "wide character": 4, "time_t": 8} | {
    f"{sign}{bits}": bits // 8 for sign in "iu" for bits in (8, 16, 32, 64)
}
_STANDARD: Final = (
    *("assert", "ctype", "errno", "float", "inttypes", "limits", "locale", "math", "setjmp", "signal", "stdarg"),
    *("stdbool", "stddef", "stdint", "stdio", "stdlib", "string", "time", "wchar", "sys/types"),
)
_STANDARD_MACROS: Final = """\
#define NULL ((void *)0)
#define bool _Bool
#define true 1
#define false 0
#define CHAR_BIT 8
#define SCHAR_MAX 127
#define SCHAR_MIN (-SCHAR_MAX - 1)
#define UCHAR_MAX 255
#define SHRT_MAX 32767
#define SHRT_MIN (-SHRT_MAX - 1)
#define USHRT_MAX 65535
#define INT_MAX 2147483647
#define INT_MIN (-INT_MAX - 1)
#define UINT_MAX 4294967295u
#define LONG_MAX (0x7fffffffffffffff >> (64 - 8 * __SIZEOF_LONG__))
#define LONG_MIN (-LONG_MAX - 1)
#define ULONG_MAX (0xffffffffffffffffu >> (64 - 8 * __SIZEOF_LONG__))
#define LLONG_MAX 0x7fffffffffffffff
#define LLONG_MIN (-LLONG_MAX - 1)
#define ULLONG_MAX 0xffffffffffffffffu
#define INT8_MAX 127
#define INT8_MIN (-INT8_MAX - 1)
#define INT16_MAX 32767
#define INT16_MIN (-INT16_MAX - 1)
#define INT32_MAX 2147483647
#define INT32_MIN (-INT32_MAX - 1)
#define INT64_MAX 9223372036854775807
#define INT64_MIN (-INT64_MAX - 1)
#define UINT8_MAX 255
#define UINT16_MAX 65535
#define UINT32_MAX 4294967295u
#define UINT64_MAX 18446744073709551615u
#define INTMAX_MAX INT64_MAX
#define INTMAX_MIN INT64_MIN
#define UINTMAX_MAX UINT64_MAX
#define INTPTR_MAX (0x7fffffffffffffff >> (64 - 8 * __SIZEOF_POINTER__))
#define INTPTR_MIN (-INTPTR_MAX - 1)
#define UINTPTR_MAX (0xffffffffffffffffu >> (64 - 8 * __SIZEOF_POINTER__))
#define PTRDIFF_MAX INTPTR_MAX
#define PTRDIFF_MIN INTPTR_MIN
#define SIZE_MAX UINTPTR_MAX
"""
_BEYOND: Final = "the header is beyond what can be read: "
_LAYOUT: Final = re.compile(
    r"\b(?:__)?(?:packed|aligned|mode|vector_size|ext_vector_type|ms_struct|gcc_struct|scalar_storage_order|"
    r"transparent_union)(?:__)?\b"
)
_LAYOUT_WORDS: Final = re.compile(
    r"\b(?:_Alignas|alignas)\b|\b__(?:packed|unaligned)\b|__declspec\s*\(\s*align\b|"
    r"^\s*#\s*pragma\s+(?:pack|options|ms_struct|scalar_storage_order|clang\s+attribute)\b|"
    r"^\s*#\s*include\s*[<\"]pshpack\d\.h[>\"]|"
    r"^\s*#\s*define\s+\w+[^\n]*\b(?:__attribute(?:__)?|__declspec)\b(?!\s*\()|"
    r"\b__pragma\s*\(\s*pack\b|\b_Pragma\s*\(\s*(?!\")|"
    r"\b_Pragma\s*\(\s*\"\s*(?:pack|options|ms_struct|scalar_storage_order|clang\s+attribute)\b",
    re.MULTILINE,
)
"""What changes a layout, in the text of a header without comments."""
_ATTRIBUTES: Final = re.compile(r"(?<!\w)(?:__attribute(?:__)?|__declspec)\s*(?=\()|\[\[")
_COMMENT_OR_TEXT: Final = re.compile(r"/\*.*?(?:\*/|\Z)|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])'", re.DOTALL)
_ATTRIBUTE: Final = re.compile(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)|__extension__\b|__restrict(?:__)?\b")
_LINE: Final = re.compile(r'#\s*(?:line\s+)?\d+\s+"((?:[^"\\]|\\.)*)"')
_DEFINE: Final = re.compile(r"#\s*define\s+(\w+)(\([^)]*\))?[ \t]*(.*)")
_INTEGER: Final = re.compile(r"(?:0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)[uUlL]*")
"""No `'ab'`, of which compilers make what they like, and no `1'000` of C23."""
_STAMP: Final = re.compile(r'"[0-9a-f]{64}"')
_UNSIGNED: Final = frozenset({"u8", "u16", "u32", "u64"})
_RESERVED: Final = re.compile(r"_*(reserved|padding|pad|unused)", re.IGNORECASE)
_BY_VALUE: Final = re.compile(r"\b(?:struct|union) [\w.]+(?![\w.]| \*)")
SIZE_MEMBERS: Final = frozenset({"size", "struct_size"})
"""What the first member of a structure is called that tells how much of it there is, so that it may grow."""


def stand_ins() -> dict[str, str]:
    """Headers of the standard library by name, as far as they matter: every one declares the same few types."""
    types = "".join(f"typedef {'struct FILE ' if n == 'FILE' else 'int '}{n};\n" for n in sorted(STANDARD_TYPES))
    return {f"{name}.h": '#include "ferrule-standard.h"\n' for name in _STANDARD} | {
        "ferrule-standard.h": f"#pragma once\n{types}{_STANDARD_MACROS}"
    }


def preprocessor_options(platform: Platform) -> tuple[str, ...]:
    """What makes any compiler's preprocessor see a platform and nothing else of its own, and keep the macros."""
    model = platform.architecture.data_model
    sizes = {"INT": 4, "LONG": model.long, "LONG_LONG": 8, "POINTER": model.pointer, "SIZE_T": model.pointer}
    return (
        *("-E", "-dD", "-std=c11", "-undef", "-nostdinc"),
        *(f"-D{name}=1" for name in platform.macros),
        *(f"-D__SIZEOF_{name}__={size}" for name, size in sizes.items()),
    )


def refuse_layouts(text: str, file: str) -> None:
    """Raise VerificationError where the text of a header asks for a layout, under whatever condition.

    Which branch a user's compiler takes is not known here (`#ifdef __GNUC__`), nor whether it knows an attribute.
    """
    code = _code(text)
    macros = set(re.findall(r"^\s*#\s*define\s+(\w+)", code, flags=re.MULTILINE))
    matches = [(match.start(), match[0]) for match in _LAYOUT_WORDS.finditer(code)]
    for match in _ATTRIBUTES.finditer(code):
        line = code[code.rfind("\n", 0, match.start()) + 1 : match.start()]
        if re.fullmatch(r"\s*#\s*define\s+", line):  # gives it a meaning of its own, often none
            continue
        inside = _bracketed(code, match.end() - (2 if match[0] == "[[" else 0))
        parameters = re.match(r"\s*#\s*define\s+\w+\(([^()]*)\)", line)
        unknown = macros | set(re.findall(r"\w+", parameters[1]) if parameters else ())
        if _LAYOUT.search(inside) or unknown & _outermost(inside):
            matches.append((match.start(), match[0].strip("[ ") + inside))
    if matches:
        at, words = min(matches)
        lines = re.findall(r"[\n\v]", code[:at] + re.split(r"\S", code[at:], maxsplit=1)[0])
        raise VerificationError(
            f"the layout that {' '.join(words.split())} asks for is not known here",
            where=f"{file}:{len(lines) + 1}",
            hint="order the members so that they need none: compilers agree on natural alignment alone",
        )


def _code(text: str) -> str:
    """A header without comments, texts but those of pragmas empty; a vertical tab stands for a line that goes on."""
    joined = re.sub(r"(?<=\w)((?:\\\r?\n)+)(\w+)", lambda m: m[2] + "\v" * m[1].count("\n"), text.replace("\v", " "))

    def emptied(match: re.Match[str]) -> str:
        if match[0].startswith("/"):
            return " " + "".join(re.findall(r"[\n\v]", match[0]))
        before = match.string[max(0, match.start() - 80) : match.start()]
        is_kept = re.search(r"(?:_Pragma\s*\(|#\s*include)\s*\Z", before)
        return match[0] if is_kept else '""'

    return _COMMENT_OR_TEXT.sub(emptied, re.sub(r"\\\r?\n", "\v", joined))


def _bracketed(code: str, start: int) -> str:
    """What stands in the bracket that opens at a place, with it; to the end, if it is not closed."""
    depth = 0
    for match in re.compile(r"[(\[]|[)\]]").finditer(code, start):
        depth += 1 if match[0] in "([" else -1
        if depth == 0:
            return code[start : match.end()]
    return code[start:]


def _outermost(attributes: str) -> set[str]:
    """The names in a list of attributes, without what these are given."""
    inner = re.sub(r"^[(\[]\s*[(\[]?|[)\]]?\s*[)\]]$", "", attributes)
    while (shorter := re.sub(r"\([^()]*\)", "", inner)) != inner:
        inner = shorter
    return set(re.findall(r"\w+", inner))


def read(
    text: str, file: str, *, release: str, data_model: DataModel | None = None, where: str | None = None
) -> Surface:
    """What a preprocessed header declares in `file` itself, as `read_files` reads it."""
    files = {posixpath.normpath(file): file}
    return read_files(text, files, release=release, data_model=data_model, where=where)[file]


def enumerations(
    tree: c_ast.FileAST, file: str, *, where: str | None = None
) -> tuple[dict[str, Mapping[str, int]], dict[str, str]]:
    """The enumerators of a syntax tree's file by the name of their type, and what of it cannot be read, with reasons.

    Whatever builds on a declaration that cannot be read cannot be read either.
    """
    reading = _Reading({posixpath.normpath(file): file}, DataModel(), where)
    left: dict[str, str] = {}
    for node in tree.ext:
        try:
            with _beyond(where):
                reading.take(node)
        except VerificationError as error:
            if node.coord is not None and node.coord.file == file:
                left |= dict.fromkeys(declared_names(node), str(error.message).removeprefix(_BEYOND))
    return {label.partition(" ")[2]: values for label, values in reading.surface(file)["enums"].items()}, left


def declared_names(node: Any) -> list[str]:  # noqa: ANN401 - pycparser's nodes have no types
    """What a declaration at the top of a file names: a function, a typedef, and the tag of the type in it."""
    name = getattr(node, "name", None) or (node.decl.name if isinstance(node, c_ast.FuncDef) else None)
    kind = getattr(node, "type", None)
    while isinstance(kind, (c_ast.TypeDecl, c_ast.PtrDecl, c_ast.ArrayDecl)):
        kind = kind.type
    tag = kind.name if isinstance(kind, (c_ast.Struct, c_ast.Union, c_ast.Enum)) else None
    names = [one for one in dict.fromkeys((name, tag)) if one]
    return names or [f"line {node.coord.line}"]


def read_files(
    text: str, files: Mapping[str, str], *, release: str, data_model: DataModel | None = None, where: str | None = None
) -> dict[str, Surface]:
    """What preprocessed headers declare themselves, by name: `files` are those by what line marks call them, shortest.

    `release` is the version that macros may carry, `data_model` what C's types are on the target. Raises
    VerificationError for what pycparser does not understand, and for extensions that change a layout.

    The document: `functions` (`returns`, `parameters`, `variadic`), `types` (`kind` and, of structs, `size`, `align`
    and `fields` with name, type, offset), `enums` (enumerators with their values), `variables`, `macros` (text; null
    where it changes with every release), and, where parameters are arrays of structures, `strides`: each structure with
    what steps through an array of it. Types are resolved to what the machine sees: `u32`, `const char *`.
    """
    tree, macros = syntax_tree(text, files, where=where)
    reading = _Reading(files, data_model or DataModel(), where)
    for node in tree.ext:
        with _beyond(where):
            reading.take(node)
    return {name: reading.surface(name) | {"macros": _stable(macros[name], release)} for name in files.values()}


def syntax_tree(
    text: str, files: Mapping[str, str], *, where: str | None = None
) -> tuple[c_ast.FileAST, dict[str, dict[str, str]]]:
    """What pycparser reads in preprocessed headers, and the macros that each of `files` leaves defined.

    Raises VerificationError for what it does not understand, and for extensions that change a layout.
    """
    code, macros = _divide(text, files)
    if attribute := next((m[0] for m in _ATTRIBUTE.finditer(code) if _LAYOUT.search(m[0])), None):
        raise VerificationError(f"the layout that {attribute} asks for is not known here", where=where)
    if re.search(r"^#\s*pragma\s+pack", code, flags=re.MULTILINE):
        raise VerificationError("the layout that #pragma pack asks for is not known here", where=where)
    try:
        with _beyond(where):
            return c_parser.CParser().parse(_ATTRIBUTE.sub(" ", code), next(iter(files))), macros
    except c_parser.ParseError as error:
        raise VerificationError(f"the header cannot be read: {error}", where=where) from error


@contextmanager
def _beyond(where: str | None) -> Iterator[None]:
    """What pycparser stumbles over, or its nodes have and are not expected to, is refused."""
    try:
        yield
    except (RecursionError, AttributeError, TypeError, AssertionError) as error:
        raise VerificationError(f"{_BEYOND}{error!r}", where=where) from error


def _stable(macros: Mapping[str, str], release: str) -> dict[str, str | None]:
    """Macros without the values that every release has of its own."""
    stamps = {name for name, value in macros.items() if _STAMP.fullmatch(value) or value == f'"{release}"'}
    return {name: None if name in stamps else macros[name] for name in sorted(macros)}


def _divide(text: str, files: Mapping[str, str]) -> tuple[str, dict[str, dict[str, str]]]:
    """Code without directives, and the macros that each file leaves defined; a guard says nothing to users."""
    code: list[str] = []
    macros: dict[str, dict[str, str]] = {name: {} for name in files.values()}
    current = next(iter(macros)) if len(macros) == 1 else None
    for line in text.splitlines():
        if mark := _LINE.match(line):
            current = files.get(posixpath.normpath(mark[1]))
            code.append(line)
        elif define := _DEFINE.match(line):
            if current is not None and (define[2] or define[3]):
                value = (define[2] or "") + (" " if define[2] else "") + " ".join(define[3].split())
                macros[current][define[1]] = value
        elif undef := re.match(r"#\s*undef\s+(\w+)", line):
            for of_file in macros.values():
                of_file.pop(undef[1], None)
        else:
            code.append(line)
    return "\n".join(code) + "\n", macros


@dataclass(slots=True)
class _Reading:
    """What was declared so far: in each file by `surfaces`, in the one that is read now by the fields."""

    files: Mapping[str, str]
    data_model: DataModel
    where: str | None
    at: str = ""
    surfaces: dict[str, Surface] = field(default_factory=dict)
    functions: Surface = field(default_factory=dict)
    types: Surface = field(default_factory=dict)
    enums: Surface = field(default_factory=dict)
    variables: Surface = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    layouts: dict[str, tuple[int, int]] = field(default_factory=dict)
    strides: Surface = field(default_factory=dict)
    holder: str | None = None

    def surface(self, name: str) -> Surface:
        """The document of a file, sorted but for what has an order of its own."""
        parts = self._parts(name).items()
        return {part: dict(sorted(values.items())) for part, values in parts if values or part != "strides"}

    def _enter(self, path: str) -> bool:
        """Go on in a file; False for one whose declarations do not count."""
        if path not in self.files:
            return False
        parts = self._parts(self.files[path])
        self.functions, self.types = parts["functions"], parts["types"]
        self.enums, self.variables, self.strides = parts["enums"], parts["variables"], parts["strides"]
        return True

    def _parts(self, name: str) -> Surface:
        names = ("functions", "types", "enums", "variables", "strides")
        return self.surfaces.setdefault(name, {part: {} for part in names})

    def _reach(self, node: Any) -> None:  # noqa: ANN401
        """Note where reading has come to, for errors."""
        name = getattr(node, "name", None)
        line = f"line {node.coord.line}" if node.coord is not None else ""
        self.at = f" ({', '.join(filter(None, (name, line)))})" if name or line else ""

    def fail(self, what: str) -> VerificationError:
        """An error about something that is not understood."""
        return VerificationError(f"{_BEYOND}{what}{self.at}", where=self.where)

    def take(self, node: Any) -> None:  # noqa: ANN401 - pycparser's nodes have no types
        """A declaration at the top of a file, which counts only if it stands in a header itself."""
        self._reach(node)
        own = node.coord is not None and self._enter(posixpath.normpath(node.coord.file))
        self.holder = _holder(node) if own else None
        if isinstance(node, c_ast.Typedef):
            self._typedef(node, own=own)
        elif isinstance(node, c_ast.Decl) and isinstance(node.type, c_ast.FuncDecl):
            if own:
                self.functions[node.name] = self._function(node.type)
        elif isinstance(node, c_ast.FuncDef):
            if own:  # an inline function is compiled into its users, and a part of what they call all the same
                function = self._function(node.decl.type)
                self.functions[node.decl.name] = function | ({"static": True} if "static" in node.decl.storage else {})
        elif isinstance(node, c_ast.Decl):
            if node.align:
                raise self.fail("an alignment of its own")
            text = self.text(node.type, own=own)
            if own and node.name:
                self.variables[node.name] = text
        elif not isinstance(node, (c_ast.Pragma, c_ast.StaticAssert)):
            raise self.fail(type(node).__name__)

    def _typedef(self, node: Any, *, own: bool) -> None:  # noqa: ANN401
        if node.name in STANDARD_TYPES:
            self.aliases[node.name] = self._sized(STANDARD_TYPES[node.name]) or node.name
            return
        text = self.text(node.type, own=own, name=node.name)
        self.aliases[node.name] = text
        if own and text not in {f"struct {node.name}", f"union {node.name}", f"enum {node.name}"}:
            self.types[node.name] = {"kind": "typedef", "type": text}

    def _function(self, node: Any) -> Surface:  # noqa: ANN401
        parameters = list(node.args.params) if node.args else []
        variadic = bool(parameters) and isinstance(parameters[-1], c_ast.EllipsisParam)
        written = [self.text(p.type) for p in (parameters[:-1] if variadic else parameters)]
        if self.holder is not None:
            arrays = (match[0] for text in written if text.endswith("]") for match in _BY_VALUE.finditer(text))
            self.strides.update((label, self.strides.get(label, self.holder)) for label in arrays)
        texts = [_decayed(text) for text in written]
        return {
            "returns": self.text(node.type),
            "parameters": [] if texts == ["void"] else texts,
            **({"variadic": True} if variadic else {}),
        }

    def text(  # noqa: PLR0911 - one case for each form of a type
        self,
        node: Any,  # noqa: ANN401
        *,
        own: bool = False,
        name: str | None = None,
    ) -> str:
        """The type as the machine sees it; structures and enumerations that it defines are noted."""
        match node:
            case c_ast.TypeDecl():
                const = "const " if "const" in node.quals else ""
                inner = self.text(node.type, own=own, name=name)
                return const + inner if not inner.endswith("*") else inner + const.rstrip()
            case c_ast.PtrDecl():
                const = "const" if "const" in node.quals else ""
                if isinstance(node.type, c_ast.FuncDecl):
                    return _function_text(self._function(node.type))
                inner = self.text(node.type, own=own, name=name)
                return f"{inner} *{const}" if not inner.endswith("*") else f"{inner}*{const}"
            case c_ast.ArrayDecl():
                count = "" if node.dim is None else str(self.number(node.dim))
                return f"{self.text(node.type, own=own, name=name)}[{count}]"
            case c_ast.FuncDecl():
                return _function_text(self._function(node)).replace("(*)", "()")
            case c_ast.IdentifierType():
                return self._named(" ".join(sorted(node.names, key=_RANK.index) if len(node.names) > 1 else node.names))
            case c_ast.Struct() | c_ast.Union():
                return self._structure(node, own=own, name=name)
            case c_ast.Enum():
                return self._enumeration(node, own=own, name=name)
            case c_ast.Typename():
                return self.text(node.type)
        raise self.fail(type(node).__name__)

    def _named(self, name: str) -> str:
        text = _BUILTIN.get(name) or self.aliases.get(name)
        if text is None:
            raise self.fail(f"the type {name}")
        return self._sized(text)

    def _sized(self, text: str) -> str:
        """A number whose size the machine settles, by that size; any other type as it is."""
        sizes = {"long": self.data_model.long, "pointer": self.data_model.pointer}
        sign, _, measure = text.partition(" ")
        return f"{sign}{8 * sizes[measure]}" if sign in {"i", "u"} and measure in sizes else text

    def _structure(self, node: Any, *, own: bool, name: str | None) -> str:  # noqa: ANN401
        kind = "union" if isinstance(node, c_ast.Union) else "struct"
        label = f"{kind} {node.name or name or ''}".rstrip()
        if node.decls is None:
            if own and label not in self.types:
                self.types[label] = {"kind": kind, "opaque": True}
            return label
        fields: list[Surface] = []
        offset, align, size = 0, 1, 0
        for number, one in enumerate(node.decls):
            if isinstance(one, (c_ast.Pragma, c_ast.StaticAssert)):
                continue
            self._reach(one)
            if one.bitsize is not None:
                raise self.fail(f"{label} has bit-fields, whose places are the compiler's choice")
            if one.align:
                raise self.fail("an alignment of its own")
            text = self.text(one.type, own=own, name=f"{node.name or name}.{one.name or number}")
            bytes_, natural = self.extent(text)
            align = max(align, natural)
            position = 0 if kind == "union" else -(-offset // natural) * natural
            offset = position + bytes_
            size = max(size, offset)
            fields.append({"name": one.name or f"({number})", "type": text, "offset": position})
        size = -(-size // align) * align
        self.layouts[label] = (size, align)
        if own:
            self.types[label] = {"kind": kind, "size": size, "align": align, "fields": fields}
        return label

    def extent(self, text: str) -> tuple[int, int]:
        """Size and alignment of a type in bytes."""
        if array := re.fullmatch(r"(.*?)\[(\d*)\]((?:\[\d+\])*)", text):
            size, align = self.extent(array[1] + array[3])
            return size * int(array[2] or 0), align
        bare = text.removeprefix("const ")
        if bare.endswith(("*", "*const")) or "(*)" in bare:
            return self.data_model.pointer, self.data_model.pointer
        if bare == "long double":
            size = self.data_model.long_double
            return size, size & -size  # the largest power of two in it: 12 bytes stand at every fourth
        if bare.startswith("enum "):
            return 4, 4
        if bare in self.layouts:
            return self.layouts[bare]
        is_open = bare == "time_t" and self.data_model.pointer == 4  # noqa: PLR2004 - glibc leaves it to each program
        if bare not in _SIZES or is_open:
            raise self.fail(f"the size of {bare}")
        size = _SIZES[bare]
        return size, min(size, self.data_model.align_of_8) if size == 8 else size  # noqa: PLR2004 - bytes

    def _enumeration(self, node: Any, *, own: bool, name: str | None) -> str:  # noqa: ANN401
        label = f"enum {node.name or name or ''}".rstrip()
        if node.values is None:
            return label
        following = 0
        values: dict[str, int] = {}
        for one in node.values.enumerators:
            self._reach(one)
            value = following if one.value is None else self.number(one.value)
            values[one.name] = self.numbers[one.name] = value
            following = value + 1
        if own:
            self.enums.setdefault(label, {}).update(values)
        return label

    def number(self, node: Any) -> int:  # noqa: ANN401, PLR0911 - one case for each form of an expression
        """A constant expression (C11, 6.6) of whole numbers."""
        match node:
            case c_ast.Constant() if "int" in node.type and _INTEGER.fullmatch(node.value):
                return _integer(node.value)
            case c_ast.Constant(type="char") if len(node.value) == len("'x'"):
                return ord(node.value[1])
            case c_ast.ID() if node.name in self.numbers:
                return self.numbers[node.name]
            case c_ast.Cast():
                return self.number(node.expr)
            case c_ast.UnaryOp(op="sizeof"):
                return self.extent(self.text(node.expr))[0]
            case c_ast.UnaryOp() if node.op in _UNARY:
                return _UNARY[node.op](self.number(node.expr))
            case c_ast.BinaryOp() if node.op in _BINARY:
                return _BINARY[node.op](self.number(node.left), self.number(node.right))
        raise self.fail("a constant that is no whole number")


_RANK: Final = ("unsigned", "signed", "short", "long", "char", "int", "double", "float", "_Bool", "void", "_Complex")
_UNARY: Final[dict[str, Callable[[int], int]]] = {
    "-": lambda a: -a,
    "+": lambda a: a,
    "~": lambda a: ~a,
    "!": lambda a: int(not a),
}
_BINARY: Final[dict[str, Callable[[int, int], int]]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "|": lambda a, b: a | b,
    "&": lambda a, b: a & b,
    "^": lambda a, b: a ^ b,
    "<<": lambda a, b: a << b if b < 64 else 0,  # noqa: PLR2004 - no wider type is read
    ">>": lambda a, b: a >> b if b < 64 else 0,  # noqa: PLR2004 - no wider type is read
}


def _integer(text: str) -> int:
    digits = text.rstrip("uUlL")
    return int(digits, 8) if re.fullmatch(r"0\d+", digits) else int(digits, 0)


def _holder(node: Any) -> str:  # noqa: ANN401
    """What a declaration at the top of a file declares, for those who are told of it."""
    one = node.decl if isinstance(node, c_ast.FuncDef) else node
    inner = getattr(one, "type", None)
    if isinstance(inner, c_ast.FuncDecl):
        return f"{one.name}()"
    return str(getattr(one, "name", None) or f"struct {getattr(inner, 'name', None) or ''}".rstrip())


def _function_text(function: Surface) -> str:
    parameters = [*function["parameters"], *(["..."] if function.get("variadic") else [])]
    return f"{function['returns']} (*)({', '.join(parameters) or 'void'})"


def _decayed(text: str) -> str:
    """A parameter's type: an array is a pointer (C11, 6.7.6.3), and const of the parameter itself is its own affair."""
    text = re.sub(r"\[\d*\]$", " *", text)
    return text.removesuffix("const") if text.endswith("*const") else _without_own_const(text)


def _without_own_const(text: str) -> str:
    return text if text.endswith("*") or "(*)" in text else text.removeprefix("const ")


def compare(old: Surface, new: Surface, *, by_value: Mapping[str, str] | None = None) -> Iterator[Change]:
    """Every difference for programs that were compiled with the older header, or will be with the newer one.

    `by_value` is what `used_by_value` says of all the older headers, where the library has more than this one.
    """
    holders = used_by_value(old) if by_value is None else by_value
    yield from compare_named(old["functions"], new["functions"], lambda name: f"{name}()", _functions)
    yield from compare_named(
        old["types"], new["types"], str, lambda label, a, b: _types(label, a, b, holders.get(label, ""))
    )
    unchanged = _enumerators(old).items() & _enumerators(new).items()
    for label in sorted({*old["enums"], *new["enums"]}):
        before, after = (
            {name: value for name, value in one["enums"].get(label, {}).items() if (name, value) not in unchanged}
            for one in (old, new)
        )
        yield from _enums(label, before, after)
    yield from compare_named(
        old["variables"],
        new["variables"],
        str,
        lambda name, a, b: iter([broken(name, f"is of the type {b}, and was {a}")]),
    )
    yield from compare_named(old["macros"], new["macros"], lambda name: f"#define {name}", _macros)


def used_by_value(*surfaces: Surface) -> dict[str, str]:
    """Structures that something takes or holds as a whole, so that their size is compiled in, each with what does."""
    holders: dict[str, str] = {}
    for surface in surfaces:
        for holder, text in _texts(surface):
            for match in _BY_VALUE.finditer(text):
                holders.setdefault(match[0], holder)
        for label, holder in surface.get("strides", {}).items():
            holders.setdefault(label, holder)
    return holders


def _texts(surface: Surface) -> Iterator[tuple[str, str]]:
    """What a header gives types to, and these types."""
    for name, function in surface["functions"].items():
        if function.get("static"):  # compiled into its users with all that it calls by value
            continue
        yield from ((f"{name}()", text) for text in (function["returns"], *function["parameters"]))
    for label, one in surface["types"].items():
        yield from ((f"{label}.{member['name']}", member["type"]) for member in one.get("fields", ()))
        # Another name for a structure holds nothing; an array of it does.
        if one["kind"] == "typedef" and not _BY_VALUE.fullmatch(one["type"].removeprefix("const ")):
            yield label, one["type"]
    yield from surface["variables"].items()


def _macros(name: str, old: str | None, new: str | None) -> Iterator[Change]:
    if old is not None and new is not None and _same_number(old, new):
        return
    yield broken(f"#define {name}", f"is {new or 'of every release its own'}, and {old or 'that'} is compiled in")


def _same_number(old: str, new: str) -> bool:
    """Whether two macros are the same whole number: `10`, `(10)` and `0x0A` are, and so are `10u` and `10U`."""
    pattern = re.compile(r"(-?)(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)")
    matches = [pattern.fullmatch(text.replace(" ", "").strip("()")) for text in (old, new)]
    values = [(m[1], _integer(m[2]), "".join(sorted(m[3].lower()))) for m in matches if m]
    return len(values) == len(matches) and values[0] == values[1]


def _functions(name: str, old: Surface, new: Surface) -> Iterator[Change]:
    item = f"{name}()"
    if old["returns"] != new["returns"]:
        text = f"returns {new['returns']}, and returned {old['returns']}"
        # Who gets more rights over the same thing need not use them.
        yield (added if _more_const(new["returns"], old["returns"]) else broken)(item, text)
    if old.get("variadic") != new.get("variadic"):
        yield broken(item, "takes further arguments" if new.get("variadic") else "takes no further arguments")
    before, after = old["parameters"], new["parameters"]
    if len(before) != len(after):
        yield broken(item, f"takes ({', '.join(after)}), and took ({', '.join(before)})")
        return
    for number, (a, b) in enumerate(zip(before, after, strict=True), 1):
        if a != b:
            text = f"takes {b} as its parameter {number}, and took {a}"
            yield (added if _more_const(a, b) else broken)(item, text)


def _more_const(less: str, more: str) -> bool:
    """Whether the second is the first with `const` added to what pointers point to."""
    if less.replace("const ", "") != more.replace("const ", "") or "(*)" in less:
        return False
    waiting = iter(more.split())
    return all(word in waiting for word in less.split())


def _types(label: str, old: Surface, new: Surface, holder: str) -> Iterator[Change]:
    if old["kind"] == new["kind"] == "typedef":
        yield broken(label, f"stands for {new['type']}, and stood for {old['type']}")
    elif new.get("opaque"):
        yield broken(label, "no longer tells its fields")
    elif old.get("opaque"):
        yield added(label, "tells its fields now")
    else:
        yield from _layouts(label, old, new, holder)


def _layouts(label: str, old: Surface, new: Surface, holder: str) -> Iterator[Change]:
    if old["size"] != new["size"]:
        yield _resized(label, old, new, holder)
    if old["align"] != new["align"]:
        yield broken(label, f"has the alignment {new['align']}, and had {old['align']}")
    before, after = ({f["name"]: f for f in one["fields"]} for one in (old, new))
    if not keeps_order(list(before), list(after)):
        yield broken(label, f"has its fields in another order: {', '.join(after)}")
    for name, a in before.items():
        yield from _members(f"{label}.{name}", a, after.get(name))
    for number, name in enumerate(after):
        if name not in before:
            is_clear = new["kind"] == "union" or _is_clear(old, *_room(new, number))
            padding = "is new where older programs leave what happens to be there"
            yield added(f"{label}.{name}") if is_clear else broken(f"{label}.{name}", padding)


def _members(item: str, old: Surface, new: Surface | None) -> Iterator[Change]:
    if new is not None and (old["offset"], old["type"]) == (new["offset"], new["type"]):
        return
    text = GONE
    if new is not None and old["offset"] != new["offset"]:
        text = f"is at {new['offset']}, and was at {old['offset']}"
    elif new is not None:
        text = f"is {new['type']}, and was {old['type']}"
    # Nobody may use what is reserved, so that it can be given a meaning while everything else stays in its place.
    yield (added if _RESERVED.match(old["name"]) else broken)(item, text)


def _resized(label: str, old: Surface, new: Surface, holder: str) -> Change:
    text = f"has the size {new['size']}, and had {old['size']}"
    if not _grows(old, new):
        return broken(label, text)
    if holder:
        return broken(label, f"{text}, which is compiled into {holder}")
    return added(label, f"{text}, which its {old['fields'][0]['name']} tells")


def _grows(old: Surface, new: Surface) -> bool:
    """Whether a structure tells its size first, and has more members behind all that it had.

    Then the library knows whether its caller has them. What became of the former members is told of them.
    """
    first, last = old["fields"][:1], new["fields"][-1:]
    return (
        bool(old["kind"] == new["kind"] == "struct")
        and first == new["fields"][:1]
        and any(_tells(one, new["size"]) for one in first)
        and bool(old["align"] == new["align"] and old["size"] < new["size"])
        and (bool(_RESERVED.match(last[0]["name"])) or _is_behind(old, last[0]))
    )


def _tells(member: Surface, size: int) -> bool:
    """Whether a first member is one that tells the size of its structure, and has room for this one."""
    number = member["type"].removeprefix("const ")
    return member["name"] in SIZE_MEMBERS and number in _UNSIGNED and size < 1 << int(number[1:])


def _is_behind(old: Surface, member: Surface) -> bool:
    """Whether a member is new behind all that a structure had."""
    return bool(member["name"] not in {one["name"] for one in old["fields"]} and member["offset"] >= old["size"])


def _is_clear(old: Surface, begin: int, end: int) -> bool:
    """Whether a structure ended before this room, or had nothing there but what is reserved: padding has any value."""
    reserved = [_room(old, number) for number, one in enumerate(old["fields"]) if _RESERVED.match(one["name"])]
    for first, last in reserved:
        if first <= begin < last:
            begin = last
    return begin >= end or begin >= int(old["size"])


def _room(one: Surface, number: int) -> tuple[int, int]:
    """Where a member begins and ends, for one that is no number: where the next one begins."""
    member = one["fields"][number]
    following = [field["offset"] for field in one["fields"][number + 1 :]] or [one["size"]]
    match = re.fullmatch(r"(?:const )?(\w+)((?:\[\d+\])*)", member["type"])
    if match is None or match[1] not in _SIZES:
        return member["offset"], following[0]
    return member["offset"], member["offset"] + _SIZES[match[1]] * math.prod(map(int, re.findall(r"\d+", match[2])))


def _enumerators(surface: Surface) -> dict[str, int]:
    """All enumerators: programs use them by their names, whichever enumeration they stand in."""
    return {name: value for values in surface["enums"].values() for name, value in values.items()}


def _enums(label: str, old: Mapping[str, int], new: Mapping[str, int]) -> Iterator[Change]:
    def item(name: str) -> str:
        return f"{label}: {name}"

    yield from compare_named(old, new, item, lambda name, a, b: iter([broken(item(name), f"is {b}, and was {a}")]))
