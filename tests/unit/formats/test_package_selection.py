from __future__ import annotations

import tomllib

import pytest

from ferrule.core.ignore_files import IgnoreFiles
from ferrule.formats.package_selection import (
    Selection,
    left_out_of_sdists,
    left_out_of_wheels,
    only_module,
    selection,
    unfollowed_settings,
)

FILES = (
    *("src/a/__init__.py", "src/a/x.secret", "src/a/tests/t.py", "src/a/internal/i.py", "src/a/internal/deep/d.py"),
    *("src/a/internals/e.py", "src/tests/t.py", "src/a/data/y.secret"),
)


def left_out(text: str) -> set[str]:
    """Which of the files are in no wheel."""
    files = IgnoreFiles()
    files.read("", left_out_of_wheels(tomllib.loads(text), "src"))
    return {name for name in FILES if files.ignore_any(name)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("[tool.hatch.build]\nexclude = ['*.secret']", "src/a/x.secret src/a/data/y.secret"),
        ("[tool.hatch.build.targets.wheel]\nexclude = ['/src/a/tests']", "src/a/tests/t.py"),
        ("[tool.hatch.build.targets.sdist]\nexclude = ['*']", ""),
        ("[tool.hatch.build]\nexclude = ['*.secret']\n[tool.hatch.build.targets.wheel]\nexclude = []", ""),
        (
            "[tool.setuptools.packages.find]\nexclude = ['a.internal*']",
            "src/a/internal/i.py src/a/internal/deep/d.py src/a/internals/e.py",
        ),
        ("[tool.setuptools.packages.find]\nexclude = ['a.internal']", "src/a/internal/i.py"),
        ("[tool.setuptools.packages.find]\nexclude = ['a.internal.*']", "src/a/internal/deep/d.py"),
        ("[tool.setuptools.packages.find]\nexclude = ['tests*']", "src/tests/t.py"),
        ("[tool.setuptools.packages.find]\nexclude = ['*.tests']", "src/a/tests/t.py"),
        ("[tool.setuptools.exclude-package-data]\na = ['*.secret']", "src/a/x.secret"),
        ("[tool.setuptools.exclude-package-data]\n'*' = ['*.secret']", "src/a/x.secret src/a/data/y.secret"),
    ],
)
def test_what_backends_leave_out_is_in_no_wheel(text: str, expected: str) -> None:
    assert left_out(text) == set(expected.split())


def test_sdists_have_rules_of_their_own() -> None:
    text = "[tool.hatch.build.targets.sdist]\nexclude = ['/docs']\n[tool.flit.sdist]\nexclude = ['x']\n"
    assert left_out_of_sdists(tomllib.loads(text)) == ("/docs", "x")


PACKAGES = (
    *("src/a/__init__.py", "src/a/data/x.json", "src/a/b/__init__.py", "src/a/b/y.txt", "src/other/__init__.py"),
    *("src/single.py", "src/double.py"),
)


def chosen(text: str) -> set[str]:
    """Which of the files a wheel holds, without `src/`."""
    choice = selection(tomllib.loads(text))
    return {name.removeprefix("src/") for name in PACKAGES if choice.has_file(name, name.removeprefix("src/"))}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "a/__init__.py a/data/x.json a/b/__init__.py a/b/y.txt other/__init__.py single.py double.py"),
        (
            "[tool.hatch.build.targets.wheel]\npackages = ['src/a/']",
            "a/__init__.py a/data/x.json a/b/__init__.py a/b/y.txt",
        ),
        (
            "[tool.hatch.build.targets.wheel]\nonly-include = ['./src/other']\nsources = ['src']",
            "other/__init__.py",
        ),
        ("[tool.hatch.build]\npackages = ['src/other']", "other/__init__.py"),
        ("[tool.hatch.build.targets.wheel]\nonly-include = ['src/single.py']\npackages = ['src/a']", "single.py"),
        ("[tool.setuptools]\npackages = ['a']", "a/__init__.py a/data/x.json a/b/y.txt"),
        ("[tool.setuptools]\npackages = ['a', 'a.b']", "a/__init__.py a/data/x.json a/b/__init__.py a/b/y.txt"),
        ("[tool.setuptools]\npackages = ['other']", "other/__init__.py"),
        (
            "[tool.setuptools.packages.find]\ninclude = ['a*']",
            "a/__init__.py a/data/x.json a/b/__init__.py a/b/y.txt",
        ),
    ],
)
def test_a_wheel_holds_what_pyproject_chooses(text: str, expected: str) -> None:
    assert chosen(text) == set(expected.split())


def test_tops_are_packages_in_no_other() -> None:
    hatch = selection(tomllib.loads("[tool.hatch.build.targets.wheel]\npackages = ['src/a', 'b']"))
    assert [hatch.has_top(folder, folder[-1]) for folder in ("src/a", "b", "src/b")] == [True, True, False]
    names = selection(tomllib.loads("[tool.setuptools]\npackages = ['a.b', 'c']"))
    assert [names.has_top(f"src/{name}", name) for name in ("a", "b", "c")] == [True, False, True]
    assert Selection().has_top("x", "x")


