"""Scoop manifests: a file of JSON by which Scoop installs a program's archive on Windows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, Output
from ferrule.core.section import Field
from ferrule.kinds.base import Context, Kind, NamedDigest, PlanProblem, Spec
from ferrule.kinds.packed_program import (
    URL_DESCRIPTION,
    URL_EXAMPLES,
    DownloadUrl,
    PackedProgram,
    ProgramRef,
    download_url,
    needs_of,
    one_for_each,
    packed_programs,
    stem,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext

_ARCHITECTURES: Final = {"x86_64": "64bit", "x86": "32bit", "aarch64": "arm64"}
"""Scoop's names of machines, by Zig's (Scoop's wiki, "App Manifests", "architecture")."""


class ScoopSpec(Spec):
    """A manifest of a program's archives for Windows, for a bucket."""

    kind: Literal["scoop"]
    program: ProgramRef = Field(description="The program to install.")
    url: DownloadUrl = Field(description=URL_DESCRIPTION, examples=URL_EXAMPLES)
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", examples=["demo"])] | None = Field(
        default=None, description="Name of the manifest; by default that of the archives."
    )


def plan(spec: ScoopSpec, context: Context) -> list[Action]:
    """One manifest for all targets; raises PlanProblem where the project lacks what Scoop asks of a manifest."""
    project = context.project
    url = download_url(spec.url, project.version)
    programs = one_for_each(packed_programs(spec.program, context), lambda one: _architecture(one.platform))
    if not programs:
        return []
    about = {"homepage": project.homepage, "license": project.license}
    for key, value in about.items():
        if not value:
            raise PlanProblem("kind", f"a manifest of Scoop needs a {key}", f"write {key} under project")
    file = f"{spec.name or stem(programs, project.version)}.json"
    return [
        Action(
            id=context.artifact,
            artifact=context.artifact,
            kind="scoop",
            recipe=ScoopManifest(
                version=project.version,
                url=url,
                programs=programs,
                description=project.description,
                homepage=project.homepage or "",
                license=project.license or "",
            ),
            outputs=(Output(file, "scoop-manifest", file if context.ship else None),),
            needs=needs_of(programs),
        )
    ]


def _architecture(platform: Platform) -> str:
    return _ARCHITECTURES[platform.architecture.name]


@dataclass(frozen=True, slots=True)
class ScoopManifest:
    """Write the manifest, with the digests of the archives."""

    version: str
    url: str
    programs: tuple[PackedProgram, ...]
    description: str | None
    homepage: str
    license: str

    def make(self, context: ActionContext) -> None:
        """Write the manifest; Scoop writes alternatives of licences with a bar (its wiki, "license")."""
        document = {
            "version": self.version,
            **({"description": self.description} if self.description else {}),
            "homepage": self.homepage,
            "license": "|".join(self.license.split(" OR ")) if "(" not in self.license else self.license,
            "architecture": {
                _architecture(program.platform): {
                    "url": f"{self.url}/{program.file}",
                    "hash": program.digest(context).hex,
                    "extract_dir": program.folder,
                }
                for program in self.programs
            },
            "bin": self.programs[0].executable,
        }
        text = json.dumps(document, indent=4, ensure_ascii=False)
        context.output("scoop-manifest").write_text(text + "\n", encoding="utf-8")


def named_digests(text: str) -> Iterator[NamedDigest]:
    """The archives that a manifest takes, with their digests. Raises what reading a damaged document raises."""
    document: Any = json.loads(text)
    for row in document["architecture"].values():
        yield NamedDigest(str(row["url"]).rpartition("/")[2], str(row["hash"]))


def _unsupported(platform: Platform) -> str | None:
    if platform.system == "windows" and platform.architecture.name in _ARCHITECTURES:
        return None
    return f"Scoop is for Windows, and this is {platform.title}"


KIND = Kind(
    name="scoop",
    spec=ScoopSpec,
    plan=plan,
    summary="a Scoop manifest of a program's archives for Windows",
    unsupported=_unsupported,
    packs=False,
    named_digests=named_digests,
)
