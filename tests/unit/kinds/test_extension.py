"""Extension modules, by a pretended cibuildwheel; the true one builds in tests/pyext."""

from __future__ import annotations

import gzip
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fakes.extension import CRATE, linked_code
from fakes.symbol_lists import write_lists
from ferrule.core.cargo_workspace import Crate, Workspace
from ferrule.core.errors import (
    BuildError,
    ConfigError,
    NetworkError,
    ToolchainError,
    VerificationError,
    command_of,
)
from ferrule.core.model import Compiled, Digest, Output, Target, Tool
from ferrule.core.platforms import PLATFORMS, WINDOWS_GNULLVM, X86_64, Platform
from ferrule.core.toolchain import Toolchain
from ferrule.formats.archive_member import Member
from ferrule.formats.wheel import read_wheel, wheel_file_name, write_wheel
from ferrule.kinds.base import Context, PlanProblem, ReleaseInfo
from ferrule.kinds.extension import KIND, ExtensionSpec, check, contents, plan
from ferrule.kinds.extension.by_cibuildwheel import CibuildwheelExtension
from ferrule.kinds.extension.contents import Package, PlannedWheel
from ferrule.kinds.extension.pythons import build_of

if TYPE_CHECKING:
    from tests.unit.kinds.conftest import Bench

    from ferrule.core.model import Action
    from ferrule.engine.context import ActionContext

X86, ARM, MAC = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "aarch64-apple-darwin"
GOLDEN = Path(__file__).parents[2] / "golden" / "binaries"
PROGRAM = Path(__file__).parents[2] / "fakes" / "cibuildwheel.py"
PYPROJECT = """[project]
name = "Demo-Ext"
dynamic = ["version"]
requires-python = ">=3.11"

[tool.maturin]
features = ["fast"]
no-default-features = true
"""
METADATA = "Metadata-Version: 2.4\nName: Demo-Ext\nVersion: 1.2.3\nLicense-File: LICENSE\n\nIt adds.\n"
TAG = "cp311-abi3-manylinux_2_17_x86_64"
TAGS = ("cp311-abi3-manylinux2014_x86_64", TAG)
WHEEL = wheel_file_name("Demo-Ext", "1.2.3", TAGS)
WHEEL_PLANNED = PlannedWheel(build_of("abi3", 11), WHEEL, TAGS, "pkg:pypi/demo-ext")
MODULE = "demo_ext/demo_ext.abi3.so"


def golden(name: str = "demo-x86_64.so") -> bytes:
    """A library whose one function has the name of a module's beginning, which is as long."""
    return gzip.decompress((GOLDEN / f"{name}.gz").read_bytes()).replace(b"demo_add", b"PyInit_d")


# What is planned


def reader(files):
    """The files of a project by name."""

    def read_text(name):
        if name not in files:
            raise ConfigError("this file cannot be read", where=name)
        return files[name]

    return read_text


def planned(*targets: Target, pyproject: str = PYPROJECT, **spec: Any) -> list[Action]:
    crates = {"demo-ext": Crate("demo-ext", "1.2.3", "ext", "demo_ext", ("cdylib",))}
    section = ExtensionSpec(kind="extension", crate="demo-ext", **spec)
    context = Context(
        artifact="ext",
        project=ReleaseInfo("demo", "1.2.3", license_files=("LICENSE",), commit="c0ffee"),
        workspace=Workspace("ext", crates, locked=True, settings=("ext/Cargo.lock",)),
        targets=targets,
        spec_for=lambda _: section,
        actions_of=lambda _: (),
        action_for=lambda _, __: None,
        shipping=tuple,
        read_text=reader({"ext/pyproject.toml": pyproject, "py/pyproject.toml": pyproject, "ext/Cargo.toml": ""}),
        folders=lambda _: (),
        ship=True,
    )
    return [action for action in plan(section, context) if action.compiles]


def test_everything_follows_from_the_target_and_from_pyproject():
    (action,) = planned(Target(X86, glibc="2.17"))
    assert action.recipe.image == "manylinux2014"
    assert action.recipe.wheel.tags == TAGS
    assert [(o.name, o.ships) for o in action.outputs] == [("extension", None), (WHEEL, WHEEL)]
    assert action.tools == ("cibuildwheel", "container", "zig")
    assert action.sources == ("ext", "ext/Cargo.lock", "LICENSE")
    assert action.compiles == Compiled("demo-ext", X86, ("fast",), default_features=False, package=".#demo-ext@1.2.3")
    assert (action.machine, dict(action.traits)[f"purl:{WHEEL}"]) == (
        None,
        f"pkg:pypi/demo-ext@1.2.3?file_name={WHEEL}",
    )


