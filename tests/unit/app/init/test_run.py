"""The story of init: what it refuses, each with its position, and that it never replaces or leaves anything."""

# ruff: noqa: E501 - a case a line

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from fakes.workspaces import CROSS, DIST, EXPORTED, PYO3, PYPROJECT, SKETCHES, crate, lock, virtual
from ferrule.app.init import run as init
from ferrule.core.errors import ConfigError, FerruleError, StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ferrule.tools.host import Host

GOOD = {"Cargo.toml": crate("demo"), "Cargo.lock": lock(demo=""), "src/lib.rs": EXPORTED}


def lay_out(root: Path, files: Mapping[str, str | None]) -> Path:
    """A good crate with other files besides, or instead, or without some."""
    for name, text in {**GOOD, **files}.items():
        if text is not None:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return root


def without_crate(**files: str) -> dict[str, str | None]:
    return {**dict.fromkeys(GOOD), **files}


NESTED = f"a: {'[' * 30_000}"
BAD: Mapping[str, tuple[Mapping[str, str | None], str, str]] = {
    "nothing": (without_crate(), "project", "there is no Cargo.toml here"),
    "another build": (without_crate(**{"CMakeLists.txt": ""}), "project", "and CMakeLists.txt is of CMake"),
    "broken manifest": ({"Cargo.toml": "[package]\nname = demo\n"}, "Cargo.toml:2:8", "cannot be read"),
    "no package name": ({"Cargo.toml": "[package]\nversion = '1.2.3'\n"}, "Cargo.toml:1:1", "not the name of a package"),
    "missing member": ({"Cargo.toml": virtual("gone")}, "Cargo.toml:2:1", "the member gone has no Cargo.toml"),
    "no crates": (without_crate(**{"Cargo.toml": "[workspace]\n"}), "Cargo.toml", "this Cargo workspace has no crates"),
    "no licence that SPDX knows": ({"Cargo.toml": crate("demo").replace('"MIT"', '"Ours"')}, "Cargo.toml", "'Ours' is not an SPDX"),
    "no lock": ({"Cargo.lock": None}, "Cargo.toml", "Cargo.lock does not exist"),
    "stale lock": ({"Cargo.lock": lock(other="")}, "Cargo.lock:1:1", "does not list the crate demo"),
    "broken lock": ({"Cargo.lock": "version ="}, "Cargo.lock:1:10", "cannot be read"),
    "nightly": ({"rust-toolchain": "nightly"}, "rust-toolchain:1:1", "'nightly'"),
    "a program that is not published": (
        {"Cargo.toml": crate("demo", "publish = false", types=None), "src/lib.rs": None, "src/main.rs": "fn main() {}"},
        "Cargo.toml",
        "there is nothing here that Ferrule can release",
    ),
    "broken cargo-dist": ({"dist-workspace.toml": "[dist\n"}, "dist-workspace.toml:1:6", "cannot be read"),
    "half migrated": (
        {
            "dist-workspace.toml": DIST,
            "Cargo.toml": crate("demo") + "\n[workspace]\n[workspace.metadata.dist]\ntargets = []\n",
        },
        "Cargo.toml:12:1",
        "configured twice: the other is at dist-workspace.toml:4:1",
    ),
    "targets that are none": ({"dist-workspace.toml": '[dist]\ntargets = "x"\n'}, "dist-workspace.toml:2:1", "targets is not"),
    "broken GoReleaser": ({".goreleaser.yaml": "builds:\n  - {id: a\n"}, ".goreleaser.yaml:3:1", "not YAML"),
    "nested GoReleaser": ({".goreleaser.yaml": NESTED}, ".goreleaser.yaml:1:101", "nested too deeply"),
    "GoReleaser of another form": ({".goreleaser.yaml": "- a\n"}, ".goreleaser.yaml:1:1", "not a mapping"),
    "broken cross": ({"Cross.toml": CROSS + "["}, "Cross.toml:4:2", "cannot be read"),
    "broken pyproject": ({"pyproject.toml": "x = 1 1"}, "pyproject.toml:1:7", "cannot be read"),
    "maturin that is none": ({"pyproject.toml": "tool.maturin = 1"}, "pyproject.toml:1:1", "[tool.maturin] is not a table"),
    "broken package.json": ({"package.json": '{"name": "demo",}'}, "package.json:1:17", "not JSON"),
    "package.json of another form": ({"package.json": "[]"}, "package.json:1:1", "not an object"),
    "broken go.mod": ({"go.mod": "go 1.25\n"}, "go.mod", "no go.mod: it names no module"),
    "broken cbindgen": ({"cbindgen.toml": "language = "}, "cbindgen.toml", "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize(("files", "where", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_a_sentence_with_its_position_and_nothing_is_written(
    tmp_path: Path, host: Host, files: Mapping[str, str | None], where: str, message: str
) -> None:
    root = tmp_path / "project"
    root.mkdir()
    lay_out(root, files)
    before = sorted(root.rglob("*"))
    with pytest.raises(ConfigError) as caught:
        init.propose(root, host)
    first = getattr(caught.value, "errors", (caught.value,))[0]
    assert message in first.message
    assert str(first.where).removeprefix(f"{tmp_path}/") == where
    assert first.hint
    assert sorted(root.rglob("*")) == before


def test_what_a_project_of_nothing_else_leaves_out_is_listed(tmp_path: Path, host: Host) -> None:
    lay_out(tmp_path, BAD["a program that is not published"][0])
    with pytest.raises(ConfigError, match=r"src/main\.rs: the program demo: its crate has publish = false"):
        init.propose(tmp_path, host)


PROGRAMS = crate("demo", types=None).partition("\n[lib]")[0] + "\n[features]\ncli = []\n"


@pytest.mark.parametrize(
    ("manifest", "files", "lines"),
    [
        (PROGRAMS, ("src/main.rs",), ["program: {kind: program, crate: demo}"]),
        (PROGRAMS, ("src/bin/other.rs",), ["program: {kind: program, crate: demo}"]),
        (
            PROGRAMS + '[[bin]]\nname = "demo_x"\npath = "x.rs"\nrequired-features = ["cli"]\n',
            ("src/main.rs", "x.rs"),
            [
                "demo-x-program: {kind: program, crate: demo, bin: demo_x, features: [cli]}  # its required-features",
                "demo-program: {kind: program, crate: demo}",
            ],
        ),
    ],
)
def test_programs_become_artifacts(
    tmp_path: Path, host: Host, manifest: str, files: tuple[str, ...], lines: list[str]
) -> None:
    lay_out(
        tmp_path, without_crate(**{"Cargo.toml": manifest, "Cargo.lock": lock(demo="")}, **dict.fromkeys(files, ""))
    )
    text = init.propose(tmp_path, host).text
    assert [line.strip() for line in text.splitlines() if "kind: program" in line] == lines


def test_a_folder_inside_another_workspace_or_project_is_refused(tmp_path: Path, host: Host) -> None:
    lay_out(tmp_path, {"Cargo.toml": virtual("inner")})
    lay_out(tmp_path / "inner", {})
    with pytest.raises(ConfigError, match=f"belongs to the Cargo workspace in {tmp_path}"):
        init.propose(tmp_path / "inner", host)
    (tmp_path / "Cargo.toml").unlink()
    (tmp_path / "targets.yaml").write_text("version: 1\n")
    with pytest.raises(ConfigError, match="belongs to the project of"):
        init.propose(tmp_path / "inner", host)


def test_an_excluded_folder_of_a_workspace_is_one_of_its_own(tmp_path: Path, host: Host) -> None:
    lay_out(tmp_path, {"Cargo.toml": '[workspace]\nmembers = []\nexclude = ["inner"]\n'})
    lay_out(tmp_path / "inner", {})
    assert "crate: demo" in init.propose(tmp_path / "inner", host).text


def test_a_folder_that_cannot_be_read_or_written_is_named(tmp_path: Path, host: Host) -> None:
    with pytest.raises(StorageError, match="this folder cannot be read: No such file"):
        init.propose(tmp_path / "gone", host)
    proposal = init.propose(lay_out(tmp_path / "project", {}), host)
    with pytest.raises(StorageError, match="this file cannot be written: No such file"):
        init.write(tmp_path / "gone", proposal)


def test_what_is_there_is_never_replaced(tmp_path: Path, host: Host) -> None:
    proposal = init.propose(lay_out(tmp_path, {}), host)
    (tmp_path / "targets.yaml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="File exists"):
        init.write(tmp_path, proposal)
    assert not (tmp_path / "elsewhere").exists()


def test_the_difference_is_that_of_the_file_that_is_there(tmp_path: Path, host: Host) -> None:
    proposal = init.propose(lay_out(tmp_path, {}), host)
    assert proposal.diff.startswith("--- targets.yaml\n+++ targets.yaml by ferrule init\n@@")
    mine = proposal.text.replace('"2.17"', '"2.28"', 1).removesuffix("\n")
    (tmp_path / "targets.yaml").write_text(mine)
    changed = [line for line in init.propose(tmp_path, host).diff.splitlines()[3:] if line[0] in "+-"]
    assert '-  x86_64-unknown-linux-gnu: {glibc: "2.28"}' in changed
    assert '+  x86_64-unknown-linux-gnu: {glibc: "2.17"}' in changed
    assert (tmp_path / "targets.yaml").read_text() == mine


def test_aliases_cost_no_more_than_they_are_long(tmp_path: Path, host: Host) -> None:
    doubled = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 50)}]\n" for n in range(1, 40))
    lay_out(tmp_path, {".goreleaser.yaml": f"a0: &a0 [x]\n{doubled}"})
    assert "native" in init.propose(tmp_path, host).text  # 50**39 names written out would have no end


