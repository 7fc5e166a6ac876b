"""Programs in Rust: a crate's binary target for each target that is a machine, compiled once, measured and packed."""

from __future__ import annotations

import posixpath
import shutil
from typing import TYPE_CHECKING, Annotated, Literal

from ferrule.core import facts
from ferrule.core.cargo_programs import name_problem
from ferrule.core.errors import BuildError, VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, ActionInterface, Compiled, Output
from ferrule.core.section import Field
from ferrule.formats import binary, deflate, tar
from ferrule.formats import zip as zips
from ferrule.formats.archive_member import Member, below, name_clash
from ferrule.kinds import debug_symbols, joined_files, link_script, native_build
from ferrule.kinds.base import (
    Context,
    CrateRef,
    Kind,
    NativeSpec,
    PlanProblem,
    ProjectPath,
    RelativePath,
    needs_system,
)
from ferrule.kinds.linked_code import third_party
from ferrule.tools import wasi_linker
from ferrule.tools.command import Command
from ferrule.tools.run import ToolMissing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ferrule.core.cargo_programs import CrateProgram
    from ferrule.core.cargo_workspace import Crate
    from ferrule.core.model import Target
    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext
    from ferrule.kinds.link_script import LinkedElsewhere
    from ferrule.tools.cargo_builds import CargoBuild

_PROGRAM = "program"
_GENERATED = "generated"
_PRINTED = "printed"
"""Roles of outputs: the program, and the folders with what its build script wrote and with what it printed itself."""

_PART = r"[A-Za-z0-9_@+][A-Za-z0-9._@+-]{0,127}"
_Place = Annotated[str, Field(pattern=rf"^{_PART}(/{_PART}){{0,7}}$")]
_Folder = Annotated[str, Field(pattern=rf"^(\.|{_PART}(/{_PART}){{0,7}})$")]
_GLOB_PART = r"[A-Za-z0-9_*?@+][A-Za-z0-9._*?@+-]{0,127}"
_Argument = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{0,255}$")]
_Glob = Annotated[str, Field(pattern=rf"^{_GLOB_PART}(/{_GLOB_PART}){{0,7}}$")]


class ProgramSpec(NativeSpec):
    """A program of a crate, built for each selected target and packed with what belongs to it."""

    kind: Literal["program"]
    crate: Annotated[str, CrateRef(library=False)] = Field(description="The crate that the program is a part of.")
    bin: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$", examples=["demo"])] | None = Field(
        default=None,
        description="The binary target; by default the only one, or that with the crate's name.",
    )
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}$", examples=["demo"])] | None = Field(
        default=None, description="Stem of the archive's name; by default the program's."
    )
    needs: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_@/][A-Za-z0-9_.+@/-]{0,127}$")], ...] = Field(
        default=(),
        description="Libraries that the program may ask for when it is started, besides those of the system itself.",
        examples=[["libssl.so.3"]],
    )
    readme: Annotated[RelativePath, ProjectPath("file")] | None = Field(
        default=None, description="The README to pack; by default README.md of the crate, or of the project."
    )
    files: dict[_Place, Annotated[RelativePath, ProjectPath("file")]] = Field(
        default_factory=dict,
        description="More files: place in the archive and path in the project.",
        examples=[{"man/man1/demo.1": "docs/demo.1"}],
    )
    generated: dict[_Folder, tuple[_Glob, ...]] = Field(
        default_factory=dict,
        description="Files that the crate's build script writes into OUT_DIR, as completions and man pages are: folder "
        "of the archive (`.`: the top) and globs.",
        examples=[{"completions": ["*.bash", "*.fish", "_demo"], "man/man1": ["*.1"]}],
    )
    prints: dict[_Place, Annotated[tuple[_Argument, ...], Field(min_length=1, max_length=32)]] = Field(
        default_factory=dict,
        description="Files that the program itself prints, as completions and man pages are: place in the archive and "
        "arguments. The program for the first Linux of its targets is run, or else for the first target.",
        examples=[{"completions/demo.bash": ["completions", "bash"], "man/man1/demo.1": ["man"]}],
    )


def check(spec: ProgramSpec, context: Context) -> Iterator[PlanProblem]:
    """A crate without the program, and a program that Cargo would not build with these features."""
    problems: dict[str, PlanProblem] = {}
    for section in (spec, *(context.spec_for(target.triple) for target in context.targets)):
        assert isinstance(section, ProgramSpec)  # noqa: S101 - for the type checker
        problem = _problem(section, context.crate(section.crate))
        if problem is not None:
            problems.setdefault(problem.message, problem)
    yield from problems.values()


