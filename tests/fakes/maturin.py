"""A pretended maturin: notes how it was called and what it saw, and packs a wheel for each Python asked for.

Called as `maturin.py HOME ARGUMENT…`. `HOME/module` is the module that goes into every wheel; `HOME/fails`, if there,
is what it says before it fails, `HOME/stable` makes it as if PyO3 were built for the stable interface, and with
`HOME/differs` another file of each wheel is not that of the others. `HOME/call.json` tells afterwards the arguments,
the environment and the files that it saw.
"""

# ruff: noqa: T201, TID251 - a program of its own, which prints and looks at its environment

from __future__ import annotations

import itertools
import json
import os
import re
import sys
from pathlib import Path

from ferrule.formats.archive_member import Member
from ferrule.formats.wheel import wheel_file_name, write_wheel

METADATA = "Metadata-Version: 2.4\nName: Demo-Ext\nVersion: 1.2.3\nLicense-File: LICENSE\n\nIt adds.\n"


def main(home: Path, arguments: list[str]) -> None:
    seen = sorted(p.relative_to(Path.cwd().parent).as_posix() for p in Path.cwd().parent.rglob("*") if p.is_file())
    call = {"arguments": arguments, "environment": dict(os.environ), "files": seen}
    (home / "call.json").write_text(json.dumps(call), encoding="utf-8")
    print("   Compiling pyo3 v0.30.1", file=sys.stderr)
    if (home / "fails").exists():
        sys.exit((home / "fails").read_text(encoding="utf-8"))
    output = Path(arguments[arguments.index("--out") + 1])
    output.mkdir()
    platform = arguments[arguments.index("--compatibility") + 1] + "_x86_64"
    interpreters = [value for name, value in itertools.pairwise(arguments) if name == "--interpreter"]
    module = (home / "module").read_bytes() + linked(arguments)
    for interpreter in interpreters:
        tag = f"{_python(interpreter, stable=(home / 'stable').exists())}-{platform}"
        suffix = "abi3" if "abi3" in tag else tag.split("-")[1]
        write_wheel(
            output / wheel_file_name("Demo-Ext", "1.2.3", [tag]),
            name="Demo-Ext",
            version="1.2.3",
            tags=[tag],
            metadata=METADATA,
            entries=[
                Member(f"demo_ext/demo_ext.{suffix}.so", module, executable=True),
                Member("demo_ext/more.so", module + (interpreter.encode() if (home / "differs").exists() else b"")),
            ],
            licenses=[Member("LICENSE", b"yes")],
            epoch=1_700_000_000,
        )
        print(f"Built wheel for {interpreter} to {output}", file=sys.stderr)


def linked(arguments: list[str]) -> bytes:
    """The object that ours links besides, if it does."""
    marked = any("-DFERRULE_LINK=" in argument for argument in arguments)
    return Path(os.environ["FERRULE_LINK_OBJECT"]).read_bytes() if marked else b""


def _python(interpreter: str, *, stable: bool) -> str:
    match = re.fullmatch(r"(python|pypy)3\.(\d+)(t?)", interpreter)
    assert match is not None
    if match[1] == "pypy":
        return f"pp3{match[2]}-pypy3{match[2]}_pp73"
    return f"cp3{match[2]}-abi3" if stable and not match[3] else f"cp3{match[2]}-cp3{match[2]}{match[3]}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
