"""Binary targets as Cargo finds them, and what features turn on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ferrule.core.cargo_workspace import read_workspace
from ferrule.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.core.cargo_workspace import Crate

PACKAGE = '[package]\nname = "demo"\nversion = "1.0.0"\nedition = "2021"\n'


def crate(folder: Path, manifest: str, *files: str) -> Crate:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    (folder / "Cargo.toml").write_text(manifest)
    return read_workspace(folder).crates["demo"]


@pytest.mark.parametrize(
    ("manifest", "files", "programs"),
    [
        (PACKAGE, (), []),
        (PACKAGE, ("src/lib.rs",), []),
        (PACKAGE, ("src/main.rs",), [("demo", "src/main.rs")]),
        (
            PACKAGE,
            ("src/main.rs", "src/bin/b.rs", "src/bin/a/main.rs", "src/bin/c/other.rs", "src/bin/notes.txt"),
            [("demo", "src/main.rs"), ("a", "src/bin/a/main.rs"), ("b", "src/bin/b.rs")],
        ),
        (PACKAGE + "autobins = false\n", ("src/main.rs",), []),
        (PACKAGE + '[[bin]]\nname = "x"\n', ("src/bin/x.rs",), [("x", "src/bin/x.rs")]),
        (PACKAGE + '[[bin]]\nname = "x"\npath = "y.rs"\n', ("src/main.rs",), [("x", "y.rs"), ("demo", "src/main.rs")]),
        (PACKAGE + '[[bin]]\nname = "x"\npath = "./src/main.rs"\n', ("src/main.rs",), [("x", "src/main.rs")]),
        (PACKAGE + '[[bin]]\nname = "x"\n[[bin]]\nname = "x"\n', (), [("x", None)]),
        (PACKAGE.replace("2021", "2015") + '[[bin]]\nname = "x"\npath = "x"\n', ("src/main.rs",), [("x", "x")]),
        (PACKAGE + '[[bin]]\npath = "x.rs"\n', ("x.rs",), []),
        ("bin = 1\n" + PACKAGE, (), []),
        ("bin = [1]\n" + PACKAGE, (), []),
    ],
)
def test_programs(
    tmp_path: Path, manifest: str, files: tuple[str, ...], programs: list[tuple[str, str | None]]
) -> None:
    assert [(one.name, one.source) for one in crate(tmp_path, manifest, *files).programs] == programs


def test_where_a_program_is_stated(tmp_path: Path) -> None:
    manifest = PACKAGE + '\n[[bin]]\nname = "x"\nrequired-features = ["cli"]\n'
    listed, discovered = crate(tmp_path, manifest, "src/main.rs").programs
    assert (listed.where, listed.required_features) == ("Cargo.toml:6:1", ("cli",))
    assert discovered.where == "src/main.rs"


def test_a_name_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"bin\.name is not text"):
        crate(tmp_path, PACKAGE + "[[bin]]\nname = 1\n")


@pytest.mark.parametrize(
    ("features", "default", "active"),
    [
        ((), True, {"default", "a", "b"}),
        ((), False, set()),
        (("b",), False, {"b"}),
        (("c",), False, {"c", "dep/x", "dep", "weak?/y"}),
        (("loop",), False, {"loop", "back"}),
    ],
)
def test_features_turn_on_others(tmp_path: Path, features: tuple[str, ...], default: bool, active: set[str]) -> None:
    table = 'default = ["a"]\na = ["b"]\nb = []\nc = ["dep/x", "weak?/y"]\nloop = ["back"]\nback = ["loop"]\n'
    result = crate(tmp_path, f"{PACKAGE}[features]\n{table}", "src/main.rs")
    assert result.active_features(features, default=default) == active