def _problem(spec: ProgramSpec, crate: Crate) -> PlanProblem | None:
    program, names = _program(spec, crate), " and ".join(program.name for program in crate.programs)
    if not crate.programs:
        hint = f"add src/main.rs, or a table [[bin]] to {crate.manifest}"
        return PlanProblem("crate", f"the crate {crate.name} has no program", hint)
    if program is None and spec.bin:
        hint = f"the programs of {crate.manifest} are: {names}"
        return PlanProblem("bin", f"the crate {crate.name} has no program {spec.bin!r}", hint)
    if program is None:
        hint = f"name one of them with `bin`: {names}"
        return PlanProblem("crate", f"the crate {crate.name} has several programs", hint)
    return _fault(spec, crate, program)


def _fault(spec: ProgramSpec, crate: Crate, program: CrateProgram) -> PlanProblem | None:
    """Why Cargo would not build the program."""
    key = "bin" if spec.bin else "crate"
    if (reason := name_problem(program.name)) is not None:
        hint = f"write a [[bin]] with another `name`, and the `path` of its file, in {crate.manifest}"
        return PlanProblem(key, f"no program can be called {program.name!r}: {reason}", hint, program.where)
    if program.source is None:
        hint = f"write src/bin/{program.name}.rs, or name its file with `path`"
        return PlanProblem(key, f"the source of the program {program.name} is not there", hint, program.where)
    active = crate.active_features(spec.features, default=spec.default_features)
    missing = [name for name in program.required_features if name not in active]
    if missing:
        stated = ", ".join(dict.fromkeys((*spec.features, *missing)))
        return PlanProblem(
            key,
            f"Cargo does not build the program {program.name} without the feature{'s' if missing[1:] else ''} "
            f"{' and '.join(missing)} (required-features)",
            f"write features: [{stated}]",
        )
    return None


def _program(spec: ProgramSpec, crate: Crate) -> CrateProgram | None:
    """The program that a section is about, if that is certain."""
    if spec.bin:
        return next((program for program in crate.programs if program.name == spec.bin), None)
    if len(crate.programs) == 1:
        return crate.programs[0]
    return next((program for program in crate.programs if program.name == crate.name), None)


def plan(spec: ProgramSpec, context: Context) -> list[Action]:
    """One compilation a target, one archive of it if that ships, and for all of these what the program prints."""
    compilations = joined_files.with_joined(
        context, lambda target: _compiled(context, target), lambda _, part: part.outputs
    )
    debug = [
        debug_symbols.archive_of(context, one, _stem(context, one))
        for one in compilations
        if one.interface.output(debug_symbols.FOLDER) is not None
    ]
    split = {one.id: _split(context, one) for one in compilations}
    if not context.ship:
        return [*(part for parts in split.values() for part in parts), *debug]
    printed = [_printed(spec, context, compilations)] if spec.prints and compilations else []
    targets, by_id = {target.triple: target for target in context.targets}, {one.id: one for one in compilations}
    archives = [
        _archive(context, targets[one.target or ""], one, joined_files.compilations(one, by_id), tuple(printed))
        for one in compilations
    ]
    pairs = zip(compilations, archives, strict=True)
    return [*(action for first, others in pairs for action in (*split[first.id], *others)), *printed, *debug]


def _split(context: Context, compilation: Action) -> tuple[Action, ...]:
    """A compilation, or script and taking where the target is linked elsewhere. Raises PlanProblem."""
    recipe, platform = compilation.recipe, context.platforms[compilation.target or ""]
    if platform.family.linked_on is None or not isinstance(recipe, CargoProgram):
        return (compilation,)
    if recipe.generated:
        raise PlanProblem(
            "generated",
            f"what a build script writes does not come here from where {platform.triple} is linked",
            f"write {{generated: {{}}}} for {platform.triple} under `per-target`, and name the files by `prints`",
        )
    return link_script.split(compilation, platform, program=recipe.program)


