"""Crates for a registry: what is packed, with what, and what is refused."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.contexts import context
from fakes.crates import BASE, TOP, packed
from ferrule.core.cargo_workspace import read_workspace
from ferrule.core.errors import BuildError, VerificationError
from ferrule.core.model import Output, Tool
from ferrule.core.toolchain import Toolchain
from ferrule.kinds.base import PlanProblem
from ferrule.kinds.crate import CrateRecipe, CrateSpec, plan

if TYPE_CHECKING:
    from tests.unit.kinds.conftest import Bench

    from ferrule.engine.context import ActionContext
    from ferrule.kinds.base import Context

ROOT = '[workspace]\nmembers = ["base", "top", "tools"]\n[workspace.package]\npublish = false\n'
PATH = '[dependencies]\ndemo-base = { path = "../base", version = "1.2.3" }\n'
TOOLS = '[package]\nname = "tools"\nversion = "1.2.3"\npublish.workspace = true\n[dependencies]\n'
OUTPUT = Output("demo-base-1.2.3.crate", "crate", "demo-base-1.2.3.crate")


def project(folder: Path, **manifests: str) -> Context:
    """A workspace of three crates, of which one is not published."""
    dependency = TOP.partition("[dependencies")[0] + PATH + 'tools = { path = "../tools" }\n'
    texts = {"Cargo.toml": ROOT, "base": BASE, "top": dependency, "tools": TOOLS, **manifests}
    files = {name if "." in name else f"{name}/Cargo.toml": text for name, text in texts.items()}
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return replace(context([], targets=(), files=files), workspace=read_workspace(folder))


def spec(crate: str, **keys: object) -> CrateSpec:
    return CrateSpec(kind="crate", crate=crate, **keys)


def test_it_is_packed_with_what_it_needs_of_the_workspace(tmp_path: Path) -> None:
    (action,) = plan(spec("demo-top"), project(tmp_path))
    assert action.outputs == (Output("demo-top-1.2.3.crate", "crate", "demo-top-1.2.3.crate"),)
    assert action.recipe.packages == ("base#demo-base@1.2.3", "top#demo-top@1.2.3")
    assert ("purl", "pkg:cargo/demo-top@1.2.3") in action.traits
    assert {"base", "top", "tools"} <= {*action.sources}
    hidden = plan(spec("demo-base"), replace(project(tmp_path), ship=False))[0]
    assert hidden.outputs == (Output("demo-base-1.2.3.crate", "crate"),)
    assert hidden.recipe.packages == ("base#demo-base@1.2.3",)


def test_a_crate_that_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(PlanProblem, match="tools has publish = false") as caught:
        plan(spec("tools"), project(tmp_path))
    assert caught.value.where == "tools/Cargo.toml:4:1"


def test_another_version(tmp_path: Path) -> None:
    with pytest.raises(PlanProblem, match=r"Cargo packs demo-base as version 1\.2\.3"):
        plan(spec("demo-base", version="2.0.0"), project(tmp_path))
    assert plan(spec("demo-base", version="1.2.3"), project(tmp_path))


CARGO = """\
import json, pathlib, sys
home = pathlib.Path(sys.argv[1])
arguments = sys.argv[2:]
(home / "call.json").write_text(json.dumps([arguments, sorted(str(p) for p in pathlib.Path.cwd().rglob("*.toml"))]))
if (home / "says").exists():
    sys.exit((home / "says").read_text())
folder = pathlib.Path(arguments[arguments.index("--target-dir") + 1], "package")
folder.mkdir(parents=True)
(folder / "demo-base-1.2.3.crate").write_bytes((home / "crate").read_bytes())
"""


def make(
    bench: Bench, content: bytes = b"", *, cargo: str = "1.95.0", says: str = "", **fields: object
) -> ActionContext:
    home = bench.root / "home"
    home.mkdir()
    (home / "cargo.py").write_text(CARGO)
    (home / "crate").write_bytes(content or packed("demo-base-1.2.3", {"Cargo.toml": BASE}))
    if says:
        (home / "says").write_text(says)
    for name, text in (("Cargo.toml", ROOT), ("base/Cargo.toml", BASE), ("target/other.toml", "")):
        bench.source(name, text)
    bench.source("base/build.sh").chmod(0o755)
    program = (sys.executable, "-I", "-S", str(home / "cargo.py"), str(home))
    tools = {"cargo": Tool("cargo", cargo, program, "cargo"), "rustc": Tool("rustc", cargo, ("rustc",), "rustc")}
    values = {"packages": ("base#demo-base@1.2.3",), "verify": True, **fields}
    recipe = CrateRecipe(workspace=".", name="demo-base", version="1.2.3", **values)
    return bench.make(
        recipe, OUTPUT, sources=("Cargo.toml", "base"), toolchain=Toolchain("installed", tools, {}, Path("/"))
    )


def call(bench: Bench) -> tuple[list[str], list[str]]:
    arguments, files = json.loads((bench.root / "home" / "call.json").read_text())
    return arguments, files


def test_cargo_packs_a_copy_of_what_is_declared(bench: Bench) -> None:
    done = make(bench)
    assert done.output("crate").read_bytes() == packed("demo-base-1.2.3", {"Cargo.toml": BASE})
    arguments, files = call(bench)
    copy = bench.root / "work" / "project"
    assert files == [str(copy / "Cargo.toml"), str(copy / "base" / "Cargo.toml")]
    assert arguments[:3] == ["package", "--locked", "--offline"]
    assert f"path+file://{copy}/base#demo-base@1.2.3" in arguments
    assert "--no-verify" not in arguments
    assert [path.name for path in (bench.root / "work").iterdir()] == ["demo-base-1.2.3.crate"]


def test_without_compiling(bench: Bench) -> None:
    make(bench, verify=False)
    assert "--no-verify" in call(bench)[0]


def test_what_cargo_says(bench: Bench) -> None:
    with pytest.raises(BuildError, match="failed to verify package tarball"):
        make(bench, says="error: failed to verify package tarball\n")


def test_an_older_cargo_packs_each_alone(bench: Bench) -> None:
    with pytest.raises(BuildError, match=r"Cargo 1\.89\.0 packs each alone") as caught:
        make(bench, cargo="1.89.0", packages=("base#demo-base@1.2.3", "top#demo-top@1.2.3"))
    assert caught.value.hint == "write rust: 1.90 or newer under `toolchain`"


def test_another_crate_than_was_promised(bench: Bench) -> None:
    other = packed("demo-base-1.2.3", {"Cargo.toml": BASE.replace('"1.2.3"', '"1.2.4"')})
    with pytest.raises(VerificationError, match=r"packed demo-base 1\.2\.4, and promised is demo-base 1\.2\.3"):
        make(bench, other)
