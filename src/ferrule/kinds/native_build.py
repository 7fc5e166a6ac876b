"""How the kinds that make machine code of a crate compile it and look at what came of it: one way for all of them."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from ferrule.core.model import Compiled
from ferrule.formats import binary, magic, symbol_lists, wasm
from ferrule.kinds import debug_symbols
from ferrule.kinds.base import check_rustflags, environment_of
from ferrule.kinds.linked_code import audit_data as audit
from ferrule.tools import cargo, cargo_builds, dll_linker, macos_sdk, standard_library, wasi_linker, zig

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ferrule.core.facts import BuildIdentity
    from ferrule.core.model import Digest, Target
    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext
    from ferrule.formats.binary import BinaryFacts, Undefined
    from ferrule.formats.system_symbols import SystemSymbols
    from ferrule.kinds.base import CargoSpec
    from ferrule.tools.cargo import NativeBuild, WasmBuild
    from ferrule.tools.cargo_builds import CargoBuild


def lay_out(context: ActionContext, project: Path) -> None:
    """Copy the declared sources, so that a build sees these alone, and none of what other builds left."""
    for file in context.source_files(*context.action.sources):
        copy = project / file.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.path, copy)
        copy.chmod(0o755 if file.executable else 0o644)


class CrateRecipe(Protocol):
    """What a recipe that compiles a crate for one target knows, whatever it makes of it."""

    @property
    def workspace(self) -> str:
        """Folder of the Cargo workspace."""

    @property
    def package(self) -> str:
        """The crate, as `Workspace.package` addresses it."""

    @property
    def platform(self) -> Platform:
        """The target."""

    @property
    def floor(self) -> str | None:
        """The oldest version of the system that it has to run on."""

    @property
    def profile(self) -> str:
        """Cargo's profile."""

    @property
    def features(self) -> tuple[str, ...]:
        """Features that are on."""

    @property
    def default_features(self) -> bool:
        """Whether those that are on by default are."""

    @property
    def rustflags(self) -> tuple[str, ...]:
        """Flags for rustc after those of Cargo's settings."""

    @property
    def env(self) -> tuple[tuple[str, str], ...]:
        """Variables for build scripts and macros."""

    @property
    def auditable(self) -> bool:
        """Whether what is linked holds the list of its crates."""

    @property
    def debug_symbols(self) -> bool:
        """Whether the debug information of what is linked is kept beside it."""

    @property
    def commit(self) -> str:
        """The last commit that touched what is compiled."""


def variables(spec: CargoSpec, target: Target) -> tuple[tuple[str, str], ...]:
    """Variables for build scripts and macros, the SDK of the target among them.

    Raises PlanProblem, also for flags for rustc that may not be stated.
    """
    check_rustflags(spec.rustflags)
    sdk = {macos_sdk.VARIABLE: target.sdk} if target.sdk else {}
    return environment_of({**sdk, **spec.env})


def compile_crate(
    context: ActionContext,
    recipe: CrateRecipe,
    identity: BuildIdentity,
    *,
    types: tuple[str, ...] = (),
    program: str | None = None,
    soname: str | None = None,
    version_script: tuple[Path, Digest] | None = None,
    resolves_all: bool = False,
    of_host: Mapping[str, str] | None = None,
) -> CargoBuild:
    """Build the library of a crate, or a program of it, and report what was read; raises BuildError.

    `identity` is what a build script may compile in: a crate that does not look at these variables is the same anyway.
    `of_host` are variables that say where the program is that will load it, unless the recipe's own say so.
    """
    host, environment, platform = context.site.host, context.site.environment, recipe.platform
    zig.warm_cache(context.toolchain, host.cache, environment)
    workspace = context.project / recipe.workspace
    configured = cargo.configured_flags(context.run, context.toolchain, workspace, platform.triple, environment)
    profile = cargo.debug_profile(workspace, recipe.profile, environment)
    build = cargo.NativeBuild(
        workspace=workspace,
        package=cargo.package_id(workspace, recipe.package),
        platform=platform,
        types=types,
        floor=recipe.floor,
        profile=recipe.profile,
        features=recipe.features,
        default_features=recipe.default_features,
        rustflags=(*configured, *recipe.rustflags),
        remaps=cargo.local_folders(
            context.run, context.toolchain, workspace, context.project, environment, offline=host.offline
        ),
        soname=soname,
        version_script=version_script,
        resolves_all=resolves_all,
        program=program,
        debug_info=None if not recipe.debug_symbols else "profile" if profile.has_debug_info else "lines",
    )
    build = replace(build, sysroot=std_sysroot(context, build))
    audit_data = None
    if recipe.auditable and (program or "cdylib" in types):
        compiled = Compiled("", platform.triple, recipe.features, recipe.default_features, recipe.package)
        audit_data = audit.of_build(context, workspace, compiled)
        if platform.is_native:
            build = replace(build, link_object=audit.write_object(context, platform, audit_data))
    zig.write_wrapper(context.toolchain.tool("zig"), host.cache)
    zig.write_link_script(context.toolchain.tool("zig"), host.cache)
    dll_linker.write(host.cache, platform)
    wasi_linker.write(context.toolchain, host.cache, platform)
    command = cargo.native_command(
        context.toolchain,
        build,
        target_folder=context.cache(f"cargo/{platform.triple}"),
        cache=host.cache,
        environment=environment,
        offline=host.offline,
        extra={
            **(of_host or {}),
            **dict(recipe.env),
            **_sdk(context, recipe),
            **_identity_variables(identity, recipe.commit),
        },
    )
    first = zig.prelink(
        *(context.toolchain.tool("zig"), platform, recipe.floor, host.cache, environment, context.acquire_job_token),
        strips=not recipe.debug_symbols or platform.family.object_format == "coff",
    )
    with first:
        cargo_build = cargo_builds.build(
            context.run,
            command,
            context.report_progress,
            cargo_builds.units(build, command, context.toolchain, context.digest_of),
        )
    files, variables = cargo_builds.inputs(cargo_build, workspace, context.project, environment)
    context.file_inputs(files)
    context.env_inputs(variables)
    return replace(cargo_build, audit_data=audit_data, keeps_symbols=profile.keeps_symbols)


