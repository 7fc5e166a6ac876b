from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fakes.triples import ARM, MAC, WASM, X86
from ferrule import config
from ferrule.app.publish import DESTINATIONS
from ferrule.app.release import run as release
from ferrule.app.release.run import disk_of
from ferrule.config import PartlyReadableError
from ferrule.core.errors import ConfigErrors
from ferrule.core.model import Output, Target, to_json
from ferrule.core.platforms import LINUX_MUSL, PLATFORMS, WINDOWS_GNULLVM, X86_64, Platform
from ferrule.core.section import keys_of
from ferrule.kinds import KINDS
from ferrule.kinds.base import ReleaseInfo
from ferrule.kinds.wheel.pack import Wheel
from ferrule.plan import document, in_order, only, plan
from ferrule.reporting import plans
from work import instructions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fakes.toolchain import Demo
    from ferrule.core.model import Plan
    from ferrule.kinds.wheel.package_sources import PackageSources

PROJECT = ReleaseInfo("demo", "1.2.3", license="MIT", license_files=("LICENSE",), commit="c0ffee", epoch=315_532_800)


def planned(root: Path, *, narrowed: bool = False, project: ReleaseInfo = PROJECT) -> Plan:
    return plan(config.load(root, KINDS, DESTINATIONS), project, disk_of(root), narrowed=narrowed)


def artifacts(demo: Demo, *lines: str) -> Path:
    """The project with other artifacts."""
    path = demo.project / "targets.yaml"
    head = path.read_text().partition("artifacts:\n")[0]
    path.write_text(f"{head}artifacts:\n" + "".join(f"  {line}\n" for line in lines))
    return demo.project


NATIVE = "native: {kind: library, crate: demo-ffi}"
DECLARED = "native: {kind: library, crate: demo-ffi, header: header}"
HEADER = "header: {kind: header, crate: demo-ffi}"
SDK = "sdk: {kind: sdk, library: native, header: header}"
WHEEL = "py: {kind: wheel, library: native, source: packaging/python}"
SUMS = "sums: {kind: checksums}"


def mistakes(demo: Demo, *lines: str) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        planned(artifacts(demo, *lines))
    return [str(m).partition("\n")[0] for m in caught.value.errors]


def ids(made: Plan) -> list[str]:
    return [a.id for a in made.actions]


def ships(made: Plan) -> set[str]:
    return {o.ships for a in made.actions for o in a.outputs if o.ships}


def test_every_action_follows_those_it_needs(demo: Demo) -> None:
    plan = planned(demo.project)
    assert (plan.project, plan.version) == ("demo", "1.2.3")
    for number, action in enumerate(plan.actions):
        assert set(action.needs) <= set(ids(plan)[:number])


def test_order_does_not_depend_on_the_order_of_the_file(demo: Demo) -> None:
    one = planned(artifacts(demo, DECLARED, HEADER, SDK, SUMS))
    other = planned(artifacts(demo, SUMS, SDK, HEADER, DECLARED))
    assert set(one.actions) == set(other.actions)
    assert ids(other)[-1] == "sums"
    for number, action in enumerate(other.actions):
        assert set(action.needs) <= set(ids(other)[:number])


def test_equal_input_gives_an_equal_plan(demo: Demo) -> None:
    assert planned(demo.project) == planned(demo.project)


def test_what_describes_the_others_needs_all_that_ships(demo: Demo) -> None:
    plan = planned(demo.project)
    shipping = {a.id for a in plan.actions if any(o.ships for o in a.outputs)} - {"sums", "provenance"}
    *_, sums, provenance = plan.actions
    assert set(sums.needs) == shipping
    assert set(provenance.needs) >= shipping | {"sums"}


def test_packed_artifacts_do_not_ship(demo: Demo) -> None:
    assert ships(planned(artifacts(demo, NATIVE, HEADER))) == {
        "include/demo.h",
        *(f"lib/{t}/libdemo.a" for t in (X86, ARM, MAC)),
        *(f"lib/{t}/libdemo.so.1" for t in (X86, ARM)),
        f"lib/{MAC}/libdemo.1.dylib",
    }
    assert ships(planned(artifacts(demo, DECLARED, HEADER, SDK))) == {
        f"demo-c-1.2.3-{t}.tar.gz" for t in (X86, ARM, MAC)
    }


def test_ship_overrides_in_both_directions(demo: Demo) -> None:
    loud = "native: {kind: library, crate: demo-ffi, header: header, ship: true}"
    result = ships(planned(artifacts(demo, loud, HEADER, SDK)))
    assert f"lib/{X86}/libdemo.a" in result
    assert f"demo-c-1.2.3-{X86}.tar.gz" in result
    silent = "header: {kind: header, crate: demo-ffi, ship: false}"
    assert ships(planned(artifacts(demo, silent))) == set()


