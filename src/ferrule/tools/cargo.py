"""Cargo: the command lines of every build, and what Cargo says it made."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from ferrule.core.cargo_config import read_settings
from ferrule.core.cargo_workspace import read_workspace
from ferrule.core.errors import BuildError
from ferrule.core.printable import without_colours
from ferrule.tools.build_programs import explain_script
from ferrule.tools.cargo_units import ARTIFACT, SCRIPT, Units, package_name
from ferrule.tools.command import Command
from ferrule.tools.run import ToolFailed
from ferrule.tools.zig import cache_folder as zig_cache
from ferrule.tools.zig import wrapper as zig_wrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ferrule.core.model import Digest
    from ferrule.core.platforms import Platform
    from ferrule.core.toolchain import Toolchain
    from ferrule.tools.cargo_units import Look, Message

EXCERPT_LINES = 40
"""Lines of a compiler's message that a failure shows; the log has all."""

_WASM = "wasm32-unknown-unknown"
_SEPARATOR = "\x1f"  # of CARGO_ENCODED_RUSTFLAGS ("The Cargo Book", Environment variables)
_PLAIN = "/~+@!$&'()*,;=:[]|"
"""Characters that stand as they are in the path of a URL (URL Standard, "path percent-encode set")."""
_NOWHERE = "/nonexistent/python"
# What Cargo sets for build scripts and compilers ("The Cargo Book", Environment variables).
_OF_CARGO = re.compile(
    r"CARGO(_.*)?|DEP_.*|RUSTC(_.*)?|RUSTDOC|RUSTFLAGS|OUT_DIR|TARGET|HOST|NUM_JOBS|OPT_LEVEL|DEBUG|PROFILE|MAKEFLAGS"
)


@dataclass(frozen=True, slots=True)
class LibraryBuild:
    """A native library to build: which package of which workspace, for which target and floor, under which name.

    `soname` is the name a loader asks for: on macOS it becomes the install name `@rpath/<soname>`. `version_script` is
    a file below the folder that holds the workspace, with its digest, by which the linker gives versions to symbols.
    With `resolves_all`
    the linker refuses symbols that no library has which it links with. `remaps` are folders besides the workspace that
    must not show in what is built (`local_folders`).
    """

    workspace: Path
    package: str
    platform: Platform
    types: tuple[str, ...]
    floor: str | None = None
    profile: str = "release"
    features: tuple[str, ...] = ()
    default_features: bool = True
    soname: str | None = None
    rustflags: tuple[str, ...] = ()
    version_script: tuple[Path, Digest] | None = None
    resolves_all: bool = False
    remaps: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class WasmBuild:
    """A WebAssembly core module to build from a package."""

    workspace: Path
    package: str
    profile: str = "release"
    features: tuple[str, ...] = ()
    default_features: bool = True
    rustflags: tuple[str, ...] = ()
    remaps: tuple[tuple[str, str], ...] = ()


def package_id(workspace: Path, package: str) -> str:
    """The id by which Cargo knows a crate of a workspace ("Package ID Specifications"), of `Workspace.package`.

    >>> package_id(Path("/w"), "demo-ffi#demo@1.2.3")
    'path+file:///w/demo-ffi#demo@1.2.3'
    """
    folder, _, name = package.partition("#")
    path = os.path.normpath(workspace.resolve() / folder)
    return f"path+file://{quote(path, safe=_PLAIN)}#{name}"


def configured_flags(
    run: Runner, toolchain: Toolchain, workspace: Path, triple: str, environment: Mapping[str, str]
) -> tuple[str, ...]:
    """Flags for rustc from Cargo's settings, which Cargo itself drops where it is given others by a variable.

    Raises ConfigError for settings that cannot be read.
    """
    home = environment.get("CARGO_HOME") or (f"{environment['HOME']}/.cargo" if environment.get("HOME") else None)
    settings = read_settings(workspace, ".", Path(home) if home else None)
    cfg: list[str] = []
    if settings.conditions():
        rustc = toolchain.tool("rustc").argv
        cfg = run(Command((*rustc, "--print", "cfg", "--target", triple), environment)).splitlines()
    return settings.rustflags(triple, cfg)


