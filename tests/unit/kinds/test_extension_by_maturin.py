"""Extension modules by a pretended maturin: which Pythons are planned, and what becomes of the wheels."""

from __future__ import annotations

import gzip
import json
import re
import sys
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fakes.extension import CRATE, linked_code
from fakes.symbol_lists import write_lists
from ferrule.core.cargo_workspace import Crate, Workspace
from ferrule.core.errors import BuildError, ConfigError, VerificationError
from ferrule.core.model import Output, Target, Tool
from ferrule.core.platforms import PLATFORMS
from ferrule.core.toolchain import Toolchain
from ferrule.formats.wheel import read_wheel
from ferrule.kinds.base import Context, PlanProblem, ReleaseInfo
from ferrule.kinds.extension import ExtensionSpec, check, plan, pythons
from ferrule.kinds.extension.by_maturin import MaturinExtension
from ferrule.kinds.extension.contents import Package, PlannedWheel
from ferrule.kinds.extension.pythons import build_of

if TYPE_CHECKING:
    from tests.unit.kinds.conftest import Bench

    from ferrule.core.model import Action
    from ferrule.engine.context import ActionContext

X86, MUSL, MAC = "x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl", "aarch64-apple-darwin"
WINDOWS, WINDOWS_ARM = "x86_64-pc-windows-gnullvm", "aarch64-pc-windows-gnullvm"
GOLDEN = Path(__file__).parents[2] / "golden" / "binaries"
PROGRAM = Path(__file__).parents[2] / "fakes" / "maturin.py"
PROGRAMS = PROGRAM.with_name("programs.py")
PYPROJECT = """[build-system]
requires = ["maturin"]
build-backend = "maturin"

[project]
name = "Demo-Ext"
version = "1.2.3"
requires-python = ">=3.12"
"""
MANIFEST = """[package]
name = "demo-ext"

[features]
stable = ["pyo3/abi3-py310"]

[dependencies]
pyo3 = "0.30"
"""
LOCK = 'version = 4\n\n[[package]]\nname = "pyo3-ffi"\nversion = "0.30.1"\n'
MODULE = gzip.decompress((GOLDEN / "demo-x86_64.so.gz").read_bytes()).replace(b"demo_add", b"PyInit_d")


def context_of(
    *targets: Target,
    pyproject: str = PYPROJECT,
    manifest: str = MANIFEST,
    lock: str | None = LOCK,
    more: dict[str, str] | None = None,
    crates: tuple[Crate, ...] = (),
    **spec: Any,
) -> tuple[ExtensionSpec, Context]:
    crate = Crate(
        "demo-ext",
        "1.2.3",
        "ext",
        "demo_ext",
        ("cdylib",),
        paths=tuple(other.folder for other in crates),
        turns_on={"stable": ("pyo3/abi3-py310",), "default": ()},
        packages=("pyo3",),
    )
    section = ExtensionSpec(kind="extension", crate="demo-ext", **spec)
    files = {"ext/pyproject.toml": pyproject, "ext/Cargo.toml": manifest, **(more or {})}
    files |= {"ext/Cargo.lock": lock} if lock is not None else {}

    def read_text(name: str) -> str:
        if name not in files:
            raise ConfigError("this file cannot be read", where=name)
        return files[name]

    return section, Context(
        artifact="ext",
        project=ReleaseInfo("demo", "1.2.3", license_files=("LICENSE",), commit="c0ffee"),
        workspace=Workspace("ext", {one.name: one for one in (crate, *crates)}, locked=True),
        targets=targets or (Target(X86, glibc="2.17"),),
        spec_for=lambda _: section,
        actions_of=lambda _: (),
        action_for=lambda _, __: None,
        shipping=tuple,
        read_text=read_text,
        folders=lambda _: (),
        ship=True,
    )


def planned(*targets: Target, **options: Any) -> list[Action]:
    return [action for action in plan(*context_of(*targets, **options)) if action.compiles]


def pythons_of(action: Action) -> list[str]:
    return [wheel.python.tag for wheel in action.recipe.wheels]


