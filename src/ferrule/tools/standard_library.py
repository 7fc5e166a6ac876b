"""Rust's standard library for targets that have none compiled: compiled once for a machine, and used by every project.

Cargo compiles one along (`-Zbuild-std`), in every target folder anew, though it depends on the compiler, the target,
the profile and the flags alone. Here Cargo does so for an empty crate, and what came of it becomes a sysroot, the
folder in which rustc looks for it ("The rustc book", Command-line Arguments, `--sysroot`). The same sources give the
same files, whichever machine compiles them.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ferrule.core.errors import BuildError, StorageError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Digest
from ferrule.core.safe_files import clear, lockable, read_regular
from ferrule.tools import cargo, cargo_builds, cargo_failures
from ferrule.tools.cargo_units import package_name
from ferrule.tools.run import ToolFailed
from ferrule.tools.rust import std_folder, std_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from ferrule.core.toolchain import Toolchain
    from ferrule.tools.cargo import NativeBuild, WasmBuild
    from ferrule.tools.cargo_units import Look
    from ferrule.tools.command import Runner

_PACKAGE: Final = "ferrule-std"
_PROFILE: Final = "std"
_FILES: Final = "files.json"
_ASIDE: Final = ".work"
_BITCODE: Final = "-Cembed-bitcode=yes"
"""For those that link with LTO; beside machine code, as in what rustup brings, and three times as large."""

_WITH_LTO: Final = frozenset({"true", '"fat"', '"thin"'})

_UNUSED: Final = 60 * 24 * 3600
"""Seconds after which a standard library that nobody used is removed."""

_OF_LINKERS: Final = ("linker", "link-", "pre-link-arg", "strip", "rpath", "default-linker-libraries")
_OPTIONS: Final = ("-C", "--codegen")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides the bytes of a compiled standard library, and names no folder of a machine.

    `compiler` is the identity of rustc and of the sources, `flags` are those of rustc, `profile` what the profile sets,
    `variables` those of the environment that the compiler looks at, `settings` what Cargo's settings of the person and
    of the folders above say, as JSON.
    """

    compiler: str
    triple: str
    flags: tuple[str, ...]
    profile: tuple[tuple[str, str], ...]
    variables: tuple[tuple[str, str], ...]
    settings: str = ""

    @property
    def key(self) -> str:
        """The name of its folder; the text of the manifest is a part of it, as it is of the recipe."""
        text = json.dumps([self.compiler, self.triple, self.flags, self.manifest, self.variables, self.settings])
        return Digest.of(text.encode()).hex

    @property
    def manifest(self) -> str:
        """The Cargo.toml of the empty crate."""
        settings = "".join(f"{key} = {value}\n" for key, value in self.profile)
        return (
            f'[package]\nname = "{_PACKAGE}"\nversion = "0.0.0"\nedition = "2021"\n\n[lib]\npath = "lib.rs"\n\n'
            f"[workspace]\n\n[profile.{_PROFILE}]\n{settings}"
        )


def recipe(
    toolchain: Toolchain, build: NativeBuild | WasmBuild, environment: Mapping[str, str], cache: Path
) -> Recipe | None:
    """The standard library that a build links with; None where its target has one that is compiled already.

    Raises ConfigError for settings of Cargo that cannot be read.
    """
    triple = build.triple
    if toolchain.std[triple] != "build-std":
        return None
    profile = dict(cargo.std_profile(build.workspace, build.profile, environment))
    has_bitcode = profile.pop("lto", "false") in _WITH_LTO
    return Recipe(
        compiler=f"{toolchain.identity('rustc')}; {toolchain.identity(f'std-{triple}')}",
        triple=triple,
        flags=(*_compiling(cargo.crate_flags(build)), *((_BITCODE,) if has_bitcode else ())),
        profile=tuple(profile.items()),
        variables=tuple(sorted(cargo.floor_variables(build).items())),
        settings=cargo.deciding_settings(cache, environment),
    )


def _compiling(flags: Sequence[str]) -> Iterator[str]:
    """Flags of rustc without those that only a linker hears of: they change no crate that is not linked.

    >>> list(_compiling(["-Clink-arg=-s", "-C", "link-arg=-T", "-C", "target-cpu=x", "-Zy", "-L", "/w", "--cfg", "a"]))
    ['-C', 'target-cpu=x', '-Zy', '--cfg', 'a']
    """
    words = iter(flags)
    for flag in words:
        option, value = (flag, next(words, "")) if flag in (*_OPTIONS, "-L", "-l") else (flag, None)
        codegen = value if option in _OPTIONS else option.removeprefix("--codegen=").removeprefix("-C")
        if option.startswith(("-L", "-l")) or (codegen or "").replace("_", "-").startswith(_OF_LINKERS):
            continue
        yield from (option,) if value is None else (option, value)


def folder_of(cache: Path, triple: str) -> Path:
    """Where the compiled standard libraries of a target are, each in a folder named by the key of its recipe."""
    return cache / "std" / triple


def uncompiled(toolchain: Toolchain, cache: Path) -> frozenset[str]:
    """Targets whose standard library neither came with the compiler nor was compiled on this machine before."""
    sources = (triple for triple, std in toolchain.std.items() if std == "build-std")
    return frozenset(triple for triple in sources if not any(folder_of(cache, triple).glob(f"*/{_FILES}")))


