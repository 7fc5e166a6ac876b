"""A pretended cibuildwheel: notes how it was called and what it saw, and gives the wheels that a test has laid ready.

Called as `cibuildwheel.py HOME ARGUMENT…`. `HOME/wheels` holds what it makes; `HOME/fails`, if there, its exit code and
what it says. `HOME/call.json` tells afterwards the arguments, the environment and the files below its folder.
"""

# ruff: noqa: T201, TID251 - a program of its own, which prints and looks at its environment

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path


def main(home: Path, arguments: list[str]) -> None:
    seen = {
        p.relative_to(Path.cwd()).as_posix(): p.stat().st_mode & 0o777 for p in Path.cwd().rglob("*") if p.is_file()
    }
    call = {"arguments": arguments, "environment": dict(os.environ), "files": seen, "folder": str(Path.cwd())}
    (home / "call.json").write_text(json.dumps(call), encoding="utf-8")
    if (home / "fails").exists():
        code, _, messages = (home / "fails").read_text(encoding="utf-8").partition(" ")
        print(messages, file=sys.stderr)
        sys.exit(int(code))
    output = Path(arguments[arguments.index("--output-dir") + 1])
    output.mkdir()
    for wheel in (home / "wheels").iterdir():
        shutil.copy(wheel, output)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