def test_sums_alone_pack_nothing(demo: Demo) -> None:
    plan = planned(artifacts(demo, HEADER, SUMS))
    assert ships(plan) == {"include/demo.h", "SHA256SUMS"}


def test_artifact_is_made_for_the_targets_of_what_it_packs(demo: Demo) -> None:
    narrow = f"native: {{kind: library, crate: demo-ffi, header: header, targets: [{MAC}]}}"
    assert ids(planned(artifacts(demo, narrow, HEADER, SDK))) == [
        "header",
        f"native@{MAC}",
        f"native:contents@{MAC}",
        f"sdk@{MAC}",
    ]


def test_globs_select_in_the_order_of_the_file(demo: Demo) -> None:
    globs = 'native: {kind: library, crate: demo-ffi, targets: ["aarch64-*", "*-linux-gnu"]}'
    assert ids(planned(artifacts(demo, globs))) == [f"native@{X86}", f"native@{ARM}", f"native@{MAC}"]


def test_collision_is_told_at_the_second(demo: Demo) -> None:
    again = "header2: {kind: header, crate: demo-ffi}"
    assert mistakes(demo, HEADER, again) == [
        "targets.yaml:25:3: header2 and header would both write dist/include/demo.h",
    ]


def test_equal_names_that_do_not_ship_are_no_collision(demo: Demo) -> None:
    again = "native2: {kind: library, crate: demo-ffi, header: header}"
    second = "sdk2: {kind: sdk, library: native2, header: header, name: other}"
    assert len(planned(artifacts(demo, DECLARED, again, HEADER, SDK, second)).actions) == 16


def test_names_that_differ_in_case_only_are_a_collision(demo: Demo) -> None:
    again = "header2: {kind: header, crate: demo-ffi, name: Demo.h}"
    assert "would both write dist/include/Demo.h" in mistakes(demo, HEADER, again)[0]


@pytest.mark.parametrize("first", [True, False])
def test_folder_over_files_of_others_is_a_collision(demo: Demo, first: bool) -> None:
    image = "lib: {kind: image, library: native, base: packaging/base.lock}"
    loud = "native: {kind: library, crate: demo-ffi, ship: true}"
    errors = mistakes(demo, *((image, loud) if first else (loud, image)))
    assert any("would both write dist/lib" in t for t in errors)


def test_two_sums_are_a_collision(demo: Demo) -> None:
    assert "would both write dist/SHA256SUMS" in mistakes(demo, HEADER, SUMS, "sums2: {kind: checksums}")[0]


def test_target_that_the_kind_cannot_be_made_for(demo: Demo) -> None:
    reason = "it is machine code, and WebAssembly is no machine"
    assert mistakes(demo, f"native: {{kind: library, crate: demo-ffi, targets: [{WASM}]}}") == [
        f"targets.yaml:24:44: no target is left for native, of kind library ({WASM}: {reason})",
    ]


def test_artifact_without_a_target_is_left_out_of_a_part(demo: Demo) -> None:
    lines = (f"native: {{kind: library, crate: demo-ffi, header: header, targets: [{MAC}]}}", HEADER, SDK)
    loaded = config.load(artifacts(demo, *lines), KINDS, DESTINATIONS)
    part = replace(loaded, targets=tuple(t for t in loaded.targets if t.triple == X86))
    assert ids(plan(part, PROJECT, disk_of(demo.project), narrowed=True)) == ["header"]


def test_what_needs_an_artifact_that_a_part_does_not_make_is_left_out_too(demo: Demo) -> None:
    wazero = "github.com/tetratelabs/wazero v1.12.0"
    modules = {
        "lib": f"module example.org/demo\nrequire {wazero}\n",
        "app": "module example.org/app\nrequire example.org/demo v1.2.3\n",
    }
    for name, text in modules.items():
        (demo.project / name).mkdir()
        (demo.project / name / "go.mod").write_text(text)
    component = "component: {kind: component, crate: demo-wasm}"
    module = "go: {kind: gomodule, source: lib, component: component}"
    program = f"app: {{kind: goprogram, module: go, source: app, targets: [{X86}]}}"
    loaded = config.load(artifacts(demo, HEADER, component, module, program), KINDS, DESTINATIONS)
    assert "app@" + X86 in ids(plan(loaded, PROJECT, disk_of(demo.project)))
    part = replace(loaded, targets=tuple(t for t in loaded.targets if t.triple == X86))
    assert ids(plan(part, PROJECT, disk_of(demo.project), narrowed=True)) == ["header"]


def test_packer_wider_than_what_it_packs(demo: Demo) -> None:
    narrow = f"native: {{kind: library, crate: demo-ffi, targets: [{MAC}]}}"
    wide = f"sdk: {{kind: sdk, library: native, header: header, targets: [{X86}]}}"
    errors = mistakes(demo, narrow, HEADER, wide)
    assert errors == [f"targets.yaml:26:29: native is not made for {X86}"]


