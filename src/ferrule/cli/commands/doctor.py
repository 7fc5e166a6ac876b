"""`ferrule doctor`: the tools of the project, examined."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from ferrule.app.doctor import examine
from ferrule.app.release import run as release
from ferrule.app.release import selection
from ferrule.cli.environment import coloured, run_context, width
from ferrule.cli.messages import waiting
from ferrule.cli.options import selecting_tools, shared
from ferrule.core.cargo_lock import crate_names
from ferrule.core.errors import ToolchainError
from ferrule.reporting import findings
from ferrule.tools.cargo_git import git_crates

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from ferrule.config import Config


@click.command()
@shared
@selecting_tools
@click.option("--probe/--no-probe", default=True, help="Link a small program for each target.")
def doctor(directory: Path, extras: tuple[str, ...], *, host_only: bool, probe: bool, **options: Any) -> None:  # noqa: ANN401
    """Check every tool the project needs, and print a fix for each.

    \b
    Example:
      ferrule doctor
      ferrule doctor --with container
    """
    context = run_context(jobs=options["jobs"], offline=options["offline"], rust_source=options["rust_source"])
    config = release.load(directory)
    requirements = selection.required_tools(config, context, extras=extras, host_only=host_only)
    floors = {t.triple: t.glibc for t in config.targets if t.glibc}
    lock = _lock(config)
    with waiting("trying each tool" + (", and a link for each target" if probe else "")):
        rows = examine.examine(
            requirements,
            context.host,
            probe=probe,
            glibc=floors,
            git_crates=git_crates(lock),
            locked=crate_names(lock),
            targets=selection.targets_without_sdk(config),
            sdks=_sdks(config, requirements.triples),
        )
    if options["as_json"]:
        click.echo(findings.as_json(rows))
    else:
        findings.show(rows, sys.stdout, colour=coloured(sys.stdout), width=width(sys.stdout))
    if any(f.state == "fault" for f in rows):
        sys.exit(ToolchainError.exit_code)


def _sdks(config: Config, triples: Collection[str]) -> dict[str, Path]:
    """The SDKs of macOS that targets name, of those that are built here."""
    return {one.triple: config.root / one.sdk for one in config.targets if one.sdk and one.triple in triples}


def _lock(config: Config) -> str:
    """The project's Cargo.lock; nothing where there is none yet."""
    lock = config.root / config.workspace.folder / "Cargo.lock"
    try:
        return lock.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
