"""Runs a program and, at a chosen one of its changes to files, kills it, lets the call fail, or sends it a signal.

Called as `tracer.py ORDER REPORT PROGRAM ARGUMENT…`, both JSON files. Calls of the program and of everything it starts
are counted together, which strace's injection cannot do: its `when=` counts in every thread anew. A filter (seccomp(2))
stops a thread only at calls that change files, so that the rest runs at full speed; of those only what lies below
`root` counts and not below `apart`. Pipes do not count, nor does what changes nothing: a folder made where one is, or
removed while something is in it.

ORDER: root, apart; reads (count also what merely takes a descriptor); at (the number of the call, from 1; 0 for none);
do: "kill" the process that calls, "kill-all" of them, "fail", "short" (half of a write happens, then the disk is full)
or "signal" to the program; errno; lasting (calls that need space fail from there on); signal.

REPORT: calls (program, is it ours, call, path), hit (the chosen one), code (exit code, or minus the signal), gone
(seconds from the signal until the last process had ended).
"""

# ruff: noqa: PTH115, PTH116, PTH118, PTH120, PTH123 - it starts a thousand times, and a Path costs more

from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import stat
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long
# The numbers are those of ptrace(2), prctl(2) and seccomp(2) on Linux.
TRACEME, CONT, GETREGS, SETREGS, SETOPTIONS = 0, 7, 12, 13, 0x4200
EVENT_SECCOMP = 7
OPTIONS = 0x2 | 0x4 | 0x8 | 0x10 | 0x80 | 0x100000  # fork, vfork, clone, exec, seccomp; all die with the tracer
WALL = 0x40000000
NO_NEW_PRIVILEGES, SECCOMP, SECCOMP_FILTER = 38, 22, 2
ALLOW, TRACE = 0x7FFF0000, 0x7FF00000
X86_64 = 0xC000003E
# user_regs_struct of x86-64, in words
RDX, RSI, RDI, RAX, ORIG_RAX = 12, 13, 14, 10, 15

# number: name, which arguments are (folder, path), or the one that is a descriptor
BY_PATH = {
    2: ("open", (None, 0)),
    76: ("truncate", (None, 0)),
    82: ("rename", (None, 1)),
    83: ("mkdir", (None, 0)),
    84: ("rmdir", (None, 0)),
    85: ("creat", (None, 0)),
    86: ("link", (None, 1)),
    87: ("unlink", (None, 0)),
    88: ("symlink", (None, 1)),
    90: ("chmod", (None, 0)),
    133: ("mknod", (None, 0)),
    235: ("utimes", (None, 0)),
    257: ("openat", (0, 1)),
    258: ("mkdirat", (0, 1)),
    259: ("mknodat", (0, 1)),
    263: ("unlinkat", (0, 1)),
    264: ("renameat", (2, 3)),
    265: ("linkat", (2, 3)),
    266: ("symlinkat", (1, 2)),
    268: ("fchmodat", (0, 1)),
    280: ("utimensat", (0, 1)),
    316: ("renameat2", (2, 3)),
    437: ("openat2", (0, 1)),
    452: ("fchmodat2", (0, 1)),
}
BY_DESCRIPTOR = {
    1: ("write", 0),
    18: ("pwrite64", 0),
    20: ("writev", 0),
    40: ("sendfile", 0),
    74: ("fsync", 0),
    75: ("fdatasync", 0),
    77: ("ftruncate", 0),
    91: ("fchmod", 0),
    285: ("fallocate", 0),
    296: ("pwritev", 0),
    326: ("copy_file_range", 2),
}
WITHOUT_PATH = {22: "pipe", 291: "epoll_create1", 293: "pipe2"}
OPENS = {2: 1, 257: 2}  # and which argument holds the flags
CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
ARGUMENTS = (14, 13, 12, 7, 9, 8)  # rdi, rsi, rdx, r10, r8, r9
NEEDING_SPACE = frozenset(
    (
        *("open", "openat", "openat2", "creat", "write", "pwrite64", "writev", "pwritev", "sendfile"),
        *("copy_file_range", "mkdir", "mkdirat", "link", "linkat", "symlink", "symlinkat", "mknod", "mknodat"),
        *("ftruncate", "fallocate"),
    )
)

MAKING, REMOVING = frozenset(("mkdir", "mkdirat")), frozenset(("unlink", "unlinkat", "rmdir"))


def ptrace(request: int, pid: int, address: int = 0, data: Any = 0) -> int:
    answer: int = LIBC.ptrace(request, pid, address, data)
    if answer < 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    return answer


