"""Homebrew formulae: a file of Ruby that says where the archives of a program are, and what is in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final, Literal

from ferrule.core.errors import VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, Output
from ferrule.core.section import Field
from ferrule.kinds.base import Context, Kind, NamedDigest, Spec
from ferrule.kinds.packed_program import (
    URL_DESCRIPTION,
    URL_EXAMPLES,
    DownloadUrl,
    PackedFile,
    PackedProgram,
    ProgramRef,
    checked_name,
    download_url,
    licence_names,
    needs_of,
    one_for_each,
    packed_programs,
    sorted_files,
    stem,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext

_SYSTEMS: Final = {"macos": "on_macos", "linux": "on_linux"}
_MACHINES: Final = {"aarch64": "on_arm", "x86_64": "on_intel"}
"""The machines that Homebrew is for, by Zig's name ("Formula Cookbook", "Handling different system configurations")."""

_FOLDERS: Final = {"bash": "bash_completion", "zsh": "zsh_completion", "fish": "fish_completion"}
_NAME: Final = r"^[a-z][a-z0-9_+-]{0,63}(@[0-9.]{1,15})?$"  # a class of Ruby is made of it
_DIGESTS: Final = re.compile(r'url "[^"\n]*/([^"/\n]+)"\n *sha256 "([^"\n]+)"')


class HomebrewSpec(Spec):
    """A formula of a program's archives, for a tap: macOS and Linux on the machines that Homebrew is for.

    Of two targets for one machine it takes that with glibc.
    """

    kind: Literal["homebrew"]
    program: ProgramRef = Field(description="The program to install.")
    url: DownloadUrl = Field(description=URL_DESCRIPTION, examples=URL_EXAMPLES)
    name: Annotated[str, Field(pattern=_NAME)] | None = Field(
        default=None,
        description="Name of the formula; by default that of the archives, in small letters.",
        examples=["demo@2"],
    )


def plan(spec: HomebrewSpec, context: Context) -> list[Action]:
    """One formula for all targets."""
    project = context.project
    url = download_url(spec.url, project.version)
    programs = one_for_each(packed_programs(spec.program, context), lambda one: _blocks(one.platform))
    if not programs:
        return []
    name = spec.name or checked_name(stem(programs, project.version).lower(), _NAME, "a formula")
    recipe = Formula(
        name=name,
        version=project.version,
        url=url,
        programs=programs,
        description=project.description,
        homepage=project.homepage,
        license=project.license,
        license_files=licence_names(context),
    )
    file = f"{name}.rb"
    return [
        Action(
            id=context.artifact,
            artifact=context.artifact,
            kind="homebrew",
            recipe=recipe,
            outputs=(Output(file, "formula", file if context.ship else None),),
            needs=needs_of(programs),
        )
    ]


def _blocks(platform: Platform) -> tuple[str, str]:
    """The blocks of a formula that hold for a platform."""
    return _SYSTEMS[platform.system], _MACHINES[platform.architecture.name]


