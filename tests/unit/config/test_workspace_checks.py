from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.triples import X86
from ferrule.config.workspace_checks import workspace_problems
from ferrule.core.cargo_config import read_settings
from ferrule.core.cargo_workspace import read_workspace

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = '[package]\nname = "a"\nversion = "1.0.0"\n'
LOCK = 'version = 4\n\n[[package]]\nname = "a"\nversion = "1.0.0"\n'


def problems(project: Path, *, rust: str = "1.96", **files: str) -> list[str]:
    """What is wrong with a workspace in `rust` whose only crate, in `rust/a`, is released."""
    all_files = {
        "rust__Cargo.toml": '[workspace]\nmembers = ["a"]\n',
        "rust__Cargo.lock": LOCK,
        "rust__a__Cargo.toml": MANIFEST,
        "rust__a__src__lib.rs": "",
        **files,
    }
    for name, content in all_files.items():
        path = project / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    workspace = read_workspace(project, "rust")
    settings, released = read_settings(project, "rust"), tuple(workspace.crates.values())
    result = workspace_problems(project, workspace, settings, [X86], "targets.yaml:1:1", released, rust)
    return [f"{problem.where}: {problem.message}" for problem in result]


@pytest.mark.parametrize(
    "text",
    [
        '[build]\nrustflags = ["--cfg", "x"]\n',
        "[target.'cfg(unix)']\nrustflags = ['--cfg', 'x']\n",
        "\n[env]\nX = '1'\n",
        "\n[profile.release]\nlto = true\n",
    ],
)
def test_settings_in_a_crates_folder_would_not_count(tmp_path: Path, text: str) -> None:
    (line,) = problems(tmp_path, **{"rust__a__.cargo__config.toml": text})
    assert line.startswith("rust/a/.cargo/config.toml:2:1: ")
    assert line.endswith(" counts only where Cargo is run in rust/a, and a release is built above")


def test_settings_that_decide_nothing_may_lie_anywhere(tmp_path: Path) -> None:
    text = '[alias]\nb = "build"\n[build]\ntarget = "wasm32-unknown-unknown"\n[net]\noffline = true\n'
    above = {
        "rust__.cargo__config.toml": '[build]\nrustflags = ["--cfg", "x"]\n',
        ".cargo__config.toml": "[env]\nX = '1'\n",
    }
    assert problems(tmp_path, **above, **{"rust__a__.cargo__config.toml": text}) == []


def test_a_toolchain_file_in_a_crates_folder_would_not_count(tmp_path: Path) -> None:
    (line,) = problems(
        tmp_path, **{"rust__a__rust-toolchain": "1.85.0\n", "rust-toolchain.toml": '[toolchain]\nchannel="1.96"\n'}
    )
    assert line.startswith("rust/a/rust-toolchain:1:1: this counts only where Cargo is run in rust/a")


@pytest.mark.parametrize(
    ("needed", "rust", "count"),
    [("1.97", "1.96", 1), ("1.96.1", "1.96", 0), ("1.96.2", "1.96.1", 1), ("1.85", "1.96", 0)],
)
def test_a_crate_that_needs_a_newer_rust(tmp_path: Path, needed: str, rust: str, count: int) -> None:
    manifest = f'{MANIFEST}rust-version = "{needed}"\n'
    expected = [f"rust/a/Cargo.toml: a needs Rust {needed}, and this project is built with {rust}"] * count
    assert problems(tmp_path, rust=rust, **{"rust__a__Cargo.toml": manifest}) == expected


def test_a_lock_file_of_a_newer_cargo(tmp_path: Path) -> None:
    (line,) = problems(tmp_path, **{"rust__Cargo.lock": LOCK.replace("4", "9")})
    assert line == "rust/Cargo.lock:1:1: version 9 of Cargo.lock is of a newer Cargo"


def members(root: Path, workspace: str, folder: str = ".") -> list[tuple[str | None, str, str | None]]:
    """What is wrong with the members of a workspace with one crate, `crates/a`."""
    crate = root / folder / "crates" / "a"
    (crate / "src").mkdir(parents=True)
    (crate / "src" / "lib.rs").touch()
    (crate / "Cargo.toml").write_text(MANIFEST)
    (root / folder / "Cargo.toml").write_text(workspace)
    (root / folder / "Cargo.lock").write_text(LOCK)
    result = workspace_problems(root, read_workspace(root, folder), read_settings(root, folder), (), "targets.yaml:1:1")
    return [(problem.where, problem.message, problem.hint) for problem in result]


@pytest.mark.parametrize(
    ("workspace", "folder"),
    [
        ('[workspace]\nmembers = ["crates/*"]\n', "."),
        ('[workspace]\nmembers = ["*", "crates/*"]\nexclude = [".ferrule", "dist", "crates"]\n', "."),
        ('[workspace]\nmembers = ["crates/*", "*"]\nexclude = ["crates"]\n', "rust"),
    ],
)
def test_globs_that_leave_our_folders_alone(tmp_path: Path, workspace: str, folder: str) -> None:
    assert members(tmp_path, workspace, folder) == []


@pytest.mark.parametrize(
    ("workspace", "message", "hint"),
    [
        (
            '[workspace]\nexclude = ["crates"]\nmembers = ["crates/a", "*"]\n',
            "the member '*' takes .ferrule and dist for crates, and Cargo refuses",
            'write exclude = ["crates", ".ferrule", "dist"] under [workspace]',
        ),
        (
            '[workspace]\nmembers = ["crates/a", "d*"]\n',
            "the member 'd*' takes dist for a crate, and Cargo refuses",
            'write exclude = ["dist"] under [workspace]',
        ),
    ],
)
def test_globs_that_take_our_folders_for_crates(tmp_path: Path, workspace: str, message: str, hint: str) -> None:
    ((where, result, way_out),) = members(tmp_path, workspace)
    assert where is not None
    assert where.startswith("Cargo.toml:")
    assert result.startswith(message)
    assert way_out == hint
