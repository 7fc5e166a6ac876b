"""Cargo's settings: which files hold, how they are merged, and what Ferrule refuses."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from fakes.unreadable import make_unreadable
from ferrule.core.cargo_config import environment_problems, holds, problems, read_settings, searched
from ferrule.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

LINUX = "x86_64-unknown-linux-gnu"
CFG = {"unix", 'target_os="linux"', 'target_arch="x86_64"'}


def settings(root: Path, files: dict[str, str], folder: str = "rust", home: str | None = None):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / folder).mkdir(exist_ok=True)
    return read_settings(root, folder, root / home if home else None)


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ('build.rustflags = ["-Ca", "-Cb"]', ("-Ca", "-Cb")),
        ('build.rustflags = "-Ca  -Cb"', ("-Ca", "-Cb")),
        (f'build.rustflags = "-Ca"\ntarget.{LINUX}.rustflags = ["-Cb"]', ("-Cb",)),
        (f"target.'cfg(unix)'.rustflags = '-Ca'\ntarget.{LINUX}.rustflags = '-Cb'", ("-Cb", "-Ca")),
        ("target.'cfg(windows)'.rustflags = '-Ca'\nbuild.rustflags = '-Cb'", ("-Cb",)),
        ("target.'cfg(unix)'.rustflags = '-Ca'\nbuild.rustflags = '-Cb'", ("-Ca",)),
        ("target.aarch64-apple-darwin.rustflags = '-Ca'", ()),
    ],
)
def test_flags_as_cargo_takes_them(tmp_path: Path, text: str, flags: tuple[str, ...]):
    assert settings(tmp_path, {".cargo/config.toml": text}).rustflags(LINUX, CFG) == flags


def test_lists_of_several_files_are_joined_and_texts_replaced(tmp_path: Path):
    files = {
        "home/config.toml": 'build.rustflags = ["-Chome"]\nbuild.rustc-wrapper = "one"\n',
        ".cargo/config.toml": 'build.rustflags = ["-Cfar"]\nbuild.rustc-wrapper = "two"\n',
        "rust/.cargo/config": 'build.rustflags = ["-Cnear"]\n[profile.dist]\ninherits = "release"\n',
    }
    options = settings(tmp_path, files, home="home")
    assert options.rustflags(LINUX) == ("-Chome", "-Cfar", "-Cnear")
    assert options.value("build", "rustc-wrapper") == "two"
    assert options.at("build", "rustc-wrapper") == ".cargo/config.toml:2:1"
    assert options.profiles == ("dist",)


def test_every_place_where_settings_could_be_is_named(tmp_path: Path):
    project = tmp_path.resolve()
    places = list(searched(tmp_path, "rust"))
    assert places[:3] == [
        *(project / "rust" / ".cargo" / name for name in ("config", "config.toml")),
        project / ".cargo" / "config",
    ]
    assert len(places) == 2 * len((project / "rust").parents) + 2


def test_included_files_count_less(tmp_path: Path):
    files = {
        ".cargo/config.toml": "include = ['more.toml', {path = 'none.toml', optional = true}]\n"
        "build.rustflags = ['-Cb']",
        ".cargo/more.toml": 'include = "config.toml"\nbuild.rustflags = ["-Ca"]',
    }
    assert settings(tmp_path, files).rustflags(LINUX) == ("-Ca", "-Cb")


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("= 1", ".cargo/config.toml:1:1", "cannot be read"),
        ("include = 'none.toml'", ".cargo/config.toml:1:1", "there is no file none.toml"),
        ("include = 1", ".cargo/config.toml:1:1", "`include` is a list of paths"),
        ("x = " + "[" * 9999, ".cargo/config.toml", "nested too deeply"),
    ],
)
def test_settings_that_cannot_be_read(tmp_path: Path, text: str, where: str, message: str):
    with pytest.raises(ConfigError, match=message) as caught:
        settings(tmp_path, {".cargo/config.toml": text})
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[build]\nrustc-wrapper = 'strip-it'", ".cargo/config.toml:2:1"),
        ("[build]\nrustc = 'my-rustc'", ".cargo/config.toml:2:1"),
        (f"[target.{LINUX}]\nlinker = 'clang'", ".cargo/config.toml:2:1"),
        ("[unstable]\nbuild-std = ['std']", ".cargo/config.toml:1:1"),
        (f"[target.{LINUX}]\n\nrustflags = 1", ".cargo/config.toml:3:1"),
        ("[build]\nrustflags = ['-C', 'target-cpu=native']", ".cargo/config.toml:2:1"),
        ("[target.'cfg(unix)']\nrustflags = '-Clinker=clang'", ".cargo/config.toml:2:1"),
        (f"[env]\nA = 'b'\nCC_{LINUX} = 'clang'", ".cargo/config.toml:3:1"),
        ("[env]\nAR_x86_64_unknown_linux_gnu = {value = 'x', force = true}", ".cargo/config.toml:2:1"),
    ],
)
def test_what_ferrule_decides_itself_is_refused(tmp_path: Path, text: str, where: str):
    assert [e.where for e in problems(settings(tmp_path, {".cargo/config.toml": text}), [LINUX])] == [where]


def test_the_oldest_macos_is_that_of_the_target(tmp_path: Path):
    options = settings(tmp_path, {".cargo/config.toml": "[env]\nMACOSX_DEPLOYMENT_TARGET = '12.0'\n"})
    assert list(problems(options, [LINUX])) == []
    (error,) = problems(options, [LINUX, "aarch64-apple-darwin"])
    assert error.hint == "remove it; `macos` of the target is the oldest version"


def test_the_environment_that_cargo_gives(tmp_path: Path):
    text = "[env]\nA = 'b'\nC = {value = 'd', relative = true}\nE = 1\n"
    assert settings(tmp_path, {".cargo/config.toml": text}).environment() == {"A": "b", "C": "d"}


def test_caches_and_other_targets_are_nobodys_concern(tmp_path: Path):
    text = (
        "[build]\nrustc-wrapper = '/usr/bin/sccache'\n[target.aarch64-apple-darwin]\nlinker = 'clang'\n[env]\nA = 'b'"
    )
    assert list(problems(settings(tmp_path, {".cargo/config.toml": text}), [LINUX])) == []


@pytest.mark.parametrize(
    ("condition", "result"),
    [
        ("cfg(unix)", True),
        ("cfg(windows)", False),
        ('cfg(target_os = "linux")', True),
        ('cfg(all(unix, not(target_os = "macos"), any()))', False),
        ('cfg(any(windows, all(unix, target_arch = "x86_64"),))', True),
        ("cfg(all())", True),
        ("cfg(true)", True),
        ("cfg(false)", False),
    ],
)
def test_conditions(condition: str, result: bool):
    assert holds(condition, CFG) is result


@pytest.mark.parametrize(
    "condition", ["cfg(", "cfg()", "cfg(not(a, b))", "cfg(a = b)", "cfg(a) b", "cfg(é)", "cfg(" * 99]
)
def test_what_is_no_condition(condition: str):
    with pytest.raises(ConfigError, match="is not a condition"):
        holds(condition, CFG)


def test_linkers_by_condition(tmp_path: Path):
    text = "[target.'cfg(target_os = \"linux\")']\nlinker = 'clang'\n[target.'cfg(windows)']\nlinker = 'link'\n"
    result = problems(settings(tmp_path, {".cargo/config.toml": text}), [LINUX])
    assert [error.where for error in result] == [".cargo/config.toml:2:1"]


@pytest.mark.parametrize(
    ("triple", "condition"),
    [
        ("armv7-unknown-linux-gnueabihf", 'all(target_arch = "arm", target_env = "gnu", target_abi = "eabihf")'),
        ("armv7-unknown-linux-musleabihf", 'target_env = "musl"'),
        (
            "wasm32-wasip1",
            'all(target_family = "wasm", target_os = "wasi", target_env = "p1")',
        ),
        ("i686-unknown-linux-gnu", 'all(target_arch = "x86", target_abi = "")'),
        ("riscv64gc-unknown-linux-gnu", 'target_arch = "riscv64"'),
        ("powerpc64le-unknown-linux-gnu", 'all(target_arch = "powerpc64", target_env = "gnu", target_abi = "elfv2")'),
        ("x86_64-pc-windows-gnullvm", 'all(windows, target_env = "gnu", target_abi = "llvm", target_vendor = "pc")'),
        ("aarch64-apple-darwin", 'all(target_os = "macos", target_env = "")'),
    ],
)
def test_conditions_are_those_of_rustc(tmp_path: Path, triple: str, condition: str):
    text = f"[target.'cfg({condition})']\nlinker = 'clang'\n"
    assert len(list(problems(settings(tmp_path, {".cargo/config.toml": text}), [triple]))) == 1


def test_flags_in_the_environment_are_refused():
    names = {
        "RUSTFLAGS": "-Cx",
        "CARGO_TARGET_A_B_RUSTFLAGS": "x",
        "CARGO_PROFILE_RELEASE_LTO": "fat",
        "CARGO_HOME": "/x",
    }
    assert [e.where for e in environment_problems({**names, "CARGO_ENCODED_RUSTFLAGS": ""})] == [
        "CARGO_PROFILE_RELEASE_LTO",
        "CARGO_TARGET_A_B_RUSTFLAGS",
        "RUSTFLAGS",
    ]


def test_a_file_that_cannot_be_read(tmp_path: Path):
    make_unreadable(tmp_path / ".cargo" / "config.toml")
    with pytest.raises(ConfigError, match="these settings of Cargo cannot be read: Input/output error") as caught:
        settings(tmp_path, {})
    assert caught.value.where == ".cargo/config.toml"


def test_files_that_include_one_another_without_end(tmp_path: Path):
    names = ["config.toml", *(f"{number}.toml" for number in range(70))]
    files = {f".cargo/{name}": f"include = '{after}'" for name, after in pairwise(names)}
    with pytest.raises(ConfigError, match="include too many files") as caught:
        settings(tmp_path, {**files, f".cargo/{names[-1]}": ""})
    assert caught.value.where == ".cargo/63.toml"
    assert settings(tmp_path, {".cargo/62.toml": ""}).rustflags(LINUX) == ()


def test_a_condition_that_cannot_be_read_holds_for_nothing(tmp_path: Path):
    text = "target.'cfg(any(unix'.linker = 'a'\n"
    options = settings(tmp_path, {".cargo/config.toml": text})
    assert list(problems(options, (LINUX,))) == []
    options = settings(tmp_path, {".cargo/config.toml": text.replace("any(unix", "unix)")})
    assert [error.message for error in problems(options, (LINUX,))] != []
