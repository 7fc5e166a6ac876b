"""What a command with nothing to do says; kept with all that it depends on, it is said again at the next start."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ferrule.cli import environment
from ferrule.cli.messages import echo
from ferrule.core import last_answer
from ferrule.core.errors import FerruleError
from ferrule.core.safe_files import STATE, clear, open_new
from ferrule.engine import stamp
from ferrule.reporting.report import duration
from ferrule.reporting.wrapping import wrapped
from ferrule.tools import git, secrets, source_list

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

_MOST: Final = 8
"""Answers that are kept of a project, for different environments and options."""


def packages() -> Path:
    """The folder of the packages that this program imports."""
    return Path(click.__file__).parent.parent


class Answer:
    """The texts of an answer, which are written when they are said, and the files that it depends on."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._pieces: list[last_answer.Piece] = []
        self._paths: dict[str, None] = {}
        self._checks: list[Callable[[], bool]] = []
        self._is_repeatable = last_answer.is_repeatable(sys.argv[1:])
        # In our own folder: where a file has to have a name for a moment, it changes the folder that it is in.
        self._since = stamp.file_system_now(root / STATE) if self._is_repeatable else 0

    def say(self, text: str, *, err: bool = False, took: float | None = None) -> None:
        """Print lines for people as `messages.echo`; `took` are seconds to be named at the end."""
        line = text if took is None else text + duration(took)
        echo(line, err=err)
        shown = wrapped(text, environment.width(sys.stderr if err else sys.stdout))
        self._pieces.append((err, shown if took is not None else f"{shown}\n", took is not None))
        if took is not None and wrapped(line, environment.width(sys.stderr if err else sys.stdout)) != line:
            self._is_repeatable = False  # where it is broken depends on the duration

    def write(self, text: str) -> None:
        """Print a text as it is."""
        sys.stdout.write(text)
        self._pieces.append((False, text, False))

    def depend_on(self, paths: Iterable[str | Path], still: Callable[[], bool] = lambda: True) -> None:
        """Take files and folders down among those that it depends on; `still` looks whether they say what they said."""
        if self._is_repeatable:
            self._paths.update(dict.fromkeys(os.fspath(path) for path in paths))
            self._checks.append(still)

    def keep(self, *, offline: bool) -> None:
        """Keep it for the next time, if it depends on nothing that is not known. Raises nothing: it only saves time."""
        with suppress(FerruleError, OSError, ValueError):
            if not self._is_repeatable or not self._since or not self._complete(offline=offline):
                return
            paths = tuple(dict.fromkeys(_decisive(self._paths)))
            ages = [_is_older(path, self._since) for path in paths]
            if False not in ages:
                key = last_answer.situation(sys.argv[1:], environment.variables(), os.getcwd())  # noqa: PTH109
                links = tuple(path for path in paths if os.path.islink(path))  # noqa: PTH114 - a Path costs more
                content = last_answer.packed(key, self._pieces, paths, links)
                if None in ages and not all(still() for still in self._checks):
                    return
                _store(Path(last_answer.file_of(os.fspath(self._root / STATE), key)), content)

    def _complete(self, *, offline: bool) -> bool:
        """Add what every release depends on: whether that is possible, and no text holds a secret."""
        host = environment.host(offline=offline)
        of_git, folders = git.basis(self._root, host), source_list.listed_folders(self._root, host)
        if of_git is None or folders is None:
            return False
        variables = environment.variables()
        hide = secrets.Hider(secrets.secrets_of(variables, Path()))
        self.depend_on(of_git)
        self.depend_on(_with_rules(folders))
        self.depend_on(self._root / name for name in source_list.source_names(self._root, host))
        self.depend_on(path.absolute() for path in secrets.files_with_secrets(variables, Path()))
        self.depend_on(stamp.program_files(packages()))
        return all(hide(text) == text for _, text, _ in self._pieces)


def _with_rules(folders: Iterable[str]) -> Iterator[str]:
    for folder in folders:
        yield folder
        rules = (os.path.join(folder, name) for name in (".gitignore", ".gitattributes"))  # noqa: PTH118
        yield from filter(os.path.lexists, rules)


def _decisive(paths: Collection[str]) -> Iterator[str]:
    """The paths, but for what is not there the highest folder that is missing, and nothing where its folder counts."""
    for path in paths:
        last, above = path, path
        while not os.path.lexists(above):
            last, above = above, os.path.dirname(above)  # noqa: PTH120
        if above == path or above not in paths:
            yield last


def _is_older(path: str, moment: int) -> bool | None:
    """Whether a file did not change since a moment of the file system's time.

    One that is not there did not if its folder did not; None where that is one in which much happens, such as /tmp: the
    file may have been there a moment ago.
    """
    try:
        return max(os.stat(path).st_ctime_ns, os.lstat(path).st_ctime_ns) < moment  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        pass
    while path != "/":
        path = os.path.dirname(path)  # noqa: PTH120
        with suppress(FileNotFoundError, NotADirectoryError):
            return os.stat(path).st_ctime_ns < moment or None  # noqa: PTH116
    return None


def _store(file: Path, content: bytes) -> None:
    """Put an answer in its place, and take away those that were not given for longest. Raises OSError."""
    aside = file.with_name(f".{file.name}.{os.getpid()}.aside")
    try:
        with open_new(aside) as stream:
            stream.write(content)
        aside.replace(file)
    finally:
        clear(aside)
    kept = [path for path in file.parent.glob("answer-*") if stat.S_ISREG(path.lstat().st_mode)]
    for path in sorted(kept, key=lambda path: path.lstat().st_mtime_ns)[:-_MOST]:
        clear(path)
