"""Installers: a shell script that downloads a program of this release, verifies it and puts it into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, ActionInterface, Digest, Output
from ferrule.core.section import Field
from ferrule.kinds.base import ArtifactRef, Context, Kind, PlanProblem, Spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ferrule.core.facts import MeasuredFile
    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext

_TEMPLATE: Final = Path(__file__).parent / "installer.sh"
_VERSION: Final = "{version}"


class InstallerSpec(Spec):
    """A script that installs a program, for people who have no package of it."""

    kind: Literal["installer"]
    program: Annotated[str, ArtifactRef(("program",))] = Field(description="The program to install.")
    url: Annotated[str, Field(pattern=r"^https://[A-Za-z0-9._~:/@%+{}-]{1,400}$")] = Field(
        description="Where the archives can be downloaded: their folder; {version} stands for that of the release.",
        examples=["https://github.com/example/demo/releases/download/v{version}"],
    )


def plan(spec: InstallerSpec, context: Context) -> list[Action]:
    """One script for all targets that have a shell."""
    if "{" in spec.url.replace(_VERSION, "") or "}" in spec.url.replace(_VERSION, ""):
        raise PlanProblem("url", "braces stand around `version` only", "write {version}, or leave them out")
    planned = context.actions_of(spec.program)
    archives = {action.target: action for action in planned if action.interface.output("archive") is not None}
    if not archives:
        raise PlanProblem("program", f"{spec.program} ships no archive", f"write `ship: true` at {spec.program}")
    programs = {action.target: action for action in planned if action.interface.output("program") is not None}
    triples = [target.triple for target in context.targets if target.triple in archives]
    if not triples:
        return []
    if len({archives[triple].traits for triple in triples}) > 1:
        raise PlanProblem("program", f"{spec.program} is another program on some targets", "select targets of one")
    first = archives[triples[0]].interface
    name = first.outputs[0].name.partition(f"-{context.project.version}-{triples[0]}")[0]
    file = f"{name}-installer.sh"
    return [
        Action(
            id=context.artifact,
            artifact=context.artifact,
            kind="installer",
            recipe=ShellInstaller(
                name=name,
                program=first.trait("program"),
                version=context.project.version,
                url=spec.url.replace(_VERSION, context.project.version).rstrip("/"),
                targets=tuple(
                    (context.platforms[triple], programs[triple].interface, archives[triple].interface)
                    for triple in triples
                ),
            ),
            outputs=(Output(file, "installer", file if context.ship else None),),
            needs=tuple(action.id for triple in triples for action in (programs[triple], archives[triple])),
        )
    ]


@dataclass(frozen=True, slots=True)
class ShellInstaller:
    """Write the script; `targets` are each a platform, its program and its archive."""

    name: str
    program: str
    version: str
    url: str
    targets: tuple[tuple[Platform, ActionInterface, ActionInterface], ...]

    def make(self, context: ActionContext) -> None:
        """Write the script, with the digests of the archives and the oldest systems that the programs run on."""
        archives = []
        floors: dict[str, str | None] = {}
        for platform, program, archive in self.targets:
            digest = Digest.of_file(context.input(archive, "archive"))
            archives.append(archive_case(platform, archive.outputs[0].name, digest))
            floors[platform.triple] = _condition(platform, context.recorded(program.id).compiled["program"])
        values = {
            "NAME": self.name,
            "PROGRAM": self.program,
            "VERSION": self.version,
            "URL": self.url,
            "TARGETS": " ".join(platform.triple for platform, _, _ in self.targets),
            "CHOICES": "\n".join(choices([platform for platform, _, _ in self.targets], floors)),
            "ARCHIVES": "\n".join(archives),
        }
        context.output("installer").write_text(filled(_TEMPLATE.read_text(encoding="utf-8"), values), encoding="utf-8")


def filled(text: str, values: Mapping[str, str]) -> str:
    """A template with `__NAME__` replaced by values, which hold no quotes: the section's patterns see to that."""
    for name, value in values.items():
        text = text.replace(f"__{name}__", value)
    return text


def archive_case(platform: Platform, archive: str, digest: Digest) -> str:
    """The branch of a `case` that names the archive for a target."""
    return f"        {platform.triple}) archive='{archive}' sha256='{digest}' ;;"


def _condition(platform: Platform, measured: MeasuredFile) -> str | None:
    """What a machine has to have for a program, as the script asks for it; None for nothing."""
    if platform.floor_name == "glibc":
        return f"has_glibc {_pair(measured.glibc)}"
    return f"has_macos {_pair(measured.macos)}" if platform.floor_name == "macos" else None


def _pair(version: str | None) -> str:
    """The first two numbers of a version, or those that every version has."""
    return " ".join([*(version or "0").split("."), "0"][:2])


def choices(platforms: Sequence[Platform], conditions: Mapping[str, str | None]) -> Iterator[str]:
    """Branches of a `case` by machine; of two targets for one the first that fits, those with a condition before."""
    by_machine: dict[str, list[Platform]] = {}
    for platform in platforms:
        by_machine.setdefault(platform.uname or "", []).append(platform)
    for machine, rows in by_machine.items():
        yield f"        {machine})"
        ordered = sorted(rows, key=lambda row: conditions[row.triple] is None)
        for row in ordered:
            condition = conditions[row.triple]
            fits = f" && {condition}" if condition else ""
            yield f'            if [ -z "$target" ]{fits}; then target={row.triple}; fi'
        required = " or ".join(_requirement(row, conditions[row.triple]) for row in ordered)
        yield f'            [ -n "$target" ] || fail "$program for $machine needs {required}"'
        yield "            ;;"


def _requirement(platform: Platform, condition: str | None) -> str:
    if condition is None:
        return platform.family.title
    system = "glibc" if platform.floor_name == "glibc" else platform.family.title
    numbers = condition.split()[1:]
    return f"{system} {'.'.join(numbers)}" if any(number != "0" for number in numbers) else system


def _unsupported(platform: Platform) -> str | None:
    return None if platform.uname else f"the script runs in a shell of Unix, and this is {platform.family.title}"


KIND = Kind(
    name="installer",
    spec=InstallerSpec,
    plan=plan,
    summary="a shell script that downloads, verifies and installs a program",
    unsupported=_unsupported,
    packs=False,
)