def test_an_sdk_packs_the_header_that_its_library_is_compared_with(demo: Demo) -> None:
    other = "other: {kind: header, crate: demo-ffi, name: other.h}"
    message = "targets.yaml:27:45: native does not name header, so nobody compares what it declares with the library"
    assert mistakes(demo, other, NATIVE[:-1] + ", header: other}", HEADER, SDK) == [message]


def test_all_problems_at_once_and_none_twice(demo: Demo) -> None:
    narrow = f"native: {{kind: library, crate: demo-ffi, targets: [{WASM}]}}"
    twice = ("h2: {kind: header, crate: demo-ffi}", "h3: {kind: header, crate: demo-ffi}")
    errors = mistakes(demo, narrow, HEADER, SDK, WHEEL, *twice)
    assert len(errors) == 2
    assert "no target is left for native" in errors[0]
    assert "would both write" in errors[1]


def test_overrides_of_a_target_hold_for_it_alone(demo: Demo) -> None:
    line = f"native: {{kind: library, crate: demo-ffi, per-target: {{{MAC}: {{abi: '7'}}}}}}"
    plan = planned(artifacts(demo, line))
    names = {a.target: a.outputs[0].name for a in plan.actions}
    assert names == {X86: "libdemo.so.1", ARM: "libdemo.so.1", MAC: "libdemo.7.dylib"}


def test_only_takes_along_what_is_needed(demo: Demo) -> None:
    plan = planned(demo.project)
    part = only(plan, lambda a: a.id == f"sdk-py@{X86}")
    assert ids(part) == ["header", f"native@{X86}", f"native:contents@{X86}", f"sdk-py@{X86}"]
    assert ids(only(plan, lambda _: False)) == []
    assert only(plan, lambda _: True) == plan


def test_document_is_plain_json(demo: Demo) -> None:
    output = json.loads(json.dumps(document(planned(demo.project))))
    assert (output["version"], output["project"], output["release"]) == (1, "demo", "1.2.3")
    native = next(a for a in output["actions"] if a["id"] == f"native@{MAC}")
    assert native["recipe"] == "CargoLibrary"
    assert native["needs"] == ["header"]
    assert native["outputs"][0] == {"name": "libdemo.1.dylib", "role": "cdylib", "ships": None, "folder": False}
    assert "rust/demo-ffi/src" in native["sources"]


def test_in_order_puts_what_is_named_first(demo: Demo) -> None:
    loaded = config.load(artifacts(demo, SUMS, SDK, WHEEL, DECLARED, HEADER), KINDS, DESTINATIONS)
    names = [a.name for a in in_order(loaded.artifacts)]
    assert names.index("native") < names.index("sdk")
    assert names.index("header") < names.index("sdk")
    assert names[-1] == "sums"


def test_kinds_are_listed_under_their_names() -> None:
    assert all(name == kind.name == keys_of(kind.spec)["kind"].annotation.__args__[0] for name, kind in KINDS.items())
    assert all(kind.summary for kind in KINDS.values())


# What planning alone can see in the sources that are packed


def pyproject(demo: Demo, text: str) -> None:
    (demo.project / "packaging" / "python" / "pyproject.toml").write_text(text)


def test_versions_that_an_ecosystem_does_not_take(demo: Demo) -> None:
    (problem,) = mistakes(demo, NATIVE, HEADER, WHEEL[:-1] + ', version: "1.0.0-dev-21-gabc"}')
    assert problem.startswith("targets.yaml:")
    assert problem.endswith("Python packages cannot have the version 1.0.0-dev-21-gabc (PEP 440)")


def test_an_artifact_may_state_its_own_version_and_what_packs_it_follows(demo: Demo) -> None:
    plan = planned(artifacts(demo, DECLARED[:-1] + ', version: "2.3.0"}', HEADER, SDK, WHEEL))
    names = [output.name for action in plan.actions for output in action.outputs]
    assert "libdemo.so.2" in names
    assert any(name.startswith("demo-c-2.3.0-") for name in names)
    assert any("-2.3.0-py3-none-" in name for name in names)
    assert plan.version == "1.2.3"


