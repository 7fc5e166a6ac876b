"""Which Pythons an extension module is built for: their names in tags, and what PyO3 and maturin know of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from ferrule.core.frozen import dataclass
from ferrule.core.manifest_problems import dependency_tables
from ferrule.core.manifest_table import ManifestTable
from ferrule.core.toml_file import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from packaging.specifiers import SpecifierSet

    from ferrule.core.platforms import Platform
    from ferrule.kinds.base import Context

ABI3: Final = "abi3"
"""The stable interface, which one wheel for all Pythons from one on uses."""
PYTHON: Final = r"^(abi3|cp3[0-9]{1,2}t?|pp3[0-9]{1,2})$"
"""A Python as wheels' tags name it: CPython, the free-threaded one, PyPy; or `abi3`."""

_NAME: Final = re.compile(r"(cp|pp)3(\d+)(t?)")
_STABLE: Final = re.compile(r"abi3-py3(\d+)")
_PYO3: Final = ("pyo3", "pyo3-ffi")
_LOCKED: Final = re.compile(r'^name = "pyo3(?:-ffi)?"\r?\nversion = "(\d+)\.(\d+)', re.MULTILINE)
_FREE_THREADED_IN_MATURIN: Final = 14
_RAW_DYLIB: Final = (0, 29)
"""The first PyO3 that needs no import library of Python's on Windows (its CHANGELOG, 0.29)."""
_IMPORT_LIBRARY: Final = "generate-import-lib"
_LAST_RELEASE: Final = 30
"""More than the last number of any release of Python 3 has been."""
_FUTURE: Final = 100
"""More than any version of Python 3 that requires-python will name."""


class _Range(NamedTuple):
    oldest: int
    newest: int


class _Supported(NamedTuple):
    """Minor versions of Python 3; `free_threaded` is the first that may be so."""

    cpython: _Range
    pypy: _Range
    free_threaded: int | None


_SUPPORTED: Final = {
    (0, 20): _Supported(_Range(7, 12), _Range(7, 10), None),
    (0, 21): _Supported(_Range(7, 12), _Range(7, 10), None),
    (0, 22): _Supported(_Range(7, 13), _Range(7, 10), None),
    (0, 23): _Supported(_Range(7, 13), _Range(9, 11), 13),
    (0, 24): _Supported(_Range(7, 13), _Range(9, 11), 13),
    (0, 25): _Supported(_Range(7, 14), _Range(9, 11), 13),
    (0, 26): _Supported(_Range(7, 14), _Range(9, 14), 13),
    (0, 27): _Supported(_Range(7, 14), _Range(11, 14), 13),
    (0, 28): _Supported(_Range(7, 14), _Range(11, 14), 13),
    (0, 29): _Supported(_Range(8, 15), _Range(11, 15), 14),
    (0, 30): _Supported(_Range(9, 15), _Range(11, 15), 14),
}
"""What each PyO3 builds for (pyo3-ffi, build.rs, SUPPORTED_VERSIONS_…); its own build refuses what is not here."""
OLDEST_PYO3: Final = min(_SUPPORTED)
"""The first PyO3 that says which Pythons it builds for; older ones take every new Python for one that they know."""
_IN_MATURIN: Final = _Supported(_Range(9, 15), _Range(9, 11), _FREE_THREADED_IN_MATURIN)
"""The Pythons that maturin 1.16 describes to PyO3 by itself, so that none has to be installed."""


@dataclass(frozen=True, slots=True)
class PythonBuild:
    """One build of a module: `interpreter` as maturin is asked for it, `tag` the first two parts of a wheel's tag."""

    interpreter: str
    tag: str


def build_of(name: str, oldest: int) -> PythonBuild:
    """The build that a name (`PYTHON`) stands for; `oldest` begins the stable interface, as a number after 3.

    >>> build_of("cp314t", 0), build_of("abi3", 9).tag
    (PythonBuild(interpreter='python3.14t', tag='cp314-cp314t'), 'cp39-abi3')
    """
    if name == ABI3:
        return PythonBuild(f"python3.{oldest}", f"cp3{oldest}-abi3")
    implementation, minor, free = _parts(name)
    if implementation == "pp":
        return PythonBuild(f"pypy3.{minor}", f"pp3{minor}-pypy3{minor}_pp73")
    return PythonBuild(f"python3.{minor}{free}", f"cp3{minor}-cp3{minor}{free}")


