"""The one door to other programs: argument lists, environment from nothing, closed input, own process group."""

from __future__ import annotations

import errno
import os
import selectors
import shlex
import signal
import subprocess  # noqa: TID251 - this is the one door
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import BuildError, StorageError, ToolchainError
from ferrule.core.frozen import dataclass
from ferrule.core.printable import without_colours
from ferrule.core.safe_files import open_new
from ferrule.tools.program_output import KEPT, Listener, Log, Record, shown_lines
from ferrule.tools.secrets import Hider, secrets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from io import BufferedWriter
    from pathlib import Path
    from selectors import BaseSelector

TAIL_LINES: Final = 15
OF_THE_MACHINE: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EIO})
"""Errors (errno(3)) by which a program that is there cannot be started or heard."""
GRACE_SECONDS: Final = 1.0  # all is to be gone within 2 s, also where much else runs
_NOTICE_SECONDS: Final = 0.5  # how long what a program left running may go on after the program itself ended
_GLANCE_SECONDS: Final = 0.1  # how often we look whether a silent program has ended
_PIECE: Final = 1 << 16  # what a pipe holds on Linux

ANSWER_BYTES: Final = 64 << 20
"""What a program may write where its output is read by us: no answer that we ask for is near it."""

_TOO_MUCH: Final = f"wrote more than {ANSWER_BYTES >> 20} MiB where an answer is read"

# What children may know about the machine: where programs and homes are, how its owner reaches registries, and nothing
# that changes what a compiler makes (CARGO_BUILD_*, RUSTFLAGS, CFLAGS and the like never pass).
_NAMES: Final = frozenset(
    (
        "PATH",
        "HOME",
        "TMPDIR",
        "USER",
        "LOGNAME",
        "XDG_RUNTIME_DIR",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "CARGO_HOME",
        "RUSTUP_HOME",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "GIT_SSL_CAINFO",
        "NODE_EXTRA_CA_CERTS",
        "NIX_SSL_CERT_FILE",
        "NETRC",
        "DOCKER_HOST",
        "DOCKER_CONFIG",
        "CONTAINERS_CONF",
        "CONTAINER_HOST",
        "GOPROXY",
        "GONOSUMDB",
        "GONOPROXY",
        "GOPRIVATE",
        "GOSUMDB",
        "GOPATH",
        "GOMODCACHE",
        "GOFLAGS",
        "GOTOOLCHAIN",
    )
)
_PREFIXES: Final = (
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_SOURCE_",
    "PIP_",
    "UV_",
    "npm_config_",
    "NPM_CONFIG_",
    "RUSTUP_DIST_",
    "RUSTUP_UPDATE_",
)
# These say where pip and uv put things, which is for the caller to say, not for the surroundings.
_WITHHELD: Final = frozenset(
    (
        "PIP_TARGET",
        "PIP_PREFIX",
        "PIP_ROOT",
        "PIP_USER",
        "PIP_REQUIRE_VIRTUALENV",
        "PIP_PYTHON",
        "PIP_REQUIREMENT",
        "PIP_CONSTRAINT",
        "PIP_NO_DEPS",
        "UV_PROJECT",
        "UV_PROJECT_ENVIRONMENT",
        "UV_PYTHON",
        "UV_SYSTEM_PYTHON",
        "UV_WORKING_DIRECTORY",
        # These are for publishing, which no child does.
        "CARGO_REGISTRY_TOKEN",
        "UV_PUBLISH_TOKEN",
        "UV_PUBLISH_USERNAME",
        "UV_PUBLISH_PASSWORD",
    )
)
_CLOCK: Final = ("LD_PRELOAD", "FAKETIME", "FAKETIME_SHARED")
"""By these libfaketime shows another time (faketime(1)); a clock is the same for a program and all that it starts.

Without the last one every process leaves a semaphore behind that is called by its number, and hangs where the number
comes again.
"""

_NO_OTHER_TIMER: Final = {"FAKETIME_DONT_FAKE_MONOTONIC": "1"}
"""Programs in Rust wait until a moment of the kernel's own clock: shown another one, they would wait as long again."""

