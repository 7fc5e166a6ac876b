"""`ferrule bump`: the next version, and every file that states it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from ferrule.app.compatibility import interface_gate
from ferrule.app.release import release_folder
from ferrule.app.versioning import bump as bumping
from ferrule.cli import project
from ferrule.cli.environment import run_context
from ferrule.cli.messages import echo, relative
from ferrule.cli.options import shared
from ferrule.cli.release_option import of_release
from ferrule.core.errors import IncomparableError
from ferrule.core.printable import printable
from ferrule.tools import git

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.app.versioning.bump import Bump, History
    from ferrule.cli.project import LoadedProject
    from ferrule.formats.interfaces import Change


@click.command()
@shared
@of_release
@click.argument("version", required=False, metavar="[major|minor|patch|VERSION]")
@click.option("--pre", metavar="NAME", help="A version before that one is released: rc gives 1.3.0-rc.1, then -rc.2.")
@click.option("--dry-run", is_flag=True, help="Show the version and every line, and write nothing.")
@click.option("--no-commit", is_flag=True, help="Write the files, and leave the commit to you.")
def bump(
    directory: Path,
    release_name: str | None,
    version: str | None,
    pre: str | None,
    *,
    dry_run: bool,
    no_commit: bool,
    **options: bool,
) -> None:
    """Raise the version, as far as the changes ask for, in every file.

    Without a version, it is the least one that Semantic Versioning asks for: by what `ferrule abi` measures in the
    release in dist/, and by the commits since the last tag (Conventional Commits). Cargo.toml, Cargo.lock,
    targets.yaml, pyproject.toml, package.json, go.mod and the changelog are written and committed; the tag is yours.

    \b
    Example:
      ferrule bump --dry-run
      ferrule bump
      ferrule bump minor --pre rc
    """
    whole = project.read(directory, release_name=release_name, single=True)
    host = run_context(jobs=None, offline=True, rust_source=None).host
    past = bumping.history(whole.config, whole.plan, host)
    interface = () if version else _interface(whole, past)
    decision = bumping.decide(whole.config, past, interface, version, pre)
    today = datetime.fromtimestamp(whole.context.now_ns() // 10**9, UTC).date().isoformat()
    everything = project.read(directory).config if whole.config.releases else whole.config
    prepared = bumping.prepare(whole.config, everything, past, decision, today, host)
    if not dry_run:
        bumping.write(prepared, whole.config.root, whole.context, commit=not no_commit)
    if options["as_json"]:
        click.echo(json.dumps(_document(prepared)))
    elif not options["quiet"]:
        _show(prepared, committed=not (dry_run or no_commit), written=not dry_run)


def _interface(whole: LoadedProject, past: History) -> tuple[Change, ...]:
    """What changed for users since the release that was recorded, measured in dist/; empty where none is recorded.

    Raises IncomparableError where dist/ is not what the sources are now: then nobody knows.
    """
    root, config = whole.config.root, whole.config
    baseline = interface_gate.kept_in(root, config.selected.name if config.selected else None)
    if past.version is None or not (baseline / interface_gate.RECORD).is_file():
        return ()
    recorded = interface_gate.recall(baseline)
    state = git.state(root, whole.context.host)
    dist = config.dist
    manifest = release_folder.read_release(dist).manifest if (dist / "manifest.json").is_file() else None
    if manifest is None or manifest.commit != state.commit or manifest.dirty or state.dirty:
        raise IncomparableError(
            f"{relative(dist)} is not a release of what is checked out, so nobody knows what has changed for users",
            where=str(dist),
            hint="commit everything and run ferrule release, or choose the version yourself: minor, for example",
        )
    released = interface_gate.read(dist, whole.context.host, config.of_other_releases)
    return interface_gate.compare(recorded, released).changes


def _show(prepared: Bump, *, committed: bool, written: bool) -> None:
    decision = prepared.decision
    echo(f"{decision.old} -> {decision.new}: {decision.why}")
    for change in sorted(decision.changes, key=lambda change: not change.breaking):
        text = f"{change.of}: {change.item} {change.what}"
        echo(f"  {'BREAKS' if change.breaking else 'adds  '}  {printable(text)}")
    for file in prepared.files:
        for line in file.statements:
            echo(f"{line.path}:{line.line}  {printable(line.after.strip())}")
    if prepared.changelog:
        echo(f"{prepared.changelog[0]}  ## [{decision.new}]")
    if committed:
        echo(f"committed; next: git tag {prepared.tag} && git push --atomic origin HEAD {prepared.tag}")
    elif not written:
        echo("nothing was written (--dry-run)")


def _document(prepared: Bump) -> dict[str, object]:
    decision = prepared.decision
    return {
        "old": decision.old,
        "new": decision.new,
        "why": decision.why,
        "tag": prepared.tag,
        "changes": [{"of": c.of, "item": c.item, "what": c.what, "breaking": c.breaking} for c in decision.changes],
        "files": [
            {"path": line.path, "line": line.line, "before": line.before, "after": line.after}
            for file in prepared.files
            for line in file.statements
        ],
        "changelog": prepared.changelog[0] if prepared.changelog else None,
    }