FILES = {
    "Cargo.toml": (("package",), ("package", "metadata"), ("lib",), ("bin",), ("dependencies",), ("workspace",), ("target",)),
    "dist-workspace.toml": (("workspace",), ("workspace", "members"), ("dist",), ("dist", "targets"), ("dist", "min-glibc-version")),
    "Cross.toml": (("build",), ("target",), ("target", "x")),
    "pyproject.toml": (
        *(("tool",), ("tool", "maturin"), ("tool", "maturin", "manifest-path"), ("tool", "maturin", "bindings")),
        *(("tool", "cibuildwheel"), ("tool", "cibuildwheel", "linux"), ("tool", "cibuildwheel", "linux", "archs")),
        *(("project",), ("project", "name"), ("project", "dynamic"), ("project", "requires-python"), ("build-system",)),
    ),
}  # fmt: skip
VALUES = ("1", '"x"', "[]", "[1]", "{}", "true", "{x = 1}", "[{x = 1}]", "[[]]", "2026-11-29")


@pytest.mark.parametrize(("name", "path"), [(name, path) for name, paths in FILES.items() for path in paths])
def test_no_value_of_another_type_gives_a_traceback(
    tmp_path: Path, host: Host, name: str, path: tuple[str, ...]
) -> None:
    sketch = SKETCHES["PyO3"].files["pyproject.toml"]
    for value in VALUES:
        (tmp_path / value.encode().hex()).mkdir()
        root = lay_out(tmp_path / value.encode().hex(), {"pyproject.toml": sketch})
        (root / name).write_text(f"{'.'.join(path)} = {value}\n" + (PYPROJECT if path[0] == "tool" else ""))
        text_or_error(root, host)


