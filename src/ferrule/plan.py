"""From what targets.yaml says to everything that will be done: pure, complete, and in an order that can be run.

Nothing is decided later: file names, tags, targets and recipes are all in the plan, and the same plan is what
`ferrule plan` shows, what a release runs and what CI splits.
"""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from ferrule.core.errors import ConfigError, ConfigErrors
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, Json, Omission, Plan, Target, to_json
from ferrule.core.planned_actions import PlannedActions, unique
from ferrule.core.platforms import PLATFORMS, Platform
from ferrule.core.section import keys_of
from ferrule.kinds.base import BINDINGS, LINK_SCRIPT, Context, PlanProblem, ReleaseInfo, selected, sized_outputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ferrule.config import ArtifactConfig, Config


_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Disk:
    """The little that kinds may look at while they plan: `read_text` a file, `folders` the names of folders in one."""

    read_text: Callable[[str], str]
    folders: Callable[[str], tuple[str, ...]]


def plan(
    config: Config,
    project: ReleaseInfo,
    disk: Disk,
    platforms: Mapping[str, Platform] = PLATFORMS,
    *,
    narrowed: bool = False,
) -> Plan:
    """Turn a validated configuration into a plan; raises ConfigErrors with every problem and its place.

    `narrowed` says that the configuration holds only some of its targets, so that an artifact may have none left.
    """
    packed = {name for artifact in config.artifacts if artifact.kind.packs for _, name in artifact.spec.references()}
    planned: dict[str, _Planned] = {}
    problems = list(config.problems)
    read: dict[str, None] = {}
    listed: dict[str, None] = {}
    disk = _noting(disk, read, listed)
    for artifact in in_order(config.artifacts):
        context = _context(config, artifact, project, disk, planned, platforms, is_packed=artifact.name in packed)
        needed = [planned.get(name) for _, name in artifact.spec.references()]
        checked = [_located(config, artifact, problem) for problem in artifact.kind.check(artifact.spec, context)]
        problems += checked
        if any(other is None or (narrowed and not other.actions) for other in needed):
            continue  # what it needs has a problem, which is reported there, or is made for none of these targets
        if not context.targets and artifact.spec.targets is not None:
            if not narrowed:
                problems.append(_no_target(config, artifact, platforms))
            continue
        try:
            planned[artifact.name] = _planned_by_kind(config, artifact, context)
            actions = planned[artifact.name].actions
            problems += [] if narrowed else _unmatched_limits(config, artifact, actions)
            if not actions and not checked and not narrowed:
                problems.append(_no_target(config, artifact, platforms))
        except ConfigErrors as errors:
            problems += [] if checked else errors.errors
        except ConfigError as error:
            problems += [] if checked else [error]  # what the check has seen may be the cause of this
    actions = tuple(action for artifact in planned.values() for action in artifact.actions)
    problems += _collisions(config, actions)
    if problems:
        raise ConfigErrors(tuple(problems))
    return Plan(
        project.name,
        project.version,
        actions,
        tuple(read),
        tuple(listed),
        tuple(_omissions(config, planned, platforms, narrowed=narrowed)),
    )


def _planned_by_kind(config: Config, artifact: ArtifactConfig, context: Context) -> _Planned:
    """Have the kind plan; raises ConfigError with a place for whatever it refuses."""
    try:
        # What says what is linked in serves all packages of it, and is planned with the first.
        return _Planned.of(artifact.name, unique(artifact.kind.plan(artifact.spec, context)))
    except PlanProblem as problem:
        raise _located(config, artifact, problem) from problem


def _unmatched_limits(config: Config, artifact: ArtifactConfig, actions: tuple[Action, ...]) -> list[ConfigError]:
    """Globs of `max-size` that match no file of the artifact, and so limit nothing."""
    names = list(dict.fromkeys(name for action in actions for name, _ in sized_outputs(action)))
    globs = dict.fromkeys(glob for spec in (artifact.spec, *artifact.by_target.values()) for glob in spec.max_size)
    return [
        ConfigError(
            f"no file of {artifact.name} matches {glob}",
            where=config.location(("artifacts", artifact.name, "max-size", glob)),
            hint=f"there are: {', '.join(names[:_SHOWN])}",
        )
        for glob in globs
        if not any(fnmatchcase(name, glob) for name in names)
    ]