def with_features(features: str) -> str:
    return MANIFEST.replace('"0.30"', f'{{ version = "0.30", features = [{features}] }}')


# What is planned


def test_every_python_that_the_package_and_pyo3_allow():
    (action,) = planned()
    assert pythons_of(action) == ["cp312-cp312", "cp313-cp313", "cp314-cp314", "cp315-cp315"]
    assert action.tools == ("rustc", "cargo", f"std-{X86}", "zig", "maturin")
    assert (action.machine, action.recipe.compatibility, action.recipe.profile) == (None, "manylinux_2_17", "release")
    names = [output.name for output in action.outputs if output.role == "wheel"]
    assert names[0] == "demo_ext-1.2.3-cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
    assert dict(action.traits)[f"purl:{names[0]}"] == f"pkg:pypi/demo-ext@1.2.3?file_name={names[0]}"


def test_debug_symbols_stand_beside_the_wheels_of_a_target():
    *_, action, archive = plan(*context_of(debug_symbols=True))
    assert action.tools == ("rustc", "cargo", f"std-{X86}", "zig", "maturin", "rust-objcopy")
    assert [output.role for output in action.outputs[:2]] == ["extension", "debug"]
    (output,) = archive.outputs
    assert (output.ships, output.role) == (f"demo_ext-1.2.3-{X86}-debug.tar.gz", "debug-symbols")
    assert archive.needs == (action.id,)


def test_what_requires_python_leaves_out_is_not_built():
    (action,) = planned(pyproject=PYPROJECT.replace(">=3.12", ">=3.11.4,<3.14,!=3.12.*"))
    assert pythons_of(action) == ["cp311-cp311", "cp313-cp313"]


@pytest.mark.parametrize(
    ("manifest", "options", "tag"),
    [
        (with_features('"abi3-py39"'), {}, "cp39-abi3"),
        (with_features('"abi3-py311", "abi3-py39"'), {}, "cp39-abi3"),
        (with_features('"abi3"'), {}, "cp312-abi3"),
        (MANIFEST, {"pyproject": PYPROJECT + '[tool.maturin]\nfeatures = ["pyo3/abi3-py311"]\n'}, "cp311-abi3"),
        (MANIFEST, {"pyproject": PYPROJECT + '[tool.maturin]\nfeatures = ["stable"]\n'}, "cp310-abi3"),
        (MANIFEST.replace('"0.30"', "{ workspace = true }"), {}, "cp313-abi3"),
        (MANIFEST.replace("pyo3 =", 'py = { package = "pyo3", features = ["abi3"] }\n#'), {}, "cp312-abi3"),
    ],
)  # fmt: skip
def test_one_wheel_where_features_of_pyo3_ask_for_the_stable_interface(manifest, options, tag):
    shared = '\n[workspace.dependencies]\npyo3 = { version = "0.30", features = ["abi3-py313"] }\n'
    (action,) = planned(manifest=manifest + shared, **options)
    assert pythons_of(action) == [tag]


OTHER = '[dependencies]\npyo3 = { version = "0.30", optional = true, features = ["abi3-py314"] }\ndemo-ext = "1"\n'


@pytest.mark.parametrize(
    ("need", "tags"),
    [
        ('{ path = "../other" }', 4),
        ('{ path = "../other", features = ["pyo3"] }', 1),
        ('{ path = "../other", default-features = false }', 4),
    ],
)
def test_a_crate_of_the_workspace_turns_the_stable_interface_on(need, tags):
    other = Crate("other", "1.2.3", "other", "other", ("lib",))
    (action,) = planned(manifest=f"{MANIFEST}other = {need}\n", more={"other/Cargo.toml": OTHER}, crates=(other,))
    assert len(pythons_of(action)) == tags


def test_pythons_as_they_are_named():
    wide = PYPROJECT.replace(">=3.12", ">=3.10")
    (action,) = planned(pythons=("cp310", "cp314t", "pp311", "cp310"), pyproject=wide)
    assert pythons_of(action) == ["cp310-cp310", "cp314-cp314t", "pp311-pypy311_pp73"]
    (action,) = planned(pythons=("abi3", "cp314t", "pp311"), pyproject=wide, manifest=with_features('"abi3-py312"'))
    assert pythons_of(action) == ["cp312-abi3", "cp314-cp314t", "pp311-pypy311_pp73"]


