"""The lists of a release: sums, manifest, and one library in every package."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from judges import CHECKOUT, run
from released import LINUX, sha256

from fakes.triples import MAC


def test_sha256sum_agrees_with_the_sums(release):
    output = run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=release.dist).stdout.splitlines()
    assert all(line.endswith(": OK") for line in output)
    listed = {line.removesuffix(": OK") for line in output}
    assert listed == release.files().keys() - {"SHA256SUMS", "provenance.intoto.jsonl", "manifest.json"}


def test_the_manifest_lists_every_file_as_it_is(release):
    listed = {row["file"]: (row["size"], row["sha256"]) for row in release.manifest["artifacts"]}
    there = {name: (p.stat().st_size, sha256(p)) for name, p in release.files().items() if name != "manifest.json"}
    assert listed == there


@pytest.mark.parametrize("target", [*LINUX, MAC])
def test_sdk_and_wheel_carry_the_library_that_was_compiled(release, target):
    compiled = release.packed("library", target)
    (dynamic,) = [digest for name, digest in compiled.items() if not name.endswith((".a", ".json"))]
    (in_wheel,) = list(release.wheel(target).glob("*/_native/lib*"))
    assert {sha256(release.library(target)), sha256(in_wheel)} == {dynamic}
    assert sha256(release.sdk(target) / "lib" / "libemail_validator.a") == compiled["libemail_validator.a"]
    assert {sha256(release.sdk(target) / "include" / "email_validator.h")} == set(
        release.packed("header", None).values()
    )


@pytest.mark.parametrize("target", LINUX)
def test_the_image_carries_the_library_that_was_compiled(release, target):
    installed = release.rootfs(target) / "usr" / "lib" / release.library(target).name
    assert sha256(installed) == sha256(release.library(target))


def test_no_package_names_a_place_of_this_machine(release):
    places = {
        os.fsencode(p) for p in (CHECKOUT, Path.home() / ".cargo", Path.home() / ".cache", Path.home() / ".rustup")
    }
    folders = [
        release.dist,
        release.sdist(),
        *(release.sdk(target) for target in (*LINUX, MAC)),
        *(release.wheel(target) for target in (*LINUX, MAC)),
        *(release.rootfs(target) for target in LINUX),
    ]
    files = [p for folder in folders for p in folder.rglob("*") if p.is_file() and not p.is_symlink()]
    assert len(files) > 300
    assert [(str(p), path) for p in files for path in places if path in p.read_bytes()] == []