def std_sysroot(context: ActionContext, build: NativeBuild | WasmBuild) -> Path | None:
    """The sysroot with the standard library that a build links with; None where the compiler has one for the target.

    Raises BuildError if it cannot be compiled, StorageError if it cannot be kept.
    """
    host, environment = context.site.host, context.site.environment
    recipe = standard_library.recipe(context.toolchain, build, environment, host.cache)
    if recipe is None:
        return None
    return standard_library.sysroot(
        context.run,
        context.toolchain,
        recipe,
        cache=host.cache,
        environment=environment,
        offline=host.offline,
        look=context.digest_of,
        say=context.report_progress,
    )


def take(context: ActionContext, recipe: CrateRecipe, cargo_build: CargoBuild, file: Path, target: Path) -> None:
    """Copy a file that was linked, without its debug information where that is kept beside it.

    WebAssembly gets the list of its crates here, as a section that changes nothing else. Raises BuildError, and
    VerificationError if it does not name its crates, or nothing can be read beside it.
    """
    linked = context.folder / "linked" / target.name if recipe.debug_symbols else target
    linked.parent.mkdir(exist_ok=True)
    cargo_build.take(file, linked, context.digest_of)
    if recipe.debug_symbols:
        debug_symbols.separate(context, linked, target, recipe.platform, keeps_symbols=cargo_build.keeps_symbols)
    if cargo_build.audit_data is not None:
        content = target.read_bytes()
        if content.startswith(magic.WASM):
            target.write_bytes(wasm.with_custom_section(content, audit.SECTION, cargo_build.audit_data))
        audit.check(target, cargo_build.audit_data, context.action.id)


def _sdk(context: ActionContext, recipe: CrateRecipe) -> dict[str, str]:
    """The SDK of macOS that targets.yaml names, as a variable; its version is an input."""
    path = dict(recipe.env).get(macos_sdk.VARIABLE)
    if path is None:
        return {}
    sdk = macos_sdk.sdk_root(path, context.project, where=context.action.id)
    context.file_inputs([sdk / "SDKSettings.json"])
    return {macos_sdk.VARIABLE: str(sdk)}


def _identity_variables(identity: BuildIdentity, commit: str) -> dict[str, str]:
    return {f"FERRULE_{name.upper()}": value for name, value in {**identity.values(), "commit": commit}.items()}


def undefined_symbols(
    measured: BinaryFacts, recipe: CrateRecipe, context: ActionContext, host_symbols: tuple[str, ...] = ()
) -> tuple[Undefined, ...]:
    """Symbols that the loader would not find at the declared floor, but for those by which `host_symbols` begin.

    These are of the program that loads the file.
    """
    system = system_symbols(recipe.platform, context)
    if system is None:
        return ()
    return binary.undefined(
        measured, system, floor=recipe.floor, host_defines=lambda name: name.lstrip("_").startswith(host_symbols)
    )


def system_symbols(platform: Platform, context: ActionContext) -> SystemSymbols | None:
    """What the system of a target defines, as zig lists it; None where no file is linked with less than that."""
    if platform.family.object_format in {"coff", "wasm"}:
        return None
    return symbol_lists.read(zig.symbol_list(context.toolchain.tool("zig"), platform), platform)
