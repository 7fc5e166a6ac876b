"""What a program writes, kept within bounds: a build may print hundreds of megabytes, or one line of them.

Output is handled in pieces of whole lines, not line by line: a program that prints much then costs about what `cat`
costs. Beyond the bounds the middle is left out with a note; the beginning (where the first error stands) and the end
(where the last one stands) are always there.
"""

from __future__ import annotations

import re
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import StorageError
from ferrule.core.printable import coloured_lines, printable_lines
from ferrule.core.safe_files import open_more, open_new

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from io import BufferedWriter
    from pathlib import Path
    from types import TracebackType
    from typing import BinaryIO, Self

LONGEST_LINE: Final = 1 << 20
"""Bytes of a line that programs may read; longer ones are cut with a note."""

SHOWN: Final = 64 << 10
"""Characters of a line that people are shown. Secrets are hidden before it is cut, so that no half of one is left."""

LOGGED: Final = 16 << 20
"""Bytes of a log before its middle is left out."""

KEPT: Final = 4 << 20
"""Bytes of each output that a failure can be explained from, before the middle is left out."""

LAST: Final = 256 << 10
"""Bytes of the end that are kept in any case."""

_PLAIN: Final = bytes(range(0x20, 0x7F)) + b"\n\t"
_CARRIAGE: Final = re.compile(r"\r+$", re.MULTILINE)
_OVERWRITTEN: Final = re.compile(r"^[^\n]*\r", re.MULTILINE)


class WholeLines:
    """Pieces of output, cut so that each ends with a line; a line that is too long loses its end."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._dropped = 0

    def feed(self, data: bytes) -> bytes:
        """What is complete by now, each line with its end; nothing while a line goes on."""
        end = data.rfind(b"\n")
        if end < 0:
            self._append(data)
            return b""
        first = data.find(b"\n")
        self._append(data[:first])
        whole = self._take() + data[first : end + 1]
        self._append(data[end + 1 :])
        return whole

    def rest(self) -> bytes:
        """The last line if it has no end, given one; nothing else."""
        return self._take() + b"\n" if self._pending else b""

    def _append(self, data: bytes) -> None:
        room = max(0, LONGEST_LINE - len(self._pending))
        self._pending += data[:room]
        self._dropped += max(0, len(data) - room)

    def _take(self) -> bytes:
        line = bytes(self._pending)
        if self._dropped:
            line += b" ... %d more bytes" % self._dropped
        self._pending.clear()
        self._dropped = 0
        return line


class BoundedText:
    """The beginning and the end of a text that may be of any length, in pieces of whole lines."""

    def __init__(self, head: int = KEPT, tail: int = LAST) -> None:
        self._room = head
        self._head: list[bytes] = []
        self._tail: deque[bytes] = deque()
        self._tail_limit = tail
        self._tail_size = 0
        self._dropped = 0

    def add(self, piece: bytes) -> bool:
        """Take a piece of whole lines; true while it belongs to the beginning, which is kept for ever."""
        if self._room > 0:
            self._room -= len(piece)
            self._head.append(piece)
            return True
        self._tail.append(piece)
        self._tail_size += len(piece)
        while self._tail_size - len(self._tail[0]) >= self._tail_limit:
            oldest = len(self._tail.popleft())
            self._tail_size -= oldest
            self._dropped += oldest
        return False

    def forget_head(self) -> None:
        """Let go of the beginning, which was written elsewhere."""
        self._head.clear()

    def end(self) -> bytes:
        """What follows the beginning: a note of how much was left out, if any was, and the last lines."""
        note = b"... %d bytes were left out here ...\n" % self._dropped if self._dropped else b""
        return note + b"".join(self._tail)

    def content(self) -> bytes:
        """All that is kept."""
        return b"".join(self._head) + self.end()


def read_lines(piece: bytes) -> str:
    """Whole lines as text (UTF-8, undecodable bytes replaced), as a terminal leaves them: overwritten parts dropped."""
    text = piece.decode("utf-8", "replace")
    if "\r" in text:
        text = _OVERWRITTEN.sub("", _CARRIAGE.sub("", text))
    return text


def shown_lines(piece: bytes, hide: Callable[[str], str], *, colours: bool = False) -> str:
    """Whole lines for people: without secrets, long lines cut, and control characters made visible but `colours`."""
    text = hide(read_lines(piece))
    if len(text) > SHOWN:
        text = "".join(_cut(line) for line in text.splitlines(keepends=True))
    if not piece.translate(None, _PLAIN) and b"##" not in piece:
        return text
    return coloured_lines(text) if colours else printable_lines(text)


def _cut(line: str) -> str:
    if len(line) <= SHOWN + 1:
        return line
    return f"{line[:SHOWN]} ... the rest of this line was left out\n"


class Listener:
    """Hears the lines that a program reads, as they were written; with `marks`, those that hold one of these texts."""

    def __init__(self, on_line: Callable[[str], None], marks: Collection[str] = ()) -> None:
        self._on_line = on_line
        self._marks = tuple(marks)
        self._bytes = tuple(mark.encode() for mark in marks)

    def hear(self, piece: bytes) -> None:
        """Take whole lines."""
        if not self._marks:
            lines: Iterable[str] = read_lines(piece).split("\n")[:-1]
        # Bytes, as most of it is never heard; and a first byte that is nowhere is missed faster than any text.
        elif any(mark[:1] in piece and mark in piece for mark in self._bytes):
            lines = _marked_lines(read_lines(piece), self._marks)
        else:
            return
        for line in lines:
            self._on_line(line)


def _marked_lines(text: str, marks: Iterable[str]) -> Iterator[str]:
    """The whole lines that hold one of these texts."""
    starts = {text.rfind("\n", 0, offset) + 1 for mark in marks for offset in _offsets(text, mark)}
    return (text[start : text.index("\n", start)] for start in sorted(starts))


def _offsets(text: str, part: str) -> Iterator[int]:
    offset = text.find(part)  # five times as fast as a regular expression
    while offset >= 0:
        yield offset
        offset = text.find(part, offset + 1)


class Log:
    """The log of a program: what it writes as it arrives, its middle left out where it writes too much."""

    def __init__(self, path: Path, hide: Callable[[str], str], *, append: bool = False) -> None:
        self._path = path
        self._hide = hide
        self._append = append
        self._text = BoundedText(LOGGED, LAST)

    def write(self, piece: bytes) -> None:
        """Write whole lines. Raises StorageError."""
        if self._text.add(piece):
            self._text.forget_head()
            self._write(shown_lines(piece, self._hide))

    def close(self, line: str) -> None:
        """Write the last lines, if they were not yet, and one about the end. Raises StorageError."""
        self._write(shown_lines(self._text.end(), self._hide) + f"{line}\n")

    def say(self, line: str) -> None:
        """Write a line of ours. Raises StorageError."""
        self._write(f"{line}\n")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text.encode("utf-8", "replace"))
            self._stream.flush()
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> StorageError:
        return StorageError(f"cannot write the log {self._path}: {error.strerror}", where=str(self._path))

    def __enter__(self) -> Self:
        """Begin a new log, or go on with it. Raises StorageError."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = self._open()
        except OSError as error:
            raise self._failure(error) from error
        return self

    def _open(self) -> BufferedWriter:
        if self._append:
            with suppress(OSError):  # a program may have put a link or a folder there: the log begins anew
                return open_more(self._path)
        return open_new(self._path)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._stream.close()


