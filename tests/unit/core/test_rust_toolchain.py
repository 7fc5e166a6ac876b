"""rust-toolchain.toml: which Rust it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.unreadable import make_unreadable
from ferrule.core.errors import ConfigError
from ferrule.core.rust_toolchain import agrees, read_rust_toolchain, searched

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "text", "version"),
    [
        ("rust-toolchain.toml", '[toolchain]\nchannel = "1.85.0"\n', "1.85.0"),
        ("rust-toolchain", '[toolchain]\nchannel = "1.85"\n', "1.85"),
        ("rust-toolchain", "1.85.0\n", "1.85.0"),
        ("rust-toolchain", "1.85.0-x86_64-unknown-linux-gnu", "1.85.0"),
        ("rust-toolchain.toml", '[toolchain]\nchannel = "stable"\n', None),
    ],
)
def test_the_nearest_file_counts(tmp_path: Path, name: str, text: str, version: str | None):
    (tmp_path / "rust").mkdir()
    (tmp_path / name).write_text(text)
    toolchain = read_rust_toolchain(tmp_path, "rust")
    assert toolchain is not None
    assert toolchain.version == version
    assert toolchain.where == f"{name}:{2 if 'channel' in text else 1}:1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[toolchain]\nchannel = "nightly-2026-01-01"\n', "asks for 'nightly-2026-01-01'"),
        ('[toolchain]\npath = "/opt/rust"\n', "not with one in a folder"),
        ("[toolchain]\n", "names no channel"),
        ("toolchain = 1\n", "names no channel"),
        ("[toolchain", "cannot be read"),
    ],
)
def test_what_ferrule_cannot_build_with(tmp_path: Path, text: str, message: str):
    (tmp_path / "rust-toolchain.toml").write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        read_rust_toolchain(tmp_path, ".")
    assert str(caught.value.where).startswith("rust-toolchain.toml:")


def test_none(tmp_path: Path):
    assert read_rust_toolchain(tmp_path, ".") is None


def test_every_place_up_to_the_file_that_counts_is_named(tmp_path: Path):
    project = tmp_path.resolve()
    places = [project / "rust" / "rust-toolchain", project / "rust" / "rust-toolchain.toml", project / "rust-toolchain"]
    assert list(searched(tmp_path, "rust"))[:3] == places
    assert list(searched(tmp_path, "rust"))[-1] == project.__class__("/rust-toolchain.toml")
    (tmp_path / "rust-toolchain").write_text("stable")
    assert list(searched(tmp_path, "rust")) == places


def test_a_file_that_cannot_be_read(tmp_path: Path):
    make_unreadable(tmp_path / "rust-toolchain.toml")
    with pytest.raises(ConfigError, match="this file cannot be read: Input/output error") as caught:
        read_rust_toolchain(tmp_path, ".")
    assert caught.value.where == "rust-toolchain.toml"


@pytest.mark.parametrize(
    ("requested", "version", "same"),
    [("1.96", "1.96.0", True), ("1.96.0", "1.96", True), ("1.96.0", "1.96.1", False), ("1.96", "1.9", False)],
)
def test_versions_agree_as_far_as_both_go(requested: str, version: str, *, same: bool):
    assert agrees(requested, version) is same