def _printed(spec: ProgramSpec, context: Context, compilations: Sequence[Action]) -> Action:
    """What the program prints on the machine that builds: it is the same for every target."""
    systems = {action.target: context.platforms[action.target or ""].system for action in compilations}
    program = next((one for one in compilations if systems[one.target] == "linux"), compilations[0])
    return Action(
        id=f"{context.artifact}:prints@{program.target}",
        artifact=context.artifact,
        kind="program",
        target=program.target,
        recipe=PrintedFiles(program.interface, program.target or "", tuple(spec.prints.items())),
        outputs=(Output(_PRINTED, _PRINTED, folder=True),),
        needs=(program.id,),
        traits=program.traits,
    )


def _compiled(context: Context, target: Target) -> Action:
    spec = context.spec_for(target.triple)
    assert isinstance(spec, ProgramSpec)  # noqa: S101 - for the type checker
    crate = context.crate(spec.crate)
    program, problem = _program(spec, crate), _problem(spec, crate)
    if program is None or problem is not None:
        raise problem or AssertionError
    compilation = _compilation(spec, context, target, crate, program)
    _refuse_namesake(spec, context, compilation)
    if context.platforms[target.triple].reserves(program.name):
        raise PlanProblem(
            "bin" if spec.bin else "crate",
            f"Windows keeps the name {program.name} for a device, so no file of {target.triple} can have it",
            f"rename the program in {crate.manifest}, or leave the target out with `targets`",
            program.where,
        )
    return compilation


def _refuse_namesake(spec: ProgramSpec, context: Context, compilation: Action) -> None:
    """Two programs of one name would be one file in Cargo's folder, and one command on a person's machine."""
    other = context.planned.first_by(_command).get(_command(compilation))
    if other is not None:
        raise PlanProblem(
            "bin" if spec.bin else "crate",
            f"{other.artifact} and {context.artifact} are both called {compilation.interface.trait(_PROGRAM)} "
            f"on {compilation.target}",
            f"leave one out, narrow its `targets`, or rename the [[bin]] in {context.crate(spec.crate).manifest}",
        )


def _command(action: Action) -> tuple[str, str | None, tuple[tuple[str, str], ...], bool]:
    """What no two programs may have in common: a target and a name."""
    return (action.kind, action.target, action.traits, action.compiles is not None)


def _compilation(spec: ProgramSpec, context: Context, target: Target, crate: Crate, program: CrateProgram) -> Action:
    platform, package = context.platforms[target.triple], context.workspace.package(crate.name)
    env = native_build.variables(spec, target)
    generated = [Output(_GENERATED, _GENERATED, folder=True)] if spec.generated else []
    sources = [posixpath.dirname(program.source)] if program.source and _is_inside(program.source, crate) else []
    return Action(
        id=f"{context.artifact}@{target.triple}",
        artifact=context.artifact,
        kind="program",
        target=target.triple,
        recipe=CargoProgram(
            workspace=context.workspace.folder,
            crate=crate.name,
            program=program.name,
            platform=platform,
            floor=target.floor(platform.floor_name),
            profile=spec.profile,
            features=spec.features,
            default_features=spec.default_features,
            libraries=spec.needs,
            generated=tuple(spec.generated.items()),
            commit=context.project.commit,
            env=env,
            package=package,
            rustflags=spec.rustflags,
            auditable=spec.auditable,
            debug_symbols=spec.debug_symbols,
        ),
        outputs=(
            Output(platform.program(program.name), _PROGRAM),
            *generated,
            *(debug_symbols.outputs(platform) if spec.debug_symbols else ()),
        ),
        sources=tuple(dict.fromkeys((*context.workspace.compiled(crate.name), *sources, *spec.reads))),
        tools=(
            *("rustc", "cargo", f"std-{target.triple}", "zig", "cargo-zigbuild"),
            *(debug_symbols.tools(platform) if spec.debug_symbols else ()),
            *wasi_linker.component_tools(platform),
        ),
        traits=((_PROGRAM, program.name),),
        compiles=Compiled(
            crate.name,
            target.triple,
            spec.features,
            spec.default_features,
            package,
            profile=spec.profile,
            env=env,
        ),
    )


def _is_inside(source: str, crate: Crate) -> bool:
    """Whether a source is below a folder of the crate: only such a folder holds nothing but its code."""
    folder = posixpath.dirname(source)
    return folder != crate.folder and (crate.folder == "." or folder.startswith(f"{crate.folder}/"))


def _stem(context: Context, compilation: Action) -> str:
    """What the names of the archives for a target begin with."""
    spec = context.spec_for(compilation.target or "")
    assert isinstance(spec, ProgramSpec)  # noqa: S101 - for the type checker
    return spec.name or compilation.interface.trait(_PROGRAM)


