"""The program's start. `--version` answers before anything else is imported: shells and scripts ask it all the time.

Everything is loaded where an interrupt ends in a sentence, and so within `main`.
"""

from __future__ import annotations

import gc
import os
import sys
import time

from ferrule import __version__

INTERRUPTED = 130
_UNWRITABLE = 7  # StorageError.exit_code
_SENTENCE = "\ninterrupted; what was finished is kept, and the next run goes on from there\n"


def collect_rarely() -> None:
    """Let Python look for cyclic garbage seldom: what is made here is frozen values, which form no cycles.

    With the usual thresholds every look goes over all actions of a plan again, and large plans take more than linear
    time.
    """
    gc.set_threshold(100_000, 20, 50)


def main() -> None:
    """Run the command line; an interrupt at any moment, and output that nobody gets, is a sentence and an exit code."""
    collect_rarely()
    _open_streams()
    try:
        try:
            _act()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # as in ferrule.cli
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError:
        lost = _lost_output()
        if lost is None:
            raise
        _end_without_output(f"cannot be written: {lost.strerror}")
    finally:
        if "lief" not in sys.modules:  # its check for leaks prints what Python leaves where it is
            gc.freeze()  # else Python looks for cycles among all that is left, a tenth of the time of a short command


def _act() -> None:
    if sys.argv[1:] in (["--version"], ["-V"]):
        sys.stdout.write(f"ferrule {__version__}\n")
        return
    sys.unraisablehook = _leave
    try:
        if not _repeated():
            _run()
    except BaseException as error:
        from ferrule.core.interrupts import is_interrupt  # noqa: PLC0415 - 0 ms, or what an interrupt kept from us

        if not is_interrupt(error):
            raise
        sys.stderr.write(_SENTENCE)
        sys.exit(INTERRUPTED)


def _open_streams() -> None:
    """Refuse a closed standard output, and open the others: else a file of ours gets their number, and their texts."""
    if sys.stdin is not None and sys.stdout is not None and sys.stderr is not None:
        return
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:  # noqa: PLR2004 - the number of standard error
        os.set_inheritable(number, True)
    os.close(number)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w")
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w")
        _end_without_output("is closed")


def _lost_output() -> OSError | None:
    """Why a text is in no output, if one cannot be written: an empty line is tried, as what was lost may be gone."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.write("\n")
            stream.flush()
        except OSError as error:
            return error
    return None


def _end_without_output(why: str) -> None:
    try:
        sys.stderr.write(f"error: standard output {why}\n")
        sys.stderr.flush()
    except OSError:
        pass  # neither can that one
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):  # Python writes at its end what they hold back
        os.dup2(nowhere, stream.fileno())
    sys.exit(_UNWRITABLE)


def _repeated() -> bool:
    """Whether the last answer still holds, and was said again."""
    if sys.argv[1:2] != ["release"]:
        return False

    from ferrule.core import last_answer  # noqa: PLC0415 - 1 ms, which other commands do not wait for

    return last_answer.repeat(sys.argv[1:], os.environ, time.monotonic)  # noqa: TID251 - before that module is there


def _run() -> None:
    from ferrule.core import interrupts, lazy_modules  # noqa: PLC0415 - 20 ms that may be interrupted

    try:
        interrupts.take()
        lazy_modules.install("ferrule")
        from ferrule import cli  # noqa: PLC0415 - 40 ms that may be interrupted, after what makes imports lazy

        cli.main()
    finally:
        interrupts.hear_nothing()


def _leave(lost: sys.UnraisableHookArgs) -> None:
    """End at an interrupt that Python would drop (interrupts.take), while there is nothing yet that has to end well."""
    if not isinstance(lost.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
        return
    os.write(sys.stderr.fileno(), _SENTENCE.encode())
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
