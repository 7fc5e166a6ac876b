"""npm packages of a program: what is planned, what is in them, and how the launcher chooses."""

from __future__ import annotations

import json
import shutil
import subprocess  # noqa: TID251 - the launcher is what is tested
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fakes.contexts import PROJECT, context
from fakes.packed_programs import packed, planned_program
from fakes.triples import MAC, X86
from ferrule.core.errors import VerificationError
from ferrule.core.model import Output
from ferrule.core.platforms import PLATFORMS
from ferrule.kinds.base import PlanProblem
from ferrule.kinds.program_npm import KIND, LauncherPackage, PackageOfProgram, ProgramNpmSpec, check, plan

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.kinds.conftest import Bench

    from ferrule.core.model import Action

MUSL, WINDOWS = "x86_64-unknown-linux-musl", "x86_64-pc-windows-gnullvm"


def section(**values: Any) -> ProgramNpmSpec:
    return ProgramNpmSpec(kind="program-npm", program="cli", **values)


def packages(actions: list[Action]) -> dict[str, dict[str, str]]:
    return {p.name: dict(p.limits) for p in actions[0].recipe.packages}


def test_one_package_a_platform_and_one_for_people() -> None:
    actions = plan(section(name="@example/demo"), context(planned_program(X86, MUSL, MAC, WINDOWS)))
    assert packages(actions) == {
        "@example/demo-linux-x64-gnu": {"os": "linux", "cpu": "x64", "libc": "glibc"},
        "@example/demo-linux-x64-musl": {"os": "linux", "cpu": "x64", "libc": "musl"},
        "@example/demo-darwin-arm64": {"os": "darwin", "cpu": "arm64"},
        "@example/demo-win32-x64": {"os": "win32", "cpu": "x64"},
    }
    assert {action.id: action.outputs[0].ships for action in actions} == {
        "this": "example-demo-1.2.3.tgz",
        f"this@{X86}": "example-demo-linux-x64-gnu-1.2.3.tgz",
        f"this@{MUSL}": "example-demo-linux-x64-musl-1.2.3.tgz",
        f"this@{MAC}": "example-demo-darwin-arm64-1.2.3.tgz",
        f"this@{WINDOWS}": "example-demo-win32-x64-1.2.3.tgz",
    }
    assert dict(actions[0].traits)["purl"] == "pkg:npm/%40example/demo@1.2.3"
    assert plan(section(), context(planned_program(X86), targets=())) == []


def test_two_targets_that_npm_does_not_tell_apart() -> None:
    gnu = "x86_64-pc-windows-gnu"
    with pytest.raises(PlanProblem, match=f"{WINDOWS} and {gnu} are both NAME-win32-x64 to npm") as caught:
        plan(section(), context(planned_program(X86, WINDOWS, gnu)))
    assert (caught.value.key, caught.value.hint) == (("targets",), "select one of them with `targets`")
    with pytest.raises(PlanProblem, match=f"{WINDOWS} and {gnu}"):
        plan(section(), context(planned_program(WINDOWS, gnu)))


def test_a_static_program_alone_serves_every_linux() -> None:
    actions = plan(section(), context(planned_program(MUSL), ship=False))
    assert packages(actions) == {"demo-linux-x64": {"os": "linux", "cpu": "x64"}}
    assert actions[1].outputs == (Output("demo-linux-x64-1.2.3.tgz", "package"),)


def test_a_version_that_npm_does_not_take() -> None:
    (problem,) = check(section(), context(planned_program(X86), project=replace(PROJECT, version="1.2")))
    assert "cannot have the version 1.2" in problem.message
    assert list(check(section(), context(planned_program(X86)))) == []


def unpacked(path: Path, folder: Path) -> Any:
    with tarfile.open(path) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(folder)
    return json.loads((folder / "package" / "package.json").read_text())


