"""Scripts that link elsewhere: what they say, and what is refused before one is written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.program_project import with_program
from fakes.toolchain import lay_out
from fakes.windows_machine import MSVC
from ferrule.app.release import run as release
from ferrule.core.errors import BuildError, ConfigErrors
from ferrule.core.model import Output, Tool
from ferrule.core.platforms import PLATFORMS
from ferrule.core.toolchain import Toolchain
from ferrule.kinds.base import LINK_SCRIPT
from ferrule.kinds.extension import KIND as EXTENSION
from ferrule.kinds.link_script import LinkScript, linked_elsewhere

if TYPE_CHECKING:
    from tests.unit.kinds.conftest import Bench

    from ferrule.core.model import Plan

OUTPUTS = (Output("link.sh", LINK_SCRIPT), Output("interface.json", "interface"), Output("crates", "crates"))
SCRIPT = LinkScript(
    artifact="native",
    workspace="rust",
    package="demo-ffi#demo-ffi@1.2.3",
    platform=PLATFORMS[MSVC],
    profile="release",
    features=(),
    default_features=True,
    rustflags=(),
    env=(),
    commit="0123",
    auditable=True,
    names=("demo.lib",),
    types=("staticlib",),
)


@pytest.fixture
def tools(bench: Bench) -> Toolchain:
    bench.source("rust/Cargo.toml", '[workspace]\nmembers = ["demo-ffi"]\n')
    bench.source("rust/demo-ffi/Cargo.toml", '[package]\nname = "demo-ffi"\nversion = "1.2.3"\nedition = "2021"\n')
    names = {"rustc": "1.96.0", "cargo": "1.96.0", "zig": "0.17.0"}
    programs = {name: Tool(name, version, (f"/{name}",), name) for name, version in names.items()}
    return Toolchain("installed", programs, {}, Path("/"))


def text(bench: Bench, script: LinkScript, tools: Toolchain, *sources: str) -> str:
    context = bench.make(script, *OUTPUTS, sources=sources or ("rust",), toolchain=tools)
    return (context.folder / "link.sh").read_text()


def test_a_static_library_carries_no_object(bench: Bench, tools: Toolchain) -> None:
    script = text(bench, SCRIPT, tools)
    assert "rustup run 1.96.0 cargo rustc --locked --manifest-path demo-ffi/Cargo.toml" in script
    assert "--lib --crate-type staticlib -- --print native-static-libs 2>&1" in script
    assert "base64" not in script
    assert "*rust/demo-ffi/Cargo.toml" in script
    assert 'cp "$made"/demo.lib "$out"' in script
    assert "-Ctarget-feature=+crt-static -Clink-arg=-Brepro" in script


def test_all_that_targets_yaml_says_is_in_it(bench: Bench, tools: Toolchain) -> None:
    stated = replace(
        SCRIPT,
        profile="dev",
        features=("a", "b/c"),
        default_features=False,
        rustflags=("--cfg", 'x="it\'s"'),
        env=(("MODE", "a b"),),
    )
    script = text(bench, stated, tools)
    assert "--profile dev" in script
    assert "--no-default-features --features a,b/c" in script
    assert "-Brepro --cfg 'x=\"it'\"'\"'s\"')" in script
    assert "export MODE='a b'" in script
    assert "CARGO_INCREMENTAL" not in script
    assert f"made=$target/{MSVC}/debug" in script


def test_the_fingerprint_is_that_of_everything_that_is_in_it(bench: Bench, tools: Toolchain) -> None:
    def fingerprint(script: LinkScript) -> str:
        lines = text(bench, script, tools).splitlines()
        for path in (bench.root / "work").iterdir():
            path.unlink()
        (bench.root / "work").rmdir()
        return next(line for line in lines if line.startswith("export FERRULE_FINGERPRINT="))

    first = fingerprint(SCRIPT)
    assert fingerprint(SCRIPT) == first
    assert fingerprint(replace(SCRIPT, commit="4567")) != first
    bench.source("rust/demo-ffi/src/lib.rs", "// new\n")
    assert fingerprint(SCRIPT) != first


def test_a_source_that_windows_cannot_name_is_refused(bench: Bench, tools: Toolchain) -> None:
    bench.source("rust/demo-ffi/a\\b.rs")
    with pytest.raises(BuildError, match="cannot be a source of what is linked on Windows"):
        text(bench, SCRIPT, tools)


def plan_of(folder: Path, library: str) -> Plan:
    demo = lay_out(folder)
    demo.edit("  aarch64-apple-darwin", f"  {MSVC}: {{}}\n  aarch64-apple-darwin")
    above = (demo.project / "targets.yaml").read_text().partition("\nartifacts:")[0]
    (demo.project / "targets.yaml").write_text(f"{above}\nartifacts:\n  {library}\n")
    return release.make_plan(release.load(demo.project), demo.context)


def test_a_library_is_planned_as_script_and_taking(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, f"native: {{kind: library, crate: demo-ffi, targets: [{MSVC}]}}")
    script, taking = plan.actions
    assert (script.id, taking.id) == (f"native:script@{MSVC}", f"native@{MSVC}")
    assert script.sources
    assert taking.needs == (script.id,)
    assert (taking.tools, taking.sources) == ((), ())
    assert taking.machine is not None
    assert taking.machine.system == "windows"
    assert linked_elsewhere(script) is None
    linked = linked_elsewhere(taking)
    assert linked is not None
    assert linked.names == ("demo.dll", "demo.lib", "demo.dll.lib", "linked.txt")
    assert [output.ships for output in taking.outputs] == [
        f"lib/{MSVC}/{name}" for name in ("demo.dll", "demo.lib", "demo.dll.lib")
    ]


def refusal(folder: Path, library: str) -> str:
    with pytest.raises(ConfigErrors) as refused:
        plan_of(folder, library)
    return str(refused.value)


def test_a_library_by_another_name_than_its_crate_s_is_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, f"native: {{kind: library, crate: demo-ffi, name: other, targets: [{MSVC}]}}")
    assert f"the linker for {MSVC} names files after the library of the crate, demo" in message
    assert "per-target" in message


def test_debug_symbols_are_refused(tmp_path: Path) -> None:
    message = refusal(tmp_path, f"native: {{kind: library, crate: demo-ffi, debug-symbols: true, targets: [{MSVC}]}}")
    assert "there is no form of debug symbols beside a file for Windows" in message


def test_what_a_build_script_writes_is_refused(tmp_path: Path) -> None:
    generated = 'generated: {"completions": ["*.bash"]}'
    demo = with_program(lay_out(tmp_path), f"cli: {{kind: program, crate: demo-cli, {generated}, targets: [{MSVC}]}}")
    demo.edit("  aarch64-apple-darwin", f"  {MSVC}: {{}}\n  aarch64-apple-darwin")
    with pytest.raises(ConfigErrors, match="what a build script writes does not come here"):
        release.make_plan(release.load(demo.project), demo.context)


def test_what_is_linked_here_is_not_made_for_it() -> None:
    reason = EXTENSION.unsupported(PLATFORMS[MSVC]) or ""
    assert "this is linked on Windows alone; x86_64-pc-windows-gnullvm runs on the same machines" in reason
    assert EXTENSION.unsupported(PLATFORMS["x86_64-pc-windows-gnullvm"]) is None


def test_declarations_come_back_as_they_were(tmp_path: Path) -> None:
    demo = lay_out(tmp_path)
    demo.edit("  aarch64-apple-darwin", f"  {MSVC}: {{}}\n  aarch64-apple-darwin")
    done = demo.ferrule("script")
    assert done.returncode == 0, done.stderr
    objects = [path.read_bytes() for path in (demo.project / ".ferrule").rglob("*") if path.is_file()]
    rows = next(json.loads(data) for data in objects if data.startswith(b'[\n [\n  "demo_add"'))
    assert [row[:2] for row in rows] == [["demo_add", "demo.h"], ["demo_copy", "demo.h"]]
