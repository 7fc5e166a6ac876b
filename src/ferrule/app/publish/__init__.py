"""Every destination of a tagged release. A new one is one file in this folder and one line in this list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.app.publish import folder, github, pypi

if TYPE_CHECKING:
    from ferrule.app.publish.base import Destination

DESTINATIONS: dict[str, Destination] = {
    destination.name: destination
    for destination in (
        github.DESTINATION,
        pypi.DESTINATION,
        folder.DESTINATION,
    )
}