def test_problems_of_a_pyproject_and_of_features_are_reported_together(demo: Demo) -> None:
    pyproject(demo, '[project]\nname = "demo"\nreadme = "NONE.md"\nlicense = {text = "MIT"}\ndynamic = ["version"]\n')
    errors = mistakes(demo, NATIVE[:-1] + ", features: [lyte], profile: dist}", HEADER, WHEEL)
    assert {problem.split(": ", 1)[1] for problem in errors} == {
        'there is no Cargo profile "dist"',
        'the crate demo-ffi has no feature "lyte"',
        "NONE.md: this file cannot be read: No such file or directory",
        "`license` is a table, which metadata 2.4 does not take",
    }
    assert "packaging/python/pyproject.toml:3:1: NONE.md: this file cannot be read: No such file or directory" in errors


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[project", "packaging/python/pyproject.toml:1:9: this file cannot be read"),
        ("[build-system]", "targets.yaml:25:46: packaging/python/pyproject.toml has no [project] table"),
        (
            '[project]\ndescription = "x"',
            "packaging/python/pyproject.toml:1:1: the project has no name",
        ),
        (
            "[project]\nname = 7",
            "packaging/python/pyproject.toml:2:1: the project has no name",
        ),
        (
            '[project]\nname = "demo"\nversion = "1"',
            "packaging/python/pyproject.toml:3:1: this states version 1, and the release is 1.2.3",
        ),
        ('[project]\nname = "demo"', "packaging/python/pyproject.toml:1:1: there is no version"),
        (
            '[project]\nname = "demo"\ndynamic = [\n"version", "scripts"]',
            "packaging/python/pyproject.toml:3:1: only a build backend can compute scripts, so it would be lost",
        ),
    ],
)
def test_python_project_that_cannot_be_packed(demo: Demo, text: str, says: str) -> None:
    pyproject(demo, text)
    (error,) = mistakes(demo, NATIVE, WHEEL)
    assert error.startswith(says)


def test_everything_that_a_wheel_would_lose_is_said_at_once(demo: Demo) -> None:
    lost = 'dynamic = ["version", "scripts", "urls"]\n[tool.setuptools]\ndata-files = {a = ["b"]}\n'
    pyproject(demo, f'[project]\nname = "demo"\n{lost}')
    errors = mistakes(demo, NATIVE, WHEEL)
    assert [one.split(": ")[0].rpartition("toml")[2] for one in errors] == [":3:1", ":3:1", ":5:1"]


def test_a_stated_version_that_agrees_is_taken(demo: Demo) -> None:
    pyproject(demo, '[project]\nname = "demo"\nversion = "1.2.3"\n')
    assert f"py@{X86}" in ids(planned(artifacts(demo, NATIVE, WHEEL)))


def test_a_package_beside_pyproject_is_taken(demo: Demo) -> None:
    source = demo.project / "packaging" / "python"
    (source / "src" / "demo").rename(source / "demo")
    (source / "src").rmdir()
    for folder in ("tests", "data"):
        (source / folder).mkdir()
    (source / "tests" / "__init__.py").touch()
    recipe = next(a.recipe for a in planned(artifacts(demo, NATIVE, WHEEL)).actions if a.id == f"py@{X86}")
    assert isinstance(recipe, Wheel)
    assert (recipe.common.root, recipe.common.package) == ("packaging/python", "demo")
    assert recipe.common.packed == ("packaging/python/demo",)


def wheel_sources(demo: Demo, settings: str, *files: str) -> PackageSources:
    """What the wheel of a package with these settings and files more is made of."""
    source = demo.project / "packaging" / "python"
    for name in files:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).touch()
    pyproject(demo, f'[project]\nname = "demo"\nversion = "1.2.3"\n{settings}')
    recipe = next(a.recipe for a in planned(artifacts(demo, NATIVE, WHEEL)).actions if a.id == f"py@{X86}")
    assert isinstance(recipe, Wheel)
    return recipe.common


def test_packages_that_are_named_lie_beside_each_other(demo: Demo) -> None:
    shutil.rmtree(demo.project / "packaging" / "python" / "src")
    files = ("demo/__init__.py", "helpers/__init__.py", "other/__init__.py", "cli.py")
    settings = '[tool.setuptools]\npackages = ["demo", "helpers"]\npy-modules = ["cli"]\n'
    common = wheel_sources(demo, settings, *files)
    assert common.packed == ("packaging/python/demo", "packaging/python/helpers")
    names = ("demo/__init__.py", "helpers/__init__.py", "other/__init__.py", "cli.py", "cli.txt", "setup.py")
    assert [common.holds(name) for name in names] == [True, True, False, True, False, False]


@pytest.mark.parametrize(
    ("backend", "folders"), [("hatchling.build", ("src/demo",)), ("uv_build", ("src/demo",)), ("setuptools", ())]
)
def test_a_backend_of_one_module_packs_that_of_the_project(demo: Demo, backend: str, folders: tuple[str, ...]) -> None:
    settings = f'[build-system]\nbuild-backend = "{backend}"\n'
    assert wheel_sources(demo, settings, "src/other/__init__.py").chosen.folders == folders


def test_a_package_that_the_backend_does_not_pack_holds_no_library(demo: Demo) -> None:
    pyproject(demo, '[project]\nname = "demo"\nversion = "1.2.3"\n[build-system]\nbuild-backend = "hatchling.build"\n')
    other = demo.project / "packaging/python/src/other"
    other.mkdir()
    (other / "__init__.py").touch()
    (problem,) = mistakes(demo, NATIVE, HEADER, WHEEL[:-1] + ", package: other}")
    assert "the build backend does not pack other" in problem