def sysroot(
    run: Runner,
    toolchain: Toolchain,
    recipe: Recipe,
    *,
    cache: Path,
    environment: Mapping[str, str],
    offline: bool,
    look: Look,
    say: Callable[[str], None],
) -> Path:
    """The sysroot with the standard library of a recipe, compiled if this machine has not done so before.

    What is there is compared with the digests that were written down when it was compiled, and compiled again where it
    differs. Raises BuildError if it cannot be compiled, StorageError if it cannot be kept.
    """
    target = folder_of(cache, recipe.triple) / recipe.key
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target.with_name(f"{recipe.key}.lock"), say):
            if not _stands(target, recipe.triple, look):
                clear(target)
                # Under a name of its own, as what a killed run has started may still write into that run's folder.
                aside = Path(tempfile.mkdtemp(prefix=f"{recipe.key}.", suffix=_ASIDE, dir=target.parent))
                _remove_unused(target.parent, recipe.key, aside)
                _compile(run, toolchain, recipe, aside, environment, offline=offline, say=say)
                (aside / "sysroot").rename(target)
                clear(aside)
            os.utime(target / _FILES)
    except OSError as error:
        raise StorageError(f"the standard library cannot be kept: {error.strerror}", where=str(target)) from error
    return target


@contextmanager
def _alone(lock: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold a lock, and say so if that means to wait for another run."""
    from filelock import FileLock, Timeout  # noqa: PLC0415 - 38 ms

    mutex = FileLock(lockable(lock))
    try:
        mutex.acquire(timeout=0)
    except Timeout:
        say("waiting for the standard library that another run compiles")
        mutex.acquire()
    try:
        yield
    finally:
        mutex.release()


def _stands(target: Path, triple: str, look: Look) -> bool:
    """Whether a sysroot is there, with every library as it was written and no other, which rustc would look into."""
    try:
        files = json.loads(read_regular(target / _FILES))
        present = {path.relative_to(target).as_posix() for path in std_folder(target, triple).iterdir()}
    except (OSError, ValueError):
        return False
    if not present or not isinstance(files, dict) or present != files.keys():
        return False
    return all((digest := look(target / name)) is not None and digest.hex == files[name] for name in files)


def _remove_unused(folder: Path, key: str, aside: Path) -> None:
    """Remove the standard libraries of a target that nobody used for long, and what killed runs left of this one.

    The time of `aside`, which was made a moment ago, is now; another process may do the same.
    """
    with suppress(OSError):
        before = aside.stat().st_mtime - _UNUSED
        left = [path for path in folder.glob(f"*{_ASIDE}") if path.name.startswith(key) or _is_older(path, before)]
        unused = [path.parent for path in folder.glob(f"*/{_FILES}") if _is_older(path, before)]
        for path in (*left, *unused):
            if path != aside:
                clear(path)


def _is_older(path: Path, before: float) -> bool:
    with suppress(OSError):
        return path.stat().st_mtime < before
    return False


def _compile(
    run: Runner,
    toolchain: Toolchain,
    recipe: Recipe,
    folder: Path,
    environment: Mapping[str, str],
    *,
    offline: bool,
    say: Callable[[str], None],
) -> None:
    """Compile it in a folder, and lay out `sysroot` there."""
    crate = folder / "crate"
    crate.mkdir()
    (crate / "Cargo.toml").write_text(recipe.manifest, encoding="utf-8")
    (crate / "lib.rs").write_text("#![no_std]\n", encoding="utf-8")
    command = cargo.std_command(
        toolchain,
        crate,
        recipe.triple,
        profile=_PROFILE,
        target_folder=folder / "target",
        flags=recipe.flags,
        environment={**environment, **dict(recipe.variables)},
        offline=offline,
    )
    compiled: list[Path] = []

    def read_line(line: str) -> None:
        if name := cargo_builds.compiling(line):
            say(f"compiling the standard library: {name}")
        compiled.extend(_compiled(cargo_builds.parse_messages(line), folder / "target" / recipe.triple))

    try:
        run(command, on_line=read_line, marks=cargo_builds.MARKS)
    except ToolFailed as failed:
        if os.strerror(errno.ENOSPC) in failed.stderr + failed.stdout:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from failed
        raise cargo_failures.explain(failed) from failed
    libraries = std_folder(folder / "sysroot", recipe.triple)
    libraries.mkdir(parents=True)
    for path in compiled:
        shutil.move(path, libraries)
    digests = {
        path.relative_to(folder / "sysroot").as_posix(): Digest.of_file(path).hex for path in libraries.iterdir()
    }
    if not any(Path(name).name.startswith("libstd-") for name in digests):
        raise BuildError(
            "Cargo compiled no standard library",
            where=recipe.triple,
            hint=f"is its source in {std_source(toolchain.sysroot)} that of this compiler?",
        )
    _add_tools(folder / "sysroot", toolchain)
    (folder / "sysroot" / _FILES).write_text(json.dumps(digests, sort_keys=True), encoding="utf-8")


def _compiled(messages: Iterable[Mapping[str, Any]], folder: Path) -> Iterator[Path]:
    """The libraries below a folder that Cargo names, but for that of the empty crate."""
    for message in messages:
        if package_name(message["package_id"]) != _PACKAGE:
            paths = map(Path, message.get("filenames", ()))
            yield from (path for path in paths if path.suffix == ".rlib" and path.is_relative_to(folder))


def _add_tools(sysroot: Path, toolchain: Toolchain) -> None:
    """Let rustc find the programs of its own that it links with beside its host's library, where it looks for them."""
    ours = sysroot / "lib" / "rustlib"
    for path in (toolchain.sysroot / "lib" / "rustlib").iterdir():
        if (path / "bin").is_dir() and not (ours / path.name).exists():
            (ours / path.name).symlink_to(path.resolve())