@pytest.mark.parametrize(
    ("glibc", "image"),
    [("2.17", "manylinux2014"), ("2.27", "manylinux2014"), ("2.31", "manylinux_2_28"), ("2.40", "manylinux_2_34")],
)
def test_the_newest_image_that_the_floor_allows(glibc, image):
    (action,) = planned(Target(ARM, glibc=glibc))
    assert action.recipe.image == image


def test_an_image_of_ones_own_is_part_of_what_is_done():
    (action,) = planned(Target(X86, glibc="2.17"), image="sha256:" + "0" * 64)
    assert action.recipe.image == "sha256:" + "0" * 64


def test_a_wheel_for_macos_asks_for_a_mac_and_says_why():
    (action,) = planned(Target(MAC, macos="11.0", runner="ubuntu-24.04"))
    assert action.tools == ("cibuildwheel", "zig")
    assert action.recipe.image is None
    assert action.machine.system == "macos"
    assert "on a Mac" in action.machine.why


def test_the_package_may_lie_beside_the_crate():
    (action,) = planned(Target(X86, glibc="2.17"), source="py", reads=("words",))
    assert action.sources == ("py", "ext/Cargo.lock", "ext", "words", "LICENSE")


@pytest.mark.parametrize(
    ("change", "key", "said"),
    [
        (('requires-python = ">=3.11"', ""), "source", "which Python is the oldest"),
        ((">=3.11", "<4"), "source", "which Python is the oldest"),
        ((">=3.11", "newish"), "source", "'newish' is no version specifier"),
        (('">=3.11"', "3"), "source", "`requires-python` is not a text"),
        (('"Demo-Ext"', '"démo ext"'), "source", "'démo ext' is not a valid name of a Python distribution"),
        (('"Demo-Ext"', "1"), "source", "the project has no name"),
        ((PYPROJECT, "build-system = 1\n" + PYPROJECT), "source", "`build-system` is not a table"),
        (('dynamic = ["version"]', 'version = "1.0"'), "source", "this states version 1.0, and the release is"),
        (("[tool.maturin]", "[tool]\nmaturin = 1\n[other]"), "source", r"\[tool.maturin\] is not a table"),
        (('["fast"]', "1"), "source", r"`features` of \[tool.maturin\] is not a list of texts"),
        ((PYPROJECT, "tool = 1\n" + PYPROJECT.partition("[tool")[0]), "source", "`tool` is not a table"),
    ],
)
def test_what_pyproject_has_to_say(change, key, said):
    with pytest.raises(PlanProblem, match=said) as problem:
        planned(Target(X86, glibc="2.17"), pyproject=PYPROJECT.replace(*change))
    assert problem.value.key == (key,)
    assert problem.value.where is None or problem.value.where.startswith("ext/pyproject.toml:")


MANIFEST = '[package]\nname = "demo-ext"\n\n[dependencies]\npyo3 = { version = "0.24", features = ["FEATURE"] }\n'


def problems_of_pyo3(manifest, maturin, more=None, folder="ext"):
    dependencies = ("pyo3",) if manifest and "pyo3" in manifest else ()
    crate = Crate("demo-ext", "1.2.3", "ext", "demo_ext", ("cdylib",), packages=dependencies)
    files = {"ext/pyproject.toml": PYPROJECT.replace('features = ["fast"]', maturin)}
    files |= {"ext/Cargo.toml": manifest} if manifest else {}
    files |= more or {}

    section = ExtensionSpec(kind="extension", crate="demo-ext")
    context = Context(
        artifact="ext",
        project=ReleaseInfo("demo", "1.2.3", license_files=("LICENSE",), commit="c0ffee"),
        workspace=Workspace(folder, {"demo-ext": crate}, locked=True, settings=("ext/Cargo.lock",)),
        targets=(Target(X86),),
        spec_for=lambda _: section,
        actions_of=lambda _: (),
        action_for=lambda _, __: None,
        shipping=tuple,
        read_text=reader(files),
        folders=lambda _: (),
        ship=True,
    )
    return list(check(section, context))