def _located(config: Config, artifact: ArtifactConfig, problem: PlanProblem) -> ConfigError:
    where = problem.where or config.location(("artifacts", artifact.name, *problem.key))
    return ConfigError(problem.message, hint=problem.hint, where=where)


def _noting(disk: Disk, read: dict[str, None], listed: dict[str, None]) -> Disk:
    """The same disk, which notes down what was looked at."""

    def read_text(name: str) -> str:
        read[name] = None
        return disk.read_text(name)

    def folders(name: str) -> tuple[str, ...]:
        listed[name] = None
        return disk.folders(name)

    return Disk(read_text, folders)


@dataclass(frozen=True, slots=True)
class _Planned:
    """The actions of an artifact, and the first of its own for each target (the key None: for all targets).

    What says what another artifact has compiled is planned by the first that packs it, and is not its own. A script
    that links elsewhere is only for what takes its files, and generated bindings are for what packs them.
    """

    actions: tuple[Action, ...]
    first: Mapping[str | None, Action]

    @classmethod
    def of(cls, artifact: str, actions: tuple[Action, ...]) -> _Planned:
        own = (
            a
            for a in reversed(actions)
            if a.id.partition("@")[0].partition(":")[0] == artifact
            and not any(a.interface.output(role) for role in (BINDINGS, LINK_SCRIPT))
        )
        return cls(actions, {a.target: a for a in own})


_NOTHING = _Planned((), {})


def in_order(artifacts: tuple[ArtifactConfig, ...]) -> tuple[ArtifactConfig, ...]:
    """The artifacts so that each follows those it names, and those that describe all others come last."""
    by_name = {a.name: a for a in artifacts}
    graph = {a.name: [n for _, n in a.spec.references() if n in by_name] for a in artifacts}
    order = [by_name[name] for name in TopologicalSorter(graph).static_order()]
    return tuple(sorted(order, key=lambda a: a.kind.last))


def only(plan: Plan, is_selected: Callable[[Action], bool]) -> Plan:
    """The part of a plan that makes the wanted actions and what they need."""
    by_id = {a.id: a for a in plan.actions}
    keep: set[str] = set()
    waiting = [a.id for a in plan.actions if is_selected(a)]
    while waiting:
        action_id = waiting.pop()
        if action_id not in keep:
            keep.add(action_id)
            waiting += by_id[action_id].needs
    return replace(plan, actions=tuple(a for a in plan.actions if a.id in keep))


def document(plan: Plan) -> Json:
    """The plan as JSON: actions with their targets, needs, sources, tools, outputs, and the machine they ask for."""
    return {
        "version": 1,
        "project": plan.project,
        "release": plan.version,
        "actions": [
            {
                "id": a.id,
                "artifact": a.artifact,
                "kind": a.kind,
                "target": a.target,
                "recipe": type(a.recipe).__name__,
                "needs": list(a.needs),
                "sources": list(a.sources),
                "tools": list(a.tools),
                "outputs": to_json(a.outputs),
                **({"machine": to_json(a.machine)} if a.machine else {}),
            }
            for a in plan.actions
        ],
        **({"omissions": to_json(plan.omissions)} if plan.omissions else {}),
    }


def _context(
    config: Config,
    artifact: ArtifactConfig,
    project: ReleaseInfo,
    disk: Disk,
    planned: Mapping[str, _Planned],
    platforms: Mapping[str, Platform],
    *,
    is_packed: bool,
) -> Context:
    version = config.versions[artifact.name]
    # What is packed here and belongs to another release is published there, whatever its `ship` says.
    is_of_other = is_packed and artifact.name in config.of_other_releases
    if (release := config.by_artifact.get(artifact.name)) is not None:
        info = config.info_of(release)
        project = replace(project, name=info.name, description=info.description)
    return Context(
        artifact=artifact.name,
        project=replace(project, version=version.text, version_at=version.where),
        workspace=config.workspace,
        targets=targets_of(config, artifact, planned, platforms),
        spec_for=lambda triple: artifact.by_target.get(triple, artifact.spec),
        actions_of=lambda name: planned.get(name, _NOTHING).actions,
        action_for=lambda name, triple: planned.get(name, _NOTHING).first.get(
            triple, planned.get(name, _NOTHING).first.get(None)
        ),
        shipping=lambda: tuple(a for p in planned.values() for a in p.actions if any(o.ships for o in a.outputs)),
        read_text=disk.read_text,
        folders=disk.folders,
        planned=PlannedActions(lambda: (a for p in planned.values() for a in p.actions)),
        ship=not is_of_other and (not is_packed if artifact.spec.ship is None else artifact.spec.ship),
        platforms=platforms,
    )


