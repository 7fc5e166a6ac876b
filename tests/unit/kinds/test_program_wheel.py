"""Wheels of a program: what is planned, what is in them, and where their metadata are from."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fakes.contexts import PROJECT, context
from fakes.packed_programs import packed, planned_program
from fakes.triples import MAC, X86
from ferrule.core.model import Output, Target
from ferrule.core.platforms import PLATFORMS
from ferrule.formats.wheel import read_wheel
from ferrule.kinds.base import PlanProblem
from ferrule.kinds.program_wheel import KIND, ProgramWheelSpec, check, plan

if TYPE_CHECKING:
    from tests.unit.kinds.conftest import Bench

MUSL, WINDOWS = "x86_64-unknown-linux-musl", "x86_64-pc-windows-gnullvm"
PYPROJECT = '[project]\nname = "py-demo"\ndynamic = ["version"]\nreadme = "about.md"\nkeywords = ["sum"]\n'
FILES = {"py/pyproject.toml": PYPROJECT, "py/about.md": "# about\n"}


class _Bill:
    def write(self, context: object, *_: object) -> bytes:  # noqa: ARG002
        return b"{}"


BILL: Any = _Bill()


def section(**values: Any) -> ProgramWheelSpec:
    return ProgramWheelSpec(kind="program-wheel", program="cli", **values)


def test_one_wheel_a_target() -> None:
    known = context(planned_program(X86, MUSL, MAC, WINDOWS))
    targets = tuple(
        replace(target, glibc="2.28" if target.triple == X86 else None, macos="11.0" if target.triple == MAC else None)
        for target in known.targets
    )
    actions = [a for a in plan(section(), replace(known, targets=targets)) if a.outputs[0].role == "wheel"]
    assert [action.outputs[0].ships for action in actions] == [
        "demo-1.2.3-py3-none-manylinux_2_28_x86_64.whl",
        "demo-1.2.3-py3-none-musllinux_1_2_x86_64.whl",
        "demo-1.2.3-py3-none-macosx_11_0_arm64.whl",
        "demo-1.2.3-py3-none-win_amd64.whl",
    ]
    assert (actions[0].id, actions[0].sources) == (f"this@{X86}", ())
    assert actions[0].needs == (f"cli@{X86}", f"cli:archive@{X86}", f"cli:contents@{X86}")
    assert plan(section(), replace(known, targets=())) == []
    with pytest.raises(PlanProblem, match="a wheel for x86_64-unknown-linux-gnu needs a floor"):
        plan(section(), replace(known, targets=(Target(X86),)))


def test_metadata_of_a_pyproject() -> None:
    known = context(planned_program(MUSL), files=FILES, ship=False)
    (_, action) = plan(section(source="py"), known)
    assert action.outputs == (Output("py_demo-1.2.3-py3-none-musllinux_1_2_x86_64.whl", "wheel"),)
    assert action.sources == ("py/pyproject.toml", "py/about.md")
    bare = {"py/pyproject.toml": PYPROJECT.replace('readme = "about.md"\n', "")}
    assert plan(section(source="py"), context(planned_program(MUSL), files=bare))[1].sources == ("py/pyproject.toml",)
    scripts = {**FILES, "py/pyproject.toml": f'{PYPROJECT}[project.scripts]\ndemo = "demo:main"\n'}
    with pytest.raises(PlanProblem, match="scripts need a package, and this wheel has none") as caught:
        plan(section(source="py"), context(planned_program(MUSL), files=scripts))
    assert caught.value.where == "py/pyproject.toml:6:1"


def test_what_python_does_not_take() -> None:
    version = replace(PROJECT, version="1.0.0-dev-21-g2ca8632")
    (problem,) = check(section(), context(planned_program(MUSL), project=version))
    assert "cannot have the version 1.0.0-dev-21-g2ca8632" in problem.message
    assert list(check(section(), context(planned_program(MUSL)))) == []
    named = section(source="py", name="other")
    assert [p.message for p in check(named, context(planned_program(MUSL), files=FILES))] == [
        "pyproject.toml names the distribution"
    ]
    assert list(check(section(source="py"), context(planned_program(MUSL), files=FILES))) == []


@pytest.mark.parametrize("name", ["tööl", "a b", "-x", "x."])
def test_a_command_that_no_distribution_can_be_called_by_needs_a_name(name: str) -> None:
    known = context(planned_program(MUSL, program=name))
    with pytest.raises(PlanProblem, match="is not a valid name of a Python distribution") as caught:
        plan(section(), known)
    assert caught.value.key == ("program",)
    assert "write `name`" in str(caught.value.hint)
    assert plan(section(name="tool"), known)
    with pytest.raises(PlanProblem, match="'tool-' is not a valid name") as caught:
        plan(section(name="tool-"), known)
    assert caught.value.key == ("name",)


def test_what_is_in_a_wheel(bench: Bench) -> None:
    program = packed(bench, MUSL)
    (_, action) = plan(section(name="Demo-Tool"), context(planned_program(MUSL)))
    done = bench.make(
        replace(action.recipe, program=program.programs[0], bill=BILL), action.outputs[0], needed=program.needed
    )
    path = done.output("wheel")
    facts = read_wheel(path)
    assert set(facts.digests) == {
        "demo_tool-1.2.3.data/scripts/demo",
        "demo_tool-1.2.3.data/data/share/man/man1/demo.1",
        "demo_tool-1.2.3.data/data/share/bash-completion/completions/demo",
        "demo_tool-1.2.3.data/data/share/fish/vendor_completions.d/demo.fish",
        "demo_tool-1.2.3.data/data/share/zsh/site-functions/_demo",
        "demo_tool-1.2.3.dist-info/licenses/LICENSE",
        "demo_tool-1.2.3.dist-info/sboms/Demo-Tool.cdx.json",
        *(f"demo_tool-1.2.3.dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD")),
    }
    for line in ("Name: Demo-Tool", "License-Expression: MIT", "Requires-Python: >=3.8", "License-File: LICENSE"):
        assert line in facts.metadata.splitlines()
    assert facts.metadata.endswith("# demo\n")
    with zipfile.ZipFile(path) as archive:
        mode = archive.getinfo("demo_tool-1.2.3.data/scripts/demo").external_attr >> 16
    assert mode & 0o777 == 0o755


def test_metadata_that_are_written(bench: Bench) -> None:
    program = packed(bench, MUSL, files={"LICENSE": b"Copyright\n"})
    for name, text in FILES.items():
        bench.source(name, text)
    (_, action) = plan(section(source="py"), context(planned_program(MUSL), files=FILES))
    done = bench.make(
        replace(action.recipe, program=program.programs[0], bill=BILL), action.outputs[0], needed=program.needed
    )
    metadata = read_wheel(done.output("wheel")).metadata
    assert "Keywords: sum" in metadata
    assert metadata.endswith("# about\n")


def test_without_a_readme(bench: Bench) -> None:
    program = packed(bench, MUSL, files={})
    about = replace(PROJECT, description=None, homepage=None, license=None, license_files=())
    (_, action) = plan(section(), context(planned_program(MUSL), project=about))
    done = bench.make(
        replace(action.recipe, program=program.programs[0], bill=BILL), action.outputs[0], needed=program.needed
    )
    assert "Summary" not in read_wheel(done.output("wheel")).metadata


def test_where_there_are_no_wheels() -> None:
    assert KIND.unsupported(PLATFORMS[WINDOWS]) is None
    assert KIND.unsupported(PLATFORMS["wasm32-unknown-unknown"]) is not None
