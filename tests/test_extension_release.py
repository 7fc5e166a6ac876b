"""An extension module in a whole release, by a pretended cibuildwheel and a container engine that only answers."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from fakes.extension import MODULE, VERSION, built, equip, program
from fakes.toolchain import Demo, lay_out
from fakes.triples import MAC, X86

if TYPE_CHECKING:
    from pathlib import Path

WHEEL = "demo_ext-1.2.3-cp311-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
TARGETS = f"""
  {X86}: {{glibc: "2.17"}}
  {MAC}: {{macos: "11.0", runner: ubuntu-24.04}}
"""
ARTIFACTS = f"""
  ext: {{kind: extension, crate: demo-ffi, source: ext, targets: [{X86}]}}
  sbom: {{kind: sbom}}
  sums: {{kind: checksums}}
  provenance: {{kind: provenance}}
"""
PYPROJECT = '[project]\nname = "demo-ext"\ndynamic = ["version"]\nrequires-python = ">=3.11"\n'


@pytest.fixture
def project(tmp_path: Path) -> Demo:
    demo = lay_out(tmp_path)
    text = (demo.project / "targets.yaml").read_text()
    text = re.sub(r"(?<=\ntargets:)\n.*?\n(?=\n)", TARGETS, text, flags=re.DOTALL)
    (demo.project / "targets.yaml").write_text(text.partition("artifacts:")[0] + f"artifacts:{ARTIFACTS}")
    (demo.project / "ext").mkdir()
    (demo.project / "ext" / "pyproject.toml").write_text(PYPROJECT)
    equip(demo)
    built(demo)
    return demo


def released(demo: Demo) -> dict[str, Any]:
    done = demo.ferrule("release")
    assert done.returncode == 0, done.stderr
    manifest: dict[str, Any] = json.loads((demo.dist / "manifest.json").read_bytes())
    return manifest


def test_it_is_in_the_release_and_everything_that_is_told_of_it_holds(project):
    manifest = released(project)
    assert {a["role"]: a["file"] for a in manifest["artifacts"] if a["kind"] == "extension"} == {"wheel": WHEEL}
    packed = [p["name"] for p in manifest["packed"] if p["kind"] == "extension"]
    assert [name for name in packed if name.startswith("extension/")] == [f"extension/{MODULE}"]
    facts = manifest["facts"][f"ext@{X86}"]
    assert (facts["built_in"], facts["rustc"]) == ("manylinux2014", "1.97.1")
    assert manifest["toolchain"]["tools"]["cibuildwheel"] == f"cibuildwheel {VERSION}"
    done = project.ferrule("verify", "--json")
    assert done.returncode == 0, done.stdout
    assert "archive with 1 of the compiled files" in done.stdout


def test_its_bill_names_crates_the_module_and_the_rust_that_it_was_built_with(project):
    released(project)
    bill = json.loads((project.dist / f"{WHEEL}.cdx.json").read_bytes())
    parts = {part["name"]: part for part in bill["components"]}
    assert {"demo-ffi", "sha2", f"extension/{MODULE}"} <= parts.keys()
    assert parts["rust-std"]["version"] == "1.97.1"
    assert "zig-compiler-rt" not in parts
    assert bill["metadata"]["component"]["purl"].startswith("pkg:pypi/demo-ext@1.2.3")


def test_another_module_in_the_wheel_is_noticed(project):
    released(project)
    manifest = json.loads((project.dist / "manifest.json").read_bytes())
    manifest["facts"][f"ext@{X86}"][MODULE]["exports"] = ["PyInit_other"]
    (project.dist / "manifest.json").write_text(json.dumps(manifest))
    done = project.ferrule("verify")
    assert done.returncode == 6
    assert "the manifest says something else of it: exports" in done.stdout + done.stderr


def test_what_was_made_is_not_made_again_whatever_engine_there_is(project):
    released(project)
    (project.home / "call.json").unlink()
    program(project, "docker", "echo 28.2.2")
    shutil.rmtree(project.dist)
    released(project)
    assert not (project.home / "call.json").exists()


def test_a_changed_source_is_built_again_and_gives_the_same_wheel(project):
    released(project)
    before = project.files()[WHEEL]
    (project.home / "call.json").unlink()
    (project.project / "ext" / "README.md").write_text("It adds.")
    built(project)
    released(project)
    assert "ext/README.md" in json.loads((project.home / "call.json").read_text())["files"]
    assert project.files()[WHEEL] == before


def test_a_shard_of_it_is_merged_where_there_is_no_engine(project, tmp_path):
    released(project)
    bundle = tmp_path / "bundle"
    result = project.ferrule("build", "--shard", "1/1", "--bundle", str(bundle))
    assert result.returncode == 0, result.stderr
    other = Demo(tmp_path / "other")
    shutil.copytree(project.root, other.root, ignore=shutil.ignore_patterns("other", "bundle", ".ferrule", "dist"))
    for name in ("docker", "podman"):
        program(other, name, "exit 1")
    merged = other.ferrule("merge", str(bundle))
    assert merged.returncode == 0, merged.stderr
    assert other.files() == project.files()


def test_without_an_engine_nothing_is_left_out_in_silence(project):
    for name in ("docker", "podman"):
        program(project, name, "exit 1")
    done = project.ferrule("release")
    assert done.returncode == 4
    assert "container docker or podman: a client is here but no engine answers" in done.stderr
    assert not project.dist.exists()


def test_for_a_mac_the_reason_is_told_and_the_rest_is_made(project):
    project.edit(f"targets: [{X86}]", f"targets: [{X86}, {MAC}]")
    assert "only on macOS: cibuildwheel makes wheels for macOS on a Mac only" in project.ferrule("plan").stdout
    done = project.ferrule("release")
    assert done.returncode == 4
    assert "this machine is Linux, and cibuildwheel makes wheels for macOS on a Mac only" in done.stderr
    assert f"ext@{X86} built" in done.stderr
    assert not project.dist.exists()
    matrix = json.loads(project.ferrule("matrix", "--shards", "2").stdout)
    assert {job["runner"] for job in matrix["include"] if f"ext@{MAC}" in job["actions"]} == {"macos-15"}


def test_a_wheel_for_each_python_by_maturin_without_an_engine(project):
    for name in ("docker", "podman"):
        program(project, name, "exit 1")
    (project.home / "stable").unlink()
    backend = '[build-system]\nrequires = ["maturin"]\nbuild-backend = "maturin"\n\n'
    (project.project / "ext" / "pyproject.toml").write_text(backend + PYPROJECT)
    manifest_of_crate = project.project / "rust" / "demo-ffi" / "Cargo.toml"
    manifest_of_crate.write_text(manifest_of_crate.read_text() + '\n[dependencies.pyo3]\nversion = "0.30"\n')
    lock = project.project / "rust" / "Cargo.lock"
    pyo3 = 'name = "{}"\nversion = "0.30.1"\nsource = "registry+https://example.invalid/index"\n'
    packages = "".join(f"\n[[package]]\n{pyo3.format(name)}" for name in ("pyo3", "pyo3-ffi"))
    text = lock.read_text().replace(' "demo-derive",\n', ' "demo-derive",\n "pyo3",\n', 1)
    lock.write_text(text + packages)
    project.edit("source: ext,", "source: ext, pythons: [cp312, cp314t, pp311],")
    manifest = released(project)
    wheels = {a["file"] for a in manifest["artifacts"] if a["role"] == "wheel"}
    tags = ("cp312-cp312", "cp314-cp314t", "pp311-pypy311_pp73")
    assert wheels == {f"demo_ext-1.2.3-{tag}-manylinux2014_x86_64.manylinux_2_17_x86_64.whl" for tag in tags}
    for wheel in wheels:
        bill = json.loads((project.dist / f"{wheel}.cdx.json").read_bytes())
        assert bill["metadata"]["component"]["purl"] == f"pkg:pypi/demo-ext@1.2.3?file_name={wheel}"
        assert "zig-compiler-rt" in {part["name"] for part in bill["components"]}
    done = project.ferrule("verify", "--json")
    assert done.returncode == 0, done.stdout