def test_packages_lie_where_a_setting_says(demo: Demo) -> None:
    settings = '[tool.setuptools.packages.find]\nwhere = ["lib"]\n'
    common = wheel_sources(demo, settings, "lib/demo/__init__.py")
    assert (common.root, common.package) == ("packaging/python/lib", "demo")


def test_a_namespace_package_keeps_its_library_in_its_own_folder(demo: Demo) -> None:
    source = demo.project / "packaging" / "python" / "src"
    (source / "acme").mkdir()
    (source / "demo").rename(source / "acme" / "demo")
    for wheel in (WHEEL, WHEEL[:-1] + ", package: acme.demo}"):
        recipe = next(a.recipe for a in planned(artifacts(demo, NATIVE, wheel)).actions if a.id == f"py@{X86}")
        assert isinstance(recipe, Wheel)
        assert recipe.common.native == "acme/demo/_native"


@pytest.mark.parametrize("damage", ["gone", "not text"])
def test_pyproject_that_cannot_be_read_is_told_with_everything_else(demo: Demo, damage: str) -> None:
    path = demo.project / "packaging" / "python" / "pyproject.toml"
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(b"\xff\xfe")
    errors = mistakes(demo, NATIVE, WHEEL, HEADER, "header2: {kind: header, crate: demo-ffi}")
    assert len(errors) == 2
    assert errors[0].startswith("packaging/python/pyproject.toml: this file ")


@pytest.mark.parametrize("folders", [0, 2])
def test_package_that_loads_the_library_must_be_clear(demo: Demo, folders: int) -> None:
    source = demo.project / "packaging" / "python" / "src"
    (source / "demo").rename(source / ("first" if folders else ".demo"))
    if folders:
        (source / "other").mkdir()
    (error,) = mistakes(demo, NATIVE, WHEEL)
    assert f"packaging/python{'/src' * (folders > 0)} holds {folders or 'no'} packages" in error


def test_package_can_be_named(demo: Demo) -> None:
    (demo.project / "packaging" / "python" / "src" / "other").mkdir()
    plan = planned(artifacts(demo, NATIVE, WHEEL[:-1] + ", package: demo}"))
    assert f"py@{X86}" in ids(plan)


def test_package_that_is_not_there(demo: Demo) -> None:
    (error,) = mistakes(demo, NATIVE, WHEEL[:-1] + ", package: dem}")
    assert error.endswith("there is no package 'dem' in packaging/python/src")


def test_wheel_without_a_cdylib(demo: Demo) -> None:
    (error,) = mistakes(demo, "native: {kind: library, crate: demo-ffi, types: [staticlib]}", WHEEL)
    assert error == f"targets.yaml:25:30: native makes no cdylib for {X86}"


def test_wheel_without_a_floor(demo: Demo) -> None:
    path = artifacts(demo, NATIVE, WHEEL) / "targets.yaml"
    path.write_text(path.read_text().replace(f'{MAC}: {{macos: "11.0"}}', f"{MAC}: {{}}"))
    with pytest.raises(ConfigErrors) as caught:
        planned(demo.project)
    (output,) = caught.value.errors
    assert f"a wheel for {MAC} needs a floor" in output.message
    assert output.hint == 'write macos: "11.0" at the target'


def test_wheel_without_an_sdist(demo: Demo) -> None:
    plan = planned(artifacts(demo, NATIVE, WHEEL[:-1] + ", sdist: false}"))
    assert [i for i in ids(plan) if i.startswith("py@")] == [f"py@{t}" for t in (X86, ARM, MAC)]


def test_sdk_carries_a_licence(demo: Demo) -> None:
    root = artifacts(demo, DECLARED, HEADER, SDK)
    with pytest.raises(ConfigErrors) as caught:
        planned(root, project=replace(PROJECT, license_files=()))
    assert "names no licence file" in str(caught.value)


