"""A machine with Windows, as far as scripts see it that link there: a bash, and a rustup whose Cargo is pretended."""

from __future__ import annotations

import os
import shutil
import subprocess  # noqa: TID251 - a script is run as a person runs it
from dataclasses import replace
from typing import TYPE_CHECKING

from ferrule.app.release import linked_files
from ferrule.app.release import run as release
from ferrule.kinds.link_script import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.toolchain import Demo
    from ferrule.core.model import Outcome

MSVC = "x86_64-pc-windows-msvc"

# What Cargo links is what lies ready, and behind it the object that it is told to link in.
_RUSTUP = """#!/bin/bash
set -eu
case "$*" in
  "toolchain install "*) exit 0 ;;
  *"--print sysroot") echo /sysroot; exit 0 ;;
  *-vV) echo "commit-hash: 0123456789"; exit 0 ;;
  *--version) echo "rustc 1.96.0 (89abcdef0 2026-05-01)"; exit 0 ;;
esac
echo "$*" > {home}/cargo-arguments
env > {home}/cargo-environment
made=$CARGO_TARGET_DIR/{triple}/release
mkdir -p "$made"
cp {home}/binaries/demo.dll "$made/demo.dll"
cp {home}/binaries/libdemo.dll.a "$made/demo.dll.lib"
cp {home}/binaries/demo-windows.a "$made/demo.lib"
cp {home}/binaries/demo.dll "$made/demo-cli.exe"
for argument; do
  case "$argument" in
    link-arg=*) cat "${{argument#link-arg=}}" | tee -a "$made/demo-cli.exe" >> "$made/demo.dll" ;;
  esac
done
echo "note: native-static-libs: kernel32.lib /defaultlib:libcmt" >&2
"""


def link(demo: Demo, script: Path) -> subprocess.CompletedProcess[str]:
    """Run a script at the root of the project."""
    programs = demo.root / "windows"
    programs.mkdir(exist_ok=True)
    rustup = programs / "rustup"
    rustup.write_text(_RUSTUP.format(home=demo.home, triple=MSVC))
    rustup.chmod(0o755)
    bash = shutil.which("bash") or "bash"
    environment = {
        "PATH": f"{programs}:{os.defpath}:/usr/bin",
        "HOME": str(demo.root),
        "CARGO_PROFILE_RELEASE_LTO": "1",
    }
    return subprocess.run(
        [bash, str(script)], cwd=demo.project, env=environment, check=False, capture_output=True, text=True
    )


def link_everything(demo: Demo) -> None:
    """Write all scripts of a project, in this process, and run them."""
    config = release.load(demo.project)
    plan = linked_files.scripts_only(release.make_plan(config, demo.context))
    with release.at_work(config, release.toolchain_of(config, plan, demo.context), demo.context) as engine:
        names = linked_files.write_scripts(engine.execute(plan), engine.store, demo.project / FOLDER)
    for name in names:
        done = link(demo, demo.project / FOLDER / name)
        assert done.returncode == 0, done.stderr


def taken(demo: Demo, action: str) -> Outcome:
    """What became of an action in a release, in this process, to which the files were handed in."""
    config, context = release.load(demo.project), replace(demo.context, linked=demo.project / FOLDER)
    plan = release.make_plan(config, context)
    report = release.run(config, plan, context, lambda _: None, output=demo.dist)
    return next(outcome for outcome in report.outcomes if outcome.action.id == action)
