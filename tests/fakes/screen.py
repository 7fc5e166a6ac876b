"""What a person sees of a command, on a terminal of some width or in a pipe, made the same on every machine.

The child of a server that has imported Ferrule before runs the command: a start costs a fork instead of all imports.
"""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import re
import shutil
import struct
import sys
import tempfile
import termios
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyte

from fakes.toolchain import PATIENCE_SECONDS, Demo, add_preprocessor, hear_signals, lay_out, wait_until
from ferrule import __main__ as program
from ferrule.cli import environment
from ferrule.reporting.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROWS = 1000
_FRAME_SECONDS = 0.3
_SLOWER = 100
"""How much slower a command's clock is: on a busy machine too, no duration is so wide that it moves columns."""

HOME = "/home/ada/demos"
"""What stands in place of the demo's folder, whose path is as long, so that lines break where they broke."""

_LOAD = ["ferrule.cli", "ferrule.cli.commands.release", "ferrule.cli.commands.doctor", "rich.progress", "rich.table"]
_SERVER = multiprocessing.get_context("forkserver")
_HEX = "0123456789abcdef" * 4
_OF_ONE_LENGTH: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (r"\b(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{12})\b", lambda m: _HEX[: len(m[0])]),
    (r"(/work/(?:ferrule-jobs-|[\w@:-]+\.))[a-z0-9_]{8}\b", lambda m: f"{m[1]}01234567"),
)
"""What is replaced before a terminal breaks it in two."""
_VARYING: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (r"(  )?\b(?:\d+ min )?\d+(?:\.\d+)? s\b", lambda m: "  " + "1.0 s".rjust(len(m[0]) - 2) if m[1] else "1.0 s"),
    (r"\b\d+(\.\d)? (?:[KM]i)?B\b", lambda m: re.sub(r"\d", "1", m[0])),
    (r"\b\d+ (?:bytes|claims|stated)\b|\bsays \d+", lambda m: re.sub(r"\d", "1", m[0])),
    (r"\b\d{4}-\d\d-\d\d \d\d:\d\d UTC\b", lambda _: "2001-02-03 04:05 UTC"),
    (r"\b\d:\d\d:\d\d\b", lambda _: "0:00:01"),
    (r"(?ms)^(::stop-commands::(\w+)\n).*?^(::\2::)", lambda m: f"{m[1]}(the log of the action)\n{m[3]}"),
    (r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]", lambda _: "⠋"),
)


@dataclass(frozen=True)
class Seen:
    """What a command left on a terminal, or wrote: its text, the same with marks for styles, and its exit code."""

    text: str
    styled: str
    code: int


@contextmanager
def demo_project() -> Iterator[Demo]:
    """A demo in a folder whose path has the same length everywhere."""
    folder = Path(tempfile.mkdtemp(prefix="f-", dir="/tmp"))
    assert len(str(folder)) == len(HOME)
    try:
        demo = lay_out(folder)
        add_preprocessor(demo)
        yield demo
    finally:
        shutil.rmtree(folder)


def on_terminal(demo: Demo, words: tuple[str, ...], width: int, folder: Path, **environment: str) -> Seen:
    """Run a command on a terminal to its end."""
    with _terminal(demo, words, width, folder, environment) as (data, process):
        data()
        process.join()
        return _seen(data.so_far, width, process.exitcode or 0, demo)


def in_pipe(demo: Demo, words: tuple[str, ...], folder: Path, **environment: str) -> Seen:
    """Run a command whose output is no terminal to its end."""
    reading, writing = os.pipe()
    process = _start(demo, words, writing, None, folder, environment)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        text = same_everywhere(stream.read().decode(), demo)
    process.join()
    return Seen(text, text, process.exitcode or 0)


def while_it_runs(demo: Demo, words: tuple[str, ...], width: int, until: str) -> str:
    """What stands on a terminal while a command compiles, once a line holds `until`; then it runs to its end."""
    with ExitStack() as meanwhile:
        meanwhile.enter_context(demo.held())
        with _terminal(demo, words, width, demo.project, {}) as (data, process):
            pages: list[str] = []

            def whole() -> bool:
                time.sleep(_FRAME_SECONDS)  # a look costs more than a frame of the display
                before = -1
                while before < len(data.so_far):  # a terminal hands out a few KiB at once
                    before = len(data.so_far)
                    data.more()
                pages.append(_seen(data.so_far, width, 0, demo).text)
                return re.search(rf"{until}.* (0:00:01|left)\Z", pages[-1].rstrip()) is not None

            wait_until(whole, f"a line with {until!r}")
            meanwhile.close()
            data()
            process.join()
    assert process.exitcode == 0
    return pages[-1]


