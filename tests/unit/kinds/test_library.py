from __future__ import annotations

import pytest

from ferrule.kinds.library import abi_of


@pytest.mark.parametrize(
    ("version", "abi"),
    [
        ("1.4.2", "1"),
        ("12.0.0", "12"),
        ("0.3.1", "0.3"),
        ("0.10.0", "0.10"),
        ("0.0.7", "0.0.7"),
        ("0.0.0", "0.0.0"),
        ("1.0.0-rc.1", "1"),
        ("0.0.7-rc.1+build.5", "0.0.7"),
        ("2.0.0+20130313144700", "2"),
        ("1.0.0-0.3.7", "1"),
        ("3", "3"),
        ("0.2", "0.2"),
    ],
)
def test_abi_is_what_semver_lets_break(version: str, abi: str) -> None:
    assert abi_of(version) == abi