def test_a_crate_makes_libraries_that_its_manifest_does_not_name(demo: Demo) -> None:
    demo.edit('["cdylib", "staticlib"]', '["rlib"]', "rust/demo-ffi/Cargo.toml")
    plan = planned(artifacts(demo, NATIVE, "web: {kind: component, crate: demo-wasm}"))
    assert ids(plan) == [f"native@{t}" for t in (X86, ARM, MAC)] + [f"web@{WASM}"]
    assert f"lib/{X86}/libdemo.a" in ships(plan)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("RUSTFLAGS: -Cx", "RUSTFLAGS is set by Cargo or Ferrule"),
        ("PATH: /bin", "PATH is set by Cargo or Ferrule"),
        ("FERRULE_COMMIT: x", "FERRULE_COMMIT is set by Cargo or Ferrule"),
        ("DEPLOY_TOKEN: x", "DEPLOY_TOKEN looks like a secret"),
        ("my_api_key: x", "my_api_key looks like a secret"),
        ('MODE: "a\\nb"', "this value contains the character U+000A"),
    ],
)
@pytest.mark.parametrize("kind", ["library, crate: demo-ffi", "component, crate: demo-wasm"])
def test_variables_that_a_build_may_not_be_given(demo: Demo, kind: str, given: str, says: str) -> None:
    line = f"it: {{kind: {kind}, env: {{{given}}}}}"
    (error,) = mistakes(demo, line)
    assert error.startswith("targets.yaml:24:")
    assert int(error.split(":")[2]) >= line.index(given)  # at the variable, not at the artifact
    assert says in error


def test_what_a_build_is_given_and_said_to_read(demo: Demo) -> None:
    more = "env: {MODE: fast, AXIS: x}, reads: [assets]"
    plan = planned(artifacts(demo, f"{NATIVE[:-1]}, {more}}}", f"it: {{kind: component, crate: demo-wasm, {more}}}"))
    for action in plan.actions:
        assert "assets" in action.sources
        assert action.recipe.env == (("AXIS", "x"), ("MODE", "fast"))  # type: ignore[attr-defined]


def test_a_header_is_made_of_its_crate_alone(demo: Demo) -> None:
    (header,) = planned(artifacts(demo, HEADER)).actions
    before = header.sources
    (demo.project / "rust/demo-ffi/cbindgen.toml").write_text("")
    (header,) = planned(demo.project).actions
    assert (*before, "rust/demo-ffi/cbindgen.toml") == header.sources
    (error,) = mistakes(demo, HEADER[:-1] + ", config: rust/none.toml}")
    assert "rust/none.toml" in error


@pytest.mark.parametrize(
    ("base", "says"),
    [
        ("scratch", "no dynamic loader"),
        ("example.org/distroless/static@sha256:" + "0" * 64, "no dynamic loader"),
        ("debian@sha256:1234", "is not an image with a digest"),
        ("packaging/wrong.lock", "is not a valid lock file: line 1"),
        ("packaging/half.lock", "has no libc6 for arm64"),
    ],
)
def test_base_that_cannot_be_one(demo: Demo, base: str, says: str) -> None:
    lock = demo.project / "packaging" / "base.lock"
    (demo.project / "packaging" / "wrong.lock").write_text("what is this?\n")
    (demo.project / "packaging" / "half.lock").write_text(
        "".join(line for line in lock.read_text().splitlines(keepends=True) if "arm64" not in line)
    )
    errors = mistakes(demo, NATIVE, f'image: {{kind: image, library: native, base: "{base}"}}')
    assert says in errors[0]
    assert errors[0].startswith("targets.yaml:25:")


def test_image_on_a_base_by_digest_pulls_once(demo: Demo) -> None:
    line = f'image: {{kind: image, library: native, base: "registry.example/base/cc@sha256:{"0" * 64}"}}'
    plan = planned(artifacts(demo, NATIVE, line))
    assert [i for i in ids(plan) if i.startswith("image")] == ["image:base", "image"]


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("", "this image holds nothing"),
        ("library: [native, native]", "the same artifact is named twice"),
        ("library: [native, again]", "native and again are both called demo"),
        ("library: [native, static]", f"static makes no cdylib for {X86}"),
    ],
)
def test_what_an_image_cannot_hold(demo: Demo, keys: str, problem: str) -> None:
    others = [
        "again: {kind: library, crate: demo-ffi, ship: false}",
        "static: {kind: library, crate: demo-ffi, name: still, types: [staticlib], ship: false}",
    ]
    errors = mistakes(demo, NATIVE, *others, f"image: {{kind: image, base: packaging/base.lock, {keys}}}")
    assert [problem in message for message in errors] == [True]


def test_an_image_of_several_libraries(demo: Demo) -> None:
    more = "more: {kind: library, crate: demo-ffi, name: more}"
    line = "image: {kind: image, library: [native, more], base: packaging/base.lock}"
    (image,) = [a for a in planned(artifacts(demo, NATIVE, more, line)).actions if a.id == "image"]
    assert {f"{name}@{t}" for name in ("native", "more") for t in (X86, ARM)} < set(image.needs)


def test_image_without_a_cdylib(demo: Demo) -> None:
    line = "image: {kind: image, library: native, base: packaging/base.lock}"
    (error,) = mistakes(demo, "native: {kind: library, crate: demo-ffi, types: [staticlib]}", line)
    assert f"native makes no cdylib for {X86}" in error


# Targets that are one row

