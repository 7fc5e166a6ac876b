"""Python wheels around an already built library (py3-none-<platform>), and the source distribution beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from ferrule.core.errors import BuildError
from ferrule.core.model import Action, ActionInterface, Output
from ferrule.core.toml_file import parse
from ferrule.formats import deflate, wheel
from ferrule.formats.archive_member import Member
from ferrule.kinds.base import (
    ArtifactRef,
    Context,
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

if TYPE_CHECKING:
    from ferrule.engine.context import ActionContext

NATIVE = "_native"
"""Name of the folder, inside the Python package, that holds the library and what the loader needs to know of it."""

_OUTPUTS = frozenset({"dist", "build"})


class WheelSpec(Spec):
    """A Python package whose loader opens the native library that the wheel carries."""

    kind: Literal["wheel"]
    library: Annotated[str, ArtifactRef(("library",))] = Field(description="The library to pack.")
    source: Annotated[RelativePath, ProjectPath("folder")] = Field(
        description="Folder with pyproject.toml (its [project] table gives the metadata) and the package under src/."
    )
    package: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")] | None = Field(
        default=None, description="Import name of the package; by default the only folder in src/."
    )
    sdist: bool = Field(default=True, description="Whether a source distribution, with the crate inside, is made too.")


def plan(spec: WheelSpec, context: Context) -> list[Action]:
    """One wheel a target, and the source distribution."""
    manifest = f"{spec.source}/pyproject.toml"
    project = python_project(context.read_text(manifest), manifest)
    name = project["name"]
    package = _package(context, spec)
    common = _Common(
        source=spec.source,
        package=package,
        name=name,
        version=context.project.version,
        license_files=context.project.license_files,
        epoch=context.project.epoch,
    )
    actions = [_wheel(context, spec, common, triple) for triple in (t.triple for t in context.targets)]
    if spec.sdist and actions:
        actions.append(_sdist(context, common))
    return actions


@dataclass(frozen=True, slots=True)
class _Common:
    source: str
    package: str
    name: str
    version: str
    license_files: tuple[str, ...]
    epoch: int
    compressor: str = deflate.COMPRESSOR


def _package(context: Context, spec: WheelSpec) -> str:
    packages = context.folders(f"{spec.source}/src")
    if spec.package in packages:
        return spec.package
    if spec.package is not None:
        raise PlanProblem(
            "package",
            f"there is no package {spec.package!r} in {spec.source}/src",
            f"there are: {', '.join(packages)}" if packages else "make the folder, with an __init__.py in it",
        )
    if len(packages) != 1:
        raise PlanProblem(
            "source",
            f"{spec.source}/src holds {len(packages)} packages",
            "name the one that loads the library with `package`",
        )
    return packages[0]


def _wheel(context: Context, spec: WheelSpec, common: _Common, triple: str) -> Action:
    library = context.action_for(spec.library, triple)
    if library is None or library.interface.output("cdylib") is None:
        raise PlanProblem(
            "library", f"{spec.library} makes no cdylib for {triple}", "narrow `targets` here, or widen them there"
        )
    target, platform = next(t for t in context.targets if t.triple == triple), context.platforms[triple]
    tags = tuple(f"py3-none-{tag}" for tag in wheel.platform_tags(platform, required_floor(target, platform)))
    name = wheel.wheel_file_name(common.name, common.version, tags)
    return Action(
        id=f"{context.artifact}@{triple}",
        artifact=context.artifact,
        kind="wheel",
        target=triple,
        recipe=Wheel(common=common, library=library.interface, tags=tags),
        outputs=(Output(name, "wheel", name if context.ship else None),),
        needs=(library.id,),
        sources=(common.source, *common.license_files),
        traits=(("purl", wheel.wheel_purl(common.name, common.version, name)),),
    )


def _sdist(context: Context, common: _Common) -> Action:
    name = wheel.sdist_file_name(common.name, common.version)
    # All crates, though the library may need one only: Cargo reads no workspace of which a member is missing.
    workspace = context.workspace
    sources = tuple(dict.fromkeys(s for crate in workspace.crates for s in workspace.sources(crate)))
    return Action(
        id=f"{context.artifact}@sdist",
        artifact=context.artifact,
        kind="wheel",
        recipe=Sdist(common=common, workspace=context.workspace.folder, rust=sources),
        outputs=(Output(name, "sdist", name if context.ship else None),),
        sources=tuple(dict.fromkeys((common.source, *common.license_files, *sources))),
    )


@dataclass(frozen=True, slots=True)
class Wheel:
    """Pack the package and one target's library."""

    common: _Common
    library: ActionInterface
    tags: tuple[str, ...]

    def make(self, context: ActionContext) -> None:
        """Write the wheel; raises BuildError for metadata that no index would accept."""
        common = self.common
        files = _files(context, f"{common.source}/src")
        soname = self.library.output("cdylib")
        library = soname.name if soname else ""
        facts = context.facts_of[self.library.id]
        constants = {"LIBRARY": library, "VERSION": common.version, **_identity(facts)}
        generated = {
            "__init__.py": '"""What this wheel carries; written when it was packed."""\n\n'
            + "".join(f'{name}: str = "{value}"\n' for name, value in constants.items()),
        }
        entries = [
            *files,
            *(Member(f"{common.package}/{NATIVE}/{n}", text.encode()) for n, text in generated.items()),
            Member(f"{common.package}/{NATIVE}/{library}", context.input(self.library, "cdylib"), executable=True),
        ]
        wheel.write_wheel(
            context.output("wheel"),
            name=common.name,
            version=common.version,
            tags=self.tags,
            metadata=metadata(context.project / common.source, common),
            entries=entries,
            licenses=[Member(f.rpartition("/")[2], context.project / f) for f in common.license_files],
            epoch=common.epoch,
        )