def _archive(
    context: Context, target: Target, compilation: Action, parts: tuple[Action, ...], printed: tuple[Action, ...]
) -> list[Action]:
    spec = context.spec_for(target.triple)
    assert isinstance(spec, ProgramSpec)  # noqa: S101 - for the type checker
    crate, project, platform = context.crate(spec.crate), context.project, context.platforms[target.triple]
    stem = f"{_stem(context, compilation)}-{project.version}-{target.triple}"
    readmes = [posixpath.normpath(f"{folder}/README.md") for folder in (crate.folder, ".")]
    readme = spec.readme or next((name for name in readmes if context.has_file(name)), None)
    texts = [*project.license_files, *([readme] if readme else [])]
    files = [*((posixpath.basename(name), name) for name in texts), *spec.files.items()]
    places = [
        compilation.outputs[0].name,
        *(place for place, _ in files),
        *(spec.prints if printed else ()),
        third_party.FILE,
    ]
    _check_places(places, spec, platform)
    name = f"{stem}{platform.family.archive_suffix}"
    contents = third_party.inside(context, (compilation, *parts))
    archive = Action(
        id=f"{context.artifact}:archive@{target.triple}",
        artifact=context.artifact,
        kind="program",
        target=target.triple,
        recipe=ProgramArchive(
            stem,
            compilation.interface,
            tuple(sorted(files)),
            project.epoch,
            tuple(a.interface for a in printed),
            contents=third_party.interfaces(contents),
        ),
        outputs=(Output(name, "archive", name),),
        needs=(compilation.id, *(action.id for action in (*printed, *contents))),
        sources=tuple(dict.fromkeys(path for _, path in files)),
        traits=compilation.traits,
    )
    return third_party.following(context, contents, archive)


def _check_places(places: Sequence[str], spec: ProgramSpec, platform: Platform) -> None:
    """Raise PlanProblem for places that cannot be in one archive, and for one that the target's system reserves."""

    def key(*refused: str) -> tuple[str, ...]:
        keys = ((key, place) for place in refused for key in ("prints", "files") if place in getattr(spec, key))
        return next(keys, ("kind",))

    if (clash := name_clash(places)) is not None:
        raise PlanProblem(key(clash.second, clash.first), clash.reason, "give one of them another place")
    for place in places:
        if any(platform.reserves(part) for part in place.split("/")):
            message = f"no file of {platform.triple} can be called {place}: Windows keeps such a name for a device"
            raise PlanProblem(key(place), message, "give it another place")


@dataclass(frozen=True, slots=True)
class CargoProgram:
    """Build a program with Cargo for one target, take what Cargo says it made, and measure it."""

    workspace: str
    crate: str
    program: str
    platform: Platform
    floor: str | None
    profile: str
    features: tuple[str, ...]
    default_features: bool
    libraries: tuple[str, ...]
    generated: tuple[tuple[str, tuple[str, ...]], ...]
    commit: str
    env: tuple[tuple[str, str], ...]
    package: str
    rustflags: tuple[str, ...]
    auditable: bool = True
    debug_symbols: bool = False
    linked: LinkedElsewhere | None = None

    def make(self, context: ActionContext) -> None:
        """Build, copy, and refuse what is not as declared; raises BuildError, VerificationError."""
        identity = facts.BuildIdentity(context.fingerprint.hex)
        if self.linked is not None:
            identity = context.recorded(self.linked.script.id).identity
            cargo_build = link_script.build_of(context, self.linked, self.crate, ("bin",))
        else:
            cargo_build = native_build.compile_crate(context, self, identity, program=self.program)
        target = context.output(_PROGRAM)
        linked = cargo_build.program(self.crate, self.platform, self.program)
        native_build.take(context, self, cargo_build, linked, target)
        target.chmod(0o755)
        if self.generated:
            self._take_generated(context, cargo_build)
        measured = binary.measure(target)
        problems = binary.check(measured, platform=self.platform, floor=self.floor, libraries=self.libraries)
        problems += [one.problem for one in native_build.undefined_symbols(measured, self, context)]
        if problems:
            raise VerificationError(
                f"{target.name} does not match its declaration:\n" + "\n".join(f"  - {p}" for p in problems),
                where=f"{context.action.artifact} for {self.platform.triple}",
                hint="correct the code, or what targets.yaml declares; nothing was shipped",
            )
        groups = (facts.ProgramFacts(measured.interpreter), identity)
        context.record_facts(facts.Facts(groups, {_PROGRAM: binary.summary(measured)}))

    def _take_generated(self, context: ActionContext, cargo_build: CargoBuild) -> None:
        """Copy what the build script wrote; raises BuildError for a glob that nothing matches, and for namesakes."""
        written = cargo_build.out_folder(self.crate)
        for place, globs in self.generated:
            folder = context.output(_GENERATED) / place
            folder.mkdir(parents=True, exist_ok=True)
            for glob in globs:
                matches = sorted(path for path in written.glob(glob) if path.is_file()) if written else []
                if not matches:
                    raise BuildError(
                        f"the build script of {self.crate} writes nothing into OUT_DIR that matches {glob}"
                        if written
                        else f"the crate {self.crate} has no build script that could write {glob}",
                        where=f"{context.action.artifact} for {self.platform.triple}",
                        hint=f"correct `generated`, or let {self.crate} write the file in build.rs",
                    )
                for path in matches:
                    _copy_once(path, folder / path.name, context)


