"""The command line: arguments, messages of failures, and exit codes."""

from __future__ import annotations

import io
import os
import sys

import click

from ferrule import __version__
from ferrule.cli import environment, failures, messages
from ferrule.cli.commands import Commands
from ferrule.cli.options import Invocation, everywhere
from ferrule.cli.redact_output import redact_outputs
from ferrule.core.errors import FerruleError


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
        shown = io.StringIO()
        error.show(shown)
        messages.echo(shown.getvalue().rstrip("\n"), err=True)
        sys.exit(error.exit_code)
    except click.Abort:
        raise KeyboardInterrupt from None
    except FerruleError as error:
        failures.show(error, whole)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output went away (`ferrule plan | head`); that is no failure of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", prog_name="ferrule", message="%(prog)s %(version)s")
@everywhere
def cli() -> None:
    """One Rust core, every platform: build and release a Cargo workspace from targets.yaml.

    Exit codes: 0 success, 2 command line, 3 targets.yaml, 4 toolchain, 5 build, 6 verification, 7 storage, 8 network,
    9 nothing to compare with, 10 publishing, 130 interrupted; 1 is an internal error (please report it).
    """
