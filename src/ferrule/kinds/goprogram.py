"""Programs in Go around Go modules of this file: one a target, without cgo, the same bytes wherever it is built."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Annotated, Literal

from ferrule.core import facts
from ferrule.core.errors import BuildError, VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, ActionInterface, Output
from ferrule.core.section import Field
from ferrule.formats import binary
from ferrule.kinds.base import ArtifactRef, Context, Kind, PlanProblem, ProjectPath, RelativePath, Spec, names_of
from ferrule.tools import go, run

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.core.model import Target
    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext
    from ferrule.formats.binary import BinaryFacts
    from ferrule.tools.command import Command

_MODULE = "module"
"""Role of the folder, trait of the path, and name of the place in the work folder of a Go module that is used."""

_Module = Annotated[str, ArtifactRef(("gomodule",))]


class GoProgramSpec(Spec):
    """A main package in Go that imports Go modules of this file."""

    kind: Literal["goprogram"]
    module: _Module | tuple[_Module, ...] = Field(
        description="The Go module, or several, that replace the versions required by go.mod.",
        examples=["go", ["go", "crypto-go"]],
    )
    source: Annotated[RelativePath, ProjectPath("folder")] = Field(
        description="Folder with the program's go.mod, go.sum and sources."
    )
    package: Annotated[str, Field(pattern=r"^\.(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}){0,8}$")] = Field(
        default=".", description="The main package: its folder below `source`.", examples=["./cmd/server"]
    )
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", examples=["demo"])] | None = Field(
        default=None, description="Name of the program; by default the last part of its import path, as Go does."
    )
    tags: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.]{0,63}$", examples=["netgo"])], ...] = Field(
        default=(), description="Build tags."
    )


def plan(spec: GoProgramSpec, context: Context) -> list[Action]:
    """One action a target."""
    own = _go_mod(spec, context)
    name = spec.name or _name(own.path, spec.package)
    return [_program(spec, context, own, name, target) for target in context.targets]


def _go_mod(spec: GoProgramSpec, context: Context) -> go.GoModule:
    file = f"{spec.source}/go.mod"
    try:
        return go.read_go_mod(context.read_text(file))
    except ValueError as error:
        raise PlanProblem(
            "source", f"{file} is not a valid go.mod: {error}", "write module example.com/… there"
        ) from None


def _name(module: str, package: str) -> str:
    """As `go build` names a program: the last part of the import path that is no major version (`go help build`)."""
    parts = [part for part in f"{module}/{package}".split("/") if part != "."]
    if len(parts) > 1 and re.fullmatch(r"v[0-9]+", parts[-1]):
        parts.pop()
    return parts[-1]


def _program(spec: GoProgramSpec, context: Context, own: go.GoModule, name: str, target: Target) -> Action:
    triple, platform = target.triple, context.platforms[target.triple]
    modules = _modules(spec, context, own, triple)
    return Action(
        id=f"{context.artifact}@{triple}",
        artifact=context.artifact,
        kind="goprogram",
        target=triple,
        recipe=GoProgram(
            modules=tuple(module.interface for module in modules),
            source=spec.source,
            package=spec.package,
            tags=spec.tags,
            platform=platform,
            floor=target.floor(platform.floor_name),
        ),
        outputs=(
            Output(
                platform.program(name),
                "program",
                platform.program(f"{name}-{context.project.version}-{triple}") if context.ship else None,
            ),
        ),
        needs=tuple(module.id for module in modules),
        sources=(spec.source,),
        tools=("go",),
        traits=(("program", name),),
    )


def _modules(spec: GoProgramSpec, context: Context, own: go.GoModule, triple: str) -> list[Action]:
    """What makes each module; raises PlanProblem for one that go.mod does not require, and for two of one path."""
    names = names_of(spec.module)
    if not names:
        raise PlanProblem("module", "no module is named", "name one, or several as a list")
    modules: dict[str, Action] = {}
    for name in names:
        module = context.action_for(name, triple)
        if module is None:
            raise PlanProblem(
                "module", f"{name} is not made for {triple}", "narrow `targets` here, or widen them there"
            )
        path = module.interface.trait(_MODULE)
        if path not in own.requires:
            raise PlanProblem(
                "source",
                f"{spec.source}/go.mod does not require {path}, the module of {name}",
                f"add to it: require {path} v{module.interface.trait('version')}",
            )
        if path in modules:
            raise PlanProblem("module", f"{path} is the module of {modules[path].artifact} and of {name}", "name one")
        modules[path] = module
    return list(modules.values())


@dataclass(frozen=True, slots=True)
class GoProgram:
    """Build one target's program against the modules that were made from this file, and measure it."""

    modules: tuple[ActionInterface, ...]
    source: str
    package: str
    tags: tuple[str, ...]
    platform: Platform
    floor: str | None

    def make(self, context: ActionContext) -> None:
        """Build; raises BuildError with the first error's place, NetworkError, ToolchainError, VerificationError."""
        copies = {
            module.trait(_MODULE): context.folder / _MODULE / str(number)
            for number, module in enumerate(self.modules, 1)
        }
        build_folder = go.GoBuildFolder(context.project, self.source, copies)
        folder = context.project / self.source
        sums = _lay_out(context, self.modules, build_folder)
        tool = context.toolchain.tool("go")
        environment = go.environment(
            tool,
            self.platform,
            context.site.environment,
            work=context.folder / "go.work",
            cache=context.cache("go/build"),
            modules=context.cache("go/modules"),
            offline=context.site.host.offline,
            jobs=context.site.jobs,
        )
        output = context.output("program")
        context.report_progress("looking at packages")
        packages = self._listed(
            context, go.list_command(tool, folder, self.package, self.tags, environment), build_folder
        )
        context.report_progress("compiling Go")
        _run(context, go.program_command(tool, folder, self.package, self.tags, output, environment), build_folder)
        written = context.folder / "go.work.sum"
        go.check_sums(sums, written.read_text(encoding="utf-8") if written.exists() else "", build_folder)
        program = self._measure(context, output)
        modules = {package.module: package.version for package in packages if package.version}
        groups = (facts.GoProgramFacts(tool.version, modules), facts.ProgramFacts(program.interpreter))
        context.record_facts(facts.Facts(groups, {"program": binary.summary(program)}))

    def _listed(self, context: ActionContext, command: Command, build_folder: go.GoBuildFolder) -> list[go.GoPackage]:
        """The packages of the program; files it reads beyond the declared sources are reported to the engine."""
        packages = go.parse_packages(_run(context, command, build_folder))
        if packages[-1].name != "main":
            raise BuildError(
                f"{self.package} is the package {packages[-1].name}, and a program is made of a package main",
                where=self.source,
                hint="name the folder of the main package with `package`",
            )
        local = {file for package in packages if not package.version for file in package.files}
        context.file_inputs(f for f in local if not f.is_relative_to(context.folder))
        return packages

    def _measure(self, context: ActionContext, output: Path) -> BinaryFacts:
        """What was measured of the program; raises VerificationError for one that is not for its target."""
        measured = binary.measure(output)
        problems = binary.check(measured, platform=self.platform, floor=self.floor)
        if problems:
            raise VerificationError(
                f"{output.name} does not match its target: {'; '.join(problems)}",
                where=context.action.id,
                hint="raise the target's floor to what this Go makes, or narrow `targets` of the program",
            )
        return measured


