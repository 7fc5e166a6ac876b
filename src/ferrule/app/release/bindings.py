"""Generated bindings, put where developers have them: into the sources of the packages that they belong to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ferrule import plan as planning
from ferrule.core.errors import UsageError
from ferrule.core.model import Digest
from ferrule.engine.store import storage_errors
from ferrule.kinds.base import BINDINGS, BINDINGS_TYPES, LEFT_TO_AUTHOR
from ferrule.kinds.generated_bindings import path_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ferrule.core.model import Outcome, Plan
    from ferrule.engine.store import Store


@dataclass(frozen=True, slots=True)
class WrittenBindings:
    """A file in the project: its path, whether it is another than before, and what it leaves to the author."""

    path: str
    changed: bool
    left: dict[str, str]


def bindings_only(plan: Plan) -> Plan:
    """The part of a plan that generates bindings. Raises UsageError where it generates none."""
    part = planning.only(plan, lambda action: action.interface.output(BINDINGS) is not None)
    if not part.actions:
        raise UsageError(
            "no artifact has generated bindings",
            where="targets.yaml",
            hint="name a header artifact by `bindings` at a wheel, a Go module or an npm package",
        )
    return part


def write(outcomes: Iterable[Outcome], store: Store, root: Path) -> tuple[WrittenBindings, ...]:
    """Write what was generated into the project's sources. Raises StorageError."""
    written = []
    for outcome in outcomes:
        records = {o.role: r for o in outcome.action.outputs for r in outcome.files if r.name == o.name}
        for role in (BINDINGS, BINDINGS_TYPES):
            if role not in records:
                continue
            path, record = path_of(outcome.action.interface, role), records[role]
            with storage_errors(root / path):
                changed = not (root / path).is_file() or Digest.of_file(root / path) != record.digest
                left = json.loads(store.object(records[LEFT_TO_AUTHOR].digest).read_bytes())
            if changed:
                store.copy_out(record, root / path)
            written.append(WrittenBindings(path, changed, left if role == BINDINGS else {}))
    return tuple(written)
