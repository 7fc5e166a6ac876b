"""The parts of targets.yaml that are the same for every kind of artifact: project, toolchain and targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from ferrule.config.ci import RUNNER
from ferrule.core.section import Field, Section
from ferrule.kinds.base import ProjectPath, RelativePath

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ferrule.tools.definition import ToolDefinition

NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
"""Names of projects and artifacts: they become file names, action ids and arguments."""
RELEASE_NAME = r"^(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9]|sha256sums)$)[a-z0-9][a-z0-9-]{0,63}$"
"""A folder of dist/ everywhere: no device of Windows (Microsoft, "Naming Files"), and none of a release's own files."""
VERSION = (
    r"^(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})"
    r"(-[0-9A-Za-z-]{1,32}(\.[0-9A-Za-z-]{1,32}){0,7})?(\+[0-9A-Za-z-]{1,32}(\.[0-9A-Za-z-]{1,32}){0,7})?$"
)
"""A version as SemVer 2.0.0 (section 2, 9 and 10) has it, of bounded length."""
_Folder = Annotated[RelativePath, ProjectPath("folder")]
_TOOLCHAIN = "Versions of the build tools. A shorter version matches every version that begins with it."


class CargoVersion(Section):
    """The version is the one that the Cargo workspace states."""

    cargo: _Folder = Field(description="Folder of the Cargo workspace, or of a crate in it.", examples=["rust", "."])


class ProjectSection(Section):
    """What is released."""

    name: Annotated[str, Field(pattern=NAME)] = Field(
        description="Name of the release: lower-case letters, digits, dots and dashes.", examples=["email-validator"]
    )
    version: Annotated[str, Field(pattern=VERSION)] | CargoVersion = Field(
        description="Version of the release: as SemVer writes it, or {cargo: FOLDER} for that of the Cargo workspace.",
        examples=["1.2.3", {"cargo": "rust"}],
    )
    workspace: _Folder | None = Field(
        default=None,
        description="Folder of the Cargo workspace where `version` does not name it; by default the project's own.",
        examples=["rust"],
    )
    license: Annotated[str, Field(pattern=r"^[A-Za-z0-9(][A-Za-z0-9 .+()-]{0,255}$")] | None = Field(
        default=None,
        description="SPDX expression; by default that of the crates, if they agree.",
        examples=["Apache-2.0", "MIT OR Apache-2.0"],
    )
    description: Annotated[str, Field(min_length=1, max_length=512)] | None = Field(
        default=None,
        description="One sentence; by default that of the crate with the project's name, or of the only one.",
    )
    homepage: (
        Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(/[^\s\"'<>\\`]*)?$")] | None
    ) = Field(
        default=None,
        description="Address of the project; by default that of the crate with the project's name, or the only crate.",
        examples=["https://example.org/email-validator"],
    )
    license_files: tuple[Annotated[RelativePath, ProjectPath("file")], ...] = Field(
        default=(), description="Licence texts that packages carry.", examples=[["LICENSE"]]
    )
    license_texts: dict[
        Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")], Annotated[RelativePath, ProjectPath("file")]
    ] = Field(
        default_factory=dict,
        description="Files with the licence texts of crates that are linked in and bring none, or others than they "
        "should: crate and path in the project.",
        examples=[{"acme-codec": "licenses/acme-codec.txt"}],
    )


def toolchain_section(tools: Mapping[str, ToolDefinition]) -> type[Section]:
    """The section that holds the version of every tool that has a setting."""
    settings = {tool.name.replace("-", "_"): tool for tool in tools.values() if tool.setting}
    annotations = {name: Annotated[str, Field(pattern=tool.pattern)] for name, tool in settings.items()}
    defaults = {name: Field(default=tool.version, description=tool.setting) for name, tool in settings.items()}
    return type("ToolchainSection", (Section,), {"__doc__": _TOOLCHAIN, "__annotations__": annotations, **defaults})


class TargetSection(Section):
    """Settings of a target; an empty mapping is enough."""

    glibc: Annotated[str, Field(pattern=r"^2\.[0-9]{1,2}$")] | None = Field(
        default=None,
        description="Oldest glibc the libraries must run with (…-linux-gnu only): 2.17 to 2.44, which zig knows.",
        examples=["2.17"],
    )
    macos: Annotated[str, Field(pattern=r"^[0-9]{2}\.[0-9]{1,2}$")] | None = Field(
        default=None,
        description="Oldest macOS the libraries must run on (…-apple-darwin only); 11.0 is the first on arm64.",
        examples=["11.0"],
    )
    runner: Annotated[str, Field(pattern=RUNNER)] | None = Field(
        default=None, description="Label of the CI machine that builds it.", examples=["ubuntu-24.04"]
    )
    sdk: Annotated[str, Field(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f\x7f]+$")] | None = Field(
        default=None,
        description="Folder MacOSX.sdk of Apple's, by its path in the project or on the machine, for libraries that "
        "use frameworks (…-apple-darwin only; on a Mac zig finds it).",
        examples=["third-party/MacOSX.sdk"],
    )


class TargetsFile(Section):
    """targets.yaml from far away: its parts, each of which has a section of its own."""

    version: Literal[1] = Field(description="Version of the format; this ferrule reads 1, a newer one may read more.")
    project: dict[str, Any] = Field(description="What is released.")
    toolchain: dict[str, Any] | None = Field(
        default=None,
        description="Versions of the programs that build; by default those that this ferrule was made for.",
    )
    targets: dict[str, Any] = Field(min_length=1, description="Rust target triples, and how each is wanted.")
    artifacts: dict[str, Any] = Field(
        min_length=1, description="What is made, by name; the name is also how artifacts refer to each other."
    )
    releases: dict[str, Any] | None = Field(
        default=None,
        description="Several releases of this repository by name, where it has more than one; each has a version, tag "
        "and changelog of its own.",
    )
    publish: dict[str, Any] | None = Field(
        default=None, description="Where `ferrule publish` brings the release, a row for each destination."
    )
    ci: dict[str, Any] | None = Field(
        default=None, description="What workflows of a CI system are written from; without it they have defaults."
    )