def same_everywhere(text: str, demo: Demo) -> str:
    """A text without what differs from run to run and from machine to machine."""
    text = text.replace(str(demo.root), HOME).replace(sys.executable, "/usr/bin/python3").replace("\r\n", "\n")
    for pattern, replace in (*_OF_ONE_LENGTH, *_VARYING):
        text = re.sub(pattern, replace, text)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


class _Output:
    """What comes out of a terminal."""

    def __init__(self, master: int) -> None:
        self._master = master
        self.so_far = b""

    def more(self) -> bool:
        """Take what there is by now; false at the end."""
        try:
            data = os.read(self._master, 1 << 16)
        except BlockingIOError:
            return True
        except OSError:  # EIO: nobody has the terminal open any more
            return False
        self.so_far += data
        return bool(data)

    def __call__(self) -> None:
        """Take all until the end."""
        os.set_blocking(self._master, True)
        while self.more():
            pass


@contextmanager
def _terminal(
    demo: Demo, words: tuple[str, ...], width: int, folder: Path, environment: Mapping[str, str]
) -> Iterator[tuple[_Output, multiprocessing.process.BaseProcess]]:
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    os.set_blocking(master, False)
    process = _start(demo, words, slave, os.ttyname(slave), folder, environment)
    os.close(slave)
    try:
        yield _Output(master), process
    finally:
        os.close(master)


def _start(
    demo: Demo, words: tuple[str, ...], output: int, tty: str | None, folder: Path, environment: Mapping[str, str]
) -> multiprocessing.process.BaseProcess:
    _SERVER.set_forkserver_preload(_LOAD)
    variables = demo.environment | {"TERM": "xterm-256color"} | environment
    path = tty or f"/proc/{os.getpid()}/fd/{output}"
    process = _SERVER.Process(target=_run, args=(words, path, str(folder), variables))
    process.start()
    wait_until(lambda: (demo.root / "started").exists() or not process.is_alive(), "the start of a command")
    (demo.root / "started").unlink(missing_ok=True)
    return process


def _run(words: tuple[str, ...], output: str, folder: str, variables: dict[str, str]) -> None:
    """Become the command, in a process of its own."""
    os.setsid()
    os.environ.clear()  # noqa: TID251 - those of the test, in a process that is the command's alone
    os.environ.update(variables)  # noqa: TID251 - as above
    os.chdir(folder)
    for number, flags in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        path = "/dev/null" if number == 0 else output
        os.dup2(os.open(path, flags | os.O_NOCTTY), number)
    sys.stdout, sys.stderr = (os.fdopen(n, "w", 1, encoding="utf-8", closefd=False) for n in (1, 2))
    Path(variables["HOME"], "started").touch()
    sys.argv = ["ferrule", *words]
    hear_signals()
    # A slow machine would show the line of what takes longer than a second; tests of reporting/waiting.py look at it.
    (Waiting.__init__.__kwdefaults__ or {})["patience"] = PATIENCE_SECONDS
    vars(environment)["monotonic"] = lambda: time.monotonic() / _SLOWER
    program.main()


def _seen(data: bytes, width: int, code: int, demo: Demo) -> Seen:
    screen = pyte.Screen(width, ROWS)
    whole = data.decode("utf-8", "replace").replace(str(demo.root), HOME)
    for pattern, replace in _OF_ONE_LENGTH:
        whole = re.sub(pattern, replace, whole)
    pyte.Stream(screen).feed(whole)
    text = same_everywhere("\n".join(screen.display).rstrip(), demo)
    styled = [_marked([screen.buffer[row][column] for column in range(width)]) for row in range(len(text.splitlines()))]
    return Seen(text, same_everywhere("\n".join(styled), demo), code)


def _marked(characters: list[pyte.screens.Char]) -> str:
    """A line with a mark where a style begins: `{red bold}✗{}`."""
    result, before = "", ""
    for character in characters:
        style = " ".join(([character.fg] if character.fg != "default" else []) + (["bold"] if character.bold else []))
        if style != before:
            result += f"{{{style}}}"
            before = style
        result += character.data
    return result.rstrip()