@pytest.mark.parametrize(
    ("manifest", "maturin", "problems"),
    [
        (MANIFEST, "", ["demo-ext builds PyO3 for one version of Python only"]),
        (MANIFEST.replace("FEATURE", "abi3-py311"), "", []),
        (MANIFEST.replace("FEATURE", "abi3"), "", []),
        (MANIFEST, 'features = ["pyo3/abi3-py311"]', []),
        (MANIFEST.replace("pyo3", "other"), "", []),
        (None, "", []),  # planning says that it cannot be read
    ],
)
def test_a_pyo3_for_one_version_of_python_is_refused(manifest, maturin, problems):
    result = problems_of_pyo3(manifest, maturin)
    assert [problem.message.partition(",")[0] for problem in result] == problems
    assert [problem.where for problem in result] == ["ext/Cargo.toml:5:1" for _ in problems]


def test_features_of_pyo3_count_where_the_workspace_states_them():
    inherited = '[package]\nname = "demo-ext"\n[dependencies]\npyo3.workspace = true\n'
    root = '[workspace]\n[workspace.dependencies]\npyo3 = {version = "0.24", features = ["FEATURE"]}\n'
    assert problems_of_pyo3(inherited, "", {"Cargo.toml": root.replace("FEATURE", "abi3-py311")}, folder=".") == []
    (problem,) = problems_of_pyo3(inherited, "", {"Cargo.toml": root}, folder=".")
    assert problem.where == "ext/Cargo.toml:4:1"


def test_targets_that_cibuildwheel_does_not_know():
    assert KIND.unsupported(PLATFORMS[X86]) is None
    assert KIND.unsupported(PLATFORMS["wasm32-unknown-unknown"]) == "no platform tag of wheels names WebAssembly"
    with pytest.raises(PlanProblem, match="no image or machine of cibuildwheel's is known here for Linux with musl"):
        planned(Target("x86_64-unknown-linux-musl"))


def test_a_way_out_leads_out():
    with pytest.raises(PlanProblem) as problem:
        planned(Target("x86_64-pc-windows-gnullvm"))
    assert problem.value.hint == "narrow `targets`"  # as no one else builds what is no PyO3 module
    with pytest.raises(PlanProblem, match="is no PyO3 module") as problem:
        planned(Target("x86_64-pc-windows-gnullvm"), builder="zig")
    assert problem.value.hint == "leave x86_64-pc-windows-gnullvm out of `targets`, or use PyO3"


def test_nothing_is_undefined_in_a_dll():
    windows = Platform("x86_64-pc-windows-gnullvm", WINDOWS_GNULLVM, X86_64)
    assert list(contents.undefined({}, windows, None, None)) == []


def test_a_target_without_a_floor_is_refused():
    with pytest.raises(PlanProblem, match="needs a floor"):
        planned(Target(X86))


# What is made


class Machine:
    """A project with an extension, and a machine with a pretended cibuildwheel and a container engine."""

    def __init__(self, bench: Bench) -> None:
        bench.offline = False
        self.bench = bench
        self.home = bench.root / "home"
        (self.home / "wheels").mkdir(parents=True)
        bench.source("ext/pyproject.toml", PYPROJECT)
        bench.source("ext/build.sh").chmod(0o700)
        bench.source(".gitignore", "/ext/target/\n")
        bench.source("ext/target/release/leftover.so")
        bench.source("other/secret.txt")
        bench.source("LICENSE", "no")
        bench.source("legal/NOTICE")

    def lay(self, *tags: str, name: str = "Demo-Ext", version: str = "1.2.3", **members: bytes) -> None:
        """Lay ready what cibuildwheel makes."""
        files = {MODULE: golden()} | members
        write_wheel(
            self.home / "wheels" / wheel_file_name(name, version, tags or (TAG,)),
            name=name,
            version=version,
            tags=tags or (TAG,),
            metadata=METADATA.replace("1.2.3", version).replace("Demo-Ext", name),
            entries=[Member(path, content, executable=path == MODULE) for path, content in files.items()],
            licenses=[Member("LICENSE", b"yes")],
            epoch=1_700_000_000,
            generator="maturin (1.16.0)",
        )

    def make(self, triple: str = X86, **fields: Any) -> ActionContext:
        package = Package("ext", "Demo-Ext", "1.2.3", "c0ffee", ("LICENSE", "legal/NOTICE"), 315_532_800)
        linked, needed = linked_code(self.bench, CRATE)
        recipe = CibuildwheelExtension(
            package, "cp311", PLATFORMS[triple], "2.17", "manylinux2014", WHEEL_PLANNED, linked
        )
        recipe = replace(recipe, **fields)
        tools = {
            "cibuildwheel": Tool("cibuildwheel", "4.3.3", (sys.executable, str(PROGRAM), str(self.home)), "c 4.3.3"),
            "container": Tool("container", "20.10", ("/usr/bin/podman",), "podman 20.10"),
            "zig": Tool("zig", "0.17.0", (str(self.home / "zig" / "zig"),), "zig 0.17.0"),
        }
        write_lists(self.home / "zig" / "lib" / "libc")
        return self.bench.make(
            recipe,
            Output("extension", "extension", folder=True),
            Output(WHEEL, "wheel", WHEEL),
            sources=("ext",),
            needed=needed,
            toolchain=Toolchain("installed", tools, {}, Path("/")),
        )

    @property
    def call(self) -> dict[str, Any]:
        return json.loads((self.home / "call.json").read_text())


