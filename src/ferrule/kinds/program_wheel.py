"""Programs as Python wheels, which pip, pipx and uv install as commands: the program as a script, and no package.

Manual pages and completions are data, which go where those of the environment are. Metadata are those of a
pyproject.toml or, without one, of the release.
"""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, Output
from ferrule.core.section import Field
from ferrule.core.toml_file import parse, position
from ferrule.formats import deflate, versions, wheel
from ferrule.formats.archive_member import Member, below
from ferrule.formats.python_metadata import PythonProject, check_project, metadata_text
from ferrule.kinds.base import (
    Context,
    Kind,
    PlanProblem,
    ProjectPath,
    RelativePath,
    Spec,
    distribution_problem,
    no_wheel,
    python_checks,
    python_project,
    required_floor,
    version_problem,
)
from ferrule.kinds.linked_code import packed_bill, third_party
from ferrule.kinds.linked_code.components import supplier
from ferrule.kinds.linked_code.packed_bill import PackedBill
from ferrule.kinds.packed_program import (
    PackedFile,
    PackedProgram,
    ProgramRef,
    licence_names,
    packed_programs,
    sorted_files,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.core.model import Target
    from ferrule.engine.context import ActionContext

_README: Final = "README.md"
_SHARE: Final = {
    "man": "man/man{section}/{name}",
    "bash": "bash-completion/completions/{name}",
    "zsh": "zsh/site-functions/{name}",
    "fish": "fish/vendor_completions.d/{name}",
}
"""Where data of an environment are found, below its `share`."""

_LEAD_TO_A_PACKAGE: Final = ("scripts", "gui-scripts", "entry-points", "dependencies")


class ProgramWheelSpec(Spec):
    """Wheels of a program, one for each target that wheels can name."""

    kind: Literal["program-wheel"]
    program: ProgramRef = Field(description="The program to pack.")
    source: Annotated[RelativePath, ProjectPath("folder")] | None = Field(
        default=None,
        description="Folder with a pyproject.toml whose [project] table gives the metadata; by default they are those "
        "of the release.",
    )
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", examples=["demo"])] | None = Field(
        default=None, description="Name of the distribution without `source`; by default the program's."
    )


def plan(spec: ProgramWheelSpec, context: Context) -> list[Action]:
    """One wheel a target; raises PlanProblem for metadata that a wheel without a package cannot have."""
    programs = packed_programs(spec.program, context)
    if not programs:
        return []
    project, manifest = _project(spec, context, programs[0]), _manifest(spec.source)
    if spec.source is not None:
        check_project(project, context.read_text)
        for key in _LEAD_TO_A_PACKAGE:
            if project.table.get(key):
                where = position(project.text, project.file, ("project", key))
                raise PlanProblem("source", f"{key} need a package, and this wheel has none", "take them out", where)
    targets = {target.triple: target for target in context.targets}
    read = (manifest, *([project.readme] if project.readme else [])) if spec.source is not None else ()
    return [
        action
        for program in programs
        for action in _action(spec, context, project, program, targets[program.platform.triple], read)
    ]


def _manifest(source: str | None) -> str:
    return posixpath.normpath(f"{source}/pyproject.toml")


def _project(spec: ProgramWheelSpec, context: Context, program: PackedProgram) -> PythonProject:
    """The metadata: those that are written, or those that the release has. Raises PlanProblem."""
    release = context.project
    if spec.source is not None:
        manifest = _manifest(spec.source)
        text = context.read_text(manifest)
        return PythonProject(manifest, text, python_project(text, manifest, release.version), release.version)
    name = spec.name or program.command
    if problem := distribution_problem(name):
        hint = "write `name` with letters of ASCII, digits, and . _ - between them; the command keeps its own"
        raise PlanProblem("name" if spec.name else "program", problem, hint)
    table: dict[str, Any] = {"name": name, "requires-python": ">=3.8"}
    table |= {"description": release.description} if release.description else {}
    table |= {"license": release.license} if release.license else {}
    table |= {"urls": {"Homepage": release.homepage}} if release.homepage else {}
    return PythonProject("targets.yaml", "", table, release.version)


def check(spec: ProgramWheelSpec, context: Context) -> Iterator[PlanProblem]:
    """A version that Python packages cannot have, and what is wrong with pyproject.toml."""
    version = context.project.version
    if spec.source is not None:
        yield from python_checks(spec.source, context)
        if spec.name is not None:
            yield PlanProblem("name", "pyproject.toml names the distribution", "leave out `name`, or `source`")
    elif message := versions.python_problem(version):
        yield version_problem(message, context, f"{version.split('-')[0].split('+')[0]}.dev1")


