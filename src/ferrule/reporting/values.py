"""Values of JSON that may have been damaged, checked as they are read."""

from __future__ import annotations


def text(value: object) -> str:
    """A text; raises TypeError for anything else."""
    if not isinstance(value, str):
        raise TypeError("a text is missing")
    return value


def text_or_none(value: object) -> str | None:
    """A text, or nothing; raises TypeError for anything else."""
    return None if value is None else text(value)
