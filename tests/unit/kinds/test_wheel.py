from __future__ import annotations

import os
import shutil
import subprocess  # noqa: TID251 - the build backend is run as pip runs it
import sys
import tarfile
import tomllib
import zipfile
from dataclasses import replace
from email import message_from_string
from typing import TYPE_CHECKING, Any

import pytest

from fakes.triples import X86
from ferrule.app.release import run as release
from ferrule.core.errors import BuildError, ConfigError, ConfigErrors
from ferrule.core.model import Compiled, Output
from ferrule.core.toolchain import Tool, Toolchain
from ferrule.formats.package_selection import Selection
from ferrule.formats.python_metadata import PythonProject
from ferrule.formats.wheel import read_wheel
from ferrule.kinds.wheel import _compiles_itself, sdist
from ferrule.kinds.wheel.pack import Wheel
from ferrule.kinds.wheel.package_sources import PackageSources
from ferrule.kinds.wheel.sdist import Sdist

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.kinds.conftest import Bench

    from fakes.toolchain import Demo
    from ferrule.core.model import ActionInterface

    Native = Callable[..., tuple[ActionInterface, dict[str, Path]]]

LICENCES = ("LICENSE", "legal/NOTICE")
COMMON = PackageSources("py", "py/src", "demo", "demo-x", "1.2.3", LICENCES, LICENCES, 315_532_800)
PYPROJECT = """[project]
name = "demo-x"
dynamic = ["version"]
description = "Adds"
readme = "README.md"
license = "MIT"
requires-python = ">=3.11"
"""
WHEEL = "demo_x-1.2.3-py3-none-manylinux_2_17_x86_64.whl"
SDIST = "demo_x-1.2.3.tar.gz"


@pytest.fixture
def sources(bench: Bench) -> Bench:
    for name, content in {
        "LICENSE": "licence",
        "legal/NOTICE": "notice",
        "py/pyproject.toml": PYPROJECT,
        "py/README.md": "# Demo\n\nIt adds.\n",
        "py/src/demo/__init__.py": "",
        "py/src/demo/build/__init__.py": "a package may be called so",
        "py/src/demo/_native/old.so": "left by a developer's build",
        "py/src/demo/__pycache__/x.cpython-311.pyc": "",
        "py/src/demo/stale.pyc": "",
        "py/src/.mypy_cache/x": "",
        "py/src/demo_x.egg-info/PKG-INFO": "",
        "py/src/other/_native/kept.txt": "",
        "py/src/demo/target/__init__.py": "",
        "py/src/demo/py.typed": "",
        "py/src/demo/.env": "",
        "py/dist/old.whl": "",
        "rust/Cargo.toml": "[workspace]",
        "rust/ffi/src/lib.rs": "code",
        "rust/target/debug/x": "",
    }.items():
        bench.source(name, content)
    return bench


def made_wheel(bench: Bench, native: Native, common: PackageSources = COMMON) -> zipfile.ZipFile:
    library, files = native(X86)
    context = bench.make(
        Wheel(common, library, ("py3-none-manylinux_2_17_x86_64",)),
        Output(WHEEL, "wheel"),
        needed={library.id: files},
        facts={library.id: {"fingerprint": "f1" * 32, "interface": "11" * 32}},
    )
    return zipfile.ZipFile(context.output("wheel"))


def test_wheel_carries_the_package_the_library_and_what_the_loader_must_know(sources: Bench, native: Native) -> None:
    with made_wheel(sources, native) as wheel:
        assert set(wheel.namelist()) == {
            "demo/__init__.py",
            "demo/build/__init__.py",
            "demo/py.typed",
            "demo/target/__init__.py",
            "other/_native/kept.txt",
            "demo/_native/__init__.py",
            "demo/_native/libz.so.1",
            "demo_x-1.2.3.dist-info/METADATA",
            "demo_x-1.2.3.dist-info/RECORD",
            "demo_x-1.2.3.dist-info/WHEEL",
            "demo_x-1.2.3.dist-info/licenses/LICENSE",
            "demo_x-1.2.3.dist-info/licenses/NOTICE",
        }
        known: dict[str, str] = {}
        exec(wheel.read("demo/_native/__init__.py"), known)
        assert wheel.getinfo("demo/_native/libz.so.1").external_attr >> 16 & 0o777 == 0o755
    assert {n: known[n] for n in ("LIBRARY", "VERSION", "FINGERPRINT", "INTERFACE")} == {
        "LIBRARY": "libz.so.1",
        "VERSION": "1.2.3",
        "FINGERPRINT": "f1" * 32,
        "INTERFACE": "11" * 32,
    }


