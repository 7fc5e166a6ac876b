from __future__ import annotations

import fcntl
import io
import os
import pwd
import struct
import termios
from pathlib import Path

import pytest

from ferrule.cli.environment import cache_folder, home_folder, run_context, width
from ferrule.core.errors import StorageError

OWN = Path(pwd.getpwuid(os.getuid()).pw_dir)
NOBODY = 4_000_000_001  # a number that no password database has


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"FERRULE_CACHE": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/a"),
        ({"XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/b/ferrule"),
        ({"XDG_CACHE_HOME": "b", "HOME": "/c"}, "/c/.cache/ferrule"),
        ({"HOME": "/c"}, "/c/.cache/ferrule"),
        ({"HOME": ""}, OWN / ".cache/ferrule"),
        ({}, OWN / ".cache/ferrule"),
    ],
)
def test_the_cache_is_in_a_folder_of_the_user(environment, folder):
    assert cache_folder(environment) == Path(folder)


def test_a_user_without_a_home_is_told(tmp_path):
    assert home_folder({}, NOBODY) is None
    with pytest.raises(StorageError, match="HOME is not set") as refusal:
        cache_folder({}, NOBODY)
    assert "FERRULE_CACHE" in refusal.value.hint
    assert cache_folder({"FERRULE_CACHE": str(tmp_path)}, NOBODY) == tmp_path


ON_GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://git.example",
    "GITHUB_REPOSITORY": "who/what",
    "GITHUB_WORKFLOW_REF": "who/what/.github/workflows/release.yml@refs/tags/v1",
    "GITHUB_RUN_ID": "7",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_REF": "refs/tags/v1",
}
CALLED = "https://git.example/who/what/.github/workflows/build-release.yml@refs/tags/v1"


@pytest.mark.parametrize(
    ("more", "builder"),
    [
        ({}, "https://git.example/who/what/.github/workflows/release.yml@refs/tags/v1"),
        ({"FERRULE_WORKFLOW": CALLED}, CALLED),
        ({"GITHUB_ACTIONS": "", "FERRULE_WORKFLOW": CALLED}, None),
    ],
    ids=["the one that an event started", "the one that it called", "a person"],
)
def test_the_builder_is_the_workflow_that_builds(monkeypatch, more, builder):
    for name, value in {**ON_GITHUB, "FERRULE_WORKFLOW": "", "SOURCE_DATE_EPOCH": "1", **more}.items():
        monkeypatch.setenv(name, value)
    result = run_context(jobs=1, offline=True, rust_source=None).builder
    assert (result and result.id) == builder
    if result:
        assert result.invocation == "https://git.example/who/what/actions/runs/7/attempts/2"
        assert result.source == "git+https://git.example/who/what@refs/tags/v1"


ON_GITLAB = {
    "GITLAB_CI": "true",
    "CI_PROJECT_URL": "https://git.example/who/what",
    "CI_CONFIG_PATH": ".gitlab-ci.yml",
    "CI_COMMIT_REF_NAME": "v1",
    "CI_COMMIT_TAG": "v1",
    "CI_PIPELINE_URL": "https://git.example/who/what/-/pipelines/7",
}


@pytest.mark.parametrize(
    ("more", "reference"),
    [({}, "refs/tags/v1"), ({"CI_COMMIT_TAG": ""}, "refs/heads/v1"), ({"CI_PROJECT_URL": ""}, None)],
    ids=["tag", "branch", "not all of it"],
)
def test_the_builder_is_the_pipeline_as_certificates_name_it(monkeypatch, more, reference):
    for name, value in {**ON_GITLAB, "GITHUB_ACTIONS": "", "SOURCE_DATE_EPOCH": "1", **more}.items():
        monkeypatch.setenv(name, value)
    builder = run_context(jobs=1, offline=True, rust_source=None).builder
    assert (builder and builder.id) == (reference and f"https://git.example/who/what//.gitlab-ci.yml@{reference}")
    if builder:
        assert builder.invocation == "https://git.example/who/what/-/pipelines/7"
        assert builder.source == f"git+https://git.example/who/what@{reference}"


@pytest.fixture
def terminal():
    """A terminal, and what sets its columns."""
    master, slave = os.openpty()
    with os.fdopen(slave, "w") as stream:
        yield stream, lambda columns: fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.close(master)


def test_a_file_has_no_width(tmp_path):
    with (tmp_path / "log").open("w") as stream:
        assert width(stream) is None


def test_the_width_is_that_of_the_terminal(terminal, monkeypatch):
    stream, set_columns = terminal
    monkeypatch.delenv("COLUMNS", raising=False)
    set_columns(97)
    assert width(stream) == 97
    set_columns(0)
    assert width(stream) == 80, "it does not say how many"


@pytest.mark.parametrize(("named", "columns"), [("61", 61), ("0", 97), ("", 97), ("many", 97)])
def test_columns_are_believed_where_they_are_a_number(named, columns, terminal, monkeypatch):
    stream, set_columns = terminal
    set_columns(97)
    monkeypatch.setenv("COLUMNS", named)
    assert width(stream) == columns


class Strange(io.StringIO):
    """Says that it is a terminal, and has no number."""

    def isatty(self):
        return True


def test_a_terminal_without_a_number_has_80_columns(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert width(Strange()) == 80
