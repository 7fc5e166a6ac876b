"""The contents of the report: the plan, the release as its manifest describes it, and the recorded runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ferrule.config import Config
    from ferrule.core.manifest import Manifest, ManifestFile
    from ferrule.core.model import Action, Plan
    from ferrule.reporting.journal import JournalRun, JournalStep


@dataclass(frozen=True)
class PageContent:
    """All data of the report.

    `targets` are triples in the order of targets.yaml, `absent` says for an artifact and a target why it is not built,
    `runs` are the recorded ones, the oldest first, and `notes` sentences about what could not be read.
    """

    plan: Plan
    targets: tuple[str, ...]
    absent: Mapping[tuple[str, str], str] = field(default_factory=dict)
    release: Manifest | None = None
    runs: tuple[JournalRun, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def last(self) -> JournalRun | None:
        """The last run that built something or failed to."""
        return self.runs[-1] if self.runs else None

    @cached_property
    def steps(self) -> Mapping[str, JournalStep]:
        """What the last run did, by action."""
        return {step.id: step for step in self.last.steps} if self.last else {}

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """A number for each action of the plan and the last run, which marks it in all parts of the page."""
        ids = dict.fromkeys((*(action.id for action in self.plan.actions), *self.steps))
        return {action_id: at for at, action_id in enumerate(ids)}

    @cached_property
    def _files(self) -> Mapping[tuple[str, str | None], list[ManifestFile]]:
        files: dict[tuple[str, str | None], list[ManifestFile]] = {}
        for file in self.release.files if self.release else ():
            files.setdefault((file.artifact, file.target), []).append(file)
        return files

    def files(self, action: Action) -> tuple[ManifestFile, ...]:
        """The files of an action's outputs that the manifest lists."""
        return tuple(
            file
            for file in self._files.get((action.artifact, action.target), ())
            for output in action.outputs
            if _is_of(file, output.name if file.packed else output.ships, folder=output.folder)
        )


def _is_of(file: ManifestFile, path: str | None, *, folder: bool) -> bool:
    return file.path == path or (folder and path is not None and file.path.startswith(f"{path}/"))


def subject(
    config: Config,
    plan: Plan,
    manifest: Manifest | None,
    runs: tuple[JournalRun, ...] = (),
    notes: tuple[str, ...] = (),
) -> PageContent:
    """Everything about a release; without one, `manifest` is None."""
    return PageContent(
        plan=plan,
        targets=tuple(target.triple for target in config.targets),
        absent=dict(_absent(config, plan)),
        release=manifest,
        runs=runs,
        notes=notes,
    )


def _absent(config: Config, plan: Plan) -> Iterator[tuple[tuple[str, str], str]]:
    """Each artifact that is built by target, with each target that it is not built for and the reason."""
    built = {(action.artifact, action.target) for action in plan.actions}
    reasons = {(omission.artifact, omission.target): omission.reason for omission in plan.omissions}
    for artifact in config.artifacts:
        by_target = {t.triple for t in config.targets if (artifact.name, t.triple) in built}
        for target in config.targets if by_target else ():
            if target.triple not in by_target:
                if reason := reasons.get((artifact.name, target.triple)):
                    why = f"a {artifact.kind.name} cannot be built for it: {reason}"
                elif artifact.spec.targets is not None:
                    why = f"its targets are {', '.join(artifact.spec.targets)}"
                else:
                    why = "what it packages is not built for this target"
                yield (artifact.name, target.triple), why


def short(target: str) -> str:
    """A target without the parts that carry no information, for narrow columns.

    >>> short("x86_64-unknown-linux-gnu"), short("wasm32-unknown-unknown")
    ('x86_64-linux-gnu', 'wasm32')
    """
    return target.replace("-unknown", "")
