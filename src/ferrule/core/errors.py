"""The failures a user can act on, and the exit code of each class.

    FerruleError
    ├── UsageError           2  the command line names something that does not exist, or cannot be used
    ├── ConfigError          3  targets.yaml, or what it points at, is mistaken
    │   └── ConfigErrors     3  all errors of one document
    ├── ToolchainError       4  a tool is missing, of a wrong version, or does not work
    ├── BuildError           5  an action failed: a compile error, an input that cannot be used
    ├── VerificationError    6  something in the release does not match its declaration
    ├── StorageError         7  disk, permissions or locks of the cache, work or output folder
    ├── NetworkError         8  something that had to be fetched could not be
    ├── IncomparableError    9  there is nothing to compare with, or it cannot be read
    └── PublishError        10  a release could not be published, or not be fetched back as it is

Exit code 0 is success, 130 an interrupt. Any other exception is a bug of ours
(exit code 1) and keeps its traceback.
"""

from __future__ import annotations

from typing import Any, ClassVar

from ferrule.core.printable import without_colours


class FerruleError(Exception):
    """A failure: what happened (`message`), `where` (`file:line:column` or a path) and what to do (`hint`).

    `output` is what the program wrote whose failure it is, in lines and perhaps with colours (ECMA-48, SGR).
    """

    exit_code: ClassVar[int] = 1
    command: str = ""
    """The program call that failed, to be pasted into a shell; empty where there was none."""

    def __init__(self, message: str, *, hint: str | None = None, where: str | None = None, output: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.where = where
        self.output = output

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it holds, whatever its constructor takes: workers of a cluster send their failures."""
        return _revived, (type(self), self.args, self.__dict__)

    def __str__(self) -> str:
        """Render as `where: message`, the program's output and the hint on lines of their own, without colours."""
        prefix = f"{self.where}: " if self.where else ""
        lines = [f"  | {line}" for line in without_colours(self.output).splitlines()]
        return "\n".join([prefix + self.message, *lines, *([f"  hint: {self.hint}"] if self.hint else [])])


def command_of(error: BaseException | None) -> str:
    """The program call behind a failure: its own, or that of the failure it explains; empty if there is none."""
    while error is not None:
        if isinstance(error, FerruleError) and error.command:
            return error.command
        error = error.__cause__
    return ""


def _revived(kind: type[FerruleError], arguments: tuple[Any, ...], holds: dict[str, Any]) -> FerruleError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(holds)
    return error


class UsageError(FerruleError):
    """The command line, or a variable that stands for an option, names something that does not exist or is unfit."""

    exit_code = 2


class ConfigError(FerruleError):
    """targets.yaml, or a file that it names, is mistaken."""

    exit_code = 3


class ConfigErrors(ConfigError):  # noqa: N818 - it is several of them
    """All errors of one document, in the order of the document; at least one."""

    def __init__(self, errors: tuple[ConfigError, ...]) -> None:
        first = errors[0]
        count = f"{len(errors)} errors" if len(errors) > 1 else "one error"
        super().__init__(f"{count} in the configuration", where=first.where, hint=first.hint)
        self.errors = errors

    def __str__(self) -> str:
        """Render every error with its place and hint, each beginning on a line of its own."""
        return "\n".join(str(error) for error in self.errors)


class ToolchainError(FerruleError):
    """A tool is missing, of a wrong version, or does not do its work."""

    exit_code = 4


class BuildError(FerruleError):
    """An action could not make its outputs."""

    exit_code = 5


class VerificationError(FerruleError):
    """Something does not match its declaration."""

    exit_code = 6


class StorageError(FerruleError):
    """The cache, the work folder or the output folder cannot be used."""

    exit_code = 7


class NetworkError(FerruleError):
    """Something that had to be fetched could not be."""

    exit_code = 8


class IncomparableError(FerruleError):
    """Two releases could not be compared: no earlier one is recorded, or one of them cannot be read."""

    exit_code = 9


class PublishError(FerruleError):
    """A release could not be published everywhere, or what is published is not what it should be."""

    exit_code = 10