def test_entry_points_and_licences_of_pyproject_are_in_the_wheel(sources: Bench, native: Native) -> None:
    sources.source("py/legal/a.txt", "a")
    sources.source("py/LICENSE", "licence")
    text = PYPROJECT + 'license-files = ["LICENSE", "legal/*"]\n[project.scripts]\ndemo = "demo:main"\n'
    sources.source("py/pyproject.toml", text)
    with made_wheel(sources, native) as wheel:
        assert wheel.read("demo_x-1.2.3.dist-info/entry_points.txt") == b"[console_scripts]\ndemo = demo:main\n"
        assert wheel.read("demo_x-1.2.3.dist-info/licenses/legal/a.txt") == b"a"
        metadata = message_from_string(wheel.read("demo_x-1.2.3.dist-info/METADATA").decode())
    assert metadata.get_all("License-File") == ["LICENSE", "NOTICE", "legal/a.txt"]


def test_licence_files_of_one_name_that_differ_are_refused(sources: Bench, native: Native) -> None:
    sources.source("py/LICENSE", "another")
    sources.source("py/pyproject.toml", PYPROJECT + 'license-files = ["LICENSE"]\n')
    with pytest.raises(BuildError, match="py/LICENSE and the licence file LICENSE of the release differ"):
        made_wheel(sources, native)


def test_what_pyproject_leaves_out_is_in_no_wheel(sources: Bench, native: Native) -> None:
    for name in ("demo/x.secret", "demo/dev/__init__.py", "demo/dev/deep/x.py", "demo/kept.py"):
        sources.source(f"py/src/{name}", "")
    common = replace(COMMON, left_out=("*.secret", "/src/demo/dev/"), chosen=Selection(folders=("src/demo",)))
    with made_wheel(sources, native, common) as wheel:
        own = {name for name in wheel.namelist() if ".dist-info" not in name and "/_native/" not in name}
    assert own == {
        *("demo/__init__.py", "demo/build/__init__.py", "demo/py.typed", "demo/target/__init__.py", "demo/kept.py")
    }


def test_a_namespace_package_beside_pyproject(sources: Bench, native: Native) -> None:
    sources.source("py/acme/demo/__init__.py")
    sources.source("py/tests/test_demo.py")
    library, files = native(X86)
    context = sources.make(
        Wheel(replace(COMMON, root="py", package="acme.demo"), library, ("py3-none-manylinux_2_17_x86_64",)),
        Output(WHEEL, "wheel"),
        needed={library.id: files},
    )
    with zipfile.ZipFile(context.output("wheel")) as wheel:
        names = [name for name in wheel.namelist() if ".dist-info" not in name]
    assert names == ["acme/demo/__init__.py", "acme/demo/_native/__init__.py", "acme/demo/_native/libz.so.1"]


# Source distributions

SCRIPTS = '[project.scripts]\ndemo = "demo:main"\n'
MANIFEST = '[package]\nname = "ffi"\nversion = "1.2.3"\nexclude = ["/notes"]\n[lib]\nname = "z"\n'
CARGO = """import json, pathlib, sys
root = pathlib.Path(sys.argv[1])
with (root / "calls").open("a") as calls:
    calls.write(" ".join(sys.argv[2:]) + "\\n")
folder, missing = pathlib.Path.cwd(), root / "missing"
if sys.argv[2] == "fetch" and (root / "fetchable").exists():
    missing.unlink()
if missing.exists() and "project" not in folder.parts:
    sys.exit("error: " + missing.read_text())
if sys.argv[2] == "rustc":
    library = root / "libz.so"
    library.write_bytes(b"built here")
    target = {"kind": ["cdylib"], "name": "z"}
    print(json.dumps({"reason": "compiler-artifact", "target": target, "filenames": [str(library)]}))
else:
    own = [p for p in folder.rglob("Cargo.toml") if "[package]" in p.read_text()]
    own += [folder / line for line in (root / "more").read_text().split()] if (root / "more").exists() else []
    print(json.dumps({"packages": [{"name": "x", "source": None, "manifest_path": str(p.resolve())} for p in own]}))
"""


