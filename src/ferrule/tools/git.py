"""Git: which commit the sources are of, and which files they are. A project without Git is still a project."""

from __future__ import annotations

import os
import re
import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import FerruleError, StorageError
from ferrule.core.frozen import dataclass
from ferrule.core.safe_files import read_regular
from ferrule.tools import run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ferrule.tools.host import Host

_SUBMODULE: Final = "160000 "
"""Mode of a submodule in Git's index."""

_NOTHING_THERE: Final = ("does not have any commits yet", "ambiguous argument 'HEAD'", "bad default revision 'HEAD'")
"""What Git says of a repository without a commit, which is no fault."""


@dataclass(frozen=True, slots=True)
class State:
    """The commit that is checked out, and whether tracked files differ from it; None where there is no Git."""

    commit: str | None
    dirty: bool | None


def last_commit(project: Path, names: tuple[str, ...], host: Host) -> str | None:
    """The last commit that touched files or folders of the project; None where there is no Git or no such commit.

    It is compiled into libraries, so it must not change with commits that do not touch their sources.
    """
    return _git(project, host, "log", "-1", "--format=%H", "--", *names) or None


def state(project: Path, host: Host) -> State:
    """What is checked out. Raises StorageError for a checkout that Git does not trust, or cannot read."""
    status = _git(
        project, host, "status", "--porcelain=v2", "--branch", "--untracked-files=no", "--ignore-submodules=none"
    )
    if status is None:
        return State(None, None)
    lines = status.splitlines()
    commits = [line.removeprefix("# branch.oid ") for line in lines if line.startswith("# branch.oid ")]
    commit = commits[0] if commits and commits[0] != "(initial)" else None
    if commit is None and _has_commits(project, host):
        raise StorageError(
            "HEAD names no commit, although this repository has some",
            where=str(_repository(project) or project),
            hint="check out a branch or a commit: git switch BRANCH",
        )
    return State(commit, any(not line.startswith("#") for line in lines))


def _has_commits(project: Path, host: Host) -> bool:
    """Whether there is a commit in a repository, also where every name of one was lost."""
    if _git(project, host, "rev-list", "--all", "--max-count=1"):
        return True
    objects = _git(project, host, "cat-file", "--batch-all-objects", "--batch-check=%(objecttype)", "--unordered")
    return "commit" in (objects or "").split()


def top(project: Path, host: Host) -> Path | None:
    """The folder whose files Git keeps, which is the project's or above it; None where there is no Git."""
    folder = _git(project, host, "rev-parse", "--show-toplevel")
    return project / folder if folder else None


def remote(project: Path, host: Host) -> str | None:
    """The address of the remote repository `origin`, as its settings have it; None where there is none."""
    return _git(project, host, "config", "--default", "", "--get", "remote.origin.url") or None