@pytest.fixture
def machine(bench: Bench) -> Machine:
    return Machine(bench)


def test_cibuildwheel_is_told_everything_by_name_and_sees_declared_sources_alone(machine):
    machine.lay()
    context = machine.make()
    folder = context.folder / "project"
    assert machine.call["arguments"] == [
        *("--only", "cp311-manylinux_x86_64", "--output-dir", str(context.folder / "made")),
        str(folder / "ext"),
    ]
    assert machine.call["folder"] == str(folder)
    assert machine.call["files"] == {"ext/pyproject.toml": 0o644, "ext/build.sh": 0o755}
    output = {n: v for n, v in machine.call["environment"].items() if n.startswith(("CIBW_", "SOURCE_", "FERRULE_"))}
    assert output == {
        "CIBW_MANYLINUX_X86_64_IMAGE": "manylinux2014",
        "CIBW_CONTAINER_ENGINE": "podman; create_args: "
        "--env=CARGO_BUILD_RUSTFLAGS=--remap-path-prefix=/root/.cargo=/cargo --env=FERRULE_COMMIT=c0ffee "
        f"--env=FERRULE_FINGERPRINT={context.fingerprint}; disable_host_mount: true",
        "SOURCE_DATE_EPOCH": "315532800",
    }


def test_the_wheel_is_packed_again_under_the_promised_name(machine):
    machine.lay("cp311-abi3-manylinux_2_5_x86_64", **{"demo_ext-1.2.3.dist-info/sboms/a.json": b"{}"})
    context = machine.make()
    facts = read_wheel(context.output("wheel"))
    assert facts.tags == tuple(sorted(TAGS))
    assert set(facts.digests) == {
        MODULE,
        *(f"demo_ext-1.2.3.dist-info/{n}" for n in ("METADATA", "WHEEL", "RECORD", "licenses/LICENSE", "sboms/a.json")),
        *(f"demo_ext-1.2.3.dist-info/licenses/{n}" for n in ("NOTICE", "THIRD-PARTY-LICENSES")),
        "demo_ext-1.2.3.dist-info/sboms/Demo-Ext.cdx.json",
    }
    more = "".join(f"\nLicense-File: {name}" for name in ("LICENSE", "NOTICE", "THIRD-PARTY-LICENSES"))
    assert facts.metadata == METADATA.replace("\nLicense-File: LICENSE", more)
    assert facts.digests["demo_ext-1.2.3.dist-info/licenses/LICENSE"] == Digest.of(b"yes")