def _action(
    spec: ProgramWheelSpec,
    context: Context,
    project: PythonProject,
    program: PackedProgram,
    target: Target,
    read: tuple[str, ...],
) -> list[Action]:
    platform = program.platform
    tags = tuple(f"py3-none-{tag}" for tag in wheel.platform_tags(platform, required_floor(target, platform)))
    name = wheel.wheel_file_name(project.name, project.version, tags)
    purl = wheel.wheel_purl(project.name, project.version, name)
    compilations = {action.id: action for action in context.actions_of(spec.program)}
    contents = third_party.inside(context, [compilations[program.program.id]])
    action = Action(
        id=f"{context.artifact}@{platform.triple}",
        artifact=context.artifact,
        kind="program-wheel",
        target=platform.triple,
        recipe=ProgramWheel(
            program=program,
            file=project.file,
            text=project.text,
            table=None if spec.source is not None else json.dumps(project.table),
            name=project.name,
            version=project.version,
            tags=tags,
            license_files=licence_names(context),
            epoch=context.project.epoch,
            bill=PackedBill(
                name=project.name,
                version=project.version,
                purl=purl,
                supplier=supplier(context.project.name, context.workspace),
                license=context.project.license,
                epoch=context.project.epoch,
                platform=platform,
                contents=tuple((action.target or "", action.interface) for action in contents),
            ),
        ),
        outputs=(Output(name, "wheel", name if context.ship else None),),
        needs=(*program.needs, *(action.id for action in contents)),
        sources=read,
        traits=(("purl", purl),),
    )
    return third_party.following(context, contents, action)


@dataclass(frozen=True, slots=True)
class ProgramWheel:
    """Pack a program as a script; `table` is the project as JSON, where no pyproject.toml (`text`) gives one."""

    program: PackedProgram
    file: str
    text: str
    table: str | None
    name: str
    version: str
    tags: tuple[str, ...]
    license_files: tuple[str, ...]
    epoch: int
    bill: PackedBill
    compressor: str = deflate.COMPRESSOR

    def make(self, context: ActionContext) -> None:
        """Write the wheel; raises ConfigError for metadata that no index would accept."""
        files = sorted_files(self.program, self.program.members(context), self.license_files)
        licences = [file.member for file in files if file.use == "licence"]
        info = wheel.info_folder(self.name, self.version)
        data = f"{info.removesuffix('.dist-info')}.data"
        program = self.program.program
        code = {self.program.executable: context.input(program, "program")}
        bill = packed_bill.member(self.name, self.bill.write(context, context.recorded(program.id), code))
        wheel.write_wheel(
            context.output("wheel"),
            name=self.name,
            version=self.version,
            tags=self.tags,
            metadata=self._metadata(context, files, [licence.name for licence in licences]),
            entries=[
                *below(info, [bill]),
                *(
                    Member(f"{data}/{path}", file.member.source, executable=file.use == "program")
                    for file in files
                    if (path := _path(file))
                ),
            ],
            licenses=licences,
            epoch=self.epoch,
        )

    def _metadata(self, context: ActionContext, files: tuple[PackedFile, ...], licences: list[str]) -> str:
        if self.table is None:
            table = parse(self.text.encode(), self.file)["project"]
            project = PythonProject(self.file, self.text, table, self.version)
            return metadata_text(project, lambda name: (context.project / name).read_text(encoding="utf-8"), licences)
        texts = {file.member.name: file.member.read().decode() for file in files if file.member.name == _README}
        readme = {"readme": _README} if texts else {}
        project = PythonProject(self.file, self.text, {**json.loads(self.table), **readme}, self.version)
        return metadata_text(project, texts.__getitem__, licences)


def _path(file: PackedFile) -> str | None:
    """Where a file is in the folder of the wheel's data; None for what is elsewhere, or nowhere."""
    if file.use == "program":
        return f"scripts/{file.name}"
    pattern = _SHARE.get(file.use)
    return f"data/share/{pattern.format(name=file.name, section=file.section)}" if pattern else None


KIND = Kind(
    name="program-wheel",
    spec=ProgramWheelSpec,
    plan=plan,
    check=check,
    summary="a program as Python wheels, for pip, pipx and uv",
    unsupported=no_wheel,
    packs=False,
)