_FIXED: Final = {"LANG": "C.UTF-8", "TZ": "UTC", "RUSTUP_AUTO_INSTALL": "0"}


@dataclass(frozen=True, slots=True)
class Captured:
    """What a program wrote to its two outputs, as text (UTF-8, undecodable bytes replaced)."""

    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class RunAs:
    """As whom a program runs: its mask of file modes, its user and group by number; None and -1 as we do ourselves."""

    umask: int = -1
    user: int | None = None
    group: int | None = None


_OURSELVES: Final = RunAs()


class ToolMissing(ToolchainError):  # noqa: N818 - reads as a sentence: "except ToolMissing"
    """The program to be started does not exist or may not be executed."""


class ToolFailed(BuildError):  # noqa: N818
    """A program ended with a failure.

    `command` can be pasted into a shell, `code` is the exit code (negative: the number of the signal), `tail` the last
    lines it wrote, `log` where all of them are, `stdout` and `stderr` the whole outputs without secrets and colours,
    `coloured` the second one with them, and `interrupted` is true when we ended it ourselves because everything was to
    end.
    """

    def __init__(
        self,
        message: str,
        *,
        command: str,
        code: int,
        captured: Captured,
        tail: Sequence[str] = (),
        log: Path | None = None,
        interrupted: bool = False,
    ) -> None:
        hint = f"all of it, and the command, is in {log}" if log else "add -v to see the command"
        super().__init__(message, hint=hint, output="\n".join(tail))
        self.summary = message
        self.command = command
        self.code = code
        self.stdout = without_colours(captured.stdout)
        self.stderr = without_colours(captured.stderr)
        self.coloured = captured.stderr
        self.tail = tuple(without_colours(line) for line in tail)
        self.log = log
        self.interrupted = interrupted


