"""Runs a plan: looks each action up in the store, runs the recipes of those not found, longest path first."""

from __future__ import annotations

import json
import queue
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from ferrule.engine.events import ActionFinished, ActionProgress, ActionStarted, Noticed, RunFinished, RunStarted
from ferrule.engine.executor import SAME_INPUTS, Order, OtherInputsError
from ferrule.engine.jobserver import Jobserver
from ferrule.engine.key import Document, difference, inputs, key_document, key_of, read_of
from ferrule.engine.lookup import Lookup
from ferrule.engine.sources import changed_since, source_digests
from ferrule.engine.state import log_file, logs_folder
from ferrule.engine.store import Result, Store, file_name
from ferrule.engine.workshop import Site, Workshop
from ferrule.errors import BuildError, FerruleError, StorageError, VerificationError
from ferrule.model import Action, Digest, FileRecord, Outcome, Plan
from ferrule.places import clear

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ferrule.engine.events import Event, Listener
    from ferrule.engine.executor import Executor
    from ferrule.engine.remote import Remote
    from ferrule.engine.sources import StatIndex
    from ferrule.model import Json

_POLL_SECONDS: Final = 0.02
_ROUNDS: Final = 4
_PATIENCE_SECONDS: Final = 0.5
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Engine:
    """Everything a run needs besides the plan. `monotonic` is a clock in seconds, used for durations only.

    `jobs` threads may compute here; what the `executor` takes is made by other machines besides, and what the `remote`
    cache has is not made at all.
    """

    site: Site
    store: Store
    index: StatIndex
    work: Path
    jobs: int
    listen: Listener
    monotonic: Callable[[], float]
    executor: Executor | None = None
    remote: Remote | None = None

    def execute(self, plan: Plan) -> tuple[Outcome, ...]:
        """Bring every action of the plan to an outcome; a failure skips what needs it and lets the rest end.

        KeyboardInterrupt ends all children and passes on. An exception that is not a FerruleError is a bug and passes
        on once the running actions have ended.
        """
        return _Run(self, plan).execute()

    def make(self, order: Order, tokens: Jobserver, tell: Callable[[Event], None]) -> Result:
        """Make one action of somebody else's plan, or take it from the store; the caller has a token for it.

        Raises the failure of the recipe, and OtherInputsError if its declared key is another here.
        """
        run = _Run(self, Plan("", "", (order.action,)), outcomes=dict(order.needed), tokens=tokens, tell=tell)
        return run.make(order)

    def reasons(self, plan: Plan) -> dict[str, str]:
        """Why each action would run, or that nothing changed; runs nothing."""
        return {action: found.reason for action, found in self.examine(plan).items()}

    def examine(self, plan: Plan) -> dict[str, Examination]:
        """What a run would find about each action; runs nothing."""
        return _Run(self, plan).examine()


@dataclass(frozen=True, slots=True)
class Examination:
    """What is known of an action before a run: why it would run or not, its key, and the key document if it would.

    An action that needs another which must run has no key yet.
    """

    reason: str
    state: Literal["cached", "stale", "waiting", "failed"]
    key: Digest | None = None
    document: Document | None = None


