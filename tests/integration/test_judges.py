"""A judge that is missing is installed, or named together with the command that installs it; never passed over."""

from __future__ import annotations

import pytest
from judges import DEBIAN, HOMEBREW, MissingJudgeError, found, provision

WANTED = {"nonesuch": ("nonesuch-tools",), "sh": ("dash",)}


def test_without_the_right_to_install_the_command_is_named(tmp_path):
    (tmp_path / "sh").touch(mode=0o755)
    with pytest.raises(MissingJudgeError, match=r"not on this machine: nonesuch; .*sudo apt-get .* nonesuch-tools$"):
        provision(WANTED, system="linux", path=str(tmp_path), is_root=False)


def test_without_apt_the_judge_is_named(tmp_path):
    with pytest.raises(MissingJudgeError, match="nonesuch, sh"):
        provision(WANTED, system="linux", path=str(tmp_path), is_root=True)


def test_what_is_missing_is_installed_and_no_more(tmp_path):
    for name in ("sh", "apt-get"):
        (tmp_path / name).touch(mode=0o755)
    steps: list[list[str]] = []
    provision(WANTED, system="linux", path=str(tmp_path), is_root=True, start=steps.append)
    assert [step[-1] for step in steps] == ["update", "nonesuch-tools"]


def test_where_all_are_here_nothing_is_started(tmp_path):
    for name in WANTED:
        (tmp_path / name).touch(mode=0o755)
    provision(WANTED, system="linux", path=str(tmp_path), is_root=True, start=pytest.fail)


def test_what_has_another_name_elsewhere_does_as_well(tmp_path):
    (tmp_path / "google-chrome").touch(mode=0o755)
    assert found("chromium", path=str(tmp_path)) == str(tmp_path / "google-chrome")
    provision({"chromium": ("chromium",)}, system="linux", path=str(tmp_path), is_root=True, start=pytest.fail)


def test_on_macos_homebrew_is_named_and_what_only_apple_has(tmp_path):
    with pytest.raises(MissingJudgeError, match=r"pkg-config.*; on macOS: brew install cmake pkgconf$"):
        provision({"cmake": ("cmake",), "pkg-config": ("pkgconf",)}, system="darwin", path=str(tmp_path))
    (tmp_path / "brew").touch(mode=0o755)
    with pytest.raises(
        MissingJudgeError, match=r"clang, cmake; on macOS: xcode-select --install && brew install cmake$"
    ):
        provision({"clang": (), "cmake": ("cmake",)}, system="darwin", path=str(tmp_path))


def test_on_macos_homebrew_installs_and_needs_no_root(tmp_path):
    (tmp_path / "brew").touch(mode=0o755)
    steps: list[list[str]] = []
    provision({"cmake": ("cmake",)}, system="darwin", path=str(tmp_path), is_root=False, start=steps.append)
    assert steps == [["brew", "install", "cmake"]]


def test_macos_needs_less_than_linux():
    assert HOMEBREW.keys() - DEBIAN.keys() == {"xcrun"}
