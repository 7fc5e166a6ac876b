"""The SDK of macOS, which describes its frameworks: Apple gives it to nobody but users of Macs, and zig has none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import ToolchainError
from ferrule.core.platforms import PLATFORMS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ferrule.core.model import Target

VARIABLE: Final = "SDKROOT"
_FRAMEWORK_CRATE: Final = re.compile(
    r"(core-foundation|core-graphics(-types)?|core-text|core-video|coreaudio|coremidi|fsevent|io-kit|io-surface|metal"
    r"|security-framework|system-configuration)(-sys)?|cocoa|objc2-.*"
)


def links_framework(crate: str) -> bool:
    """Whether a crate is one of those that link frameworks of macOS."""
    return _FRAMEWORK_CRATE.fullmatch(crate) is not None


def missing_sdk(targets: Iterable[Target], locked: Iterable[str], system: str) -> tuple[str, str] | None:
    """A target for which a crate of Cargo.lock links frameworks while no SDK is named: what is missing, and the fix.

    None on a Mac, where zig finds the SDK. Which features a build has, and so whether the crate is in it, is not known.
    """
    crates = sorted(filter(links_framework, locked))
    without = [one.triple for one in targets if PLATFORMS[one.triple].system == "macos" and one.sdk is None]
    if not crates or not without or system == "Darwin":
        return None
    problem = f"{crates[0]} links frameworks of macOS, which only Apple's SDK describes, and {without[0]} names none"
    return problem, f"write `sdk: path/of/MacOSX.sdk` at the target {without[0]}, or build it on a Mac"


def sdk_root(path: str, project: Path, *, where: str) -> Path:
    """The folder of an SDK, wherever build scripts run; raises ToolchainError if it is not one of macOS."""
    sdk = project / path
    if not (sdk / "System" / "Library" / "Frameworks").is_dir():
        raise ToolchainError(
            f"{path} is not a macOS SDK: it has no System/Library/Frameworks",
            where=where,
            hint="name the folder MacOSX.sdk of Xcode or of its command line tools",
        )
    return sdk
