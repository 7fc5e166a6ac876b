"""What the page is about: the plan, the release as its manifest tells it, and the runs that were kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ferrule.core.errors import VerificationError
from ferrule.core.model import Digest
from ferrule.reporting import values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ferrule.config import Config
    from ferrule.core.model import Action, Json, Plan
    from ferrule.reporting.journal import JournalRun, JournalStep


@dataclass(frozen=True, slots=True)
class File:
    """A file that a manifest names: `place` is its path in dist/, or its name alone where `packed` into others."""

    artifact: str
    kind: str
    target: str | None
    role: str
    place: str
    packed: bool
    size: int
    sha256: str
    key: str | None


@dataclass(frozen=True, slots=True)
class ManifestSummary:
    """A manifest, checked. `tools` maps programs to versions, `facts` actions to what was measured of their outputs."""

    project: str
    version: str
    commit: str | None
    dirty: bool
    rust_source: str | None
    tools: Mapping[str, str]
    std: Mapping[str, str]
    files: tuple[File, ...]
    facts: Mapping[str, Mapping[str, Json]]

    @property
    def shipped(self) -> tuple[File, ...]:
        """Files that stand in dist/ themselves."""
        return tuple(file for file in self.files if not file.packed)


@dataclass(frozen=True)
class PageContent:
    """All that the page tells.

    `targets` are triples in the order of targets.yaml, `absent` says for an artifact and a target why it is not made,
    `runs` are those kept, the oldest first, and `notes` sentences about what could not be read.
    """

    plan: Plan
    targets: tuple[str, ...]
    absent: Mapping[tuple[str, str], str] = field(default_factory=dict)
    release: ManifestSummary | None = None
    runs: tuple[JournalRun, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def last(self) -> JournalRun | None:
        """The last run that made something, or failed to."""
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
    def _files(self) -> Mapping[tuple[str, str | None], list[File]]:
        found: dict[tuple[str, str | None], list[File]] = {}
        for file in self.release.files if self.release else ():
            found.setdefault((file.artifact, file.target), []).append(file)
        return found

    def files(self, action: Action) -> tuple[File, ...]:
        """What the manifest names of an action's outputs."""
        return tuple(
            file
            for file in self._files.get((action.artifact, action.target), ())
            for output in action.outputs
            if _is_of(file, output.name if file.packed else output.ships, folder=output.folder)
        )


def _is_of(file: File, place: str | None, *, folder: bool) -> bool:
    return file.place == place or (folder and place is not None and file.place.startswith(f"{place}/"))


def subject(
    config: Config, plan: Plan, manifest: Json, runs: tuple[JournalRun, ...] = (), notes: tuple[str, ...] = ()
) -> PageContent:
    """Everything about a release; without one, `manifest` is None. Raises VerificationError for a damaged one."""
    return PageContent(
        plan=plan,
        targets=tuple(target.triple for target in config.targets),
        absent=dict(_absent(config, plan)),
        release=None if manifest is None else read_manifest(manifest),
        runs=runs,
        notes=notes,
    )


def _absent(config: Config, plan: Plan) -> Iterator[tuple[tuple[str, str], str]]:
    """Every artifact that is made by target, with each target that it is not made for, and why."""
    made = {(action.artifact, action.target) for action in plan.actions}
    reasons = {(omission.artifact, omission.target): omission.reason for omission in plan.omissions}
    for artifact in config.artifacts:
        by_target = {t.triple for t in config.targets if (artifact.name, t.triple) in made}
        for target in config.targets if by_target else ():
            if target.triple not in by_target:
                if reason := reasons.get((artifact.name, target.triple)):
                    why = f"a {artifact.kind.name} cannot be made for it: {reason}"
                elif artifact.spec.targets is not None:
                    why = f"its targets are {', '.join(artifact.spec.targets)}"
                else:
                    why = "what it packs is not made for this target"
                yield (artifact.name, target.triple), why


def read_manifest(manifest: Json) -> ManifestSummary:
    """Check a manifest and take from it what the page tells; raises VerificationError."""
    document: Any = manifest
    try:
        if document["version"] != 1:
            raise ValueError("it is of another version")  # noqa: TRY301 - told like all other faults
        tools = document["toolchain"] or {}
        return ManifestSummary(
            project=values.text(document["project"]),
            version=values.text(document["release"]),
            commit=values.text_or_none(document["source"]["commit"]),
            dirty=document["source"]["dirty"] is True,
            rust_source=values.text_or_none(tools.get("rust-source")),
            tools=_texts(tools.get("tools", {})),
            std=_texts(tools.get("std", {})),
            files=(
                *(_file(row, "file", packed=False) for row in document["artifacts"]),
                *(_file(row, "name", packed=True) for row in document["packed"]),
            ),
            facts={values.text(name): dict(facts) for name, facts in document["facts"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise VerificationError(
            f"this is no manifest of a release: {type(error).__name__}: {error}",
            where="manifest.json",
            hint="make the release again: ferrule release",
        ) from error


def _file(row: Mapping[str, Any], name: str, *, packed: bool) -> File:
    return File(
        artifact=values.text(row["artifact"]),
        kind=values.text(row["kind"]),
        target=values.text_or_none(row["target"]),
        role="" if packed else values.text(row["role"]),
        place=values.text(row[name]),
        packed=packed,
        size=_size(row["size"]),
        sha256=Digest(row["sha256"]).hex,
        key=None if row["key"] is None else Digest(row["key"]).hex,
    )


def _size(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 60:
        raise TypeError("a size is missing")
    return value


def _texts(value: Mapping[str, object]) -> dict[str, str]:
    return {values.text(name): values.text(said) for name, said in value.items()}


def short(target: str) -> str:
    """A target for narrow places: without what says nothing.

    >>> short("x86_64-unknown-linux-gnu"), short("wasm32-unknown-unknown")
    ('x86_64-linux-gnu', 'wasm32')
    """
    return target.replace("-unknown", "")
