"""Programs as npm packages: one for each platform with the program, and one that starts that of the machine.

npm installs of the optional dependencies those whose `os`, `cpu` and `libc` are the machine's (npm, "package.json").
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from ferrule.core.errors import VerificationError
from ferrule.core.facts import ProgramFacts
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, Output
from ferrule.core.section import Field
from ferrule.formats import deflate, tar, versions
from ferrule.formats.archive_member import Member, below
from ferrule.kinds.base import Context, Kind, PlanProblem, Spec, version_problem
from ferrule.kinds.packed_program import PackedProgram, ProgramRef, checked_name, one_for_each, packed_programs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ferrule.core.model import Json
    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext

_HERE: Final = Path(__file__).parent
_LAUNCHER: Final = "program_npm.cjs"
_NODE: Final = ">=18"
_NAME: Final = r"^(@[a-z0-9][a-z0-9._-]{0,99}/)?[a-z0-9][a-z0-9._-]{0,99}$"
_LIBC: Final = {"glibc": "gnu", "musl": "musl"}
"""How names of packages end for what npm calls a libc, as those of napi do."""


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
class PlatformPackage:
    """The package of one platform: its name, what npm is told of it, and the program in it."""

    name: str
    limits: tuple[tuple[str, str], ...]
    program: PackedProgram


def plan(spec: ProgramNpmSpec, context: Context) -> list[Action]:
    """A package a platform, and the one that people install."""
    programs = one_for_each(packed_programs(spec.program, context), lambda one: tuple(sorted(one.platform.npm.items())))
    if not programs:
        return []
    name = spec.name or checked_name(programs[0].command, _NAME, "an npm package")
    packages = tuple(_package(name, program, programs) for program in programs)
    about = _about(context)
    main = Action(
        id=context.artifact,
        artifact=context.artifact,
        kind="program-npm",
        recipe=LauncherPackage(name, context.project.version, about, packages, context.project.epoch),
        outputs=(_tarball(name, context),),
        needs=programs[0].needs,
        traits=_purl(name, context),
    )
    return [main, *(_action(package, about, context) for package in packages)]


def _action(package: PlatformPackage, about: tuple[tuple[str, str], ...], context: Context) -> Action:
    triple = package.program.platform.triple
    return Action(
        id=f"{context.artifact}@{triple}",
        artifact=context.artifact,
        kind="program-npm",
        target=triple,
        recipe=ProgramPackage(package, context.project.version, about, context.project.epoch),
        outputs=(_tarball(package.name, context),),
        needs=package.program.needs,
        traits=_purl(package.name, context),
    )


def _package(name: str, program: PackedProgram, programs: tuple[PackedProgram, ...]) -> PlatformPackage:
    """The package of a platform. A program for musl is static: where it is the only one, it serves every Linux."""
    limits = program.platform.npm
    same = [one for one in programs if _without_libc(one.platform) == _without_libc(program.platform)]
    if limits.get("libc") == "musl" and len(same) == 1:
        limits = _without_libc(program.platform)
    words = [limits["os"], limits["cpu"], *([_LIBC[limits["libc"]]] if "libc" in limits else [])]
    return PlatformPackage("-".join([name, *words]), tuple(limits.items()), program)


def _without_libc(platform: Platform) -> dict[str, str]:
    return {key: value for key, value in platform.npm.items() if key != "libc"}


def _about(context: Context) -> tuple[tuple[str, str], ...]:
    project = context.project
    values = {"description": project.description, "license": project.license, "homepage": project.homepage}
    return tuple((key, value) for key, value in values.items() if value)


def _tarball(name: str, context: Context) -> Output:
    file = f"{name.removeprefix('@').replace('/', '-')}-{context.project.version}.tgz"
    return Output(file, "package", file if context.ship else None)


def _purl(name: str, context: Context) -> tuple[tuple[str, str], ...]:
    return (("purl", f"pkg:npm/{name.replace('@', '%40')}@{context.project.version}"),)


def check(_: ProgramNpmSpec, context: Context) -> Iterator[PlanProblem]:
    """A version that npm does not take."""
    if message := versions.npm_problem(context.project.version):
        yield version_problem(message, context, context.project.version.partition("+")[0])


@dataclass(frozen=True, slots=True)
class ProgramPackage:
    """Pack the program of one platform, with its licences and README."""

    package: PlatformPackage
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
            **{key: [value] for key, value in limits.items()},
            "preferUnplugged": True,
        }
        members = [
            Member(f"bin/{member.name}", member.source, executable=True)
            if member.name == program.executable
            else member
            for member in program.members(context)
            if "/" not in member.name
        ]
        _write(context, document, members, self.epoch)


def _interpreter(program: PackedProgram, context: ActionContext) -> str | None:
    recorded = context.recorded(program.program.id).of(ProgramFacts)
    return recorded.interpreter if recorded else None


@dataclass(frozen=True, slots=True)
class LauncherPackage:
    """Write the package that depends on those of all platforms, and starts the one that npm has installed."""

    name: str
    version: str
    about: tuple[tuple[str, str], ...]
    packages: tuple[PlatformPackage, ...]
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
        rows = [
            {"name": package.name, **dict(package.limits), "file": f"bin/{package.program.executable}"}
            for package in self.packages
        ]
        text = (_HERE / _LAUNCHER).read_text(encoding="utf-8")
        text = text.replace("__PACKAGES__", json.dumps(rows, indent=2)).replace("__NAME__", self.name)
        texts = [m for m in program.members(context) if "/" not in m.name and m.name != program.executable]
        _write(context, document, [Member(launcher, text.encode(), executable=True), *texts], self.epoch)


def _write(context: ActionContext, document: Mapping[str, Json], members: list[Member], epoch: int) -> None:
    """Write the tarball as npm does: everything in the folder `package`."""
    manifest = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    entries = [Member("package.json", manifest.encode()), *members]
    tar.write_tar_gz(context.output("package"), below("package", entries), epoch)


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
