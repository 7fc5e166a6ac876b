"""What users build against, as documents that can be kept and compared: one module for each language.

A module reads an interface into plain JSON (`read`) and compares two of them (`compare`). The document is what a
project commits, so that it is small, sorted and free of what changes with every release.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Surface: TypeAlias = "dict[str, Any]"
"""An interface as JSON; its keys are told where it is read."""


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One difference of an interface: what it is about, what became of it, and whether users have to act.

    `of` says which interface it is, where several are compared.
    """

    item: str
    what: str
    breaking: bool
    of: str = ""


GONE: Final = "is gone"
"""What is said of a name that is in the older interface alone."""

LEFT_OUT: Final = "is no longer part of the release"
"""What is said of a whole interface that is in the older release alone."""

REMOVALS: Final = frozenset({GONE, LEFT_OUT})
"""What is said of something that was taken away."""


def broken(item: str, what: str) -> Change:
    """A change that something built against the older interface cannot live with."""
    return Change(item, what, breaking=True)


def added(item: str, what: str = "is new") -> Change:
    """A change that nobody notices who does not look for it."""
    return Change(item, what, breaking=False)


def compare_named(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    item: Callable[[str], str],
    each: Callable[[str, Any, Any], Iterator[Change]],
) -> Iterator[Change]:
    """Names that are gone are breaking, new ones are not; what is in both is compared by `each`."""
    for name in sorted({*old, *new}):
        if name not in new:
            yield broken(item(name), GONE)
        elif name not in old:
            yield added(item(name))
        elif old[name] != new[name]:
            yield from each(name, old[name], new[name])


def keeps_order(old: list[str], new: list[str]) -> bool:
    """Whether what is in both stands in the same order."""
    both = {*old} & {*new}
    return [name for name in old if name in both] == [name for name in new if name in both]