def _identity(facts: Any) -> dict[str, str]:  # noqa: ANN401 - facts are JSON
    return {n: str(facts[k]) for n, k in (("FINGERPRINT", "fingerprint"), ("INTERFACE", "interface")) if facts.get(k)}


@dataclass(frozen=True, slots=True)
class Sdist:
    """Pack the package and the sources of the crate, so that its build backend can build the library."""

    common: _Common
    workspace: str
    rust: tuple[str, ...]

    def make(self, context: ActionContext) -> None:
        """Write the source distribution; the Cargo workspace lies in `rust/`."""
        common, prefix = self.common, "" if self.workspace == "." else f"{self.workspace}/"
        entries = {e.name: e for e in _files(context, common.source) if e.name.split("/")[0] not in _OUTPUTS}
        for source in context.source_files(*self.rust):
            name = f"rust/{source.name.removeprefix(prefix)}"
            entries[name] = Member(name, Path(source.path))
        for file in common.license_files:
            entries.setdefault(file.rpartition("/")[2], Member(file.rpartition("/")[2], context.project / file))
        wheel.write_sdist(
            context.output("sdist"),
            name=common.name,
            version=common.version,
            metadata=metadata(context.project / common.source, common),
            entries=list(entries.values()),
            epoch=common.epoch,
        )


def _files(context: ActionContext, folder: str) -> list[Member]:
    """All source files below a folder without what Python leaves behind."""
    files = ((file.name.removeprefix(f"{folder}/"), file) for file in context.source_files(folder))
    return [Member(name, Path(file.path), executable=file.executable) for name, file in files if _is_packed(name)]


def _is_packed(name: str) -> bool:
    *folders, file = name.split("/")
    return not file.endswith(".pyc") and NATIVE not in folders


def metadata(source: Path, common: _Common) -> str:
    """METADATA and PKG-INFO from pyproject.toml's [project] table (PyPA "Core metadata", "pyproject.toml").

    Raises BuildError with the backend's own explanation.
    """
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression  # noqa: PLC0415 - 11 ms
    from packaging.version import Version  # noqa: PLC0415 - 11 ms
    from pyproject_metadata import ConfigurationError, StandardMetadata  # noqa: PLC0415 - 57 ms

    document = parse((source / "pyproject.toml").read_bytes(), f"{common.source}/pyproject.toml", "file", "correct it")
    project = dict(document["project"])
    project["dynamic"] = [d for d in project.get("dynamic", []) if d != "version"]
    project["version"] = common.version
    # The licence files are the project's, not the folder's; their names are written as they lie in the distribution.
    project.pop("license-files", None)
    try:
        if isinstance(project.get("license"), str):
            project["license"] = canonicalize_license_expression(project["license"])
        standard = StandardMetadata.from_pyproject({**document, "project": project}, source, metadata_version="2.4")
    except (ConfigurationError, InvalidLicenseExpression) as error:
        raise BuildError(
            f"the [project] table cannot be used: {error}", where=f"{common.source}/pyproject.toml"
        ) from error
    standard.version = Version(common.version)
    text = str(standard.as_rfc822())
    names = [f.rpartition("/")[2] for f in common.license_files]
    head, separator, body = text.partition("\n\n")
    return head + "".join(f"\nLicense-File: {name}" for name in names) + (separator or "\n\n") + body


KIND = Kind(
    name="wheel",
    spec=WheelSpec,
    plan=plan,
    summary="Python wheels around a native library, and the source distribution",
    unsupported=no_wheel,
    check=lambda spec, context: python_checks(spec.source, context),
)