@pytest.fixture
def crates(sources: Bench) -> Bench:
    for name, content in {
        "rust/Cargo.lock": "",
        "rust/ffi/Cargo.toml": MANIFEST,
        "rust/ffi/notes/private.txt": "",
        "rust/ffi/src/target/mod.rs": "",
        "rust/ffi/.env": "",
        "rust/not-a-member/x.rs": "",
        "more/schema.txt": "",
    }.items():
        sources.source(name, content)
    return sources


def toolchain(bench: Bench) -> Toolchain:
    program = bench.root / "cargo.py"
    program.write_text(CARGO)
    tools = {
        "cargo": Tool("cargo", "1.96.0", (sys.executable, str(program), str(bench.root)), "cargo"),
        "rustc": Tool("rustc", "1.96.0", ("/usr/bin/rustc",), "rustc"),
    }
    return Toolchain(rust_source="distribution", tools=tools, std={}, sysroot=bench.root)


def made_sdist(bench: Bench, native: Native, *reads: str, **fields: Any) -> Path:
    library, files = native(X86)
    settings = ("rust/Cargo.toml", "rust/Cargo.lock", *fields.pop("settings", ()))
    recipe = Sdist(COMMON, "rust", settings, library, Compiled("ffi", X86, ("fast",), False), "z", True)
    context = bench.make(
        replace(recipe, **fields),
        Output(SDIST, "sdist"),
        needed={library.id: files},
        facts={library.id: {"fingerprint": "f1" * 32, "link": [], **({"reads": [*reads]} if reads else {})}},
        sources=("py", "rust/ffi", *settings),
        toolchain=toolchain(bench),
    )
    return context.output("sdist")


def names_in(sdist: Path) -> set[str]:
    with tarfile.open(sdist) as members:
        return {m.name.removeprefix("demo_x-1.2.3/") for m in members if m.isfile()}


PACKAGE = {
    *("PKG-INFO", "LICENSE", "NOTICE", "README.md", "pyproject.toml", "src/demo/__init__.py", "src/demo/py.typed"),
    *("src/demo/build/__init__.py", "src/demo/target/__init__.py", "src/other/_native/kept.txt"),
}
CRATES = {"Cargo.toml", "Cargo.lock", "ffi/Cargo.toml", "ffi/src/lib.rs", "ffi/src/target/mod.rs"}
BACKEND = {"_build/sdist_backend.py", "_build/wheel.json"}


def test_sdist_carries_the_project_and_what_cargo_would_publish(crates: Bench, native: Native) -> None:
    sdist = made_sdist(crates, native, supply_backend=False)
    assert names_in(sdist) == PACKAGE | {f"rust/{name}" for name in CRATES}


def test_sdist_carries_what_the_build_reads_elsewhere_in_its_place(crates: Bench, native: Native) -> None:
    crates.source("patches/x/Cargo.toml", '[package]\nname = "x"\n')
    crates.source("patches/x/src/lib.rs")
    crates.source("rust/Cargo.toml", '[workspace]\n[patch.crates-io]\nx = {path = "../patches/x"}\n')
    crates.source("vendor/y/lib.rs")
    crates.source(".cargo/config.toml", '[source.crates-io]\nreplace-with = "v"\n[source.v]\ndirectory = "vendor"\n')
    crates.source("rust-toolchain.toml", "")
    sdist = made_sdist(crates, native, "more", settings=(".cargo/config.toml", "rust-toolchain.toml"))
    elsewhere = {
        "patches/x/Cargo.toml",
        "patches/x/src/lib.rs",
        "vendor/y/lib.rs",
        ".cargo/config.toml",
        "more/schema.txt",
    }
    assert names_in(sdist) == PACKAGE | BACKEND | {f"rust/{name}" for name in elsewhere} | {
        f"rust/rust/{name}" for name in (*CRATES, "rust-toolchain.toml")
    }


