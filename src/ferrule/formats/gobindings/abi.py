"""How values lie in memory and on the stack of a core module.

Source: Component Model, design/mvp/CanonicalABI.md, from "Alignment" to "Flattening".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.formats.wit import Enum, Flags, ListOf, OptionOf, Record, ResultOf, Scalar, TupleOf, Variant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ferrule.formats.wit import Function, Type

MAX_PARAMETERS, MAX_RESULTS = 16, 1
"""As many core values are passed on the stack; more go through memory."""

_SIZES = {
    "bool": 1, "s8": 1, "u8": 1, "s16": 2, "u16": 2, "s32": 4, "u32": 4, "s64": 8, "u64": 8,
    "f32": 4, "f64": 8, "char": 4, "string": 8,
}  # fmt: skip
_CORE = {"s64": "i64", "u64": "i64", "f32": "f32", "f64": "f64"}


def cases(kind: Variant | OptionOf | ResultOf) -> tuple[Type | None, ...]:
    """Payloads of what is a variant by nature: options and results are variants of two cases."""
    match kind:
        case OptionOf(value):
            return (None, value)
        case ResultOf(ok, err):
            return (ok, err)
        case _:
            return tuple(payload for _, payload in kind.cases)


def discriminant(count: int) -> int:
    """Bytes of the number of a case, of `count` cases."""
    return 1 if count <= 1 << 8 else 2 if count <= 1 << 16 else 4


def align(kind: Type) -> int:
    """Alignment in bytes."""
    match kind:
        case Scalar("string") | ListOf():
            return 4
        case Record(fields):
            return max(align(value) for _, value in fields)
        case TupleOf(items):
            return max(map(align, items))
        case Variant() | OptionOf() | ResultOf():
            return max(discriminant(len(cases(kind))), payload_align(kind))
        case _:
            return size(kind)


def payload_align(kind: Variant | OptionOf | ResultOf) -> int:
    """The strictest alignment of any payload, 1 if there is none."""
    return max((align(payload) for payload in cases(kind) if payload), default=1)


def size(kind: Type) -> int:  # noqa: PLR0911 - one case for each type
    """Size in bytes, padding at the end included."""
    match kind:
        case Scalar(name):
            return _SIZES[name]
        case ListOf():
            return 8
        case Record(fields):
            return extent([value for _, value in fields])
        case TupleOf(items):
            return extent(items)
        case Enum(names):
            return discriminant(len(names))
        case Flags(labels):
            return 1 if len(labels) <= 8 else 2 if len(labels) <= 16 else 4  # noqa: PLR2004 - bits of bytes
        case Variant() | OptionOf() | ResultOf():
            largest = max((size(payload) for payload in cases(kind) if payload), default=0)
            return _up(payload_offset(kind) + largest, align(kind))
        case _:
            raise ValueError(kind.words)


def payload_offset(kind: Variant | OptionOf | ResultOf) -> int:
    """Where the payload of a case begins."""
    return _up(discriminant(len(cases(kind))), payload_align(kind))


def offsets(kinds: Iterable[Type]) -> list[int]:
    """Where each of a record's fields, or a tuple's items, begins."""
    starts, end = [], 0
    for kind in kinds:
        end = _up(end, align(kind))
        starts.append(end)
        end += size(kind)
    return starts


def extent(kinds: Iterable[Type]) -> int:
    """Size of a record of these fields."""
    kinds = list(kinds)
    end = offsets(kinds)[-1] + size(kinds[-1])
    return _up(end, max(map(align, kinds)))


def flat(kind: Type) -> list[str]:
    """Core types of a value on the stack: `i32`, `i64`, `f32`, `f64`."""
    match kind:
        case Scalar("string") | ListOf():
            return ["i32", "i32"]
        case Scalar(name):
            return [_CORE.get(name, "i32")]
        case Record(fields):
            return [core for _, value in fields for core in flat(value)]
        case TupleOf(items):
            return [core for item in items for core in flat(item)]
        case Variant() | OptionOf() | ResultOf():
            return ["i32", *_joined([flat(payload) for payload in cases(kind) if payload])]
        case _:
            return ["i32"]


def slot_numbers(kinds: Iterable[Type]) -> list[int]:
    """Where each value begins on the stack."""
    slots, end = [], 0
    for kind in kinds:
        slots.append(end)
        end += len(flat(kind))
    return slots


def points(kind: Type) -> bool:
    """Whether a value has parts that only a pointer leads to."""
    match kind:
        case Scalar(name):
            return name == "string"
        case ListOf():
            return True
        case Record(fields):
            return any(points(value) for _, value in fields)
        case TupleOf(items):
            return any(map(points, items))
        case Variant() | OptionOf() | ResultOf():
            return any(points(payload) for payload in cases(kind) if payload)
        case _:
            return False


def _joined(payloads: list[list[str]]) -> list[str]:
    """One place on the stack serves the values of all cases: of the wider type, as bits."""
    joined: list[str] = []
    for payload in payloads:
        for slot, core in enumerate(payload):
            if slot == len(joined):
                joined.append(core)
            elif joined[slot] != core:
                joined[slot] = "i32" if {joined[slot], core} == {"i32", "f32"} else "i64"
    return joined


def _up(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment


def parameters_in_memory(function: Function) -> bool:
    """Whether the parameters are too many for the stack."""
    return sum(len(flat(kind)) for _, kind in function.parameters) > MAX_PARAMETERS


def result_in_memory(function: Function) -> bool:
    """Whether the result is too much for the stack."""
    return function.result is not None and len(flat(function.result)) > MAX_RESULTS


def signature(function: Function, *, imported: bool) -> tuple[list[str], list[str]]:
    """Core types of parameters and results: an import is told where to write, an export says where it wrote."""
    parameters = [core for _, kind in function.parameters for core in flat(kind)]
    if len(parameters) > MAX_PARAMETERS:
        parameters = ["i32"]
    results = flat(function.result) if function.result else []
    if len(results) > MAX_RESULTS:
        return ([*parameters, "i32"], []) if imported else (parameters, ["i32"])
    return parameters, results
