"""Splits the part of a plan that needs compilers into balanced shards, each with a self-contained description.

What tools make of sources, and of each other's outputs, is made in shards; what is assembled of that is made where the
shards are merged. What is compiled for a target is compiled in one shard only; what is made for no target in
particular (a header) is repeated wherever it is needed, because waiting for it would cost more.
"""

from __future__ import annotations

import heapq
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ferrule import plan as planning
from ferrule.core.errors import ConfigError, UsageError
from ferrule.core.model import Action, Digest, Json, Plan, to_json
from ferrule.core.platforms import PLATFORMS, other_runner_labels
from ferrule.engine.key import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_COMPILED: Final = 60.0
_OTHER: Final = 5.0
_LEAST: Final = 0.01
_PREPARED: Final = 10.0
_ENOUGH: Final = 1.02
_MOVES: Final = 2_000
_TRIED: Final = 32


@dataclass(frozen=True, slots=True)
class Shard:
    """The work of one machine: number `number` of `of`, of the plan and the split with these digests.

    `actions` are in the order of the plan, with all that they need; `runner` is the label of the machine as
    targets.yaml names it; `seconds` is what it is expected to take, ten for preparing each target among them; `release`
    is the one of several that the plan is of.
    """

    number: int
    of: int
    plan: Digest
    split: Digest
    actions: tuple[str, ...]
    targets: tuple[str, ...] = ()
    runner: str | None = None
    seconds: float = 0.0
    release: str | None = None

    @property
    def id(self) -> str:
        """A name for files and jobs: `1-of-4`."""
        return f"{self.number}-of-{self.of}"

    @property
    def name(self) -> str:
        """A name for people."""
        first = self.targets[0] if self.targets else self.actions[0]
        more = f" and {len(self.targets) - 1} more" if len(self.targets) > 1 else ""
        return f"{self.number}/{self.of} {first}{more}"

    def document(self) -> dict[str, Json]:
        """A form for `read`, with what CI systems want to know."""
        return {
            "id": self.id,
            "name": self.name,
            "runner": self.runner,
            "targets": list(self.targets),
            "seconds": round(self.seconds, 1),
            "shard": self.number,
            "of": self.of,
            "plan": self.plan.hex,
            "split": self.split.hex,
            "actions": list(self.actions),
            **({"release": self.release} if self.release else {}),
        }


def read(text: str) -> Shard:
    """The shard that a `document` describes; raises UsageError."""
    hint = "give K/N, or an entry of what ferrule matrix wrote, unchanged"
    try:
        row: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{text[:80]!r} is neither K/N nor JSON", where="--shard", hint=hint) from error
    try:
        return Shard(
            number=int(row["shard"]),
            of=int(row["of"]),
            plan=Digest(row["plan"]),
            split=Digest(row["split"]),
            actions=tuple(map(str, row["actions"])),
            release=str(row["release"]) if "release" in row else None,
        )
    except KeyError as error:
        raise UsageError(f"this is no shard: it has no {error}", where="--shard", hint=hint) from error
    except (ValueError, TypeError) as error:
        raise UsageError("this is no shard: not what an entry is made of", where="--shard", hint=hint) from error


def foundation(plan: Plan) -> frozenset[str]:
    """Ids of the actions that are made in shards: those with tools that need nothing which is assembled.

    The rest, programs that pack what is assembled included, is made where shards are merged.
    """
    names: set[str] = set()
    for action in plan.actions:
        if action.tools and names.issuperset(action.needs):
            names.add(action.id)
    return frozenset(names)


def plan_digest(plan: Plan) -> Digest:
    """What stands for a plan: all actions, and everything that the keys of a shard's actions will hold but digests."""
    sharded = foundation(plan)
    recipes = {a.id: [type(a.recipe).__name__, to_json(a.recipe)] for a in plan.actions if a.id in sharded}
    return Digest.of(canonical({"plan": planning.document(plan), "recipes": to_json(recipes)}))


def weights(plan: Plan, recorded: Mapping[str, float]) -> dict[str, float]:
    """Seconds that each action of the shards is expected to take.

    What was never timed is taken to need as long as others of the same recipe; where there are none, what compiles
    weighs twelve times what does not.
    """
    sharded = foundation(plan)
    actions = [a for a in plan.actions if a.id in sharded]
    alike: dict[str, list[float]] = {}
    for action in actions:
        if action.id in recorded:
            alike.setdefault(type(action.recipe).__name__, []).append(recorded[action.id])
    seconds: dict[str, float] = {}
    for action in actions:
        timed = alike.get(type(action.recipe).__name__)
        usual = sum(timed) / len(timed) if timed else (_COMPILED if action.compiles else _OTHER)
        seconds[action.id] = max(recorded.get(action.id, usual), _LEAST)
    return seconds