def tagged_commit(project: Path, tag: str, host: Host) -> str | None:
    """The commit that a tag of this repository names, also an annotated one; None where there is no such tag."""
    # The second name is what an annotated tag is of; Git has no failure for a tag that is not there.
    names = _git(project, host, "for-each-ref", "--format=%(objectname) %(*objectname)", f"refs/tags/{tag}")
    return names.split()[-1] if names else None


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its id, and its whole message."""

    id: str
    message: str


def commits_since(project: Path, tag: str | None, names: tuple[str, ...], host: Host) -> tuple[Commit, ...]:
    """Commits, the newest first, that touched files or folders of the project since a tag, or ever; no merges."""
    span = f"refs/tags/{tag}..HEAD" if tag else "HEAD"
    # Settings could have the messages in another encoding (i18n.logOutputEncoding), and signatures among them.
    options = ("--no-merges", "--encoding=UTF-8", "--no-show-signature", "--format=%H%x00%B%x00")
    text = _git(project, host, "log", *options, span, "--", *names) or ""
    fields = [field.strip("\n") for field in text.split("\0")]
    return tuple(Commit(*pair) for pair in zip(fields[::2], fields[1::2], strict=False) if pair[0])


def is_shallow(project: Path, host: Host) -> bool:
    """Whether a clone holds only the newest commits (git clone --depth), so that its history and tags say nothing."""
    return _git(project, host, "rev-parse", "--is-shallow-repository") == "true"


def branch(project: Path, host: Host) -> str | None:
    """The branch that is checked out; None for a commit without one (a detached HEAD), and without Git."""
    return _git(project, host, "branch", "--show-current") or None


def tags(project: Path, pattern: str, host: Host) -> tuple[str, ...]:
    """Names of the tags that a pattern matches and that HEAD has among its ancestors."""
    return tuple((_git(project, host, "tag", "--list", pattern, "--merged", "HEAD") or "").split())


def changed(project: Path, names: Iterable[str], host: Host) -> tuple[str, ...]:
    """Those of the files whose content is in no commit yet."""
    lines = (_git(project, host, "status", "--porcelain", "-z", "--", *names) or "").split("\0")
    return tuple(line[3:] for line in lines if line)


def commit(project: Path, names: Iterable[str], message: str, host: Host) -> None:
    """Commit these tracked files as they are, and nothing else. Raises ToolFailed with Git's words."""
    _must(project, host, "commit", "--quiet", "--message", message, "--only", "--", *names)


def files(folder: Path, host: Host, *, untracked: bool = True) -> tuple[str, ...]:
    """Names of all files that are tracked and, with `untracked`, of those that are neither tracked nor ignored.

    A name of a folder is that of another repository inside, which has files of its own.
    """
    others = ("--others", "--exclude-standard") if untracked else ()
    names = _git(folder, host, "ls-files", "-z", "--cached", *others) or ""
    return tuple(dict.fromkeys(name for name in names.split("\0") if name))


FILE_MODE: Final = "100644"
"""Mode of a file in Git that nobody may execute (gitformat-index, "mode")."""


def tracked_mode(folder: Path, name: str, host: Host) -> str | None:
    """The mode that Git has of a file or link, by its name relative to a folder; None for one that it does not track.

    What lies beyond a link, or in a submodule, Git does not track.
    """
    listed = _git(folder, host, "--literal-pathspecs", "ls-files", "-z", "--stage", "--", name) or ""
    rows = (row.partition("\t") for row in listed.split("\0"))
    return next((head.partition(" ")[0] for head, _, path in rows if path == name), None)


def ignored(folder: Path, host: Host) -> tuple[str, ...]:
    """Files that Git ignores, by names relative to a folder; a folder that it ignores as a whole ends with a slash.

    Not of single paths: Git 2.39 fails where one is below a folder that is ignored as a whole.
    """
    text = _git(folder, host, "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory") or ""
    return tuple(name for name in text.split("\0") if name)


@dataclass(frozen=True, slots=True)
class Listing:
    """Names of the files of a folder: those that Git tracks, and those that it neither tracks nor ignores.

    `unwatched` are the tracked ones whose changes Git does not report, as somebody asked it not to look (sparse
    checkouts; git update-index, `--skip-worktree` and `--assume-unchanged`).
    """

    tracked: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()
    unwatched: tuple[str, ...] = ()


def listing(folder: Path, host: Host) -> Listing:
    """What Git would publish of a folder, by names relative to it; empty where there is no Git.

    The files of repositories inside, submodules among them, are those that these publish. A submodule that is not
    checked out is listed by its own name.
    """
    options = ("-z", "-v", "--stage", "--cached", "--others", "--exclude-standard")
    tracked: list[str] = []
    untracked: list[str] = []
    unwatched: list[str] = []
    for entry in (_git(folder, host, "ls-files", *options) or "").split("\0"):
        # "? NAME" for an untracked file, "H MODE OBJECT STAGE<tab>NAME" for a tracked one (git-ls-files, "Output");
        # the letter is small where changes are assumed not to be there, and S where the file need not be there.
        data, tab, name = entry.partition("\t") if not entry.startswith("? ") else ("", "", entry[2:])
        names = tracked if tab else untracked
        if (data.startswith(_SUBMODULE, 2) or name.endswith("/")) and (folder / name / ".git").exists():
            inner = listing(folder / name, host)
            prefix = f"{name.rstrip('/')}/"
            tracked += (prefix + inside for inside in inner.tracked)
            untracked += (prefix + inside for inside in inner.untracked)
            unwatched += (prefix + inside for inside in inner.unwatched)
        elif name:
            names.append(name.rstrip("/"))
            if tab and (data[0] == "S" or data[0].islower()):
                unwatched.append(name)
    return Listing(tuple(dict.fromkeys(tracked)), tuple(untracked), tuple(unwatched))