@pytest.mark.parametrize(
    ("text", "folders", "root"),
    [
        ("[tool.uv.build-backend]\nmodule-name = 'acme.demo'", ("src/acme/demo",), None),
        ("[tool.uv.build-backend]\nmodule-name = ['a', 'b']\nmodule-root = ''", ("a", "b"), "."),
        ("[tool.uv.build-backend]\nmodule-name = 5\nmodule-root = 'lib/'", (), "lib"),
        ("[tool.flit.module]\nname = 'b'", ("src/b", "b"), None),
        ("[tool.pdm.build]\npackage-dir = 'python'", (), "python"),
        ("[tool.setuptools]\npackage-dir = {'' = './lib'}", (), "lib"),
        ("[tool.setuptools.packages.find]\nwhere = ['lib']", (), "lib"),
        ("[tool.setuptools.packages.find]\nwhere = ['lib', 'src']", (), None),
        ("[tool.setuptools.packages.find]\nwhere = ['../lib']", (), None),
    ],
)
def test_where_packages_lie(text: str, folders: tuple[str, ...], root: str | None) -> None:
    choice = selection(tomllib.loads(text))
    assert (choice.folders, choice.root) == (folders, root)


def test_some_backends_pack_one_module_where_nothing_is_said() -> None:
    hatch = tomllib.loads("[build-system]\nbuild-backend = 'hatchling.build'")
    assert only_module(hatch, "Demo-X.y") == "demo_x_y"
    assert only_module({}, "demo") is None


def test_a_namespace_has_what_is_chosen_of_it() -> None:
    assert Selection(folders=("src/acme/demo",)).has_top("src/acme", "acme")


def test_modules_beside_packages_are_named() -> None:
    assert selection(tomllib.loads("[tool.setuptools]\npy-modules = ['single']")).modules == ("single",)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[tool.hatch.build]\ninclude = ['x']", "include"),
        ("[tool.hatch.build.targets.wheel]\nforce-include = {a = 'b'}", "force-include"),
        ("[tool.hatch.build.targets.wheel]\nsources = ['lib']", "sources"),
        ("[tool.hatch.build.targets.wheel]\nsources = ['src']", None),
        ("[tool.hatch.build.targets.wheel.sources]\nsrc = ''", None),
        ("[tool.hatch.build.targets.wheel]\nartifacts = ['*.so', '*.pyd']", None),
        ("[tool.hatch.build.targets.wheel]\nartifacts = ['*.so', 'made.py']", "artifacts"),
        ("[tool.hatch.build.targets.wheel]\nshared-data = {a = 'b'}", "shared-data"),
        ("[tool.hatch.build.targets.sdist]\ninclude = ['x']", None),
        ("[tool.setuptools]\npackage-dir = {'' = 'src'}", None),
        ("[tool.setuptools]\npackage-dir = {'a' = 'src/b'}", "package-dir"),
        ("[tool.setuptools.packages.find]\nwhere = ['src']", None),
        ("[tool.setuptools.packages.find]\nwhere = ['src', 'lib']", "where"),
        ("[tool.setuptools.packages.find]\nwhere = ['src/']", None),
        ("[tool.hatch.build.targets.wheel]\nartifacts = 5", "artifacts"),
        ("[tool.setuptools]\nscript-files = ['x']", "script-files"),
        ("[tool.setuptools.data-files]\ndata = ['x']", "data-files"),
        ("[tool.flit.module]\nname = 'a'", None),
        ("[tool.uv.build-backend]\nmodule-name = ['a']\nmodule-root = 'src'", None),
        ("[tool.uv.build-backend]\nmodule-root = 'lib'", "module-root"),
        ("[tool.pdm.build]\nincludes = ['a']", "includes"),
        ("[tool.pdm.build]\npackage-dir = 'src'", None),
        ("[[tool.poetry.packages]]\ninclude = 'a'\nfrom = 'src'", None),
        ("[[tool.poetry.packages]]\ninclude = 'a'", "packages"),
        ("[tool.scikit-build.wheel]\npackages = ['src/a']", None),
        ("[tool.scikit-build.wheel]\npackages = ['src/b']", "packages"),
        ("[tool.scikit-build.wheel]\nexclude = ['x']", "exclude"),
    ],
)
def test_what_only_the_backend_follows_is_named(text: str, key: str | None) -> None:
    keys = [path[-1] for path in unfollowed_settings(tomllib.loads(text), "src", "a")]
    assert keys == ([key] if key else [])


def test_packages_beside_pyproject_have_no_folder_above() -> None:
    text = "[tool.uv.build-backend]\nmodule-root = ''\n[[tool.poetry.packages]]\ninclude = 'a'\n"
    assert [*unfollowed_settings(tomllib.loads(text), ".", "a")] == []
