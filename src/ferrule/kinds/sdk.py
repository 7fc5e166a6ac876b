"""C SDKs: one archive a target with libraries, header, pkg-config file, CMake package and licences; relocatable."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

from ferrule.core import facts, header_files
from ferrule.core.errors import BuildError, VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, ActionInterface, Output
from ferrule.core.section import Field, Section
from ferrule.formats import deflate, tar
from ferrule.formats import zip as zips
from ferrule.formats.archive_member import Member, check_folded, checked_name, in_order
from ferrule.kinds.base import (
    IMPORT_LIBRARY,
    ArtifactRef,
    Context,
    Kind,
    PlanProblem,
    ProjectPath,
    RelativePath,
    Spec,
    needs_machine,
)
from ferrule.kinds.linked_code import third_party

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext


_PACKAGE = r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}"
_VERSION = r"[0-9][0-9A-Za-z.+~_-]{0,63}"
_Flag = Annotated[str, Field(pattern=r"^-[A-Za-z][^\x00-\x20\x7f\"'`\\#;|&<>]{0,255}$")]
_Requirement = Annotated[
    str, Field(pattern=rf"^{_PACKAGE}( (=|!=|<|>|<=|>=) {_VERSION})?$", examples=["glib-2.0 >= 2.66"])
]


class PkgConfigSection(Section):
    """What the pkg-config file says besides where library and headers are (pc(5))."""

    name: Annotated[str, Field(pattern=rf"^{_PACKAGE}$")] | None = Field(
        default=None,
        description="Name by which pkg-config finds it, and of the file; by default the library's.",
        examples=["demo-2.0"],
    )
    version: Annotated[str, Field(pattern=rf"^{_VERSION}$")] | None = Field(
        default=None, description="Version that others ask for; by default that of the library.", examples=["2.0"]
    )
    cflags: tuple[_Flag, ...] = Field(
        default=(),
        description="More options for the compiler; ${includedir} is the folder of the headers.",
        examples=[["-I${includedir}/demo-2.0", "-DDEMO_SHARED"]],
    )
    requires: tuple[_Requirement, ...] = Field(
        default=(), description="Packages whose headers these include.", examples=[["glib-2.0 >= 2.66"]]
    )
    requires_private: tuple[_Requirement, ...] = Field(
        default=(), description="Packages that the static library is linked with.", examples=[["zlib"]]
    )


class SdkSpec(Spec):
    """What a C or C++ program needs to link against a library."""

    kind: Literal["sdk"]
    library: Annotated[str, ArtifactRef(("library",))] = Field(description="The library to pack.")
    header: Annotated[str, ArtifactRef(("header",))] = Field(description="The header to pack.")
    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.+-]{0,63}$", examples=["demo-c"])] | None = Field(
        default=None, description="Stem of the archive's name; by default <project>-c."
    )
    pkg_config: PkgConfigSection | None = Field(
        default=None,
        description="What the pkg-config file says (pc(5)): requires-private is what the static library needs, "
        "${includedir} in cflags the folder of the headers.",
        examples=[{"name": "demo-2.0", "cflags": ["-I${includedir}/demo-2.0"], "requires": ["glib-2.0 >= 2.66"]}],
    )
    files: dict[str, Annotated[RelativePath, ProjectPath("file")]] = Field(
        default_factory=dict, description="More files: path in the archive and path in the project."
    )


def plan(spec: SdkSpec, context: Context) -> list[Action]:
    """One archive a target that the library is made for."""
    return [action for target in context.targets for action in _actions(spec, context, target.triple)]


def check(spec: SdkSpec, context: Context) -> Iterator[PlanProblem]:
    """Paths of `files` that no archive can hold, two that would be one file, and what pkg-config would replace."""
    if "${" in (context.project.description or ""):
        message = "the description holds ${, which pkg-config takes for the beginning of a variable"
        yield PlanProblem("kind", message, "write another `description` in `project`")
    members: list[Member] = []
    for path in spec.files:
        try:
            members.append(Member(checked_name(path), b""))
        except VerificationError as error:
            yield PlanProblem(("files", path), error.message, "write a path below the archive's folder")
    try:
        check_folded(in_order(members))
    except BuildError as error:
        yield PlanProblem("files", error.message, error.hint)


def _actions(spec: SdkSpec, context: Context, triple: str) -> list[Action]:
    library = context.action_for(spec.library, triple)
    header = context.action_for(spec.header, triple)
    if library is None or header is None:
        raise PlanProblem(
            "library" if library is None else "header",
            f"{spec.library if library is None else spec.header} is not made for {triple}",
            "narrow `targets` here, or widen them there",
        )
    if header.id not in library.needs:
        raise PlanProblem(
            "header",
            f"{spec.library} does not name {spec.header}, so nobody compares what it declares with the library",
            f"write `header: {spec.header}` at {spec.library}",
        )
    if not context.project.license_files:
        raise PlanProblem(
            "kind",
            "an SDK carries the licence, and this project names no licence file",
            "add `license-files: [LICENSE]` to `project`",
        )
    project = context.project
    _check_names(spec, library, header)
    contents = third_party.inside(context, [library])
    stem = f"{spec.name or project.name + '-c'}-{project.version}-{triple}"
    platform = context.platforms[triple]
    name = f"{stem}{platform.family.archive_suffix}"
    action = Action(
        id=f"{context.artifact}@{triple}",
        artifact=context.artifact,
        kind="sdk",
        target=triple,
        recipe=CSdk(
            stem=stem,
            platform=platform,
            library=library.interface,
            header=header.interface,
            version=library.interface.trait("version"),
            description=project.description or project.name,
            homepage=project.homepage,
            license_files=project.license_files,
            files=tuple(sorted(spec.files.items())),
            epoch=project.epoch,
            pkg_config=PkgConfig.of(spec.pkg_config),
            contents=third_party.interfaces(contents),
        ),
        outputs=(Output(name, "archive", name if context.ship else None),),
        needs=(library.id, header.id, *(action.id for action in contents)),
        sources=(*project.license_files, *spec.files.values()),
    )
    return third_party.following(context, contents, action)


def _check_names(spec: SdkSpec, library: Action, header: Action) -> None:
    """Raise PlanProblem for a file in the place of what every SDK holds, or below such a file."""
    name = library.interface.trait("library")
    headers = {f"{header_files.FOLDER}/{output.name}" for output in header.outputs if not output.folder}
    libraries = {f"lib/{output.name}" for output in library.outputs if not output.folder}
    folders = {header_files.FOLDER, "lib", "lib/pkgconfig", "lib/cmake", f"lib/cmake/{name}", "share", "share/licenses"}
    for path in spec.files:
        above = {path[:end] for end, character in enumerate(path) if character == "/"}
        if taken := sorted(({path} & (headers | libraries | folders)) | (above & (headers | libraries))):
            raise PlanProblem(
                ("files", path), f"the SDK has {taken[0]} of its own", "leave it out, or put it somewhere else"
            )


@dataclass(frozen=True, slots=True)
class PkgConfig:
    """What a project says of its pkg-config file; None is what follows from the library."""

    name: str | None = None
    version: str | None = None
    cflags: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    requires_private: tuple[str, ...] = ()

    @classmethod
    def of(cls, section: PkgConfigSection | None) -> PkgConfig:
        """Those of a section, if there is one."""
        if section is None:
            return cls()
        return cls(section.name, section.version, section.cflags, section.requires, section.requires_private)


@dataclass(frozen=True, slots=True)
class CSdk:
    """Pack one target's SDK; `version` is that of the library, which may be of another release than the archive."""

    stem: str
    platform: Platform
    library: ActionInterface
    header: ActionInterface
    version: str
    description: str
    homepage: str | None
    license_files: tuple[str, ...]
    files: tuple[tuple[str, str], ...]
    epoch: int
    pkg_config: PkgConfig = PkgConfig()
    compressor: str = deflate.COMPRESSOR
    contents: tuple[ActionInterface, ...] = ()

    def make(self, context: ActionContext) -> None:
        """Write the archive, with one folder at its top."""
        entries = [self._below(entry) for entry in self._entries(context)]
        target = context.output("archive")
        write = zips.write_zip if target.suffix == ".zip" else tar.write_tar_gz
        write(target, entries, self.epoch)

    def _below(self, entry: Member) -> Member:
        return Member(f"{self.stem}/{entry.name}", entry.source, entry.executable, entry.link)

    def _entries(self, context: ActionContext) -> list[Member]:
        platform, name, abi = self.platform, self.library.trait("library"), self.library.trait("abi")
        private = [*facts.LibraryFacts.from_json(context.facts_of[self.library.id], self.library.id).link]
        headers = {
            file.removeprefix(f"{header_files.FOLDER}/"): path for file, path in context.needed[self.header.id].items()
        }
        entries = [Member(f"{header_files.FOLDER}/{file}", headers[file]) for file in sorted(headers)]
        has_shared = self.library.output("cdylib") is not None
        if has_shared:
            real = platform.soname(name, self.version)
            folder = platform.family.library_folder
            entries.append(Member(f"{folder}/{real}", context.input(self.library, "cdylib"), executable=True))
            entries += [Member(f"lib/{link}", link=real) for link in links(platform, name, abi, self.version)]
        if (linked := self.library.output(IMPORT_LIBRARY)) is not None:
            entries.append(Member(f"lib/{linked.name}", context.input(self.library, IMPORT_LIBRARY)))
        if self.library.output("staticlib") is not None:
            entries.append(Member(f"lib/{platform.staticlib(name)}", context.input(self.library, "staticlib")))
        text = {
            f"lib/pkgconfig/{self.pkg_config.name or name}.pc": pkg_config(name, self, private, shared=has_shared),
            f"lib/cmake/{name}/{name}Config.cmake": cmake_config(name, self, platform, private),
            f"lib/cmake/{name}/{name}ConfigVersion.cmake": cmake_version(self.version),
        }
        entries += [Member(path, content.encode()) for path, content in text.items()]
        entries += [Member(f"share/licenses/{name}/{_base(f)}", context.project / f) for f in self.license_files]
        entries += third_party.licence_texts_of(context, self.contents, f"share/licenses/{name}")
        entries += [Member(path, context.project / file) for path, file in self.files]
        return entries


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def links(platform: Platform, name: str, abi: str, version: str) -> tuple[str, ...]:
    """Names that lead to the real file: the one that programs are linked by, and the one that they load.

    >>> from ferrule.core.platforms import PLATFORMS
    >>> links(PLATFORMS["x86_64-unknown-linux-gnu"], "z", "1", "1.2.3")
    ('libz.so', 'libz.so.1')
    """
    real = platform.soname(name, version)
    names = (platform.cdylib(name), platform.soname(name, abi))
    return tuple(dict.fromkeys(n for n in names if n != real))