def ignored_folders(project: Path, names: Sequence[str], host: Host) -> frozenset[str]:
    """Those of these folders that a rule names itself, so that nothing below is looked at (git-check-ignore)."""
    program = host.which("git")
    if program is None or not names:
        return frozenset()
    command = [str(program), "check-ignore", "-z", "--stdin"]
    try:
        said = run.capture(command, env=_environment(host), cwd=project, input="".join(f"{name}\0" for name in names))
    except run.ToolFailed as failed:
        if failed.code == 1:  # none of them
            return frozenset()
        raise
    return frozenset(name for name in said.stdout.split("\0") if name)


def basis(project: Path, host: Host) -> tuple[Path, ...] | None:
    """Files that decide, while they and the folders of the project are as they are, what Git says of a checkout.

    Those of its settings, and of its rules above the project, that could be there, the commit, the index, and every
    tracked file, also of the repository around a project. None where more decides: a repository within, or references
    kept in another way.
    Raises FerruleError and OSError.
    """
    repository = _repository(project)
    above = (project.absolute(), *project.absolute().parents)
    marks = tuple(folder / ".git" for folder in above if folder != repository)
    if repository is None:
        return marks
    between = (folder for folder in above[1:] if folder.is_relative_to(repository))
    program, home = host.which("git"), host.home
    folders = _git(project, host, "rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir")
    settings = _settings(project, host)
    rows = (_git(repository, host, "ls-files", "-z", "--stage") or "").split("\0")
    if program is None or not folders or settings is None or any(row.startswith(_SUBMODULE) for row in rows):
        return None
    own, common = map(Path, folders.split("\n"))
    branch = _branch_file(own, common)
    if branch is None:
        return None
    config = host.environment.get("XDG_CONFIG_HOME") or (home / ".config" if home else None)
    return (
        *marks,
        *(folder / name for folder in between for name in (".gitignore", ".gitattributes")),
        *((repository / ".git",) if own != repository / ".git" else ()),
        program,
        *(own / name for name in ("HEAD", "index", "commondir", "gitdir", "config.worktree")),
        *(common / name for name in ("config", "packed-refs", "refs/replace", "info/grafts", "shallow")),
        *(common / "info" / name for name in ("exclude", "attributes")),
        *(branch,),
        *((home / ".gitconfig",) if home else ()),
        *(Path(config, "git", name) for name in ("config", "ignore", "attributes") if config),
        *(
            Path(etc, name)
            for etc in ("/etc", program.parent.parent / "etc")
            for name in ("gitconfig", "gitattributes")
        ),
        *settings,
        *(repository / row.partition("\t")[2] for row in rows if row),
    )


def _branch_file(own: Path, common: Path) -> Path | None:
    """The file with the commit of the branch, if it is not packed; None where that is a reference once more."""
    head = read_regular(own / "HEAD", follow=True).decode().strip()
    file = common / head.removeprefix("ref: ")
    with suppress(FileNotFoundError):
        if head.startswith("ref: ") and read_regular(file).startswith(b"ref:"):
            return None
    return file if head.startswith("ref: ") else own / "HEAD"


