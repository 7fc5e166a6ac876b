from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ferrule.core import cargo_config
from ferrule.core.cargo_config import environment_problems
from ferrule.core.model import Digest
from ferrule.engine import stamp as settled
from ferrule.engine.sources import SourceFiles, StatIndex
from ferrule.engine.stamp import Stamp
from ferrule.tools.host import Host

if TYPE_CHECKING:
    from ferrule.core.model import Json

WISH = {"asked": "everything"}
TOLD = {"rows": []}
LATER = 1 << 62


class Project:
    """A folder with one of everything that a record is about."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in (
            "targets.yaml",
            "rust/a/Cargo.toml",
            "src/lib.rs",
            "pkg/src/demo/__init__.py",
            "dist/x",
            "dist/f/y",
        ):
            self.write(name, name)
        self.program = self.write("tool", "program")
        self.file = root / ".ferrule" / "settled-1.json"

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    @property
    def basis(self) -> Stamp:
        return Stamp(
            files=("targets.yaml", "absent", "assets"),
            programs=(str(self.program),),
            folders=("pkg/src",),
            trees=(("rust", "Cargo.toml"),),
            sources=("src",),
            output="dist",
            placed={name: (Digest.of(f"dist/{name}".encode()).hex, False) for name in ("x", "f/y")},
        )

    def sources(self) -> SourceFiles:
        names = (path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if not path.is_dir())
        return SourceFiles(self.root, tuple(sorted(names)))

    def index(self) -> StatIndex:
        return StatIndex(None, time.time_ns)

    def remember(self, since: int = LATER) -> bytes | None:
        content = settled.new_stamp(self.file, self.sources(), self.index(), WISH, self.basis, TOLD, since)
        if content is not None:
            self.file.parent.mkdir(exist_ok=True)
            self.file.write_bytes(content)
        return content

    def recall(self, wish: object = WISH) -> object:
        return settled.read_stamp(self.file, self.sources(), self.index(), wish)  # type: ignore[arg-type]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    result = Project(tmp_path)
    assert result.remember() is not None
    return result


def test_what_stands_is_told_and_not_written_again(project):
    assert project.recall() == TOLD
    assert project.remember() is None


def test_content_counts_and_not_the_time_of_a_file(project):
    os.utime(project.root / "src/lib.rs", (1, 1))
    assert project.recall() == TOLD


@pytest.mark.parametrize(
    "name",
    [
        "targets.yaml",
        "absent",
        "assets/new",
        "src/lib.rs",
        "src/new.rs",
        "rust/b/Cargo.toml",
        "dist/x",
        "dist/stranger",
        "tool",
    ],
)
def test_a_file_that_is_new_or_another(project, name):
    project.write(name, "something else")
    assert project.recall() is None


@pytest.mark.parametrize("name", ["targets.yaml", "src/lib.rs", "rust/a/Cargo.toml", "dist/f/y", "tool"])
def test_a_file_that_is_gone(project, name):
    (project.root / name).unlink()
    assert project.recall() is None


def test_a_folder_that_planning_looked_into(project):
    (project.root / "pkg/src/other").mkdir()
    assert project.recall() is None


def test_a_program_that_was_replaced_by_the_same_bytes(project):
    os.utime(project.program, (1, 1))
    assert project.recall() is None


def test_an_executable_bit_and_a_link_in_the_output(project):
    (project.root / "dist/x").chmod(0o755)
    assert project.recall() is None
    (project.root / "dist/x").unlink()
    (project.root / "dist/x").symlink_to("f/y")
    assert project.recall() is None


def test_another_wish(project):
    assert project.recall({"asked": "something else"}) is None


def test_every_cut_of_the_record_is_nothing(project):
    whole = project.file.read_bytes()
    for end in range(len(whole)):
        project.file.write_bytes(whole[:end])
        assert project.recall() is None


@pytest.mark.parametrize(
    "text", ["[]", "null", '{"version": 2}', "[" * 100_000, '{"version": 2, "request": {}, "basis": 3}']
)
def test_a_record_of_another_form_is_nothing(project, text):
    project.file.write_text(text)
    assert project.recall() is None


@pytest.mark.parametrize("name", ["targets.yaml", "src/lib.rs", "src/new.rs", "rust/b/Cargo.toml", "pkg/src/new/x"])
def test_nothing_is_remembered_of_a_run_during_which_something_changed(tmp_path, name):
    project = Project(tmp_path)
    time.sleep(0.02)
    began = settled.file_system_now(tmp_path)
    assert project.remember(began) is not None
    project.file.unlink()
    project.write(name, "changed while the run worked, or read by it: nobody knows")
    os.utime(project.root / name, (1, 1))
    assert project.remember(began) is None


def test_a_moment_is_after_what_was_and_before_what_will_be(tmp_path):
    first = tmp_path.stat().st_ctime_ns
    moment = settled.file_system_now(tmp_path)
    (tmp_path / "x").touch()
    assert first <= moment <= (tmp_path / "x").stat().st_ctime_ns
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    assert settled.file_system_now(tmp_path / "nowhere") == 0


def test_nothing_is_remembered_while_a_stranger_is_in_the_output(tmp_path):
    project = Project(tmp_path)
    project.write("dist/stranger", "")
    assert project.remember() is None


REFUSED = ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS")
REFUSED += ("CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS", "CARGO_PROFILE_RELEASE_LTO")


def test_a_link_among_what_was_placed_is_left_to_a_run(project: Project) -> None:
    output = project.root / "dist"
    (output / "f" / "more").symlink_to(project.root / "src")
    assert project.recall() is None
    (output / "f" / "more").unlink()
    assert project.recall() == TOLD
    output.rename(project.root / "elsewhere")
    output.symlink_to("elsewhere")
    assert project.recall() is None


def test_all_that_a_run_refuses_of_an_environment_is_in_a_request() -> None:
    assert [error.where for error in environment_problems(dict.fromkeys(REFUSED, "1"))] == sorted(REFUSED)
    pattern = cargo_config._FLAGS_OF_THE_ENVIRONMENT.pattern
    assert all(name.startswith(settled._JUDGED) for name in pattern.split("|"))


def request(host: Host, **more: Json) -> Json:
    return settled.request_document(host, commit="c0ffee", packages=host.cache, **more)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    variables = {"HOME": str(tmp_path), "TMPDIR": "/tmp/a", "NOT_PASSED": "x"}
    return Host((tmp_path,), variables, tmp_path, "Linux", "x86_64", is_root=False, offline=True, python=tmp_path)


def test_requests_are_kept_apart_by_all_that_they_depend_on(host: Host, tmp_path: Path) -> None:
    assert request(host, names=["a"]) == request(host, names=["a"])
    same = replace(host, environment={**host.environment, "TMPDIR": "/tmp/b"})
    assert request(same, names=["a"]) == request(host, names=["a"])
    others = [
        request(host, names=["b"]),
        request(replace(host, path=(tmp_path / "bin",)), names=["a"]),
        request(replace(host, machine="aarch64"), names=["a"]),
        request(replace(host, environment={**host.environment, "HOME": "/other"}), names=["a"]),
        *(
            request(replace(host, environment={**host.environment, name: "/else"}), names=["a"])
            for name in ("RUSTC", "CARGO", "RUSTUP_HOME", "CARGO_HOME", "FERRULE_REMOTE_CACHE", *REFUSED)
        ),
        settled.request_document(host, commit="beef", packages=host.cache, names=["a"]),
    ]
    files = {settled.stamp_file(tmp_path, each) for each in (request(host, names=["a"]), *others)}
    assert len(files) == 1 + len(others)
    assert {file.parent for file in files} == {tmp_path}


def test_another_set_of_packages_is_another_request(host: Host, tmp_path: Path) -> None:
    before = request(host)
    (tmp_path / "new-package").mkdir()
    os.utime(tmp_path, ns=(1, 1))
    assert request(host) != before


def test_the_files_of_a_record_are_all_by_which_it_is_read(project: Project) -> None:
    project.write("assets/deep/x", "x")
    root = project.root
    assert {os.path.relpath(path, root) for path in settled.files_of(project.file, project.sources())} == {
        *(".ferrule/settled-1.json", "targets.yaml", "absent", "tool", "pkg/src", "src/lib.rs"),
        *("assets", "assets/deep", "assets/deep/x"),
        *("dist", "dist/x", "dist/f", "dist/f/y"),
    }
    (root / "dist" / "link").symlink_to("f")
    with pytest.raises(OSError, match="a link to a folder"):
        list(settled.files_of(project.file, project.sources()))
    (root / "dist" / "link").unlink()
    with pytest.raises(OSError, match="denied"):
        settled._raise(PermissionError(13, "Permission denied"))
    project.file.write_text("{")
    with pytest.raises(ValueError, match="property name"):
        list(settled.files_of(project.file, project.sources()))


def test_the_program_is_its_files_and_what_it_imports(tmp_path: Path) -> None:
    files = list(settled.program_files(tmp_path))
    own = Path(settled.__file__).parent
    assert {str(tmp_path), str(own), str(own / "stamp.py"), str(own.parent / "__main__.py")} <= set(files)
    assert not [path for path in files if "__pycache__" in path]
