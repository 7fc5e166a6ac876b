"""Writes docs/commands.md from the help of the commands: python docs/commands.py."""

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

<!-- Generated from the help of the commands: python docs/commands.py -->

`ferrule` works in any folder of a project: it looks for `targets.yaml` there and in the folders above.

"""
_CODES = """\
## Exit codes

| code | class | meaning |
| ---: | --- | --- |
"""
_VARIABLES = """\

An error that you can act on names its position and what to do, and exits with the code of its class; if several actions
failed, with that of the first. Anything else is a bug: it prints a traceback and exits with 1.

## Environment

| variable | meaning |
| --- | --- |
| `FERRULE_CACHE` | folder for tools and downloads of all projects; [its contents](cache.md) |
| `XDG_CACHE_HOME`, `HOME` | otherwise that folder is `ferrule` in the cache folder of the user |
| `SOURCE_DATE_EPOCH` | timestamp of every output, in Unix seconds; otherwise [1980](decisions/0001-fixed-epoch.md) |
| `FERRULE_REMOTE_CACHE`, `…_MODE`, `…_TOKEN` | URL, mode and token of a [remote cache](how-to/shared-cache.md) |
| `FERRULE_MACHINE_CACHE` | most bytes of [all projects' finished actions](cache.md) (else 10 GiB, 0 in CI), or `off` |
| `FERRULE_COMPILER_CACHE` | a [compiler wrapper](how-to/shared-cache.md) for rustc, such as sccache |
| `RUSTC`, `CARGO` | a compiler and a Cargo to try first |
| `CARGO_HOME`, `RUSTUP_HOME` | as Cargo and rustup use them |
| `NO_COLOR`, `FORCE_COLOR` | no colours, or colours also where output is no terminal; `--color` overrides both |
| `FERRULE_WORKFLOW` | the workflow that builds, for [provenance](how-to/provenance.md); `ferrule ci` states it |
| `GITHUB_ACTIONS`, `GITHUB_STEP_SUMMARY` | folded logs, and the closing table in the step summary |

Programs that Ferrule starts get an environment built from scratch. Variables for home folders and package registries
are passed on (proxies, certificates, registry settings of Cargo and pip); variables that change a compiler's output
(`RUSTFLAGS`, `CFLAGS`, `CARGO_BUILD_*`) never are.
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
    rows = [
        (0, "", "success"),
        (1, "", "an internal error (please report it)"),
    ]
    rows += [(code, f"`{found.__name__}`", _first(found.__doc__)) for code, found in sorted(own.items())]
    rows.append((INTERRUPTED, "", "interrupted; finished actions are kept"))
    return [f"| {code} | {name} | {meaning} |\n" for code, name, meaning in rows]


def _first(text: str | None) -> str:
    """The first paragraph of a docstring or a help text."""
    return " ".join((text or "").strip().split("\n\n", 1)[0].split())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
