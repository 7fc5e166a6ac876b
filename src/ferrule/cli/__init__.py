"""The command line: arguments, messages of failures, and exit codes."""

from __future__ import annotations

import os
import sys

import click

from ferrule import __version__
from ferrule.cli import environment
from ferrule.cli.commands import Commands
from ferrule.cli.redact_output import redact_outputs
from ferrule.core.errors import ConfigErrors, FerruleError
from ferrule.core.printable import printable_lines


def main() -> None:
    """Run the command line; a failure a user can act on is a message and an exit code, anything else a traceback."""
    environment.disable_plugins()
    redact_outputs(environment.variables())
    try:
        cli.main(prog_name="ferrule", standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        raise KeyboardInterrupt from None
    except FerruleError as error:
        show_error(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output went away (`ferrule plan | head`); that is no failure of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def show_error(error: FerruleError) -> None:
    """Write a failure to standard error: each message with its position, and its hint below it."""
    errors = error.errors if isinstance(error, ConfigErrors) else (error,)
    for failure in errors:
        position = f"{failure.where}: " if failure.where else ""
        click.echo(click.style("error: ", fg="red", bold=True) + printable_lines(position + failure.message), err=True)
        if failure.hint:
            click.echo(click.style("  hint: ", fg="cyan") + printable_lines(failure.hint), err=True)
    if len(errors) > 1:
        click.echo(f"{len(errors)} errors", err=True)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="ferrule", message="%(prog)s %(version)s")
def cli() -> None:
    """One Rust core, every platform: build and release a Cargo workspace from targets.yaml.

    Exit codes: 0 success, 2 command line, 3 targets.yaml, 4 toolchain, 5 build, 6 verification, 7 storage, 8 network,
    9 nothing to compare with, 130 interrupted; 1 is an internal error (please report it).
    """
