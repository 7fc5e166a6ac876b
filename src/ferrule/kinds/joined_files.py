"""Targets whose files are joined of those for other targets, as Apple's universal files are: one way for all kinds."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from ferrule.core import facts
from ferrule.core.errors import VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action
from ferrule.formats import binary, magic, universal
from ferrule.kinds.base import PlanProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from ferrule.core.model import ActionInterface, Output, Target
    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext
    from ferrule.kinds.base import Context


def with_joined(
    context: Context, compile_for: Callable[[Target], Action], outputs: Callable[[Target, Action], tuple[Output, ...]]
) -> list[Action]:
    """A compilation for each target that is compiled for, and the joining for each that is joined of those.

    `outputs` are those of a joining, like those of the compilation that it is handed. Raises PlanProblem where a part
    is not made, or is made in another way than the others.
    """
    targets = {target.triple: target for target in context.targets}
    parts = {triple: context.platforms[triple].parts for triple in targets}
    compiled = {triple: compile_for(target) for triple, target in targets.items() if not parts[triple]}
    joined = [_joining(context, target, compiled, outputs) for triple, target in targets.items() if parts[triple]]
    return [*compiled.values(), *joined]


def _joining(
    context: Context,
    target: Target,
    compiled: Mapping[str, Action],
    outputs: Callable[[Target, Action], tuple[Output, ...]],
) -> Action:
    platform = context.platforms[target.triple]
    if missing := [triple for triple in platform.parts if triple not in compiled]:
        raise PlanProblem(
            "targets",
            f"{context.artifact} for {target.triple} is joined of its files for {' and '.join(platform.parts)}, and "
            f"it is not made for {' and '.join(missing)}",
            f"let `targets` select {' and '.join(missing)} too; what packs it may leave them out",
        )
    parts = [compiled[triple] for triple in platform.parts]
    layouts = {(part.traits, tuple((o.name, o.role, o.folder) for o in part.outputs)) for part in parts}
    if len(layouts) > 1:
        raise PlanProblem(
            "per-target",
            f"{context.artifact} is not the same for {' and '.join(platform.parts)}, so it cannot be joined for "
            f"{target.triple}",
            "give both the same name, types and files",
        )
    needs = dict.fromkeys((*(part.id for part in parts), *(need for part in parts for need in part.needs)))
    return Action(
        id=f"{context.artifact}@{target.triple}",
        artifact=context.artifact,
        kind=parts[0].kind,
        target=target.triple,
        recipe=JoinedFiles(
            platform,
            target.floor(platform.floor_name),
            tuple((triple, part.interface) for triple, part in zip(platform.parts, parts, strict=True)),
        ),
        outputs=outputs(target, parts[0]),
        needs=tuple(needs),
        traits=parts[0].traits,
    )


def compilations(action: Action, planned: Mapping[str, Action]) -> tuple[Action, ...]:
    """What compiled the files of an action: itself, or the actions whose files it joins; none for what only packs."""
    if isinstance(action.recipe, JoinedFiles):
        return tuple(planned[part.id] for _, part in action.recipe.parts)
    return (action,) if action.compiles else ()


@dataclass(frozen=True, slots=True)
class JoinedFiles:
    """Join the files of the parts, a target each, and measure what comes of it as each of them was measured."""

    platform: Platform
    floor: str | None
    parts: tuple[tuple[str, ActionInterface], ...]

    def make(self, context: ActionContext) -> None:
        """Write the files; raises VerificationError for parts that differ, and for what macOS would not load."""
        compiled: dict[str, facts.MeasuredFile] = {}
        for output in context.action.outputs:
            files = {triple: context.needed[part.id] for triple, part in self.parts}
            if output.folder:
                compiled |= self._join_folder(context, output, files)
                continue
            contents = {triple: named[output.name].read_bytes() for triple, named in files.items()}
            target = context.output(output.role)
            target.write_bytes(universal.join(tuple(contents.values()), where=target.name))
            target.chmod(0o755 if output.role == "program" else 0o644)
            measured = binary.measure(target)
            problems = universal.differences({triple: binary.measure(file) for triple, file in contents.items()})
            problems += binary.check(measured, platform=self.platform, floor=self.floor)
            if problems:
                raise VerificationError(
                    f"{target.name} cannot be joined:\n" + "\n".join(f"  - {problem}" for problem in problems),
                    where=f"{context.action.artifact} for {self.platform.triple}",
                    hint="let the crate be the same for both machines, or leave this target out; nothing was shipped",
                )
            compiled[output.role] = binary.summary(measured)
        recorded = [context.recorded(part.id) for _, part in self.parts]
        context.record_facts(facts.Facts(tuple(_groups(recorded)), compiled))

    def _join_folder(
        self, context: ActionContext, output: Output, files: Mapping[str, Mapping[str, Path]]
    ) -> dict[str, facts.MeasuredFile]:
        """Join what is compiled in a folder, as debug symbols are, and copy what a build script wrote for one part.

        Returns what was measured. Raises VerificationError if the parts have other files, or others' contents.
        """
        folders = [
            {name: path for name, path in named.items() if name.startswith(f"{output.name}/")}
            for named in files.values()
        ]
        compiled: dict[str, facts.MeasuredFile] = {}
        for name in sorted({name for folder in folders for name in folder}):
            contents = {folder[name].read_bytes() if name in folder else None for folder in folders}
            target = context.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            objects = [content for content in contents if content is not None and content.startswith(magic.MACHO)]
            if len(objects) == len(folders):
                target.write_bytes(universal.join(objects, where=name))
                compiled[name] = binary.summary(binary.measure(target))
                continue
            if len(contents) > 1:
                raise VerificationError(
                    f"the build script writes another {name.partition('/')[2]} for each of {' and '.join(files)}",
                    where=f"{context.action.artifact} for {self.platform.triple}",
                    hint="let it write the same for both, or leave this target out",
                )
            shutil.copyfile(folders[0][name], target)
        return compiled


def _groups(recorded: Sequence[facts.Facts]) -> Iterable[facts.FactGroup]:
    """What is true of all parts. Each has a fingerprint of its own, and the whole none; the interface is one."""
    if libraries := [group for group in (one.of(facts.LibraryFacts) for one in recorded) if group]:
        link = dict.fromkeys(option for group in libraries for option in group.link)
        yield facts.LibraryFacts(tuple(link), tuple(sorted({path for group in libraries for path in group.reads})))
    if programs := recorded[0].of(facts.ProgramFacts):
        yield programs
    if interface := recorded[0].identity.interface:
        yield facts.BuildIdentity(interface=interface)