def pkg_config(name: str, sdk: CSdk, private: list[str], *, shared: bool) -> str:
    """A pkg-config file that finds itself (pcfiledir), so that the archive works wherever it is unpacked."""
    linked, platform = f"-L${{libdir}} -l{name}", sdk.platform
    if platform.family.links_by_file:
        linked = f"${{libdir}}/{platform.import_library(name) if shared else platform.staticlib(name)}"
    own, others, stated = linked, " ".join(private), sdk.pkg_config
    return "\n".join(
        [
            "prefix=${pcfiledir}/../..",
            "libdir=${prefix}/lib",
            "includedir=${prefix}/include",
            "",
            f"Name: {stated.name or name}",
            f"Description: {_plain(sdk.description)}",
            *([f"URL: {_plain(sdk.homepage)}"] if sdk.homepage else []),
            f"Version: {stated.version or sdk.version}",
            *([f"Requires: {', '.join(stated.requires)}"] if stated.requires else []),
            *([f"Requires.private: {', '.join(stated.requires_private)}"] if stated.requires_private else []),
            f"Libs: {own}" + ("" if shared or not others else f" {others}"),
            *([f"Libs.private: {others}"] if shared and others else []),
            " ".join(["Cflags: -I${includedir}", *stated.cflags]),
            "",
        ]
    )