def program_of_filter(*, reads: bool) -> bytes:
    """Instructions for Linux's socket filter: stop at the calls above, let all others pass."""

    def instruction(code: int, constant: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("<HBBI", code, yes, no, constant)

    load, equal, has_bits, leave = 0x20, 0x15, 0x45, 0x06
    lines = [
        instruction(load, 4),
        instruction(equal, X86_64, 1, 0),
        instruction(leave, ALLOW),
        instruction(load, 0),
    ]
    for number in (*BY_PATH, *BY_DESCRIPTOR, *(WITHOUT_PATH if reads else ())):
        if number in OPENS and not reads:
            lines += [
                instruction(equal, number, 0, 4),
                instruction(load, 16 + 8 * OPENS[number]),
                instruction(has_bits, CHANGING, 1, 0),
                instruction(leave, ALLOW),
                instruction(leave, TRACE),
            ]
        else:
            lines += [instruction(equal, number, 0, 1), instruction(leave, TRACE)]
    lines.append(instruction(leave, ALLOW))
    return b"".join(lines)


def begin(argv: list[str], *, reads: bool) -> int:
    """Start the program, stopped and under the filter."""
    code = program_of_filter(reads=reads)
    buffer = ctypes.create_string_buffer(code, len(code))
    fprog = struct.pack("<HxxxxxxQ", len(code) // 8, ctypes.addressof(buffer))
    pid = os.fork()
    if pid:
        os.waitpid(pid, WALL)
        ptrace(SETOPTIONS, pid, 0, OPTIONS)
        ptrace(CONT, pid)
        return pid
    try:
        ptrace(TRACEME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        LIBC.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        if LIBC.prctl(SECCOMP, SECCOMP_FILTER, fprog, 0, 0):
            raise OSError(ctypes.get_errno(), "seccomp")
        os.execv(argv[0], argv)
    finally:
        os._exit(125)


class Run:
    """One program under order, from its start until nothing of it is left."""

    def __init__(self, order: dict[str, Any], argv: list[str]) -> None:
        self.order = order
        self.root, self.apart = (order[name].rstrip("/") + "/" for name in ("root", "apart"))
        self.calls: list[tuple[str, bool, str, str]] = []
        self.hit: tuple[str, bool, str, str] | None = None
        self.full = False
        self.dead = False
        self.signalled = 0.0
        self.code = 0
        self.main = begin(argv, reads=order["reads"])
        self.known = {self.main}

    def follow(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, WALL)
            except ChildProcessError:
                return
            if not os.WIFSTOPPED(status):
                if pid == self.main:
                    self.code = os.waitstatus_to_exitcode(status)
                self.known.discard(pid)
                continue
            if self.dead:  # it appeared while all others were killed
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                continue
            passed = os.WSTOPSIG(status)
            if status >> 16 == EVENT_SECCOMP:
                with suppress(ProcessLookupError):
                    self.stopped(pid)
            if status >> 16 or passed == signal.SIGTRAP or (passed == signal.SIGSTOP and pid not in self.known):
                passed = 0
            self.known.add(pid)
            with suppress(OSError):
                ptrace(CONT, pid, 0, passed)

    def stopped(self, pid: int) -> None:
        words = (ctypes.c_ulonglong * 27)()
        ptrace(GETREGS, pid, 0, words)
        call = self.about(pid, words)
        if call is None:
            return
        self.calls.append(call)
        what = self.order["do"]
        if len(self.calls) == self.order["at"]:
            self.hit = call
            if what == "kill":
                os.kill(pid, signal.SIGKILL)
            elif what == "kill-all":
                self.kill_all()
            elif what == "signal":
                self.signalled = time.monotonic()
                os.kill(self.main, self.order["signal"])
            elif what == "short":
                self.full = True
                words[RDX] //= 2
                ptrace(SETREGS, pid, 0, words)
                return
            else:
                self.full = self.order["lasting"]
                fail(pid, words, self.order["errno"])
        elif self.full and call[2] in NEEDING_SPACE:
            fail(pid, words, errno.ENOSPC)

    def kill_all(self) -> None:
        self.dead = True
        for pid in self.known:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def about(self, pid: int, words: Any) -> tuple[str, bool, str, str] | None:
        """What a call does to which file; None if that is none of ours."""
        number = words[ORIG_RAX]
        try:
            if number in WITHOUT_PATH:
                name, path = WITHOUT_PATH[number], ""
            elif number in BY_DESCRIPTOR:
                name, position = BY_DESCRIPTOR[number]
                link = f"/proc/{pid}/fd/{words[ARGUMENTS[position]] & 0xFFFFFFFF}"
                if not stat.S_ISREG(os.stat(link).st_mode):
                    return None
                path = os.readlink(link)
            else:
                name, (folder, position) = BY_PATH[number]
                path = read_text(pid, words[ARGUMENTS[position]])
                if not path.startswith("/"):
                    at = ctypes.c_int(words[ARGUMENTS[folder]] & 0xFFFFFFFF).value if folder is not None else -100
                    base = "cwd" if at == -100 else f"fd/{at}"
                    path = os.path.join(os.readlink(f"/proc/{pid}/{base}"), path)
        except OSError:
            return None
        if path and (not path.startswith(self.root) or path.startswith(self.apart)):
            return None
        if name in MAKING and (os.path.lexists(path) or not os.path.lexists(os.path.dirname(path))):
            return None
        if name in REMOVING and (not os.path.lexists(path) or is_full(path)):
            return None
        process = group_of(pid)
        return (program_of(process), process == self.main, name, path.removeprefix(self.root))


def is_full(path: str) -> bool:
    """Whether it is a folder with something in it, which no call removes."""
    try:
        with os.scandir(path) as entries:
            return any(True for _ in entries)
    except NotADirectoryError:
        return False


def fail(pid: int, words: Any, code: int) -> None:
    words[ORIG_RAX] = (1 << 64) - 1
    words[RAX] = (1 << 64) - code
    ptrace(SETREGS, pid, 0, words)


def read_text(pid: int, address: int) -> str:
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        text = b""
        while b"\0" not in text:  # page by page: the next one may not exist
            text += memory.read(4096 - (address + len(text)) % 4096)
        return os.fsdecode(text.partition(b"\0")[0])


def group_of(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("Tgid:"))


def program_of(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    script = next((n for n, word in enumerate(words) if word.endswith("programs.py")), None)
    if script is not None:
        return words[script + 2]
    return "ferrule" if "ferrule" in words else words[0].rpartition("/")[2]


def main() -> None:
    order, report, argv = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]), sys.argv[3:]
    run = Run(order, argv)
    run.follow()
    gone = time.monotonic() - run.signalled if run.signalled else 0.0
    document = {"calls": run.calls, "hit": run.hit, "code": run.code, "gone": gone}
    report.write_text(json.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    main()
