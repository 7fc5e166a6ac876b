"""A plan as text for people and as a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ferrule.core.platforms import system_title

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ferrule.core.model import Action, Plan


def text(plan: Plan, reasons: Mapping[str, str] | None = None) -> str:
    """Actions by artifact, each with what it puts into dist/; with `reasons`, also whether it would run and why.

    An action that cannot be done on every machine says on which.
    """
    lines = [f"{plan.project} {plan.version}: {len(plan.actions)} actions"]
    artifact = None
    kinds = {a.artifact: a.kind for a in plan.actions if a.id.partition("@")[0].partition(":")[0] == a.artifact}
    for action in plan.actions:
        if action.artifact != artifact:  # its first action may be one that it shares with what it packs
            artifact = action.artifact
            lines += ["", f"{artifact} ({kinds.get(artifact, action.kind)})"]
        lines.append(f"  {_label(action)}")
        lines += [f"      dist/{o.ships}{'/' if o.folder else ''}" for o in action.outputs if o.ships]
        if action.machine is not None:
            lines.append(f"      only on {system_title(action.machine.system)}: {action.machine.why}")
        if reasons is not None:
            lines.append(f"      why: {reasons[action.id]}")
    if plan.omissions:
        lines += ["", "not made"]
        targets: dict[tuple[str, str], list[str]] = {}
        for omission in plan.omissions:
            targets.setdefault((omission.artifact, omission.reason), []).append(omission.target)
        lines += [f"  {name} for {', '.join(triples)}: {reason}" for (name, reason), triples in targets.items()]
    return "\n".join(lines)


def _label(action: Action) -> str:
    names = ", ".join(o.name for o in action.outputs if not o.ships)
    return f"{action.id}" + (f" → {names}" if names else "")


def graph(plan: Plan, form: Literal["dot", "mermaid"] | str) -> str:  # noqa: PYI051 - what the option gives
    """The actions and what they need, for Graphviz or Mermaid."""
    numbers = {a.id: f"a{i}" for i, a in enumerate(plan.actions)}
    if form == "mermaid":
        nodes = [f'  {numbers[a.id]}["{a.id}"]' for a in plan.actions]
        edges = [f"  {numbers[n]} --> {numbers[a.id]}" for a in plan.actions for n in a.needs]
        return "\n".join(["flowchart LR", *nodes, *edges]) + "\n"
    nodes = [f'  {numbers[a.id]} [label="{a.id}"];' for a in plan.actions]
    edges = [f"  {numbers[n]} -> {numbers[a.id]};" for a in plan.actions for n in a.needs]
    return "\n".join(["digraph plan {", "  rankdir=LR; node [shape=box];", *nodes, *edges, "}"]) + "\n"