@dataclass(frozen=True, slots=True)
class Formula:
    """Write the formula, with the digests of the archives and what they hold."""

    name: str
    version: str
    url: str
    programs: tuple[PackedProgram, ...]
    description: str | None
    homepage: str | None
    license: str | None
    license_files: tuple[str, ...]

    def make(self, context: ActionContext) -> None:
        """Write the formula; raises VerificationError for archives that do not hold the same files."""
        files = self._files(context)
        about = {"desc": self.description, "homepage": self.homepage, "version": self.version}
        lines = [
            f"class {class_name(self.name)} < Formula",
            *(f"  {key} {quoted(value)}" for key, value in about.items() if value),
            *([f"  license {license_expression(self.license)}"] if self.license else []),
            "",
            *self._downloads(context),
            "  def install",
            *(f"    {line}" for line in _install(files)),
            "  end",
            "",
            "  test do",
            f"    assert_predicate bin/{quoted(self.programs[0].command)}, :executable?",
            "  end",
            "end",
        ]
        context.output("formula").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _files(self, context: ActionContext) -> tuple[PackedFile, ...]:
        """What each of the archives holds."""
        first, *others = ({member.name: member for member in program.members(context)} for program in self.programs)
        for program, members in zip(self.programs[1:], others, strict=True):
            if differing := sorted(first.keys() ^ members.keys()):
                raise VerificationError(
                    f"{program.file} and {self.programs[0].file} differ in {', '.join(differing)}, and a formula "
                    "installs the same files everywhere",
                    hint="give the program the same files on all targets, or narrow `targets`",
                )
        return sorted_files(self.programs[0], first.values(), self.license_files)

    def _downloads(self, context: ActionContext) -> Iterator[str]:
        for system in dict.fromkeys(_blocks(program.platform)[0] for program in self.programs):
            yield f"  {system} do"
            for program in self.programs:
                if _blocks(program.platform)[0] == system:
                    yield f"    {_blocks(program.platform)[1]} do"
                    yield f"      url {quoted(f'{self.url}/{program.file}')}"
                    yield f"      sha256 {quoted(program.digest(context).hex)}"
                    yield "    end"
            yield "  end"
            yield ""


def _install(files: Iterable[PackedFile]) -> Iterator[str]:
    """What is done with each file; licences and READMEs are documentation as everything else is."""
    for file in files:
        source = quoted(file.member.name)
        if file.use == "program":
            yield f"bin.install {source}"
        elif file.use == "man":
            yield f"man{file.section}.install {source}"
        elif file.use in _FOLDERS:
            yield f"{_FOLDERS[file.use]}.install {source} => {quoted(file.name)}"
        else:
            folder = file.member.name.rpartition("/")[0]
            yield f"(doc/{quoted(folder)}).install {source}" if folder else f"doc.install {source}"


def class_name(formula: str) -> str:
    """The class of a formula (Homebrew, `Formulary.class_s`).

    >>> class_name("demo-cli"), class_name("g++x@2.1")
    ('DemoCli', 'GxxxAT21')
    """
    capitalized = formula[:1].upper() + formula[1:]
    joined = re.sub(r"[-_.\s]([A-Za-z0-9])", lambda match: match[1].upper(), capitalized)
    return re.sub(r"(.)@(\d)", r"\1AT\2", joined.replace("+", "x"))


def quoted(text: str) -> str:
    r"""A text as a string of Ruby, in which nothing is computed.

    >>> print(quoted('say "#{1}"'))
    "say \"\#{1}\""
    """
    return '"' + re.sub(r'(["\\#])', r"\\\1", text) + '"'


def license_expression(spdx: str) -> str:
    """A licence as a formula states it ("Formula Cookbook", "license"); one that it cannot is Homebrew's own symbol.

    >>> license_expression("MIT OR Apache-2.0")
    'any_of: ["MIT", "Apache-2.0"]'
    """
    for word, key in ((" OR ", "any_of"), (" AND ", "all_of")):
        names = spdx.split(word)
        if len(names) > 1 and all(map(_is_plain, names)):
            return f"{key}: [{', '.join(map(quoted, names))}]"
    return quoted(spdx) if _is_plain(spdx) else ":cannot_represent"


def _is_plain(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9.+-]+", name) is not None


def _unsupported(platform: Platform) -> str | None:
    if platform.system in _SYSTEMS and platform.architecture.name in _MACHINES:
        return None
    return f"Homebrew is for macOS and Linux on x86_64 and ARM64, and this is {platform.title}"


def named_digests(text: str) -> Sequence[NamedDigest]:
    """The archives that a formula takes, with their digests."""
    return [NamedDigest(*match.groups()) for match in _DIGESTS.finditer(text)]


KIND = Kind(
    name="homebrew",
    spec=HomebrewSpec,
    plan=plan,
    summary="a Homebrew formula of a program's archives",
    unsupported=_unsupported,
    packs=False,
    named_digests=named_digests,
)
