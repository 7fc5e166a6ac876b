"""Splitting a plan: what is made in shards, how evenly, in which form, and that every shard says what it is."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from ferrule.app.ci import pipelines
from ferrule.app.distributed import shards
from ferrule.core.errors import ConfigError, UsageError
from ferrule.core.model import Action, Compiled, Machine, Output, Plan

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Pretended:
    flag: str = ""

    def make(self, context: object) -> None:
        raise AssertionError(context)


def action(
    name: str,
    *,
    target: str | None = None,
    needs: tuple[str, ...] = (),
    tools: tuple[str, ...] = ("cargo",),
    flag: str = "",
) -> Action:
    compiles = Compiled("demo", target) if target and "cargo" in tools else None
    return Action(
        id=name,
        artifact=name.partition("@")[0],
        kind="made-up",
        recipe=Pretended(flag),
        outputs=(Output(f"{name}.bin", "binary"),),
        target=target,
        needs=needs,
        tools=tools,
        compiles=compiles,
    )


def plan_of(*actions: Action) -> Plan:
    return Plan("demo", "1.2.3", actions)


def usual() -> Plan:
    """A header, libraries for three targets, a component that a package needs, and what is assembled of all."""
    libraries = [action(f"native@{t}", target=t, needs=("header",)) for t in ("a", "b", "c")]
    every = tuple(a.id for a in libraries)
    return plan_of(
        action("header", tools=("cbindgen",)),
        *libraries,
        action("component@wasm", target="wasm"),
        action("npm@wasm", target="wasm", needs=("component@wasm",), tools=("jco",)),
        action("go", needs=(*every, "component@wasm"), tools=()),
        action("server@a", target="a", needs=("go",), tools=("go",)),
        action("sums", needs=("go", "server@a"), tools=()),
    )


def made_up(number: int, seed: int = 1) -> tuple[Plan, dict[str, float]]:
    dice = random.Random(seed)
    libraries = [action(f"native@t{n}", target=f"t{n}", needs=("header",)) for n in range(number)]
    times = {a.id: dice.lognormvariate(3.5, 0.8) for a in libraries} | {"header": 2.0}
    return plan_of(action("header", tools=("cbindgen",)), *libraries), times


def split(plan: Plan, count: int, recorded: Mapping[str, float] | None = None) -> tuple[shards.Shard, ...]:
    return shards.split(plan, count, {}, recorded or {})


def spread(found: tuple[shards.Shard, ...]) -> float:
    """The longest shard by the mean of all."""
    return max(s.seconds for s in found) / (sum(s.seconds for s in found) / len(found))


def test_shards_make_what_tools_make_and_nothing_that_needs_assembly() -> None:
    assert shards.foundation(usual()) == {*("header", "native@a", "native@b", "native@c", "component@wasm", "npm@wasm")}


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_everything_is_made_once_but_what_is_for_no_target(count: int) -> None:
    result = split(usual(), count)
    assert [s.number for s in result] == list(range(1, count + 1))
    names = [name for shard in result for name in shard.actions]
    assert set(names) == shards.foundation(usual())
    assert {name for name in names if names.count(name) > 1} <= {"header"}
    for shard in result:
        needs = {need for a in usual().actions if a.id in shard.actions for need in a.needs}
        assert needs <= set(shard.actions)


def test_what_needs_a_compiled_thing_is_where_that_is() -> None:
    (packing,) = [s for s in split(usual(), 4) if "npm@wasm" in s.actions]
    assert "component@wasm" in packing.actions


def test_more_shards_than_work_are_not_made() -> None:
    assert len(split(usual(), 99)) == 4


def test_nothing_to_split_is_told() -> None:
    with pytest.raises(ConfigError, match="nothing in this plan needs a compiler"):
        split(plan_of(action("sums", tools=())), 2)


@pytest.mark.parametrize("count", [2, 7, 64, 199, 256])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_thousand_targets_are_balanced(count: int, seed: int) -> None:
    plan, times = made_up(1_000, seed)
    result = split(plan, count, times)
    assert len(result) == count
    longest = max(times.values()) + times["header"] + 10  # one action cannot be split
    mean = sum(s.seconds for s in result) / count
    assert max(s.seconds for s in result) <= max(1.05 * mean, longest * 1.001)
    assert len({name for s in result for name in s.actions}) == 1_001


def test_thousand_targets_of_like_size_are_balanced_to_a_hair() -> None:
    plan, times = made_up(1_000)
    dice = random.Random(5)
    assert spread(split(plan, 250, {name: dice.uniform(30, 90) for name in times} | {"header": 2.0})) < 1.05


def test_recorded_times_count_and_what_was_never_timed_is_like_its_kin() -> None:
    plan = usual()
    weights = shards.weights(plan, {"native@a": 300.0})
    assert weights["native@a"] == weights["native@b"] == 300.0
    (alone,) = [
        s
        for s in split(plan, 2, {"native@a": 300.0, **dict.fromkeys(set(weights) - {"native@a"}, 1.0)})
        if "native@a" in s.actions
    ]
    assert alone.actions == ("header", "native@a")


def test_the_same_plan_gives_the_same_shards() -> None:
    plan, times = made_up(300)
    assert split(plan, 40, times) == split(plan, 40, dict(reversed(times.items())))


def test_runners_are_not_mixed() -> None:
    runners = {"a": "linux", "b": "linux", "c": "mac", "wasm": None}
    split = shards.split(usual(), 3, runners, {})
    assert {s.runner for s in split} == {"linux", "mac"}
    (mac,) = [s for s in split if s.runner == "mac"]
    assert mac.targets == ("c",)
    with pytest.raises(UsageError, match="1 shards cannot run on 2 kinds of machines"):
        shards.split(usual(), 1, runners, {})


@pytest.mark.parametrize(
    ("named", "runner"),
    [("ubuntu-24.04", "macos-15"), (None, "macos-15"), ("macos-14", "macos-14"), ("mac-mini-7", "mac-mini-7")],
)
def test_what_can_be_made_on_a_mac_alone_goes_to_one(named: str | None, runner: str) -> None:
    target = "aarch64-apple-darwin"
    anywhere, picky = action(f"native@{target}", target=target), action(f"extension@{target}", target=target)
    plan = plan_of(anywhere, replace(picky, machine=Machine("macos", "it signs")))
    split = shards.split(plan, 2, {target: named}, {})
    assert {s.actions[-1]: s.runner for s in split}[picky.id] == runner
    assert len({s.runner for s in split}) == (2 if named == "ubuntu-24.04" else 1)


def test_work_decides_how_many_shards_a_runner_gets() -> None:
    plan, _ = made_up(100)
    runners = {f"t{n}": "few" if n < 10 else "many" for n in range(100)}
    split = shards.split(plan, 10, runners, {})
    assert [s.runner for s in split].count("few") == 1


def test_plan_digest_changes_with_what_is_done_and_not_with_where() -> None:
    plan = usual()
    assert shards.plan_digest(plan) == shards.plan_digest(replace(plan, read=("other",)))
    changed = tuple(replace(a, recipe=Pretended("-g")) if a.id == "native@a" else a for a in plan.actions)
    assert shards.plan_digest(plan) != shards.plan_digest(replace(plan, actions=changed))
    assert shards.plan_digest(plan) != shards.plan_digest(replace(plan, version="1.2.4"))
    assembled = tuple(replace(a, recipe=Pretended("run 7")) if a.id == "sums" else a for a in plan.actions)
    assert shards.plan_digest(plan) == shards.plan_digest(replace(plan, actions=assembled))


def test_shards_of_other_splits_differ() -> None:
    plan, times = made_up(50)
    assert len({split(plan, count, times)[0].split for count in (2, 3, 4)}) == 3


def test_an_entry_can_be_read_again() -> None:
    for shard in split(usual(), 3):
        assert shards.read(json.dumps(shard.document(), indent=2)) == replace(
            shard, targets=(), runner=None, seconds=0.0
        )


@pytest.mark.parametrize("text", ["4", "[]", "{}", '{"shard": 1}', '{"shard":1,"of":1,"plan":"x","split":"x"}'])
def test_what_is_no_entry_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="this is no shard"):
        shards.read(text)


@pytest.mark.parametrize("text", ["", "a/b", "{", "[" * 100_000])
def test_what_is_not_even_json_is_refused_without_a_word_of_python_s(text: str) -> None:
    with pytest.raises(UsageError, match=r"is neither K/N nor JSON") as raised:
        shards.read(text)
    assert len(raised.value.message) < 120


# What CI systems get


def written(count: int, system: pipelines.System, number: int = 1_000) -> Any:
    plan, times = made_up(number)
    return json.loads(pipelines.text(split(plan, min(count, pipelines.LIMITS[system]), times), system, "ubuntu-24.04"))


def test_github_gets_a_matrix() -> None:
    entries = written(256, "github")["include"]
    assert len(entries) == 256
    assert len({e["id"] for e in entries}) == len({e["name"] for e in entries}) == 256
    assert {e["runner"] for e in entries} == {"ubuntu-24.04"}
    assert shards.read(json.dumps(entries[0])).of == 256


def test_github_gets_a_matrix_of_matrices_past_its_limit() -> None:
    groups = written(700, "github")["include"]
    assert [g["name"] for g in groups] == ["shards 1 to 234", "shards 235 to 468", "shards 469 to 700"]
    entries = [e for g in groups for e in g["shards"]["include"]]
    assert all(len(g["shards"]["include"]) <= 256 for g in groups)
    assert [e["shard"] for e in entries] == list(range(1, 701))
    assert {e["of"] for e in entries} == {700}


def test_gitlab_gets_a_child_pipeline_within_its_limit() -> None:
    pipeline = written(1_000, "gitlab")
    jobs = {name: job for name, job in pipeline.items() if name != "stages"}
    assert len(jobs) == 200
    assert {job["stage"] for job in jobs.values()} == set(pipeline["stages"])
    first = next(iter(jobs.values()))
    shard = shards.read(first["variables"]["FERRULE_SHARD"])
    assert first["script"] == [f'ferrule build --setup --shard "$FERRULE_SHARD" --bundle bundles/{shard.id}']
    assert first["artifacts"]["paths"] == [f"bundles/{shard.id}/"]
    assert "$" not in first["variables"]["FERRULE_SHARD"]


def test_buildkite_gets_steps_within_its_limit() -> None:
    steps = written(1_000, "buildkite")["steps"]
    assert len([s for s in steps if s != "wait"]) == 500
    assert steps[-2] == "wait"
    assert shards.read(steps[0]["env"]["FERRULE_SHARD"]).number == 1
    assert '"$$FERRULE_SHARD"' in steps[0]["command"]


def test_runners_become_labels_of_each_system() -> None:
    split = shards.split(usual(), 1, dict.fromkeys(("a", "b", "c", "wasm"), "big"), {})
    assert json.loads(pipelines.text(split, "github", "usual"))["include"][0]["runner"] == "big"
    pipeline = json.loads(pipelines.text(split, "gitlab", "usual"))
    assert next(job for name, job in pipeline.items() if name.startswith("shard"))["tags"] == ["big"]
    assert json.loads(pipelines.text(split, "buildkite", "usual"))["steps"][0]["agents"] == {"queue": "big"}


def test_a_split_is_one_line() -> None:
    assert "\n" not in pipelines.text(split(usual(), 2), "github", "usual")
