"""The texts of licences that code in Rust is mostly under, for a package that names its licence and brings no text.

The texts are those of the SPDX License List without the lines that name a year and a holder. Home-made, because the
libraries of Python that know the list have its names alone.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from license_expression import AND, OR, ExpressionError, LicenseWithExceptionSymbol, Licensing  # type: ignore[import-untyped]  # ships no types

from ferrule.formats.cyclonedx import spdx

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER: Final = Path(__file__).parent / "licences"


def standard_texts(expression: str | None) -> Mapping[str, str] | None:
    """Texts by SPDX identifier that satisfy an expression (SPDX 2.3, annex D); None if they are not known.

    Of a choice all that are known are given, of what has to hold together all, or none.

    >>> sorted(standard_texts("Apache-2.0/MIT"))
    ['Apache-2.0', 'MIT']
    >>> standard_texts("MIT AND LicenseRef-ours")
    """
    try:
        tree = Licensing().parse(spdx(expression or ""))
    except ExpressionError:
        return None
    return _texts(tree) if tree is not None else None


def _texts(node: Any) -> Mapping[str, str] | None:  # noqa: ANN401 - the library has no types
    if isinstance(node, OR):
        parts = [texts for texts in map(_texts, node.args) if texts is not None]
        return {name: text for texts in parts for name, text in texts.items()} if parts else None
    if isinstance(node, LicenseWithExceptionSymbol):
        return _together(_text(node.license_symbol.key), _text(node.exception_symbol.key))
    if isinstance(node, AND):
        return _together(*map(_texts, node.args))
    return _text(node.key)


def _together(*parts: Mapping[str, str] | None) -> Mapping[str, str] | None:
    complete = [texts for texts in parts if texts is not None]
    return {name: text for texts in complete for name, text in texts.items()} if len(complete) == len(parts) else None


@cache
def _text(name: str) -> Mapping[str, str] | None:
    known = {path.stem: path for path in _FOLDER.iterdir()}
    return {name: known[name].read_text(encoding="utf-8")} if name in known else None