@pytest.mark.parametrize(
    "document",
    [
        {"napi": 1},
        {"napi": [1]},
        {"napi": {"targets": 1}},
        {"napi": {"targets": [{}]}},
        {"napi": {"triples": []}},
        {"napi": {"triples": {"additional": "x"}}},
        {"name": 1, "version": []},
    ],
)
def test_no_value_in_package_json_gives_a_traceback(tmp_path: Path, host: Host, document: object) -> None:
    lay_out(tmp_path, {"package.json": json.dumps(document), "index.js": "import './component/x'"})
    text_or_error(tmp_path, host)


def text_or_error(root: Path, host: Host) -> None:
    """The file, or a failure with a position; anything else is a traceback."""
    try:
        described = init.propose(root, host).text
    except FerruleError as error:
        described = error.where or ""
    assert described


@pytest.mark.parametrize(
    ("remote", "homepage"),
    [
        ("git@github.com:team/demo.git", "https://github.com/team/demo"),
        ("ssh://git@example.org:2222/team/demo.git", "https://example.org/team/demo"),
        ("https://user:t0k3n@github.com/team/demo", "https://github.com/team/demo"),
        ("../demo", None),
        ("work:team/demo", None),
        ("/srv/git/demo", None),
        ("https://", None),
        ("https://[::1", None),
    ],
)
def test_a_remote_repository_is_named_without_who_may_read_it(
    tmp_path: Path, host: Host, remote: str, homepage: str | None
) -> None:
    lay_out(tmp_path, {".git/config": f'[remote "origin"]\n\turl = {remote}\n', ".git/HEAD": "ref: refs/heads/main\n"})
    for folder in ("objects", "refs"):
        (tmp_path / ".git" / folder).mkdir()
    text = init.propose(tmp_path, host).text
    assert "t0k3n" not in text
    assert ("homepage" in text) == (homepage is not None)
    assert homepage is None or f"homepage: {homepage}  # the remote repository" in text