def _parts(name: str) -> tuple[str, int, str]:
    match = _NAME.fullmatch(name)
    assert match is not None  # noqa: S101 - for the type checker
    return match[1], int(match[2]), match[3]


def pyo3_version(lock: str) -> tuple[int, int] | None:
    """The version of PyO3 in the text of a Cargo.lock, which can hold one only, as it has `links`; None without it."""
    match = _LOCKED.search(lock)
    return (int(match[1]), int(match[2])) if match else None


def requires_problem(requires: object) -> str | None:
    """Why a value cannot be `requires-python` (version specifiers, "Version specifiers"); None if it can."""
    if requires is None:
        return None
    if not isinstance(requires, str):
        return "`requires-python` is not a text"
    try:
        _specifiers(requires)
    except ValueError:
        return f"{requires!r} is no version specifier"
    return None


def _specifiers(requires: str | None) -> SpecifierSet:
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415 - 11 ms

    return SpecifierSet(requires or "")


def accepts(requires: str | None, minor: int) -> bool:
    """Whether some release of Python 3.`minor` is one that the package says it is for: any, where it says nothing.

    >>> accepts(">=3.10.2", 10), accepts("<3.10", 10), accepts(None, 10)
    (True, False, True)
    """
    accepted = _specifiers(requires)
    return any(accepted.contains(f"3.{minor}.{release}") for release in (_LAST_RELEASE, *range(_LAST_RELEASE)))


def by_default(version: tuple[int, int], requires: str | None) -> tuple[str, ...]:
    """Every CPython that the package says it is for and that this PyO3 and maturin know."""
    if version < OLDEST_PYO3:
        return ()
    known = _SUPPORTED.get(version, _IN_MATURIN).cpython
    oldest, newest = max(known.oldest, _IN_MATURIN.cpython.oldest), min(known.newest, _IN_MATURIN.cpython.newest)
    return tuple(f"cp3{minor}" for minor in range(oldest, newest + 1) if accepts(requires, minor))


def not_accepted(name: str, requires: str | None, oldest: int) -> bool:
    """Whether no pip would install the wheel for a Python (`PYTHON`), as requires-python accepts none that it is for.

    `oldest` begins the stable interface, which all later ones have too.
    """
    minors = range(oldest, _FUTURE) if name == ABI3 else (_parts(name)[1],)
    return not any(accepts(requires, minor) for minor in minors)


def problem_of(name: str, version: tuple[int, int], platform: Platform) -> tuple[str, str] | None:
    """Why no module can be built for a Python, and what to do; None if one can."""
    if name == ABI3:
        return None
    implementation, minor, free = _parts(name)
    if version < OLDEST_PYO3:
        return too_old(version)
    for who, supported in ((f"PyO3 {version[0]}.{version[1]}", _SUPPORTED.get(version)), ("maturin", _IN_MATURIN)):
        if supported is None:
            continue
        known = supported.pypy if implementation == "pp" else supported.cpython
        title = "PyPy" if implementation == "pp" else "CPython"
        if not known.oldest <= minor <= known.newest:
            known_ones = f"{implementation}3{known.oldest} to {implementation}3{known.newest}"
            return f"{who} builds for {title} 3.{known.oldest} to 3.{known.newest}, and not for {name}", (
                f"write one of {known_ones}, or take a version of it that knows this Python"
            )
        if free and (supported.free_threaded is None or minor < supported.free_threaded):
            since = f"from 3.{supported.free_threaded} on" if supported.free_threaded else "for no version"
            return f"{who} builds for free-threaded Pythons {since}, and not for {name}", (
                f"write cp3{_FREE_THREADED_IN_MATURIN}t, and take a PyO3 that knows it"
            )
    if implementation == "pp" and platform.system == "windows" and platform.architecture.name != "x86_64":
        return f"there is no PyPy for {platform.title}, so {name} cannot be built for it", (
            f"leave {name} out for {platform.triple} (by `per-target`)"
        )
    return None


