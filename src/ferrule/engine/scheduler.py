"""Runs a plan: looks each action up in the store, runs the recipes of those not found, longest path first."""

from __future__ import annotations

import heapq
import queue
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Final, Literal

from ferrule.core.errors import FerruleError, StorageError
from ferrule.core.model import Action, Digest, Outcome, Plan
from ferrule.engine.action_runner import ActionRunner
from ferrule.engine.events import ActionFinished, ActionStarted, Noticed, RunFinished, RunStarted, WorkForeseen
from ferrule.engine.forecast import forecast
from ferrule.engine.jobserver import Jobserver
from ferrule.engine.key import Document
from ferrule.engine.lookup import Lookup
from ferrule.engine.resources import Resources
from ferrule.tools import run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ferrule.engine.events import Event
    from ferrule.engine.executor import Executor, Order
    from ferrule.engine.forecast import Forecast
    from ferrule.engine.machine_cache import MachineCache
    from ferrule.engine.remote import Remote
    from ferrule.engine.store import Result

_POLL_SECONDS: Final = 0.02
_PATIENCE_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Engine(Resources):
    """Runs plans, and single actions of other machines' plans, with its resources."""

    def execute(self, plan: Plan, cached: Mapping[str, Outcome] | None = None) -> tuple[Outcome, ...]:
        """Bring every action of the plan to an outcome; a failure skips what needs it and lets the rest end.

        `cached` are outcomes that `examine` has told, by action: these actions are not looked up again.
        KeyboardInterrupt ends all children and passes on. An exception that is not a FerruleError is a bug and passes
        on once the running actions have ended.
        """
        return _Run(self, plan, cached or {}).execute()

    def make(self, order: Order, tokens: Jobserver, tell: Callable[[Event], None]) -> Result:
        """Make one action of another machine's plan, or take it from the store; the caller has a token for it.

        Raises the failure of the recipe, and OtherInputsError if its declared key is another here.
        """
        lookup = Lookup(self.site, self.store, self.index, self.code, order.needed)
        return ActionRunner(self, lookup, tokens, tell).run_remote_order(order)

    def reasons(self, plan: Plan) -> dict[str, str]:
        """Why each action would run, or that nothing changed; runs nothing."""
        return {action: examination.reason for action, examination in self.examine(plan).items()}

    def examine(self, plan: Plan) -> dict[str, Examination]:
        """What a run would find about each action; runs nothing."""
        return _Run(self, plan).examine()


@dataclass(frozen=True, slots=True)
class Examination:
    """The state of an action before a run: why it would run or not, its key, and the key document if it would.

    An action that needs another which must run has no key yet; if something of its own changed, it is stale anyway.
    """

    reason: str
    state: Literal["cached", "stale", "waiting", "failed"]
    key: Digest | None = None
    document: Document | None = None
    outcome: Outcome | None = None
    """That of a cached action."""


_Waiting = tuple[Action, Digest, Document, str]
_Queued = tuple[float, str, _Waiting]
"""What waits for room, so that the least of them starts first."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the remote cache has for an action: None if nothing that can be used, or a bug of ours."""

    action: str
    outcome: Outcome | BaseException | None


