"""Provenance: an in-toto statement about every file in dist/, with what it was made from, how and by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Literal
from urllib.parse import quote

from ferrule import __version__
from ferrule.core import facts
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, Digest, Output
from ferrule.core.safe_files import FILE
from ferrule.formats import intoto
from ferrule.kinds.base import Builder, Context, Kind, Spec
from ferrule.toolchain import find

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.core.model import Json, Tool
    from ferrule.engine.context import ActionContext

NAME: Final = "provenance.intoto.jsonl"

BUILD_TYPE: Final = "urn:ferrule:release:v1"
"""What `externalParameters` and the rest mean: docs/how-to/provenance.md says it."""

LOCAL: Final = "urn:ferrule:builder:local"
"""The builder where a person builds; whoever believes the statement believes that person."""


class ProvenanceSpec(Spec):
    """An in-toto statement with SLSA v1 provenance about all other files of dist/ but the manifest, which lists it."""

    kind: Literal["provenance"]


def plan(_: ProvenanceSpec, context: Context) -> list[Action]:
    """One action that needs all others."""
    planned, project = tuple(context.planned), context.project
    lock = f"{context.workspace.folder}/Cargo.lock".removeprefix("./") if context.workspace.locked else None
    return [
        Action(
            id=context.artifact,
            artifact=context.artifact,
            kind="provenance",
            recipe=Provenance(
                project=project.name,
                release=project.version,
                commit=project.checked_out,
                dirty=project.dirty,
                builder=project.builder,
                epoch=project.epoch,
                lock=lock,
                targets=tuple(dict.fromkeys(a.target for a in planned if a.target)),
                shipped_files=tuple((a.id, o.name, o.ships, o.folder) for a in planned for o in a.outputs if o.ships),
                ferrule=__version__,
            ),
            outputs=(Output(NAME, "provenance", NAME),),
            needs=tuple(a.id for a in planned),
            sources=(FILE, *([lock] if lock else [])),
            tools=tuple(sorted({tool for action in planned for tool in action.tools})),
        )
    ]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Write the statement; `shipped_files` are (action, output, path in dist/, whether it is a folder)."""

    testifies: ClassVar[bool] = True  # of the run itself: no statement that comes from elsewhere stands in for it

    project: str
    release: str
    commit: str | None
    dirty: bool | None
    builder: Builder | None
    epoch: int
    lock: str | None
    targets: tuple[str, ...]
    shipped_files: tuple[tuple[str, str, str, bool], ...]
    ferrule: str

    def make(self, context: ActionContext) -> None:
        """Hash every file again, from its content, and name all that went into them."""
        builder = self.builder or Builder(LOCAL)
        configuration: Json = {"name": FILE, "digest": _sha256(Digest.of_file(context.project / FILE).hex)}
        predicate: Json = {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "project": self.project,
                    "release": self.release,
                    "targets": list(self.targets),
                    "configuration": configuration,
                },
                "internalParameters": {"epoch": self.epoch},
                "resolvedDependencies": list(self._dependencies(context)),
            },
            "runDetails": {
                "builder": {"id": builder.id, "version": {"ferrule": self.ferrule}},
                **({"metadata": {"invocationId": builder.invocation}} if builder.invocation else {}),
            },
        }
        statement = intoto.write_statement(dict(self._subjects(context)), intoto.PROVENANCE, predicate)
        context.output("provenance").write_bytes(statement)

    def _subjects(self, context: ActionContext) -> Iterator[tuple[str, Digest]]:
        """Digest of every shipped file by path, and of each image's index, by which registries and clusters name it."""
        for action, output, shipped, folder in self.shipped_files:
            for name, path in context.needed[action].items():
                if name == output:
                    yield shipped, Digest.of_file(path)
                elif folder and name.startswith(f"{output}/"):
                    yield shipped + name.removeprefix(output), Digest.of_file(path)
            if folder and (image := context.recorded(action).of(facts.ImageFacts)):
                yield shipped, Digest.parse(image.index)

    def _dependencies(self, context: ActionContext) -> Iterator[Json]:
        if self.commit:
            source = self.builder.source if self.builder else None
            yield {
                "name": "source",
                **({"uri": source} if source else {}),
                "digest": {"gitCommit": self.commit},
                **({"annotations": {"dirty": True}} if self.dirty else {}),
            }
        if self.lock:
            content = (context.project / self.lock).read_bytes()
            yield {"name": self.lock, "digest": _sha256(Digest.of(content).hex)}
            yield from _crates(content.decode())
        yield from _unique(_used(context))
        if context.action.tools:
            for name in context.action.tools:
                yield _tool(context.toolchain.tool(name))


def _sha256(hexadecimal: str) -> Json:
    return {"sha256": hexadecimal}


def _crates(lock: str) -> Iterator[Json]:
    """Crates of Cargo.lock that were fetched; those of the workspace are in the source."""
    import tomllib  # noqa: PLC0415 - 2 ms, which planning does not wait for

    for package in tomllib.loads(lock).get("package", ()):
        if package.get("checksum"):
            uri = f"pkg:cargo/{package['name']}@{quote(package['version'], safe='')}"
            yield {"uri": uri, "digest": _sha256(package["checksum"])}


def _used(context: ActionContext) -> Iterator[dict[str, Json]]:
    """Packages, images and modules that the actions recorded as used."""
    for action in context.facts_of:
        recorded = context.recorded(action)
        if base := recorded.of(facts.BaseLayerFacts):
            for package in base.packages:
                version = quote(package.version, safe="")
                uri = f"pkg:deb/debian/{package.name}@{version}?arch={package.architecture}"
                yield {"uri": uri, "digest": _sha256(package.sha256)}
        if std := recorded.of(facts.StandardLibraryFacts):
            for crate in std.standard_library:
                yield {"uri": crate.uri, "digest": _sha256(crate.sha256)}
        if pulled := recorded.of(facts.PulledImageFacts):
            name, _, digest = pulled.image.partition("@")
            yield {"uri": f"oci://{name}", "digest": _sha256(Digest.parse(digest).hex)}
        if program := recorded.of(facts.GoProgramFacts):
            for path, version in program.modules.items():
                yield {"uri": f"pkg:golang/{path}@{quote(version, safe='')}"}


def _unique(resources: Iterator[dict[str, Json]]) -> list[Json]:
    by_uri = {str(resource["uri"]): resource for resource in resources}
    return [by_uri[uri] for uri in sorted(by_uri)]


def _tool(tool: Tool) -> Json:
    digest = find.published(tool)
    return {
        "name": tool.name,
        "uri": f"pkg:generic/{quote(tool.name)}@{quote(tool.version, safe='')}"
        if tool.version
        else f"tool:{tool.name}",
        **({"digest": _sha256(digest)} if digest else {}),
        "annotations": {"identity": tool.identity},
    }


KIND = Kind(
    name="provenance",
    spec=ProvenanceSpec,
    plan=plan,
    summary="where all of it comes from: an in-toto statement with SLSA v1 provenance",
    last=3,
    packs=False,
)
