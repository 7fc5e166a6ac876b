"""What bars share that are drawn as wide as the window is: places in percent, and labels that fit."""

from __future__ import annotations

from typing import Final

from ferrule.reporting.page.markup import Html, tag

HEIGHT: Final = 26
BASELINE: Final = 17
"""Pixels from a bar's top to the line on which its label stands."""

# Widths in pixels for which labels are chosen; the style sheet shows those for wide or for narrow windows.
_WINDOWS: Final = ((830, "wide"), (290, "narrow"))
_CHARACTER: Final = 6.9
_MARGIN: Final = 12


def percent(value: float) -> str:
    """A part of the whole width.

    >>> percent(12.5)
    '12.5%'
    """
    return f"{value:.3f}".rstrip("0").rstrip(".") + "%"


def labels(texts: list[str], share: float) -> dict[str, str]:
    """The first of the texts that fits into `share` percent of the width, by the class for that window."""
    fitting = {at: _fitting(texts, width * share / 100) for width, at in _WINDOWS}
    return {at: text for at, text in fitting.items() if text is not None}


def _fitting(texts: list[str], room: float) -> str | None:
    return next((text for text in texts if len(text) * _CHARACTER + _MARGIN <= room), None)


def within(texts: dict[str, str], left: float, y: float, share: float) -> Html | None:
    """Labels inside of a bar, cut off at its ends whatever the font."""
    if not texts:
        return None
    inner = (tag("text", text, x=6, y=BASELINE, class_=at) for at, text in texts.items())
    return tag("svg", inner, x=percent(left), y=y, width=percent(share), height=HEIGHT)