@pytest.mark.parametrize(
    ("target", "compatibility", "tag"),
    [
        (Target(MUSL), "musllinux_1_2", "musllinux_1_2_x86_64"),
        (Target(MAC, macos="11.0"), None, "macosx_11_0_arm64"),
        (Target(WINDOWS), None, "win_amd64"),
    ],
)
def test_every_target_that_wheels_can_name_from_one_machine(target, compatibility, tag):
    (action,) = planned(target, pythons=("cp312",))
    assert (action.machine, action.recipe.compatibility) == (None, compatibility)
    assert action.recipe.wheels[0].name == f"demo_ext-1.2.3-cp312-cp312-{tag}.whl"


def test_cibuildwheel_builds_what_maturin_does_not():
    stable = with_features('"abi3-py312"')
    for options in (
        {"image": "sha256:" + "0" * 64},
        {"builder": "cibuildwheel"},
        {"pyproject": PYPROJECT.replace('"maturin"\n', '"setuptools.build_meta"\n')},
    ):
        (action,) = planned(**{"manifest": stable, **options})
        assert "cibuildwheel" in action.tools


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pythons": ("cp38",)}, "PyO3 0.30 builds for CPython 3.9 to 3.15, and not for cp38"),
        ({"pythons": ("cp316",)}, "PyO3 0.30 builds for CPython 3.9 to 3.15, and not for cp316"),
        ({"pythons": ("pp310",)}, "PyO3 0.30 builds for PyPy 3.11 to 3.15, and not for pp310"),
        ({"pythons": ("pp313",)}, "maturin builds for PyPy 3.9 to 3.11, and not for pp313"),
        ({"pythons": ("cp313t",)}, "PyO3 0.30 builds for free-threaded Pythons from 3.14 on, and not for cp313t"),
        ({"pythons": ("cp314t",), "lock": LOCK.replace("0.30", "0.22")}, "PyO3 0.22 builds for CPython 3.7 to 3.13"),
        ({"pythons": ("cp313t",), "lock": LOCK.replace("0.30", "0.22")}, "for free-threaded Pythons for no version"),
        ({"pythons": ("cp313t",), "lock": LOCK.replace("0.30", "0.27")}, "maturin builds for free-threaded Pythons"),
        ({"pythons": ("cp399",), "lock": LOCK.replace("0.30", "0.99")}, "maturin builds for CPython 3.9 to 3.15"),
        ({"pythons": ("abi3",)}, "demo-ext builds PyO3 for one version of Python only"),
        ({"pythons": ("cp312",), "manifest": with_features('"abi3"')}, "so it makes no wheel for cp312 alone"),
        ({"builder": "cibuildwheel"}, "demo-ext builds PyO3 for one version of Python only"),
        ({"builder": "cibuildwheel", "debug_symbols": True}, "what cibuildwheel links keeps no debug information"),
        ({"builder": "cibuildwheel", "pythons": ("cp312",)}, "one wheel for the stable interface is built"),
        ({"builder": "zig", "image": "sha256:" + "0" * 64}, "maturin builds in no image"),
        ({"builder": "zig", "lock": None}, "demo-ext is no PyO3 module"),
        ({"pyproject": PYPROJECT.replace(">=3.12", "==3.7.*")}, r"PyO3 0.30 knows no Python that ==3.7.\* accepts"),
    ],
)
def test_what_cannot_be_built_is_refused(options, said):
    section, context = context_of(**options)
    problems = list(check(section, context))
    assert any(re.search(said, problem.message) for problem in problems)
    with pytest.raises(PlanProblem):
        plan(section, context)


def test_there_is_no_pypy_for_windows_on_arm64():
    with pytest.raises(PlanProblem, match="there is no PyPy for Windows on aarch64"):
        planned(Target(WINDOWS_ARM), pythons=("pp311",), pyproject=PYPROJECT.replace(">=3.12", ">=3.11"))


