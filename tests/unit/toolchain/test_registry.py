"""A tool is one definition in one list: everything that is asked of tools follows from it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes.machine import WANTED
from ferrule import config
from ferrule.app.doctor import examine as doctor
from ferrule.app.doctor.setup import setup
from ferrule.app.publish import DESTINATIONS
from ferrule.app.release import run as release
from ferrule.app.release.selection import EXTRAS
from ferrule.config.loading import load
from ferrule.core.errors import ConfigErrors
from ferrule.core.model import Tool
from ferrule.core.platforms import PLATFORMS
from ferrule.kinds import KINDS
from ferrule.toolchain.find import find
from ferrule.toolchain.registry import TOOLS
from ferrule.toolchain.requirements import definition_of, needed_tools
from ferrule.tools.definition import EXACT_VERSION, ToolDefinition
from ferrule.tools.installers.pip import PinnedWheel, folder, program


def find_spinner(search):
    host, version = search.host, search.versions["spin-wool"]
    path = str(folder(host, "spin-wool", version) / "bin" / "spin-wool")
    return [program(host, "spin-wool", PinnedWheel("spin-wool", version), (path,), (path, "--version"))]


# All that a new file in tools/ would say; the line in the list is the entry below.
SPINNER = ToolDefinition(
    name="spin-wool",
    version="3.1.4",
    setting="Version of spin-wool, which spins.",
    pattern=EXACT_VERSION,
    find=find_spinner,
    requires=("cc",),
)
REGISTRY = {**TOOLS, SPINNER.name: SPINNER}
REQUIRED = replace(WANTED, tools=frozenset({"spin-wool"}), triples=())


@pytest.fixture
def project(tmp_path):
    (tmp_path / "Cargo.toml").write_text(
        '[package]\nname = "demo"\nversion = "1.2.3"\nedition = "2021"\n[lib]\npath = "lib.rs"\n'
    )
    (tmp_path / "lib.rs").touch()

    def write(toolchain):
        (tmp_path / "targets.yaml").write_text(
            f"version: 1\nproject: {{name: demo, version: {{cargo: .}}}}\ntoolchain: {toolchain}\n"
            "targets: {x86_64-unknown-linux-gnu: {}}\nartifacts: {native: {kind: library, crate: demo}}\n"
        )
        return tmp_path

    return write


def test_a_new_tool_has_a_key(project):
    assert load(project("{}"), KINDS, DESTINATIONS, tools=REGISTRY).toolchain["spin-wool"] == "3.1.4"
    folder = project('{spin-wool: "4.0.0"}')
    assert load(folder, KINDS, DESTINATIONS, tools=REGISTRY).toolchain["spin-wool"] == "4.0.0"
    with pytest.raises(ConfigErrors, match=r'unknown key "spin-wool"'):
        load(folder, KINDS, DESTINATIONS)
    with pytest.raises(ConfigErrors, match="spin-wool"):
        load(project('{spin-wool: "four"}'), KINDS, DESTINATIONS, tools=REGISTRY)


def test_a_new_tool_is_in_schema_and_reference():
    result = config.schema(KINDS, DESTINATIONS, tools=REGISTRY)["$defs"]["toolchain"]["properties"]["spin-wool"]
    assert result == {
        "default": "3.1.4",
        "description": "Version of spin-wool, which spins.",
        "pattern": EXACT_VERSION,
        "type": "string",
    }
    assert "Version of spin-wool, which spins." in config.reference(KINDS, DESTINATIONS, REGISTRY)


def test_a_new_tool_is_searched_for_reported_and_installed(machine):
    assert needed_tools(REQUIRED, REGISTRY) == {"spin-wool", "cc"}
    (missing,) = [f for f in doctor.examine(REQUIRED, machine.host(), registry=REGISTRY) if f.state == "fault"]
    assert (missing.tool, missing.required, missing.fix) == ("spin-wool", "3.1.4", "ferrule setup")
    assert "spin-wool==3.1.4" in missing.command
    machine.installable("spin-wool", "bin/spin-wool")
    messages = []
    chain = setup(REQUIRED, machine.host(), messages.append, registry=REGISTRY)
    assert chain.tool("spin-wool").version == "3.1.4"
    assert messages[0].startswith("will install by wheel: ")
    (row,) = [f for f in doctor.examine(REQUIRED, machine.host(), registry=REGISTRY) if f.tool == "spin-wool"]
    assert (row.state, row.required, row.version) == ("ok", "3.1.4", "3.1.4")
    other = replace(REQUIRED, versions={"spin-wool": "4.0.0"})
    assert [p.required for p in find(other, machine.host(), REGISTRY)] == ["4.0.0"]


@pytest.mark.parametrize("recorded", [True, False])
def test_a_tool_that_no_file_vouches_for_is_searched_for_each_time(machine, recorded):
    searches = []

    def find_and_count(search):
        searches.append(search)
        return [Tool("spin-wool", "1", (), "spin-wool 1")]

    registry = {**TOOLS, "spin-wool": replace(SPINNER, find=find_and_count, recorded=recorded)}
    for _ in range(2):
        setup(REQUIRED, machine.host(), [].append, registry=registry)
    assert len(searches) == (1 if recorded else 2)


def test_names_are_those_of_one_definition():
    names = [name for tool in TOOLS.values() for name in tool.names]
    assert len(names) == len(set(names))
    required = {name for tool in TOOLS.values() for name in tool.requires}
    required |= {name for tool in TOOLS.values() for row in PLATFORMS.values() for name in tool.requires_for(row)}
    assert required <= set(names)


def test_a_short_name_stands_for_a_tool():
    assert all(definition_of(name) for name in EXTRAS.values())


def test_rust_is_searched_for_before_what_lies_beside_it():
    assert next(iter(TOOLS)) == "rust"
    beside = [name for name, tool in TOOLS.items() if set(tool.requires) & {"rustc", "cargo"}]
    assert all([*TOOLS].index("rust") < [*TOOLS].index(name) for name in beside)


def test_every_tool_of_a_plan_is_defined(demo):
    plan = release.make_plan(release.load(demo.project), demo.context)
    programs = {name for action in plan.actions for name in action.tools if not name.startswith("std-")}
    assert {"cargo-zigbuild", "cbindgen", "go", "jco"} <= programs
    assert [name for name in sorted(programs) if definition_of(name) is None] == []