def test_sdist_without_a_file_that_the_build_reads_is_refused(crates: Bench, native: Native) -> None:
    crates.source(".gitignore", "/generated.rs\n")
    crates.source("generated.rs")
    with pytest.raises(BuildError, match="the build reads this, and Git ignores it") as caught:
        made_sdist(crates, native, "generated.rs")
    assert caught.value.where == "generated.rs"


def test_sdist_without_the_readme_that_its_metadata_names_is_refused(crates: Bench, native: Native) -> None:
    crates.source(".gitignore", "README.md\n")
    with pytest.raises(BuildError, match=r"py/README\.md: Git ignores this readme"):
        made_sdist(crates, native)


def test_sdist_that_needs_a_folder_outside_of_the_project_is_refused(crates: Bench, native: Native) -> None:
    (crates.root / "more").write_text("../../outside/Cargo.toml")
    with pytest.raises(BuildError, match="x is read from a folder outside of the project") as caught:
        made_sdist(crates, native)
    assert str(caught.value.where).endswith("/outside")


@pytest.mark.parametrize("offline", [True, False])
def test_sdist_ships_only_after_cargo_has_read_it(crates: Bench, native: Native, offline: bool) -> None:
    crates.offline = offline
    (crates.root / "missing").write_text("failed to read patches/x/Cargo.toml")
    with pytest.raises(BuildError, match=r"failed to read patches/x/Cargo\.toml"):
        made_sdist(crates, native)
    calls = (crates.root / "calls").read_text().splitlines()
    assert all("--locked" in call for call in calls)
    assert [call.split()[0] for call in calls] == ["metadata", "metadata", *([] if offline else ["fetch"])]
    assert "--offline" in calls[1]


def test_crates_of_other_targets_are_fetched_before_cargo_reads_it(crates: Bench, native: Native) -> None:
    crates.offline = False
    (crates.root / "missing").write_text("no matching package")
    (crates.root / "fetchable").touch()
    assert made_sdist(crates, native).is_file()
    calls = (crates.root / "calls").read_text().splitlines()
    assert [call.split()[0] for call in calls] == ["metadata", "metadata", "fetch", "metadata"]


def test_sdist_lacks_what_the_build_script_writes_again(crates: Bench, native: Native) -> None:
    crates.source(".gitignore", "/rust/ffi/generated.rs\n")
    crates.source("rust/ffi/generated.rs")
    crates.source("rust/ffi/build.rs", 'fn main() { write("generated.rs") }')
    names = names_in(made_sdist(crates, native, "rust/ffi/generated.rs"))
    assert "rust/ffi/build.rs" in names
    assert "rust/ffi/generated.rs" not in names


@pytest.mark.parametrize("content", [b"\xff", None])
def test_a_file_that_metadata_names_has_to_be_readable(sources: Bench, native: Native, content: bytes | None) -> None:
    readme = sources.project / "py" / "README.md"
    readme.unlink()
    if content:
        readme.write_bytes(content)
    with pytest.raises(ConfigError, match=r"README\.md.*cannot be read") as caught:
        made_wheel(sources, native)
    assert caught.value.where == "py/pyproject.toml:5:1"


