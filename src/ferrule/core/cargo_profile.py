"""What a profile of Cargo says, in the root manifest and in Cargo's settings ("The Cargo Book", Profiles)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ferrule.core.cargo_config import read_settings
from ferrule.core.frozen import dataclass
from ferrule.core.toml_file import parse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ferrule.core.cargo_config import CargoSettings

_PARENTS: Final = {"test": "dev", "bench": "release"}
_NO_DEBUG_INFO: Final = (None, False, 0, "none")
_OF_DEVELOPMENT: Final = "dev"
"""The profile that has debug information unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class DebugProfile:
    """Whether a profile asks for debug information, and whether it says that symbols are kept."""

    has_debug_info: bool
    keeps_symbols: bool


def read_debug_profile(workspace: Path, name: str, home: Path | None) -> DebugProfile:
    """That of a workspace, with `home` Cargo's own folder; raises ConfigError for what cannot be read."""
    manifest = parse((workspace / "Cargo.toml").read_bytes(), "Cargo.toml")
    return debug_profile(name, manifest.get("profile", {}), read_settings(workspace, ".", home))


def debug_profile(name: str, profiles: Mapping[str, Any], settings: CargoSettings) -> DebugProfile:
    """That of a name, by the tables of the root manifest and the settings, which count more."""
    debug, strip = (_value(name, key, profiles, settings) for key in ("debug", "strip"))
    return DebugProfile(debug not in _NO_DEBUG_INFO, strip in ("none", False))


def _value(name: str, key: str, profiles: Mapping[str, Any], settings: CargoSettings) -> Any:  # noqa: ANN401 - of TOML
    """The value of a key, in the profile or the nearest that it inherits from."""
    seen: set[str] = set()
    while name not in seen:
        seen.add(name)
        table = profiles.get(name, {})
        value = settings.value("profile", name, key)
        value = table.get(key) if value is None else value
        if value is not None:
            return value
        parent = settings.value("profile", name, "inherits") or table.get("inherits") or _PARENTS.get(name, name)
        name, last = str(parent), name
    return True if key == "debug" and last == _OF_DEVELOPMENT else None
