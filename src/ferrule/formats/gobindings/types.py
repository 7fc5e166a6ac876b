"""WIT types in Go: their declarations, and the functions that carry their values into a module and out of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from ferrule.formats.gobindings import abi, names
from ferrule.formats.wit import Enum, Flags, ListOf, Name, OptionOf, Other, Record, ResultOf, Scalar, TupleOf, Variant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ferrule.formats.wit import Named, Type

Way = Literal["store", "load", "lower", "lift"]
"""Store and load use the memory, lower and lift the stack; store and lower go into the module."""

_GO = {
    "bool": "bool", "s8": "int8", "u8": "uint8", "s16": "int16", "u16": "uint16", "s32": "int32", "u32": "uint32",
    "s64": "int64", "u64": "uint64", "f32": "float32", "f64": "float64", "char": "rune", "string": "string",
}  # fmt: skip
# Into the bits that memory or stack hold, and back.
_ENCODE = {
    "bool": "lowerBool({})", "s8": "uint8({})", "s16": "uint16({})", "s32": "uint32({})", "s64": "uint64({})",
    "f32": "math.Float32bits({})", "f64": "math.Float64bits({})", "char": "lowerChar({})",
    "string": "g.lowerString({})",
}  # fmt: skip
_DECODE = {
    "bool": "{} != 0", "s8": "int8({})", "s16": "int16({})", "s32": "int32({})", "s64": "int64({})",
    "f32": "math.Float32frombits({})", "f64": "math.Float64frombits({})", "char": "liftChar({})",
    "string": "g.liftString({})",
}  # fmt: skip
_SIGNED = ("s8", "s16", "s32")
_MAX_FLAGS = 32
"""More do not fit the stack (CanonicalABI.md, "Flattening")."""
_LABEL = re.compile(r"[A-Za-z][0-9A-Za-z]*(-[0-9A-Za-z]+)*")
BYTES = ListOf(Scalar("u8"))


def spelled(kind: Type | None) -> str:  # noqa: PLR0911 - one case for each type
    """A type as WIT writes it."""
    match kind:
        case Scalar(name):
            return name
        case ListOf(element):
            return f"list<{spelled(element)}>"
        case OptionOf(value):
            return f"option<{spelled(value)}>"
        case TupleOf(items):
            return f"tuple<{', '.join(map(spelled, items))}>"
        case ResultOf(None, None):
            return "result"
        case ResultOf(ok, None):
            return f"result<{spelled(ok)}>"
        case ResultOf(ok, err):
            return f"result<{spelled(ok)}, {spelled(err)}>"
        case Other(words):
            return words
        case None:
            return "_"
        case _:
            return kind.name.label if kind.name else type(kind).__name__.lower()


def problem(kind: Type) -> str | None:
    """What is wrong with a type, if it is none of plain values under names that WIT can have."""
    match kind:
        case Other(words):
            return words
        case Record() | Variant() | Enum() | Flags() if kind.name is None or unreadable(kind.name.label):
            return f"a nameless {type(kind).__name__.lower()}"
        case Flags(labels) if len(labels) > _MAX_FLAGS:
            return f"{len(labels)} flags, of {_MAX_FLAGS} that there can be"
    labels, parts = _parts(kind)
    if strange := next(filter(unreadable, labels), None):
        return f"the name {strange!r} in {spelled(kind)}"
    if not isinstance(kind, Scalar | ResultOf) and not (labels or parts):
        return f"an empty {type(kind).__name__.removesuffix('Of').lower()}"
    return next((reason for part in parts if part and (reason := problem(part))), None)


def unreadable(label: str) -> bool:
    """Whether a name is none that WIT can have (WIT.md, "Identifiers")."""
    return _LABEL.fullmatch(label) is None


def _parts(kind: Type) -> tuple[tuple[str, ...], tuple[Type | None, ...]]:
    """Labels in a type, and the types it is made of."""
    match kind:
        case Record(pairs) | Variant(pairs):
            return tuple(label for label, _ in pairs), tuple(part for _, part in pairs)
        case Enum(labels) | Flags(labels):
            return labels, ()
        case TupleOf(items):
            return (), items
        case ListOf(part) | OptionOf(part):
            return (), (part,)
        case ResultOf(ok, err):
            return (), (ok, err)
        case _:
            return (), ()


class Types:
    """The types that bindings use, declared as they are met."""

    def __init__(self, taken: names.Names) -> None:
        self._taken = taken
        self._helpers = names.Names()
        self._go: dict[Type, str] = {}
        self._calls: dict[tuple[Way, Type], str] = {}
        self._cases: dict[Variant, list[str]] = {}
        self._tuples: set[int] = set()
        self.declarations: list[str] = []
        self.conversions: list[str] = []

    def go(self, kind: Type | None) -> str:  # noqa: PLR0911 - one case for each type
        """The type in Go; `struct{}` for none."""
        match kind:
            case None:
                return "struct{}"
            case Scalar(name):
                return _GO[name]
            case ListOf(element):
                return f"[]{self.go(element)}"
            case OptionOf(value):
                return f"*{self.go(value)}"
            case ResultOf(ok, err):
                return f"Result[{self.go(ok)}, {self.go(err)}]"
            case TupleOf(items):
                return self._tuple(items)
            case Other(words):
                raise ValueError(words)
            case _:
                return self._go.get(kind) or self._declare(kind)

    def _tuple(self, items: Sequence[Type]) -> str:
        count = len(items)
        if count not in self._tuples:
            self._tuples.add(count)
            letters = [f"T{at}" for at in range(count)]
            width = len(f"F{count - 1}")
            fields = "".join(f"\t{f'F{at}':<{width}} {letter}\n" for at, letter in enumerate(letters))
            head = f"// Tuple{count} is a tuple of {count}.\ntype Tuple{count}[{', '.join(letters)} any] struct"
            self.declarations.append(f"{head} {{\n{fields}}}\n")
        return f"Tuple{count}[{', '.join(map(self.go, items))}]"

    def _declare(self, kind: Named) -> str:
        own = kind.name or Name(None, "unnamed")
        _, package, interface = names.interface(own.interface or "")
        plain = names.exported(own.label)
        choices = [
            plain,
            names.exported(interface) + plain,
            names.exported(package) + names.exported(interface) + plain,
        ]
        name = self._taken.claim(*choices, f"{plain}{type(kind).__name__}")
        self._go[kind] = name
        origin = f" of {own.interface}" if own.interface else ""
        what = "are the flags" if isinstance(kind, Flags) else f"is the {type(kind).__name__.lower()}"
        doc = f"// {name} {what} {own.label}{origin}.\n"
        match kind:
            case Record():
                text = self._record(name, kind)
            case Variant():
                text = self._variant(name, kind)
            case Enum():
                text = self._enum(name, kind)
            case _:
                text = self._flags(name, kind)
        self.declarations.append(doc + text)
        return name

    def _record(self, name: str, kind: Record) -> str:
        lines = [f"type {name} struct {{\n"]
        for (label, value), field in zip(kind.fields, self.fields(kind), strict=True):
            lines.append(f"\t// {field} is {label}: {spelled(value)}.\n\t{field} {self.go(value)}\n")
        return "".join(lines) + "}\n"

    def fields(self, kind: Record | TupleOf) -> list[str]:
        """Names of the fields in Go."""
        if isinstance(kind, TupleOf):
            return [f"F{at}" for at in range(len(kind.items))]
        taken = names.Names()
        return [taken.claim(names.exported(label)) for label, _ in kind.fields]

    def _variant(self, name: str, kind: Variant) -> str:
        marker = f"is{name}"
        cases = [
            self._taken.claim(name + names.exported(label), f"{name}Case{names.exported(label)}")
            for label, _ in kind.cases
        ]
        self._cases[kind] = cases
        lines = [f"//\n// It is one of {', '.join(cases)}.\n", f"type {name} interface {{\n\t{marker}()\n}}\n"]
        for (label, payload), case in zip(kind.cases, cases, strict=True):
            lines.append(f"\n// {case} is the case {label} of {name}.\n")
            if payload:
                lines.append(f"type {case} struct {{\n\t// Value is the payload: {spelled(payload)}.\n")
                lines.append(f"\tValue {self.go(payload)}\n}}\n")
            else:
                lines.append(f"type {case} struct{{}}\n")
            lines.append(f"\nfunc ({case}) {marker}() {{}}\n")
        return "".join(lines)

    def _enum(self, name: str, kind: Enum) -> str:
        return (
            self._numbers(name, kind, "constants", kind.cases, "iota")
            + f"\n// String gives the name in WIT.\nfunc (v {name}) String() string {{\n"
            f"\treturn caseName(uint32(v), {_quoted(kind.cases)})\n}}\n"
        )

    def _flags(self, name: str, kind: Flags) -> str:
        return (
            self._numbers(name, kind, "flags", kind.labels, "1 << iota")
            + f"\n// Has says whether all of these flags are set.\nfunc (v {name}) Has(flags {name}) bool {{\n"
            f"\treturn v&flags == flags\n}}\n"
            f"\n// String gives the names in WIT of the flags that are set.\nfunc (v {name}) String() string {{\n"
            f"\treturn flagNames(uint32(v), {_quoted(kind.labels)})\n}}\n"
        )

    def _numbers(self, name: str, kind: Enum | Flags, what: str, labels: tuple[str, ...], first: str) -> str:
        """A type of numbers, with a constant for each label."""
        lines = [f"type {name} uint{abi.size(kind) * 8}\n\n// The {what} of {name}.\nconst (\n"]
        for at, label in enumerate(labels):
            constant = self._taken.claim(name + names.exported(label))
            lines.append(f"\t// {constant} is {label}.\n\t{constant}{f' {name} = {first}' if at == 0 else ''}\n")
        return "".join([*lines, ")\n"])

    # Statements and expressions.

    def store(self, kind: Type, at: str, value: str) -> str:
        """A statement that writes a value to memory at an address."""
        if bits := self._bits(kind, value):
            return f"g.putU{8 * abi.size(kind)}({at}, {bits})"
        return f"{self._helper('store', kind)}(g, {at}, {value})"

    def load(self, kind: Type, at: str) -> str:
        """An expression that reads a value from memory."""
        expression = self._value(kind, f"getU{8 * abi.size(kind)}(g, {at})")
        return expression or f"{self._helper('load', kind)}(g, {at})"

    def lower(self, kind: Type, slot: int, value: str) -> str:
        """A statement that puts a value on the stack `s`, from a place on."""
        bits = self._bits(kind, value)
        if bits and len(abi.flat(kind)) > 1:
            return f"s[{slot}], s[{slot + 1}] = sliced({bits})"
        if bits:
            wide = isinstance(kind, Scalar) and kind.name in ("s64", "u64", "f64")
            return f"s[{slot}] = {bits if wide else f'uint64({self._extended(kind, value, bits)})'}"
        return f"{self._helper('lower', kind)}(g, {_from(slot)}, {value})"

    def lift(self, kind: Type, slot: int) -> str:
        """An expression that takes a value from the stack."""
        if len(abi.flat(kind)) > 1:
            expression = self._value(kind, f"slice(s[{slot}], s[{slot + 1}])")
        else:
            narrow = isinstance(kind, Scalar) and kind.name != "bool"
            width = 8 * abi.size(kind) if narrow else 32
            expression = self._value(kind, f"s[{slot}]" if width == 64 else f"uint{width}(s[{slot}])")  # noqa: PLR2004
        return expression or f"{self._helper('lift', kind)}(g, {_from(slot)})"

    @staticmethod
    def _extended(kind: Type, value: str, bits: str) -> str:
        """Signed numbers fill the 32 bits of the stack with their sign."""
        return f"uint32({value})" if isinstance(kind, Scalar) and kind.name in _SIGNED else bits

    def _bits(self, kind: Type, value: str) -> str | None:
        """An expression for the bits of what needs no function of its own."""
        match kind:
            case Scalar(name):
                return _ENCODE.get(name, "{}").format(value)
            case Enum(cases):
                return self._cast(kind, f"lowerCase(uint32({value}), {len(cases)})")
            case Flags(labels):
                return self._cast(kind, f"lowerFlags(uint32({value}), {(1 << len(labels)) - 1:#x})")
            case ListOf():
                return f"g.lowerBytes({value})" if kind == BYTES else f"{self._helper('lower', kind)}(g, {value})"
            case _:
                return None

    @staticmethod
    def _cast(kind: Enum | Flags, bits: str) -> str:
        return bits if abi.size(kind) == 4 else f"uint{8 * abi.size(kind)}({bits})"  # noqa: PLR2004

    def _value(self, kind: Type, bits: str) -> str | None:
        match kind:
            case Scalar(name):
                return _DECODE.get(name, "{}").format(bits)
            case Enum(cases):
                return f"{self.go(kind)}(liftCase(uint32({bits}), {len(cases)}))"
            case Flags(labels):
                return f"{self.go(kind)}(liftFlags(uint32({bits}), {(1 << len(labels)) - 1:#x}))"
            case ListOf():
                return f"g.liftBytes({bits})" if kind == BYTES else f"{self._helper('lift', kind)}(g, {bits})"
            case _:
                return None

    # Functions for types with parts.

    def _helper(self, way: Way, kind: Type) -> str:
        """Name of the function that carries values of a type; it is written when it is first asked for."""
        if isinstance(kind, Scalar | Enum | Flags | Other):
            raise TypeError(kind)
        if (way, kind) not in self._calls:
            name = self._calls[way, kind] = self._helpers.claim(way + self._label(kind))
            text = self._list(name, way, kind) if isinstance(kind, ListOf) else self._with_parts(name, way, kind)
            self.conversions.append(text)
        return self._calls[way, kind]

    def _label(self, kind: Type | None) -> str:  # noqa: PLR0911 - one case for each type
        match kind:
            case None:
                return "Nothing"
            case Scalar(name):
                return name.capitalize()
            case ListOf(element):
                return f"List{self._label(element)}"
            case OptionOf(value):
                return f"Option{self._label(value)}"
            case ResultOf(ok, err):
                return f"Result{self._label(ok)}{self._label(err)}"
            case TupleOf(items):
                return f"Tuple{len(items)}{''.join(map(self._label, items))}"
            case _:
                return self.go(kind)

    def _list(self, name: str, way: Way, kind: ListOf) -> str:
        element, go = kind.element, self.go(kind)
        size, align = abi.size(element), abi.align(element)
        at = f"p+uint32(i)*{size}" if size > 1 else "p+uint32(i)"
        if way == "lower":
            return (
                f"func {name}(g *guest, v {go}) uint64 {{\n"
                f"\tp := g.alloc(len(v), {size}, {align})\n"
                f"\tfor i := range v {{\n\t\t{self.store(element, at, 'v[i]')}\n\t}}\n"
                f"\treturn slice(uint64(p), uint64(len(v)))\n}}\n"
            )
        return (
            f"func {name}(g *guest, from uint64) {go} {{\n"
            f"\tp, length := g.liftList(from, {size}, {align})\n"
            f"\tv := make({go}, length)\n"
            f"\tfor i := range v {{\n\t\tv[i] = {self.load(element, at)}\n\t}}\n"
            f"\treturn v\n}}\n"
        )

    def _with_parts(self, name: str, way: Way, kind: Record | TupleOf | Variant | OptionOf | ResultOf) -> str:
        go = self.go(kind)
        head = {
            "store": f"func {name}(g *guest, p uint32, v {go}) {{\n",
            "load": f"func {name}(g *guest, p uint32) {go} {{\n",
            "lower": f"func {name}(g *guest, s []uint64, v {go}) {{\n",
            "lift": f"func {name}(g *guest, s []uint64) {go} {{\n",
        }[way]
        body = self._product(way, kind) if isinstance(kind, Record | TupleOf) else self._sum(way, kind)
        return f"{head}{body}}}\n"

    def _product(self, way: Way, kind: Record | TupleOf) -> str:
        values = kind.items if isinstance(kind, TupleOf) else tuple(value for _, value in kind.fields)
        rows = list(zip(self.fields(kind), values, abi.offsets(values), abi.slot_numbers(values), strict=True))
        if way == "store":
            return "".join(f"\t{self.store(value, _plus(at), f'v.{field}')}\n" for field, value, at, _ in rows)
        if way == "lower":
            return "".join(f"\t{self.lower(value, slot, f'v.{field}')}\n" for field, value, _, slot in rows)
        if way == "load":
            parts = [self.load(value, _plus(at)) for _, value, at, _ in rows]
        else:
            parts = [self.lift(value, slot) for _, value, _, slot in rows]
        return f"\treturn {self.go(kind)}{{\n" + "".join(f"\t\t{part},\n" for part in parts) + "\t}\n"

    def _sum(self, way: Way, kind: Variant | OptionOf | ResultOf) -> str:
        if way in ("store", "lower"):
            clear = f"\tclear(s[:{len(abi.flat(kind))}])\n" if way == "lower" else ""
            return clear + self._choose(way, kind)
        return self._chosen(way, kind)

    def _number(self, way: Way, kind: Variant | OptionOf | ResultOf, number: int) -> str:
        """A statement that says which case it is."""
        if way == "store":
            return f"g.putU{8 * abi.discriminant(len(abi.cases(kind)))}(p, {number})"
        return f"s[0] = {number}"

    def _into(self, way: Way, kind: Variant | OptionOf | ResultOf, number: int, value: str, indent: str) -> str:
        """Statements that write a case."""
        lines = f"{indent}{self._number(way, kind, number)}\n"
        if payload := abi.cases(kind)[number]:
            if way == "store":
                lines += f"{indent}{self.store(payload, _plus(abi.payload_offset(kind)), value)}\n"
            else:
                lines += f"{indent}{self.lower(payload, 1, value)}\n"
        return lines

    def _choose(self, way: Way, kind: Variant | OptionOf | ResultOf) -> str:
        match kind:
            case OptionOf():
                nothing = self._into(way, kind, 0, "*v", "\t\t")
                return f"\tif v == nil {{\n{nothing}\t\treturn\n\t}}\n{self._into(way, kind, 1, '*v', '	')}"
            case ResultOf():
                ok = self._into(way, kind, 0, "v.Ok", "\t\t")
                err = self._into(way, kind, 1, "v.Err", "\t")
                return f"\tif !v.IsErr {{\n{ok}\t\treturn\n\t}}\n{err}"
        bound = "v := v" if any(payload for _, payload in kind.cases) else "v"
        lines = [f"\tswitch {bound}.(type) {{\n"]
        for number, case in enumerate(self._cases[kind]):
            lines.append(f"\tcase {case}:\n{self._into(way, kind, number, 'v.Value', '		')}")
        lines.append(f'\tdefault:\n\t\tpanic(invalid("%T is no case of {self.go(kind)}", v))\n\t}}\n')
        return "".join(lines)

    def _chosen(self, way: Way, kind: Variant | OptionOf | ResultOf) -> str:
        payloads = abi.cases(kind)
        width = 8 * abi.discriminant(len(payloads))
        number = f"uint32(getU{width}(g, p))" if way == "load" else "uint32(s[0])"
        lines = [f"\tswitch liftCase({number}, {len(payloads)}) {{\n"]
        for at, payload in enumerate(payloads):
            label = f"case {at}" if at < len(payloads) - 1 else "default"
            value = ""
            if payload:
                value = self.load(payload, _plus(abi.payload_offset(kind))) if way == "load" else self.lift(payload, 1)
            lines.append(f"\t{label}:\n{self._case(kind, at, value)}")
        return "".join(lines) + "\t}\n"

    def _case(self, kind: Variant | OptionOf | ResultOf, number: int, value: str) -> str:
        match kind:
            case OptionOf():
                return f"\t\tv := {value}\n\t\treturn &v\n" if number else "\t\treturn nil\n"
            case ResultOf():
                fields = ([f"Ok: {value}"] if number == 0 else [f"Err: {value}"]) if value else []
                fields += ["IsErr: true"] if number else []
                return f"\t\treturn {self.go(kind)}{{{', '.join(fields)}}}\n"
            case _:
                return f"\t\treturn {self._cases[kind][number]}{{{value}}}\n"


def _plus(offset: int) -> str:
    return f"p+{offset}" if offset else "p"


def _from(slot: int) -> str:
    return f"s[{slot}:]" if slot else "s"


def _quoted(labels: tuple[str, ...]) -> str:
    return ", ".join(f'"{label}"' for label in labels)
