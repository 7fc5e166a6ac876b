"""The program's start. `--version` answers before anything else is imported: shells and scripts ask it all the time."""

from __future__ import annotations

import gc
import sys


def collect_rarely() -> None:
    """Let Python look for cyclic garbage seldom: what is made here is frozen values, which form no cycles.

    With the usual thresholds every look goes over all actions of a plan again, and large plans take more than linear
    time.
    """
    gc.set_threshold(100_000, 20, 50)


def main() -> None:
    """Run the command line."""
    collect_rarely()
    if sys.argv[1:] == ["--version"]:
        from ferrule import __version__  # noqa: PLC0415

        sys.stdout.write(f"ferrule {__version__}\n")
        return
    from ferrule.cli import main as command_line  # noqa: PLC0415

    command_line()


if __name__ == "__main__":
    main()