def split(
    plan: Plan, count: int, runners: Mapping[str, str | None], recorded: Mapping[str, float]
) -> tuple[Shard, ...]:
    """Split what needs compilers into `count` shards, or as many as there is work for.

    `runners` are the labels of machines by target, `recorded` the seconds that actions took. The same arguments always
    give the same shards. Raises ConfigError where nothing is to be split, UsageError where `count` cannot serve
    every kind of machine.
    """
    weight = weights(plan, recorded)
    grouped = _by_runner(_units(plan, runners))
    if not grouped:
        raise ConfigError(
            "nothing in this plan needs a compiler", where="targets.yaml", hint="ferrule release makes it anywhere"
        )
    if count < len(grouped):
        raise UsageError(
            f"{count} shards cannot run on {len(grouped)} kinds of machines",
            where="targets.yaml",
            hint=f"ask for at least {len(grouped)}: its targets name {', '.join(sorted(map(str, grouped)))}",
        )
    shares = _shares(grouped, count, weight)
    loads = [(runner, load) for runner, units in grouped.items() for load in _balanced(units, shares[runner], weight)]
    order = {action.id: (at, action.target) for at, action in enumerate(plan.actions)}
    parts = [(runner, load, tuple(sorted(load.actions, key=order.__getitem__))) for runner, load in loads]
    parts.sort(key=lambda part: order[part[2][0]] if len(part[2]) == 1 else _first(part[2], order))
    whole = plan_digest(plan)
    mark = Digest.of(canonical({"plan": whole.hex, "shards": to_json([actions for _, _, actions in parts])}))
    return tuple(
        Shard(
            number=number,
            of=len(parts),
            plan=whole,
            split=mark,
            actions=actions,
            targets=tuple(dict.fromkeys(t for t in (order[a][1] for a in actions) if t)),
            runner=runner,
            seconds=load.seconds,
        )
        for number, (runner, load, actions) in enumerate(parts, 1)
    )


def _first(actions: tuple[str, ...], order: Mapping[str, tuple[int, str | None]]) -> tuple[int, str | None]:
    """Where in the plan that begins which a shard does not share with others, as far as its actions tell."""
    return next((order[a] for a in actions if order[a][1]), order[actions[0]])


@dataclass(frozen=True, slots=True)
class _Unit:
    """Actions that belong into one shard, and those they need that may be repeated in others."""

    own: tuple[str, ...]
    shared: frozenset[str]
    targets: frozenset[str]
    runner: str | None


@dataclass(slots=True)
class _Load:
    """A shard being filled."""

    seconds: float = 0.0
    units: list[_Unit] = field(default_factory=list)
    shared: set[str] = field(default_factory=set)
    targets: set[str] = field(default_factory=set)

    @property
    def actions(self) -> set[str]:
        return {*self.shared, *(action for unit in self.units for action in unit.own)}

    def cost(self, unit: _Unit, weight: Mapping[str, float]) -> float:
        """What a unit would add: its own time, that of what it shares with none here, and preparing for its targets."""
        shared = sum(weight[a] for a in unit.shared if a not in self.shared)
        return sum(weight[a] for a in unit.own) + shared + _PREPARED * len(unit.targets - self.targets)

    def add(self, unit: _Unit, weight: Mapping[str, float]) -> None:
        self.seconds += self.cost(unit, weight)
        self.units.append(unit)
        self.shared |= unit.shared
        self.targets |= unit.targets


def _units(plan: Plan, runners: Mapping[str, str | None]) -> list[_Unit]:
    sharded = foundation(plan)
    actions = {a.id: a for a in plan.actions if a.id in sharded}
    repeatable: set[str] = set()
    leader: dict[str, str] = {}

    def lead(name: str) -> str:
        while leader[name] != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    for action in actions.values():
        if action.target is None and repeatable.issuperset(action.needs):
            repeatable.add(action.id)
        leader[action.id] = action.id
        for need in action.needs:
            if need not in repeatable:
                leader[lead(action.id)] = lead(need)
    needed = {need for action in actions.values() for need in action.needs}
    together: dict[str, list[Action]] = {}
    for action in actions.values():
        if action.id not in repeatable or action.id not in needed:
            together.setdefault(lead(action.id), []).append(action)
    return [_unit(group, actions, repeatable, runners) for group in together.values()]


