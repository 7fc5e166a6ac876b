"""What profiles say of debug information, as Cargo inherits and merges them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ferrule.core.cargo_config import CargoSettings, SettingsFile
from ferrule.core.cargo_profile import (
    DebugProfile,
    debug_profile,
    dependency_profile,
    read_debug_profile,
    read_dependency_profile,
)

if TYPE_CHECKING:
    from pathlib import Path

RELEASE = {"release": {"strip": "none"}}


def settings(folder: Path, profiles: dict[str, Any]) -> CargoSettings:
    return CargoSettings((SettingsFile(folder / "config.toml", "config.toml", "", {"profile": profiles}),))


@pytest.mark.parametrize(
    ("name", "profiles", "expected"),
    [
        ("release", {}, DebugProfile(False, False)),
        ("dev", {}, DebugProfile(True, False)),
        ("test", {}, DebugProfile(True, False)),
        ("bench", {}, DebugProfile(False, False)),
        ("dev", {"dev": {"debug": False}}, DebugProfile(False, False)),
        ("release", {"release": {"debug": 0, "strip": False}}, DebugProfile(False, True)),
        ("release", {"release": {"debug": "none", "strip": "debuginfo"}}, DebugProfile(False, False)),
        ("release", {"release": {"debug": 1}}, DebugProfile(True, False)),
        ("dist", {**RELEASE, "dist": {"inherits": "release", "debug": "full"}}, DebugProfile(True, True)),
        ("small", {"small": {"inherits": "dist"}, "dist": {"inherits": "dev"}}, DebugProfile(True, False)),
        ("a", {"a": {"inherits": "b"}, "b": {"inherits": "a"}}, DebugProfile(False, False)),  # Cargo refuses it
    ],
)
def test_a_profile_of_the_manifest(name: str, profiles: dict[str, Any], expected: DebugProfile) -> None:
    assert debug_profile(name, profiles, CargoSettings()) == expected


def test_settings_count_more_than_the_manifest(tmp_path: Path) -> None:
    over = settings(tmp_path, {"release": {"strip": "symbols", "debug": "line-tables-only"}})
    assert debug_profile("release", RELEASE, over) == DebugProfile(True, False)
    inherited = settings(tmp_path, {"dist": {"inherits": "release"}})
    assert debug_profile("dist", RELEASE, inherited) == DebugProfile(False, True)


def test_a_workspace_is_read_with_the_settings_that_hold_for_it(tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").write_text("[profile.release]\nstrip = false\n")
    assert read_debug_profile(tmp_path, "release", None) == DebugProfile(False, True)
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text("[profile.release]\ndebug = 2\n")
    assert read_debug_profile(tmp_path, "release", home) == DebugProfile(True, True)


@pytest.mark.parametrize(
    ("name", "profiles", "expected"),
    [
        ("release", {}, {"inherits": "release"}),
        ("test", {}, {"inherits": "dev"}),
        (
            "dist",
            {
                "dist": {"inherits": "release", "opt-level": "z", "lto": True},
                "release": {"opt-level": 3, "panic": "abort"},
            },
            {"inherits": "release", "opt-level": "z", "panic": "abort", "lto": True},
        ),
        (
            "release",
            {"release": {"opt-level": 3, "package": {"*": {"opt-level": "s"}, "sha2": {"opt-level": 0}}}},
            {"inherits": "release", "opt-level": "s"},
        ),
        ("release", {"release": {"package": "nothing", "debug": 1}}, {"inherits": "release", "debug": 1}),
    ],
)
def test_a_profile_of_crates_that_are_no_members(name: str, profiles: dict[str, Any], expected: dict[str, Any]) -> None:
    assert dependency_profile(name, profiles, CargoSettings()) == expected


def test_settings_count_for_them_too(tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").write_text("[profile.release]\nopt-level = 1\npanic = 'abort'\n")
    home = tmp_path / "home"
    home.mkdir()
    (home / "config.toml").write_text("[profile.release]\nopt-level = 2\n")
    expected = {"inherits": "release", "opt-level": 2, "panic": "abort"}
    assert read_dependency_profile(tmp_path, "release", home) == expected
