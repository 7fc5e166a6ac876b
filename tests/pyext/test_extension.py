"""One abi3 wheel through cibuildwheel: taken into a release, judged by others, installed, and made twice."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from example import lay_out
from judges import CHECKOUT, VECTORS, ferrule, run
from released import HOST, sha256
from standin import narrow

from fakes.triples import MAC

CONSUMERS = CHECKOUT / "tests" / "consumers"
MODULE = "ferrule_email_validator_ext/ferrule_email_validator_ext.abi3.so"
ALONE = ("-I", "-X", "utf8")


@pytest.fixture(scope="session")
def wheel(release) -> Path:
    return release.made("wheel", HOST)


# In the release


def test_it_is_in_the_manifest_like_any_other(release, wheel):
    facts = release.manifest["facts"][f"ext@{HOST}"]
    assert wheel.name.startswith("ferrule_email_validator_ext-0.1.0-cp311-abi3-")
    assert release.packed("extension", HOST) == {f"extension/{MODULE}": sha256(release.wheel(HOST) / MODULE)}
    assert "PyInit_ferrule_email_validator_ext" in facts[MODULE]["exports"]
    assert facts["rustc"].startswith("1.")
    assert len(facts["fingerprint"]) == 64


def test_it_has_a_bill_of_materials_with_its_crates(release, wheel):
    bill = json.loads((release.dist / f"{wheel.name}.cdx.json").read_text())
    named = {component["name"] for component in bill["components"]}
    assert {"pyo3", "pyo3-ffi", "idna", "rust-std", f"extension/{MODULE}"} <= named
    assert not {"wit-bindgen", "proptest"} & named


def test_verify_agrees(release, project):
    output = ferrule("verify", release.dist, cwd=project).stdout
    assert "archive with 1 of the compiled files" in output


def test_a_changed_module_is_noticed(release, project, tmp_path):
    copy = tmp_path / "dist"
    shutil.copytree(release.dist, copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["facts"][f"ext@{HOST}"][MODULE]["exports"] = []
    (copy / "manifest.json").write_text(json.dumps(manifest))
    done = ferrule("verify", copy, cwd=project, ok=False)
    assert done.returncode == 6
    assert "the manifest says something else of it: exports" in done.stdout + done.stderr


@pytest.mark.usefixtures("release")
def test_what_stands_is_not_made_again(project, surroundings):
    assert "0 built" in ferrule("release", cwd=project, **surroundings).stderr


# As others judge it


@pytest.mark.images
def test_auditwheel_gives_the_tag_that_the_name_has(wheel):
    output = " ".join(run(sys.executable, "-m", "auditwheel", "show", wheel).stdout.split())
    tag = output.partition('consistent with the following platform tag: "')[2].partition('"')[0]
    assert tag.startswith("manylinux_2_")
    assert tag in wheel.name


def test_abi3audit_finds_nothing_beyond_the_stable_interface(wheel):
    output = run(sys.executable, "-m", "abi3audit", "--strict", "--report", wheel).stdout
    (result,) = json.loads(output)["specs"].values()
    (module,) = result["wheel"]
    assert module["name"] == MODULE.rpartition("/")[2]
    assert module["result"]["is_abi3"]
    assert module["result"]["is_abi3_baseline_compatible"]


def test_twine_takes_it(wheel):
    run(sys.executable, "-m", "twine", "--no-color", "check", "--strict", wheel)


# As users have it


def test_every_vector_in_a_clean_environment(wheel, expected, tmp_path):
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "environment")
    python = tmp_path / "environment" / "bin" / "python"
    quiet = ("--disable-pip-version-check", "--python", python)
    run(sys.executable, "-m", "pip", *quiet, "install", "--no-index", "--only-binary=:all:", wheel)
    assert run(python, *ALONE, CONSUMERS / "python-extension" / "main.py", VECTORS).stdout == expected


def test_the_fingerprint_is_inside(release):
    output = release.manifest["facts"][f"ext@{HOST}"]["fingerprint"]
    program = "import ferrule_email_validator_ext as e, json; print(json.loads(e.__build_info__)['fingerprint'])"
    assert run(sys.executable, "-c", program, PYTHONPATH=str(release.wheel(HOST))).stdout.strip() == output


# Where it is made


def test_the_same_bytes_from_another_folder(release, image, surroundings, tmp_path):
    project = narrow(lay_out(tmp_path / "a folder with a longer name"), image)
    ferrule("release", cwd=project, **surroundings)
    files = {name: sha256(path) for name, path in release.files().items()}
    assert {p.name: sha256(p) for p in (project / "dist").iterdir() if p.is_file()} == files


@pytest.mark.images
def test_a_wheel_for_macos_is_not_made_here_and_the_plan_says_where(tmp_path, surroundings):
    project = lay_out(tmp_path)
    assert "only on macOS: cibuildwheel makes wheels for macOS on a Mac only" in ferrule("plan", cwd=project).stdout
    done = ferrule("build", "ext", "--target", MAC, "--setup", cwd=project, ok=False, **surroundings)
    assert done.returncode != 0
    assert "this machine is Linux, and cibuildwheel makes wheels for macOS on a Mac only" in done.stdout + done.stderr
    matrix = json.loads(ferrule("matrix", "--shards", "3", cwd=project).stdout)
    assert {job["runner"] for job in matrix["include"] if MAC in job["targets"]} == {"macos-15"}


# Wheels that need no cibuildwheel, in its images


@pytest.mark.images
@pytest.mark.usefixtures("engine")
def test_the_wheel_around_the_library_in_the_images(image, expected, surroundings, pytestconfig, tmp_path):
    finished = pytestconfig.getoption("--wheels", default=None)
    if finished is None:
        finished = tmp_path / "made"
        ferrule("build", "sdk-py", "--setup", "--output", finished)
    wheels = list(finished.absolute().rglob(f"ferrule_email_validator-*{HOST.partition('-')[0]}.whl"))
    assert len(wheels) == 1, f"no wheel for this machine in {finished}"
    project = tmp_path / "given"
    shutil.copytree(Path(__file__).parent / "given", project)
    for file in (*wheels, VECTORS, CONSUMERS / "python-native" / "main.py"):
        shutil.copy(file, project)
    (project / "expected").write_text(expected, encoding="utf-8")
    machine = HOST.partition("-")[0]
    own = {"CIBW_BUILD": "cp311-manylinux_*", f"CIBW_MANYLINUX_{machine.upper()}_IMAGE": image} if image else {}
    argv = ("--platform", "linux", "--archs", machine, "--output-dir", tmp_path / "out", project)
    run(sys.executable, "-m", "cibuildwheel", *argv, cwd=project, **own, **surroundings)
    (tried,) = (tmp_path / "out").iterdir()
    assert sha256(tried) == sha256(*wheels)
