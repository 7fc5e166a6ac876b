"""What keys of targets.yaml name outside of it: features, profiles and paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ferrule import config
from ferrule.app.publish import DESTINATIONS
from ferrule.core.errors import ConfigErrors
from ferrule.kinds import KINDS

if TYPE_CHECKING:
    from fakes.toolchain import Demo


def mistakes(demo: Demo, more: str) -> list[str]:
    """What is wrong with the project, but for its lock file, after one more line in its library."""
    file = demo.project / "targets.yaml"
    file.write_text(file.read_text().replace("    exports: [", f"    {more}\n    exports: [", 1))
    try:
        errors = config.load(demo.project, KINDS, DESTINATIONS).problems
    except ConfigErrors as caught:
        errors = caught.errors
    return [error.message for error in errors if "Cargo.lock" not in error.message]


@pytest.fixture
def crate(demo: Demo) -> Demo:
    """The demo project, whose crate has a feature, a dependency and an optional one."""
    manifest = demo.project / "rust" / "demo-ffi" / "Cargo.toml"
    text = "more = {version = '1', optional = true}\nless = '1'\n"
    text = manifest.read_text().replace("[dependencies]\n", f"[features]\nfast = []\n[dependencies]\n{text}")
    manifest.write_text(text)
    return demo


@pytest.mark.parametrize("feature", ["fast", "more", "less/any", "more/any", "more?/any", "fast/any"])
def test_features_of_a_crate_and_of_its_dependencies(crate: Demo, feature: str) -> None:
    assert mistakes(crate, f"features: [{feature}]") == []


@pytest.mark.parametrize("feature", ["slow", "other/any", "less"])
def test_features_that_are_none(crate: Demo, feature: str) -> None:
    assert f'the crate demo-ffi has no feature "{feature}"' in mistakes(crate, f"features: [{feature}]")


def test_profiles_of_the_workspace(demo: Demo) -> None:
    manifest = demo.project / "rust" / "Cargo.toml"
    manifest.write_text(manifest.read_text() + '[profile.dist]\ninherits = "release"\n')
    assert mistakes(demo, "profile: dist") == []


def test_a_profile_that_is_none(demo: Demo) -> None:
    assert mistakes(demo, "profile: dits") == ['there is no Cargo profile "dits"']


def test_no_profile_is_judged_without_a_workspace(demo: Demo) -> None:
    (demo.project / "rust" / "Cargo.toml").write_text("[workspace\n")
    messages = mistakes(demo, "profile: dits")
    assert messages
    assert not any("profile" in message for message in messages)