def _copy_once(path: Path, target: Path, context: ActionContext) -> None:
    if target.exists() and target.read_bytes() != path.read_bytes():
        raise BuildError(
            f"the build script writes two files that would be packed as {target.name}",
            where=context.action.id,
            hint="put them into two folders with `generated`",
        )
    shutil.copyfile(path, target)


@dataclass(frozen=True, slots=True)
class PrintedFiles:
    """Start the program of one target, and keep what it prints; `files` are places and arguments."""

    program: ActionInterface
    triple: str
    files: tuple[tuple[str, tuple[str, ...]], ...]

    def make(self, context: ActionContext) -> None:
        """Write the files byte for byte; raises BuildError for a program that does not run here, fails or is silent."""
        name = next(output.name for output in self.program.outputs if output.role == _PROGRAM)
        program = context.folder / "program" / name
        program.parent.mkdir()
        shutil.copyfile(context.input(self.program, _PROGRAM), program)
        program.chmod(0o755)
        for place, arguments in self.files:
            path = context.output(_PRINTED) / place
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                context.run(Command((str(program), *arguments), {}, program.parent), stdout=path)
            except ToolMissing as error:
                raise BuildError(
                    f"{name} for {self.triple} cannot be started here, and is to print {place}",
                    where=context.action.id,
                    hint="build on such a machine, put a target that runs here first, or name a file by `files`",
                ) from error
            if not path.read_bytes().strip():
                raise BuildError(
                    f"`{' '.join([name, *arguments])}` printed nothing for {place}",
                    where=context.action.id,
                    hint="correct the arguments in `prints`: what belongs in the file has to be standard output",
                )


@dataclass(frozen=True, slots=True)
class ProgramArchive:
    """Pack one target's program, with one folder at the top; `files` are places in it and paths in the project."""

    stem: str
    program: ActionInterface
    files: tuple[tuple[str, str], ...]
    epoch: int
    printed: tuple[ActionInterface, ...] = ()
    compressor: str = deflate.COMPRESSOR
    contents: tuple[ActionInterface, ...] = ()

    def make(self, context: ActionContext) -> None:
        """Write the archive; raises BuildError for two files of one name."""
        target = context.output("archive")
        write = zips.write_zip if target.suffix == ".zip" else tar.write_tar_gz
        write(target, below(self.stem, self._entries(context)), self.epoch)

    def _entries(self, context: ActionContext) -> Iterator[Member]:
        program = next(output.name for output in self.program.outputs if output.role == _PROGRAM)
        yield Member(program, context.input(self.program, _PROGRAM), executable=True)
        for action, role in ((self.program, _GENERATED), *((action, _PRINTED) for action in self.printed)):
            for name, path in context.needed[action.id].items():
                if name.startswith(f"{role}/"):
                    yield Member(name.removeprefix(f"{role}/"), path)
        yield from third_party.licence_texts_of(context, self.contents)
        for place, name in self.files:
            path = context.project / name
            yield Member(place, path, executable=bool(path.stat().st_mode & 0o100))


KIND = Kind(
    name="program",
    spec=ProgramSpec,
    plan=plan,
    check=check,
    summary="a program in Rust, packed for each target with licences and README",
    unsupported=needs_system,
)
