"""What the kinds around a program share: its archives by target, what is in them, and where they can be downloaded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final, Literal

from ferrule.core.frozen import dataclass
from ferrule.core.model import ActionInterface, Digest
from ferrule.core.section import Field
from ferrule.formats import notices, tar
from ferrule.formats import zip as zips
from ferrule.formats.archive_member import Member
from ferrule.kinds.base import ArtifactRef, Context, PlanProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from ferrule.core.facts import MeasuredFile
    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext

ProgramRef = Annotated[str, ArtifactRef(("program",))]
"""The name of an artifact of kind `program`."""

DownloadUrl = Annotated[str, Field(pattern=r"^https://[A-Za-z0-9._~:/@%+{}-]{1,400}$")]
"""The folder that the archives of a release can be downloaded from; {version} stands for that of the release."""

URL_DESCRIPTION: Final = "Where the archives can be downloaded: their folder; {version} stands for that of the release."
URL_EXAMPLES: Final = ["https://github.com/example/demo/releases/download/v{version}"]
_VERSION: Final = "{version}"


@dataclass(frozen=True, slots=True)
class PackedProgram:
    """A program of one target as the release has it: its compilation, and its archive."""

    platform: Platform
    program: ActionInterface
    archive: ActionInterface

    @property
    def command(self) -> str:
        """The name that people call it by, without the suffix of the system."""
        return self.program.trait("program")

    @property
    def executable(self) -> str:
        """The name of its file."""
        return self.platform.program(self.command)

    @property
    def file(self) -> str:
        """The name of its archive."""
        return self.archive.outputs[0].name

    @property
    def folder(self) -> str:
        """The only folder at the top of the archive."""
        return self.file.removesuffix(self.platform.family.archive_suffix)

    @property
    def needs(self) -> tuple[str, str]:
        """Ids of the actions that make both."""
        return self.program.id, self.archive.id

    def digest(self, context: ActionContext) -> Digest:
        """Digest of the archive."""
        return Digest.of_file(context.input(self.archive, "archive"))

    def measured(self, context: ActionContext) -> MeasuredFile:
        """What was measured of the program."""
        return context.recorded(self.program.id).compiled["program"]

    def members(self, context: ActionContext) -> tuple[Member, ...]:
        """The files of the archive, by their names below its only folder; raises VerificationError."""
        path = context.input(self.archive, "archive")
        with path.open("rb") as stream:
            is_zip = self.file.endswith(".zip")
            files = zips.read_zip(stream, where=self.file) if is_zip else tar.read_tar_gz(stream, where=self.file)
            return tuple(
                Member(
                    member.name.removeprefix(f"{self.folder}/"),
                    member.read(),
                    executable=bool(member.permissions & 0o100),
                )
                for member in files
                if member.regular
            )


def packed_programs(name: str, context: Context, key: str = "program") -> tuple[PackedProgram, ...]:
    """The archives of a program for the targets of an artifact, in their order.

    `key` names the program in the section. Raises PlanProblem where it ships no archive, or is called otherwise on some
    of the targets.
    """
    planned = context.actions_of(name)
    archives = {action.target: action for action in planned if action.interface.output("archive") is not None}
    if not archives:
        raise PlanProblem(key, f"{name} ships no archive", f"write `ship: true` at {name}")
    programs = {action.target: action for action in planned if action.interface.output("program") is not None}
    triples = [target.triple for target in context.targets if target.triple in archives]
    if len({archives[triple].traits for triple in triples}) > 1:
        raise PlanProblem(key, f"{name} is another program on some targets", "select targets of one")
    return tuple(
        PackedProgram(context.platforms[triple], programs[triple].interface, archives[triple].interface)
        for triple in triples
    )


def stem(programs: Sequence[PackedProgram], version: str) -> str:
    """What the names of the archives begin with: the name of the program, unless its section says another."""
    return programs[0].file.partition(f"-{version}-{programs[0].platform.triple}")[0]


def download_url(url: str, version: str) -> str:
    """The folder of the archives of a version; raises PlanProblem for braces that hold something else."""
    if re.search(r"[{}]", url.replace(_VERSION, "")):
        raise PlanProblem("url", "braces stand around `version` only", "write {version}, or leave them out")
    return url.replace(_VERSION, version).rstrip("/")


def needs_of(programs: Iterable[PackedProgram]) -> tuple[str, ...]:
    """Ids of the actions that make what is packed."""
    return tuple(need for program in programs for need in program.needs)


def one_for_each(
    programs: Sequence[PackedProgram], key: Callable[[PackedProgram], object]
) -> tuple[PackedProgram, ...]:
    """One program for each key: of several the first with a floor (glibc before musl), else the first."""
    chosen: dict[object, PackedProgram] = {}
    for program in sorted(programs, key=lambda one: one.platform.floor_name is None):
        chosen.setdefault(key(program), program)
    return tuple(program for program in programs if program in chosen.values())


Use = Literal["program", "man", "bash", "zsh", "fish", "licence", "other"]
"""What a file of an archive is for."""


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file of an archive: `use` says what for, `name` how a system calls it where it looks for such files.

    `section` is that of a manual page.
    """

    member: Member
    use: Use
    name: str
    section: str = ""


def sorted_files(
    program: PackedProgram, members: Iterable[Member], licences: Collection[str]
) -> tuple[PackedFile, ...]:
    """What each file of an archive is for, by its name; `licences` are names of licence files.

    Manual pages are `demo.1`, or whatever is in a folder `man` or `man1`; completions are called as clap and cobra call
    them: `demo.bash`, `_demo` or `demo.zsh`, `demo.fish` (bash-completion's README; zshcompsys(1), "Autoloaded files";
    fish, "Where to put completions").
    """
    return tuple(_sorted_file(program, member, licences) for member in members)


def _sorted_file(program: PackedProgram, member: Member, licences: Collection[str]) -> PackedFile:
    folder, _, base = member.name.rpartition("/")
    if member.name == program.executable:
        return PackedFile(member, "program", base)
    if member.name in licences:
        return PackedFile(member, "licence", base)
    page = _PAGE.fullmatch(base)
    if page and (base.startswith(program.command) or re.search(r"(^|/)man[1-9]?(/|$)", folder)):
        return PackedFile(member, "man", base, page["section"])
    for use, pattern, name in _COMPLETIONS:
        if match := pattern.fullmatch(base):
            return PackedFile(member, use, name.format(match[1]))
    return PackedFile(member, "other", member.name)


_PAGE: Final = re.compile(r".+\.(?P<section>[1-9])")
_COMPLETIONS: Final[tuple[tuple[Use, re.Pattern[str], str], ...]] = (
    ("bash", re.compile(r"(.+)\.bash"), "{}"),
    ("zsh", re.compile(r"_([^.]+)"), "_{}"),
    ("zsh", re.compile(r"_?(.+)\.zsh"), "_{}"),
    ("fish", re.compile(r"(.+)\.fish"), "{}.fish"),
)


def licence_names(context: Context) -> tuple[str, ...]:
    """Names of the licence files, as archives have them."""
    return (*(file.rpartition("/")[2] for file in context.project.license_files), notices.FILE)


def checked_name(name: str, pattern: str, what: str) -> str:
    """A name that a package has by default; raises PlanProblem where none of its kind may have it."""
    if not re.fullmatch(pattern, name):
        raise PlanProblem("program", f"{what} cannot be called {name}, as the program is", "write `name` here")
    return name
