"""The program's start. `--version` answers before anything else is imported: shells and scripts ask it all the time."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:] == ["--version"]:
        from ferrule import __version__  # noqa: PLC0415

        sys.stdout.write(f"ferrule {__version__}\n")
        return
    from ferrule.cli import main as command_line  # noqa: PLC0415

    command_line()


if __name__ == "__main__":
    main()