def library_command(
    toolchain: Toolchain,
    build: LibraryBuild,
    *,
    target_folder: Path,
    cache: Path,
    environment: Mapping[str, str],
    offline: bool = False,
    extra: Mapping[str, str] | None = None,
) -> Command:
    """Build a library with cargo-zigbuild; the target carries the glibc floor as a suffix (cargo-zigbuild's README)."""
    platform = build.platform
    zigbuild, zig = toolchain.tool("cargo-zigbuild"), toolchain.tool("zig")
    link = platform.link_options(build.soname) if build.soname and "cdylib" in build.types else ()
    link = (*link, *_version_script_options(build))
    if build.resolves_all and platform.family.object_format == "elf" and "cdylib" in build.types:
        link = (*link, "-C", "link-arg=-Wl,-z,defs")
    native = ["--print", "native-static-libs"] if "staticlib" in build.types else []
    argv = [
        *zigbuild.argv,
        "rustc",
        *_selection(build, offline=offline),
        *("--target", platform.zigbuild_target(build.floor), "--crate-type", ",".join(build.types)),
        *_std_options(toolchain, platform.triple),
        *(["--", *native, *link] if native or link else []),
    ]
    env = {
        **_environment(
            toolchain,
            build.workspace,
            platform.triple,
            target_folder,
            environment,
            profile=build.profile,
            flags=[*build.rustflags, *platform.family.rustflags],
            remaps=build.remaps,
        ),
        # Every target has wrapper scripts of its own, so that two builds never write the same one.
        "CARGO_ZIGBUILD_CACHE_DIR": str(target_folder / "zigbuild"),
        # cargo-zigbuild asks a Python for its ziglang first: there must be none, or another zig could be taken.
        "CARGO_ZIGBUILD_PYTHON_PATH": _NOWHERE,
        "CARGO_ZIGBUILD_ZIG_PATH": str(zig_wrapper(cache, zig.version)),
        "ZIG_GLOBAL_CACHE_DIR": str(zig_cache(cache, zig.version, platform.triple)),
        **platform.floor_environment(build.floor),
        **(extra or {}),
        **_c_flags(
            toolchain, build, target_folder, zig_cache(cache, zig.version, platform.triple), environment, extra or {}
        ),
    }
    return Command(tuple(argv), env, build.workspace)


