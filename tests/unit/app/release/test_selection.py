"""Parts of a release: by the names of artifacts and targets, and the tools that they need."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fakes.triples import ARM, MAC, WASM, X86
from ferrule.app.release import run as release
from ferrule.app.release import selection as choice
from ferrule.core.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from fakes.toolchain import Demo


def test_part_for_this_machine(demo: Demo) -> None:
    config = release.load(demo.project)
    context = replace(demo.context, host=replace(demo.context.host, system="Linux", machine="aarch64"))
    plan = choice.select(config, context, (), ())
    assert {a.target for a in plan.actions} == {ARM, None}
    plan = choice.select(config, context, ("native",), ("all",))
    assert [a.id for a in plan.actions] == ["header", f"native@{X86}", f"native@{ARM}", f"native@{MAC}"]
    plan = choice.select(config, context, ("component",), (WASM, X86))
    assert [a.id for a in plan.actions] == [f"component@{WASM}"]
    plan = choice.select(config, context, ("npm",), ())
    assert [a.id for a in plan.actions] == [f"component@{WASM}", f"component:contents@{WASM}", f"npm@{WASM}"]


@pytest.mark.parametrize(
    ("artifacts", "targets", "says", "hint"),
    [
        (("nativ",), (), "there is no artifact 'nativ'", "did you mean native?"),
        (("xyzzy",), (), "there is no artifact 'xyzzy'", "there are: native, header"),
        ((), ("aarch64-apple-darwn",), "there is no target", "did you mean aarch64-apple-darwin?"),
        (("component",), (MAC,), "component is not made for aarch64-apple-darwin", "--target all"),
    ],
)
def test_name_that_is_not_there(
    demo: Demo, artifacts: tuple[str, ...], targets: tuple[str, ...], says: str, hint: str
) -> None:
    config = release.load(demo.project)
    with pytest.raises(UsageError) as caught:
        choice.select(config, demo.context, artifacts, targets)
    assert says in caught.value.message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(("system", "machine"), [("Windows", "AMD64"), ("Linux", "riscv64"), ("Darwin", "x86_64")])
def test_machine_that_is_no_target(demo: Demo, system: str, machine: str) -> None:
    context = replace(demo.context, host=replace(demo.context.host, system=system, machine=machine))
    with pytest.raises(ConfigError, match="does not list"):
        choice.select(release.load(demo.project), context, (), ())


def test_only_tools_of_the_plan_are_wanted(demo: Demo) -> None:
    config = release.load(demo.project)
    whole = choice.required_tools(config, demo.context, extras=("emulation", "node"), host_only=False)
    assert whole.triples == tuple(sorted((X86, ARM, MAC, WASM)))
    assert {"zig", "cbindgen", "wasm-ld", "node", "qemu-aarch64"} <= whole.tools
    own = choice.required_tools(config, demo.context, extras=(), host_only=True)
    assert "wasm-ld" not in own.tools
    assert own.triples == (demo.context.host.triple,)
