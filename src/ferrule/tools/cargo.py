"""Cargo: the command lines of every build, and its settings."""

from __future__ import annotations

import json
import os
import re
import shlex
import tomllib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from ferrule.core.cargo_config import included, read_settings
from ferrule.core.cargo_profile import DebugProfile, read_debug_profile, read_dependency_profile
from ferrule.core.cargo_workspace import read_workspace
from ferrule.core.errors import ConfigError
from ferrule.core.model import Digest
from ferrule.tools import cargo_failures, dll_linker, wasi_linker
from ferrule.tools.command import Command, Runner
from ferrule.tools.run import ToolFailed
from ferrule.tools.zig import LINK_MARK, LINK_OBJECT, link_script
from ferrule.tools.zig import cache_folder as zig_cache
from ferrule.tools.zig import wrapper as zig_wrapper

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ferrule.core.model import Tool
    from ferrule.core.platforms import Platform
    from ferrule.core.toolchain import Toolchain

_WASM = "wasm32-unknown-unknown"
_SEPARATOR = "\x1f"  # of CARGO_ENCODED_RUSTFLAGS ("The Cargo Book", Environment variables)
_PLAIN = "/~+@!$&'()*,;=:[]|"
"""Characters that stand as they are in the path of a URL (URL Standard, "path percent-encode set")."""
_NOWHERE = "/nonexistent/python"
_DECIDING = ("build", "env", "host", "profile", "target", "unstable")
"""Tables of Cargo's settings that can change what a compiler makes ("Configuration")."""


@dataclass(frozen=True, slots=True)
class NativeBuild:
    """A native library or program to build: which package of which workspace, for which target and floor.

    `types` are those of a library; `program` is the binary target that is built in place of the library.
    `soname` is the name a loader asks for: on macOS it becomes the install name `@rpath/<soname>`. `version_script` is
    a file below the folder that holds the workspace, with its digest, by which the linker gives versions to symbols.
    With `resolves_all`
    the linker refuses symbols that no library has which it links with. `remaps` are folders besides the workspace that
    must not show in what is built (`local_folders`). `link_object` is linked into a program or a cdylib besides.
    With `debug_info` what is linked keeps its debug information: line tables, or what the profile asks for. `sysroot`
    holds the standard library, where the compiler has none for the target.
    """

    workspace: Path
    package: str
    platform: Platform
    types: tuple[str, ...] = ()
    floor: str | None = None
    profile: str = "release"
    features: tuple[str, ...] = ()
    default_features: bool = True
    soname: str | None = None
    rustflags: tuple[str, ...] = ()
    version_script: tuple[Path, Digest] | None = None
    resolves_all: bool = False
    remaps: tuple[tuple[str, str], ...] = ()
    program: str | None = None
    link_object: Path | None = None
    debug_info: Literal["lines", "profile"] | None = None
    sysroot: Path | None = None

    @property
    def triple(self) -> str:
        """The target."""
        return self.platform.triple


@dataclass(frozen=True, slots=True)
class WasmBuild:
    """A WebAssembly core module to build from a package, with the standard library of `sysroot` if there is one."""

    workspace: Path
    package: str
    profile: str = "release"
    features: tuple[str, ...] = ()
    default_features: bool = True
    rustflags: tuple[str, ...] = ()
    remaps: tuple[tuple[str, str], ...] = ()
    sysroot: Path | None = None

    @property
    def triple(self) -> str:
        """The target."""
        return _WASM


def package_id(workspace: Path, package: str) -> str:
    """The id by which Cargo knows a crate of a workspace ("Package ID Specifications"), of `Workspace.package`.

    >>> package_id(Path("/w"), "demo-ffi#demo@1.2.3")
    'path+file:///w/demo-ffi#demo@1.2.3'
    """
    folder, _, name = package.rpartition("#")
    path = os.path.normpath(workspace.resolve() / folder)
    return f"path+file://{quote(path, safe=_PLAIN)}#{name}"


def configured_flags(
    run: Runner, toolchain: Toolchain, workspace: Path, triple: str, environment: Mapping[str, str]
) -> tuple[str, ...]:
    """Flags for rustc from Cargo's settings, which Cargo itself drops where it is given others by a variable.

    Raises ConfigError for settings that cannot be read.
    """
    settings = read_settings(workspace, ".", _home(environment))
    cfg: list[str] = []
    if settings.conditions():
        rustc = toolchain.tool("rustc").argv
        cfg = run(Command((*rustc, "--print", "cfg", "--target", triple), environment)).splitlines()
    return settings.rustflags(triple, cfg)