def targets_of(
    config: Config, artifact: ArtifactConfig, planned: Mapping[str, _Planned], platforms: Mapping[str, Platform]
) -> tuple[Target, ...]:
    """Targets an artifact is made for: those its globs select and its kind can be made for.

    Without globs, an artifact that packs others follows them: it is made for the targets they are made for.
    """
    able = tuple(t.triple for t in config.targets if artifact.kind.unsupported(platforms[t.triple]) is None)
    chosen = selected(artifact.spec.targets, able)
    if artifact.spec.targets is None:
        for _, name in artifact.spec.references():
            of_other = planned.get(name, _NOTHING).first
            if None not in of_other:
                chosen = tuple(t for t in chosen if t in of_other)
    triples = set(chosen)
    return tuple(t for t in config.targets if t.triple in triples)


def _omissions(
    config: Config, planned: Mapping[str, _Planned], platforms: Mapping[str, Platform], *, narrowed: bool
) -> Iterator[Omission]:
    """Targets that an artifact selects, or that what it packs is made for, and that its own kind cannot be made for."""
    by_id = {action.id: action for artifact in planned.values() for action in artifact.actions}
    for artifact in config.artifacts:
        actions = planned[artifact.name].actions if artifact.name in planned else ()
        needed = (by_id[need] for action in actions for need in action.needs if need in by_id)
        covered = {action.target for action in (*actions, *needed)}
        packed = [planned[name].first for _, name in artifact.spec.references() if name in planned]
        by_target = [first for first in packed if None not in first]
        for triple in selected(artifact.spec.targets, tuple(t.triple for t in config.targets)):
            reason = artifact.kind.unsupported(platforms[triple])
            is_expected = not by_target or any(triple in first for first in by_target)
            if reason and (actions or not narrowed) and is_expected and triple not in covered:
                yield Omission(artifact.name, triple, reason)


def _no_target(config: Config, artifact: ArtifactConfig, platforms: Mapping[str, Platform]) -> ConfigError:
    triples = selected(artifact.spec.targets, tuple(t.triple for t in config.targets))
    reasons = dict.fromkeys(f"{t}: {reason}" for t in triples if (reason := artifact.kind.unsupported(platforms[t])))
    detail = "; ".join(reasons) or "no target of this file has all that it packs"
    return ConfigError(
        f"no target is left for {artifact.name}, of kind {artifact.kind.name} ({detail})",
        where=config.location(("artifacts", artifact.name, *(("targets",) if artifact.spec.targets else ()))),
        hint="select another target, or add one under `targets`",
    )


def _collisions(config: Config, actions: tuple[Action, ...]) -> list[ConfigError]:
    """Two outputs with one place in dist/, or one within the other; some file systems do not tell case."""
    taken: dict[tuple[str, str], Action] = {}
    above: dict[tuple[str, str], Action] = {}
    problems: list[ConfigError] = []
    for action in actions:
        of_release = config.by_artifact.get(action.artifact)
        release = of_release.name if of_release else ""  # each has a folder of its own
        for path in (output.ships for output in action.outputs if output.ships):
            name = path.casefold()
            folders = [(release, name[:at]) for at, character in enumerate(name) if character == "/"]
            path_of_release = (release, name)
            other = next((taken[n] for n in (path_of_release, *folders) if n in taken), above.get(path_of_release))
            taken.setdefault(path_of_release, action)
            above |= dict.fromkeys(folders, action)
            if other is not None:
                problems.append(_collision(config, action, other, path))
    return problems


def _collision(config: Config, action: Action, other: Action, path: str) -> ConfigError:
    kinds = {artifact.name: artifact.kind for artifact in config.artifacts}
    names = dict.fromkeys((action.artifact, other.artifact))
    renamed = next((name for name in names if "name" in keys_of(kinds[name].spec)), None)
    return ConfigError(
        f"{action.id} and {other.id} would both write dist/{path}",
        where=config.location(("artifacts", action.artifact)),
        hint=f"give {renamed} another `name`, or leave one of them out" if renamed else "leave one of them out",
    )
