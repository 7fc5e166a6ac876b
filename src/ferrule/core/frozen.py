"""`dataclass` for modules that commands execute at their start: the standard one, a quarter as expensive to declare.

Home-made, because Python before 3.13 compiles six methods from text for every frozen class, half a millisecond each:
of 150 classes that was a third of the processor time of `ferrule check`. Here only `__init__` is compiled, at the first
value of a class; the others are shared functions that do the same. What the standard library knows of its classes
(`fields`, `replace`) it is asked for when somebody wants it, and a module goes back to it by its import line.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, FrozenInstanceError, field
from operator import attrgetter, ge, gt, le, lt
from typing import TYPE_CHECKING, Any, Final, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_Class = TypeVar("_Class")


@dataclass_transform(field_specifiers=(field,))
def dataclass(
    *, frozen: bool = False, slots: bool = False, order: bool = False, **options: bool
) -> Callable[[type[_Class]], type[_Class]]:
    """As `dataclasses.dataclass`; what is frozen, has slots and nothing but an order is declared quickly."""
    if frozen and slots and not options:
        return _frozen_and_ordered if order else _frozen
    return dataclasses.dataclass(frozen=frozen, slots=slots, order=order, **options)


def _frozen(plain: type[_Class]) -> type[_Class]:
    fields = _fields(plain)
    cls: Any
    if fields is None:
        # Not frozen for the standard library, which would write __setattr__ and __delattr__ for this class alone.
        cls = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(plain)
        fields = {f.name: f for f in dataclasses.fields(cls)}
        for name, method in _methods(plain, fields).items():
            setattr(cls, name, method)
    else:
        cls = _with_slots(plain, fields)
    if "__init__" not in vars(plain):
        cls.__init__ = _init_when_used(cls, tuple(fields.values()))
    return cls  # type: ignore[no-any-return]


def _methods(plain: type, fields: Mapping[str, dataclasses.Field[Any]]) -> dict[str, Callable[..., Any]]:
    """The methods that a class does not define itself, but for `__init__`."""
    methods: dict[str, Callable[..., Any]] = {
        "__repr__": _repr(tuple(f.name for f in fields.values() if f.repr)),
        **_comparison(tuple(f.name for f in fields.values() if f.compare)),
        **_pickling(tuple(fields)),
        "__setattr__": _refuse,
        "__delattr__": _refuse,
    }
    return {name: method for name, method in methods.items() if name not in vars(plain)}


def _frozen_and_ordered(plain: type[_Class]) -> type[_Class]:
    cls: Any = _frozen(plain)
    values = _values(tuple(f.name for f in dataclasses.fields(cls) if f.compare))
    for name, compare in (("__lt__", lt), ("__le__", le), ("__gt__", gt), ("__ge__", ge)):
        setattr(cls, name, _ordering(values, compare))
    return cls  # type: ignore[no-any-return]


def _ordering(values: Callable[[Any], Any], compare: Callable[[Any, Any], bool]) -> Callable[[Any, object], Any]:
    def method(self: Any, other: object) -> Any:  # noqa: ANN401 - a method of any class
        return compare(values(self), values(other)) if type(self) is type(other) else NotImplemented

    return method


def _fields(plain: type) -> dict[str, dataclasses.Field[Any]] | None:
    """The fields of a class, inherited ones first; None where only the standard library knows them all."""
    inherited: dict[str, dataclasses.Field[Any]] = {}
    for base in plain.__mro__[-1:0:-1]:
        if vars(base).get("__dataclass_params__") is _PARAMS:
            inherited |= vars(base)["__dataclass_fields__"]
        elif "__dataclass_fields__" in vars(base):
            return None
    annotations = vars(plain).get("__annotations__", {})
    if "__annotate_func__" in vars(plain) or not all(isinstance(text, str) for text in annotations.values()):
        return None
    if any("ClassVar" in text or "InitVar" in text or "KW_ONLY" in text for text in annotations.values()):
        return None
    return inherited | {name: _field(name, text, vars(plain).get(name, MISSING)) for name, text in annotations.items()}


def _field(name: str, text: str, default: Any) -> dataclasses.Field[Any]:  # noqa: ANN401 - whatever a class has
    """A field as `dataclasses.fields` and `dataclasses.replace` want to see it."""
    described: Any = default if isinstance(default, dataclasses.Field) else field(default=default)
    if type(described.default).__hash__ is None:
        raise ValueError(f"the default of {name} can be changed: use default_factory")
    described.name, described.type, described.kw_only = name, text, False
    described._field_type = _PLAIN_FIELD  # noqa: SLF001 - as above
    return described  # type: ignore[no-any-return]


def _with_slots(plain: type, fields: dict[str, dataclasses.Field[Any]]) -> Any:  # noqa: ANN401 - a class
    """The class again with a slot for each field of its own, as the standard library makes it."""
    own = vars(plain).get("__annotations__", {})
    before = {name for base in plain.__mro__[1:] for name in vars(base).get("__dataclass_fields__", ())}
    body = {name: value for name, value in vars(plain).items() if name not in own and name not in _OF_INSTANCES}
    body |= {"__slots__": tuple(name for name in own if name not in before), "__dataclass_fields__": fields}
    body["__dataclass_params__"] = _PARAMS
    body["__match_args__"] = tuple(f.name for f in fields.values() if f.init)
    body |= _methods(plain, fields)  # here and not afterwards: each that is set later makes Python look for its slot
    cls: Any = type(plain)(plain.__name__, plain.__bases__, body)
    cls.__qualname__ = plain.__qualname__
    return cls


@dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)
class _Sample:
    """By what the standard library knows a class of its own, and a field that is neither of a class nor of `__init__`.

    Not frozen for it: it asks that of a base, and would write methods of its own.
    """

    field: object


_PARAMS: Final[Any] = vars(_Sample)["__dataclass_params__"]
_PLAIN_FIELD: Final[Any] = vars(_Sample)["__dataclass_fields__"]["field"]._field_type  # noqa: SLF001 - by no other name
_OF_INSTANCES: Final = frozenset({"__dict__", "__weakref__"})


def _init_when_used(cls: Any, fields: tuple[dataclasses.Field[Any], ...]) -> Callable[..., None]:  # noqa: ANN401
    """Compiles `__init__` when there is a first value to be made: of most classes a command makes none."""

    def __init__(self: Any, *values: Any, **named: Any) -> None:  # noqa: ANN401, N807 - a method of any class
        method = _init(cls, fields)
        cls.__init__ = method
        method(self, *values, **named)

    return __init__


def _init(cls: Any, fields: Iterable[dataclasses.Field[Any]]) -> Callable[..., None]:  # noqa: ANN401 - a class
    """The one method that is compiled: calls with names and defaults cost most where a function interprets them."""
    names: dict[str, Any] = {"__name__": cls.__module__, "_set": object.__setattr__, "_absent": MISSING}
    parameters, body = ["self"], []
    for f in fields:
        value, default = f.name, ""
        if f.default_factory is not MISSING:
            names[f"_make_{f.name}"], default = f.default_factory, "=_absent"
            value = f"_make_{f.name}() if {f.name} is _absent else {f.name}" if f.init else f"_make_{f.name}()"
        elif f.default is not MISSING:
            names[f"_default_{f.name}"], default = f.default, f"=_default_{f.name}"
            value = f.name if f.init else f"_default_{f.name}"
        if f.init:
            parameters.append(f.name + default)
        if f.init or default:
            body.append(f"_set(self, {f.name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    exec(f"def __init__({', '.join(parameters)}):\n  " + "\n  ".join(body or ["pass"]), names)  # noqa: S102 - as above
    function: Any = names["__init__"]
    function.__qualname__ = f"{cls.__qualname__}.__init__"
    return function  # type: ignore[no-any-return]


def _repr(names: tuple[str, ...]) -> Callable[[Any], str]:
    def __repr__(self: Any) -> str:  # noqa: ANN401, N807 - a method of any class
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    return __repr__


def _comparison(names: tuple[str, ...]) -> dict[str, Callable[..., Any]]:
    values = _values(names)

    def __eq__(self: Any, other: object) -> Any:  # noqa: ANN401, N807
        return values(self) == values(other) if type(self) is type(other) else NotImplemented

    def __hash__(self: Any) -> int:  # noqa: ANN401, N807
        return hash((type(self), values(self)))

    return {"__eq__": __eq__, "__hash__": __hash__}


def _values(names: tuple[str, ...]) -> Callable[[Any], Any]:
    return attrgetter(*names) if names else lambda _: ()


def _pickling(names: tuple[str, ...]) -> dict[str, Callable[..., Any]]:
    def __getstate__(self: Any) -> list[Any]:  # noqa: ANN401, N807
        return [getattr(self, name) for name in names]

    def __setstate__(self: Any, state: list[Any]) -> None:  # noqa: ANN401, N807
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)

    return {"__getstate__": __getstate__, "__setstate__": __setstate__}


def _refuse(self: object, name: str, value: object = None) -> None:  # noqa: ARG001 - of __setattr__
    raise FrozenInstanceError(f"cannot change {name!r} of {type(self).__qualname__}, which is frozen")
