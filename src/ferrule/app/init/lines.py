"""A line of targets.yaml, as it will be written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from ferrule.core.model import Json


@dataclass(frozen=True, slots=True)
class Line:
    """A key of targets.yaml with its value, and the reason for it where something was chosen."""

    key: str
    value: Json
    comment: str | None = None
