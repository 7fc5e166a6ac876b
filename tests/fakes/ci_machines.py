"""A project as a repository with the files of a CI system, and the programs that a machine of that system has."""

from __future__ import annotations

import os
import subprocess  # noqa: TID251 - a repository is made
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fakes.toolchain import Demo

SOURCE = "{git: https://example.com/ferrule.git, commit: 0123456789abcdef0123456789abcdef01234567}"


def repository(demo: Demo, *tags: str, ci: str, system: str = "github") -> Demo:
    """Make a project a repository with tags and the files of a system, and add `ferrule` to its programs."""
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write(ci)
    program(demo, "ferrule", f'exec "{sys.executable}" -m ferrule "$@"')
    done = demo.ferrule("ci", system)
    assert done.returncode == 0, done.stderr
    for words in (
        ("init", "-q", "-b", "main"),
        ("add", "."),
        ("commit", "-q", "-m", "all of it"),
        *(("tag", tag) for tag in tags),
    ):
        git(demo, *words)
    return demo


def program(demo: Demo, name: str, text: str) -> None:
    """Add a program to those of a demo: a script for sh."""
    path = demo.root / "bin" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def git(demo: Demo, *words: str) -> None:
    """Run git in the project, as nobody."""
    who = {f"GIT_{role}_{what}": "nobody@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["git", *words], cwd=demo.project, env=os.environ | who, check=True)  # noqa: TID251 - the machine's own


def python(demo: Demo) -> None:
    """Add a `python3` whose environments have a `pip` that notes in `pip` what it was to install."""
    note = f'printf \'#!/bin/sh\\necho "$3" >> "{demo.root}/pip"\\n\' > "$3/bin/pip.$$"'
    program(
        demo,
        "python3",
        f'[ "$1 $2" = "-m venv" ] || exec "{sys.executable}" "$@"\nmkdir -p "$3/bin"\n{note}\n'
        'chmod +x "$3/bin/pip.$$"\nmv "$3/bin/pip.$$" "$3/bin/pip"',  # another job here may be starting it
    )
