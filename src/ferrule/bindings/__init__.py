"""Bindings of a C library, made from its header: what every package of every language would write again.

`declarations` reads the header, `conventions` recognizes in it what `model` describes, and a module for each language
writes it down. They are pure: text and text.

Home-made, because generators that exist stop at declarations: ctypesgen writes signatures, c-for-go needs cgo, and
none knows who owns a handle, when a callback's failure is raised, or what a length belongs to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from ferrule.bindings import conventions, declarations, go, node, node_types, python
from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ferrule.bindings import model


class TextWriter(Protocol):
    """The module that writes a file."""

    def module(self, library: model.Library, package: str, /) -> str:
        """The text of the file, for the package that is named."""


class BindingsWriter(TextWriter, Protocol):
    """The module that writes a language."""

    def fitting(self, library: model.Library, /) -> model.Library:
        """The part of a library that the language can call."""


@dataclass(frozen=True, slots=True)
class Language:
    """How bindings are written for a package, and what their file is called.

    That is the module `_bindings` of a package in Python, the package `internal/ferrule/bindings` in Go, and the module
    `native/bindings.js` in JavaScript. `types` writes the file of types, where a language has them apart.
    """

    writer: BindingsWriter
    file: str
    types: TextWriter | None = None
    types_file: str = ""


# The modules themselves, none of their functions: a plan needs the names, and not what reads C, 40 ms.
LANGUAGES: Final[Mapping[str, Language]] = {
    "go": Language(go, "bindings.go"),
    "node": Language(node, "bindings.js", node_types, "bindings.d.ts"),
    "python": Language(python, "_bindings.py"),
}


@dataclass(frozen=True, slots=True)
class Bindings:
    """The text of generated bindings; `left` are what they leave to the author, each with the reason.

    `types` is the text of their types, empty where they are no file of their own.
    """

    text: str
    left: tuple[tuple[str, str], ...]
    types: str = ""


def generate(preprocessed: str, header: str, *, source: str, language: str, package: str) -> Bindings:
    """Bindings of what a preprocessed header declares; `source` is its text, of which the comments are.

    Raises VerificationError for a header that cannot be read.
    """
    writer, types = LANGUAGES[language].writer, LANGUAGES[language].types
    declared = declarations.read(preprocessed, header, source=source, where=header)
    library = writer.fitting(conventions.recognize(declared, header))
    return Bindings(writer.module(library, package), library.left, types.module(library, package) if types else "")
