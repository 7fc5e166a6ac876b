"""Crates by Cargo itself: what it sends to a registry, and whether it builds from one that we have published to."""

from __future__ import annotations

import hashlib
import json
import tomllib
from typing import TYPE_CHECKING

import pytest
from judges import ferrule, run

from fakes.destinations import CargoServer, publisher_of, serving
from fakes.published import CANARY, release_of
from ferrule.app.publish import run as publishing
from ferrule.formats.crate import read_crate

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

FILES = {
    "Cargo.toml": '[workspace]\nmembers = ["base", "top"]\nresolver = "2"\n[workspace.package]\nversion = "0.3.0"\n',
    "base/Cargo.toml": """\
[package]
name = "demo-base"
version.workspace = true
edition = "2021"
license = "MIT"
description = "Base"
readme = "README.md"
keywords = ["one"]
[features]
extra = []
""",
    "base/README.md": "# Base\n",
    "base/src/lib.rs": "pub fn one() -> u8 { 1 }\n",
    "top/Cargo.toml": """\
[package]
name = "demo-top"
version.workspace = true
edition = "2021"
license = "MIT"
description = "Top"
rust-version = "1.80"
[dependencies]
base = { package = "demo-base", path = "../base", version = "0.3", features = ["extra"], default-features = false }
[target.'cfg(windows)'.dependencies]
demo-base = { path = "../base", version = ">=0.3.0, <1", optional = true }
[features]
win = ["dep:demo-base"]
""",
    "top/src/lib.rs": "pub fn two() -> u8 { base::one() + 1 }\n",
    "Cargo.lock": """\
version = 4

[[package]]
name = "demo-base"
version = "0.3.0"

[[package]]
name = "demo-top"
version = "0.3.0"
dependencies = [
 "demo-base",
]
""",
    "LICENSE": "MIT\n",
    "targets.yaml": """\
version: 1
project: {name: demo, version: {cargo: .}, license: MIT}
targets: {x86_64-unknown-linux-gnu: {glibc: "2.17"}}
artifacts:
  base: {kind: crate, crate: demo-base}
  top: {kind: crate, crate: demo-top}
  sums: {kind: checksums}
""",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two crates, packed by `ferrule release`."""
    folder = tmp_path_factory.mktemp("crates")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    ferrule("release", "--quiet", cwd=folder)
    return folder


def crates_of(project: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((project / "dist").glob("*.crate"))}


def test_the_release_verifies(project: Path) -> None:
    done = ferrule("verify", cwd=project)
    assert "demo-base-0.3.0.crate: digest, archive" in done.stdout


def test_the_bytes_are_those_of_cargo_package(project: Path, programs: dict[str, str], tmp_path: Path) -> None:
    options = ("--locked", "--offline", "--no-verify", "--workspace", "--target-dir", str(tmp_path))
    run(programs["cargo"], "package", *options, cwd=project, RUSTC=programs["rustc"])
    theirs = {path.name: path.read_bytes() for path in sorted((tmp_path / "package").glob("*.crate"))}
    assert theirs == crates_of(project)


def test_a_registry_is_told_what_cargo_tells_it(programs: dict[str, str], tmp_path: Path) -> None:
    """`cargo publish` sends the metadata that we make of what is in the crate."""
    with serving(CargoServer()) as server:
        index = f"{server.url}/index/"
        environment = {
            "CARGO_HOME": str(tmp_path / "home"),
            "CARGO_REGISTRIES_CORP_INDEX": f"sparse+{index}",
            "CARGO_REGISTRIES_CORP_TOKEN": CANARY,
            "RUSTC": programs["rustc"],
        }
        copy = tmp_path / "copy"
        for name, text in FILES.items():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_text(text.replace('path = "../base"', 'registry = "corp", path = "../base"'))
        options = ("--registry", "corp", "--workspace", "--no-verify", "--target-dir", str(tmp_path / "target"))
        run(programs["cargo"], "publish", *options, cwd=copy, **environment)
        assert [about["name"] for about in server.told] == ["demo-base", "demo-top"]
        for about, content in zip(server.told, server.files.values(), strict=True):
            path = tmp_path / "x.crate"
            path.write_bytes(content)
            assert json.loads(json.dumps(read_crate(path).metadata(index, default=False))) == about


def test_cargo_builds_from_what_was_published(project: Path, programs: dict[str, str], tmp_path: Path) -> None:
    contents = crates_of(project)
    release = release_of(tmp_path / "dist", {name: ("crate", content) for name, content in contents.items()}, "0.3.0")
    user = tmp_path / "user"
    (user / "src").mkdir(parents=True)
    with serving(CargoServer()) as server:
        publisher = publisher_of("crates", server, release, tmp_path)
        publishing.publish({"crates": publisher}, publishing.Pace(lambda _: None, lambda _: None))
        manifest = '[package]\nname = "user"\nversion = "0.1.0"\nedition = "2021"\n[workspace]\n'
        (user / "Cargo.toml").write_text(f'{manifest}[dependencies]\ndemo-base = "0.3"\n')
        (user / "src" / "lib.rs").write_text("pub fn three() -> u8 { demo_base::one() + 2 }\n")
        (user / ".cargo").mkdir()
        source = f'[source.crates-io]\nreplace-with = "ours"\n[source.ours]\nregistry = "sparse+{server.url}/index/"\n'
        (user / ".cargo" / "config.toml").write_text(source)
        environment = {"CARGO_HOME": str(tmp_path / "home"), "RUSTC": programs["rustc"]}
        run(programs["cargo"], "check", "--target-dir", str(tmp_path / "target"), cwd=user, **environment)
    locked = {p["name"]: p.get("checksum") for p in tomllib.loads((user / "Cargo.lock").read_text())["package"]}
    assert locked["demo-base"] == hashlib.sha256(contents["demo-base-0.3.0.crate"]).hexdigest()