MUSL = "x86_64-unknown-linux-musl"
WINDOWS = "x86_64-pc-windows-gnullvm"
ROWS = {
    **PLATFORMS,
    MUSL: Platform(MUSL, LINUX_MUSL, X86_64, elf_interpreter="/lib/ld-musl-x86_64.so.1"),
    WINDOWS: Platform(WINDOWS, WINDOWS_GNULLVM, replace(X86_64, wheel="amd64")),
}


def planned_with(root: Path, rows: dict[str, Platform], *triples: str) -> Plan:
    path = root / "targets.yaml"
    head, _, tail = path.read_text().partition("artifacts:\n")
    extra = "".join(f"  {triple}: {{}}\n" for triple in triples)
    path.write_text(f"{head}{extra}artifacts:\n{tail}")
    return plan(config.load(root, KINDS, DESTINATIONS, platforms=rows), PROJECT, disk_of(root), rows)


def test_a_row_is_all_that_a_target_needs(demo: Demo) -> None:
    before = planned(demo.project)
    plan = planned_with(demo.project, ROWS, MUSL, WINDOWS)
    libraries = {a.id: a.outputs for a in plan.actions if a.target in {MUSL, WINDOWS} and a.artifact == "native"}
    assert libraries == {
        f"native@{MUSL}": (Output("libdemo.so.1", "cdylib"), Output("libdemo.a", "staticlib")),
        f"native@{WINDOWS}": (
            Output("demo.dll", "cdylib"),
            Output("libdemo.a", "staticlib"),
            Output("libdemo.dll.a", "import-library"),
        ),
    }
    assert ships(plan) - ships(before) >= {
        f"demo-c-1.2.3-{MUSL}.tar.gz",
        f"demo-c-1.2.3-{WINDOWS}.zip",
    }
    wheels = {name.rpartition("-none-")[2] for name in ships(plan) - ships(before) if name.endswith(".whl")}
    assert wheels == {"musllinux_1_2_x86_64.whl", "win_amd64.whl"}
    assert ships(before) <= ships(plan)


def test_of_two_targets_for_one_platform_an_image_takes_one(demo: Demo) -> None:
    image = "image: {kind: image, library: native, base: packaging/base.lock}"
    plan = planned_with(artifacts(demo, DECLARED, HEADER, image), ROWS, MUSL)
    of_image = [a.id for a in plan.actions if a.artifact == "image" and ":contents" not in a.id]
    assert of_image == [f"image:base@{X86}", f"image:base@{ARM}", "image"]
    with pytest.raises(ConfigErrors, match=f"which have glibc, and {MUSL} has another C library"):
        planned_with(artifacts(demo, DECLARED, HEADER, f"{image[:-1]}, targets: ['*-musl']}}"), ROWS)


def test_a_plan_says_which_kind_cannot_be_made_for_a_target(demo: Demo) -> None:
    plan = planned_with(demo.project, ROWS, MUSL, WINDOWS)
    reasons = {(o.artifact, o.target): o.reason for o in plan.omissions}
    assert reasons["component", MUSL] == "it is WebAssembly, and runs on every machine"
    assert reasons["native", WASM] == "it is machine code, and WebAssembly is no machine"
    loader = "linux/amd64, linux/arm64, darwin/amd64, darwin/arm64"
    assert reasons["go", WINDOWS] == f"its loader is for {loader}"
    assert reasons["go", MUSL] == "its loader opens libraries by glibc, and this is Linux with musl"
    assert reasons["image", WINDOWS] == "images are of Linux, and this is Windows"
    assert ("image", MUSL) not in reasons
    assert ("sdk-c", WASM) not in reasons
    assert ("go", WASM) not in reasons
    assert f"\nnot made\n  native for {WASM}: it is machine code, and WebAssembly is no machine" in plans.text(plan)
    assert {"artifact": "native", "target": WASM, "reason": reasons["native", WASM]} in document(plan)["omissions"]


def test_two_targets_that_are_one_to_go_are_refused(demo: Demo) -> None:
    second = "x86_64-demo-linux-gnu"
    rows = {**PLATFORMS, second: replace(PLATFORMS[X86], triple=second)}
    with pytest.raises(ConfigErrors) as caught:
        planned_with(demo.project, rows, second)
    assert f"{X86} and {second} are both linux/amd64 to Go" in str(caught.value)


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ('language = "Cython"\n', "rust/demo-ffi/cbindgen.toml asks for Cython, which is not a header"),
        ('language = "C++"\n', "rust/demo-ffi/cbindgen.toml asks for C++, and demo.h is a name for C"),
        ('language = "D"\n', "rust/demo-ffi/cbindgen.toml cannot be read: language = 'D' is none of C, C++ and Cython"),
        ("language = \n", "rust/demo-ffi/cbindgen.toml cannot be read: Invalid value"),
    ],
)
def test_a_configuration_of_cbindgen_that_makes_no_header_of_c_is_refused(demo: Demo, toml: str, problem: str) -> None:
    (demo.project / "rust" / "demo-ffi" / "cbindgen.toml").write_text(toml)
    (mistake,) = mistakes(demo, HEADER)
    assert problem in mistake


