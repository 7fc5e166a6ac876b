"""Files of other tools: the targets that are taken over, and that every other setting is reported with its position."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ferrule.app.init import migrations
from ferrule.app.init.artifacts import artifacts
from ferrule.app.init.findings import CargoWorkspace, CrateUse, Remote, RequestedTarget, Uncovered
from ferrule.app.init.lines import Line
from ferrule.app.init.project_files import list_files
from ferrule.app.init.uses import Project
from ferrule.core.cargo_workspace import read_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.app.init.findings import Finding
    from ferrule.core.model import Json

DIST = '[workspace]\nmembers = []\n\n[workspace.metadata.dist]\ntargets = ["a-b-linux-gnu", "c"]\n"unheard-of" = 1\n'
MIN_GLIBC = '[dist]\ntargets = ["a-linux-gnu", "b-linux-gnu", "c-apple-darwin"]\nmin-glibc-version = {"*" = "2.28", a-linux-gnu = "2.17"}\n'  # noqa: E501
RUST = "builds:\n  - builder: rust\n    targets: [a-linux-gnu.2.17, b]\n    flags: [--release]\n  - goos: [linux]\n"
CIBW = '[tool.cibuildwheel]\nskip = "*musl*"\nmusllinux-x86_64-image = "x"\ntest-command = "pytest"\n[tool.cibuildwheel.macos]\narchs = ["arm64", "auto"]\n'  # noqa: E501
NAPI = {"napi": {"binaryName": "x", "targets": ["a", "b"]}}
OLD_NAPI = {"napi": {"name": "x", "triples": {"additional": ["a"]}}}
ONLY_NAPI = {"napi": {"triples": {"defaults": False, "additional": ["a"]}}}
DEFAULTS = ["x86_64-unknown-linux-gnu", "x86_64-apple-darwin", "x86_64-pc-windows-msvc"]
CAPI = '[package.metadata.capi]\nmin_version = "1"\n[package.metadata.capi.library]\nname = "x"\ninstall_subdir = "y"\n'

CASES = {
    "cargo-dist in Cargo.toml": (
        {"Cargo.toml": DIST},
        [("a-b-linux-gnu", None), ("c", None)],
        {"[workspace.metadata.dist] unheard-of": "Cargo.toml:6:1"},
    ),
    "cargo-dist with glibc": (
        {"dist-workspace.toml": MIN_GLIBC},
        [("a-linux-gnu", "2.17"), ("b-linux-gnu", "2.28"), ("c-apple-darwin", None)],
        {},
    ),
    "cargo-dist of a package": (
        {"Cargo.toml": "[package.metadata.dist]\ndist = false\n"},
        [],
        {"[package.metadata.dist] dist": "Cargo.toml:2:1"},
    ),
    "cargo-dist with npm": (
        {"dist-workspace.toml": '[workspace]\nmembers = ["npm:js"]\n'},
        [],
        {"the member npm:js": "dist-workspace.toml:1:1"},
    ),
    "cargo-dist with installers": (
        {"dist-workspace.toml": '[dist]\ninstallers = ["shell", "msi"]\ntap = "x"\n'},
        [],
        {"the installer msi": "dist-workspace.toml:2:1", "[dist] tap": "dist-workspace.toml:3:1"},
    ),
    "GoReleaser with packages": (
        {".goreleaser.yml": "nfpms:\n  - formats: [deb, apk]\n    maintainer: someone\nbrews: [{}]\n"},
        [],
        {"the package format apk": ".goreleaser.yml:2:5", ".goreleaser.yml nfpms": ".goreleaser.yml:1:1"},
    ),
    "GoReleaser": (
        {".goreleaser.yml": RUST},
        [("a-linux-gnu", "2.17"), ("b", None)],
        {
            "builds flags": ".goreleaser.yml:4:5",
            "a build by go": ".goreleaser.yml:5:5",
            "builds goos": ".goreleaser.yml:5:5",
        },
    ),
    "cross": (
        {"Cross.toml": '[build]\nzig = true\n[target.a]\nimage = "x"\n[target."b"]\n'},
        [("a", None), ("b", None)],
        {"[build] zig": "Cross.toml:2:1", "[target.a] image": "Cross.toml:4:1"},
    ),
    "cibuildwheel": (
        {"pyproject.toml": CIBW},
        [("aarch64-apple-darwin", None)],
        {
            "[tool.cibuildwheel] skip": "pyproject.toml:2:1",
            "[tool.cibuildwheel] musllinux-x86_64-image": "pyproject.toml:3:1",
            "[tool.cibuildwheel] macos archs 'auto'": "pyproject.toml:6:1",
        },
    ),
    "maturin": (
        {"pyproject.toml": '[tool.maturin]\nmodule-name = "a"\nskip-auditwheel = true\n'},
        [],
        {"[tool.maturin] skip-auditwheel": "pyproject.toml:3:1"},
    ),
    "napi-rs": (
        {"js/package.json": json.dumps(NAPI, indent=1)},
        [("a", None), ("b", None)],
        {"napi binaryName": "js/package.json:3:3"},
    ),
    "napi-rs of version 2": (
        {"package.json": json.dumps(OLD_NAPI)},
        [*((triple, None) for triple in DEFAULTS), ("a", None)],
        {"napi name": "package.json:1:11"},
    ),
    "napi-rs without defaults": (
        {"package.json": json.dumps(ONLY_NAPI)},
        [("a", None)],
        {},
    ),
    "cargo-c": (
        {"Cargo.toml": CAPI},
        [],
        {
            "[package.metadata.capi] min_version": "Cargo.toml:2:1",
            "[package.metadata.capi] library install_subdir": "Cargo.toml:5:1",
        },
    ),
}


@pytest.mark.parametrize(("files", "targets", "uncovered"), CASES.values(), ids=CASES.keys())
def test_targets_are_taken_over_and_everything_else_is_reported(
    tmp_path: Path, files: dict[str, str], targets: list[tuple[str, str | None]], uncovered: dict[str, str]
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    findings = [finding for reader in migrations.READERS for finding in reader(list_files(tmp_path))]
    assert [(f.triple, f.floor) for f in findings if isinstance(f, RequestedTarget)] == targets
    assert {f.what: f.where for f in findings if isinstance(f, Uncovered)} == uncovered
    assert all(f.reason for f in findings if isinstance(f, Uncovered))


def test_every_reader_has_a_case(tmp_path: Path) -> None:
    silent = {}
    for files, _, _ in CASES.values():
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        silent |= {reader.__module__: True for reader in migrations.READERS if [*reader(list_files(tmp_path))]}
        for name in files:
            (tmp_path / name).unlink()
    assert {*silent} == {reader.__module__ for reader in migrations.READERS}


INSTALLERS = '[dist]\ninstallers = ["powershell", "shell", "homebrew", "npm"]\n'
PACKAGES = (
    "nfpms:\n  - formats: [rpm]\n    maintainer: A. Demo <demo@example.org>\nbrews: [{}]\nscoops: [{}]\nbuilds: []\n"
)
CRATE = '[package]\nname = "demo"\nversion = "1.2.3"\nedition = "2021"\n'
ABOUT = 'license = "MIT"\ndescription = "Adds"\n'


def described(
    folder: Path, manifest: str, *findings: Finding, files: dict[str, str]
) -> tuple[dict[str, Json], list[str]]:
    """Artifacts around programs of a crate with other findings, and what is not covered."""
    names = [p.partition("/")[2] for p in files if p.startswith("src/bin")] or ["main.rs"]
    for name, text in {"Cargo.toml": manifest, **{f"src/{n}": "fn main() {}\n" for n in names}, **files}.items():
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(text)
    workspace = read_workspace(folder)
    use = CrateUse(workspace.crates["demo"], "Cargo.toml:2:1")
    others = [finding for reader in migrations.READERS for finding in reader(list_files(folder))]
    items = list(artifacts(Project((*findings, *others), CargoWorkspace(workspace, (use,)))))
    values = {item.key: item.value for item in items if isinstance(item, Line)}
    lines = {key: value for key, value in values.items() if isinstance(value, dict) and "program" in value}
    return lines, [f"{i.where}: {i.what}" for i in items if isinstance(i, Uncovered)]


GITHUB = Remote("https://github.com/example/demo", "github.com")
URL = "https://github.com/example/demo/releases/download/v{version}"


def test_installers_of_cargo_dist_become_artifacts(tmp_path: Path) -> None:
    lines, uncovered = described(tmp_path, CRATE, GITHUB, files={"dist-workspace.toml": INSTALLERS})
    assert lines == {
        "installer": {"kind": "installer", "program": "program", "url": URL},
        "homebrew": {"kind": "homebrew", "program": "program", "url": URL},
        "program-npm": {"kind": "program-npm", "program": "program"},
    }
    assert uncovered == []


def test_packages_of_goreleaser_become_artifacts_of_each_program(tmp_path: Path) -> None:
    files = {".goreleaser.yaml": PACKAGES, "src/bin/a.rs": "", "src/bin/b.rs": ""}
    lines, uncovered = described(tmp_path, CRATE + ABOUT, GITHUB, files=files)
    assert lines["a-linux-package"] == {
        "kind": "linux-package",
        "program": "a-program",
        "maintainer": "A. Demo <demo@example.org>",
        "formats": ["rpm"],
    }
    assert {*lines} == {f"{p}-{kind}" for p in "ab" for kind in ("homebrew", "scoop", "linux-package")}
    assert uncovered == []


def test_packages_that_cannot_be_made(tmp_path: Path) -> None:
    lines, uncovered = described(tmp_path / "bare", CRATE, GITHUB, files={".goreleaser.yaml": PACKAGES})
    assert {*lines} == {"homebrew"}
    assert uncovered == [
        ".goreleaser.yaml:5:1: .goreleaser.yaml scoops",
        ".goreleaser.yaml:1:1: .goreleaser.yaml nfpms",
    ]
    lines, uncovered = described(tmp_path / "nowhere", CRATE + ABOUT, files={".goreleaser.yaml": PACKAGES})
    assert {*lines} == {"linux-package"}
    assert len(uncovered) == 2
    empty = {"src/bin/notes.txt": "", ".goreleaser.yaml": "brews: [{}]\n"}
    lines, uncovered = described(tmp_path / "none", CRATE + "[lib]\n", GITHUB, files={**empty, "src/lib.rs": ""})
    assert (lines, uncovered[0]) == ({}, ".goreleaser.yaml:1:1: .goreleaser.yaml brews")
