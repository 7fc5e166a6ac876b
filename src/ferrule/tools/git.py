"""Git: which commit the sources are of. A project without Git is still a project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ferrule.errors import FerruleError

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.tools.host import Host


@dataclass(frozen=True, slots=True)
class State:
    """The commit that is checked out, and whether tracked files differ from it; None where there is no Git."""

    commit: str | None
    dirty: bool | None


def last_commit(project: Path, folder: str, host: Host) -> str | None:
    """The last commit that touched a folder of the project, or None where there is no Git or no such commit.

    It is compiled into libraries, so it must not change with commits that do not touch their sources.
    """
    return _git(project, host, "log", "-1", "--format=%H", "--", folder) or None


def state(project: Path, host: Host) -> State:
    """What is checked out."""
    told = _git(project, host, "status", "--porcelain=v2", "--branch", "--untracked-files=no")
    if told is None:
        return State(None, None)
    lines = told.splitlines()
    commits = [line.removeprefix("# branch.oid ") for line in lines if line.startswith("# branch.oid ")]
    commit = commits[0] if commits and commits[0] != "(initial)" else None
    return State(commit, any(not line.startswith("#") for line in lines))


def _git(project: Path, host: Host, *arguments: str) -> str | None:
    from ferrule.tools.run import base_environment, capture  # noqa: PLC0415

    program = host.which("git")
    if program is None:
        return None
    environment = {**base_environment(host.environment), "GIT_OPTIONAL_LOCKS": "0"}
    try:
        return capture([str(program), *arguments], env=environment, cwd=project).stdout.strip()
    except FerruleError:
        return None
