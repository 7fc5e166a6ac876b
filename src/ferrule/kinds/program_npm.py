"""Programs as npm packages: one for each platform with the program, and one that starts that of the machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from ferrule.core.errors import VerificationError
from ferrule.core.facts import ProgramFacts
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action
from ferrule.core.section import Field
from ferrule.formats import deflate, versions
from ferrule.formats.archive_member import Member
from ferrule.kinds.base import Context, Kind, PlanProblem, Spec, version_problem
from ferrule.kinds.npm_platforms import PlatformPackage, platform_name, purl, tarball, write_package
from ferrule.kinds.packed_program import PackedProgram, ProgramRef, checked_name, packed_programs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.core.model import Json
    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext

_HERE: Final = Path(__file__).parent
_LAUNCHER: Final = "program_npm.cjs"
_NODE: Final = ">=18"
_NAME: Final = r"^(@[a-z0-9][a-z0-9._-]{0,99}/)?[a-z0-9][a-z0-9._-]{0,99}$"


class ProgramNpmSpec(Spec):
    """npm packages of a program: `NAME`, which people install, and `NAME-OS-CPU` for each platform."""

    kind: Literal["program-npm"]
    program: ProgramRef = Field(description="The program to pack.")
    name: Annotated[str, Field(pattern=_NAME)] | None = Field(
        default=None,
        description="Name of the package that people install; by default the program's.",
        examples=["@example/demo"],
    )


@dataclass(frozen=True, slots=True)
class PackageOfProgram(PlatformPackage):
    """The package of one platform with the program."""

    program: PackedProgram


def plan(spec: ProgramNpmSpec, context: Context) -> list[Action]:
    """A package a platform, and the one that people install."""
    programs = packed_programs(spec.program, context)
    if not programs:
        return []
    _refuse_twins(programs)
    name = spec.name or checked_name(programs[0].command, _NAME, "an npm package")
    packages = tuple(_package(name, program, programs) for program in programs)
    about = _about(context)
    main = Action(
        id=context.artifact,
        artifact=context.artifact,
        kind="program-npm",
        recipe=LauncherPackage(name, context.project.version, about, packages, context.project.epoch),
        outputs=(tarball(name, context),),
        needs=programs[0].needs,
        traits=purl(name, context),
    )
    return [main, *(_action(package, about, context) for package in packages)]


def _refuse_twins(programs: tuple[PackedProgram, ...]) -> None:
    """Raise PlanProblem for two targets that npm does not tell apart: nobody said whose program people get."""
    triples: dict[tuple[tuple[str, str], ...], str] = {}
    for platform in (program.platform for program in programs):
        other = triples.setdefault(tuple(sorted(platform.npm.items())), platform.triple)
        if other != platform.triple:
            message = f"{other} and {platform.triple} are both {platform_name('NAME', platform.npm)} to npm"
            raise PlanProblem("targets", message, "select one of them with `targets`")


def _action(package: PackageOfProgram, about: tuple[tuple[str, str], ...], context: Context) -> Action:
    triple = package.program.platform.triple
    return Action(
        id=f"{context.artifact}@{triple}",
        artifact=context.artifact,
        kind="program-npm",
        target=triple,
        recipe=ProgramPackage(package, context.project.version, about, context.project.epoch),
        outputs=(tarball(package.name, context),),
        needs=package.program.needs,
        traits=purl(package.name, context),
    )


def _package(name: str, program: PackedProgram, programs: tuple[PackedProgram, ...]) -> PackageOfProgram:
    """The package of a platform. A program for musl is static: where it is the only one, it serves every Linux."""
    limits = program.platform.npm
    same = [one for one in programs if _without_libc(one.platform) == _without_libc(program.platform)]
    if limits.get("libc") == "musl" and len(same) == 1:
        limits = _without_libc(program.platform)
    file = f"bin/{program.executable}"
    return PackageOfProgram(platform_name(name, limits), tuple(limits.items()), file, program)


def _without_libc(platform: Platform) -> dict[str, str]:
    return {key: value for key, value in platform.npm.items() if key != "libc"}


def _about(context: Context) -> tuple[tuple[str, str], ...]:
    project = context.project
    values = {"description": project.description, "license": project.license, "homepage": project.homepage}
    return tuple((key, value) for key, value in values.items() if value)


def check(_: ProgramNpmSpec, context: Context) -> Iterator[PlanProblem]:
    """A version that npm does not take."""
    if message := versions.npm_problem(context.project.version):
        yield version_problem(message, context, context.project.version.partition("+")[0])


@dataclass(frozen=True, slots=True)
class ProgramPackage:
    """Pack the program of one platform, with its licences and README."""

    package: PackageOfProgram
    version: str
    about: tuple[tuple[str, str], ...]
    epoch: int
    compressor: str = deflate.COMPRESSOR

    def make(self, context: ActionContext) -> None:
        """Write the tarball; raises VerificationError for a program that needs a C library npm is not told of."""
        program, limits = self.package.program, dict(self.package.limits)
        interpreter = _interpreter(program, context)
        if interpreter and limits["os"] == "linux" and "libc" not in limits:
            raise VerificationError(
                f"{program.command} is started by {interpreter}, and its package would be installed on every Linux",
                where=context.action.id,
                hint="link it statically, which is Rust's default for musl, or add the target with glibc",
            )
        document: dict[str, Json] = {
            "name": self.package.name,
            "version": self.version,
            **dict(self.about),
            **self.package.fields(),
            "preferUnplugged": True,
        }
        members = [
            Member(self.package.file, member.source, executable=True) if member.name == program.executable else member
            for member in program.members(context)
            if "/" not in member.name
        ]
        write_package(context, document, members, self.epoch)


def _interpreter(program: PackedProgram, context: ActionContext) -> str | None:
    recorded = context.recorded(program.program.id).of(ProgramFacts)
    return recorded.interpreter if recorded else None


@dataclass(frozen=True, slots=True)
class LauncherPackage:
    """Write the package that depends on those of all platforms, and starts the one that npm has installed."""

    name: str
    version: str
    about: tuple[tuple[str, str], ...]
    packages: tuple[PackageOfProgram, ...]
    epoch: int
    compressor: str = deflate.COMPRESSOR

    def make(self, context: ActionContext) -> None:
        """Write the tarball."""
        program = self.packages[0].program
        launcher = f"bin/{program.command}.cjs"
        document: dict[str, Json] = {
            "name": self.name,
            "version": self.version,
            **dict(self.about),
            "bin": {program.command: launcher},
            "engines": {"node": _NODE},
            "optionalDependencies": {package.name: self.version for package in self.packages},
        }
        rows = [package.row("name") for package in self.packages]
        text = (_HERE / _LAUNCHER).read_text(encoding="utf-8")
        text = text.replace("__PACKAGES__", json.dumps(rows, indent=2)).replace("__NAME__", self.name)
        texts = [m for m in program.members(context) if "/" not in m.name and m.name != program.executable]
        write_package(context, document, [Member(launcher, text.encode(), executable=True), *texts], self.epoch)


def _unsupported(platform: Platform) -> str | None:
    return None if platform.npm else f"npm has no name for {platform.title}"


KIND = Kind(
    name="program-npm",
    spec=ProgramNpmSpec,
    plan=plan,
    check=check,
    summary="a program as npm packages, one for each platform and one that people install",
    unsupported=_unsupported,
    packs=False,
)
