"""What a profile of Cargo says, in the root manifest and in Cargo's settings ("The Cargo Book", Profiles)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ferrule.core.cargo_config import read_settings
from ferrule.core.frozen import dataclass
from ferrule.core.toml_file import parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ferrule.core.cargo_config import CargoSettings

_PARENTS: Final = {"test": "dev", "bench": "release"}
_NO_DEBUG_INFO: Final = (None, False, 0, "none")
_OF_DEVELOPMENT: Final = "dev"
"""The profile that has debug information unless it says otherwise."""

_OF_CRATES: Final = ("opt-level", "debug", "debug-assertions", "overflow-checks", "codegen-units", "panic", "lto")
"""Keys that decide what is compiled of a crate that others link."""


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
    ancestors = _ancestors(name, profiles, settings)
    debug, strip = (_value(ancestors, (key,), profiles, settings) for key in ("debug", "strip"))
    if debug is None:
        debug = ancestors[-1] == _OF_DEVELOPMENT
    return DebugProfile(debug not in _NO_DEBUG_INFO, strip in ("none", False))


def read_dependency_profile(workspace: Path, name: str, home: Path | None) -> dict[str, Any]:
    """What a profile sets for crates that are no members of the workspace; `inherits` is the profile that it ends at.

    Raises ConfigError for what cannot be read.
    """
    manifest = parse((workspace / "Cargo.toml").read_bytes(), "Cargo.toml")
    return dependency_profile(name, manifest.get("profile", {}), read_settings(workspace, ".", home))


def dependency_profile(name: str, profiles: Mapping[str, Any], settings: CargoSettings) -> dict[str, Any]:
    """That of a name, by the tables of the root manifest and the settings ("Overrides": `package."*"`)."""
    ancestors = _ancestors(name, profiles, settings)
    values = {"inherits": ancestors[-1]}
    for key in _OF_CRATES:
        for path in (("package", "*", key), (key,)):
            value = _value(ancestors, path, profiles, settings)
            if value is not None:
                values[key] = value
                break
    return values


def _ancestors(name: str, profiles: Mapping[str, Any], settings: CargoSettings) -> list[str]:
    """A profile and those that it inherits from, the nearest first."""
    names: list[str] = []
    while name not in names:
        names.append(name)
        parent = settings.value("profile", name, "inherits") or _at(profiles, (name, "inherits"))
        name = str(parent or _PARENTS.get(name, name))
    return names


def _value(names: Sequence[str], path: tuple[str, ...], profiles: Mapping[str, Any], settings: CargoSettings) -> Any:  # noqa: ANN401 - of TOML
    """The value of a key in the first of these profiles that has it."""
    for name in names:
        value = settings.value("profile", name, *path)
        value = _at(profiles, (name, *path)) if value is None else value
        if value is not None:
            return value
    return None


def _at(table: Any, path: Sequence[str]) -> Any:  # noqa: ANN401 - of TOML
    for key in path:
        table = table.get(key) if isinstance(table, dict) else None
    return table