class _Children:
    """The programs that run at this moment, so that all of them can be ended from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._live: dict[int, subprocess.Popen[bytes]] = {}
        self._ended: set[int] = set()
        self._closed = False

    def add(self, start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes] | None:
        """Start a program; None if everything is to end."""
        with self._lock:  # started under the lock, so that none can slip past `end_all`
            if self._closed:
                return None
            child = start()
            self._live[child.pid] = child
            return child

    def remove(self, child: subprocess.Popen[bytes]) -> bool:
        """Forget a child that was waited for; true if it was ended by `end_all`."""
        with self._lock:
            self._live.pop(child.pid, None)
            was_ended = child.pid in self._ended
            self._ended.discard(child.pid)
            return was_ended

    def open(self) -> None:
        with self._lock:
            self._closed = False

    def end_all(self, grace: float, *, for_good: bool) -> int:
        with self._lock:
            self._closed = self._closed or for_good
            children = list(self._live.values())
            self._ended.update(child.pid for child in children)
        _end(children, grace)
        return len(children)


_CHILDREN: Final = _Children()


def end_all(grace: float = GRACE_SECONDS, *, for_good: bool = False) -> int:
    """End every running program with all its children: SIGTERM, after `grace` seconds SIGKILL; returns how many ran.

    `for_good` lets no other start until `reopen`. May be called from any thread; the calls that wait for those programs
    raise ToolFailed with `interrupted` set.
    """
    return _CHILDREN.end_all(grace, for_good=for_good)


def reopen() -> None:
    """Let programs start again after they were ended for good."""
    _CHILDREN.open()


def base_environment(values: Mapping[str, str]) -> dict[str, str]:
    """Variables of `values` that children get: paths, proxies, certificates, settings of registry clients.

    Language, time zone and rustup's self-installing are fixed, so that messages and outputs do not depend on them. A
    clock that was set for this program is passed on, and nothing else that would be loaded into programs.
    """
    clock = {n: values[n] for n in _CLOCK if n in values} | _NO_OTHER_TIMER if values.get("FAKETIME") else {}
    return {name: value for name, value in values.items() if is_passed_on(name)} | clock | _FIXED


def is_passed_on(name: str) -> bool:
    """Whether children get a variable of the surroundings."""
    return (name in _NAMES or name.startswith(_PREFIXES)) and name not in _WITHHELD


def capture(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    timeout: float | None = None,
    input: str | None = None,  # noqa: A002 - the word of the field
    secrets: Collection[str] = (),
) -> Captured:
    """Run a program to its end and return what it wrote; `timeout` in seconds.

    Errors are told without `secrets` and those of the environment; what is returned is as it was written.
    Raises ToolMissing if it cannot be started, ToolFailed if it fails, takes longer than `timeout` or writes more than
    ANSWER_BYTES, and StorageError where the machine has no more files, processes or memory for it.
    """
    call = _Call(argv, env, cwd, _Hider(secrets, env, cwd))
    outputs: dict[bool, list[bytes]] = {True: [], False: []}
    child = _start(call, feeds=input is not None)
    try:
        problem = _collect(child, outputs, (input or "").encode(), timeout)
    except BaseException:
        _abandon(child)
        raise
    if problem:
        _end([child], GRACE_SECONDS)
        child.wait()
    _close(child)
    interrupted = _CHILDREN.remove(child)
    stdout, stderr = (b"".join(outputs[which]) for which in (True, False))
    if problem or child.returncode:
        message = problem or describe_exit(child.returncode)
        raise call.failed(message, child.returncode, stdout[:KEPT], stderr[:KEPT], interrupted=interrupted)
    return Captured(_text(stdout), _text(stderr))


def _collect(
    child: subprocess.Popen[bytes], outputs: Mapping[bool, list[bytes]], feed: bytes, timeout: float | None
) -> str | None:
    """Take all that a program writes; why it has to be ended before its time, or None."""
    size = 0
    try:
        for from_stdout, data in _read(child, feed=feed, timeout=timeout):
            outputs[from_stdout].append(data)
            size += len(data)
            if size > ANSWER_BYTES:
                return _TOO_MUCH
    except TimeoutError:
        return f"did not end within {timeout:g} s"
    return None


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    append: bool = False,
    on_line: Callable[[str], None] | None = None,
    marks: Collection[str] = (),
    secrets: Collection[str] = (),
    person: RunAs = _OURSELVES,
    stdout: Path | None = None,
) -> str:
    """Run a program with both its outputs in `log` as they arrive, and return its standard output as lines of text.

    With `on_line`, that hears each line as it was written, to be read by a program, and nothing is returned; with
    `marks`, it hears those alone that hold one of these texts. With `stdout`, a new file there holds every byte of
    standard output, and nothing is returned either. In the log and in errors, `secrets` and those of the environment
    are replaced by `***` and control characters are made visible; the middle of a log, and the end of a line, that is
    too long is left out. With `append` the log goes on where an earlier program of the same action left it. `person` is
    as whom it runs.
    Raises ToolMissing, ToolFailed, and StorageError when the log or the file cannot be written.
    """
    call = _Call(argv, env, cwd, _Hider(secrets, env, cwd), person)
    with Log(log, call.hide, append=append) as stream, _copy(stdout) as copy:
        stream.say(f"$ {call.command}")
        record = Record(stream, Listener(on_line, marks) if on_line else None, ANSWER_BYTES, copy)
        child = _start(call)
        try:
            for from_stdout, data in _read(child):
                record.feed(from_stdout, data)
            record.finish()
        except BaseException:
            _abandon(child)
            raise
        finally:
            _close(child)
        interrupted = _CHILDREN.remove(child)
        stream.close(f"= {describe_exit(child.returncode)}")
    if child.returncode or record.too_long:
        message = describe_exit(child.returncode) if child.returncode else _TOO_MUCH
        outputs = record.output(True), record.output(False)
        raise call.failed(message, child.returncode, *outputs, last=record.last(), log=log, interrupted=interrupted)
    return record.answer()


@contextmanager
def _copy(path: Path | None) -> Iterator[BufferedWriter | None]:
    """A new file that takes what is written, or nothing. Raises StorageError if it cannot be written."""
    if path is None:
        yield None
        return
    try:
        with open_new(path) as stream:
            yield stream
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}", where=str(path)) from error


def describe_exit(code: int) -> str:
    """Say how a program ended: `ended with exit code 2`, `was ended by SIGKILL (often: out of memory)`."""
    shell_offset = 128
    number = -code if code < 0 else code - shell_offset
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"ended with exit code {code}"
    why = " (often: out of memory)" if name == "SIGKILL" else ""
    if code < 0:
        return f"was ended by {name}{why}"
    return f"ended with exit code {code}, which shells use for {name}{why}"


def pasteable(argv: Sequence[str], env: Mapping[str, str], cwd: Path | None) -> str:
    """The command as it can be pasted into a shell: folder, what the environment has beyond the usual, arguments."""
    usual = {*_NAMES, *_FIXED}
    extra = [f"{k}={_quote(v)}" for k, v in sorted(env.items()) if k not in usual and not k.startswith(_PREFIXES)]
    command = " ".join([*extra, *(_quote(arg) for arg in argv)])
    return f"cd {_quote(str(cwd))} && {command}" if cwd else command


def _quote(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    escaped = "".join(c if c.isprintable() and c not in "\\'" else f"\\x{ord(c):02x}" for c in word)
    return f"$'{escaped}'"


class _Hider:
    """Replaces secrets by `***`: those that are given, and those that a child finds in its environment and files."""

    def __init__(self, secrets: Collection[str], env: Mapping[str, str], cwd: Path | None) -> None:
        self._known = secrets, env, cwd
        self._hide: Callable[[str], str] | None = None

    def __call__(self, text: str) -> str:
        if self._hide is None:  # most calls tell nothing
            secrets, env, cwd = self._known
            self._hide = Hider({*secrets, *secrets_of(env, *([cwd] if cwd else []))})
        return self._hide(text)


@dataclass(frozen=True, slots=True)
class _Call:
    """A program as it was called, to be shown without its secrets."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path | None
    hide: _Hider
    person: RunAs = _OURSELVES

    @property
    def name(self) -> str:
        return self.argv[0].rpartition("/")[2]

    @property
    def command(self) -> str:
        return self.hide(pasteable(self.argv, self.env, self.cwd))

    def failed(
        self,
        message: str,
        code: int,
        stdout: bytes = b"",
        stderr: bytes = b"",
        *,
        last: bytes | None = None,
        log: Path | None = None,
        interrupted: bool = False,
    ) -> ToolFailed:
        """The failure, from what was written; `last` are the last lines of both outputs as they arrived."""
        captured = Captured(*(shown_lines(output, self.hide, colours=True) for output in (stdout, stderr)))
        final = captured.stdout + captured.stderr if last is None else shown_lines(last, self.hide, colours=True)
        return ToolFailed(
            f"{self.name} {message}",
            command=self.command,
            code=code,
            captured=captured,
            tail=_tail(final.splitlines()),
            log=log,
            interrupted=interrupted,
        )


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "replace")


