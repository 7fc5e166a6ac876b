"""One file and one line a command; a command is imported when it is run, so that each start pays for one."""

from __future__ import annotations

import re
from importlib import import_module
from itertools import pairwise
from typing import Final

import click

SUMMARIES: Final = {
    "abi": "Compare the public interface with that of the last release.",
    "bindings": "Write generated bindings into the sources of their packages.",
    "build": "Build part of the plan; by default, what runs on this machine.",
    "bump": "Raise the version, as far as the changes ask for, in every file.",
    "cache": "Measure, verify or prune the cache in .ferrule/.",
    "changelog": "Print what the next version changes, or a release's notes.",
    "check": "Validate targets.yaml and its sources without building.",
    "ci": "Write the workflows of a CI system from targets.yaml.",
    "completion": "Print a completion script for bash, zsh or fish.",
    "config": "Print the effective configuration as JSON, defaults included.",
    "doctor": "Check every tool the project needs, and print a fix for each.",
    "explain": "Explain an artifact, action, file, fingerprint or error.",
    "extract": "Copy the files of one kind, or `all`, out of a finished release.",
    "help": "Print the help of a command.",
    "init": "Look at a Cargo workspace and write its first targets.yaml.",
    "lock": "Update the lock files of base images, or write the first ones.",
    "matrix": "Split the compile jobs over CI machines; print them as JSON.",
    "merge": "Assemble the release from what shards have built.",
    "page": "Write the page of a release for those who download it.",
    "plan": "Show everything that would be built, without building it.",
    "publish": "Publish a finished release, once, everywhere targets.yaml names.",
    "release": "Build everything that targets.yaml describes, into dist/.",
    "report": "Write a page about the release and the last runs.",
    "reproduce": "Rebuild from scratch elsewhere and compare every byte.",
    "schema": "Print the JSON schema of targets.yaml (default) or manifest.json.",
    "script": "Write the scripts that link for Windows on Windows.",
    "setup": "Install missing tools; if root is needed, print the command.",
    "verify": "Verify a finished release: recompute every digest and claim.",
    "yank": "Print how a published version is taken back, or do it.",
}
"""Each command with the first line of its help: at most 63 characters, so that none is cut at 80 columns."""


_RENAMED: Final = {"pick": "extract"}


class Commands(click.Group):
    """A group whose commands are modules of this package: `name` of `name.py` is a click command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does it, of the whole command line. Raises click.UsageError for an empty value.

        No option and no argument means anything by one: it is what a variable that is not set leaves of
        `--identity "$SIGNER"`, and would be taken for an option that was not given.
        """
        for before, word in pairwise(("", *args)):
            if not ctx.resilient_parsing and (not word or re.fullmatch("--[a-z-]+=", word)):
                about = word or (before if before.startswith("-") else "")
                what = f"the value of {about.rstrip('=')}" if about else "an argument"
                raise click.UsageError(f"{what} is empty: perhaps a variable is not set", ctx)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, sorted."""
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """The command of a name; None if there is none."""
        if cmd_name not in SUMMARIES:
            return None
        command: click.Command = getattr(import_module(f"{__name__}.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """Write the names and summaries; click would import all commands for this."""
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with the nearest of all names in the error, or the new one. Raises click.UsageError."""
        if args[0] in _RENAMED:
            raise click.UsageError(f"'{args[0]}' is now '{_RENAMED[args[0]]}'", ctx)
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=self.list_commands(ctx), ctx=ctx) from None
