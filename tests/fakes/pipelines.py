"""The files that `ferrule ci` writes for a project, of shards that nobody had to plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.app.ci import SYSTEMS
from ferrule.app.ci.base import ci_project
from ferrule.app.publish import DESTINATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ferrule.app.publish.base import Destination
    from ferrule.config import Config


def rendered(
    config: Config,
    shards: int | Sequence[str | None] | Mapping[str, int] = 4,
    system: str = "github",
    destinations: Mapping[str, Destination] = DESTINATIONS,
    origin: str | None = None,
) -> dict[str, str]:
    """Texts by names of files; shards are their number, or a machine for each, or the number for each release."""
    counts = shards if not isinstance(shards, int) and hasattr(shards, "items") else {"": shards}
    machines = {name: [None] * one if isinstance(one, int) else one for name, one in counts.items()}
    return SYSTEMS[system].render(ci_project(config, machines, destinations, origin))