_Waiting = tuple[Action, Digest, Document, str]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the remote cache has for an action: None if nothing that can be used, or a bug of ours."""

    action: str
    found: Outcome | BaseException | None


@dataclass(slots=True)
class _Run:
    engine: Engine
    plan: Plan
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    done: queue.SimpleQueue[Event | _Answer | tuple[Action, Outcome]] = field(default_factory=queue.SimpleQueue)
    running: dict[str, threading.Thread] = field(default_factory=dict)
    asked: dict[str, _Waiting] = field(default_factory=dict)
    tokens: Jobserver | None = None
    checked: set[str] = field(default_factory=set)
    weights: dict[str, float] = field(default_factory=dict)
    noticed: set[str] = field(default_factory=set)
    tell: Callable[[Event], None] | None = None
    elsewhere: set[str] = field(default_factory=set)
    secrets: Mapping[str, str] = field(default_factory=dict)
    lookup: Lookup = field(init=False)

    def __post_init__(self) -> None:
        self.lookup = Lookup(self.engine.site, self.engine.store, self.engine.index, self.outcomes)

    def execute(self) -> tuple[Outcome, ...]:
        engine, started = self.engine, self.engine.monotonic()
        engine.listen(RunStarted(len(self.plan.actions), engine.executor.slots if engine.executor else engine.jobs))
        actions = {action.id: action for action in self.plan.actions}
        order: TopologicalSorter[str] = TopologicalSorter({a.id: a.needs for a in self.plan.actions})
        order.prepare()
        waiting: list[_Waiting] = []
        try:
            while order.is_active():
                for action_id in sorted(order.get_ready()):
                    found = self.lookup.find(actions[action_id])
                    if isinstance(found, Outcome):
                        self._finish(found, order)
                    elif not self._ask((actions[action_id], *found)):
                        waiting.append((actions[action_id], *found))
                if waiting:
                    self._start_waiting(waiting)
                if self.running or self.asked or waiting:
                    waiting += self._hear(order, blocked=bool(waiting))
        except BaseException:
            self._end()
            raise
        finally:
            if self.tokens is not None:
                self.tokens.__exit__(None, None, None)
            engine.index.save()
        outcomes = tuple(self.outcomes[action.id] for action in self.plan.actions)
        engine.listen(RunFinished(outcomes, engine.monotonic() - started))
        return outcomes

    def examine(self) -> dict[str, Examination]:
        """Look every action up, in order; what needs an action that must run is not known yet."""
        told: dict[str, Examination] = {}
        for action in self.plan.actions:
            pending = [need for need in action.needs if need not in self.outcomes]
            if pending:
                told[action.id] = Examination(f"depends on what {pending[0]} will make", "waiting")
                continue
            found = self.lookup.find(action)
            if not isinstance(found, Outcome):
                told[action.id] = Examination(found[2], "stale", found[0], found[1])
            elif found.state == "cached":
                self.outcomes[action.id] = found
                told[action.id] = Examination(found.reason, "cached", found.key)
            else:
                told[action.id] = Examination(found.reason, "failed")
        return told

    def make(self, order: Order) -> Result:
        """Make the action of an order, whose needs are outcomes already."""
        action, started = order.action, self.engine.monotonic()
        declared = self.lookup.document(action, ())
        if key_of(declared) != order.declared:
            raise OtherInputsError(action.id, declared)
        self.secrets = _secrets(self.engine.site)
        found = self.lookup.find(action)
        if not isinstance(found, Outcome):
            return self._made(action, found[0], found[1], started)
        if found.error is not None or found.key is None:
            raise found.error or AssertionError(found.reason)
        return self.engine.store.find(found.key) or self._made(action, found.key, declared, started)

    def _finish(self, outcome: Outcome, order: TopologicalSorter[str]) -> None:
        self.outcomes[outcome.action.id] = outcome
        self.engine.listen(ActionFinished(outcome))
        order.done(outcome.action.id)

    def _end(self) -> None:
        """End all children, and wait a moment for the threads: one that computes dies with the process, and may."""
        from ferrule.tools.run import end_all  # noqa: PLC0415

        if self.engine.executor is not None:
            self.engine.executor.end()
        until = self.engine.monotonic() + _PATIENCE_SECONDS
        while alive := [thread for thread in self.running.values() if thread.is_alive()]:
            if end_all(for_good=True) == 0 and self.engine.monotonic() > until:
                return
            for thread in alive:
                thread.join(_POLL_SECONDS)

    def _weigh(self) -> dict[str, float]:
        """Seconds from the start of each action until all that needs it could be done: what is long comes first."""
        after = dict.fromkeys((action.id for action in self.plan.actions), 0.0)
        weights: dict[str, float] = {}
        by_id = {action.id: action for action in self.plan.actions}
        order = TopologicalSorter({a.id: a.needs for a in self.plan.actions}).static_order()
        for action in (by_id[action_id] for action_id in reversed(tuple(order))):
            own = self.lookup.seconds(action)
            weight = (self._guessed(action) if own is None else own) + after[action.id]
            weights[action.id] = weight
            after.update((need, max(after[need], weight)) for need in action.needs)
        return weights

    def _guessed(self, action: Action) -> float:
        """Seconds to reckon with where no run is known: only their order counts.

        A compiler takes longest where it makes the standard library too.
        """
        toolchain = self.engine.site.toolchain
        if toolchain is None or not action.tools:
            return 1.0
        if not any(name.startswith("std-") for name in action.tools):
            return 10.0
        return 120.0 if toolchain.std.get(action.target or "") == "build-std" else 40.0

    def _ask(self, wanted: _Waiting) -> bool:
        """Have the remote cache asked for an action; false where there is none that could have it."""
        action, remote = wanted[0], self.engine.remote
        if remote is None or not remote.serves(action):
            return False

        def ask() -> None:
            try:
                found: Outcome | BaseException | None = self._fetched(action, remote)
            except BaseException as error:  # noqa: BLE001 - carried to the main thread, which raises it
                found = error
            self.done.put(_Answer(action.id, found))

        self.asked[action.id] = wanted
        remote.ask(ask)
        return True

    def _fetched(self, action: Action, remote: Remote) -> Outcome | None:
        """Bring what the remote cache has for an action into the store, in a thread of the cache's."""
        with suppress(FerruleError):  # what cannot be read or written here is told where the action is made
            for document, result in remote.entries(action, lambda read: self.lookup.document(action, read)):
                if self.lookup.change(result) is None and remote.fetch(result):
                    self.engine.store.save(result, action.id, document, flush=False)
                    told = "it was in the remote cache"
                    return Outcome(action, "remote", result.key, result.files, result.facts, reason=told)
        return None

    def _answered(self, answer: _Answer, order: TopologicalSorter[str]) -> list[_Waiting]:
        wanted = self.asked.pop(answer.action, None)
        if isinstance(answer.found, BaseException):
            raise answer.found
        if wanted is None:
            return []  # nobody waits for it any more
        if answer.found is None:
            return [wanted]
        self._finish(answer.found, order)
        return []

    def _tell_of_remote(self) -> list[_Waiting]:
        """Say what is new of the remote cache; returns what is not to be waited for any longer."""
        remote = self.engine.remote
        if remote is None:
            return []
        lost = list(self.asked.values()) if remote.is_lost() else []
        for wanted in lost:
            self.asked.pop(wanted[0].id)
        for text in remote.news():
            self.engine.listen(Noticed(text))
        return lost

    def _start_waiting(self, waiting: list[_Waiting]) -> None:
        if self.tokens is None:
            from ferrule.tools import run  # noqa: PLC0415

            run.reopen()
            self.tokens = _jobserver(self.engine.jobs, self.engine.work)
            self.weights = self._weigh()
            self.secrets = _secrets(self.engine.site)
        if not self.running:
            self.tokens.refill()
        waiting.sort(key=lambda item: (-self.weights[item[0].id], item[0].id))
        left = []
        for item in waiting:
            if not self._admit(item[0], self.tokens):
                left.append(item)
                continue
            action, key, document, reason = item
            self.engine.listen(ActionStarted(action, reason, self.lookup.seconds(action)))
            thread = threading.Thread(target=self._work, args=(action, key, document, reason), daemon=True)
            self.running[action.id] = thread
            thread.start()
        waiting[:] = left

    def _admit(self, action: Action, tokens: Jobserver) -> bool:
        """Whether there is room for an action now: a machine of the executor's, or a token here."""
        executor = self.engine.executor
        if executor is None or not executor.takes(action):
            return len(self.running) - len(self.elsewhere) < self.engine.jobs and tokens.acquire()
        if len(self.elsewhere) >= executor.slots:
            return False
        self.elsewhere.add(action.id)
        return True

    def _hear(self, order: TopologicalSorter[str], *, blocked: bool) -> list[_Waiting]:
        """Wait for the next thing a running action has to say; briefly, if an action waits for a token.

        Returns actions of which it turned out that they have to be made here.
        """
        lost = self._tell_of_remote()
        if lost:
            return lost
        try:
            heard = self.done.get(timeout=_POLL_SECONDS if blocked or self.asked else None)
        except queue.Empty:
            return []
        if isinstance(heard, _Answer):
            return self._answered(heard, order)
        if not isinstance(heard, tuple):
            self.engine.listen(heard)
            return []
        action, outcome = heard
        self.running.pop(action.id).join()
        if action.id in self.elsewhere:
            self.elsewhere.remove(action.id)
        else:
            assert self.tokens is not None  # noqa: S101 - for the type checker: an action ran under a token
            self.tokens.release()
        if outcome.error is not None and not isinstance(outcome.error, FerruleError):
            raise outcome.error
        self._finish(outcome, order)
        return []

    def _work(self, action: Action, key: Digest, document: Document, reason: str) -> None:
        """Run one recipe; in a thread of its own, and whatever happens there is an outcome."""
        started = self.engine.monotonic()
        outcome = Outcome(action, "built", key, reason=reason)
        try:
            if action.id in self.elsewhere:
                result = self._ordered(action)
            else:
                result = self._made(action, key, document, started)
            if self.engine.remote is not None:
                self.engine.remote.offer(action, result)
            outcome = replace(outcome, key=result.key, files=result.files, facts=result.facts)
        except FerruleError as error:
            outcome = replace(outcome, state="failed", reason=error.message.splitlines()[0], error=error)
        except OSError as error:
            failure = StorageError(
                f"cannot write: {error.strerror or error}",
                where=str(error.filename or self.engine.work),
                hint="free some space or correct the permissions, then run the same command again; nothing is lost",
            )
            outcome = replace(outcome, state="failed", reason=failure.message, error=failure)
        except BaseException as error:  # noqa: BLE001 - carried to the main thread, which raises it with its traceback
            outcome = replace(outcome, state="failed", reason=str(error), error=error)
        self.done.put((action, replace(outcome, seconds=self.engine.monotonic() - started)))

    def _made(self, action: Action, key: Digest, document: Document, started: float) -> Result:
        """Run a recipe and keep its result under the key of all that it read.

        What that is only the tools can say, and afterwards. If it was not known before, the key was another, and what
        was made may hold that one: then the recipe runs again, of which tools with an incremental state make little.
        """
        for _ in range(_ROUNDS):
            result = self._make(action, key, started)
            read = tuple(sorted(name for name in result.discovered if not name.startswith("/")))
            if read == read_of(document):
                self._check_unchanged(action, document)
                if read:
                    result = replace(result, declared=key_of(self.lookup.document(action, ())))
                self.engine.store.save(result, action.id, document)
                return result
            more = [name for name in read if name not in read_of(document)]
            if more:
                self.notice(
                    f"{action.artifact} also reads {more[0]}{f' and {len(more) - 1} more' if len(more) > 1 else ''}, "
                    "so that its key is known only now and it is made once more"
                )
            document = self.lookup.document(action, read)
            key = key_of(document)
            known = self.engine.store.find(key)
            if known and self.lookup.change(known) is None:
                self.engine.store.save(known, action.id, document)
                return known
        raise BuildError(
            "it reads other files each time it is built, so nobody can say what it is made of",
            where=action.id,
            hint="does a build script or macro choose by chance what it reads?",
        )

    def _ordered(self, action: Action) -> Result:
        """Have an action made elsewhere, and keep the result under the key that all of its inputs have here."""
        executor = self.engine.executor
        assert executor is not None  # noqa: S101 - for the type checker: it took the action
        declared = self.lookup.document(action, ())
        self._check_needs(action)
        # What was sent may be damaged on its way or there: that is looked at where it is used.
        needed = {need: replace(self.outcomes[need], state="cached") for need in action.needs}
        order = Order(action, key_of(declared), needed)
        try:
            result = executor.make(order, self.engine.store, self._log(action), self.done.put)
        except OtherInputsError as error:
            raise _other_inputs(action, declared, error.document) from None
        document = self.lookup.document(action, tuple(sorted(result.discovered)))
        if key_of(document) != result.key:
            raise _other_inputs(action, declared, document)
        if result.discovered:
            result = replace(result, declared=order.declared)
        self.engine.store.save(result, action.id, document, flush=False)
        return result

    def _log(self, action: Action) -> Path:
        return log_file(logs_folder(self.engine.work), action.id)

    def _make(self, action: Action, key: Digest, started: float) -> Result:
        assert self.tokens is not None  # noqa: S101 - for the type checker: a recipe runs under a token
        # A name of its own in each run: programs that a killed run left behind may still write into theirs.
        self.engine.work.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{file_name(action.id)}.", dir=self.engine.work))
        log = self._log(action)
        began = folder.stat().st_ctime_ns
        log.parent.mkdir(parents=True, exist_ok=True)
        log.unlink(missing_ok=True)
        environment = {**self.engine.site.environment, **self.tokens.environment}
        site = replace(self.engine.site, environment=environment, secrets=tuple(self.secrets))
        shop = Workshop(
            action=action,
            site=site,
            folder=folder,
            log=log,
            key=key,
            needed={need: self._paths(self.outcomes[need].files) for need in action.needs},
            facts_of={need: self.outcomes[need].facts for need in action.needs},
            tell=lambda text: self._tell(ActionProgress(action, text)),
            look=self.engine.index.content,
        )
        self._check_needs(action)
        action.recipe.make(shop)
        names = _outputs(action, folder)
        self._refuse_secrets(folder, names, shop.said)
        files = tuple(self._take(folder, name) for name in names)
        discovered = self._discovered(shop.found, began)
        asked = self._asked(shop.asks)
        clear(folder)
        seconds = self.engine.monotonic() - started
        return Result(key, files, shop.said, discovered, seconds, asked)

    def _check_needs(self, action: Action) -> None:
        """Read again what an earlier run made and this action packs: a bit that flipped on the disk must go no further.

        Raises DamagedError.
        """
        for need in action.needs:
            outcome = self.outcomes[need]
            if outcome.state == "cached" and need not in self.checked:
                for record in outcome.files:
                    self.engine.store.check(record)
                self.checked.add(need)

    def _paths(self, records: tuple[FileRecord, ...]) -> Mapping[str, Path]:
        return {record.name: self.engine.store.object(record.digest) for record in records}

    def _take(self, folder: Path, name: str) -> FileRecord:
        path = folder / name
        digest, size = self.engine.store.put_file(path)
        return FileRecord(name, digest, size, executable=bool(path.stat().st_mode & 0o100))

    def _refuse_secrets(self, folder: Path, names: Iterable[str], said: Mapping[str, Json]) -> None:
        """Refuse outputs that hold a secret as it is: what is released cannot be taken back. Raises BuildError."""
        from ferrule.tools.secret import held  # noqa: PLC0415

        for name in names if self.secrets else ():
            with (folder / name).open("rb") as stream:
                found = held(self.secrets, iter(lambda: stream.read(_CHUNK), b""))
            if found:
                raise _told(name, self.secrets[found])
        if self.secrets and (found := held(self.secrets, [json.dumps(said, ensure_ascii=False).encode()])):
            raise _told("what was measured", self.secrets[found])

    def _discovered(self, paths: list[Path], began: int) -> dict[str, Digest | None]:
        """Digests of what was read beyond the declared sources, by path relative to the project, or absolute outside.

        Refuses what changed outside while it was read; in the project, `_check_unchanged` compares.
        """
        root = self.engine.site.project
        names = {p.relative_to(root).as_posix() if p.is_relative_to(root) else str(p) for p in paths}
        for name in names:
            if name.startswith("/") and changed_since(Path(name), began):
                raise _changed(name)
        return self.lookup.digests(sorted(names))

    def _asked(self, asks: Mapping[str, str]) -> dict[str, Digest | None]:
        """The values of variables that were asked for, as far as children may get them; says which they do not get."""
        from ferrule.tools.run import is_passed_on  # noqa: PLC0415

        for name in sorted(asks):
            if name in self.engine.site.host.environment and not is_passed_on(name):
                self.notice(
                    f"{asks[name]} asks for {name}, which is set here but not passed on; what is to count belongs "
                    f"into targets.yaml, as `env: {{{name}: …}}` of what is compiled"
                )
        return self.lookup.values(sorted(name for name in asks if is_passed_on(name)))

    def notice(self, text: str) -> None:
        """Tell a sentence once in a run."""
        if text not in self.noticed:
            self.noticed.add(text)
            self._tell(Noticed(text))

    def _tell(self, event: Event) -> None:
        (self.tell or self.done.put)(event)

    def _check_unchanged(self, action: Action, document: Document) -> None:
        """Refuse a result whose sources changed while it was made: nobody can say which of the two it holds."""
        now = key_document(
            action,
            sources=source_digests(self.engine.index, self.engine.site.project, action.sources),
            needs={},
            needed_facts={},
            tools=dict.fromkeys(action.tools, ""),
            read=self.lookup.digests(read_of(document)),
        )
        before, after = ({**inputs(told, "sources"), **inputs(told, "read")} for told in (document, now))
        changed = sorted(n for n in {*before, *after} if before.get(n) != after.get(n))
        if changed:
            raise _changed(changed[0])


