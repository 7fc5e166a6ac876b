"""`ferrule changelog`: what the next version is going to say, and the notes of a finished release."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ferrule.app.release import release_folder
from ferrule.app.versioning import bump as bumping
from ferrule.app.versioning import changelog as changelogs
from ferrule.app.versioning import notes as release_notes
from ferrule.cli import project
from ferrule.cli.messages import echo
from ferrule.cli.options import shared
from ferrule.cli.release_option import of_release
from ferrule.core.changelog import section
from ferrule.core.printable import printable_lines

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@shared
@of_release
@click.option("--notes", is_flag=True, help="The notes of the release in dist/: changes, downloads, floors, checks.")
def changelog(directory: Path, release_name: str | None, *, notes: bool, **options: bool) -> None:  # noqa: ARG001
    """Print what the next version changes, or a release's notes.

    What stands under Unreleased in the changelog; where nothing does, what the commits since the last tag say
    (Conventional Commits). With --notes, Markdown for the page of a release: its section, what to download with
    digests, where it runs, and how to check a download.

    \b
    Example:
      ferrule changelog
      ferrule changelog --notes > notes.md
    """
    whole = project.read(directory, release_name=release_name, single=True)
    config = whole.config
    file = config.root / bumping.changelog_of(config)
    text = file.read_text("utf-8", "replace") if file.is_file() else ""
    if notes:
        folder = config.dist
        released = release_folder.read_release(folder)
        signed = any(folder.glob("*.sigstore.json"))
        changes = section(text, released.manifest.release) or ""
        click.echo(release_notes.notes(released.manifest, changes, config.targets, signed=signed), nl=False)
        return
    words = changelogs.unreleased(text)
    if not words:
        past = bumping.history(config, whole.plan, whole.context.host)
        words = changelogs.section((), past.commits)
    if words:
        click.echo(printable_lines(words))
    else:
        echo("nothing has changed that users notice", err=True)
