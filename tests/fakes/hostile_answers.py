"""Every value of every answer of a destination, replaced by something else: only failures in words may come of it."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

from fakes.destinations import (
    BY_CLIENTS,
    SERVERS,
    IndexServer,
    NpmServer,
    garblings,
    is_json,
    npm_document,
    npm_package,
    publisher_of,
    python_wheel,
    serving,
)
from ferrule.app.publish import run
from ferrule.core.errors import PublishError

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.destinations import StandIn
    from ferrule.app.publish.items import Release


def pace() -> run.Pace:
    return run.Pace(lambda _: None, lambda _: None)


def asked(name: str, server: StandIn, release: Release, folder: Path) -> None:
    """A run, and all of it fetched back; where a client of its own uploads, what is there is looked at and fetched."""
    publisher = publisher_of(name, server, release, folder)
    back = folder / f"back{len(list(folder.iterdir()))}"
    back.mkdir()
    with contextlib.suppress(PublishError):
        if name in BY_CLIENTS:
            run.look_everywhere({name: publisher}, pace())
        else:
            run.publish({name: publisher}, pace())
    list(run.fetch_back({name: publisher}, back, pace()))


def fill(server: StandIn) -> None:
    """Bring to a server what a client would have uploaded."""
    if isinstance(server, NpmServer):
        server.publish("@example/demo", npm_document(npm_package()))
    if isinstance(server, IndexServer):
        server.files["demo-1.2.3-py3-none-any.whl"] = python_wheel()


def answer_otherwise(name: str, release: Release, folder: Path, most: int) -> int:
    """Run with other answers, evenly chosen of all ways to give them; returns how many runs there were."""
    with serving(SERVERS[name]()) as server:
        fill(server)
        asked(name, server, release, folder)
        bodies = [json.loads(body) if is_json(body) else None for body in server.answers]
    ways = [(number, way) for number, body in enumerate(bodies) if body is not None for way in garblings(body)]
    chosen = ways[:: max(1, len(ways) // most)]
    for number, way in chosen:
        with serving(SERVERS[name](faults=dict.fromkeys(range(number, 999), "garbled"), garbling=way)) as server:
            fill(server)
            asked(name, server, release, folder)
            assert not server.leaked + server.strayed
    return len(chosen)
