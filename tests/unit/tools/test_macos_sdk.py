from __future__ import annotations

from pathlib import Path

import pytest

from fakes.triples import MAC, X86
from ferrule.core.errors import ToolchainError
from ferrule.core.model import Target
from ferrule.tools.macos_sdk import links_framework, missing_sdk, sdk_root

LOCKED = frozenset({"serde", "security-framework-sys", "core-foundation"})


def test_an_sdk_is_named_from_the_project(tmp_path):
    with pytest.raises(ToolchainError, match="sdks/mac is not a macOS SDK"):
        sdk_root("sdks/mac", tmp_path, where="native")
    (tmp_path / "sdks/mac/System/Library/Frameworks").mkdir(parents=True)
    assert sdk_root("sdks/mac", tmp_path, where="native") == tmp_path / "sdks/mac"
    assert sdk_root(str(tmp_path / "sdks/mac"), Path("/other"), where="native") == tmp_path / "sdks/mac"


def test_frameworks_without_an_sdk_are_said_before_anything_is_built():
    problem, fix = missing_sdk((Target(X86), Target(MAC)), LOCKED, "Linux")
    assert (
        problem == f"core-foundation links frameworks of macOS, which only Apple's SDK describes, and {MAC} names none"
    )
    assert fix.startswith("write `sdk: path/of/MacOSX.sdk` at the target")


@pytest.mark.parametrize(
    ("targets", "locked", "system"),
    [
        ((Target(X86),), LOCKED, "Linux"),
        ((Target(MAC, sdk="mac.sdk"),), LOCKED, "Linux"),
        ((Target(MAC),), frozenset({"serde"}), "Linux"),
        ((Target(MAC),), LOCKED, "Darwin"),
        ((), LOCKED, "Linux"),
    ],
)
def test_where_nothing_is_missing_nothing_is_said(targets, locked, system):
    assert missing_sdk(targets, locked, system) is None


def test_crates_that_link_frameworks():
    names = ("objc2-app-kit", "metal", "core-foundation", "objc2", "metals", "serde")
    assert [links_framework(name) for name in names] == [True, True, True, False, False, False]