def test_supplied_backend_builds_a_wheel_that_python_imports(crates: Bench, native: Native) -> None:
    crates.source(
        "py/pyproject.toml",
        PYPROJECT
        + '[project.scripts]\ndemo = "demo:main"\n[build-system]\nrequires = [\n"x"\n]\n[tool.x]\ny = [\n[1]]\n',
    )
    crates.source("rust/.cargo/config.toml", '[build]\nrustflags = "-Cdebuginfo=0"\n')
    compiled = Compiled("ffi", X86, ("fast",), False, rustflags=("--cfg", 'backend="a"'))
    sdist = made_sdist(crates, native, compiled=compiled)
    with tarfile.open(sdist) as members:
        members.extractall(crates.root / "unpacked", filter="data")
    folder = crates.root / "unpacked" / "demo_x-1.2.3"
    document = tomllib.loads((folder / "pyproject.toml").read_text())
    assert document["build-system"] == {"requires": [], "build-backend": "sdist_backend", "backend-path": ["_build"]}
    assert document["tool"]["x"] == {"y": [[1]]}
    program = crates.root / "bin" / "cargo"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{crates.root}/cargo.py" "{crates.root}" "$@"\n')
    program.chmod(0o755)
    wheels = crates.root / "wheels"
    wheels.mkdir()
    call = (
        "import sys; sys.path.insert(0, '_build'); import sdist_backend; print(sdist_backend.build_wheel(sys.argv[1]))"
    )
    environment = {"PATH": f"{program.parent}:{os.defpath}"}
    built = subprocess.run(
        [sys.executable, "-c", call, str(wheels)], cwd=folder, env=environment, capture_output=True, check=True
    )
    facts = read_wheel(wheels / built.stdout.decode().strip())
    calls = (crates.root / "calls").read_text()
    assert "rustc --crate-type cdylib --locked --lib --package ffi --profile release" in calls
    assert "--no-default-features --features fast" in calls
    assert r"""--config target.'cfg(all())'.rustflags=["-Cdebuginfo=0", "--cfg", "backend=\"a\""]""" in calls
    assert facts.metadata == (folder / "PKG-INFO").read_text()
    known: dict[str, str] = {}
    with zipfile.ZipFile(wheels / built.stdout.decode().strip()) as wheel:
        exec(wheel.read("demo/_native/__init__.py"), known)
        assert wheel.read(f"demo/_native/{known['LIBRARY']}") == b"built here"
        assert wheel.read("demo_x-1.2.3.dist-info/entry_points.txt") == b"[console_scripts]\ndemo = demo:main\n"
        assert {"demo/py.typed", "demo_x-1.2.3.dist-info/licenses/NOTICE"} <= set(wheel.namelist())
    assert (known["VERSION"], known["FINGERPRINT"]) == ("1.2.3", "f1" * 32)


def test_a_build_system_that_cannot_be_replaced_is_refused(crates: Bench, native: Native) -> None:
    crates.source("py/pyproject.toml", "build-system = {requires = []}\n" + PYPROJECT)
    with pytest.raises(BuildError, match="this one could not be replaced"):
        made_sdist(crates, native)


@pytest.mark.parametrize(
    ("table", "file", "expected"),
    [
        ("", "", False),
        ('[build-system]\nbuild-backend = "hatchling.build"', "", False),
        ('[build-system]\nbuild-backend = "hatchling.build"\n[tool.hatch.build.hooks.custom]\nx = 1', "", True),
        (
            '[build-system]\nbuild-backend = "hatchling.build"\n[tool.hatch.build.targets.wheel.hooks.x]\ny = 1',
            "",
            True,
        ),
        ('[build-system]\nbuild-backend = "maturin"', "", True),
        ('[build-system]\nbuild-backend = "setuptools.build_meta"', "setup.py", True),
        ('[build-system]\nbuild-backend = "setuptools.build_meta"\n[[tool.setuptools-rust.ext-modules]]', "", True),
        (
            '[build-system]\nbuild-backend = "setuptools.build_meta"\n[[tool.setuptools.ext-modules]]\nname = "a"',
            "",
            True,
        ),
        (
            '[build-system]\nbuild-backend = "hatchling.build"\n[[tool.setuptools.ext-modules]]\nname = "a"',
            "setup.py",
            False,
        ),
        ('[build-system]\nbuild-backend = "setuptools.build_meta"', "", False),
        ('[build-system]\nbuild-backend = "hatchling.build"\n[tool]\nhatch = 1', "", False),
        ('[build-system]\nbuild-backend = "own"\nbackend-path = ["."]', "", True),
        ('[build-system]\nbuild-backend = "poetry.core.masonry.api"\n[tool.poetry.build]\nscript = "x"', "", True),
        ('[build-system]\nbuild-backend = "pdm.backend"', "pdm_build.py", True),
    ],
)
def test_which_projects_compile_themselves(table: str, file: str, expected: bool) -> None:
    text = f"{PYPROJECT}\n{table}\n"
    project = PythonProject("py/pyproject.toml", text, tomllib.loads(text)["project"], "1.2.3")
    assert _compiles_itself(project, lambda name: name == file) is expected


