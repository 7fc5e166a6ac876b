"""What is linked on other machines: the scripts for there, and the files that come from there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ferrule import plan as planning
from ferrule.core.errors import ToolchainError, UsageError
from ferrule.core.model import Digest
from ferrule.core.platforms import PLATFORMS, counterpart, system_title
from ferrule.engine.store import storage_errors
from ferrule.kinds.base import LINK_SCRIPT
from ferrule.kinds.link_script import FOLDER, linked_elsewhere

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ferrule.core.model import Action, Outcome, Plan
    from ferrule.engine.store import Store


def bound(plan: Plan, folder: Path | None) -> Plan:
    """The plan with the digests of what it takes from a folder, so that they are part of keys.

    Raises ToolchainError where a folder is needed and none is there, UsageError where a file lacks in it, StorageError.
    """
    taking = [action for action in plan.actions if linked_elsewhere(action) is not None]
    if not taking:
        return plan
    if folder is None:
        raise ToolchainError(_lacking(taking), where="--linked", hint=_ways_out(taking))
    missing: list[str] = []
    by_id = {action.id: _bound(action, folder, missing) for action in taking}
    if missing:
        raise UsageError(
            f"what was linked elsewhere is not whole: there is no {', '.join(missing)}",
            where=str(folder),
            hint=f"give the folder that the scripts of `ferrule script` have left: {FOLDER}",
        )
    return replace(plan, actions=tuple(by_id.get(action.id, action) for action in plan.actions))


def _bound(action: Action, folder: Path, missing: list[str]) -> Action:
    linked, recipe = linked_elsewhere(action), _recipe(action)
    assert linked is not None  # noqa: S101 - for the type checker
    files = []
    for name in linked.names:
        path = folder / linked.folder / name
        if not path.is_file():
            missing.append(f"{linked.folder}/{name}")
            continue
        with storage_errors(path):
            files.append((name, Digest.of_file(path)))
    return replace(action, recipe=replace(recipe, linked=replace(linked, files=tuple(files))))


def _recipe(action: Action) -> Any:  # noqa: ANN401 - one of several dataclasses
    return action.recipe


def _lacking(taking: Iterable[Action]) -> str:
    by_target: dict[str, list[str]] = {}
    for action in taking:
        by_target.setdefault(action.target or "", []).append(action.artifact)
    names = "; ".join(f"{', '.join(artifacts)} for {triple}" for triple, artifacts in by_target.items())
    systems = {PLATFORMS[triple].family.linked_on or "" for triple in by_target}
    return f"this is linked on {' and '.join(map(system_title, sorted(systems)))} alone, and was not handed in: {names}"


def _ways_out(taking: Iterable[Action]) -> str:
    others = dict.fromkeys(other for action in taking if (other := counterpart(action.target or "", PLATFORMS)))
    return (
        "let CI link it (`ferrule ci github` writes the workflow); or run what `ferrule script` writes there, and give "
        f"its folder with --linked; or release for {' and '.join(others)}, which is linked here"
    )


def scripts_only(plan: Plan) -> Plan:
    """The part of a plan that writes the scripts for other machines."""
    return planning.only(plan, lambda action: action.interface.output(LINK_SCRIPT) is not None)


def check_scripts(plans: Iterable[Plan]) -> None:
    """Raise UsageError where no plan has anything to do."""
    if not any(plan.actions for plan in plans):
        raise UsageError(
            "no library or program of this project is linked on another machine",
            where="targets.yaml",
            hint=f"targets that are: {', '.join(t for t, row in PLATFORMS.items() if row.family.linked_on)}",
        )


def write_scripts(outcomes: Iterable[Outcome], store: Store, folder: Path) -> tuple[str, ...]:
    """Copy the scripts into a folder, as TARGET/ARTIFACT.sh; returns their names. Raises StorageError."""
    names = []
    for outcome in outcomes:
        output = outcome.action.interface.output(LINK_SCRIPT)
        record = next((record for record in outcome.files if output and record.name == output.name), None)
        if record is not None:
            name = f"{outcome.action.target}/{outcome.action.artifact}.sh"
            path = folder / name
            with storage_errors(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.unlink(missing_ok=True)
                store.copy_out(record, path)
            names.append(name)
    return tuple(names)
