"""An addon of Node-API as npm packages: built, installed by npm from the tarballs, and called in Node.js."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from judges import ferrule, run
from node_programs import QUIET, npm
from released import HOST, X86

SOURCES = Path(__file__).parent / "addon"
PROGRAM = "import('@example/sum').then((sum) => console.log(sum.add(40, 2)), (error) => console.log(error.message))"

pytestmark = pytest.mark.only_on(X86, reason="the addon is released for x86_64 Linux")


@pytest.fixture(scope="module")
def dist(programs, tmp_path_factory) -> Path:
    assert programs["node"]
    project = tmp_path_factory.mktemp("addon") / "project"
    shutil.copytree(SOURCES, project)
    ferrule("release", cwd=project)
    return project / "dist"


def test_npm_installs_what_fits_the_machine_and_nodejs_loads_it(dist, programs, tmp_path):
    (tmp_path / "package.json").write_text('{"private": true, "type": "module"}')
    tarballs = [dist / "example-sum-1.2.3.tgz", dist / "example-sum-linux-x64-gnu-1.2.3.tgz"]
    run(*npm(programs["node"]), "install", *QUIET, "--offline", *tarballs, cwd=tmp_path)
    assert run(programs["node"], "--eval", PROGRAM, cwd=tmp_path).stdout == "42\n"
    addon = tmp_path / "node_modules" / "@example" / "sum-linux-x64-gnu" / "sum.node"
    manifest = json.loads((dist / "manifest.json").read_bytes())
    compiled = {row["sha256"] for row in manifest["packed"] if row["target"] == HOST}
    assert hashlib.sha256(addon.read_bytes()).hexdigest() in compiled
    shutil.rmtree(addon.parent)
    answer = run(programs["node"], "--eval", PROGRAM, cwd=tmp_path).stdout
    assert answer.startswith("@example/sum-linux-x64-gnu, which has the library of this machine, is not installed")


def test_verify_finds_the_library_in_the_package(dist):
    ferrule("verify", dist, cwd=dist.parent)
