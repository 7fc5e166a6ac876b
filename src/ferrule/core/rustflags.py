"""Flags for rustc that a project may not state, since Ferrule states them itself or what they do is not the same twice.

rustc takes the last of two `-C` options of one name, in silence ("Codegen Options" in the rustc book): a linker of the
project's own would make files that were never linked for the declared floor.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_STATED: Final = re.compile(
    r"--(target|crate-type|crate-name|emit|out-dir|sysroot|print|test|error-format|json|edition|help|version)(=.*)?"
)
_STATED_CODEGEN: Final = frozenset({"linker", "linker-flavor", "incremental", "metadata", "extra-filename"})
_WITH_VALUE: Final = frozenset(
    {"-C", "--codegen", "--cfg", "--check-cfg", "-L", "-l", "--extern", "-A", "-W", "-D", "-F", "--cap-lints"}
)
_CPU: Final = frozenset({"target-cpu=native", "tune-cpu=native"})


def refused_flag(flags: Sequence[str]) -> tuple[int, str] | None:
    """The first flag that may not be stated: its index and the reason; None where all may be.

    >>> refused_flag(["--cfg", "fast", "-C", "target-cpu=native"])
    (3, 'it makes code for the machine that builds, whichever that is')
    >>> refused_flag(["-Copt-level=3", "--cfg", "--target"]) is None
    True
    """
    return next(_refused(flags), None)


def _refused(flags: Sequence[str]) -> Iterator[tuple[int, str]]:
    before = ""
    for index, flag in enumerate(flags):
        if before in ("-C", "--codegen"):
            reason = _of_codegen(flag)
        else:
            reason = None if before in _WITH_VALUE else _of_option(flag)
        if reason:
            yield index, reason
        before = flag if not before and flag in _WITH_VALUE else ""


def _of_option(flag: str) -> str | None:
    if flag.startswith("@"):
        return "it reads more flags from a file, which nothing would notice a change of"
    if flag.startswith("-Z"):
        return "only a nightly Rust knows it"
    if _STATED.fullmatch(flag) or flag.startswith(("-o", "-h", "-V")):
        return "Ferrule or Cargo states it"
    if flag.startswith("--codegen="):
        return _of_codegen(flag.removeprefix("--codegen="))
    return _of_codegen(flag[2:]) if flag.startswith("-C") else None


def _of_codegen(option: str) -> str | None:
    name, equals, value = option.partition("=")
    name = name.replace("_", "-")  # as rustc reads it
    if name in _STATED_CODEGEN:
        return "Ferrule or Cargo states it"
    return "it makes code for the machine that builds, whichever that is" if f"{name}{equals}{value}" in _CPU else None
