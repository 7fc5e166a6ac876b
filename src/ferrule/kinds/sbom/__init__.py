"""Bills of materials: one for each file that ships with compiled code in it, and one for the whole release.

Crates are those that Cargo chose for the target, packages and Go modules those that the actions before say they used:
nothing is guessed from what a file looks like.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import quote

from ferrule import __version__
from ferrule.core.model import Action, Compiled, Output
from ferrule.core.section import Field
from ferrule.kinds import joined_files
from ferrule.kinds.base import HOLDS_NO_CODE, Context, Kind, Spec
from ferrule.kinds.linked_code import components, third_party
from ferrule.kinds.sbom import bills

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ferrule.core.planned_actions import PlannedActions
    from ferrule.core.platforms import Platform
    from ferrule.kinds.sbom.bills import BomStep, BomSubject


class SbomSpec(Spec):
    """CycloneDX 1.6 documents beside what they describe, and one for the release."""

    kind: Literal["sbom"]
    cryptography: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9*?][A-Za-z0-9_.+/*?-]{0,127}$")], ...] = Field(
        default=(),
        max_length=256,
        description="Globs over names of packages that do cryptography, in addition to the known ones.",
        examples=[["acme-crypto*"]],
    )


def plan(spec: SbomSpec, context: Context) -> list[Action]:
    """An action for each crate and target that is compiled, which asks Cargo, and one that writes all documents."""
    planned = context.planned.by_id
    resolved: dict[Compiled, Action] = {}
    for action in planned.values():
        if action.compiles and action.compiles not in resolved:
            resolved[action.compiles] = third_party.contents_of_action(context, action)
    steps = {a.id: _step(a, planned, resolved, context.platforms) for a in planned.values()}
    # A source distribution only looks at a library, debug symbols only describe it: they hold none of its code.
    inside = {
        action.id: ()
        if (HOLDS_NO_CODE, "yes") in action.traits
        else _closure(action, context.planned, context.platforms)
        for action in context.shipping()
    }
    subjects = tuple(
        _subject(context, action, output, inside[action.id])
        for action in context.shipping()
        if any(steps[i].holds_code for i in inside[action.id])
        for output in action.outputs
        if output.ships
    )
    project = context.project
    release = f"{project.name}-{project.version}{bills.SUFFIX}"
    return [
        *(action for action in resolved.values() if action.id not in planned),
        Action(
            id=context.artifact,
            artifact=context.artifact,
            kind="sbom",
            recipe=bills.BillsOfMaterials(
                name=project.name,
                version=project.version,
                license=project.license,
                homepage=project.homepage,
                description=project.description,
                supplier=components.supplier(context.project.name, context.workspace),
                release=release,
                subjects=subjects,
                steps=tuple(steps.values()),
                cryptography=spec.cryptography,
                epoch=project.epoch,
                ferrule=__version__,
            ),
            outputs=(
                *(Output(subject.document, "sbom", f"{subject.path}{bills.SUFFIX}") for subject in subjects),
                Output(release, "sbom", release),
            ),
            needs=tuple(dict.fromkeys((*planned, *(action.id for action in resolved.values())))),
        ),
    ]


def _closure(action: Action, planned: PlannedActions, platforms: Mapping[str, Platform]) -> tuple[str, ...]:
    """Ids of the action and of all that it needs, however indirectly, in the order of the plan.

    What is made for one machine takes nothing that is made for another, though what is in between may offer both.
    """
    seen: set[tuple[str, str | None]] = set()
    waiting: list[tuple[str, str | None]] = [(action.id, None)]
    while waiting:
        name, machine = waiting.pop()
        target = planned.by_id[name].target
        native = target if target and platforms[target].is_native else None
        if (name, machine) in seen or (machine and native and native not in (machine, *platforms[machine].parts)):
            continue
        seen.add((name, machine))
        waiting += [(need, native or machine) for need in planned.by_id[name].needs]
    return tuple(sorted({name for name, _ in seen}, key=planned.positions.__getitem__))


def _step(
    action: Action,
    planned: Mapping[str, Action],
    resolved: Mapping[Compiled, Action],
    platforms: Mapping[str, Platform],
) -> BomStep:
    crates = tuple(
        (one.target, resolved[one.compiles].interface)
        for one in joined_files.compilations(action, planned)
        if one.compiles
    )
    # A recipe holds the interfaces of other actions alone, whose traits may have a package URL: no more is needed here.
    return bills.BomStep(
        action.interface,
        action.artifact,
        action.target,
        any(o.role == "program" for o in action.outputs),
        crates,
        links_unwinder=action.target is not None and platforms[action.target].family.links_unwinder,
    )


def _subject(context: Context, action: Action, output: Output, inside: tuple[str, ...]) -> BomSubject:
    traits = dict(action.traits)
    path, project = output.ships or output.name, context.project
    purl = f"pkg:generic/{project.name}@{quote(project.version, safe='')}?file_name={quote(path, safe='')}"
    return bills.BomSubject(
        document=f"{path.replace('/', '_')}{bills.SUFFIX}",
        step=action.id,
        output=output.name,
        path=path,
        role=output.role,
        folder=output.folder,
        purl=traits.get(f"purl:{output.name}", traits.get("purl", purl)),
        inside=inside,
    )


KIND = Kind(
    name="sbom",
    spec=SbomSpec,
    plan=plan,
    summary="CycloneDX bills of materials, for each file with compiled code and for the release",
    last=1,
    packs=False,
)