def test_what_is_in_the_package_of_a_platform(bench: Bench) -> None:
    program = packed(bench, MUSL)
    action = plan(section(), context(planned_program(MUSL)))[1]
    package = replace(action.recipe.package, program=program.programs[0])
    done = bench.make(
        replace(action.recipe, package=package), action.outputs[0], needed=program.needed, facts=program.facts
    )
    assert unpacked(done.output("package"), bench.root / "out") == {
        "name": "demo-linux-x64",
        "version": "1.2.3",
        "description": "Adds two numbers",
        "license": "MIT",
        "homepage": "https://demo.example",
        "os": ["linux"],
        "cpu": ["x64"],
        "preferUnplugged": True,
    }
    folder = bench.root / "out" / "package"
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()) == [
        *("LICENSE", "README.md", "bin/demo", "package.json")
    ]
    assert (folder / "bin" / "demo").stat().st_mode & 0o777 == 0o755


def test_a_dynamic_program_is_not_for_every_linux(bench: Bench) -> None:
    program = packed(bench, MUSL, interpreter="/lib/ld-musl-x86_64.so.1")
    action = plan(section(), context(planned_program(MUSL)))[1]
    package = replace(action.recipe.package, program=program.programs[0])
    with pytest.raises(VerificationError, match="demo is started by /lib/ld-musl-x86_64"):
        bench.make(
            replace(action.recipe, package=package), action.outputs[0], needed=program.needed, facts=program.facts
        )


SCRIPT = b'#!/bin/sh\n[ "$1" = die ] && kill -TERM $$\necho "$@"\nexit 7\n'


@pytest.fixture
def launcher(bench: Bench) -> Path:
    """The package that people install, beside one whose program is a script, for whatever machine this is."""
    program = packed(bench, X86, content=SCRIPT)
    node = shutil.which("node")
    assert node, "Node.js is not on the PATH"
    question = "console.log(JSON.stringify({os: process.platform, cpu: process.arch}))"
    limits = json.loads(subprocess.run([node, "-e", question], capture_output=True, text=True, check=True).stdout)
    rows = (
        PackageOfProgram("demo-other", (("os", "none"), ("cpu", "x64")), "bin/demo", program.programs[0]),
        PackageOfProgram("demo-musl", (*limits.items(), ("libc", "none")), "bin/demo", program.programs[0]),
        PackageOfProgram("demo-here", tuple(limits.items()), "bin/demo", program.programs[0]),
    )
    recipe = LauncherPackage("demo", "1.2.3", (("license", "MIT"),), rows, 0)
    done = bench.make(recipe, Output("demo.tgz", "package"), needed=program.needed, facts=program.facts)
    manifest = unpacked(done.output("package"), bench.root / "out")
    assert manifest["bin"] == {"demo": "bin/demo.cjs"}
    assert manifest["optionalDependencies"] == {f"demo-{name}": "1.2.3" for name in ("other", "musl", "here")}
    return bench.root / "out" / "package"


def started(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = ["node", str(folder / "bin" / "demo.cjs"), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)


def test_the_launcher_starts_the_program_of_the_machine(launcher: Path) -> None:
    installed = launcher / "node_modules" / "demo-here" / "bin"
    installed.mkdir(parents=True)
    (installed / "demo").write_bytes(SCRIPT)
    (installed / "demo").chmod(0o755)
    done = started(launcher, "a b", "c")
    assert (done.returncode, done.stdout, done.stderr) == (7, "a b c\n", "")
    assert started(launcher, "die").returncode == -15
    (installed / "demo").chmod(0o644)
    assert "demo could not be started" in started(launcher).stderr


def test_the_launcher_says_what_is_missing(launcher: Path) -> None:
    done = started(launcher)
    assert done.returncode == 1
    assert (
        "none of its packages for this machine is installed (demo-musl, demo-here): install demo again" in done.stderr
    )


def test_where_npm_has_no_name() -> None:
    assert KIND.unsupported(PLATFORMS[X86]) is None
    assert "npm has no name" in str(KIND.unsupported(PLATFORMS["wasm32-unknown-unknown"]))