def test_what_is_inside_is_measured_and_kept_beside_it(machine):
    machine.lay(**{"demo_ext/data.bin": b"rustc version 1.2.3"})
    context = machine.make()
    assert (context.folder / "extension" / MODULE).read_bytes() == golden()
    assert [p.name for p in (context.folder / "extension").rglob("*") if p.is_file()] == ["demo_ext.abi3.so"]
    assert context.facts["fingerprint"] == context.fingerprint.hex
    assert context.facts["built_in"] == "manylinux2014"
    assert context.facts[MODULE]["format"] == "elf"
    assert "PyInit_d" in context.facts[MODULE]["exports"]
    assert "rustc" not in context.facts


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        (("cp311-cp311-manylinux_2_17_x86_64",), "is for cp311-cp311, not for cp311-abi3"),
        (("cp312-abi3-manylinux_2_17_x86_64",), "is for cp312-abi3, not for cp311-abi3"),
        (("cp311-abi3-manylinux_2_28_x86_64",), "manylinux_2_28_x86_64, and the target's floor is 2.17"),
        (("cp311-abi3-linux_x86_64",), "linux_x86_64, and the target's floor is 2.17"),
    ],
)
def test_a_wheel_that_keeps_less_than_was_promised_is_refused(machine, tags, said):
    machine.lay(*tags)
    with pytest.raises(VerificationError, match=said):
        machine.make()


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({MODULE: golden("demo-aarch64.so")}, "for linux on aarch64, not for x86_64-unknown-linux-gnu"),
        ({MODULE: golden().replace(b"PyInit_d", b"demo_add")}, "exports PyInit_"),
        ({MODULE: b"text"}, "holds no extension module"),
        ({"other/lib.so": golden("demo-aarch64.so")}, "other/lib.so: it is"),
        (
            {MODULE: golden().replace(b"\0malloc\0", b"\0helper\0")},
            "it needs helper of libc.so.6, which has no such symb",
        ),
    ],
)
def test_a_wheel_with_something_else_inside_is_refused(machine, members, said):
    machine.lay(**members)
    with pytest.raises(VerificationError, match=said):
        machine.make()


def test_a_wheel_of_another_version_is_refused(machine):
    machine.lay(version="1.2.4")
    with pytest.raises(BuildError, match=r"of version '1.2.4', not of '1.2.3'"):
        machine.make()


def test_no_wheel_is_refused(machine):
    with pytest.raises(BuildError, match="made: none"):
        machine.make()


def test_two_wheels_are_named(machine):
    machine.lay()
    machine.lay("cp311-abi3-manylinux_2_5_x86_64")
    with pytest.raises(BuildError, match=r"manylinux_2_17_x86_64.whl, .*manylinux_2_5_x86_64.whl"):
        machine.make()


@pytest.mark.parametrize(
    ("fails", "kind", "said"),
    [
        ("2 unknown option", BuildError, "does not understand"),
        ("3 nothing", BuildError, "for no such Python"),
        ("5 pure", BuildError, "nothing compiled"),
        ("7 old", ToolchainError, "too old"),
        ("9 abi3audit says no", VerificationError, "audit"),
        ("1 error: it does not compile", BuildError, "it does not compile"),
        ("1 exec /bin/bash: exec format error", ToolchainError, "programs do not run here"),
    ],
)
def test_a_failure_says_what_it_is(machine, fails, kind, said):
    (machine.home / "fails").write_text(fails)
    with pytest.raises(kind, match=said) as failure:
        machine.make()
    assert failure.value.hint
    assert "cibuildwheel.py" in command_of(failure.value)  # to be pasted


def test_a_wheel_for_macos_is_not_made_here_and_the_reason_is_told(machine):
    with pytest.raises(ToolchainError, match=r"this machine is Linux, and .* on a Mac only") as failure:
        machine.make(MAC, image=None, floor="11.0")
    assert "ferrule matrix" in failure.value.hint


@pytest.mark.parametrize("environment", [{}, {"CI": "true"}])
def test_a_mac_makes_it_and_only_there_ci_is_told(machine, environment):
    machine.bench.system, machine.bench.environment = "Darwin", environment
    machine.lay()
    with pytest.raises(VerificationError, match=r"floor is 11\.0|not for aarch64"):
        machine.make(MAC, image=None, floor="11.0")
    output = machine.call["environment"]
    assert machine.call["arguments"][1] == "cp311-macosx_arm64"
    assert (output["MACOSX_DEPLOYMENT_TARGET"], output.get("CI")) == ("11.0", environment.get("CI"))
    assert output["FERRULE_COMMIT"] == "c0ffee"


def test_without_a_network_nothing_is_tried(machine):
    machine.bench.offline = True
    with pytest.raises(NetworkError, match="no network may be used"):
        machine.make()
    assert not (machine.home / "call.json").exists()