def test_unreadable_names_links_that_lead_out_and_pipes_are_passed_over(tmp_path: Path, host: Host) -> None:
    root = lay_out(tmp_path / "project", {})
    (tmp_path / "LICENSE").write_text("elsewhere")
    (root / "LICENSE").symlink_to(tmp_path / "LICENSE")
    (root / "LICENSE-A\x1b").write_text("")
    (root / "ring").symlink_to(root / "ring")
    os.mkfifo(root / "COPYING")
    proposal = init.propose(root, host)
    assert "license-files" not in proposal.text
    assert "a C SDK of demo" in {one.what for one in proposal.description.uncovered}


def test_a_licence_that_does_not_count_is_nobodys_business(tmp_path: Path, host: Host) -> None:
    inner = crate("inner", types=None, lib="inner").replace('"MIT"', '"Ours"')
    files = {"Cargo.toml": virtual("ffi", "inner"), "Cargo.lock": lock(demo="", inner=""), "src/lib.rs": None}
    more = {
        "ffi/Cargo.toml": crate("demo"),
        "ffi/src/lib.rs": EXPORTED,
        "inner/Cargo.toml": inner,
        "inner/src/lib.rs": "",
    }
    assert "  name: demo\n" in init.propose(lay_out(tmp_path, {**files, **more}), host).text


def test_pyo3_of_one_python_is_covered_too(tmp_path: Path, host: Host) -> None:
    module = crate("demo-ext", types='["cdylib"]', lib="demo_ext", needs=PYO3.replace("abi3-py311", "auto-initialize"))
    files = {"Cargo.toml": virtual("ffi", "ext"), "Cargo.lock": lock(demo="", demo_ext="pyo3"), "src/lib.rs": None}
    more = {"ffi/Cargo.toml": crate("demo"), "ffi/src/lib.rs": EXPORTED, "ext/Cargo.toml": module, "ext/src/lib.rs": ""}
    lay_out(tmp_path, {**files, **more, "ext/pyproject.toml": PYPROJECT})
    assert "kind: extension, crate: demo-ext" in init.propose(tmp_path, host).text


@pytest.mark.parametrize(
    ("name", "system"),
    [
        ("BUILD", "Bazel"),
        ("BUILD.bazel", "Bazel"),
        ("Makefile", "make"),
        ("Package.swift", "the Swift package manager"),
        ("WORKSPACE", "Bazel"),
        ("build.gradle", "Gradle"),
        ("build.gradle.kts", "Gradle"),
        ("build.zig", "zig"),
        ("configure.ac", "autoconf"),
        ("meson.build", "Meson"),
        ("pom.xml", "Maven"),
        ("go.mod", "Go"),
        ("package.json", "npm"),
        ("pyproject.toml", "a Python build backend"),
        ("setup.py", "setuptools"),
    ],
)
def test_a_folder_of_another_build_system_names_it(tmp_path: Path, host: Host, name: str, system: str) -> None:
    text = {"package.json": "{}", "go.mod": "module example.com/demo\n"}.get(name, "")
    with pytest.raises(ConfigError, match=r"there is no Cargo\.toml here") as failure:
        init.propose(lay_out(tmp_path, without_crate(**{name: text})), host)
    assert f"{name} is of {system}" in failure.value.message + failure.value.hint
