"""Native libraries: a crate's cdylib and staticlib for each target that is a machine, compiled once and measured."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, Annotated, Literal

from ferrule.core import facts
from ferrule.core.errors import VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, Compiled, Digest, Output
from ferrule.core.section import Field
from ferrule.formats import archive_symbols, binary, cxx, header_declarations
from ferrule.formats.import_library import import_library_problems
from ferrule.formats.version_script import parse_version_script, version_problems
from ferrule.kinds import debug_symbols, joined_files, link_script, native_build
from ferrule.kinds.base import (
    IMPORT_LIBRARY,
    ArtifactRef,
    Context,
    CrateRef,
    Kind,
    NativeSpec,
    PlanProblem,
    ProjectPath,
    RelativePath,
    needs_machine,
)
from ferrule.kinds.declared_interface import DeclaredInterface
from ferrule.tools import node_api, zig

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from ferrule.core.model import Target
    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext
    from ferrule.formats.binary import BinaryFacts, Undefined
    from ferrule.kinds.link_script import LinkedElsewhere
    from ferrule.tools.cargo_builds import CargoBuild

LibraryType = Literal["cdylib", "staticlib"]
_OF_NODE = ("napi_", "node_api_")
"""What Node.js itself defines for the addons that it loads (Node.js, "Node-API")."""


class LibrarySpec(NativeSpec):
    """A crate with a C interface, built for each selected target."""

    kind: Literal["library"]
    crate: Annotated[str, CrateRef()] = Field(description="The crate to build, whatever crate types its manifest has.")
    types: tuple[LibraryType, ...] = Field(
        default=("cdylib", "staticlib"), min_length=1, description="Which libraries are made of it."
    )
    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.+-]{0,63}$", examples=["demo"])] | None = Field(
        default=None, description="Name to link by (lib<name>.so); by default the crate's library name."
    )
    abi: Annotated[str, Field(pattern=r"^[0-9]{1,5}(\.[0-9]{1,5}){0,2}$", examples=["1"])] | None = Field(
        default=None,
        description="Number in the soname, raised when the C interface breaks; by default the part of the version that "
        "SemVer lets break: 1 for 1.2.3, 0.1 for 0.1.2.",
    )
    header: Annotated[str, ArtifactRef(("header",))] | None = Field(
        default=None, description="The header that declares its interface, whose fingerprint is compiled in."
    )
    exports: (
        tuple[Annotated[str, Field(pattern=r"^[A-Za-z_*?][A-Za-z0-9_*?.$@]*$", examples=["demo_*"])], ...] | None
    ) = Field(
        default=None,
        description="Globs of the symbols that the cdylib exports; anything else it exports is an error, and so is one "
        "of these that matches nothing.",
    )
    version_script: Annotated[RelativePath, ProjectPath("file")] | None = Field(
        default=None,
        description="A linker's version script, which gives versions to the symbols of the cdylib on ELF targets "
        "(Linux) and hides all others; what comes of it is measured.",
        examples=["demo.map"],
    )
    needs: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_@/][A-Za-z0-9_.+@/-]{0,127}$")], ...] = Field(
        default=(),
        description="Libraries that the cdylib may need at load time, besides those of glibc or macOS itself.",
        examples=[["libssl.so.3"]],
    )


def abi_of(version: str) -> str:
    """The part of a version that a soname carries: what SemVer 2.0.0 (section 4 and 8) lets break at once.

    >>> abi_of("1.4.2"), abi_of("0.3.1"), abi_of("0.0.7")
    ('1', '0.3', '0.0.7')
    """
    numbers: list[str] = re.split(r"[-+]", version, maxsplit=1)[0].split(".")
    major, minor, patch = [*numbers, "0", "0"][:3]
    if major != "0":
        return major
    return f"0.{minor}" if minor != "0" else f"0.0.{patch}"


def plan(_: LibrarySpec, context: Context) -> list[Action]:
    """One action a target. Raises PlanProblem for what says nothing of the libraries that are made."""
    _check_cdylib_keys(context)
    compilations = joined_files.with_joined(
        context,
        lambda target: _compilation(context, target),
        lambda target, part: tuple(
            one if one.folder else _output(context, target, one.name, one.role) for one in part.outputs
        ),
    )
    debug = [
        debug_symbols.archive_of(context, one, f"lib{one.interface.trait('library')}")
        for one in compilations
        if one.interface.output(debug_symbols.FOLDER) is not None
    ]
    return [*(part for one in compilations for part in _split(context, one)), *debug]


def _split(context: Context, compilation: Action) -> tuple[Action, ...]:
    """A compilation, or script and taking where the target is linked elsewhere. Raises PlanProblem."""
    recipe, platform = compilation.recipe, context.platforms[compilation.target or ""]
    if platform.family.linked_on is None or not isinstance(recipe, CargoLibrary):
        return (compilation,)
    if compilation.interface.trait("library") != recipe.library:
        raise PlanProblem(
            "name",
            f"the linker for {platform.triple} names files after the library of the crate, {recipe.library}",
            f"leave `name` out for {platform.triple} under `per-target`, or rename the [lib]",
        )
    return link_script.split(compilation, platform, types=recipe.types, interface=recipe.interface)


def _output(context: Context, target: Target, name: str, role: str) -> Output:
    return Output(name, role, f"lib/{target.triple}/{name}" if context.ship else None)


def _check_cdylib_keys(context: Context) -> None:
    """Raise PlanProblem for keys about the cdylib where no target has one, which would promise what nobody measures."""
    specs = [spec for target in context.targets if isinstance(spec := context.spec_for(target.triple), LibrarySpec)]
    if any("cdylib" in spec.types for spec in specs):
        return
    for spec in specs:
        for key, value in (
            ("exports", spec.exports),
            ("version-script", spec.version_script),
            ("needs", spec.needs),
            ("debug-symbols", spec.debug_symbols),
        ):
            if value:
                hint = "leave it out, or add cdylib to `types`"
                raise PlanProblem(key, f"`{key}` says something of a cdylib, and none is made", hint)


def _compilation(context: Context, target: Target) -> Action:
    spec = context.spec_for(target.triple)
    assert isinstance(spec, LibrarySpec)  # noqa: S101 - for the type checker
    crate, platform = context.crate(spec.crate), context.platforms[target.triple]
    library = crate.library or ""
    name, abi = spec.name or library, spec.abi or abi_of(context.project.version)
    names = {"cdylib": platform.soname(name, abi), "staticlib": platform.staticlib(name)}
    files: list[tuple[str, str]] = [(t, names[t]) for t in spec.types]
    if "cdylib" in spec.types and (linked := platform.import_library(name)):
        files.append((IMPORT_LIBRARY, linked))
    headers = context.actions_of(spec.header) if spec.header else ()
    # Headers that exist are sources here too: a build script may rewrite them after they were copied.
    existing = [source for header in headers if not header.tools for source in header.sources]
    env = native_build.variables(spec, target)
    script = _version_script(spec, context, platform)
    keeps_debug_symbols = spec.debug_symbols and "cdylib" in spec.types
    return Action(
        id=f"{context.artifact}@{target.triple}",
        artifact=context.artifact,
        kind="library",
        target=target.triple,
        recipe=CargoLibrary(
            workspace=context.workspace.folder,
            crate=crate.name,
            library=library,
            types=spec.types,
            platform=platform,
            floor=target.floor(platform.floor_name),
            soname=names["cdylib"],
            profile=spec.profile,
            features=spec.features,
            default_features=spec.default_features,
            exports=spec.exports,
            libraries=spec.needs,
            commit=context.project.commit,
            header=headers[0].id if headers else None,
            env=env,
            package=context.workspace.package(crate.name),
            rustflags=spec.rustflags,
            auditable=spec.auditable,
            version_script=script,
            host_symbols=_OF_NODE if "napi" in crate.packages else (),
            debug_symbols=keeps_debug_symbols,
        ),
        outputs=(
            *(_output(context, target, name, role) for role, name in files),
            *(debug_symbols.outputs(platform) if keeps_debug_symbols else ()),
        ),
        needs=tuple(h.id for h in headers),
        sources=tuple(
            dict.fromkeys(
                (*context.workspace.compiled(crate.name), *spec.reads, *existing, *([script] if script else []))
            )
        ),
        tools=(
            *("rustc", "cargo", f"std-{target.triple}", "zig", "cargo-zigbuild"),
            *(debug_symbols.tools(platform) if keeps_debug_symbols else ()),
        ),
        traits=(("library", name), ("abi", abi), ("version", context.project.version)),
        compiles=Compiled(
            crate.name,
            target.triple,
            spec.features,
            spec.default_features,
            context.workspace.package(crate.name),
            profile=spec.profile,
            env=env,
            rustflags=spec.rustflags,
        ),
    )


def _version_script(spec: LibrarySpec, context: Context, platform: Platform) -> str | None:
    """The version script where the platform has such; raises PlanProblem for one that is not understood."""
    if spec.version_script is None:
        return None
    try:
        parse_version_script(context.read_text(spec.version_script))
    except ValueError as error:
        hint = "see the GNU ld manual, VERSION Command"
        raise PlanProblem("version-script", f"{spec.version_script} cannot be read: {error}", hint) from None
    has_versions = platform.family.object_format == "elf" and "cdylib" in spec.types
    return spec.version_script if has_versions else None


@dataclass(frozen=True, slots=True)
class CargoLibrary:
    """Build a crate with Cargo for one target, take what Cargo says it made, and measure it."""

    workspace: str
    crate: str
    library: str
    types: tuple[LibraryType, ...]
    platform: Platform
    floor: str | None
    soname: str
    profile: str
    features: tuple[str, ...]
    default_features: bool
    exports: tuple[str, ...] | None
    libraries: tuple[str, ...]
    commit: str
    header: str | None
    env: tuple[tuple[str, str], ...]
    package: str
    rustflags: tuple[str, ...]
    version_script: str | None = None
    host_symbols: tuple[str, ...] = ()
    auditable: bool = True
    debug_symbols: bool = False
    linked: LinkedElsewhere | None = None

    @property
    def interface(self) -> DeclaredInterface | None:
        """Its interface, where a header declares one."""
        return DeclaredInterface(self.header, self.platform, self.floor) if self.header else None

    def make(self, context: ActionContext) -> None:
        """Build, copy under the declared names, and refuse what is not as declared."""
        declared: tuple[header_declarations.Declaration, ...] = ()
        if self.linked is not None:
            cargo_build = link_script.build_of(context, self.linked, self.crate, self.types)
            declared = link_script.declarations(context, self.linked)
        else:
            if self.interface is not None:
                zig.warm_cache(context.toolchain, context.site.host.cache, context.site.environment)
                self.interface.compile(context)
            cargo_build = native_build.compile_crate(
                context,
                self,
                self._build_identity(context),
                types=self.types,
                soname=self.soname,
                version_script=self._script(context),
                # The lists of the system's symbols say nothing of other libraries: only the linker has seen those.
                resolves_all=bool(self.libraries),
                of_host=self._node(context) if self.host_symbols else {},
            )
            declared = self.interface.declarations(context) if self.interface else ()
        for kind in self.types:
            self._take(context, kind, cargo_build, declared)
        if context.action.interface.output(IMPORT_LIBRARY) is not None:
            self._take_import_library(context, cargo_build)
        reads = (
            path.relative_to(context.project).as_posix() for path in context.read_files if _is_there(path, context)
        )
        build_facts = facts.LibraryFacts(self._link_options(cargo_build), tuple(reads))
        context.record_facts(facts.Facts((build_facts, self._build_identity(context))))

    def _script(self, context: ActionContext) -> tuple[Path, Digest] | None:
        path = context.project / self.version_script if self.version_script else None
        return (path, Digest.of_file(path)) if path else None

    def _node(self, context: ActionContext) -> Mapping[str, str]:
        """Where Node.js is for the linker."""
        zig_tool, cache = context.toolchain.tool("zig"), context.site.host.cache
        return node_api.import_library(context.run, zig_tool, self.platform, cache, context.site.environment)

    def _link_options(self, cargo_build: CargoBuild) -> tuple[str, ...]:
        """What a static library is linked with; without the C++ library where none of its objects needs one."""
        has_cxx = self.platform.family.cxx_library is not None
        return tuple(option for option in cargo_build.native_libraries if has_cxx or option not in _CXX_OPTIONS)

    def _build_identity(self, context: ActionContext) -> facts.BuildIdentity:
        """Fingerprint of what the library is made of, and of its interface where a header declares one."""
        if self.linked is not None:
            return context.recorded(self.linked.script.id).identity
        interface = context.recorded(self.header).identity.interface if self.header else None
        return facts.BuildIdentity(context.fingerprint.hex, interface)

    def _take(
        self,
        context: ActionContext,
        kind: LibraryType,
        cargo_build: CargoBuild,
        declared: tuple[header_declarations.Declaration, ...],
    ) -> None:
        target = context.output(kind)
        file = cargo_build.file(self.crate, self.platform, kind, self.library)
        if kind == "cdylib":
            native_build.take(context, self, cargo_build, file, target)
        else:
            cargo_build.take(file, target, context.digest_of)
            if self.debug_symbols:
                debug_symbols.strip_archive(context, target, self.platform)
        if kind == "staticlib":
            self._refuse_cxx(target, context)  # before its symbols are reported one by one
        measured = binary.measure(target)
        problems = self.problems(measured, kind)
        objects = archive_symbols.read_objects(target.read_bytes()) if kind == "staticlib" else ()
        exports = frozenset(measured.exports).union(*(one.visible for one in objects))
        if kind == "cdylib":
            undefined = native_build.undefined_symbols(measured, self, context, self.host_symbols)
            problems += self._version_problems(measured, context)
        else:
            roots = self._interface(exports, declared)
            undefined = self._undefined_for_users(archive_symbols.linked(objects, roots), cargo_build, context)
        if self.interface is not None:
            problems += self.interface.problems(exports, declared, context, only_declared=kind == "staticlib")
        if problems or undefined:
            problems += [symbol.problem for symbol in undefined]
            raised = measured.floor.symbols if measured.floor and measured.floor.version > _numbers(self.floor) else ()
            problems += self._objects((*raised, *(symbol.symbol for symbol in undefined)), cargo_build)
            raise VerificationError(
                f"{target.name} does not match its declaration:\n" + "\n".join(f"  - {p}" for p in problems),
                where=f"{context.action.artifact} for {self.platform.triple}",
                hint=_hint_of_soname(measured.name, self.soname)
                + "correct the code, what targets.yaml declares"
                + (", or the header (by [defines], [export] exclude in cbindgen.toml)" if self.header else "")
                + "; nothing was shipped",
            )
        context.record_facts(facts.Facts(compiled={kind: binary.summary(measured)}))

    def _take_import_library(self, context: ActionContext, cargo_build: CargoBuild) -> None:
        """Copy what programs are linked with in place of the cdylib; raises VerificationError if it is not of that."""
        target = context.output(IMPORT_LIBRARY)
        cargo_build.take(
            cargo_build.file(self.crate, self.platform, IMPORT_LIBRARY, self.library), target, context.digest_of
        )
        library = context.output("cdylib")
        problems = import_library_problems(
            target.read_bytes(), library.name, binary.measure(library).exports, where=target.name
        )
        if problems:
            raise VerificationError(
                f"{target.name} is not the import library of {library.name}:\n"
                + "\n".join(f"  - {problem}" for problem in problems),
                where=f"{context.action.artifact} for {self.platform.triple}",
                hint="nothing was shipped; does .cargo/config.toml or a build script name another linker?",
            )
        context.record_facts(facts.Facts(compiled={IMPORT_LIBRARY: binary.summary(binary.measure(target))}))

    def _refuse_cxx(self, archive: Path, context: ActionContext) -> None:
        """Refuse C++ that needs zig's own C++ library: no compiler of those who link the archive has that one."""
        problem = cxx_problem(archive.read_bytes(), self.platform)
        if problem:
            raise VerificationError(
                f"{archive.name} {problem}",
                where=f"{context.action.artifact} for {self.platform.triple}",
                hint="leave `staticlib` out of its `types` (the cdylib carries its C++ library inside)",
            )

    def _interface(
        self, visible: Collection[str], declared: tuple[header_declarations.Declaration, ...]
    ) -> Collection[str]:
        """The symbols that users of a static library call: those declared, or exported, or all with a C name."""
        if declared:
            return [one.name for one in declared]
        return self._allowed(visible) or [name for name in visible if not name.startswith("_")]

    def _undefined_for_users(
        self, objects: Iterable[archive_symbols.ObjectSymbols], cargo_build: CargoBuild, context: ActionContext
    ) -> tuple[Undefined, ...]:
        """Symbols that a program with these objects would lack when it is linked as the SDK says."""
        system = native_build.system_symbols(self.platform, context)
        if system is None:
            return ()
        options = self._link_options(cargo_build)
        return binary.undefined(archive_symbols.facts_for_linking(objects, options, system), system, floor=self.floor)

    def problems(self, facts: BinaryFacts, kind: LibraryType) -> list[str]:
        """What is wrong with a library that was measured, as sentences."""
        if kind == "staticlib":
            return binary.check(facts, platform=self.platform, floor=self.floor)
        globs = self.exports or ()
        return [
            *binary.check(
                facts,
                platform=self.platform,
                floor=self.floor,
                name=self.platform.reference(self.soname),
                libraries=(*self.libraries, *([node_api.HOST] if self.host_symbols else [])),
                exports_allowed=self._allowed(facts.exports),
            ),
            *(f"no exported symbol matches `{g}`" for g in globs if not fnmatch.filter(facts.exports, g)),
        ]

    def _version_problems(self, facts: BinaryFacts, context: ActionContext) -> list[str]:
        """What of the exported symbols is not as the version script says."""
        if self.version_script is None:
            return []
        nodes = parse_version_script((context.project / self.version_script).read_text(encoding="utf-8"))
        return version_problems(nodes, facts.export_versions)

    def _objects(self, symbols: tuple[str, ...], cargo_build: CargoBuild) -> Iterator[str]:
        """Which objects use the symbols: those of the static library, or where none is made of all crates' archives."""
        if "staticlib" in self.types:
            archives = [cargo_build.file(self.crate, self.platform, "staticlib", self.library)]
        else:
            archives = [path for one in cargo_build.built for path in one.files if path.suffix == ".rlib"]
        users: dict[str, list[str]] = {}
        for archive in archives if symbols else ():
            for symbol, names in binary.objects_that_import(archive.read_bytes(), symbols).items():
                users.setdefault(symbol, []).extend(names)
        for symbol, objects in users.items():
            more = f" and {len(objects) - 3} more" if len(objects) > 3 else ""  # noqa: PLR2004 - enough to find them
            yield f"{symbol} is used by {', '.join(objects[:3])}{more}"

    def _allowed(self, exports: Collection[str]) -> set[str] | None:
        """Those of the exported names that targets.yaml allows; None where it says nothing."""
        if self.exports is None:
            return None
        return {name for glob in self.exports for name in fnmatch.filter(exports, glob)}


