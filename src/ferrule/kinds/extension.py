"""Extension modules of CPython, built by cibuildwheel in images of the PyPA: one abi3 wheel a target, read back.

What cibuildwheel gives back is not shipped as it is: it is packed again by the writer of all other wheels, so that the
same members make the same bytes, under the name that the plan has promised.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Annotated, Final, Literal

from ferrule.core import facts
from ferrule.core.errors import BuildError, ConfigError, NetworkError, ToolchainError, VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, Compiled, Machine, Output
from ferrule.core.section import Field
from ferrule.core.toml_file import parse, position
from ferrule.formats import binary, deflate, magic
from ferrule.formats import wheel as wheel_format
from ferrule.formats import zip as zips
from ferrule.formats.archive_member import Member
from ferrule.kinds import native_build
from ferrule.kinds.base import (
    Context,
    CrateRef,
    Kind,
    PlanProblem,
    ProjectPath,
    RelativePath,
    Spec,
    no_wheel,
    python_checks,
    python_project,
    required_floor,
)
from ferrule.tools import cibuildwheel, container, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ferrule.core.model import Target
    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext
    from ferrule.formats.binary import BinaryFacts
    from ferrule.formats.wheel import WheelFacts

_MODULES: Final = "extension"
"""Role and name of the folder with the compiled files, as they stand in the wheel."""

_ABI3: Final = ".abi3.so"
_OF_PYTHON: Final = re.compile(r"_?Py[A-Z_]")
_RUSTC: Final = re.compile(rb"rustc version (\d+\.\d+\.\d+)")
_ON_A_MAC: Final = Machine("macos", "cibuildwheel makes wheels for macOS on a Mac only")


class ExtensionSpec(Spec):
    """A Python package with an extension module, as built with PyO3, for CPython's stable interface (abi3)."""

    kind: Literal["extension"]
    crate: Annotated[str, CrateRef(("cdylib",))] = Field(description="The crate of the extension module.")
    source: Annotated[RelativePath, ProjectPath("folder")] | None = Field(
        default=None, description="Folder with pyproject.toml; by default the crate's own."
    )
    reads: tuple[Annotated[RelativePath, ProjectPath("either")], ...] = Field(
        default=(),
        description="Files and folders besides the package and the Cargo workspace that the build reads: nothing else "
        "of the project is there in the image.",
        examples=[["rust"]],
    )
    image: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9.:_/-]{0,254}@)?sha256:[0-9a-f]{64}$")] | None = Field(
        default=None,
        description="An image of your own to build in on Linux, by digest; by default the one that cibuildwheel has "
        "for the target's glibc.",
    )


def plan(spec: ExtensionSpec, context: Context) -> list[Action]:
    """One action a target, which makes the wheel and takes the compiled files out of it."""
    crate = context.crate(spec.crate)
    source = spec.source or crate.folder
    manifest = f"{source}/pyproject.toml".removeprefix("./")
    text = context.read_text(manifest)
    project = python_project(text, manifest, context.project.version)
    features, default_features = _features(text, manifest)
    package = _Package(
        source=source,
        name=project["name"],
        version=context.project.version,
        python=_oldest_python(project.get("requires-python"), manifest),
        commit=context.project.commit,
        license_files=context.project.license_files,
        epoch=context.project.epoch,
    )
    workspace = context.workspace
    # All crates, though the module may need one only: Cargo reads no workspace of which a member is missing.
    rust = (path for name in workspace.crates for path in workspace.sources(name))
    sources = tuple(dict.fromkeys((source, *rust, *spec.reads, *context.project.license_files)))
    return [
        _extension(
            context,
            package,
            target,
            sources,
            Compiled(spec.crate, target.triple, features, default_features, context.workspace.package(spec.crate)),
        )
        for target in context.targets
    ]


def check(spec: ExtensionSpec, context: Context) -> Iterator[PlanProblem]:
    """The package's own problems, and a PyO3 that is not built for the stable interface."""
    crate = context.crate(spec.crate)
    source = spec.source or crate.folder
    yield from python_checks(source, context)
    try:
        text = context.read_text(crate.manifest)
        maturin = context.read_text(f"{source}/pyproject.toml".removeprefix("./"))
        # A feature counts wherever it stands: Cargo unites those of a crate, of what it needs and of the workspace.
        files = (context.workspace.manifest, *(other.manifest for other in context.workspace.closure(spec.crate)))
        manifests = "".join(context.read_text(file) for file in dict.fromkeys(files))
    except ConfigError:
        return  # planning gives this problem
    if "pyo3" in crate.dependencies and not re.search(r"""["'/]abi3(-py3[0-9]+)?["']""", manifests + maturin):
        yield PlanProblem(
            "crate",
            f"{spec.crate} builds PyO3 for one version of Python only, and the wheel promises the stable interface",
            'add the feature: pyo3 = { version = "…", features = ["abi3-py311"] }, as old as requires-python',
            position(text, crate.manifest, ("dependencies", "pyo3")),
        )


