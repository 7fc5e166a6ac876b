"""Small workspaces of several kinds: what init writes is released by the real compilers, without an edit."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from judges import ferrule, run
from released import HOST

from fakes.workspaces import SKETCHES

ADDON = Path(__file__).parent / "addon"


@pytest.mark.parametrize("name", ["virtual", "single crate", "rlib", "cargo-c", "headers by hand"])
def test_what_init_writes_is_released(programs, tmp_path, name):
    assert programs
    project = SKETCHES[name].lay_out(tmp_path / "project")
    (project / "dist-workspace.toml").write_text(f'[dist]\ntargets = ["{HOST}"]\n')
    ferrule("init", cwd=project)
    ferrule("check", cwd=project)
    ferrule("release", cwd=project)
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=project / "dist")
    (archive,) = (project / "dist").glob("demo-c-1.2.3-*.tar.gz")
    files = run("tar", "-tf", archive).stdout.splitlines()
    package = "demo-1" if name == "cargo-c" else "demo"  # [package.metadata.capi.pkg_config] name
    assert {file.partition("/")[2] for file in files} >= {"include/demo.h", f"lib/pkgconfig/{package}.pc"}


def test_what_init_writes_of_an_addon_is_released(programs, tmp_path):
    assert programs["node"]
    project = tmp_path / "project"
    shutil.copytree(ADDON, project, ignore=shutil.ignore_patterns("targets.yaml"))
    (project / "dist-workspace.toml").write_text(f'[dist]\ntargets = ["{HOST}"]\n')
    ferrule("init", cwd=project)
    ferrule("release", cwd=project)
    assert len([*(project / "dist").glob("example-sum-linux-*.tgz")]) == 1
    assert (project / "dist" / "example-sum-1.2.3.tgz").is_file()
