"""The program's start. `--version` answers before anything else is imported: shells and scripts ask it all the time."""

from __future__ import annotations

import gc
import signal
import sys
from typing import Final, NoReturn

from ferrule import __version__
from ferrule.core import lazy_modules

INTERRUPTED: Final = 130
_INTERRUPTS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def collect_rarely() -> None:
    """Let Python look for cyclic garbage seldom: what is made here is frozen values, which form no cycles.

    With the usual thresholds every look goes over all actions of a plan again, and large plans take more than linear
    time.
    """
    gc.set_threshold(100_000, 20, 50)


def take_interrupts() -> None:
    """Let the signals that ask us to end raise KeyboardInterrupt; what we were started to ignore (nohup) stays so."""
    for number in _INTERRUPTS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def ignore_interrupts() -> None:
    """Hear no further signal: what ends now must not be stopped half-way. Children do not inherit this."""
    for number in _INTERRUPTS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def hear_nothing() -> None:
    """Ignore signals until the process is gone, and start nothing any more, which would ignore them too.

    While Python ends it gives a signal that calls a function its default back, by which one would kill us after all.
    """
    for number in _INTERRUPTS:
        signal.signal(number, signal.SIG_IGN)


def _interrupt(*_: object) -> NoReturn:
    ignore_interrupts()
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line; an interrupt at any moment is a sentence and an exit code."""
    collect_rarely()
    if sys.argv[1:] in (["--version"], ["-V"]):
        sys.stdout.write(f"ferrule {__version__}\n")
        return
    try:
        take_interrupts()
        lazy_modules.install("ferrule")
        from ferrule import cli  # noqa: PLC0415 - 40 ms that may be interrupted, after what makes imports lazy

        cli.main()
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted; what was finished is kept, and the next run goes on from there\n")
        sys.exit(INTERRUPTED)
    finally:
        hear_nothing()


if __name__ == "__main__":
    main()
