"""What is expected here is what Cargo 1.96 says of the same manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ferrule.core.cargo_workspace import read_workspace
from ferrule.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

ROOT = '[workspace]\nmembers = ["a"]\n[workspace.package]\nversion = "1.2.3"\nedition = "2024"\nreadme = "README.md"\n'
HEAD = '[package]\nname = "a"\nversion.workspace = true\nedition.workspace = true\n'


def problems(project: Path, root: str, crate: str, *files: str) -> tuple[list[str], list[str]]:
    """What is wrong with a workspace of one crate, and with that crate where it is released."""
    for name, content in {"Cargo.toml": root, "a/Cargo.toml": crate, **dict.fromkeys(files, "")}.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content)
    workspace = read_workspace(project)
    rows = workspace.crates["a"]
    every = [f"{e.where}: {e.message}" for e in (*workspace.problems, *rows.problems)]
    return every, [f"{e.where}: {e.message}" for e in rows.problems_of_release]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("license.workspace = true\n", "a/Cargo.toml:5:1: license is inherited, and the workspace has none"),
        ("[lints]\nworkspace = true\n", "a/Cargo.toml:5:1: lints are inherited, and the workspace has none"),
        (
            "[dependencies]\nb.workspace = true\n",
            "a/Cargo.toml:6:1: b is inherited, and the workspace does not have it",
        ),
        (
            "[target.'cfg(unix)'.build-dependencies]\nb = {workspace = true}\n",
            "a/Cargo.toml:6:1: b is inherited, and the workspace does not have it",
        ),
        ("[workspace]\n", "a/Cargo.toml:5:1: a member of a workspace cannot be the root of another"),
        ('[dependencies]\nb = {path = "../b"}\n', "a/Cargo.toml:6:1: b is to be in ../b, where no Cargo.toml is"),
        ('links = "z"\n', "a/Cargo.toml:5:1: links asks for a build script, and there is none"),
        ('build = "make.rs"\n', "a/Cargo.toml:5:1: the build script make.rs is not there"),
        ('build = ["build.rs", "b.rs"]\n', "a/Cargo.toml:5:1: the build script build.rs is not there"),
        ('[lib]\npath = "lib/x.rs"\n', "a/Cargo.toml:5:1: the library's lib/x.rs is not there"),
        ('[features]\nx = ["dep:b"]\n', "a/Cargo.toml:6:1: the feature x includes 'dep:b', which is not there"),
        ('[features]\nx = ["b?/y"]\n', "a/Cargo.toml:6:1: the feature x includes 'b?/y', which is not there"),
        ('[features]\nx = ["y"]\n', "a/Cargo.toml:6:1: the feature x includes 'y', which is not there"),
    ],
)
def test_what_cargo_refuses_has_its_place(tmp_path: Path, text: str, expected: str) -> None:
    every, _ = problems(tmp_path, ROOT, HEAD + text, "a/src/lib.rs", "a/b.rs")
    assert every == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('version = "1.2"\n', "'1.2' is no version that Cargo takes"),
        ('version = "01.2.3"\n', "'01.2.3' is no version that Cargo takes"),
        ('version = "1.2.3"\nedition = "2020"\n', "'2020' is no edition that Cargo takes"),
    ],
)
def test_values_that_cargo_does_not_take(tmp_path: Path, text: str, expected: str) -> None:
    every, _ = problems(tmp_path, ROOT, f'[package]\nname = "a"\n{text}', "a/src/lib.rs")
    assert [line.partition(": ")[2] for line in every] == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[profile.x]\nlto = true\n", "the profile x inherits from none"),
        ('[profile.x]\ninherits = "y"\n', "the profile x inherits from y, which is not there"),
        ('[profile.x]\ninherits = "x"\n', "the profile x inherits from itself"),
    ],
)
def test_profiles_that_lead_nowhere(tmp_path: Path, text: str, expected: str) -> None:
    every, _ = problems(tmp_path, ROOT + text, HEAD, "a/src/lib.rs")
    assert [line.partition(": ")[2] for line in every] == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('lto = "fatt"', "'fatt' is no value of lto"),
        ('panic = "abrt"', "'abrt' is no value of panic"),
        ("opt-level = 4", "4 is no value of opt-level"),
        ("strip = {}", "{} is no value of strip"),
        ('debug = "line-tables-only"', None),
        ('opt-level = "z"\nlto = "thin"\nstrip = true\npanic = "abort"\ndebug = 1', None),
    ],
)
def test_values_of_profiles(tmp_path: Path, text: str, expected: str | None) -> None:
    every, _ = problems(tmp_path, f"{ROOT}[profile.release]\n{text}\n", HEAD, "a/src/lib.rs")
    assert [line.partition(": ")[2] for line in every] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[lib]\nname = "a-b"\n', "'a-b' has a dash, which no library's name has for Cargo"),
        ('[[bin]]\nname = "x"\n[[bin]]\nname = "x"\n', "two of [[bin]] have the name x"),
        ('[[bin]]\nname = "x"\n[[bin]]\nname = "y"\n', None),
    ],
)
def test_names_of_targets_that_cargo_does_not_take(tmp_path: Path, text: str, expected: str | None) -> None:
    every, _ = problems(tmp_path, ROOT, HEAD + text, "a/src/lib.rs")
    assert [line.partition(": ")[2] for line in every] == ([expected] if expected else [])


def test_a_patch_that_is_not_there(tmp_path: Path) -> None:
    every, _ = problems(
        tmp_path, f'{ROOT}[patch.crates-io]\nb = {{path = "b"}}\nc = {{path = "a"}}\n', HEAD, "a/src/lib.rs"
    )
    assert every == ["Cargo.toml:8:1: b is to be in b, where no Cargo.toml is"]


def test_a_ring_of_profiles(tmp_path: Path) -> None:
    every, _ = problems(
        tmp_path, ROOT + '[profile.x]\ninherits = "y"\n[profile.y]\ninherits = "x"\n', HEAD, "a/src/lib.rs"
    )
    assert len(every) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("readme.workspace = true\n", "Cargo.toml:6:1: readme names README.md, which is not there"),
        ('license-file = "COPYING"\n', "a/Cargo.toml:5:1: license-file names COPYING, which is not there"),
        ('[profile.release]\npanic = "abort"\n', "a/Cargo.toml:5:1: Cargo ignores [profile] here"),
        ('[patch.crates-io]\nb = {path = "b"}\n', "a/Cargo.toml:5:1: Cargo ignores [patch] here"),
    ],
)
def test_what_counts_where_the_crate_is_released(tmp_path: Path, text: str, expected: str) -> None:
    every, released = problems(tmp_path, ROOT, HEAD + text, "a/src/lib.rs")
    assert every == []
    (line,) = released
    assert line.startswith(expected)


def test_what_cargo_takes_is_no_problem(tmp_path: Path) -> None:
    root = (
        f'{ROOT}[workspace.lints.rust]\nunsafe_code = "deny"\n[workspace.dependencies]\nb = "1"\n'
        '[profile.x]\ninherits = "y"\n[profile.y]\ninherits = "release"\n[profile.release]\nlto = true\n'
    )
    crate = (
        f'{HEAD}readme.workspace = true\nlinks = "z"\nbuild = ["one.rs", "two.rs"]\n[lints]\nworkspace = true\n'
        '[lib]\nname = "other"\npath = "lib/a.rs"\n'
        '[dependencies]\nb = {workspace = true, optional = true}\nc = {version = "1", package = "d"}\n'
        '[features]\nx = ["dep:b", "b?/y", "c/z", "w"]\nw = []\n'
    )
    files = ("README.md", "a/lib/a.rs", "a/one.rs", "a/two.rs")
    assert problems(tmp_path, root, crate, *files) == ([], [])


def test_a_root_package_has_profiles_of_its_own(tmp_path: Path) -> None:
    for name, content in {
        "Cargo.toml": '[package]\nname = "a"\nversion = "1.0.0"\n[profile.release]\nlto = true\n',
        "src/lib.rs": "",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    assert read_workspace(tmp_path).crates["a"].problems_of_release == ()


def test_a_member_that_is_not_there_is_told_where_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").write_text(ROOT)
    with pytest.raises(ConfigError, match=r"the member a has no Cargo\.toml") as caught:
        read_workspace(tmp_path)
    assert caught.value.where == "Cargo.toml:2:1"