def _version_script_options(build: LibraryBuild) -> tuple[str, ...]:
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
    build: LibraryBuild,
    target_folder: Path,
    compiled: Path,
    environment: Mapping[str, str],
    extra: Mapping[str, str],
) -> dict[str, str]:
    """Flags of C and C++ compilers, as the crate cc reads them: no folder of this machine shows in what they make.

    What targets.yaml gives for all targets is repeated: older versions of that crate take the first variable alone.
    """
    folders = [
        *build.remaps,
        *remapped(toolchain, build.workspace, target_folder, environment),
        (str(Path(toolchain.tool("zig").argv[0]).parent), "/zig"),
        (str(compiled), "/zig-cache"),
    ]
    maps = [f"-ffile-prefix-map={folder}={name}" for folder, name in folders]
    suffix = build.platform.triple.replace("-", "_")
    flags = {}
    for name in ("CFLAGS", "CXXFLAGS"):
        names = (f"{name}_{build.platform.triple}", f"{name}_{suffix}", f"TARGET_{name}", name)
        stated = next((extra[variable] for variable in names if variable in extra), "")
        ours = shlex.join([*build.platform.family.c_flags, *maps])
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
        *_std_options(toolchain, _WASM),
    ]
    env = {
        **_environment(
            toolchain,
            build.workspace,
            _WASM,
            target_folder,
            environment,
            profile=build.profile,
            flags=[*build.rustflags, "-Clinker-flavor=wasm-ld"],
            remaps=build.remaps,
        ),
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
        raise _explain_cargo(failed) from failed


def _selection(build: LibraryBuild | WasmBuild, *, offline: bool) -> list[str]:
    features = ["--features", ",".join(build.features)] if build.features else []
    return [
        *("--locked", *(["--offline"] if offline else [])),
        *("--package", build.package, "--lib", "--profile", build.profile),
        *([] if build.default_features else ["--no-default-features"]),
        *features,
        "--message-format=json-render-diagnostics",
    ]


def _std_options(toolchain: Toolchain, triple: str) -> list[str]:
    return ["-Zbuild-std=std,panic_abort"] if toolchain.std[triple] == "build-std" else []


def _environment(
    toolchain: Toolchain,
    workspace: Path,
    triple: str,
    target_folder: Path,
    environment: Mapping[str, str],
    *,
    profile: str,
    flags: Sequence[str] = (),
    remaps: Sequence[tuple[str, str]] = (),
) -> dict[str, str]:
    rustc = toolchain.tool("rustc")
    builds_std = toolchain.std[triple] == "build-std"
    folders = [*remaps, *remapped(toolchain, workspace, target_folder, environment)]
    return {
        **environment,
        "CARGO": toolchain.tool("cargo").argv[0],
        "RUSTC": rustc.argv[0],
        "CARGO_TARGET_DIR": str(target_folder),
        "CARGO_BUILD_BUILD_DIR": str(target_folder),
        "CARGO_ENCODED_RUSTFLAGS": _SEPARATOR.join(
            [*(f"--remap-path-prefix={folder}={name}" for folder, name in folders), *flags]
        ),
        "CARGO_TERM_COLOR": "always",  # for people: logs and what is read here are without
        "CARGO_TERM_PROGRESS_WHEN": "never",
        **({} if profile == "dev" else {"CARGO_INCREMENTAL": "0"}),
        # Building the standard library is an unstable ability; it is the same source as the compiled one.
        **({"RUSTC_BOOTSTRAP": "1"} if builds_std else {}),
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


@dataclass(frozen=True, slots=True)
class CargoArtifact:
    """A target of a package that Cargo built: its crate types and the files that hold it."""

    package: str
    kinds: tuple[str, ...]
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class CargoBuild:
    """What a build made and what that depends on.

    `built` is everything that Cargo named, `digests` are of the files when Cargo had written them; `read` are files,
    folders and manifests that were read for it, `asks` the variables of the environment that were asked for, each with
    the first package that did, `native_libraries` what a static library must be linked with.
    """

    built: tuple[CargoArtifact, ...]
    read: tuple[Path, ...]
    native_libraries: tuple[str, ...]
    asks: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[Path, str] = field(default_factory=dict)

    def file(self, package: str, platform: Platform, kind: str, library: str) -> Path:
        """The file of a package's library of a kind (`cdylib`, `staticlib`); raises BuildError if there is none."""
        name = platform.cdylib(library) if kind == "cdylib" else platform.staticlib(library)
        for one in self.built:
            for path in one.files:
                if one.package == package and path.name == name:
                    return path
        raise BuildError(
            f"Cargo built {package} but made no {name}",
            hint=f"does the crate's [lib] have another name than {library}?",
        )

    def take(self, file: Path, target: Path, look: Look) -> None:
        """Copy a file that Cargo wrote; raises BuildError if it is not as Cargo wrote it."""
        shutil.copyfile(file, target)
        digest = look(target)
        if digest is None or self.digests.get(file) != digest.hex:
            raise BuildError(
                "this was changed after Cargo had written it, so it was not taken",
                where=str(file),
                hint="run the same command again; does something else write into this folder?",
            )


class Runner(Protocol):
    """Runs a command, hands over each line, and returns its standard output."""

    def __call__(self, command: Command, /, *, on_line: Callable[[str], None] | None = None) -> str:
        """Raises BuildError if the command fails; with `on_line`, which receives each line, nothing is returned."""


def build(run: Runner, command: Command, say: Callable[[str], None], units: Units) -> CargoBuild:
    """Run a build and read what Cargo says of it; raises BuildError that names the place of the first error.

    Cargo runs once more if it used something in its folder that is not as it wrote it.
    """
    with units.watched():
        for _ in range(2):
            messages, libraries = _run(run, command, say, units)
            suspect = units.suspect(messages)
            if not suspect:
                return _cargo_build(messages, units, libraries, command)
            units.forget(suspect)
    raise BuildError(
        f"what Cargo made of {', '.join(sorted(suspect))} changes while it builds, so nothing was taken",
        where=str(units.folder),
        hint="does another program write into this folder? If not, delete the folder",
    )


def _run(
    run: Runner, command: Command, say: Callable[[str], None], units: Units
) -> tuple[list[Message], tuple[str, ...]]:
    libraries: list[str] = []
    messages: list[Message] = []

    def read_line(line: str) -> None:
        line = without_colours(line)
        if line.startswith('{"reason":'):
            messages.extend(finished := list(parse_messages(line)))
            for message in finished:
                units.note(message)
        elif crate := re.match(r"\s+(?:Compiling|Downloaded) (\S+ v\S+)", line):
            say(f"compiling {crate[1]}")
        elif libraries_line := re.search(r"native-static-libs: (.+)", line):
            libraries[:] = libraries_line[1].split()

    try:
        run(command, on_line=read_line)
    except ToolFailed as failed:
        raise explain(failed) from failed
    return messages, tuple(libraries)


def _cargo_build(messages: Iterable[Message], units: Units, libraries: tuple[str, ...], command: Command) -> CargoBuild:
    used = units.of(messages)
    asks: dict[str, str] = {}
    for unit in used:
        asks |= {name: unit.package for name in unit.asks if name not in asks}
    variables = {*command.env, *(name for m in messages if m["reason"] == SCRIPT for name, _ in m["env"])}
    return CargoBuild(
        built=tuple(_built(m) for m in messages if m["reason"] == ARTIFACT),
        read=tuple(sorted({Path(path) for unit in used for path in unit.read})),
        native_libraries=libraries,
        asks={
            name: package for name, package in asks.items() if name not in variables and not _OF_CARGO.fullmatch(name)
        },
        digests={units.folder / name: digest for unit in used for name, digest in unit.wrote.items() if digest},
    )


def _built(message: Message) -> CargoArtifact:
    files = tuple(Path(name) for name in message["filenames"])
    return CargoArtifact(package_name(message["package_id"]), tuple(message["target"]["crate_types"]), files)


def units(build: LibraryBuild | WasmBuild, command: Command, toolchain: Toolchain, look: Look) -> Units:
    """The units of the folder that a command builds in."""
    source = toolchain.sysroot / "lib" / "rustlib" / "src" / "rust"
    return Units(Path(command.env["CARGO_TARGET_DIR"]), build.workspace, (source,), look)


def settings(workspace: Path, environment: Mapping[str, str]) -> list[Path]:
    """Where Cargo looks for its settings, whether there are any ("Configuration", Hierarchical structure)."""
    home = environment.get("CARGO_HOME") or (f"{environment['HOME']}/.cargo" if environment.get("HOME") else None)
    folders = [*(parent / ".cargo" for parent in (workspace, *workspace.parents)), *([Path(home)] if home else [])]
    return [folder / name for folder in dict.fromkeys(folders) for name in ("config.toml", "config")]


def inputs(
    built: CargoBuild, workspace: Path, project: Path, environment: Mapping[str, str]
) -> tuple[list[Path], Mapping[str, str]]:
    """Files and variables that a build depends on."""
    # Settings in the project are declared as far as there are any, and a new one changes the plan.
    outside = (path for path in settings(workspace, environment) if not path.is_relative_to(project))
    return [*built.read, *outside], built.asks


def parse_messages(stdout: str) -> Iterator[Message]:
    """What Cargo says of units, from its messages in JSON ("The Cargo Book", External tools).

    A line that is no JSON is not Cargo's: macros and compilers write to the same output.
    """
    for line in stdout.splitlines():
        if line.startswith("{"):
            try:
                message = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if message.get("reason") in {ARTIFACT, SCRIPT}:
                yield message


def explain(failed: ToolFailed) -> BuildError:
    """The first error that the compiler or Cargo named, with its position, and how many there were.

    A macro that reads another file (WIT, say) names a position in that file within its message, which is then used.
    """
    first = re.search(
        r"^error(?:\[(?P<code>E\d+)\])?: (?P<message>.+)\n(?:(?!error).*\n)*?\s*--> (?P<position>\S+:\d+:\d+)",
        failed.stderr,
        re.MULTILINE,
    )
    if first is None:
        return _explain_cargo(failed)
    count = re.search(r"due to (\d+) previous errors", failed.stderr)
    more = f" (and {int(count[1]) - 1} more)" if count else ""
    code = f" [{first['code']}]" if first["code"] else ""
    message, position = f"{first['message']}{code}", first["position"]
    if cause := re.search(r"Caused by:\n\s+(.+)\n\s+--> (/.+:\d+:\d+)\n", first[0]):
        message, position = cause.groups()
    return BuildError(f"{message}{more}", where=position, hint=failed.hint, output=_from_first_error(failed.coloured))


_FRAMEWORK = re.compile(r"unable to find (?:system )?framework [\"'](\w+)[\"']")
_LIBRARY = re.compile(r"unable to find (?:dynamic )?system library [\"']([^\"']+)[\"']")


_UNDEFINED = re.compile(r"error: undefined symbol: (\S+)(?:\s[^\n]*>>> referenced by (\S+))?")


def _missing_from_system(failed: ToolFailed) -> BuildError | None:
    """What zig could not link with because it belongs to the system of the target, and how it gets there."""
    if undefined := _UNDEFINED.findall(failed.stderr):
        users = dict(reversed(undefined))
        named = [f"{symbol}{f' ({user})' if user else ''}" for symbol, user in users.items()]
        return BuildError(
            f"nothing that is linked defines {', '.join(sorted(named))}",
            output=failed.output,
            hint="link with the library that has it; one of the system has it only from a newer version on than the "
            "target's floor",
        )
    if framework := _FRAMEWORK.search(failed.stderr):
        return BuildError(
            f"the framework {framework[1]} of macOS was not found: it comes with Apple's SDK, which zig does not have",
            output=failed.output,
            hint="name an SDK of macOS at the library, as `env: {SDKROOT: path/of/MacOSX.sdk}`, or build on a Mac",
        )
    if library := _LIBRARY.search(failed.stderr):
        return BuildError(
            f"the library {library[1]} was not found for the target: zig looks in no folder of this machine",
            output=failed.output,
            hint="turn on the crate's feature that builds it from source (often `vendored`, `bundled` or `static`), "
            'or name the folder with the target\'s own at the library, as `rustflags: ["-Lnative=/folder"]`',
        )
    return None


def _explain_cargo(failed: ToolFailed) -> BuildError:
    if (missing := _missing_from_system(failed) or explain_script(failed)) is not None:
        return missing
    message = re.search(r"^error: (.+)", failed.stderr, re.MULTILINE)
    hint = failed.hint
    if "--locked" in failed.stderr and "lock file" in failed.stderr:
        hint = "run cargo update --workspace, look at the change of Cargo.lock, and commit it"
    elif "--offline" in failed.stderr:
        hint = "run cargo fetch --locked once where there is a network"
    return BuildError(message[1] if message else failed.message, hint=hint, output=failed.output)


def _from_first_error(written: str) -> str:
    """What Cargo wrote from the first error on, with its colours, at most EXCERPT_LINES of it."""
    lines = [line for line in written.splitlines() if without_colours(line) and not line.startswith('{"')]
    first = next((n for n, line in enumerate(lines) if without_colours(line).startswith("error")), 0)
    excerpt = lines[first : first + EXCERPT_LINES]
    more = len(lines) - first - len(excerpt)
    return "\n".join([*excerpt, *([f"... {more} more lines"] if more > 0 else [])])