def test_for_windows_the_stable_interface_stands_alone():
    stable = with_features('"abi3-py312"')
    with pytest.raises(PlanProblem, match="for Windows maturin makes no wheel for cp314t of a module for the stable"):
        planned(Target(WINDOWS), pythons=("abi3", "cp314t"), manifest=stable)
    planned(Target(WINDOWS), pythons=("abi3",), manifest=stable)


def test_an_old_pyo3_needs_its_import_library_for_windows():
    old = LOCK.replace("0.30", "0.28")
    with pytest.raises(PlanProblem, match="needs an import library") as problem:
        planned(Target(WINDOWS), lock=old)
    assert problem.value.where == "ext/Cargo.toml:8:1"
    planned(Target(WINDOWS), lock=old, manifest=with_features('"generate-import-lib"'))


def test_a_static_version_that_agrees_is_fine_and_another_is_refused():
    planned()
    with pytest.raises(PlanProblem, match=r"this states version 1\.0"):
        planned(pyproject=PYPROJECT.replace("1.2.3", "1.0"))


@pytest.mark.parametrize(
    ("names", "requires", "features", "key", "said"),
    [
        (("cp312", "cp311"), ">=3.12", "", "pythons", "the wheel for cp311: requires-python is >=3.12"),
        (("pp311",), ">=3.12", "", "pythons", "the wheel for pp311: requires-python is >=3.12"),
        (("abi3",), "<3.12", '"abi3-py312"', "pythons", "abi3 from 3.12 on: requires-python is <3.12"),
        (None, "<3.12", '"abi3-py312"', "source", "abi3 from 3.12 on: requires-python is <3.12"),
        (None, ">=3.16", '"abi3"', "source", "for Python 3.16 and newer, and PyO3 and maturin know none after 3.15"),
    ],
)
def test_a_wheel_that_nobody_could_install_is_refused(names, requires, features, key, said):
    pyproject = PYPROJECT.replace(">=3.12", requires)
    section, context = context_of(pythons=names, pyproject=pyproject, manifest=with_features(features))
    (problem,) = check(section, context)
    assert said in problem.message
    assert problem.key == (key,)
    assert problem.where == ("ext/pyproject.toml:8:1" if key == "source" else None)
    with pytest.raises(PlanProblem, match=re.escape(said)):
        plan(section, context)


def test_a_wheel_for_newer_pythons_than_the_package_is_for_is_fine():
    (action,) = planned(pyproject=PYPROJECT.replace(">=3.12", ">=3.9"), manifest=with_features('"abi3-py312"'))
    assert pythons_of(action) == ["cp312-abi3"]


@pytest.mark.parametrize(("names", "count"), [(None, 7), (("cp310", "pp311"), 2)])
def test_a_package_that_does_not_say_which_pythons_it_is_for_is_for_all(names, count):
    (action,) = planned(pyproject=PYPROJECT.replace('requires-python = ">=3.12"\n', ""), pythons=names)
    assert len(pythons_of(action)) == count


def test_the_stable_interface_begins_at_a_python_that_somebody_names():
    silent = PYPROJECT.replace('requires-python = ">=3.12"\n', "")
    (action,) = planned(pyproject=silent, manifest=with_features('"abi3-py312"'))
    assert pythons_of(action) == ["cp312-abi3"]
    with pytest.raises(PlanProblem, match="does not say which Python is the oldest") as problem:
        planned(pyproject=silent, manifest=with_features('"abi3"'))
    assert problem.value.where == "ext/pyproject.toml:5:1"