@dataclass(slots=True)
class _Run:
    engine: Engine
    plan: Plan
    cached: Mapping[str, Outcome] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    done: queue.SimpleQueue[Event | _Answer | tuple[Action, Outcome]] = field(default_factory=queue.SimpleQueue)
    running: dict[str, threading.Thread] = field(default_factory=dict)
    asked: dict[str, _Waiting] = field(default_factory=dict)
    tokens: Jobserver | None = None
    maker: ActionRunner | None = None
    weights: dict[str, float] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)
    away: list[_Queued] = field(default_factory=list)
    here: list[_Queued] = field(default_factory=list)
    lookup: Lookup = field(init=False)

    def __post_init__(self) -> None:
        self.lookup = Lookup(self.engine.site, self.engine.store, self.engine.index, self.engine.code, self.outcomes)

    def execute(self) -> tuple[Outcome, ...]:
        engine, started = self.engine, self.engine.monotonic()
        engine.listen(RunStarted(len(self.plan.actions), engine.executor.slots if engine.executor else engine.jobs))
        actions = {action.id: action for action in self.plan.actions}
        order: TopologicalSorter[str] = TopologicalSorter({a.id: a.needs for a in self.plan.actions})
        order.prepare()
        waiting: list[_Waiting] = []
        try:
            while order.is_active():
                at_hand = False
                for action_id in sorted(order.get_ready()):
                    state = self._at_hand(actions[action_id])
                    if isinstance(state, Outcome):
                        at_hand = True
                        self._finish(state, order)
                    elif not self._query_remote((actions[action_id], *state)):
                        waiting.append((actions[action_id], *state))
                if at_hand:
                    continue  # other actions are ready by this: the longest of all starts first
                if waiting or self.away or self.here:
                    self._start_waiting(waiting)
                if self.running or self.asked or self.away or self.here:
                    waiting = self._wait_for_event(order, blocked=bool(self.away or self.here))
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
        examinations: dict[str, Examination] = {}
        for action in self.plan.actions:
            pending = [need for need in action.needs if need not in self.outcomes]
            if pending:
                reason = f"if `{pending[0]}`, which is rebuilt, comes out different"
                own = self.lookup.own_change(action)
                examinations[action.id] = Examination(own or reason, "stale" if own else "waiting")
                continue
            state = self.lookup.find(action)
            if not isinstance(state, Outcome):
                examinations[action.id] = Examination(state[2], "stale", state[0], state[1])
            elif state.state == "cached":
                self.outcomes[action.id] = state
                examinations[action.id] = Examination(state.reason, "cached", state.key, outcome=state)
            else:
                examinations[action.id] = Examination(state.reason, "failed")
        return examinations

    def _finish(self, outcome: Outcome, order: TopologicalSorter[str]) -> None:
        self.outcomes[outcome.action.id] = outcome
        self.engine.listen(ActionFinished(outcome))
        order.done(outcome.action.id)

    def _end(self) -> None:
        """End all child processes, and wait briefly for the threads; one that still computes ends with the process."""
        if self.engine.executor is not None:
            self.engine.executor.end()
        until = self.engine.monotonic() + _PATIENCE_SECONDS
        while alive := [thread for thread in self.running.values() if thread.is_alive()]:
            if run.end_all(for_good=True) == 0 and self.engine.monotonic() > until:
                return
            for thread in alive:
                thread.join(_POLL_SECONDS)

    def _forecast(self) -> Forecast:
        """What is known of the work that is left; all of it, as long as nothing has run."""
        engine = self.engine
        left = [action for action in self.plan.actions if action.id not in self.outcomes]
        seconds = {action.id: took for action in left if (took := self.lookup.seconds(action)) is not None}
        jobs = engine.jobs + (engine.executor.slots if engine.executor else 0)
        return forecast(left, seconds, engine.site.std_from_source, jobs)

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
        if self.engine.site.toolchain is None or not action.tools:
            return 1.0
        if not any(name.startswith("std-") for name in action.tools):
            return 10.0
        return 120.0 if action.target in self.engine.site.std_from_source else 40.0

    def _at_hand(self, action: Action) -> Outcome | tuple[Digest, Document, str]:
        """What the store has of an action, or another checkout, or why it must run."""
        if action.id in self.cached:
            return self.cached[action.id]
        state = self.lookup.find(action)
        return state if isinstance(state, Outcome) else self._shared(action) or state

    def _shared(self, action: Action) -> Outcome | None:
        """Bring what another checkout on this machine has made of an action into the store."""
        if self.engine.machine is None:
            return None
        return self._taken(self.engine.machine, action, "shared", "another checkout on this machine has made it")

    def _taken(
        self, cache: MachineCache | Remote, action: Action, state: Literal["shared", "remote"], reason: str
    ) -> Outcome | None:
        """Bring what a cache has of an action into the store, if nothing has changed that it was made from."""
        with suppress(FerruleError):  # what cannot be read or written here is told where the action is made
            for document, result in cache.entries(action, lambda read: self.lookup.document(action, read)):
                if self.lookup.change(result) is None and cache.fetch(result):
                    self.engine.store.save(result, action.id, document, flush=False)
                    if self.engine.machine is not None and self.engine.machine is not cache:
                        self.engine.machine.offer(action, result)
                    return Outcome(action, state, result.key, result.files, result.facts, reason=reason)
        return None

    def _query_remote(self, waiting: _Waiting) -> bool:
        """Query the remote cache for an action; false where there is none that could have it."""
        action, remote = waiting[0], self.engine.remote
        if remote is None or not remote.serves(action):
            return False

        def query() -> None:
            try:
                outcome: Outcome | BaseException | None = self._taken(
                    remote, action, "remote", "it was in the remote cache"
                )
            except BaseException as error:  # noqa: BLE001 - carried to the main thread, which raises it
                outcome = error
            self.done.put(_Answer(action.id, outcome))

        self.asked[action.id] = waiting
        remote.submit(query)
        return True

    def _take_answer(self, answer: _Answer, order: TopologicalSorter[str]) -> list[_Waiting]:
        waiting = self.asked.pop(answer.action, None)
        if isinstance(answer.outcome, BaseException):
            raise answer.outcome
        if waiting is None:
            return []  # nobody waits for it any more
        if answer.outcome is None:
            return [waiting]
        self._finish(answer.outcome, order)
        return []

    def _report_remote(self) -> list[_Waiting]:
        """Report notices of the remote cache; returns the actions that it can no longer answer."""
        remote = self.engine.remote
        if remote is None:
            return []
        lost = list(self.asked.values()) if remote.is_lost() else []
        for waiting in lost:
            self.asked.pop(waiting[0].id)
        for text in remote.notices():
            self.engine.listen(Noticed(text))
        return lost

    def _start_waiting(self, arrived: list[_Waiting]) -> None:
        """Start what there is room for, the longest way to the end first; what arrived and has none waits in a heap."""
        executor = self.engine.executor
        if self.tokens is None:
            run.reopen()
            self.tokens = _jobserver(self.engine.jobs, self.engine.work)
            self.maker = ActionRunner(self.engine, self.lookup, self.tokens, self.done.put)
            self.weights = self._weigh()
            self.engine.listen(WorkForeseen(self._forecast()))
        if not self.running:
            self.tokens.refill()
        for item in arrived:
            action = item[0]
            heap = self.away if executor is not None and executor.takes(action) else self.here
            heapq.heappush(heap, (-self.weights[action.id], action.id, item))
        while self.away and executor is not None and self._admit_away(self.away[0][1], executor):
            self._start(heapq.heappop(self.away)[2])
        while self.here and self._admit_here(self.tokens):
            self._start(heapq.heappop(self.here)[2])

    def _start(self, waiting: _Waiting) -> None:
        action, key, document, reason = waiting
        self.engine.listen(ActionStarted(action, reason, self.lookup.seconds(action)))
        thread = threading.Thread(target=self._work, args=(action, key, document, reason), daemon=True)
        self.running[action.id] = thread
        thread.start()

    def _admit_here(self, tokens: Jobserver) -> bool:
        """Whether there is room for an action now; takes a token for it."""
        return len(self.running) - len(self.elsewhere) < self.engine.jobs and tokens.acquire()

    def _admit_away(self, action: str, executor: Executor) -> bool:
        """Whether the executor has room for an action now; notes that it is there."""
        if len(self.elsewhere) >= executor.room:
            return False
        self.elsewhere.add(action)
        return True

    def _wait_for_event(self, order: TopologicalSorter[str], *, blocked: bool) -> list[_Waiting]:
        """Wait for the next event of a running action; briefly, if an action waits for a token.

        Returns actions that the remote cache does not have.
        """
        lost = self._report_remote()
        if lost:
            return lost
        try:
            event = self.done.get(timeout=_POLL_SECONDS if blocked or self.asked else None)
        except queue.Empty:
            return []
        if isinstance(event, _Answer):
            return self._take_answer(event, order)
        if not isinstance(event, tuple):
            self.engine.listen(event)
            return []
        action, outcome = event
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
        assert self.maker is not None  # noqa: S101 - for the type checker: nothing is started before
        started = self.engine.monotonic()
        outcome = Outcome(action, "built", key, reason=reason)
        try:
            away = action.id in self.elsewhere
            result = self.maker.order(action) if away else self.maker.make(action, key, document)
            for cache in (self.engine.machine, self.engine.remote):
                if cache is not None:
                    cache.offer(action, result)
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
