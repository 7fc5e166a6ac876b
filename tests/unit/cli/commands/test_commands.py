"""The list of commands: what `ferrule --help` shows of each, and that it needs none of them for that."""

from __future__ import annotations

import pkgutil

import click
import pytest

from ferrule.cli import cli, commands
from ferrule.cli.commands import SUMMARIES


def test_each_module_is_a_command_of_the_list() -> None:
    assert list(SUMMARIES) == sorted(module.name for module in pkgutil.iter_modules(commands.__path__))


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_summary_is_the_first_line_of_the_help(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert (command.help or "").partition("\n")[0] == SUMMARIES[name]


def test_no_summary_is_cut_at_80_columns() -> None:
    lines = cli.get_help(click.Context(cli, info_name="ferrule", terminal_width=80)).splitlines()
    rows = lines[lines.index("Commands:") + 1 :]
    assert [row.split(maxsplit=1) for row in rows] == [[name, summary] for name, summary in SUMMARIES.items()]
    assert all(summary.endswith(".") and "..." not in summary for summary in SUMMARIES.values())
