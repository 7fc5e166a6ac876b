"""Every destination of a release. A new one is one file in this folder and one line in this list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.app.publish import crates, folder, gitea, github, gitlab, go, http, npm, oci, pypi, s3, tap

if TYPE_CHECKING:
    from ferrule.app.publish.base import Destination

DESTINATIONS: dict[str, Destination] = {
    destination.name: destination
    for destination in (
        github.DESTINATION,
        pypi.DESTINATION,
        npm.DESTINATION,
        crates.DESTINATION,
        oci.DESTINATION,
        go.DESTINATION,
        gitlab.DESTINATION,
        gitea.DESTINATION,
        tap.HOMEBREW,
        tap.SCOOP,
        folder.DESTINATION,
        http.DESTINATION,
        s3.DESTINATION,
    )
}
