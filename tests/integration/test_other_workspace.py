"""A workspace of others: the C interface of the regex crate as it is published, with a targets.yaml and no more."""

from __future__ import annotations

import os
import shutil

import pytest
from judges import ferrule, run

TARGETS = """\
version: 1
project:
  name: rure
  version: {cargo: .}
  license-files: [LICENSE-MIT, LICENSE-APACHE]
targets:
  x86_64-unknown-linux-gnu: {glibc: "2.17"}
artifacts:
  native: {kind: library, crate: rure, exports: ["rure_*"], ship: true}
  sums: {kind: checksums}
"""
PROGRAM = r"""
#include "rure.h"
#include <stdio.h>
#include <string.h>
int main(void) {
    const char *text = "made by 12 smiths";
    rure *digits = rure_compile_must("[0-9]+");
    rure_match match = {0};
    int found = rure_find(digits, (const uint8_t *)text, strlen(text), 0, &match);
    printf("%d %zu %zu\n", found, match.start, match.end);
    rure_free(digits);
    return 0;
}
"""


@pytest.fixture
def rure(programs, tmp_path):
    """The published crate with its own lock file, fetched by Cargo."""
    wish = tmp_path / "wish"
    (wish / "src").mkdir(parents=True)
    (wish / "src" / "lib.rs").touch()
    (wish / "Cargo.toml").write_text(
        '[package]\nname = "wish"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nrure = "=0.2.5"\n'
    )
    run(programs["cargo"], "vendor", "--quiet", "vendor", cwd=wish, RUSTC=programs["rustc"])
    project = tmp_path / "rure"
    shutil.copytree(wish / "vendor" / "rure", project, ignore=shutil.ignore_patterns(".cargo*"))
    (project / "targets.yaml").write_text(TARGETS)
    return project


def test_a_published_crate_is_released_and_its_library_works(rure, tmp_path):
    ferrule("release", cwd=rure)
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=rure / "dist")
    (library,) = (rure / "dist" / "lib").rglob("*.so*")
    (tmp_path / "user.c").write_text(PROGRAM)
    program = tmp_path / "user"
    run("gcc", "-I", rure / "include", tmp_path / "user.c", "-o", program, library)
    search = {"LD_LIBRARY_PATH": os.fspath(library.parent)}
    assert run(program, **search).stdout == "1 8 10\n"


def test_it_is_released_with_what_init_writes(rure):
    (rure / "targets.yaml").unlink()
    (rure / "dist-workspace.toml").write_text('[dist]\ntargets = ["x86_64-unknown-linux-gnu"]\n')
    ferrule("init", cwd=rure)
    ferrule("release", cwd=rure)
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=rure / "dist")
    (archive,) = (rure / "dist").glob("rure-c-0.2.5-*.tar.gz")
    assert "rure-c-0.2.5-x86_64-unknown-linux-gnu/include/rure.h" in run("tar", "-tf", archive).stdout.splitlines()