def _tail(lines: Sequence[str]) -> list[str]:
    """The last lines for people: blank ones and machine-readable ones (JSON objects) are left to the log."""
    return [line for line in lines if line.strip() and not line.startswith('{"')][-TAIL_LINES:]


def _start(call: _Call, *, feeds: bool = False) -> subprocess.Popen[bytes]:
    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            list(call.argv),
            stdin=subprocess.PIPE if feeds else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(call.env),
            cwd=call.cwd,
            start_new_session=True,
            umask=call.person.umask,
            user=call.person.user,
            group=call.person.group,
            extra_groups=None if call.person.user is None else (),
        )

    try:
        child = _CHILDREN.add(start)
    except (FileNotFoundError, NotADirectoryError) as error:
        if call.cwd is not None and not call.cwd.is_dir():
            raise StorageError(f"the folder {call.cwd} does not exist, so {call.name} cannot work in it") from error
        searched = "" if "/" in call.argv[0] else f" in {call.env.get('PATH', '(no PATH)')}"
        raise ToolMissing(f"the program {call.argv[0]} was not found{searched}", hint="ferrule doctor") from error
    except PermissionError as error:
        hint = f"chmod +x {call.argv[0]}"
        raise ToolMissing(f"the program {call.argv[0]} may not be executed", hint=hint) from error
    except OSError as error:
        kind = StorageError if error.errno in OF_THE_MACHINE else ToolMissing
        raise kind(f"the program {call.argv[0]} could not be started: {error.strerror}") from error
    if child is None:
        raise call.failed("was not started, because everything is to end", -signal.SIGTERM, interrupted=True)
    return child


