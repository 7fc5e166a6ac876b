"""`dataclass` for modules that commands execute at their start: the standard one, a quarter as expensive to declare.

Home-made, because Python before 3.13 compiles six methods from text for every frozen class, half a millisecond each:
of 150 classes that was a third of the processor time of `ferrule check`. Here only `__init__` is compiled; the others
are shared functions that do the same. Fields, slots and everything else remain those of the standard library, so that
`replace`, `fields` and pickle work, and a module goes back to it by its import line.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, FrozenInstanceError, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_Class = TypeVar("_Class")


@dataclass_transform(field_specifiers=(field,))
def dataclass(
    *, frozen: bool = False, slots: bool = False, order: bool = False, **options: bool
) -> Callable[[type[_Class]], type[_Class]]:
    """As `dataclasses.dataclass`; what is frozen, has slots and no further options is declared quickly."""
    if frozen and slots and not order and not options:
        return _frozen
    return dataclasses.dataclass(frozen=frozen, slots=slots, order=order, **options)


def _frozen(plain: type[_Class]) -> type[_Class]:
    # Not frozen for the standard library, which would write __setattr__ and __delattr__ for this class alone.
    cls: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(plain)
    fields = dataclasses.fields(cls)
    methods = {
        "__init__": _init(cls, fields),
        "__repr__": _repr(tuple(f.name for f in fields if f.repr)),
        **_comparison(tuple(f.name for f in fields if f.compare)),
        **_pickling(tuple(f.name for f in fields)),
        "__setattr__": _refuse,
        "__delattr__": _refuse,
    }
    for name, method in methods.items():
        if name not in vars(plain):
            setattr(cls, name, method)
    return cls  # type: ignore[no-any-return]


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
    values = attrgetter(*names) if names else lambda _: ()

    def __eq__(self: Any, other: object) -> Any:  # noqa: ANN401, N807
        return values(self) == values(other) if type(self) is type(other) else NotImplemented

    def __hash__(self: Any) -> int:  # noqa: ANN401, N807
        return hash((type(self), values(self)))

    return {"__eq__": __eq__, "__hash__": __hash__}


def _pickling(names: tuple[str, ...]) -> dict[str, Callable[..., Any]]:
    def __getstate__(self: Any) -> list[Any]:  # noqa: ANN401, N807
        return [getattr(self, name) for name in names]

    def __setstate__(self: Any, state: list[Any]) -> None:  # noqa: ANN401, N807
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)

    return {"__getstate__": __getstate__, "__setstate__": __setstate__}


def _refuse(self: object, name: str, value: object = None) -> None:  # noqa: ARG001 - of __setattr__
    raise FrozenInstanceError(f"cannot change {name!r} of {type(self).__qualname__}, which is frozen")
