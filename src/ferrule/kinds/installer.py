"""Installers: scripts that download a program of this release, verify it and put it into a folder.

One is for the shells of Unix and one for PowerShell. The digests of the archives stand in them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, Digest, Output
from ferrule.core.section import Field
from ferrule.kinds.base import Context, Kind, NamedDigest, Spec
from ferrule.kinds.packed_program import (
    URL_DESCRIPTION,
    URL_EXAMPLES,
    DownloadUrl,
    PackedProgram,
    ProgramRef,
    download_url,
    needs_of,
    packed_programs,
    stem,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ferrule.core.facts import MeasuredFile
    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext

_HERE: Final = Path(__file__).parent
_IN_SHELL: Final = re.compile(r"archive='([^']+)' sha256='([^']+)'")
_IN_POWERSHELL: Final = re.compile(r"Archive = '([^']+)'; Sha256 = '([^']+)'")


class InstallerSpec(Spec):
    """Scripts that install a program, for people who have no package of it: for Unix, and for Windows."""

    kind: Literal["installer"]
    program: ProgramRef = Field(description="The program to install.")
    url: DownloadUrl = Field(description=URL_DESCRIPTION, examples=URL_EXAMPLES)


def plan(spec: InstallerSpec, context: Context) -> list[Action]:
    """One script for all targets that have a shell of Unix, and one for all that have PowerShell."""
    url = download_url(spec.url, context.project.version)
    programs = packed_programs(spec.program, context)
    unix = tuple(program for program in programs if program.platform.uname)
    windows = tuple(program for program in programs if _is_windows(program.platform))
    actions = []
    if unix:
        name = stem(unix, context.project.version)
        recipe = ShellInstaller(name, context.project.version, url, unix)
        actions.append(_action(context.artifact, f"{name}-installer.sh", recipe, context))
    if windows:
        name = stem(windows, context.project.version)
        powershell = PowerShellInstaller(name, context.project.version, url, windows)
        identifier = f"{context.artifact}:powershell" if unix else context.artifact
        actions.append(_action(identifier, f"{name}-installer.ps1", powershell, context))
    return actions


def _action(identifier: str, file: str, recipe: ShellInstaller | PowerShellInstaller, context: Context) -> Action:
    return Action(
        id=identifier,
        artifact=context.artifact,
        kind="installer",
        recipe=recipe,
        outputs=(Output(file, "installer", file if context.ship else None),),
        needs=needs_of(recipe.programs),
    )


@dataclass(frozen=True, slots=True)
class ShellInstaller:
    """Write the script for the shells of Unix, with digests and the oldest systems that the programs run on."""

    name: str
    version: str
    url: str
    programs: tuple[PackedProgram, ...]

    def make(self, context: ActionContext) -> None:
        """Write the script."""
        rows = [program.platform for program in self.programs]
        floors = {p.platform.triple: _condition(p.platform, p.measured(context)) for p in self.programs}
        values = {
            **_common(self),
            "CHOICES": "\n".join(choices(rows, floors)),
            "ARCHIVES": "\n".join(archive_case(p.platform, p.file, p.digest(context)) for p in self.programs),
        }
        _write(context, "installer.sh", values)


@dataclass(frozen=True, slots=True)
class PowerShellInstaller:
    """Write the script for PowerShell, with the digests of the archives."""

    name: str
    version: str
    url: str
    programs: tuple[PackedProgram, ...]

    def make(self, context: ActionContext) -> None:
        """Write the script."""
        rows = "\n".join(
            f"    '{p.platform.triple}' = @{{ Machine = '{_machine(p.platform)}'; "
            f"Archive = '{p.file}'; Sha256 = '{p.digest(context)}' }}"
            for p in self.programs
        )
        _write(context, "installer.ps1", {**_common(self), "ARCHIVES": rows})


def _common(recipe: ShellInstaller | PowerShellInstaller) -> dict[str, str]:
    return {
        "NAME": recipe.name,
        "PROGRAM": recipe.programs[0].command,
        "VERSION": recipe.version,
        "URL": recipe.url,
        "TARGETS": " ".join(program.platform.triple for program in recipe.programs),
    }


def _write(context: ActionContext, template: str, values: Mapping[str, str]) -> None:
    text = filled((_HERE / template).read_text(encoding="utf-8"), values)
    context.output("installer").write_text(text, encoding="utf-8")


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


def _machine(platform: Platform) -> str:
    """What .NET calls the machine (System.Runtime.InteropServices.Architecture)."""
    return platform.architecture.npm.capitalize()


def _is_windows(platform: Platform) -> bool:
    return platform.system == "windows"


def _unsupported(platform: Platform) -> str | None:
    if platform.uname or _is_windows(platform):
        return None
    if platform.parts:
        return f"a script takes the archive for the machine that it runs on, and this is {platform.title}"
    return f"the scripts run in a shell of Unix or in PowerShell, and this is {platform.family.title}"


def named_digests(text: str) -> Iterator[NamedDigest]:
    """The archives that a script takes, with their digests."""
    yield from (
        NamedDigest(*match.groups()) for pattern in (_IN_SHELL, _IN_POWERSHELL) for match in pattern.finditer(text)
    )


KIND = Kind(
    name="installer",
    spec=InstallerSpec,
    plan=plan,
    summary="scripts for shells and PowerShell that download, verify and install a program",
    unsupported=_unsupported,
    packs=False,
    named_digests=named_digests,
)