def _unit(
    group: list[Action], actions: Mapping[str, Action], repeatable: set[str], runners: Mapping[str, str | None]
) -> _Unit:
    shared: set[str] = set()
    waiting = [need for action in group for need in action.needs if need in repeatable]
    while waiting:
        name = waiting.pop()
        if name not in shared:
            shared.add(name)
            waiting += actions[name].needs
    targets = tuple(action.target for action in group if action.target)
    demanding = sorted(group, key=lambda action: action.machine is None)  # what asks for a machine decides
    runner = next((label for action in demanding if (label := _runner(action, runners))), None)
    return _Unit(tuple(a.id for a in group), frozenset(shared), frozenset(targets), runner)


def _runner(action: Action, runners: Mapping[str, str | None]) -> str | None:
    """The machine that targets.yaml names for an action's target; one that can do it, where that one cannot."""
    named = runners.get(action.target) if action.target else None
    if action.machine is None or action.target is None:
        return named
    others = other_runner_labels(action.machine.system)
    return named if named is not None and not named.startswith(others) else PLATFORMS[action.target].runner


def _by_runner(units: Iterable[_Unit]) -> dict[str | None, list[_Unit]]:
    """Units by the machine they want; what any machine can make joins the first."""
    units = list(units)
    names = list(dict.fromkeys(unit.runner for unit in units if unit.runner))
    by_runner: dict[str | None, list[_Unit]] = {name: [] for name in names}
    for unit in units:
        by_runner.setdefault(unit.runner or (names[0] if names else None), []).append(unit)
    return by_runner


def _shares(
    grouped: Mapping[str | None, list[_Unit]], count: int, weight: Mapping[str, float]
) -> dict[str | None, int]:
    """The number of shards of each kind of machine: one, and further ones where most work is left for each."""
    work = {runner: sum(weight[a] for u in units for a in u.own) for runner, units in grouped.items()}
    shares = dict.fromkeys(grouped, 1)
    for _ in range(count - len(grouped)):
        open_ = [runner for runner in grouped if shares[runner] < len(grouped[runner])]
        if not open_:
            break
        shares[max(open_, key=lambda runner: (work[runner] / shares[runner], str(runner)))] += 1
    return shares


def _balanced(units: list[_Unit], count: int, weight: Mapping[str, float]) -> list[_Load]:
    """Longest first, each to whom it lets end earliest; then what is longest gives away as long as that helps."""
    sizes = {unit: sum(weight[a] for a in unit.own) for unit in units}
    loads = [_Load() for _ in range(count)]
    heap = [(0.0, at) for at in range(count)]
    for unit in sorted(units, key=lambda u: (-sizes[u], u.own)):
        tried: list[tuple[float, int]] = []
        best = (math.inf, -1)
        while heap and len(tried) < _TRIED and heap[0][0] + sizes[unit] < best[0]:
            seconds, at = heapq.heappop(heap)
            tried.append((seconds, at))
            best = min(best, (seconds + loads[at].cost(unit, weight), at))
        loads[best[1]].add(unit, weight)
        for _, at in tried:
            heapq.heappush(heap, (loads[at].seconds, at))
    _even_out(loads, weight, sizes)
    return [load for load in loads if load.units]


def _even_out(loads: list[_Load], weight: Mapping[str, float], sizes: Mapping[_Unit, float]) -> None:
    """Exchange a unit of the longest shard for a smaller one, or none, of the shortest, while that helps."""
    mean = sum(load.seconds for load in loads) / len(loads)
    for _ in range(_MOVES):
        longest = max(range(len(loads)), key=lambda at: (loads[at].seconds, at))
        shortest = min(range(len(loads)), key=lambda at: (loads[at].seconds, at))
        gap = loads[longest].seconds - loads[shortest].seconds
        if loads[longest].seconds <= mean * _ENOUGH or gap <= _LEAST:
            return
        offers: list[_Unit | None] = [None, *loads[shortest].units]
        exchanges = [
            (
                abs(gap / 2 - (sizes[give] - (sizes[take] if take else 0.0))),
                give.own,
                take.own if take else (),
                give,
                take,
            )
            for give in loads[longest].units
            for take in offers
            if 0 < sizes[give] - (sizes[take] if take else 0.0) < gap
        ]
        if not exchanges:
            return
        give, take = min(exchanges, key=lambda e: e[:3])[3:]
        before = loads[longest].seconds
        new_long = _load([*(u for u in loads[longest].units if u is not give), *([take] if take else [])], weight)
        new_short = _load([*(u for u in loads[shortest].units if u is not take), give], weight)
        if max(new_long.seconds, new_short.seconds) >= before or not new_long.units:
            return
        loads[longest], loads[shortest] = new_long, new_short


def _load(units: Iterable[_Unit], weight: Mapping[str, float]) -> _Load:
    load = _Load()
    for unit in units:
        load.add(unit, weight)
    return load
