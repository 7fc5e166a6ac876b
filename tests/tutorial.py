"""The tutorial as a shell script: its files are written, its commands run, and what they print is compared.

A fence after a line that ends in "`path`:" is that file; if the file exists by then, it must be equal.
A `console` fence holds commands after `$ ` and what they print; a line of `…` stands for any lines.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"`([\w./-]+)`:\s*(?:<!-- checked -->\s*)?\Z")
_VARYING = (
    (re.compile(r"\b(\d+ min )?\d+(\.\d+)? s\b"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? ([KMG]i)?B\b"), "SIZE"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "DIGEST"),
    (re.compile(r" +"), " "),
)
MARK = "<<<command>>>"


@dataclass(frozen=True)
class File:
    """A file that the reader writes, or that a command has written."""

    path: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command, and the lines that it prints."""

    line: str
    output: tuple[str, ...]


def steps(page: str) -> list[File | Command]:
    """What the reader does, in order; raises ValueError for a fence that is neither a file nor commands."""
    result: list[File | Command] = []
    for fence in _FENCE.finditer(page):
        language, body = fence.groups()
        path = _PATH.search(page[: fence.start()])
        if language == "console":
            result += _commands(body)
        elif path:
            result.append(File(path[1], body))
        else:
            raise ValueError(f"neither a file nor commands: {body[:60]!r}")
    return result


def _commands(body: str) -> list[Command]:
    parts = re.split(r"^\$ ", body, flags=re.MULTILINE)
    if parts[0]:
        raise ValueError(f"output without a command: {parts[0]!r}")
    lines = [part.splitlines() for part in parts[1:]]
    return [Command(first, tuple(rest)) for first, *rest in lines]


def script(todo: list[File | Command]) -> str:
    """One shell does all of it; before the output of each command stands the mark, after it the exit code."""
    lines = []
    for step in todo:
        if isinstance(step, Command):
            lines += [f"echo '{MARK}'", step.line, 'echo "exit code $?"']
        else:
            path, text = shlex.quote(step.path), shlex.quote(step.text)
            same = f"printf %s {text} | diff {path} -"
            written = f"mkdir -p $(dirname {path}); printf %s {text} > {path}"
            lines.append(f"if [ -e {path} ]; then {same} || exit 1; else {written}; fi")
    return "exec 2>&1\n" + "\n".join(lines) + "\n"


def differences(todo: list[File | Command], output: str) -> list[str]:
    """For each command that failed or printed something else: the command and what it printed."""
    commands = [step for step in todo if isinstance(step, Command)]
    printed = output.split(f"{MARK}\n")[1:]
    wrong = [
        f"$ {command.line}\n{text}"
        for command, text in zip(commands, printed, strict=False)
        if not matches((*command.output, "exit code 0"), text.splitlines())
    ]
    return [*wrong, *(f"$ {command.line}\nwas not reached" for command in commands[len(printed) :])]


def matches(expected: tuple[str, ...], lines: list[str]) -> bool:
    """Whether lines are the expected ones, but for what differs between machines."""
    patterns = [r"(.*\n)*" if line == "…" else re.escape(_plain(line)) + r"\n" for line in expected]
    return re.fullmatch("".join(patterns), "".join(f"{_plain(line)}\n" for line in lines)) is not None


def _plain(line: str) -> str:
    for pattern, name in _VARYING:
        line = pattern.sub(name, line)
    return line.rstrip()