def _secrets(site: Site) -> dict[str, str]:
    from ferrule.tools.secret import secrets_of  # noqa: PLC0415

    return secrets_of(site.host.environment, site.project)


def _told(what: str, where: str) -> BuildError:
    return BuildError(
        f"this holds a secret, the value of {where}, and was not kept",
        where=what,
        hint="find what writes it there, a build script or env!() for example, and let it do without",
    )


def _changed(name: str) -> BuildError:
    return BuildError(
        "a source changed while this was built, so the result was not kept",
        where=name,
        hint="run the same command again",
    )


def _other_inputs(action: Action, here: Document, there: Document) -> VerificationError:
    changes = difference(here, there) or ["it reads other files there"]
    return VerificationError(
        f"a worker would make it from other inputs than this machine (here -> there): {changes[0]}",
        where=action.id,
        hint=SAME_INPUTS,
    )


def _jobserver(jobs: int, work: Path) -> Jobserver:
    with suppress(OSError):
        work.mkdir(parents=True, exist_ok=True)  # where that cannot be, the first action says so
    try:
        return Jobserver(jobs, work)
    except OSError as error:
        raise StorageError(
            f"the folder for temporary files cannot be used: {error.strerror}",
            where=str(error.filename or "TMPDIR"),
            hint="free some space or correct its permissions, or let TMPDIR name another",
        ) from error


def _outputs(action: Action, folder: Path) -> list[str]:
    """Names of all files that the declared outputs consist of; raises BuildError if one was not made."""
    names: list[str] = []
    for output in action.outputs:
        path = folder / output.name
        if output.folder and path.is_dir():
            names += sorted(_below(action, folder, path))
        elif not output.folder and path.is_file() and not path.is_symlink():
            names.append(output.name)
        else:
            raise BuildError(f"{action.id} ended without making {output.name}", hint="look into its log")
    return names


def _below(action: Action, folder: Path, output: Path) -> Iterator[str]:
    for path in output.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise BuildError(f"{action.id} made {name}, which is neither a file nor a folder")
        if path.is_file():
            yield name
