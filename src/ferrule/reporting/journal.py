"""The journal of a run: what each action did, when and why, kept for the page that shows it later.

    .ferrule/journal-000017.json   a run that made something, or failed to; the highest number is the last one

A run with nothing to do leaves no journal. What is kept is only looked at: a journal that is lost, damaged or could not
be written never changes what is made.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, get_args

from ferrule.core.errors import StorageError
from ferrule.core.model import Digest, State, to_json
from ferrule.core.safe_files import read_regular
from ferrule.engine.events import ActionFinished, ActionStarted, Noticed, RunFinished, RunStarted
from ferrule.engine.store import write_aside
from ferrule.reporting import values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ferrule.core.model import FileRecord, Json, Outcome
    from ferrule.engine.events import Event, Listener

KEPT: Final = 20
"""How many runs are kept; the newest whole release of each name and version stays besides."""

_VERSION: Final = 1
_MOST: Final = 1e15
_UNREADABLE: Final = (OSError, ValueError, KeyError, TypeError, RecursionError)
_NAME: Final = re.compile(r"journal-([0-9]{6,12})\.json")


@dataclass(frozen=True, slots=True)
class JournalFile:
    """A file that an action made: its role, its place in dist/ or None, its size in bytes and its digest."""

    name: str
    role: str
    ships: str | None
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class JournalStep:
    """What became of an action: `start` and `end` are seconds since the run began, `seconds` what the recipe took.

    An action that was not run has both when that was decided. `expected` are its seconds in an earlier
    run, `needs` the actions before it whose outputs it read.
    """

    id: str
    artifact: str
    kind: str
    target: str | None
    needs: tuple[str, ...]
    state: State
    reason: str
    key: str | None
    start: float
    end: float
    seconds: float
    expected: float | None
    files: tuple[JournalFile, ...] = ()

    @property
    def ran(self) -> bool:
        """Whether its recipe was started."""
        return self.end > self.start or self.seconds > 0

    @property
    def cached(self) -> bool:
        """Whether its result was made before, here or elsewhere."""
        return self.state in {"cached", "shared", "remote"}


@dataclass(frozen=True, slots=True)
class JournalRun:
    """A run of a plan. `started` is in seconds since 1970; `steps` are in the order of the plan."""

    number: int
    command: str
    project: str
    release: str
    started: int
    jobs: int
    seconds: float
    notes: tuple[str, ...]
    steps: tuple[JournalStep, ...]

    @property
    def failed(self) -> bool:
        """Whether anything kept it from being a success."""
        return any(step.state in {"failed", "skipped"} for step in self.steps)

    @property
    def whole(self) -> bool:
        """Whether it made a release."""
        return self.command == "release" and not self.failed


@dataclass(slots=True)
class Journal:
    """Listens to a run, passes every event on, and writes the journal when the run ends.

    `command` is what was asked for (`release`, `build`), `project` and `release` name it, `started` is now in seconds
    since 1970, and `monotonic` a clock in seconds for all else. `hide` takes secrets out of what is kept.
    """

    folder: Path
    command: str
    project: str
    release: str
    started: int
    monotonic: Callable[[], float]
    listen: Listener
    hide: Callable[[str], str] = str
    _zero: float = field(default=0.0, init=False)
    _jobs: int = field(default=0, init=False)
    _notes: list[str] = field(default_factory=list, init=False)
    _begun: dict[str, tuple[float, float | None]] = field(default_factory=dict, init=False)
    _ended: dict[str, float] = field(default_factory=dict, init=False)

    def __call__(self, event: Event, /) -> None:
        """Note an event down and pass it on."""
        match event:
            case RunStarted(_, jobs):
                self._zero, self._jobs = self.monotonic(), jobs
            case ActionStarted(action, _, expected):
                self._begun[action.id] = (self._now(), expected)
            case ActionFinished(outcome):
                self._ended[outcome.action.id] = self._now()
            case Noticed(text):
                self._notes.append(self.hide(text))
            case _:
                pass
        self.listen(event)
        if isinstance(event, RunFinished):
            self._close(event)

    def _now(self) -> float:
        return self.monotonic() - self._zero

    def _close(self, event: RunFinished) -> None:
        if all(outcome.state == "cached" for outcome in event.outcomes):
            return
        run = JournalRun(
            number=max((number for number, _ in _journals(self.folder)), default=0) + 1,
            command=self.command,
            project=self.project,
            release=self.release,
            started=self.started,
            jobs=self._jobs,
            seconds=round(event.seconds, 3),
            notes=tuple(self._notes),
            steps=tuple(self._step(outcome) for outcome in event.outcomes),
        )
        try:
            write(self.folder, run)
        except StorageError as error:
            self.listen(Noticed(f"no journal of this run was kept: {error.message}"))

    def _step(self, outcome: Outcome) -> JournalStep:
        action = outcome.action
        end = self._ended.get(action.id, 0.0)
        start, expected = self._begun.get(action.id, (end, None))
        return JournalStep(
            id=action.id,
            artifact=action.artifact,
            kind=action.kind,
            target=action.target,
            needs=action.needs,
            state=outcome.state,
            reason=self.hide(outcome.reason),
            key=outcome.key.hex if outcome.key else None,
            start=round(start, 3),
            end=round(end, 3),
            seconds=round(outcome.seconds, 3),
            expected=None if expected is None else round(expected, 3),
            files=tuple(_journal_file(outcome, record) for record in outcome.files),
        )


def _journal_file(outcome: Outcome, record: FileRecord) -> JournalFile:
    for output in outcome.action.outputs:
        rest = record.name.removeprefix(output.name)
        if record.name == output.name or (output.folder and rest.startswith("/")):
            ships = output.ships + rest if output.ships else None
            return JournalFile(record.name, output.role, ships, record.size, record.digest.hex)
    raise AssertionError(f"{record.name} is of no output of {outcome.action.id}")


def write(folder: Path, run: JournalRun) -> None:
    """Keep a run under its number, and drop what is older than what is kept. Raises StorageError."""
    body: Json = to_json(run)
    content = json.dumps({"version": _VERSION, "run": body}, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    write_aside(folder / f"journal-{run.number:06}.json", content.encode("utf-8", "backslashreplace"))
    _prune(folder)


def _prune(folder: Path) -> None:
    older = _journals(folder)[:-KEPT]
    if not older:
        return
    versions = {_version(path) for _, path in _journals(folder)[-KEPT:]}
    for _, path in reversed(older):
        version = _version(path)
        if version not in {*versions, None}:
            versions.add(version)
            continue
        with suppress(OSError):
            path.unlink()


def _version(path: Path) -> tuple[str, str] | None:
    """The name and version that a kept run released; None if it released none, or cannot be read."""
    try:
        run = decode(read_regular(path), 0)
    except _UNREADABLE:
        return None
    return (run.project, run.release) if run.whole else None


def _journals(folder: Path) -> list[tuple[int, Path]]:
    """Journals by number, the oldest first."""
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError:
        return []
    journals = [(int(match[1]), folder / name) for name in names if (match := _NAME.fullmatch(name))]
    return sorted(journals)


def read(folder: Path) -> tuple[tuple[JournalRun, ...], tuple[str, ...]]:
    """All runs that are kept, the oldest first, and a sentence for each journal that cannot be read."""
    runs: list[JournalRun] = []
    problems: list[str] = []
    for number, path in _journals(folder):
        try:
            runs.append(decode(read_regular(path), number))
        except _UNREADABLE as error:
            problems.append(f"{path.name} cannot be read and was left out: {error!r}")
    return tuple(runs), tuple(problems)


def decode(content: bytes, number: int) -> JournalRun:
    """Read a journal back; raises ValueError, KeyError, TypeError or RecursionError for anything that is none."""
    document = json.loads(content, parse_constant=_refuse)
    if document["version"] != _VERSION:
        raise ValueError("it is of another version")
    body = document["run"]
    steps: dict[str, JournalStep] = {}
    for row in body["steps"]:
        step = _decode_step(row, steps)
        steps[step.id] = step
    return JournalRun(
        number=number,
        command=values.text(body["command"]),
        project=values.text(body["project"]),
        release=values.text(body["release"]),
        started=int(_number(body["started"])),
        jobs=int(_number(body["jobs"])),
        seconds=_number(body["seconds"]),
        notes=tuple(values.text(note) for note in body["notes"]),
        steps=tuple(steps.values()),
    )


def _decode_step(row: Mapping[str, Any], before: Mapping[str, JournalStep]) -> JournalStep:
    state = row["state"]
    if state not in get_args(State):
        raise ValueError("a step is in no known state")
    start = _number(row["start"])
    return JournalStep(
        id=values.text(row["id"]),
        artifact=values.text(row["artifact"]),
        kind=values.text(row["kind"]),
        target=values.text_or_none(row["target"]),
        needs=tuple(need for need in row["needs"] if need in before),
        state=state,
        reason=values.text(row["reason"]),
        key=None if row["key"] is None else Digest(row["key"]).hex,
        start=start,
        end=max(start, _number(row["end"])),
        seconds=_number(row["seconds"]),
        expected=None if row["expected"] is None else _number(row["expected"]),
        files=tuple(
            JournalFile(
                values.text(file["name"]),
                values.text(file["role"]),
                values.text_or_none(file["ships"]),
                int(_number(file["size"])),
                Digest(file["sha256"]).hex,
            )
            for file in row["files"]
        ),
    )


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _number(value: object) -> float:
    """A number that is neither negative nor endless, as JSON's 1e999 would be."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("a number is missing")
    if not 0 <= value < _MOST:
        raise ValueError("a number is out of range")
    return value