def test_a_file_that_the_build_script_names_is_generated(tmp_path: Path) -> None:
    crate = tmp_path / "rust" / "demo"
    (crate / "src").mkdir(parents=True)
    (crate / "Cargo.toml").write_text('[package]\nname = "demo"\n')
    (crate / "build.rs").write_text('fn main() { std::fs::write("src/generated.rs", "").unwrap(); }')
    assert sdist._is_generated(tmp_path, "rust/demo/src/generated.rs")
    assert not sdist._is_generated(tmp_path, "rust/demo/src/secret.rs")
    assert not sdist._is_generated(tmp_path, "rust/other/src/generated.rs")


# What planning sees


def mistakes(demo: Demo, text: str, **files: str) -> dict[str, str]:
    """What planning says of a project whose pyproject.toml is this: messages by their places."""
    folder = demo.project / "packaging" / "python"
    for name, content in {"pyproject.toml": text, **{n.replace("__", "/"): c for n, c in files.items()}}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    try:
        release.make_plan(release.load(demo.project), demo.context)
    except ConfigErrors as errors:
        return {(e.where or "").removeprefix("packaging/python/"): e.message for e in errors.errors}
    return {}


TABLE = '[project]\nname = "demo"\ndynamic = ["version"]\n'


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("[project.scripts]\nx = 'demo.gone:main'", "pyproject.toml:5:1", "there is no module demo.gone"),
        ("license-files = 3", "pyproject.toml:4:1", "`license-files` is not a list of texts"),
        ("license-files = [3]", "pyproject.toml:4:1", "`license-files` is not a list of texts"),
        ("entry-points = 3", "pyproject.toml:4:1", 'Field "project.entry-points" has an invalid type'),
        ("requires-python = 'newish'", "pyproject.toml:4:1", 'Field "project.requires-python"'),
        ("[tool.pdm.build]\nexcludes = ['a']", "pyproject.toml:5:1", "only the build backend follows excludes"),
        (
            "[tool.uv.build-backend]\nwheel-exclude = ['a']",
            "pyproject.toml:5:1",
            "only the build backend follows wheel-e",
        ),
        ("[tool.hatch.version]\npath = 'src/demo/about.py'", "src/demo/about.py:2:1", "this states version 0.9"),
        (
            "[tool.setuptools.dynamic]\nversion = {attr = 'demo.about.V'}",
            "src/demo/about.py:3:1",
            "this states version 0.8",
        ),
        ("[tool.setuptools.dynamic]\nversion = {file = 'VERSION'}", "VERSION:1:1", "this states version 0.7"),
        (
            "license-files = ['LICEN[CS]E']",
            "pyproject.toml:4:1",
            "packaging/python/LICENSE and the licence file LICENSE",
        ),
    ],
)
def test_mistakes_that_planning_sees(demo: Demo, text: str, place: str, message: str) -> None:
    files = {
        "src__demo__about.py": "\n__version__ = '0.9'\nV: str = '0.8'\n",
        "VERSION": "0.7\n",
        "LICENSE": "another\n",
    }
    (result,) = mistakes(demo, f"{TABLE}{text}\n", **files).items()
    assert result[0] == place
    assert result[1].startswith(message)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (
            TABLE.replace("demo", "démo x"),
            "pyproject.toml:2:1",
            "'démo x' is not a valid name of a Python distribution",
        ),
        (TABLE.replace("demo", "-x"), "pyproject.toml:2:1", "'-x' is not a valid name of a Python distribution"),
        (TABLE.replace('"demo"', "[]"), "pyproject.toml:2:1", "the project has no name"),
        (TABLE.replace('["version"]', "7"), "pyproject.toml:3:1", "`dynamic` is not a list of names"),
        (f"tool = 1\n{TABLE}", "pyproject.toml:1:1", "`tool` is not a table"),
        (f"build-system = []\n{TABLE}", "pyproject.toml:1:1", "`build-system` is not a table"),
    ],
)
def test_a_pyproject_that_cannot_be_followed(demo: Demo, text: str, place: str, message: str) -> None:
    assert mistakes(demo, text) == {place: message}