def _plain(text: str) -> str:
    """A text in which nothing begins a comment (pc(5), "File syntax")."""
    return text.replace("#", "\\#")


def cmake_config(name: str, sdk: CSdk, platform: Platform, private: list[str]) -> str:
    """A CMake package with the imported targets <name>::<name> (shared) and <name>::static (cmake-packages(7))."""
    abi = sdk.library.trait("abi")
    lines = [
        f'get_filename_component(_{name}_root "${{CMAKE_CURRENT_LIST_DIR}}/../../.." ABSOLUTE)',
    ]
    include = f'INTERFACE_INCLUDE_DIRECTORIES "${{_{name}_root}}/include"'
    static = (
        f'IMPORTED_LOCATION "${{_{name}_root}}/lib/{platform.staticlib(name)}"\n    {include}\n    '
        f'INTERFACE_LINK_LIBRARIES "{";".join(private)}"'
    )
    if sdk.library.output("cdylib") is not None:
        root = f"${{_{name}_root}}"
        properties = [
            f'IMPORTED_LOCATION "{root}/{platform.family.library_folder}/{platform.soname(name, sdk.version)}"'
        ]
        if linked := platform.import_library(name):
            properties.append(f'IMPORTED_IMPLIB "{root}/lib/{linked}"')
        else:
            properties.append(f'IMPORTED_SONAME "{platform.reference(platform.soname(name, abi))}"')
        lines += [
            f"if(NOT TARGET {name}::{name})",
            f"  add_library({name}::{name} SHARED IMPORTED)",
            f"  set_target_properties({name}::{name} PROPERTIES",
            *(f"    {line}" for line in properties),
            f"    {include})",
            "endif()",
        ]
    if sdk.library.output("staticlib") is not None:
        lines += [
            f"if(NOT TARGET {name}::static)",
            f"  add_library({name}::static STATIC IMPORTED)",
            f"  set_target_properties({name}::static PROPERTIES\n    {static})",
            "endif()",
        ]
        if sdk.library.output("cdylib") is None:
            lines += [
                f"if(NOT TARGET {name}::{name})",
                f"  add_library({name}::{name} INTERFACE IMPORTED)",
                f"  set_target_properties({name}::{name} PROPERTIES INTERFACE_LINK_LIBRARIES {name}::static)",
                "endif()",
            ]
    return "\n".join([*lines, f"unset(_{name}_root)", ""])


def cmake_version(version: str) -> str:
    """CMake's version file: compatible is what SemVer calls so (cmake-packages(7), "Package Version File")."""
    plain = re.split(r"[-+]", version, maxsplit=1)[0]
    major, minor = [*plain.split("."), "0"][:2]
    same = [f"PACKAGE_FIND_VERSION_MAJOR EQUAL {major}"]
    if major == "0":
        same.append(f"PACKAGE_FIND_VERSION_MINOR EQUAL {minor}")
    return "\n".join(
        [
            f'set(PACKAGE_VERSION "{plain}")',
            "set(PACKAGE_VERSION_COMPATIBLE FALSE)",
            f"if({' AND '.join(same)} AND NOT PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION)",
            "  set(PACKAGE_VERSION_COMPATIBLE TRUE)",
            "endif()",
            "if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)",
            "  set(PACKAGE_VERSION_EXACT TRUE)",
            "endif()",
            "",
        ]
    )


KIND = Kind(
    name="sdk",
    spec=SdkSpec,
    plan=plan,
    summary="a C SDK a target: libraries, header, pkg-config, CMake, licences",
    unsupported=needs_machine,
    check=check,
)
