"""A crate as Cargo packs it for a registry, of the sources that Git has and of nothing else that lies there.

Cargo packs a copy that is in no repository: the commit would be written into the file otherwise, so that the same
sources made other bytes after every commit. Provenance and manifest name the commit.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from ferrule.core.errors import BuildError, VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, Output
from ferrule.core.section import Field
from ferrule.core.toml_file import parse, position
from ferrule.formats.crate import read_crate
from ferrule.kinds.base import HOLDS_NO_CODE, Context, CrateRef, Kind, PlanProblem, Spec
from ferrule.kinds.native_build import lay_out
from ferrule.tools import cargo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.engine.context import ActionContext

_ROLE: Final = "crate"
_TOGETHER: Final = (1, 90)
"""The first Cargo that packs crates together of which one needs another ("cargo package", `--workspace`)."""


class CrateSpec(Spec):
    """A crate of the workspace as Cargo packs it, for a registry of crates."""

    kind: Literal["crate"]
    crate: Annotated[str, CrateRef(library=False)] = Field(description="The crate.")
    verify: bool = Field(
        default=True,
        description="Whether Cargo compiles, on this machine, what it has packed, as `cargo publish` does.",
    )


def plan(spec: CrateSpec, context: Context) -> list[Action]:
    """One action, which packs the crate together with those of the workspace that it needs."""
    crate, workspace = context.crate(spec.crate), context.workspace
    for problem in check(spec, context):
        raise problem
    together = [c.name for c in workspace.closure(spec.crate) if c.name == spec.crate or _may_publish(c.name, context)]
    # All crates, though it may need one only: Cargo reads no workspace of which a member is missing.
    folders = (path for name in workspace.crates for path in workspace.sources(name))
    sources = tuple(dict.fromkeys((*folders, *(path for name in together for path in _texts(name, context)))))
    file = f"{crate.name}-{crate.version}.crate"
    return [
        Action(
            id=context.artifact,
            artifact=context.artifact,
            kind="crate",
            recipe=CrateRecipe(
                workspace=workspace.folder,
                name=crate.name,
                version=crate.version,
                packages=tuple(workspace.package(name) for name in sorted(together)),
                verify=spec.verify,
            ),
            outputs=(Output(file, _ROLE, file if context.ship else None),),
            sources=sources,
            tools=("rustc", "cargo"),
            traits=((HOLDS_NO_CODE, "yes"), ("purl", f"pkg:cargo/{crate.name}@{crate.version}")),
        )
    ]


def check(spec: CrateSpec, context: Context) -> Iterator[PlanProblem]:
    """A crate that its manifest keeps from being published, or whose version is not the artifact's."""
    crate = context.crate(spec.crate)
    if not _may_publish(spec.crate, context):
        text = context.read_text(crate.manifest)
        where = position(text, crate.manifest, ("package", "publish"))
        yield PlanProblem("crate", f"{spec.crate} has publish = false", "remove that, or the artifact", where)
    if spec.version is not None and spec.version != crate.version:
        hint = f"remove `version` from {context.artifact}"
        yield PlanProblem("version", f"Cargo packs {spec.crate} as version {crate.version}", hint)


def _stated(name: str, key: str, context: Context) -> tuple[Any, str]:
    """What the manifest of a crate says of its package, and the folder from which paths in it count."""
    crate, workspace = context.crate(name), context.workspace
    value = parse(context.read_text(crate.manifest).encode(), crate.manifest)["package"].get(key)
    if not isinstance(value, dict):
        return value, crate.folder
    root = parse(context.read_text(workspace.manifest).encode(), workspace.manifest)
    return root.get("workspace", {}).get("package", {}).get(key), workspace.folder


def _may_publish(name: str, context: Context) -> bool:
    value, _ = _stated(name, "publish", context)
    return value is not False and value != []


def _texts(name: str, context: Context) -> Iterator[str]:
    """Readme and licence file of a crate, which may lie outside its folder."""
    for key in ("readme", "license-file"):
        value, folder = _stated(name, key, context)
        if isinstance(value, str) and not (path := posixpath.normpath(f"{folder}/{value}")).startswith(("../", "/")):
            yield path


@dataclass(frozen=True, slots=True)
class CrateRecipe:
    """Let Cargo pack a crate, and read what came of it.

    `packages` are it and the crates of the workspace that it needs, as `Workspace.package` addresses them: Cargo looks
    for these in what it packs as well as in the registry.
    """

    workspace: str
    name: str
    version: str
    packages: tuple[str, ...]
    verify: bool

    def make(self, context: ActionContext) -> None:
        """Write the crate; raises BuildError where Cargo cannot, VerificationError for one of another name."""
        project = context.folder / "project"
        lay_out(context, project)
        tool = context.toolchain.tool("cargo")
        if len(self.packages) > 1 and _numbers(tool.version) < _TOGETHER:
            raise BuildError(
                f"{self.name} needs other crates of the workspace, and Cargo {tool.version} packs each alone",
                where=context.action.id,
                hint=f"write rust: {'.'.join(map(str, _TOGETHER))} or newer under `toolchain`",
            )
        folder = context.folder / "target"
        command = cargo.package_command(
            context.toolchain,
            project / self.workspace,
            self.packages,
            context.site.environment,
            target_folder=folder,
            verify=self.verify,
            offline=context.site.host.offline,
        )
        context.report_progress("packing and compiling it" if self.verify else "packing it")
        cargo.packed(context.run, command)
        path = folder / "package" / f"{self.name}-{self.version}.crate"
        package = read_crate(path)
        if (package.name, package.version) != (self.name, self.version):
            raise VerificationError(
                f"Cargo packed {package.name} {package.version}, and promised is {self.name} {self.version}",
                where=context.action.id,
            )
        shutil.copyfile(path, context.output(_ROLE))
        shutil.rmtree(folder)
        shutil.rmtree(project)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", version)[:2])


KIND = Kind(
    name="crate",
    spec=CrateSpec,
    plan=plan,
    summary="a crate as Cargo packs it, for a registry of crates",
    packs=False,
    check=check,
)
