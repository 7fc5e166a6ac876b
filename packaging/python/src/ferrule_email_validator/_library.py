"""The native library that the package carries, and what it says of itself."""

from __future__ import annotations

from typing import TypedDict, cast

from ferrule_email_validator._bindings import (
    ABI_VERSION,
    BUILD_INFO,
    LIBRARY,
    VERSION,
    Text,
    check_abi,
    check_interface,
    texts,
)

__version__ = VERSION
__all__ = [
    "ABI_VERSION",
    "LIBRARY",
    "BuildInfo",
    "Text",
    "__version__",
    "build_info",
    "check_abi",
    "check_interface",
    "texts",
]


class BuildInfo(TypedDict):
    """What the native library is. `dependencies` has a version for each name; only releases know all the rest."""

    name: str
    version: str
    commit: str
    fingerprint: str
    interface: str
    target: str
    rustc: str
    dependencies: dict[str, str]


def build_info() -> BuildInfo:
    """What the loaded native library is: version, commit, fingerprints, target, compiler and dependencies."""
    return cast("BuildInfo", {**BUILD_INFO, "dependencies": dict(BUILD_INFO["dependencies"])})
