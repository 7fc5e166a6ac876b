"""The answer of a release with nothing to do, kept with the stat data of every file that it depends on.

While none of them changed, the program's start says it again and imports nothing else. This decides nothing: it is
written where the whole way has just found a release to be up to date (`engine.stamp`), and anything that differs from
then, be it harmless, leads back to that way.

Only what Python has loaded anyway is imported here: `typing` would take 5 ms, `hashlib` 4, `json` 9, and `pathlib` 6.
What is kept is a value of `marshal`, below a digest that is keyed by the situation: of another interpreter, or damaged,
it is never read.
"""

from __future__ import annotations

import marshal
import os
import stat
import sys
from _blake2 import blake2b  # as hashlib.blake2b, which loads OpenSSL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Final, TextIO

    Piece = tuple[bool, str, bool]
    """A text for standard error (or else output), and whether a duration and the end of the line follow."""

    Signature = tuple[int, int, int, int] | None
    """Size, times of the last change of content and of anything, and number of a file; None where there is none."""

_FORMAT: Final = "ferrule answer 1"
_OPTIONS: Final = frozenset({"-q", "--quiet", "--offline", "--setup", "-v", "--verbose"})
_OF_A_SHELL: Final = frozenset({"_", "OLDPWD", "SHLVL"})
"""Variables that every shell has for itself, which nothing here depends on."""


def is_repeatable(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for a whole release, in a way of which a situation says everything."""
    return arguments[:1] == ["release"] and _OPTIONS.issuperset(arguments[1:])


def situation(arguments: Iterable[str], environment: Mapping[str, str], folder: str) -> bytes:
    """A digest of what an answer depends on besides files: who asks what, from where, in which environment."""
    machine = os.uname()
    interpreter = (sys.version, sys.executable, os.path.dirname(__file__))  # noqa: PTH120
    streams = [f"{stream.encoding} {stream.errors} {_columns(stream)}" for stream in (sys.stdout, sys.stderr)]
    variables = [f"{name}={environment[name]}" for name in sorted(environment) if name not in _OF_A_SHELL]
    parts = [_FORMAT, *interpreter, machine.sysname, machine.machine, str(os.geteuid()), *streams, folder]
    parts += ["", *arguments, "", *variables]
    return blake2b("\0".join(parts).encode("utf-8", "surrogateescape"), digest_size=32).digest()


def _columns(stream: TextIO) -> str:
    if not stream.isatty():
        return "none"
    try:
        return str(os.get_terminal_size(stream.fileno()).columns)
    except OSError:
        return "some"


def file_of(state: str, key: bytes) -> str:
    """Where the answer of a situation is kept, in the folder for all that may be deleted."""
    return f"{state}/answer-{key[:8].hex()}"


def signature(path: str, of: Callable[[str], os.stat_result] = os.stat) -> Signature:
    """What changes with a file, a folder or what a link leads to. Raises OSError where that cannot be seen."""
    try:
        status = of(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def packed(key: bytes, pieces: Sequence[Piece], paths: Sequence[str], links: Sequence[str]) -> bytes:
    """What is kept of an answer: the texts, and what it depends on as it is now. Raises OSError."""
    seen = ([signature(path) for path in paths], [signature(path, os.lstat) for path in links])
    content = marshal.dumps((list(pieces), list(paths), list(links), *seen))
    return blake2b(content, key=key).digest() + content


def unpacked(kept: bytes, key: bytes) -> list[Piece] | None:
    """The texts that were kept, if everything is as it was; None if not, or if this was not kept for `key`."""
    size = blake2b.MAX_DIGEST_SIZE
    content = kept[size:]
    if blake2b(content, key=key).digest() != kept[:size]:
        return None
    pieces, paths, links, files, ends = marshal.loads(content)  # noqa: S302 - written by us: see the digest
    try:
        same = all(signature(path) == before for path, before in zip(paths, files, strict=True)) and all(
            signature(path, os.lstat) == before for path, before in zip(links, ends, strict=True)
        )
    except OSError:
        return None
    return pieces if same else None


def repeat(arguments: Sequence[str], environment: Mapping[str, str], monotonic: Callable[[], float]) -> bool:
    """Say again what the same command said before, if nothing changed since; whether that was done.

    Raises OSError where the texts cannot be written.
    """
    started = monotonic()
    if not is_repeatable(arguments) or sys.stdout is None or sys.stderr is None:
        return False
    try:
        folder = os.getcwd()  # noqa: PTH109 - pathlib: above
        project = _project(folder)
        if project is None:
            return False
        key = situation(arguments, environment, folder)
        pieces = unpacked(_content(file_of(f"{project}/.ferrule", key)), key)
    except (OSError, ValueError):
        return False
    for error, text, timed in pieces or ():
        stream = sys.stderr if error else sys.stdout
        stream.write(f"{text}{monotonic() - started:.1f} s\n" if timed else text)
        stream.flush()
    return pieces is not None


def _project(folder: str) -> str | None:
    """The nearest folder upwards with a targets.yaml (safe_files.find_project)."""
    while not os.path.exists(f"{folder}/targets.yaml"):  # noqa: PTH110
        folder, _, name = folder.rpartition("/")
        if not name:
            return None
    return folder or "/"


def _content(path: str) -> bytes:
    """The content of a regular file (safe_files.read_regular). Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        status = os.fstat(descriptor)
        return os.read(descriptor, status.st_size) if stat.S_ISREG(status.st_mode) else b""
    finally:
        os.close(descriptor)