class Record:
    """Everything that is kept of what a program writes: its log, its answer, and what explains a failure.

    The answer is at most `largest` bytes: lines as text, or in `copy` every byte as it arrived.
    """

    def __init__(self, log: Log, listener: Listener | None, largest: int, copy: BinaryIO | None = None) -> None:
        self._log = log
        self._listener = listener
        self._room = largest
        self._copy = copy
        self._lines = {True: WholeLines(), False: WholeLines()}
        self._outputs = {True: BoundedText(), False: BoundedText()}
        self._both = BoundedText(0)
        self._answer: list[bytes] = []

    def feed(self, from_stdout: bool, data: bytes) -> None:
        """Take what arrived. Raises StorageError, and OSError where the copy cannot be written."""
        if from_stdout and self._copy is not None and self._room >= 0:
            self._room -= len(data)
            self._copy.write(data)
        if piece := self._lines[from_stdout].feed(data):
            self._take(from_stdout, piece)

    def finish(self) -> None:
        """Take the last lines that have no end. Raises StorageError."""
        for from_stdout, lines in self._lines.items():
            if piece := lines.rest():
                self._take(from_stdout, piece)

    def _take(self, from_stdout: bool, piece: bytes) -> None:
        self._log.write(piece)
        self._outputs[from_stdout].add(piece)
        self._both.add(piece)
        if self._listener is not None:
            self._listener.hear(piece)
        elif from_stdout and self._copy is None and self._room >= 0:
            self._room -= len(piece)
            self._answer.append(piece)
            if self.too_long:
                self._answer.clear()  # nobody will read it, and the program may go on for hours

    @property
    def too_long(self) -> bool:
        """Whether more was written to standard output than an answer may have."""
        return self._room < 0

    def answer(self) -> str:
        """The standard output, whole; nothing where each line was heard, or copied."""
        return read_lines(b"".join(self._answer))

    def output(self, from_stdout: bool) -> bytes:
        """What is kept of an output."""
        return self._outputs[from_stdout].content()

    def last(self) -> bytes:
        """The last lines of both outputs, as they arrived."""
        return self._both.end()
