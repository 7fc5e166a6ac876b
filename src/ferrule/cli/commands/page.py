"""`ferrule page`: the page of a release, for those who download it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ferrule.app import verify as verifying
from ferrule.app.downloads.collect import collect
from ferrule.app.release import run as release
from ferrule.cli.environment import read_key
from ferrule.cli.messages import counted, echo
from ferrule.cli.options import shared
from ferrule.cli.project import release_named
from ferrule.cli.release_option import of_release
from ferrule.core import changelog
from ferrule.core.errors import ConfigError, UsageError, VerificationError
from ferrule.core.safe_files import STATE, find_project
from ferrule.engine.store import write_aside
from ferrule.formats import sigstore
from ferrule.reporting.page import downloads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    from ferrule.config import Config

_CHANGELOG: Final = "CHANGELOG.md"


@click.command()
@shared
@of_release
@click.argument("dist", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    *("-o", "--output"),
    type=click.Path(path_type=Path),
    help="File for the page [default: .ferrule/release.html of the project].",
)
@click.option("--key", type=click.Path(path_type=Path), help="Public key (PEM) that must have signed the release.")
@click.option(
    *("--changelog", "notes"),
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Its changelog, in Markdown [default: that of the release, or CHANGELOG.md of the project].",
)
def page(
    directory: Path,
    release_name: str | None,
    dist: Path | None,
    output: Path | None,
    key: Path | None,
    notes: Path | None,
    **options: bool,
) -> None:
    """Write the page of a release for those who download it.

    A self-contained HTML file: every file with link, size, digest and what it needs, how to verify
    it, licences, and what changed. The release is verified first, and there is no page if it fails.
    It tells no times: the same release gives the same page. DIST is a finished release, by default
    dist/ of the project; links lead there from where the page is written.

    \b
    Example:
      ferrule page
      ferrule page --key release.pub --output public/index.html
    """
    if dist is not None and release_name is not None:
        raise click.UsageError("--release cannot be combined with DIST")
    config = _config_if_any(directory)
    if config is None and (dist is None or output is None):
        raise click.UsageError("outside of a project, name DIST and --output")
    public = sigstore.public_key(read_key(key), where=str(key)) if key else None
    for part, folder in [(config, dist)] if dist else _releases(config, release_name, one=output is not None):
        name = part.selected.name if part and part.selected else None
        file = output or (part.root if part else Path()) / STATE / (f"release-{name}.html" if name else "release.html")
        text, remarks = _page(folder, file.absolute(), part, public, notes)
        write_aside(file.absolute(), text.encode())
        for remark in remarks if not options["quiet"] else ():
            echo(f"note: {remark}", err=True)
        click.echo(json.dumps({"page": str(file.absolute())}) if options["as_json"] else str(file.absolute()))


def _config_if_any(directory: Path) -> Config | None:
    try:
        find_project(directory)
    except ConfigError:
        return None
    return release.load(directory)


def _releases(config: Config | None, name: str | None, *, one: bool) -> Iterator[tuple[Config, Path]]:
    """The releases of a project with their folders. Raises UsageError where there are several and one is wanted."""
    if config is None:
        return
    if one and config.releases and name is None:
        names = " or ".join(f"--release {each.name}" for each in config.releases)
        raise UsageError(
            "this file describes several releases, and --output is for one",
            where=config.location(("releases",)),
            hint=f"name it: {names}",
        )
    if name is None and not config.releases:
        yield config, config.dist
    for each in [release_named(config, name)] if name else config.releases:
        part = config.only(each)
        yield part, part.dist


def _page(
    folder: Path, file: Path, config: Config | None, key: EllipticCurvePublicKey | None, notes: Path | None
) -> tuple[str, list[str]]:
    """The page of the release in a folder, and what to tell about it. Raises VerificationError, ConfigError."""
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - links are not followed, as in a browser
    inside = file.relative_to(folder).as_posix() if file.is_relative_to(folder) else None
    examination = verifying.examine(folder, key)
    wrong = [each for each in examination.verdicts if each.problem and each.subject != inside]
    if wrong:
        first = f"{wrong[0].subject}: {wrong[0].problem}"
        raise VerificationError(
            f"{counted(len(wrong), 'check')} failed, so this release gets no page; the first: {first}",
            where=str(folder),
            hint="ferrule verify lists them",
        )
    base, remarks = _base(folder, file.parent, config)
    if inside is not None:
        remarks.append(f"ferrule verify refuses a folder with a page in it: keep {inside} out of what is verified")
    changes, missing = _changes(config, examination.project, examination.version, notes)
    content = collect(
        verifying.read_release(folder),
        (each for each in examination.verdicts if each.problem is None),
        signer=sigstore.key_hint(key) if key else None,
        changelog=changes,
    )
    return downloads.page(content, base), [*remarks, *missing]


def _base(folder: Path, page_folder: Path, config: Config | None) -> tuple[str, list[str]]:
    """The folder of the release as seen from the page's; where that would tell of this machine, the page's own."""
    base = os.path.relpath(folder, page_folder)
    common = Path(os.path.commonpath([folder, page_folder]))
    if base == ".":
        return "", []
    if common == page_folder or (config is not None and common.is_relative_to(config.root)):
        return f"{base}/", []
    return "", ["the page links to files beside it: put it into the folder that the files are in"]


def _changes(config: Config | None, project: str, version: str, notes: Path | None) -> tuple[str | None, list[str]]:
    """What the changelog says of a version, and a remark if nothing. Raises ConfigError if a named one says nothing."""
    path = notes
    if path is None and config is not None:
        known = [each for each in config.releases if each.name == project and each.changelog]
        ours = project == config.project.name or bool(known)
        path = config.root / (known[0].changelog or "" if known else _CHANGELOG) if ours else None
    if path is None or not path.is_file():
        return None, [f"there is no {_CHANGELOG}, so the page tells no changes; --changelog names another"]
    section = changelog.section(path.read_text("utf-8", "replace"), version)
    if section is None and notes is not None:
        raise ConfigError(f"there is no heading for {version}", where=str(notes), hint=f"write one: ## {version}")
    return section, [] if section else [f"{path.name} has nothing about {version}, so the page tells no changes"]
