"""What a file of a release needs where it is used, read from its compiled parts and the metadata of its package."""

from __future__ import annotations

import json
import re
from email.parser import HeaderParser
from typing import TYPE_CHECKING, Any, Final

from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ferrule.core.facts import MeasuredFile

_WHEEL_FLOOR: Final = re.compile(r"(manylinux|musllinux|macosx)_(\d+)_(\d+)_")
_WHEEL: Final = re.compile(r".+-(?P<python>[^-]+)-(?P<abi>[^-]+)-(?P<platform>[^-]+)\.whl")
_CPYTHON: Final = re.compile(r"cp(\d)(\d+)")
_SYSTEMS: Final = {"manylinux": "glibc", "musllinux": "musl", "macosx": "macOS"}


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a file needs.

    `floors` are systems and runtimes with the oldest version (`glibc 2.17`, `Python >=3.11`), `loads` libraries that it
    does not bring, `packages` what its package manager installs with it.
    """

    floors: tuple[str, ...] = ()
    loads: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


def of(name: str, members: Mapping[str, bytes], measured: Iterable[MeasuredFile]) -> Requirements:
    """The requirements of the file `name` with these members (the file itself is the one without a name).

    `measured` are the libraries and programs among the members.
    """
    measured = tuple(measured)
    stated = [
        read(content.decode("utf-8", "replace"))
        for member, content in members.items()
        for pattern, read in _METADATA
        if pattern.fullmatch(member)
    ]
    promised = dict(_promised(name))
    floors = {"glibc": _oldest(each.glibc for each in measured), "macOS": _oldest(each.macos for each in measured)}
    systems = {system: version for system, version in {**floors, **promised}.items() if version}
    bundled = {path.rpartition("/")[2] for path in members} | {each.name for each in measured}
    needed = {library for each in measured for library in each.needed} - bundled
    return Requirements(
        floors=(
            *(f"{system} {version}" for system, version in systems.items()),
            *(f for each in stated for f in each.floors),
        ),
        loads=tuple(sorted(needed)),
        packages=tuple(package for each in stated for package in each.packages),
    )


def _oldest(versions: Iterable[str | None]) -> str | None:
    """The version that all of several floors allow: the newest of them."""
    return max(filter(None, versions), key=lambda version: [int(number) for number in version.split(".")], default=None)


def _promised(name: str) -> Iterator[tuple[str, str]]:
    """What the tags of a wheel promise: the oldest system, and the CPython that its modules are compiled for.

    Platform compatibility tags, "Python tag", "ABI tag" and "Platform tag"; PEP 600, PEP 656. A file that is no wheel
    promises nothing.
    """
    tags = _WHEEL.fullmatch(name)
    if tags is None:
        return
    if system := _WHEEL_FLOOR.search(tags["platform"]):
        yield _SYSTEMS[system[1]], f"{system[2]}.{system[3]}"
    if python := _CPYTHON.fullmatch(tags["python"]):
        least = ">=" if tags["abi"].startswith("abi3") else ""
        free_threaded = " free-threaded" if tags["abi"].endswith("t") else ""
        yield "CPython", f"{least}{python[1]}.{python[2]}{free_threaded}"


def _of_python(text: str) -> Requirements:
    """Core metadata specifications, "Requires-Python" and "Requires-Dist"; what an extra brings is not required."""
    headers = HeaderParser().parsestr(text)
    python = headers.get("Requires-Python")
    required = (str(each) for each in headers.get_all("Requires-Dist", ()))
    return Requirements(
        floors=(f"Python {python}",) if python else (),
        packages=tuple(each for each in required if "extra ==" not in each),
    )


def _of_npm(text: str) -> Requirements:
    """package.json, "engines" and "dependencies"; nothing of one that is no object."""
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        return Requirements()
    engines, packages = (
        document.get(key) if isinstance(document, dict) else None for key in ("engines", "dependencies")
    )
    return Requirements(
        floors=(f"Node.js {engines['node']}",) if isinstance(engines, dict) and "node" in engines else (),
        packages=tuple(f"{name} {version}" for name, version in packages.items()) if isinstance(packages, dict) else (),
    )


def _of_go(text: str) -> Requirements:
    """Go Modules Reference, "go directive"; the modules that it requires are facts of the release."""
    go = re.search(r"^go (\S+)", text, re.MULTILINE)
    return Requirements(floors=(f"Go {go[1]}",) if go else ())


_METADATA: Final[tuple[tuple[re.Pattern[str], Callable[[str], Requirements]], ...]] = (
    (re.compile(r"[^/]+\.dist-info/METADATA"), _of_python),
    (re.compile(r"[^/]+-[^/]+/PKG-INFO"), _of_python),
    (re.compile(r"package/package\.json"), _of_npm),
    (re.compile(r"(.+@v[^/]+/)?go\.mod"), _of_go),
)
"""Where packages state what they need, by the path in the package."""
