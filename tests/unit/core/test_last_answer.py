from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

import pytest

from ferrule.core import last_answer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMMAND = ["release", "--quiet"]
VARIABLES = {"HOME": "/home/somebody", "SHLVL": "1"}
PIECES = [(True, "0 built, in ", True), (False, "table\n", False)]


class Terminal(io.StringIO):
    """A stream that is a terminal, whose columns nobody knows or which has so many."""

    encoding = "utf-8"
    errors = "strict"

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.descriptor = descriptor

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.descriptor


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[], tuple[str, str]]:
    return capsys.readouterr


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: object) -> Path:  # noqa: ARG001 - other streams
    """A project whose answer depends on a file, on one that is not there, and on a link."""
    (tmp_path / "below").mkdir()
    (tmp_path / ".ferrule").mkdir()
    for name in ("targets.yaml", "source"):
        (tmp_path / name).write_text(name)
    (tmp_path / "link").symlink_to("source")
    monkeypatch.chdir(tmp_path)
    keep(tmp_path)
    return tmp_path


def keep(project: Path, folder: str | None = None) -> Path:
    key = last_answer.situation(COMMAND, VARIABLES, folder or str(project))
    file = project / last_answer.file_of(".ferrule", key)
    paths = [str(project / name) for name in ("source", "absent", "source/absent")]
    file.write_bytes(last_answer.packed(key, PIECES, paths, [str(project / "link")]))
    return file


def repeat(*command: str) -> bool:
    moments = iter((1.0, 1.26))
    return last_answer.repeat(list(command or COMMAND), VARIABLES, lambda: next(moments))


@pytest.mark.usefixtures("project")
def test_it_is_said_again_with_the_time_that_it_took(said: Callable[[], tuple[str, str]]) -> None:
    assert repeat()
    assert said() == ("table\n", "0 built, in 0.3 s\n")


def test_of_a_folder_below_as_well(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("below")
    assert not repeat()
    keep(project, f"{project}/below")
    assert repeat()


@pytest.mark.parametrize(
    "change",
    [
        lambda project: (project / "source").write_text("source"),
        lambda project: (project / "source").unlink(),
        lambda project: (project / "absent").touch(),
        lambda project: ((project / "link").unlink(), (project / "link").symlink_to("below")),
        lambda project: (project / "targets.yaml").unlink(),
        lambda project: [path.unlink() for path in (project / ".ferrule").iterdir()],
        lambda project: [path.write_bytes(b"") for path in (project / ".ferrule").iterdir()],
        lambda project: ((project / "source").unlink(), (project / "source").symlink_to("source")),
    ],
)
def test_after_a_change_it_is_not_said(
    project: Path, said: Callable[[], tuple[str, str]], change: Callable[[Path], object]
) -> None:
    change(project)
    assert not repeat()
    assert said() == ("", "")


def test_every_cut_and_every_other_byte_is_nothing(project: Path) -> None:
    file = keep(project)
    whole = file.read_bytes()
    for end in range(len(whole)):
        file.write_bytes(whole[:end])
        assert not repeat()
        file.write_bytes(whole[:end] + bytes([whole[end] ^ 1]) + whole[end + 1 :])
        assert not repeat()
    file.write_bytes(whole)
    assert repeat()


def test_a_fifo_and_a_link_are_nothing(project: Path) -> None:
    file = keep(project)
    file.rename(project / "elsewhere")
    file.symlink_to(project / "elsewhere")
    assert not repeat()
    file.unlink()
    os.mkfifo(file)
    assert not repeat()


@pytest.mark.usefixtures("project")
def test_other_commands_and_closed_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    for command in (["release"], ["release", "--json"], ["build"], ["--quiet", "release"]):
        assert not repeat(*command)
    monkeypatch.setattr(sys, "stdout", None)
    assert not repeat()


def test_a_folder_that_was_deleted(project: Path) -> None:
    (project / "below").mkdir(exist_ok=True)
    os.chdir(project / "below")
    (project / "below").rmdir()
    assert not repeat()


def test_a_situation_is_all_that_an_answer_depends_on_beside_files(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = last_answer.situation(COMMAND, VARIABLES, "/project")
    assert usual == last_answer.situation(COMMAND, {**VARIABLES, "SHLVL": "2", "_": "x", "OLDPWD": "/"}, "/project")
    others = [
        last_answer.situation(["release"], VARIABLES, "/project"),
        last_answer.situation(COMMAND, {**VARIABLES, "CI": "1"}, "/project"),
        last_answer.situation(COMMAND, {"HOME": "/"}, "/project"),
        last_answer.situation(COMMAND, VARIABLES, "/"),
    ]
    monkeypatch.setattr(sys, "stdout", Terminal(-1))
    others.append(last_answer.situation(COMMAND, VARIABLES, "/project"))
    parent, child = os.openpty()
    monkeypatch.setattr(sys, "stdout", Terminal(child))
    others.append(last_answer.situation(COMMAND, VARIABLES, "/project"))
    os.close(parent)
    os.close(child)
    assert len({usual, *others}) == 1 + len(others)
