"""What several commands say at their end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ferrule.core.errors import FerruleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ferrule.cli.options import Options
    from ferrule.core.model import Report


def finish(report: Report, output: Path, options: Options) -> None:
    """Say where everything is, or leave with the exit code of the first failure."""
    errors = [o.error for o in report.outcomes if isinstance(o.error, FerruleError)]
    if report.failed:
        count = len([o for o in report.outcomes if o.state == "failed"])
        click.echo(f"{count} failed; nothing was changed in {shown(output)}", err=True)
        sys.exit(errors[0].exit_code if errors else 1)
    if not options.json and not options.quiet:
        click.echo(f"{counted(len(report.placed), 'file')} in {shown(output)}")


def tell_left(names: Sequence[str]) -> None:
    """Say what a build of everything did not make; nothing is left out in silence."""
    if names:
        listed = ", ".join(names)
        click.echo(
            f"not made: {listed}: for other targets, or packing what is; name them, or add --target all", err=True
        )


def counted(number: int, thing: str) -> str:
    """A number of things, in the plural where there is not one."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def shown(path: Path) -> str:
    """A folder as a person would name it from where they are."""
    absolute, here = path.absolute(), Path.cwd()
    return f"{absolute.relative_to(here)}/" if absolute.is_relative_to(here) else f"{absolute}/"