def _features(text: str, file: str) -> tuple[tuple[str, ...], bool]:
    """What maturin builds the crate with: Cargo features, and whether those by default (Maturin, "Configuration")."""
    tools = parse(text.encode(), file, "file", "correct it").get("tool", {})
    maturin = tools.get("maturin", {}) if isinstance(tools, dict) else None
    features = maturin.get("features", []) if isinstance(maturin, dict) else None
    if not isinstance(maturin, dict) or not isinstance(features, list):
        raise PlanProblem("source", f"{file} has a [tool.maturin] that maturin would refuse", "correct it")
    return tuple(map(str, features)), maturin.get("no-default-features") is not True


def _oldest_python(requires: object, file: str) -> str:
    """The tag of the oldest Python that the package says it is for: `cp311` for >=3.11."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - 11 ms

    try:
        bounds = [s.version.split(".") for s in SpecifierSet(str(requires)) if s.operator in {">=", "~=", "=="}]
    except InvalidSpecifier:
        bounds = []
    versions = [b for b in bounds if len(b) > 1 and b[0] == "3" and b[1].isdigit()]
    if not versions:
        raise PlanProblem(
            "source",
            f"{file} does not say which Python is the oldest that the extension is for",
            'write requires-python = ">=3.11" under [project]; the wheel serves that one and all newer ones',
        )
    return f"cp3{max(int(b[1]) for b in versions)}"


@dataclass(frozen=True, slots=True)
class _Package:
    source: str
    name: str
    version: str
    python: str
    commit: str
    license_files: tuple[str, ...]
    epoch: int
    compressor: str = deflate.COMPRESSOR


def _extension(
    context: Context, package: _Package, target: Target, sources: tuple[str, ...], compiled: Compiled
) -> Action:
    platform = context.platforms[target.triple]
    floor, in_image = required_floor(target, platform), platform.oci is not None
    tags = tuple(f"{package.python}-abi3-{tag}" for tag in wheel_format.platform_tags(platform, floor))
    name = wheel_format.wheel_file_name(package.name, package.version, tags)
    own = context.spec_for(target.triple)
    image = own.image if isinstance(own, ExtensionSpec) else None
    return Action(
        id=f"{context.artifact}@{target.triple}",
        artifact=context.artifact,
        kind="extension",
        target=target.triple,
        recipe=Extension(
            package=package,
            platform=platform,
            floor=floor,
            image=(image or cibuildwheel.image_for(wheel_format.parse_floor(floor))) if in_image else None,
            tags=tags,
        ),
        outputs=(
            Output(_MODULES, _MODULES, folder=True),
            Output(name, "wheel", name if context.ship else None),
        ),
        sources=sources,
        tools=(cibuildwheel.NAME, *([container.NAME] if in_image else []), "zig"),
        traits=(("purl", wheel_format.wheel_purl(package.name, package.version, name)),),
        compiles=compiled,
        machine=None if in_image else _ON_A_MAC,
    )


@dataclass(frozen=True, slots=True)
class Extension:
    """Let cibuildwheel make one target's wheel, measure what is inside, and pack it again."""

    package: _Package
    platform: Platform
    floor: str
    image: str | None
    tags: tuple[str, ...]

    def make(self, context: ActionContext) -> None:
        """Build; raises ToolchainError on a machine that cannot, NetworkError, BuildError, VerificationError."""
        self._check_machine(context)
        project = context.folder / "project"
        _lay_out(context, project)
        context.report_progress(f"building in {self.image or 'macOS'}")
        wheel = self._built(context, project)
        self._check_tags(wheel_format.read_wheel(wheel), context)
        wheel_format.rewrite_wheel(
            wheel,
            context.output("wheel"),
            name=self.package.name,
            version=self.package.version,
            tags=self.tags,
            licenses=[Member(f.rpartition("/")[2], context.project / f) for f in self.package.license_files],
            epoch=self.package.epoch,
        )
        self._take_out(context)

    def _check_machine(self, context: ActionContext) -> None:
        host = context.site.host
        if self.image is None and host.system != "Darwin":
            raise ToolchainError(
                f"this machine is {host.system}, and {_ON_A_MAC.why}",
                where=context.action.id,
                hint="make it in a shard on a Mac (ferrule matrix names one), or narrow `targets` of the artifact",
            )
        if host.offline:
            raise NetworkError(
                "cibuildwheel fetches images and build backends, and no network may be used",
                where=context.action.id,
                hint="run this action once without --offline; its result is kept",
            )

    def _built(self, context: ActionContext, project: Path) -> Path:
        """The one wheel that came out."""
        output, toolchain = context.folder / "made", context.toolchain
        variables = {
            "FERRULE_FINGERPRINT": context.fingerprint.hex,
            "FERRULE_COMMIT": self.package.commit,
            **cibuildwheel.remapped_crates(None if self.image else context.site.host.environment),
        }
        if self.image is None and context.site.host.environment.get("CI"):
            # Only there does cibuildwheel install the interpreter on a Mac, as that is for root.
            variables["CI"] = "true"
        command = cibuildwheel.command(
            toolchain.tool(cibuildwheel.NAME),
            build=cibuildwheel.identifier(self.package.python, self.platform),
            package=project / self.package.source,
            project=project,
            output=output,
            variables=variables,
            engine=toolchain.tool(container.NAME) if self.image else None,
            image=self.image,
            macos=None if self.image else self.floor,
            epoch=self.package.epoch,
        )
        try:
            context.run(command)
        except run.ToolFailed as failed:
            raise cibuildwheel.explain(failed, self.package.source) from failed
        wheels = sorted(output.glob("*.whl"))
        if len(wheels) != 1:
            names = ", ".join(wheel.name for wheel in wheels) or "none"
            raise BuildError(f"cibuildwheel was to make one wheel, and made: {names}", where=self.package.source)
        return wheels[0]

    def _check_tags(self, wheel: WheelFacts, context: ActionContext) -> None:
        """The wheel must be for the stable interface, and for machines as old as the floor says."""
        interfaces = sorted({tag.rpartition("-")[0] for tag in wheel.tags})
        expected = f"{self.package.python}-abi3"
        if interfaces != [expected]:
            number = self.package.python.removeprefix("cp")
            raise VerificationError(
                f"the wheel is for {', '.join(interfaces)}, not for {expected}",
                where=context.action.id,
                hint=f"build for the stable interface (PyO3: feature abi3-py{number}), or correct requires-python",
            )
        oldest = wheel_format.oldest_platform(wheel.tags)
        if oldest is None or oldest > wheel_format.parse_floor(self.floor):
            platforms = ", ".join(sorted({tag.rpartition("-")[2] for tag in wheel.tags}))
            raise VerificationError(
                f"the wheel is for {platforms}, and the target's floor is {self.floor}",
                where=context.action.id,
                hint="build in an older image, or raise the target's floor; what is linux_… was not repaired",
            )

    def _take_out(self, context: ActionContext) -> None:
        """Keep every compiled file of the wheel beside it, measured, so that each has a digest and facts."""
        measured: dict[str, BinaryFacts] = {}
        compilers: set[str] = set()
        for entry in zips.read_zip(context.output("wheel")):
            content = entry.read() if entry.regular else b""
            if not content.startswith(magic.NATIVE):
                continue
            measured[entry.name] = binary.measure(content, where=entry.name)
            compilers |= {match.decode() for match in _RUSTC.findall(content)}
            path = context.output(_MODULES) / entry.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self._check(measured, context)
        built = facts.ExtensionFacts(self.image or None, min(compilers) if len(compilers) == 1 else None)
        compiled = {name: binary.summary(file) for name, file in measured.items()}
        context.record_facts(facts.Facts((facts.BuildIdentity(context.fingerprint.hex), built), compiled))

    def _check(self, measured: dict[str, BinaryFacts], context: ActionContext) -> None:
        checked = {n: binary.check(f, platform=self.platform, floor=self.floor) for n, f in measured.items()}
        problems = [f"{name}: {problem}" for name, sentences in checked.items() for problem in sentences]
        problems += self._undefined(measured, context)
        modules = [f for n, f in measured.items() if n.endswith(_ABI3)]
        if not any(export.startswith("PyInit_") for facts in modules for export in facts.exports):
            problems.append(f"it holds no extension module: no *{_ABI3} that exports PyInit_…")
        if problems:
            raise VerificationError(
                "the wheel does not match its declaration:\n" + "\n".join(f"  - {p}" for p in problems),
                where=f"{context.action.artifact} for {self.platform.triple}",
                hint="correct the package or what targets.yaml declares; nothing was shipped",
            )

    def _undefined(self, measured: dict[str, BinaryFacts], context: ActionContext) -> Iterator[str]:
        """Symbols that nothing defines where Python loads the files; a DLL is never linked with any."""
        system = native_build.system_symbols(self.platform, context)
        if system is None:
            return
        for name, file in measured.items():
            # Python itself has loaded all parts of the C library, and defines what begins with its name.
            undefined = binary.undefined(
                file,
                system,
                floor=self.floor,
                host_defines=lambda symbol: _OF_PYTHON.match(symbol) is not None,
                host_loads=system.libraries,
            )
            yield from (f"{name}: {symbol.problem}" for symbol in undefined)


def _lay_out(context: ActionContext, project: Path) -> None:
    """Copy the declared sources, so that the image holds these alone, and none of what other builds left."""
    for file in context.source_files(*context.action.sources):
        copy = project / file.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.path, copy)
        copy.chmod(0o755 if file.executable else 0o644)


def _unsupported(platform: Platform) -> str | None:
    if platform.floor_name is None:
        return f"no image or machine of cibuildwheel's is known for {platform.title}"
    return no_wheel(platform)


KIND = Kind(
    name="extension",
    spec=ExtensionSpec,
    plan=plan,
    summary="Python wheels with an extension module of CPython, built by cibuildwheel",
    unsupported=_unsupported,
    check=check,
)
