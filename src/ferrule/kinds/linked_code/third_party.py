"""Plans who says what is linked into compiled files, and gives packages the licence texts of it.

For each crate, target and choice of features one action asks Cargo, and collects the licence texts of what it names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.core.model import Action, Output
from ferrule.core.planned_actions import unique
from ferrule.formats import notices
from ferrule.formats.archive_member import Member
from ferrule.kinds.linked_code.crates_of_build import CRATES, LICENCES, CratesOfBuild

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ferrule.core.model import ActionInterface, Compiled
    from ferrule.engine.context import ActionContext
    from ferrule.kinds.base import Context

FILE: Final = notices.FILE


def contents_of_action(context: Context, compilation: Action) -> Action:
    """The action that says what is linked into what a planned action compiles."""
    if compilation.compiles is None:
        raise AssertionError(f"{compilation.id} compiles nothing")
    # What is linked on another machine is linked with the compiled standard library that rustup has.
    tools = compilation.tools or (f"std-{compilation.compiles.triple}",)
    return contents_of(context, compilation.compiles, tools, compilation.kind, artifact=compilation.artifact)


def contents_of(
    context: Context, build: Compiled, tools: Collection[str], kind: str, *, artifact: str | None = None
) -> Action:
    """The action that says what is linked into a build with these tools: the one that is planned, or a new one."""
    if (planned := context.planned.first_by(_build_of).get(build)) is not None:
        return planned
    workspace, project = context.workspace, context.project
    linked_by_zig = not {"cargo-zigbuild", "maturin"}.isdisjoint(tools)
    manifests = (f"{crate.folder}/Cargo.toml".removeprefix("./") for crate in workspace.crates.values())
    texts = (path for _, path in project.license_texts)
    return Action(
        id=f"{artifact or context.artifact}:contents@{build.triple}",
        artifact=context.artifact,
        kind=kind,
        target=build.triple,
        recipe=CratesOfBuild(
            workspace=workspace.folder,
            build=build,
            platform=context.platforms[build.triple],
            zig=linked_by_zig,
            license_files=project.license_files,
            license_texts=project.license_texts,
        ),
        outputs=(Output(f"{CRATES}.json", CRATES), Output(f"{LICENCES}.json", LICENCES)),
        sources=tuple(dict.fromkeys((*workspace.settings, *manifests, *project.license_files, *texts))),
        # What is compiled in an image has its Rust there, and is asked about here.
        tools=("rustc", "cargo", *(["zig"] if linked_by_zig else []), *(t for t in tools if t.startswith("std-"))),
    )


def _build_of(action: Action) -> Compiled | None:
    return action.recipe.build if isinstance(action.recipe, CratesOfBuild) else None


def inside(context: Context, actions: Collection[Action], machine: str | None = None) -> tuple[Action, ...]:
    """The actions that say what is linked into what the actions made, or packed of others, in the order of the plan.

    With `machine`, a target's triple, without what is made for other machines. Those that no other artifact has
    planned are planned with what needs them (`following`).
    """
    planned, positions = context.planned.by_id, context.planned.positions
    seen = {action.id: action for action in actions}
    waiting = [need for action in actions for need in action.needs]
    while waiting:
        need = waiting.pop()
        if need not in seen:
            seen[need] = planned[need]
            waiting += seen[need].needs
    in_order = sorted(seen.values(), key=lambda action: positions.get(action.id, len(positions)))
    contents = unique(contents_of_action(context, action) for action in in_order if action.compiles)
    return tuple(
        one for one in contents if machine in (None, one.target) or not context.platforms[one.target or ""].is_native
    )


def following(context: Context, contents: Iterable[Action], action: Action) -> list[Action]:
    """An action after those of the contents that no other artifact has planned."""
    return [*(one for one in unique(contents) if one.id not in context.planned.by_id), action]


def interfaces(contents: Iterable[Action]) -> tuple[ActionInterface, ...]:
    """What recipes hold of the contents."""
    return tuple(action.interface for action in contents)


def licence_texts_of(
    context: ActionContext, contents: Iterable[ActionInterface], folder: str | None = None
) -> list[Member]:
    """The file with the licence texts of what is inside, below a folder of the package; none where nothing is."""
    documents = (context.input(action, LICENCES).read_text(encoding="utf-8") for action in contents)
    parts = [part for document in documents for part in notices.read_parts(document)]
    return [Member(f"{folder}/{FILE}" if folder else FILE, notices.render(parts))] if parts else []
