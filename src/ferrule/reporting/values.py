"""JSON values of files that may be damaged, checked as they are read."""

from __future__ import annotations


def text(value: object) -> str:
    """A string; raises TypeError for anything else."""
    if not isinstance(value, str):
        raise TypeError("expected a string")
    return value


def text_or_none(value: object) -> str | None:
    """A string or None; raises TypeError for anything else."""
    return None if value is None else text(value)