def _read(
    child: subprocess.Popen[bytes], *, feed: bytes = b"", timeout: float | None = None
) -> Iterator[tuple[bool, bytes]]:
    """Pieces of both outputs in order of arrival: (from standard output?, bytes). The program has ended after the last.

    Whatever the program started and left behind ends soon after it, also where that keeps a pipe open or goes on
    writing; only what made a session of its own lives on, unheard. Raises TimeoutError after `timeout` seconds, and
    StorageError where too many files are open.
    """
    until = None if timeout is None else time.monotonic() + timeout
    closing: float | None = None  # when what was left behind has to be silent
    swept = False
    with _selector() as selector:
        for from_stdout, pipe in ((True, child.stdout), (False, child.stderr)):
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ, from_stdout)
        feeder = _Feeder(child, feed, selector)
        while selector.get_map():
            yield from _ready(selector, feeder)
            now = time.monotonic()
            if child.poll() is None:
                if until is not None and now > until:
                    raise TimeoutError
            elif closing is None:
                closing = now + _NOTICE_SECONDS
            elif now > closing:
                if swept:
                    break
                _end([child], _NOTICE_SECONDS)
                closing, swept = time.monotonic() + _NOTICE_SECONDS, True
    _await_end(child, until)
    if not swept:
        _end([child], _NOTICE_SECONDS)


def _selector() -> selectors.BaseSelector:
    """What waits for the outputs of a program. Raises StorageError."""
    try:
        return selectors.DefaultSelector()
    except OSError as error:
        raise StorageError(f"what programs write cannot be read: {error.strerror}") from error


def _await_end(child: subprocess.Popen[bytes], until: float | None) -> None:
    """Wait for a program that has closed its outputs. Raises TimeoutError."""
    try:
        child.wait(None if until is None else max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise TimeoutError from None


def _ready(selector: BaseSelector, feeder: _Feeder) -> Iterator[tuple[bool, bytes]]:
    """What can be read now, and what can be fed is; an output that ended is looked at no more."""
    for key, _ in selector.select(_GLANCE_SECONDS):
        if key.data is None:
            feeder.feed()
        elif data := os.read(key.fd, _PIECE):
            yield key.data, data
        else:
            selector.unregister(key.fileobj)


class _Feeder:
    """The rest of what a program reads from its input; nothing is left where it reads no more."""

    def __init__(self, child: subprocess.Popen[bytes], data: bytes, selector: BaseSelector) -> None:
        self._input, self._selector = child.stdin, selector
        self._rest = memoryview(data)
        if self._input is not None:
            os.set_blocking(self._input.fileno(), False)
            selector.register(self._input, selectors.EVENT_WRITE, None)

    def feed(self) -> None:
        """Write what the pipe takes now, and close it after the last."""
        if self._input is None:
            return
        with suppress(BlockingIOError):
            try:
                self._rest = self._rest[os.write(self._input.fileno(), self._rest[:_PIECE]) :]
            except BrokenPipeError:
                self._rest = self._rest[:0]
            if not self._rest:
                self._selector.unregister(self._input)
                self._input.close()


def _end(children: Collection[subprocess.Popen[bytes]], grace: float) -> None:
    """End process groups: SIGTERM, and SIGKILL for those that are still there after `grace` seconds."""
    for child in children:
        _signal(child, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while any(_group_lives(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.02)
    for child in children:
        _signal(child, signal.SIGKILL)


def _signal(child: subprocess.Popen[bytes], number: int) -> None:
    # The group is named after its first process; macOS answers "not permitted" where only a zombie is left.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def _group_lives(child: subprocess.Popen[bytes]) -> bool:
    child.poll()  # collects the first process if it has ended, so that an empty group disappears
    try:
        os.killpg(child.pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _abandon(child: subprocess.Popen[bytes]) -> None:
    """End a child that nobody will wait for any more, without leaving a trace of it."""
    _end([child], GRACE_SECONDS)
    child.wait()
    _close(child)
    _CHILDREN.remove(child)


def _close(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
