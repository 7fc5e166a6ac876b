"""What a run is told to come to, by what is known and nothing else."""

from __future__ import annotations

from fakes.triples import ARM, MAC
from ferrule.core.model import Action, Output
from ferrule.engine.forecast import Forecast, forecast


def action(name: str, *needs: str, target: str | None = None, tools: tuple[str, ...] = ()) -> Action:
    return Action(name, name, "test", object(), (Output("out.txt", "file"),), target, needs, tools=tools)


def compilation(name: str, target: str) -> Action:
    return action(name, target=target, tools=(f"std-{target}",))


def test_nothing_is_said_of_what_never_ran() -> None:
    assert forecast([action("a"), action("b")], {}, {}, 2) == Forecast(2, 0, None)


def test_no_time_is_said_if_one_action_never_ran() -> None:
    assert forecast([action("a"), action("b")], {"a": 5.0}, {}, 2) == Forecast(2, 1, None)


def test_a_chain_takes_the_sum() -> None:
    actions = [action("a"), action("b", "a"), action("c", "b", "z")]
    assert forecast(actions, {"a": 5.0, "b": 7.0, "c": 1.0}, {}, 4).seconds == 13.0


def test_jobs_share_what_does_not_wait() -> None:
    actions = [action(name) for name in "abcd"]
    assert forecast(actions, dict.fromkeys("abcd", 10.0), {}, 2).seconds == 20.0
    assert forecast(actions, dict.fromkeys("abcd", 10.0), {}, 8).seconds == 10.0


def test_the_standard_library_is_named_once_a_target() -> None:
    actions = [compilation("a", MAC), compilation("b", MAC), compilation("c", ARM), action("d", target=MAC)]
    assert forecast(actions, {}, {MAC}, 1).std_from_source == (MAC,)
    assert forecast(actions[3:], {}, {MAC}, 1).std_from_source == ()
