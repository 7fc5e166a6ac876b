"""The option `--release` of commands that work on one of several releases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ferrule.cli import completion

if TYPE_CHECKING:
    from collections.abc import Callable


def of_release(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option; it gets the name, or None, as `release_name`."""
    return click.option(
        *("--release", "release_name"),
        metavar="NAME",
        shell_complete=completion.releases,
        help="One of several releases.",
    )(command)
