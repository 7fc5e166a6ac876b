"""Bindings of a C library, made from its header: what every package of every language would write again.

`declarations` reads the header, `conventions` recognizes in it what `model` describes, and a module for each language
writes it down. They are pure: text and text.

Home-made, because generators that exist stop at declarations: ctypesgen writes signatures, c-for-go needs cgo, and
none knows who owns a handle, when a callback's failure is raised, or what a length belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ferrule.bindings import conventions, declarations, go, python

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ferrule.bindings import model


@dataclass(frozen=True, slots=True)
class Language:
    """How bindings are written for a package, which is named; `fitting` leaves out what the language cannot call."""

    module: Callable[[model.Library, str], str]
    fitting: Callable[[model.Library], model.Library] = lambda library: library


LANGUAGES: Final[Mapping[str, Language]] = {
    "go": Language(go.module, go.fitting),
    "python": Language(python.module),
}


@dataclass(frozen=True, slots=True)
class Bindings:
    """The text of generated bindings; `left` are what they leave to the author, each with the reason."""

    text: str
    left: tuple[tuple[str, str], ...]


def generate(preprocessed: str, header: str, *, source: str, language: str, package: str) -> Bindings:
    """Bindings of what a preprocessed header declares; `source` is its text, of which the comments are.

    Raises VerificationError for a header that cannot be read.
    """
    writes = LANGUAGES[language]
    declared = declarations.read(preprocessed, header, source=source, where=header)
    library = writes.fitting(conventions.recognize(declared, header))
    return Bindings(writes.module(library, package), library.left)