def debug_profile(workspace: Path, profile: str, environment: Mapping[str, str]) -> DebugProfile:
    """What a profile says of debug information; raises ConfigError for settings that cannot be read."""
    return read_debug_profile(workspace, profile, _home(environment))


def std_profile(workspace: Path, profile: str, environment: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What a profile sets for the standard library, each value as TOML; raises ConfigError as `debug_profile`."""
    values = read_dependency_profile(workspace, profile, _home(environment))
    return tuple((key, json.dumps(value)) for key, value in values.items())


def deciding_settings(folder: Path, environment: Mapping[str, str]) -> str:
    """What Cargo's settings for a folder say that decides what is compiled in it, as JSON; empty if it is nothing.

    Raises ConfigError for settings that cannot be read.
    """
    files = read_settings(folder, ".", _home(environment)).files
    tables = [{table: file.values[table] for table in _DECIDING if table in file.values} for file in files]
    return json.dumps(tables, sort_keys=True, default=str) if any(tables) else ""


def _home(environment: Mapping[str, str]) -> Path | None:
    """Cargo's own folder."""
    home = environment.get("CARGO_HOME") or (f"{environment['HOME']}/.cargo" if environment.get("HOME") else None)
    return Path(home) if home else None


def native_command(
    toolchain: Toolchain,
    build: NativeBuild,
    *,
    target_folder: Path,
    cache: Path,
    environment: Mapping[str, str],
    offline: bool = False,
    extra: Mapping[str, str] | None = None,
) -> Command:
    """Build with cargo-zigbuild; the target carries the glibc floor as a suffix (cargo-zigbuild's README).

    For WASI, which cargo-zigbuild refuses, with Cargo and `wasi_linker`.
    """
    platform = build.platform
    cargo = toolchain.tool("cargo" if wasi_linker.serves(platform) else "cargo-zigbuild")
    link = link_options(build)
    native = ["--print", "native-static-libs"] if "staticlib" in build.types else []
    argv = [
        *cargo.argv,
        "rustc",
        *_selection(build, build.program, offline=offline),
        *("--target", platform.zigbuild_target(build.floor)),
        *(["--crate-type", ",".join(build.types)] if build.program is None else []),
        *(["--", *native, *link] if native or link else []),
    ]
    env = native_environment(
        toolchain, build, target_folder=target_folder, cache=cache, environment=environment, extra=extra
    )
    return Command(tuple(argv), env, build.workspace)


def link_options(build: NativeBuild) -> tuple[str, ...]:
    """Options of rustc for the last crate, which is linked: names, versions of symbols, build id, an object besides."""
    platform, is_library = build.platform, "cdylib" in build.types
    defines_all = build.resolves_all and platform.family.object_format == "elf" and is_library
    return (
        *(platform.link_options(build.soname) if build.soname and is_library else ()),
        *_version_script_options(build),
        *(("-C", "link-arg=-Wl,-z,defs") if defines_all else ()),
        *_link_object_options(build),
        *(platform.family.build_id if build.program or is_library else ()),
    )


def native_environment(
    toolchain: Toolchain,
    build: NativeBuild,
    *,
    target_folder: Path,
    cache: Path,
    environment: Mapping[str, str],
    extra: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """What Cargo, compilers and zig as the linker find in their environment, whoever starts Cargo."""
    platform, zig = build.platform, toolchain.tool("zig")
    flags = [*crate_flags(build), *_debug_link_flags(build, zig, cache)]
    return {
        **_environment(toolchain, build, target_folder, environment, flags=flags),
        # Every target has wrapper scripts of its own, so that two builds never write the same one.
        "CARGO_ZIGBUILD_CACHE_DIR": str(target_folder / "zigbuild"),
        # cargo-zigbuild asks a Python for its ziglang first: there must be none, or another zig could be taken.
        "CARGO_ZIGBUILD_PYTHON_PATH": _NOWHERE,
        "CARGO_ZIGBUILD_ZIG_PATH": str(zig_wrapper(cache, zig.version)),
        "ZIG_GLOBAL_CACHE_DIR": str(zig_cache(cache, zig.version, platform.triple)),
        **floor_variables(build),
        **dll_linker.environment(cache, platform, debug_info=build.debug_info is not None),
        **wasi_linker.environment(cache, platform),
        **({LINK_OBJECT: str(build.link_object)} if build.link_object else {}),
        **(extra or {}),
        **_c_flags(
            toolchain, build, target_folder, zig_cache(cache, zig.version, platform.triple), environment, extra or {}
        ),
    }


def crate_flags(build: NativeBuild | WasmBuild) -> list[str]:
    """Flags of rustc for every crate of a build, the standard library included.

    Debug information is asked for by a flag, which is no part of the names of symbols, as are settings of the profile
    and options of the last crate alone: so the code is the same without.
    """
    if isinstance(build, WasmBuild):
        return [*build.rustflags, "-Clinker-flavor=wasm-ld"]
    family = build.platform.family
    own_flags = family.program_rustflags if build.program else family.rustflags
    lines = [f"-Cdebuginfo={family.debug_lines}"] if build.debug_info == "lines" else []
    return [*build.rustflags, *own_flags, *lines]


def floor_variables(build: NativeBuild | WasmBuild) -> dict[str, str]:
    """What tells compilers of the floor that a build has."""
    return {} if isinstance(build, WasmBuild) else dict(build.platform.floor_environment(build.floor))


def _debug_link_flags(build: NativeBuild, zig: Tool, cache: Path) -> list[str]:
    """Flags of rustc by which what is linked keeps its debug information."""
    if build.debug_info is None:
        return []
    kept = {
        "elf": ["-Cstrip=none", "-Clink-arg=-T", f"-Clink-arg={link_script(cache, zig.version)}"],
        # rustc would call whatever dsymutil the PATH has, and then delete the objects that hold the information.
        "macho": ["-Cstrip=none", "-Csplit-debuginfo=unpacked"],
        "coff": ["-Cstrip=symbols"],  # zig's parts are as without, and `dll_linker` keeps the rest
    }
    return kept[build.platform.family.object_format]


def _link_object_options(build: NativeBuild) -> tuple[str, ...]:
    if build.link_object is None:
        return ()
    return ("-C", f"link-arg={LINK_MARK}{Digest.of_file(build.link_object).short}")


def _version_script_options(build: NativeBuild) -> tuple[str, ...]:
    """Options of rustc that name a version script, which zig takes in place of rustc's own, as the last one.

    rustc starts the linker in the workspace's folder, and no folder of this machine may become part of a crate's
    identity, so the name is relative. Cargo does not look at the file: its digest is there to build again.
    """
    if build.version_script is None:
        return ()
    script, digest = build.version_script
    name = os.path.relpath(script, build.workspace)
    return ("-C", f"link-arg=-Wl,--version-script={name}", "--cfg", f'ferrule_version_script="{digest.short}"')


def _c_flags(
    toolchain: Toolchain,
    build: NativeBuild,
    target_folder: Path,
    compiled: Path,
    environment: Mapping[str, str],
    extra: Mapping[str, str],
) -> dict[str, str]:
    """Flags of C and C++ compilers, as the crate cc reads them: no folder of this machine shows in what they make.

    What targets.yaml or Cargo's settings give is repeated: these variables go before it, and older versions of that
    crate take the first alone.
    """
    stated_flags = {**read_settings(build.workspace, ".", _home(environment)).environment(), **extra}
    folders = [
        *build.remaps,
        *remapped(toolchain, build.workspace, target_folder, environment),
        (str(Path(toolchain.tool("zig").argv[0]).parent), "/zig"),
        (str(compiled), "/zig-cache"),
    ]
    maps = [f"-ffile-prefix-map={folder}={name}" for folder, name in folders]
    suffix = build.platform.triple.replace("-", "_")
    # The crate cc goes by the profile alone; for Windows zig's compiler would write CodeView.
    lines = build.platform.family.c_debug_lines if build.debug_info == "lines" else ()
    flags = {}
    for name in ("CFLAGS", "CXXFLAGS"):
        names = (f"{name}_{build.platform.triple}", f"{name}_{suffix}", f"TARGET_{name}", name)
        stated = next((stated_flags[variable] for variable in names if variable in stated_flags), "")
        ours = shlex.join([*build.platform.family.c_flags, *lines, *maps])
        flags[f"{name}_{suffix}"] = f"{ours} {stated}".strip()
    # Only then does the crate cc take quotes for quotes; nobody needs them but for folders with spaces.
    return {**flags, **({"CC_SHELL_ESCAPED_FLAGS": "1"} if any(" " in folder for folder, _ in folders) else {})}


def wasm_command(
    toolchain: Toolchain,
    build: WasmBuild,
    *,
    target_folder: Path,
    environment: Mapping[str, str],
    offline: bool = False,
    extra: Mapping[str, str] | None = None,
) -> Command:
    """Build a core module with wasm-ld; `wasm.component_command` makes a component of it without compiling again."""
    argv = [
        *toolchain.tool("cargo").argv,
        "rustc",
        *_selection(build, offline=offline),
        *("--target", _WASM, "--crate-type", "cdylib"),
    ]
    env = {
        **_environment(toolchain, build, target_folder, environment, flags=crate_flags(build)),
        # The place of a linker goes where Cargo does not make it part of a crate's identity: no byte depends on it.
        "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER": toolchain.tool("wasm-ld").argv[0],
        **(extra or {}),
    }
    return Command(tuple(argv), env, build.workspace)


def fetch_command(toolchain: Toolchain, workspace: Path, environment: Mapping[str, str]) -> Command:
    """Fetch every crate of a workspace's lock file, and of a standard library to be built: later builds go offline."""
    builds_std = "build-std" in toolchain.std.values()
    argv = (*toolchain.tool("cargo").argv, "fetch", "--locked", *(["-Zbuild-std"] if builds_std else []))
    env = {**environment, "RUSTC": toolchain.tool("rustc").argv[0], **({"RUSTC_BOOTSTRAP": "1"} if builds_std else {})}
    return Command(argv, env, workspace)


def metadata(
    run: Runner, toolchain: Toolchain, workspace: Path, environment: Mapping[str, str], *, offline: bool = False
) -> str:
    """What Cargo knows of a workspace, as JSON; raises BuildError. Programs that ask it themselves renew Cargo.lock."""
    argv = (
        *(*toolchain.tool("cargo").argv, "metadata", "--format-version=1", "--all-features", "--locked"),
        *(["--offline"] if offline else []),
    )
    try:
        return run(Command(argv, {**environment, "RUSTC": toolchain.tool("rustc").argv[0]}, workspace))
    except ToolFailed as failed:
        raise cargo_failures.explain_cargo(failed) from failed


def package_command(
    toolchain: Toolchain,
    workspace: Path,
    packages: Iterable[str],
    environment: Mapping[str, str],
    *,
    target_folder: Path,
    verify: bool,
    offline: bool,
) -> Command:
    """Pack crates of a workspace into `package/` of a folder, and compile what was packed (`cargo help package`)."""
    argv = (
        *(*toolchain.tool("cargo").argv, "package", "--locked", *(["--offline"] if offline else [])),
        *(option for package in packages for option in ("--package", package_id(workspace, package))),
        *("--target-dir", str(target_folder), "--allow-dirty", *([] if verify else ["--no-verify"])),
    )
    env = {**environment, "RUSTC": toolchain.tool("rustc").argv[0], "CARGO_TERM_COLOR": "never"}
    return Command(argv, env, workspace)


def packed(run: Runner, command: Command) -> None:
    """Run a `package_command`. Raises BuildError with what Cargo says."""
    try:
        run(command)
    except ToolFailed as failed:
        raise cargo_failures.explain_cargo(failed) from failed


def _selection(build: NativeBuild | WasmBuild, program: str | None = None, *, offline: bool) -> list[str]:
    features = ["--features", ",".join(build.features)] if build.features else []
    return [
        *("--locked", *(["--offline"] if offline else [])),
        *("--package", build.package, *(("--bin", program) if program else ("--lib",)), "--profile", build.profile),
        *([] if build.default_features else ["--no-default-features"]),
        *features,
        "--message-format=json-render-diagnostics",
    ]


def std_command(
    toolchain: Toolchain,
    crate: Path,
    triple: str,
    *,
    profile: str,
    target_folder: Path,
    flags: Sequence[str],
    environment: Mapping[str, str],
    offline: bool,
) -> Command:
    """Compile the standard library of a target, along with an empty crate (The Cargo Book, "build-std")."""
    argv = (
        *(*toolchain.tool("cargo").argv, "build", *(["--offline"] if offline else [])),
        *("--profile", profile, "--target", triple, "-Zbuild-std=std,panic_abort"),
        "--message-format=json-render-diagnostics",
    )
    folders = remapped(toolchain, crate, target_folder, environment)
    env = {
        **_cargo_environment(toolchain, target_folder, environment, folders, flags),
        "CARGO_INCREMENTAL": "0",
        # An unstable ability of Cargo's; what is compiled is the source of the library that others have compiled.
        "RUSTC_BOOTSTRAP": "1",
    }
    return Command(argv, env, crate)


def _environment(
    toolchain: Toolchain,
    build: NativeBuild | WasmBuild,
    target_folder: Path,
    environment: Mapping[str, str],
    *,
    flags: Sequence[str],
) -> dict[str, str]:
    std = build.sysroot
    folders = [
        *build.remaps,
        *remapped(toolchain, build.workspace, target_folder, environment),
        *([(str(std), "/sysroot")] if std else []),
    ]
    at = [f"--sysroot={std}"] if std else []
    return {
        **_cargo_environment(toolchain, target_folder, environment, folders, [*at, *flags]),
        **({} if build.profile == "dev" else {"CARGO_INCREMENTAL": "0"}),
        # For flags that the compiler calls unstable; a build script must not take it for a nightly one otherwise.
        **({"RUSTC_BOOTSTRAP": "1"} if any(flag.startswith("-Z") for flag in flags) else {}),
    }


def _cargo_environment(
    toolchain: Toolchain,
    target_folder: Path,
    environment: Mapping[str, str],
    folders: Sequence[tuple[str, str]],
    flags: Sequence[str],
) -> dict[str, str]:
    return {
        **environment,
        "CARGO": toolchain.tool("cargo").argv[0],
        "RUSTC": toolchain.tool("rustc").argv[0],
        "CARGO_TARGET_DIR": str(target_folder),
        "CARGO_BUILD_BUILD_DIR": str(target_folder),
        "CARGO_ENCODED_RUSTFLAGS": _SEPARATOR.join(
            [*(f"--remap-path-prefix={folder}={name}" for folder, name in folders), *flags]
        ),
        "CARGO_TERM_COLOR": "always",  # for people: logs and what is read here are without
        "CARGO_TERM_PROGRESS_WHEN": "never",
    }


def remapped(
    toolchain: Toolchain, workspace: Path, target_folder: Path, environment: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Folders that must not show in what is built, each with the name written instead; the last that fits counts."""
    home = environment.get("HOME")
    cargo_home = environment.get("CARGO_HOME") or (f"{home}/.cargo" if home else None)
    source = toolchain.sysroot / "lib" / "rustlib" / "src" / "rust"
    commit = re.search(r"commit-hash: (\w+)", toolchain.identity("rustc"))
    std = f"/rustc/{commit[1] if commit else toolchain.tool('rustc').version}"
    pairs = [
        (str(workspace), "/workspace"),
        (str(target_folder), "/target"),
        *([(cargo_home, "/cargo")] if cargo_home else []),
        (str(source), std),
    ]
    real = [(str(Path(path).resolve()), name) for path, name in pairs]
    return list(dict.fromkeys((*pairs, *real)))


def local_folders(
    run: Runner,
    toolchain: Toolchain,
    workspace: Path,
    project: Path,
    environment: Mapping[str, str],
    *,
    offline: bool = False,
) -> tuple[tuple[str, str], ...]:
    """The project around a workspace, and path dependencies outside of it, each with the name written instead.

    Cargo is only asked for those where its lock file has packages by path that are no members.
    """
    folders = [] if workspace.resolve() == project.resolve() else [(project, "/project")]
    members = read_workspace(project, os.path.relpath(workspace, project)).crates
    if any(name not in members for name in _local_names(workspace / "Cargo.lock")):
        packages = json.loads(metadata(run, toolchain, workspace, environment, offline=offline))["packages"]
        local = {one["name"]: Path(one["manifest_path"]).parent for one in packages if one.get("source") is None}
        folders += [
            (folder, f"/packages/{name}")
            for name, folder in sorted(local.items())
            if not folder.is_relative_to(project.resolve()) and not folder.is_relative_to(project)
        ]
    pairs = [*folders, *((folder.resolve(), name) for folder, name in folders)]
    return tuple(dict.fromkeys((str(folder), name) for folder, name in pairs))


def _local_names(lock: Path) -> set[str]:
    """Names of the packages that a lock file has from folders; Cargo itself refuses what cannot be read."""
    try:
        packages = tomllib.loads(lock.read_text(encoding="utf-8")).get("package", [])
        return {package["name"] for package in packages if "source" not in package}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return set()


def settings(workspace: Path, environment: Mapping[str, str]) -> list[Path]:
    """Where Cargo looks for its settings, whether there are any, and what these include ("Configuration")."""
    home = _home(environment)
    folders = [*(parent / ".cargo" for parent in (workspace, *workspace.parents)), *([home] if home else [])]
    paths = [folder / name for folder in dict.fromkeys(folders) for name in ("config.toml", "config")]
    with suppress(ConfigError):  # the build itself says what is wrong with them
        paths += included(workspace, ".", home)
    return paths