def cxx_problem(archive: bytes, platform: Platform) -> str | None:
    """What C++ in a static library needs that no compiler of those who link it has, or None."""
    symbols = {} if platform.family.cxx_library is not None else cxx.undefined_cxx(archive)
    if not symbols:
        return None
    symbol, name = next(iter(symbols.items()))
    more = f" and {len(symbols) - 1} more" if len(symbols) > 1 else ""
    return (
        f"holds C++ that needs the libc++ of zig ({symbol} in {name}{more}), which the compilers of "
        f"{platform.family.title} do not have, so it cannot be linked"
    )


_CXX_OPTIONS = frozenset({"-lc++", "-lc++abi", "-lstdc++"})


def _numbers(version: str | None) -> tuple[int, ...]:
    return tuple(int(number) for number in (version or "").split(".") if number)


def _hint_of_soname(name: str | None, soname: str) -> str:
    """What to do where a build script gives the library another name: empty where the name is right.

    >>> _hint_of_soname("libdemo.so.7", "libdemo.so.1")
    'remove the option from build.rs, or write abi: "7"; '
    """
    stem = soname.rpartition(".so.")[0]
    if name is None or not stem or name == soname or not name.startswith(f"{stem}.so."):
        return ""
    return f'remove the option from build.rs, or write abi: "{name.removeprefix(f"{stem}.so.")}"; '


def _is_there(path: Path, context: ActionContext) -> bool:
    """Whether a path that was read is a file or folder of the project; some are only looked for."""
    return path.is_relative_to(context.project) and path.exists()


KIND = Kind(
    name="library",
    spec=LibrarySpec,
    plan=plan,
    summary="native libraries (cdylib, staticlib) of a crate, one set a target",
    unsupported=needs_machine,
)