def _lay_out(context: ActionContext, modules: tuple[ActionInterface, ...], build_folder: go.GoBuildFolder) -> str:
    """Put the modules' files and a workspace that uses them into the work folder; returns the sums they vouch for."""
    for module in modules:
        folder = next(o.name for o in module.outputs if o.role == _MODULE)
        for name, path in context.needed[module.id].items():
            copy = build_folder.copies[module.trait(_MODULE)] / name.removeprefix(f"{folder}/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    program, copies = context.project / build_folder.folder, build_folder.copies
    manifests = [(folder / "go.mod").read_text(encoding="utf-8") for folder in (program, *copies.values())]
    newest = max(go.read_go_mod(text).go for text in manifests)
    replaced = {module: f"./{copy.relative_to(context.folder).as_posix()}" for module, copy in copies.items()}
    (context.folder / "go.work").write_text(go.work_file(newest, program, replaced), encoding="utf-8")
    files = [copy / "go.sum" for copy in copies.values()]
    lines = [line for file in files if file.exists() for line in file.read_text(encoding="utf-8").splitlines()]
    sums = "".join(f"{line}\n" for line in dict.fromkeys(lines))
    (context.folder / "go.work.sum").write_text(sums, encoding="utf-8")
    return sums


def _run(context: ActionContext, command: Command, build_folder: go.GoBuildFolder) -> str:
    try:
        return context.run(command)
    except run.ToolFailed as failed:
        raise go.explain(failed, build_folder, context.toolchain.tool("go").version) from failed


KIND = Kind(
    name="goprogram",
    spec=GoProgramSpec,
    plan=plan,
    summary="a program in Go around Go modules of the release",
    unsupported=go.no_loader,
)