def too_old(version: tuple[int, int]) -> tuple[str, str]:
    """That nobody knows which Pythons a PyO3 builds for, and what to do."""
    oldest = f"{OLDEST_PYO3[0]}.{OLDEST_PYO3[1]}"
    return (
        f"PyO3 {version[0]}.{version[1]} does not say which Pythons it builds for, so none can be planned",
        f"take PyO3 {oldest} or newer, or its feature for the stable interface (abi3-py311)",
    )


def newest_python(version: tuple[int, int]) -> int:
    """The newest CPython that this PyO3 and maturin both know, as the number after 3."""
    return min(_SUPPORTED.get(version, _IN_MATURIN).cpython.newest, _IN_MATURIN.cpython.newest)


def stable_interface(features: Iterable[str]) -> int | None:
    """The oldest Python that PyO3's features are for, as the number after 3: 0 for the one of requires-python.

    None where they ask for no stable interface.

    >>> stable_interface(["macros", "abi3-py39"]), stable_interface(["abi3"]), stable_interface([])
    (9, 0, None)
    """
    features = tuple(features)
    versions = [int(match[1]) for feature in features if (match := _STABLE.fullmatch(feature))]
    return min(versions) if versions else 0 if ABI3 in features else None


def pyo3_features(context: Context, crate: str, features: Iterable[str], *, default: bool) -> frozenset[str] | None:
    """The features of PyO3 that crates of the workspace turn on together ("Features", Feature unification).

    None where none of them needs PyO3. Raises ConfigError for a manifest that cannot be read.
    """
    workspace, needs_pyo3 = context.workspace, False
    root = _manifest(context, workspace.manifest)
    common = root.table("workspace").table("dependencies")
    active: dict[str, frozenset[str]] = {}
    result: set[str] = set()
    waiting = [(crate, tuple(features), default)]
    while waiting:
        name, asked, with_default = waiting.pop()
        on = workspace.crates[name].active_features(asked, default=with_default)
        if name in active and on <= active[name]:
            continue
        active[name] = on = on | active.get(name, frozenset())
        for need in _dependencies(_manifest(context, workspace.crates[name].manifest), common):
            if need.optional and need.key not in on:
                continue
            passed = (f.partition("/")[2] for f in on if f.partition("/")[0].rstrip("?") == need.key and "/" in f)
            if need.package in _PYO3:
                needs_pyo3 = True
                result.update((*need.features, *passed))
            elif need.package in workspace.crates:
                waiting.append((need.package, (*need.features, *passed), need.default))
    return frozenset(result) if needs_pyo3 else None


class _Dependency(NamedTuple):
    key: str
    package: str
    features: tuple[str, ...]
    default: bool
    optional: bool


def _dependencies(manifest: ManifestTable, common: ManifestTable) -> Iterator[_Dependency]:
    for table in dependency_tables(manifest, ("dependencies",)):
        for key, value in table.values.items():
            entry = table.table(key) if isinstance(value, dict) else ManifestTable(manifest.file, {})
            shared = common.values.get(key) if table.inherits(key) else None
            inherited = common.table(key) if isinstance(shared, dict) else ManifestTable(common.file, {})
            yield _Dependency(
                key,
                entry.text("package") or inherited.text("package") or key,
                (*inherited.texts("features"), *entry.texts("features")),
                default=False not in (entry.values.get("default-features"), inherited.values.get("default-features")),
                optional=entry.values.get("optional") is True,
            )


def _manifest(context: Context, file: str) -> ManifestTable:
    text = context.read_text(file)
    return ManifestTable(file, parse(text.encode(), file), content=text)


def needs_import_library(platform: Platform, version: tuple[int, int], features: Iterable[str]) -> bool:
    """Whether a module for Windows cannot be linked, as this PyO3 asks for a library that only Windows has."""
    return platform.system == "windows" and version < _RAW_DYLIB and _IMPORT_LIBRARY not in features


def oldest_python(requires: str | None) -> int | None:
    """The oldest Python that the package says it is for: 11 for `>=3.11`; None where it names none."""
    bounds = [s.version.split(".") for s in _specifiers(requires) if s.operator in {">=", "~=", "=="}]
    versions = [int(b[1]) for b in bounds if len(b) > 1 and b[0] == "3" and b[1].isdigit()]
    return max(versions, default=None)