def test_a_header_of_cplusplus_has_a_name_of_its_own(demo: Demo) -> None:
    (demo.project / "rust" / "demo-ffi" / "cbindgen.toml").write_text('language = "C++"\n')
    plan = planned(artifacts(demo, "header: {kind: header, crate: demo-ffi, name: demo.hpp}"))
    assert [o.name for a in plan.actions for o in a.outputs] == ["demo.hpp"]


def test_a_header_is_the_same_whatever_targets_are_selected(demo: Demo) -> None:
    (action,) = planned(artifacts(demo, HEADER)).actions
    demo.edit(f"  {MAC}", f"  # {MAC}")
    assert planned(artifacts(demo, HEADER)).actions == (action,)


def test_no_text_of_the_project_becomes_a_line_of_its_own(demo: Demo) -> None:
    project = replace(
        PROJECT,
        description="Adds.\nLibs: nothing\r\n\0at all.\n",
        homepage="https://example.org\nx: y",
        license="MIT\n",
    )
    text = json.dumps(to_json([action.recipe for action in planned(demo.project, project=project).actions]))
    document = text.replace("\\\\n", "\\n")  # a package.json within the JSON
    assert "Adds.\\nLibs" not in document
    assert "\\u0000" not in document
    assert document.count("Adds. Libs: nothing at all.") >= 4  # SDK, image, npm, bill of materials
    assert (project.homepage, project.license) == ("https://example.org x: y", "MIT")


# Mistakes of targets.yaml and of what it leads to, all at once


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("crate: demo-wasm", "crate: demo-wasn", 'there is no crate "demo-wasn"'),
        ('{glibc: "2.17"}', '{glibc: "9.17"}', "expected text like"),
        ("aarch64-apple-darwin", "aarch64-apple-darwim", "there is no target"),
        ("base: packaging/base.lock", "base: packaging/base.lock, colour: red", "unknown key"),
    ],
)
def test_what_can_be_planned_beside_a_mistake_is_checked_too(demo: Demo, old: str, new: str, message: str) -> None:
    (demo.project / "packaging" / "python" / "pyproject.toml").write_text(
        '[project]\nname = "a b"\nversion = "1.2.3"\n'
    )
    demo.edit(old, new)
    with pytest.raises(PartlyReadableError) as caught:
        release.load(demo.project)
    assert message in str(caught.value)
    assert "is not a valid name" not in str(caught.value)
    text = str(release.all_problems(caught.value, demo.context))
    assert message in text
    assert "packaging/python/pyproject.toml:2:1: 'a b' is not a valid name" in text


def test_a_circle_leaves_nothing_to_plan(demo: Demo) -> None:
    demo.edit("header: header\n    exports", "header: native\n    exports")
    with pytest.raises(ConfigErrors):
        release.load(demo.project)


def test_what_is_wrong_in_one_place_alone_is_told_once(demo: Demo) -> None:
    demo.edit("crate: demo-wasm", "crate: demo-wasn")
    with pytest.raises(PartlyReadableError) as caught:
        release.load(demo.project)
    assert release.all_problems(caught.value, demo.context).errors == caught.value.errors


def test_the_command_line_tells_both(demo: Demo) -> None:
    (demo.project / "packaging" / "js" / "package.json").write_text('{"name": "X"}')
    demo.edit("library: native, source", "library: native, colour: red, source")
    done = demo.ferrule("check")
    assert done.returncode == 3
    assert "unknown key" in done.stderr
    assert "packaging/js/package.json:1:2: there is no valid npm name" in done.stderr


def test_ten_times_the_targets_are_ten_times_the_work(demo: Demo) -> None:
    artifacts(
        demo,
        *(DECLARED, HEADER, SDK, SUMS),
        "archive: {kind: library, crate: demo-ffi, types: [staticlib], name: other, ship: true}",
        *("sbom: {kind: sbom}", "provenance: {kind: provenance}"),
    )

    def planning(count: int) -> Callable[[], Plan]:
        names = [f"x86_64-made{number:03}-linux-gnu" for number in range(count)]
        platforms = {**PLATFORMS, **{name: replace(PLATFORMS[X86], triple=name) for name in names}}
        loaded = config.load(demo.project, KINDS, DESTINATIONS)
        loaded = replace(loaded, targets=tuple(Target(name, glibc="2.17") for name in names))
        return lambda: plan(loaded, PROJECT, disk_of(demo.project), platforms)

    few, many = planning(30), planning(300)
    few()  # what is compiled once in a process
    assert len(many().actions) > 9 * len(few().actions)
    assert instructions(many) < 11 * instructions(few)
