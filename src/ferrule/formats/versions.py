"""What the ecosystems take for a version: each rule is None, or says why the version is refused.

PEP 440 by packaging; npm and Go by SemVer 2.0.0, Go by its "Module version numbering" besides; tags of images by the
OCI distribution specification ("Pulling manifests").
"""

from __future__ import annotations

import re
from typing import Final

_NUMBER: Final = r"(?:0|[1-9][0-9]*)"
_PART: Final = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_SEMVER: Final = re.compile(rf"({_NUMBER})\.{_NUMBER}\.{_NUMBER}(?:-{_PART}(?:\.{_PART})*)?(\+[0-9A-Za-z.-]+)?")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


def python_problem(version: str) -> str | None:
    """Why Python packages cannot have a version (PEP 440).

    >>> python_problem("1.0.0-rc.1"), python_problem("1.0.0-dev-21-g2ca8632")
    (None, 'Python packages cannot have the version 1.0.0-dev-21-g2ca8632 (PEP 440)')
    """
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 - 11 ms

    try:
        Version(version)
    except InvalidVersion:
        return f"Python packages cannot have the version {version} (PEP 440)"
    return None


def same_python_version(one: str, other: str) -> bool:
    """Whether two versions are one to Python packages.

    >>> same_python_version("1.0.0-rc.1", "1.0.0rc1"), same_python_version("1.0", "?")
    (True, False)
    """
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415 - 11 ms

    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return False


def is_semver(version: str) -> bool:
    """Whether it is a version as SemVer 2.0.0 has them; its numbers may be of any size.

    >>> is_semver("1.2.3-rc.1+b"), is_semver("1.2.3-01"), is_semver("1.2")
    (True, False, False)
    """
    return _SEMVER.fullmatch(version) is not None


def npm_problem(version: str) -> str | None:
    """Why npm refuses a version, or would change it."""
    match = _SEMVER.fullmatch(version)
    if match is None:
        return f"npm packages cannot have the version {version}, which is not SemVer"
    return f"npm drops what follows the + of {version}" if match[2] else None


def oci_problem(version: str) -> str | None:
    """Why an image cannot have a version as its tag."""
    return None if _TAG.fullmatch(version) else f"images cannot have the tag {version}, as registries take no such tag"


def go_problem(version: str, module: str) -> str | None:
    """Why Go refuses a version of a module: from 2 on the module path must end in it.

    >>> go_problem("2.1.0", "example.org/demo")
    'Go takes no version 2.1.0 of example.org/demo, whose path would have to end in /v2'
    """
    match = _SEMVER.fullmatch(version)
    if match is None:
        return f"Go modules cannot have the version {version}, which is not SemVer"
    if match[2]:
        return f"Go takes no version with a + in it, such as {version}"
    major = int(match[1])
    suffix = re.search(r"/v([0-9]+)$|^gopkg\.in/.*\.v([0-9]+)$", module)
    stated = int(suffix[1] or suffix[2]) if suffix else None
    if module.startswith("gopkg.in/"):
        return None if stated == major else f"Go takes no version {version} of {module}"
    if major > 1 and stated != major:
        return f"Go takes no version {version} of {module}, whose path would have to end in /v{major}"
    if major < 2 and stated is not None:  # noqa: PLR2004 - v2 is the first that stands in the path
        return f"Go takes no version {version} of {module}, whose path promises version {stated}"
    return None