@pytest.mark.parametrize("names", [None, ("cp312",)])
def test_a_pyo3_that_names_no_pythons_builds_for_the_stable_interface_alone(names):
    old = LOCK.replace("0.30.1", "0.19.2")
    with pytest.raises(PlanProblem, match=r"PyO3 0\.19 does not say which Pythons it builds for") as problem:
        planned(lock=old, pythons=names)
    assert "take PyO3 0.20 or newer" in str(problem.value.hint)
    (action,) = planned(lock=old, manifest=with_features('"abi3-py312"'))
    assert pythons_of(action) == ["cp312-abi3"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('bindings = "bin"', "an extension module has bindings of PyO3, and these are bin"),
        ("bindings = 1", "`bindings` of [tool.maturin] is not a text"),
        ("all-features = true", "Ferrule has to know the features by name"),
        ('no-default-features = "yes"', "`no-default-features` of [tool.maturin] is not true or false"),
        ("profile = 3", "`profile` of [tool.maturin] is not a text"),
        ("features = [1]", "`features` of [tool.maturin] is not a list of texts"),
        ("include = [1]", "`include` of [tool.maturin] is not a list of patterns"),
        ("exclude = 1", "`exclude` of [tool.maturin] is not a list of patterns"),
        ('include = [{format = "wheel"}]', "`include` of [tool.maturin] is not a list of patterns"),
        ('include = [{path = "/etc/x", format = "wheel"}]', "/etc/x is a path of one machine"),
        ('python-source = "gone"', "there is no folder gone beside this file"),
        ('data = "../../gone"', "there is no folder ../../gone beside this file"),
        ('manifest-path = "gone/Cargo.toml"', "there is no file gone/Cargo.toml here"),
        (
            'manifest-path = "../other/Cargo.toml"',
            "maturin builds the crate of other/Cargo.toml, and targets.yaml",
        ),
    ],
)
def test_what_maturin_would_refuse_is_said_where_it_stands(settings, said):
    pyproject = f"{PYPROJECT}[tool.maturin]\n{settings}\n"
    with pytest.raises(PlanProblem, match=re.escape(said)) as problem:
        planned(pyproject=pyproject, more={"other/Cargo.toml": ""})
    assert problem.value.where == "ext/pyproject.toml:10:1"
    assert problem.value.hint


def test_settings_that_lead_somewhere_are_maturins():
    settings = 'python-source = "."\nmanifest-path = "../ext/Cargo.toml"\ninclude = ["*.pyi"]\nbindings = "pyo3"\n'
    (action,) = planned(pyproject=f"{PYPROJECT}[tool.maturin]\n{settings}")
    assert len(pythons_of(action)) == 4


def test_a_pyo3_that_nobody_knows_yet_is_left_to_itself():
    assert pythons.by_default((0, 99), ">=3.14") == ("cp314", "cp315")


# What is made