def test_all_mistakes_of_a_pyproject_are_told_at_once(demo: Demo) -> None:
    text = (
        '[project]\nname = "demo"\ndynamic = ["version", "readme"]\nlicense = "Mine"\n'
        '[project.scripts]\nx = "a b"\ny = "demo.gone:main"\n'
    )
    assert set(mistakes(demo, text)) == {f"pyproject.toml:{line}:1" for line in (3, 4, 6, 7)}


def test_a_module_that_the_library_would_hide_is_a_mistake(demo: Demo) -> None:
    assert list(mistakes(demo, TABLE, **{"src__demo___native.py": ""})) == ["src/demo/_native.py"]


def test_what_is_there_is_no_mistake(demo: Demo) -> None:
    text = (
        f"{TABLE}[project.scripts]\nx = 'demo.cli:main'\n[project.entry-points.g]\ny = 'demo'\nz = 'other.x:y'\n"
        "[tool.hatch.version]\npath = 'src/demo/about.py'\n"
    )
    assert mistakes(demo, text, **{"src__demo__cli.py": "", "src__demo__about.py": "__version__ = '1.2.3'\n"}) == {}


def test_the_package_with_the_name_of_the_project_is_taken_of_several(demo: Demo) -> None:
    assert mistakes(demo, TABLE, **{"src__other__x.py": ""}) == {}


def test_of_several_packages_in_a_namespace_none_is_chosen(demo: Demo) -> None:
    packages = demo.project / "packaging" / "python" / "src"
    shutil.rmtree(packages)
    for name in ("one", "two"):
        (packages / "acme" / name).mkdir(parents=True, exist_ok=True)
        (packages / "acme" / name / "__init__.py").touch()
    plan = release.make_plan(release.load(demo.project), demo.context)
    recipes = [action.recipe for action in plan.actions if action.kind == "wheel"]
    assert {recipe.common.package for recipe in recipes if isinstance(recipe, Wheel | Sdist)} == {"acme"}
    shutil.rmtree(packages / "acme" / "two")
    plan = release.make_plan(release.load(demo.project), demo.context)
    recipes = [action.recipe for action in plan.actions if action.kind == "wheel"]
    assert {recipe.common.package for recipe in recipes if isinstance(recipe, Wheel | Sdist)} == {"acme.one"}


def test_no_pyproject_is_a_mistake_with_a_way_out(demo: Demo) -> None:
    (demo.project / "packaging" / "python" / "pyproject.toml").unlink()
    with pytest.raises(ConfigErrors, match="write one with a \\[project\\] table"):
        release.make_plan(release.load(demo.project), demo.context)


def test_a_readme_outside_of_the_project_is_a_mistake(demo: Demo) -> None:
    messages = mistakes(demo, f"{TABLE}readme = '../../../README.md'\n")
    assert any("not in the project" in message for message in messages.values())


def test_licences_that_are_the_same_do_not_clash(demo: Demo) -> None:
    same = (demo.project / "LICENSE").read_text()
    assert mistakes(demo, f"{TABLE}license-files = ['LICENSE', 'src/*.txt']\n", LICENSE=same) == {}


def test_of_several_packages_the_one_that_is_packed_counts(demo: Demo) -> None:
    text = '[project]\nname = "x-y"\ndynamic = ["version"]\n[tool.hatch.build.targets.wheel]\npackages = ["src/two"]\n'
    source = demo.project / "packaging" / "python" / "src"
    for name in ("one", "two"):
        (source / name).mkdir(parents=True)
        (source / name / "__init__.py").touch()
    assert mistakes(demo, text) == {}
    plan = release.make_plan(release.load(demo.project), demo.context)
    recipes = [action.recipe for action in plan.actions if action.kind == "wheel"]
    assert {recipe.common.package for recipe in recipes if isinstance(recipe, Wheel | Sdist)} == {"two"}
