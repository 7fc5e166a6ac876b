"""The command line: arguments, messages of failures, and exit codes."""

from __future__ import annotations

import os
import sys

import click

from ferrule import __version__
from ferrule.cli import environment
from ferrule.cli.commands import Commands
from ferrule.cli.options import Invocation, everywhere
from ferrule.cli.redact_output import redact_outputs
from ferrule.core.errors import ConfigErrors, FerruleError, command_of
from ferrule.core.printable import coloured_lines, printable_lines


def main() -> None:
    """Run the command line; a failure a user can act on is a message and an exit code, anything else a traceback."""
    whole = Invocation()
    try:
        environment.check_current_folder()
        redact_outputs(environment.variables())
        cli.main(prog_name="ferrule", standalone_mode=False, obj=whole)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        raise KeyboardInterrupt from None
    except FerruleError as error:
        show_error(error, verbose=whole.verbose)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output went away (`ferrule plan | head`); that is no failure of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def show_error(error: FerruleError, *, verbose: bool) -> None:
    """Write a failure to standard error: each message with its position, what a program wrote, and the hint.

    The command of that program is long: it is shown if `verbose`.
    """
    colour = environment.coloured(sys.stderr)
    errors = error.errors if isinstance(error, ConfigErrors) else (error,)
    for failure in errors:
        position = f"{failure.where}: " if failure.where else ""
        lines = [click.style("error: ", fg="red", bold=True) + printable_lines(position + failure.message)]
        lines += [f"  | {coloured_lines(line)}" for line in failure.output.splitlines()]
        if failure.hint:
            lines.append(click.style("  hint: ", fg="cyan") + printable_lines(failure.hint))
        if verbose and (command := command_of(failure)):
            lines.append(f"  command: {printable_lines(command)}")
        click.echo("\n".join(lines), err=True, color=colour)
    if len(errors) > 1:
        click.echo(f"{len(errors)} errors", err=True)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", prog_name="ferrule", message="%(prog)s %(version)s")
@everywhere
def cli() -> None:
    """One Rust core, every platform: build and release a Cargo workspace from targets.yaml.

    Exit codes: 0 success, 2 command line, 3 targets.yaml, 4 toolchain, 5 build, 6 verification, 7 storage, 8 network,
    9 nothing to compare with, 130 interrupted; 1 is an internal error (please report it).
    """
