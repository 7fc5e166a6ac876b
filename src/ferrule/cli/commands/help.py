"""`ferrule help`: what `--help` says."""

from __future__ import annotations

import click

from ferrule.cli.commands import SUMMARIES


@click.command()
@click.argument(
    "command", required=False, shell_complete=lambda _, __, typed: [n for n in SUMMARIES if n.startswith(typed)]
)
@click.pass_context
def help(ctx: click.Context, command: str | None) -> None:  # noqa: A001 - the command's name
    """Print the help of a command.

    Without a name it is that of `ferrule` itself, with the list of commands.

    \b
    Example:
      ferrule help release
    """
    root = ctx.find_root()
    if command is None:
        click.echo(root.get_help())
        return
    group = root.command
    assert isinstance(group, click.Group)  # noqa: S101 - for the type checker
    name, found, _ = group.resolve_command(root, [command])
    assert found is not None  # noqa: S101 - for the type checker: an unknown name is an error by now
    click.echo(found.get_help(click.Context(found, root, name)))
