"""`ferrule explain`: describes an artifact, action, file, digest or error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from ferrule.app.explain import explanation
from ferrule.app.release import run as release
from ferrule.cli import completion, project
from ferrule.cli.messages import echo, waiting
from ferrule.cli.options import shared
from ferrule.cli.release_option import of_release
from ferrule.core.errors import ConfigError, StorageError, ToolchainError, UsageError
from ferrule.core.safe_files import STATE, find_project
from ferrule.engine.state import open_store
from ferrule.reporting import journal
from ferrule.reporting.explanation import text as explanation_text

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.config import Config


@click.command()
@shared
@of_release
@click.argument("item", shell_complete=completion.items)
def explain(directory: Path, release_name: str | None, item: str, **options: bool) -> None:
    """Explain an artifact, action, file, fingerprint or error.

    Of what is made: what goes into it, whether it would run and what changed, when and why it was built, what was
    measured. Of a file, downloaded or made: the version and fingerprints that are inside, and the release it is of.

    \b
    Example:
      ferrule explain native@x86_64-unknown-linux-gnu
      ferrule explain dist/demo-1.2.3-py3-none-any.whl
      ferrule explain 5
    """
    try:
        document = explanation.explain(item, directory, lambda: _project_if_any(directory, item, release_name))
    except OSError as error:
        raise StorageError(f"this cannot be read: {error.strerror}", where=str(error.filename or item)) from error
    if options["as_json"]:
        click.echo(json.dumps(document, indent=2))
    else:
        echo(explanation_text(document))


def _project_if_any(directory: Path, item: str, release_name: str | None) -> explanation.ExplainedProject | None:
    """The project that contains a folder, read for explanations; None without one. Raises ConfigError.

    Of several releases it is narrowed to the one that is named, else to the one that the item belongs to.
    """
    try:
        find_project(directory)
    except ConfigError:
        return None
    whole = project.read(directory, release_name=release_name)
    if whole.config.releases and release_name is None and (name := _release_of(item, whole.config)):
        whole = project.read(directory, release_name=name)
    config, plan, context = whole.config, whole.plan, whole.context
    state = config.root / STATE
    runs = [run for run in journal.read(state)[0] if config.selected is None or run.project == plan.project]
    _, store = open_store(state, context.now_ns)
    why_not, examined = "", {}
    try:
        with waiting("looking what changed"):
            examined = release.examine(config, plan, context)
    except ToolchainError as error:
        why_not = f"its tools are not complete, so its key is not known: {error.message.splitlines()[0]}"
    return explanation.ExplainedProject(
        config=config,
        plan=plan,
        store=store,
        examined=examined,
        why_not=why_not,
        history={step.id: step.reason for run in runs for step in run.steps if step.state == "built"},
    )


def _release_of(item: str, config: Config) -> str | None:
    """The only one of several releases that has the artifact or action; None if it is none. Raises UsageError."""
    artifact = item.partition("@")[0]
    if artifact not in {one.name for one in config.artifacts}:
        return None
    if (release := config.by_artifact.get(artifact)) is not None:
        return release.name
    having = [r.name for r in config.releases if artifact in {one.name for one in config.only(r).artifacts}]
    raise UsageError(
        f"{artifact} is in several releases, and may differ among them",
        where=config.location(("artifacts", artifact)),
        hint="name one: " + " or ".join(f"--release {name}" for name in having),
    )
