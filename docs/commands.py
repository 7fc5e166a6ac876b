"""Writes docs/commands.md from what the commands say of themselves: python docs/commands.py."""  # noqa: INP001

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

import click  # noqa: E402 - needs the line above

from ferrule.__main__ import INTERRUPTED  # noqa: E402
from ferrule.cli import cli  # noqa: E402
from ferrule.core import errors  # noqa: E402

PAGE = ROOT / "docs" / "commands.md"
WIDTH = 100
_ABOVE = click.Context(cli, info_name="ferrule", **cli.context_settings)
_COMMANDS = {name: one for name in cli.list_commands(_ABOVE) if (one := cli.get_command(_ABOVE, name))}

_HEAD = """\
# Commands

<!-- Written by docs/commands.py from what the commands say of themselves: python docs/commands.py -->

`ferrule` works from any folder of a project: it looks upwards for `targets.yaml`.

"""
_CODES = """\
## Exit codes

| code | class | meaning |
| ---: | --- | --- |
"""
_VARIABLES = """\

What a person can act on is told with its place and what to do, and ends with its code; where several actions failed, it
is the code of the first. Anything else is a bug, keeps its traceback and ends with 1.

## Environment

| variable | meaning |
| --- | --- |
| `FERRULE_CACHE` | folder for tools and downloads of all projects; [what is in it](cache.md) |
| `XDG_CACHE_HOME`, `HOME` | where that folder is otherwise: `ferrule` in the cache folder of the user |
| `SOURCE_DATE_EPOCH` | seconds since 1970 that are "now" in every output; else [1980](decisions/0001-fixed-epoch.md) |
| `FERRULE_REMOTE_CACHE`, `…_MODE`, `…_TOKEN` | where [finished actions are shared](how-to/shared-cache.md), and how |
| `FERRULE_COMPILER_CACHE` | a program that [runs rustc](how-to/shared-cache.md), such as sccache |
| `RUSTC`, `CARGO` | a compiler and a Cargo to look at first |
| `CARGO_HOME`, `RUSTUP_HOME` | as Cargo and rustup use them |
| `NO_COLOR` | no colours |
| `GITHUB_ACTIONS`, `GITHUB_STEP_SUMMARY` | folded logs, and the table on the run's page |

Programs that Ferrule starts get an environment made from nothing. What says where homes are and how to reach package
registries passes (proxies, certificates, settings of Cargo's and pip's registries); what would change the bytes that a
compiler makes (`RUSTFLAGS`, `CFLAGS`, `CARGO_BUILD_*`) never does.
"""


def page() -> str:
    """The whole page."""
    commands = "".join(f"## `ferrule {name}`\n\n{_help(name)}\n" for name in _COMMANDS)
    return _HEAD + _summary() + commands + _CODES + "".join(_codes()) + _VARIABLES


def _summary() -> str:
    rows = (f"| [`{name}`](#ferrule-{name}) | {_first(one.help)} |\n" for name, one in _COMMANDS.items())
    return "| command | does |\n| --- | --- |\n" + "".join(rows) + "\n"


def _help(name: str) -> str:
    command = _COMMANDS[name]
    context = click.Context(command, info_name=name, parent=_ABOVE, terminal_width=WIDTH, max_content_width=WIDTH)
    return f"```text\n{command.get_help(context).rstrip()}\n```\n"


def _codes() -> list[str]:
    own = {
        found.exit_code: found for found in errors.FerruleError.__subclasses__() if found.__module__ == errors.__name__
    }
    rows = [(0, "", "success"), (1, "", "a bug of ferrule's"), (2, "", "a mistake on the command line")]
    rows += [(code, f"`{found.__name__}`", _first(found.__doc__)) for code, found in sorted(own.items())]
    rows.append((INTERRUPTED, "", "interrupted; what was finished is kept"))
    return [f"| {code} | {name} | {meaning} |\n" for code, name, meaning in rows]


def _first(text: str | None) -> str:
    """The first paragraph of a docstring or a help text."""
    return " ".join((text or "").strip().split("\n\n", 1)[0].split())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
