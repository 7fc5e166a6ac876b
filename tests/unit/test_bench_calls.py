"""What bench makes of the words of the programs that measure calls."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

BENCH = Path(__file__).parents[2] / "bench"
GO = """\
goos: linux
goarch: amd64
pkg: calls/module
cpu: one that has 2 ns/op in its name
BenchmarkShort-2   \t  802052\t       396.8 ns/op\t      40 B/op\t       3 allocs/op
BenchmarkBatch     \t    1399\t    247704 ns/op\t   61568 B/op\t      12 allocs/op
PASS
"""


@pytest.fixture
def cost(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCH)
    return importlib.import_module("calls.cost")


def test_go_tells_time_and_memory_for_one_address(cost: ModuleType) -> None:
    assert cost.of_go(GO) == {
        "short": cost.Cost(396.8, "3 allocations, 40 B"),
        "batch": cost.Cost(247.704, "0.012 allocations, 61.6 B"),
    }


def test_one_allocation_is_one(cost: ModuleType) -> None:
    output = "BenchmarkShort  100  5 ns/op  24 B/op  1 allocs/op\n"
    assert cost.of_go(output)["short"].memory == "1 allocation, 24 B"


def test_words_without_a_benchmark_are_refused(cost: ModuleType) -> None:
    with pytest.raises(ValueError, match="no benchmark in 'PASS"):
        cost.of_go("PASS\n")


def test_other_programs_print_json(cost: ModuleType) -> None:
    output = '{"short": {"ns": 5087.3, "memory": "3 blocks"}, "batch": {"ns": 12}}'
    assert cost.of_json(output) == {"short": cost.Cost(5087.3, "3 blocks"), "batch": cost.Cost(12.0)}


def test_each_road_is_a_ratio_to_cgo_by_the_medians(cost: ModuleType) -> None:
    def road(*nanoseconds: float, **memory: str) -> list:
        return [{"short": cost.Cost(ns, **memory)} for ns in nanoseconds]

    output = {
        "cgo": road(200, 100, 900, memory="1 allocation"),
        "purego": road(500, 500, 1),
        "wazero": road(9000, 10, 9000),
    }
    rounds = [{name: samples[n] for name, samples in output.items()} for n in range(3)]
    result = {f.name: f for f in cost.figures(rounds)}
    assert list(result) == ["calls-cgo-short", "calls-purego-short", "calls-wazero-short", "calls-wazero-time"]
    assert result["calls-cgo-short"].detail == "200 ns; 1 allocation; 3 rounds"
    assert (result["calls-purego-short"].value, result["calls-purego-short"].met) == (2.5, False)
    assert result["calls-purego-short"].detail == "500 ns to 200 ns"
    assert (result["calls-wazero-short"].value, result["calls-wazero-short"].goal) == (45, None)
    assert (result["calls-wazero-time"].value, result["calls-wazero-time"].goal) == (9, 8)


def test_goals_and_roads_are_of_one_list(cost: ModuleType) -> None:
    for table in (cost.VALIDATOR, importlib.import_module("calls.sealing").TABLE):
        assert {road for road, _ in table.goals} <= set(cost.ROADS)
        assert {name for _, name in table.goals} <= set(table.inputs)


def test_another_library_has_a_table_of_its_own_by_the_same_code(cost: ModuleType) -> None:
    table = importlib.import_module("calls.sealing").TABLE
    costs = {"cgo": cost.Cost(1000), "purego": cost.Cost(1500), "python-wasmtime": cost.Cost(5000)}
    rounds = [{road: dict.fromkeys(table.inputs, one) for road, one in costs.items()}]
    names = [f"sealing-{road}-{name}" for name in table.inputs for road in costs]
    figures = {figure.name: figure for figure in cost.figures(rounds, table)}
    assert list(figures) == names
    assert figures["sealing-purego-seal"].what == "sealing 64 bytes: Go, purego to cgo"
    assert (figures["sealing-purego-seal"].met, figures["sealing-purego-large"].met) == (True, False)


def test_all_ways_to_seal_have_the_same_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCH / "calls")
    measure = importlib.import_module("measure")
    go = (BENCH / "calls" / "sealing" / "inputs" / "inputs.go").read_text(encoding="utf-8")
    node = (BENCH / "calls" / "seal_by_jco.mjs").read_text(encoding="utf-8")
    assert (len(measure.MESSAGE), len(measure.LARGE)) == (64, 64 << 10)
    assert "make([]byte, 64), make([]byte, 64<<10)" in go
    assert "new Uint8Array(64), new Uint8Array(64 << 10)" in node
    for text in (go, node):
        assert measure.ASSOCIATED.decode() in text


def test_all_roads_have_the_same_input(cost: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCH / "calls")
    measure = importlib.import_module("measure")
    go = (BENCH / "calls" / "go" / "inputs" / "inputs.go").read_text(encoding="utf-8")
    assert len(measure.SHORT) == len(measure.MANY[-1]) == 19
    assert len(set(measure.MANY)) == cost.BATCH
    assert f'const Short = "{measure.SHORT}"' in go
    assert '"joe.%03d@example.com"' in go
    assert f"make([]string, {cost.BATCH})" in go
