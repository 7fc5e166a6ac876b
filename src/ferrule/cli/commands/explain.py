"""`ferrule explain`: describes an artifact, action, file, digest or error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from ferrule.app.explain import explanation
from ferrule.app.release import run as release
from ferrule.cli import completion, project
from ferrule.cli.options import shared
from ferrule.core.errors import ConfigError, StorageError, ToolchainError
from ferrule.core.safe_files import STATE, find_project
from ferrule.engine.state import open_store
from ferrule.reporting import journal
from ferrule.reporting.explanation import text as explanation_text

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@shared
@click.argument("item", shell_complete=completion.items)
def explain(directory: Path, item: str, **options: bool) -> None:
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
        document = explanation.explain(item, directory, lambda: _project_if_any(directory))
    except OSError as error:
        raise StorageError(f"this cannot be read: {error.strerror}", where=str(error.filename or item)) from error
    click.echo(
        json.dumps(document, indent=2) if options["as_json"] else explanation_text(document), nl=options["as_json"]
    )


def _project_if_any(directory: Path) -> explanation.ExplainedProject | None:
    """The project that contains a folder, read for explanations; None without one. Raises ConfigError."""
    try:
        find_project(directory)
    except ConfigError:
        return None
    whole = project.read(directory)
    config, plan, context = whole.config, whole.plan, whole.context
    state = config.root / STATE
    runs, _ = journal.read(state)
    _, store = open_store(state, context.now_ns)
    why_not, examined = "", {}
    try:
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
