"""Bindings of a C library, made from its header: what every package of every language would write again.

`declarations` reads the header, `conventions` recognizes in it what `model` describes, and a module for each language
writes it down. They are pure: text and text.

Home-made, because generators that exist stop at declarations: ctypesgen writes signatures, c-for-go needs cgo, and
none knows who owns a handle, when a callback's failure is raised, or what a length belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ferrule.bindings import conventions, declarations, python

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ferrule.bindings import model

LANGUAGES: Final[Mapping[str, Callable[[model.Library, str], str]]] = {"python": python.module}
"""What writes the bindings of a library for a package, which is named, by language."""


@dataclass(frozen=True, slots=True)
class Bindings:
    """The text of generated bindings; `left` are what they leave to the author, each with the reason."""

    text: str
    left: tuple[tuple[str, str], ...]


def generate(preprocessed: str, header: str, *, source: str, language: str, package: str) -> Bindings:
    """Bindings of what a preprocessed header declares; `source` is its text, of which the comments are.

    Raises VerificationError for a header that cannot be read.
    """
    library = conventions.recognize(declarations.read(preprocessed, header, source=source, where=header), header)
    return Bindings(LANGUAGES[language](library, package), library.left)