class Machine:
    """A project with an extension, and a machine with a pretended maturin."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.home = bench.root / "home"
        self.home.mkdir()
        (self.home / "module").write_bytes(MODULE)
        bench.source("ext/pyproject.toml", PYPROJECT)
        bench.source("ext/Cargo.toml", MANIFEST)
        bench.source(".gitignore", "/ext/target/\n")
        bench.source("ext/target/leftover.so")
        bench.source("LICENSE", "no")

    def make(self, *names: str, **fields: Any) -> ActionContext:
        builds = [build_of(name, 12) for name in names or ("cp312", "cp314t", "pp311")]
        tags = [f"{one.tag}-manylinux_2_17_x86_64" for one in builds]
        named = zip(builds, tags, strict=True)
        wheels = tuple(
            PlannedWheel(one, f"demo_ext-1.2.3-{tag}.whl", (tag,), f"pkg:pypi/demo-ext@1.2.3?python={tag}")
            for one, tag in named
        )
        linked, needed = linked_code(self.bench, CRATE)
        package = Package("ext", "Demo-Ext", "1.2.3", "c0ffee", ("LICENSE",), 315_532_800)
        recipe = MaturinExtension(package, PLATFORMS[X86], "2.17", "manylinux_2_17", "ext", "release", wheels, linked)
        zig = self.home / "zig" / "zig"
        tools = {
            "maturin": Tool("maturin", "1.16.0", (sys.executable, str(PROGRAM), str(self.home)), "maturin 1.16.0"),
            "zig": Tool("zig", "0.17.0", (str(zig),), "zig 0.17.0"),
            "rustc": Tool("rustc", "1.96.0", ("/bin/rustc",), "rustc 1.96.0"),
            "cargo": Tool("cargo", "1.96.0", ("/bin/cargo",), "cargo 1.96.0"),
            "rust-objcopy": Tool(
                *("rust-objcopy", "22", (sys.executable, str(PROGRAMS), str(self.home), "rust-objcopy"), "22")
            ),
        }
        write_lists(self.home / "zig" / "lib" / "libc")
        zig.write_text("#!/bin/sh\nfor last; do :; done\ncase $last in *.s) cp audit-data audit-data.o ;; esac\n")
        zig.chmod(0o755)
        return self.bench.make(
            replace(recipe, **fields),
            Output("extension", "extension", folder=True),
            Output("debug", "debug", folder=True),
            *(Output(wheel.name, "wheel", wheel.name) for wheel in wheels),
            sources=("ext",),
            needed=needed,
            toolchain=Toolchain("installed", tools, {X86: "prebuilt"}, Path("/")),
        )

    @property
    def call(self) -> dict[str, Any]:
        call: dict[str, Any] = json.loads((self.home / "call.json").read_text())
        return call


@pytest.fixture
def machine(bench: Bench) -> Machine:
    return Machine(bench)


def test_one_call_builds_for_all_pythons_in_one_folder_and_meets_none_of_the_machine(machine):
    context = machine.make()
    arguments = machine.call["arguments"]
    assert arguments[:8] == [
        *("build", "--zig", "--locked", "--offline", "--profile", "release", "--target", X86),
    ]
    assert arguments[arguments.index("--target-dir") + 1] == str(machine.bench.root / "caches" / "maturin" / X86)
    assert [a for a in arguments if a.startswith(("python", "pypy"))] == ["python3.12", "python3.14t", "pypy3.11"]
    hidden = machine.call["environment"]["PATH"].split(":")[0]
    assert sorted(p.name for p in Path(hidden).iterdir()) == ["pypy3.11", "python3.12", "python3.14t"]
    assert machine.call["environment"]["FERRULE_FINGERPRINT"] == context.fingerprint.hex
    assert machine.call["files"] == ["ext/Cargo.toml", "ext/pyproject.toml"]


def test_every_wheel_is_packed_again_and_every_module_kept_and_measured(machine):
    context = machine.make()
    for name in ("cp312-cp312", "cp314-cp314t", "pp311-pypy311_pp73"):
        path = context.folder / f"demo_ext-1.2.3-{name}-manylinux_2_17_x86_64.whl"
        assert read_wheel(path).tags == (f"{name}-manylinux_2_17_x86_64",)
    names = ("demo_ext.cp312.so", "demo_ext.cp314t.so", "demo_ext.pypy311_pp73.so", "more.so")
    modules = [f"demo_ext/{name}" for name in names]
    kept = (p.relative_to(context.folder / "extension") for p in (context.folder / "extension").rglob("*.so"))
    assert sorted(map(str, kept)) == modules
    assert all("PyInit_d" in context.facts[name]["exports"] for name in modules)


def test_a_wheel_says_what_is_linked_into_it(machine):
    context = machine.make("cp312", "pp311")
    for python in ("cp312-cp312", "pp311-pypy311_pp73"):
        tag = f"{python}-manylinux_2_17_x86_64"
        with zipfile.ZipFile(context.folder / f"demo_ext-1.2.3-{tag}.whl") as wheel:
            texts = {name.partition(".dist-info/")[2]: wheel.read(name) for name in wheel.namelist()}
        assert b"demo-ext 1.2.3" in texts["licenses/THIRD-PARTY-LICENSES"]
        assert b"License-File: THIRD-PARTY-LICENSES\n" in texts["METADATA"]
        bill = json.loads(texts["sboms/Demo-Ext.cdx.json"])
        assert bill["metadata"]["component"]["purl"] == f"pkg:pypi/demo-ext@1.2.3?python={tag}"
        files = {part["name"] for part in bill["components"] if part["bom-ref"].startswith("file:")}
        module = f"demo_ext/demo_ext.{python.partition('-')[2]}.so"
        assert files == {module, "demo_ext/more.so"}
        assert {"demo-ext", "zig-compiler-rt"} <= {part["name"] for part in bill["components"]}


def test_the_modules_hold_the_list_of_their_crates_unless_they_are_told_not_to(machine):
    context = machine.make("cp312")
    module = (context.folder / "extension" / "demo_ext" / "demo_ext.cp312.so").read_bytes()
    (package,) = json.loads(zlib.decompress(module.removeprefix(MODULE)))["packages"]
    assert package == {"name": "demo-ext", "version": "1.2.3", "source": "local", "root": True}
    options = machine.call["arguments"][machine.call["arguments"].index("--") :]
    assert options[-2:] == ["-C", "link-arg=-Wl,--build-id=sha1"]


def test_without_the_list_nothing_more_is_linked(machine):
    context = machine.make("cp312", auditable=False)
    assert (context.folder / "extension" / "demo_ext" / "demo_ext.cp312.so").read_bytes() == MODULE
    assert "FERRULE_LINK_OBJECT" not in machine.call["environment"]


def test_modules_without_their_debug_information(machine):
    binaries = machine.home / "binaries"
    binaries.mkdir()
    (binaries / "demo-x86_64.so").write_bytes(MODULE)
    for name in ("demo-linked.dll", "demo-x86_64.debug"):
        (binaries / name).write_bytes(gzip.decompress((GOLDEN / f"{name}.gz").read_bytes()))
    context = machine.make("cp312", "cp313", debug_symbols=True)
    modules = ("demo_ext.cp312.so", "demo_ext.cp313.so", "more.so")
    assert sorted(path.name for path in (context.folder / "debug").iterdir()) == [f"{name}.debug" for name in modules]
    assert {f"debug/{name}.debug" for name in modules} < context.facts.keys()
    assert "-Cdebuginfo=line-tables-only" in machine.call["environment"]["CARGO_ENCODED_RUSTFLAGS"]
    calls = (machine.home / "calls").read_text()
    assert calls.count("rust-objcopy --strip-all-gnu") == 4
    wheel = context.folder / "demo_ext-1.2.3-cp312-cp312-manylinux_2_17_x86_64.whl"
    with zipfile.ZipFile(wheel) as packed:
        content = packed.read("demo_ext/demo_ext.cp312.so")
    assert content == (context.folder / "released" / "demo_ext" / "demo_ext.cp312.so").read_bytes()


def test_wheels_for_other_pythons_than_planned_are_refused(machine):
    (machine.home / "stable").touch()
    with pytest.raises(VerificationError, match="made wheels for cp312-abi3, and planned are cp312-cp312") as failure:
        machine.make("cp312")
    assert "abi3 where a feature of PyO3" in failure.value.hint


def test_a_wheel_without_a_module_is_refused(machine):
    (machine.home / "module").write_bytes(MODULE.replace(b"PyInit_d", b"demo_add"))
    with pytest.raises(VerificationError, match="holds no extension module"):
        machine.make("cp312")


def test_a_module_that_needs_a_foreign_library_is_refused(machine):
    needs = MODULE.replace(b"libc.so.6\0", b"libz.so.6\0")
    (machine.home / "module").write_bytes(needs)
    with pytest.raises(
        VerificationError, match=r"it needs libz\.so\.6, which is neither a system library nor declared"
    ):
        machine.make("cp312")


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("💥 maturin failed\n  Caused by: cannot\n  Caused by: unknown interpreter\n", "maturin: unknown interpreter"),
        ("gone\n", "maturin: the build failed"),
        ("error[E0425]: cannot find value\n --> src/lib.rs:3:1\n", r"cannot find value \[E0425\]"),
    ],
)
def test_a_failure_says_what_it_is(machine, message, said):
    (machine.home / "fails").write_text(message)
    with pytest.raises(BuildError, match=said):
        machine.make("cp312")


def test_two_files_of_one_name_have_to_be_the_same(machine):
    (machine.home / "differs").touch()
    with pytest.raises(VerificationError, match=r"more\.so: two of the wheels hold different files of this name"):
        machine.make("cp312", "cp314t")
