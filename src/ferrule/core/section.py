"""Sections of targets.yaml as classes: the keys that a mapping may have, the type of each, and what it is for.

Home-made, because a command that reads targets.yaml spent a third of its processor time on importing pydantic and
building its models, and used it for neither messages nor places: those are config's. What remains is a frozen value
whose annotations can be read. `config.checking` judges nodes by them, `config.json_schema` writes them for editors.
"""

from __future__ import annotations

from inspect import get_annotations
from typing import TYPE_CHECKING, Any, Self, dataclass_transform, get_args

from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ferrule.core.model import Json

_REQUIRED: Any = object()
_KEYS: dict[object, Mapping[str, Key]] = {}
"""What `keys_of` has answered; functools.cache takes no class of values for hashable, says mypy."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is declared of a key or, inside `Annotated`, of a text, number, list or mapping.

    Lengths are characters of texts and entries of lists and mappings; `pattern` is a regular expression that begins
    with `^` and ends with `$`, as JSON schemas have it; numbers are at least `ge` and at most `le`.
    """

    default: Any
    default_factory: Callable[[], Any] | None
    alias: str | None
    description: str | None
    examples: tuple[Any, ...]
    pattern: str | None
    min_length: int | None
    max_length: int | None
    ge: float | None
    le: float | None

    @property
    def required(self) -> bool:
        """Whether the key has to be there."""
        return self.default is _REQUIRED and self.default_factory is None

    def absent(self) -> Any:  # noqa: ANN401 - of whatever type the key has
        """The value where the key is absent."""
        return self.default_factory() if self.default_factory is not None else self.default


def Field(  # noqa: N802 - declares a key, as classes of other libraries do under this name
    *,
    default: Any = _REQUIRED,  # noqa: ANN401
    default_factory: Callable[[], Any] | None = None,
    alias: str | None = None,
    description: str | None = None,
    examples: list[Any] | None = None,
    pattern: str | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    ge: float | None = None,
    le: float | None = None,
) -> Any:  # noqa: ANN401 - it stands where the default would
    """What is declared of a key, whose name is that of the attribute, with dashes, unless there is an alias."""
    return Declaration(
        *(default, default_factory, alias, description, tuple(examples or ())),
        *(pattern, min_length, max_length, ge, le),
    )


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a section: the attribute that has its value, its name in the file, its type, and what is declared.

    `metadata` is what is annotated anywhere in the type: `Annotated[str, X] | None`, `tuple[Annotated[str, X], ...]`.
    """

    attribute: str
    name: str
    annotation: Any
    declaration: Declaration
    metadata: tuple[object, ...]


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(Field,))
class Section:
    """A mapping in targets.yaml: unknown keys are refused, nothing is converted, nothing changes later.

    Made with the values by the names of attributes, which `config.checking` has judged.
    """

    def __init__(self, **values: Any) -> None:  # noqa: ANN401 - of the types that are annotated
        keys = keys_of(type(self))
        missing = {name for name, key in keys.items() if key.declaration.required} - values.keys()
        if missing or values.keys() - keys.keys():
            raise TypeError(
                f"{type(self).__name__}: missing {sorted(missing)}, unknown {sorted(values.keys() - keys.keys())}"
            )
        for name, key in keys.items():
            vars(self)[name] = values[name] if name in values else key.declaration.absent()

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), *(value for value in vars(self).values() if not isinstance(value, dict))))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"

    def replaced(self, **values: Any) -> Self:  # noqa: ANN401
        """The same section with other values, by the names of attributes."""
        return type(self)(**{**vars(self), **values})

    def document(self) -> dict[str, Json]:
        """The section as JSON, with all defaults."""
        return {key.name: _json(getattr(self, name)) for name, key in keys_of(type(self)).items()}


def keys_of(model: type[Section]) -> Mapping[str, Key]:
    """The keys of a section by the names of their attributes: those of the section that it extends first."""
    if model is not Section and model not in _KEYS:
        own = {
            name: _key(name, annotation, vars(model).get(name, _REQUIRED))
            for name, annotation in get_annotations(model, eval_str=True).items()
        }
        _KEYS[model] = {**keys_of(model.__mro__[1]), **own}
    return _KEYS.get(model, {})


def _key(attribute: str, annotation: Any, declared: Any) -> Key:  # noqa: ANN401
    declaration = declared if isinstance(declared, Declaration) else Field(default=declared)
    name = declaration.alias or attribute.replace("_", "-")
    return Key(attribute, name, annotation, declaration, tuple(_metadata(annotation)))


def _metadata(annotation: object) -> Iterator[object]:
    yield from getattr(annotation, "__metadata__", ())
    for part in get_args(annotation):
        yield from _metadata(part)


def _json(value: Any) -> Json:  # noqa: ANN401 - a value of a section
    if isinstance(value, Section):
        return value.document()
    if isinstance(value, dict):
        return {name: _json(inner) for name, inner in value.items()}
    return [_json(item) for item in value] if isinstance(value, tuple) else value