def _settings(project: Path, host: Host) -> tuple[Path, ...] | None:
    """Files that Git's settings come from or name; None for a setting that leads further than can be followed here."""
    listed = (_git(project, host, "config", "--list", "--show-origin", "-z", "--includes") or "").split("\0")
    files: dict[Path, None] = {}
    for origin, setting in zip(listed[::2], listed[1::2], strict=False):
        key, _, value = setting.partition("\n")
        if origin.startswith("file:"):
            files[project / origin.removeprefix("file:")] = None
        if key.startswith("extensions.ref"):
            return None
        if re.fullmatch(r"include(if\..*)?\.path|core\.(excludes|attributes)file", key, re.DOTALL):
            if host.home is None or value.startswith("%(") or (value.startswith("~") and value[1:2] != "/"):
                return None
            file = host.home / value[2:] if value.startswith("~/") else Path(value)
            if not file.is_absolute() and not key.startswith("include"):
                return None
            files[(project / origin.removeprefix("file:")).parent / file] = None
    return tuple(files)


def is_pushed(project: Path, commit: str, host: Host) -> bool | None:
    """Whether a branch of a remote repository holds a commit, as Git last saw them; None where it has seen none.

    Raises StorageError for a checkout that Git cannot read.
    """
    if not _git(project, host, "for-each-ref", "--count=1", "refs/remotes"):
        return None
    return bool(_git(project, host, "for-each-ref", "--count=1", f"--contains={commit}", "refs/remotes"))


def clone(source: Path, target: Path, host: Host) -> None:
    """A repository of its own with the same commit and no files yet. Raises ToolFailed, StorageError without Git."""
    commit = state(source, host).commit
    if commit is None:
        _must(source, host, "init", "--quiet", str(target))
        return
    _must(source, host, "clone", "--quiet", "--no-checkout", "--no-hardlinks", str(source), str(target))
    _must(target, host, "update-ref", "--no-deref", "HEAD", commit)


def track(folder: Path, names: Iterable[str], host: Host) -> None:
    """Make the files as they are now the tracked ones, so that they differ from the commit where they did before."""
    _must(folder, host, "update-index", "--add", "--remove", "-z", "--stdin", stdin="".join(f"{n}\0" for n in names))


def _must(folder: Path, host: Host, *arguments: str, stdin: str | None = None) -> None:
    program = host.which("git")
    if program is None:
        raise StorageError("git is not there any more", hint="install git")
    run.capture([str(program), *arguments], env=run.base_environment(host.environment), cwd=folder, input=stdin)


def _git(project: Path, host: Host, *arguments: str) -> str | None:
    program = host.which("git")
    if program is None:
        return None
    try:
        return run.capture([str(program), *arguments], env=_environment(host), cwd=project).stdout.strip("\n")
    except run.ToolFailed as failed:
        repository = _repository(project)
        if repository is not None and not any(sign in failed.stderr for sign in _NOTHING_THERE):
            raise _unusable(repository, failed) from failed
        return None
    except FerruleError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in run.OF_THE_MACHINE:
            raise  # without Git's answer other bytes would be made
        return None


def _environment(host: Host) -> dict[str, str]:
    return {**run.base_environment(host.environment), "GIT_OPTIONAL_LOCKS": "0"}


def _repository(project: Path) -> Path | None:
    """The checkout that a project is in, whether Git can read it or not; None where there is none."""
    absolute = project.absolute()
    return next((folder for folder in (absolute, *absolute.parents) if os.path.lexists(folder / ".git")), None)


def _unusable(repository: Path, failed: run.ToolFailed) -> StorageError:
    """Why Git does not read a checkout. To go on would be a release that names no commit."""
    if "dubious ownership" in failed.stderr:
        return StorageError(
            "Git does not trust this checkout, because it belongs to another user",
            where=str(repository),
            hint=f"git config --global --add safe.directory {shlex.quote(str(repository))}",
        )
    message = next((line for line in failed.stderr.splitlines() if line.strip()), failed.summary)
    return StorageError(
        f"Git cannot read this checkout: {message.removeprefix('fatal: ')}",
        where=str(repository),
        hint="repair it (git fsck says what is damaged), or clone it again",
    )
