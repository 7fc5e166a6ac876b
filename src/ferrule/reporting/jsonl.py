"""One event a line as JSON, for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Self, get_args

from ferrule.core.errors import FerruleError
from ferrule.core.model import State
from ferrule.engine.events import (
    ActionFinished,
    ActionProgress,
    ActionStarted,
    Noticed,
    RunFinished,
    RunStarted,
    WorkForeseen,
)

if TYPE_CHECKING:
    from typing import TextIO

    from ferrule.core.model import Json, Outcome
    from ferrule.engine.events import Event


class JsonLines:
    """Writes each event as soon as it is heard."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, event: Event, /) -> None:
        """Write one event."""
        self._stream.write(json.dumps(as_json(event), sort_keys=True) + "\n")
        self._stream.flush()

    def __enter__(self) -> Self:
        """Nothing to prepare."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put back."""


def as_json(event: Event) -> Json:
    """An event as JSON: always an `event` name, and the ids of what it is about."""
    document: dict[str, Json]
    match event:
        case RunStarted(actions, jobs):
            document = {"event": "run-started", "actions": actions, "jobs": jobs}
        case WorkForeseen(forecast):
            document = {
                "event": "work-foreseen",
                "actions": forecast.actions,
                "timed": forecast.timed,
                "seconds": None if forecast.seconds is None else round(forecast.seconds, 3),
                "std_from_source": list(forecast.std_from_source),
            }
        case ActionStarted(action, reason, expected):
            document = {"event": "action-started", "action": action.id, "reason": reason, "expected_seconds": expected}
        case ActionProgress(action, text):
            document = {"event": "action-progress", "action": action.id, "text": text}
        case ActionFinished(outcome):
            document = {"event": "action-finished", **_outcome(outcome)}
        case Noticed(text):
            document = {"event": "notice", "text": text}
        case RunFinished(outcomes, seconds):
            states = [o.state for o in outcomes]
            counts = {state: states.count(state) for state in get_args(State)}
            document = {"event": "run-finished", "seconds": round(seconds, 3), **counts}
    return document


def _outcome(outcome: Outcome) -> dict[str, Json]:
    error = outcome.error
    return {
        "action": outcome.action.id,
        "artifact": outcome.action.artifact,
        "target": outcome.action.target,
        "state": outcome.state,
        "seconds": round(outcome.seconds, 3),
        "reason": outcome.reason,
        "key": outcome.key.hex if outcome.key else None,
        "error": str(error) if isinstance(error, FerruleError) else None,
        "hint": error.hint if isinstance(error, FerruleError) else None,
        "files": [{"name": r.name, "sha256": r.digest.hex, "size": r.size} for r in outcome.files],
    }
