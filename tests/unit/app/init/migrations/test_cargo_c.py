"""What a crate says to cargo-c, as a library, its header and its SDK have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fakes.workspaces import EXPORTED, HEADER, LICENCE, crate, lock
from ferrule.app.init import run as init

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.tools.host import Host

GENERATED = "[package.metadata.capi.header]\ngeneration = false\n"
INCLUDE = "[[package.metadata.capi.install.include.asset]]\nfrom = "


def artifacts(root: Path, host: Host, settings: str, more: str = "") -> dict[str, Any]:
    """The artifacts of a crate with these settings, and with a header in src/."""
    files = {"Cargo.toml": f"{crate('demo', types=None)}\n{more}\n{settings}", "Cargo.lock": lock(demo="")}
    for name, text in {**files, "src/lib.rs": EXPORTED, "src/x.h": HEADER, **LICENCE}.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    return {line.key: line.value for line in init.propose(root, host).description.artifacts}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("", {}),
        ('name = "demo"', {}),
        ('name = "other"', {"name": "other"}),
        ('name = "not a name"', {}),
        ('version = "1.2.3"', {}),
        ('version = "2.3.4"', {"abi": "2"}),
        ('version = "0.4.1"', {"abi": "0.4"}),
        ('version = "x"', {}),
        ("version_suffix_components = 3", {"abi": "1.2.3"}),
        ('rustflags = "-Cpanic=abort --cfg x"', {"rustflags": ["-Cpanic=abort", "--cfg", "x"]}),
        ('rustflags = ["-Ca", "-Cb"]', {"rustflags": ["-Ca", "-Cb"]}),
        ("rustflags = 1", {}),
    ],
)
def test_a_library_is_as_cargo_c_makes_it(tmp_path: Path, host: Host, settings: str, expected: dict[str, Any]) -> None:
    library = artifacts(tmp_path, host, f"[package.metadata.capi.library]\n{settings}\n")["native"]
    assert library == {"kind": "library", "crate": "demo", "header": "header", **expected}


def test_its_feature_is_on(tmp_path: Path, host: Host) -> None:
    library = artifacts(tmp_path, host, "[package.metadata.capi]\n", "[features]\ncapi = []\n")["native"]
    assert library["features"] == ["capi"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (f'{GENERATED}{INCLUDE}"src/x.h"\n', {"file": "src/x.h"}),
        (f'{GENERATED}{INCLUDE}"src/*.h"\n', {"files": ["src/*.h"]}),
        (f'{GENERATED}{INCLUDE}"../x.h"\n', {"crate": "demo"}),
        (f'{INCLUDE}"src/x.h"\n', {"crate": "demo"}),
        ('[package.metadata.capi.header]\nname = "y"\n', {"crate": "demo", "name": "y.h"}),
    ],
)
def test_a_header_is_the_one_that_is_installed(
    tmp_path: Path, host: Host, settings: str, expected: dict[str, Any]
) -> None:
    assert artifacts(tmp_path, host, settings)["header"] == {"kind": "header", **expected}


def test_a_pkg_config_file_says_the_same(tmp_path: Path, host: Host) -> None:
    settings = 'name = "a"\nfilename = "b"\nversion = "2.0"\nrequires = "x, y >= 1"\nrequires_private = "z"\n'
    sdk = artifacts(tmp_path, host, f"[package.metadata.capi.pkg_config]\n{settings}")["sdk-c"]
    assert sdk["pkg-config"] == {"name": "b", "version": "2.0", "requires": ["x", "y >= 1"], "requires-private": ["z"]}
