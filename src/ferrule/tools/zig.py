"""Zig, from its pinned wheel and never from the PATH: the C compiler and linker of every native target."""

from __future__ import annotations

import shlex
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferrule.core.errors import StorageError, ToolchainError
from ferrule.core.platforms import PLATFORMS
from ferrule.core.safe_files import clear, lockable, open_new
from ferrule.tools.command import Command
from ferrule.tools.definition import ToolDefinition
from ferrule.tools.installers import pip
from ferrule.tools.problems import ToolProblem
from ferrule.tools.run import ToolFailed, ToolMissing, capture
from ferrule.tools.script_file import write_script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from ferrule.core.model import Tool
    from ferrule.core.platforms import Platform
    from ferrule.core.toolchain import Toolchain
    from ferrule.tools.host import Host

    Borrow = Callable[[threading.Event], AbstractContextManager[bool]]

_SYMBOL_LISTS: Final = {
    "glibc": "glibc/abilists",
    "musl": "musl/libc.S",
    "libSystem": "darwin/libSystem.tbd",
}
LINK_MARK: Final = "-DFERRULE_LINK="
"""Begins an option that asks the wrapper to link an object; a digest of it follows, so that Cargo links anew."""

LINK_OBJECT: Final = "FERRULE_LINK_OBJECT"
"""The variable that names the object. In an option the path would be a part of the crate's identity."""

_PROBE = "int ferrule_probe(int n) { return n + 1; }\n"


def find(host: Host, version: str) -> Tool | ToolProblem:
    """The zig of the pinned wheel, asked for its version."""
    wheel = pip.PinnedWheel("ziglang", version)
    program = str(pip.folder(host, wheel.name, version) / "ziglang" / "zig")
    return pip.program(host, "zig", wheel, (program,), (program, "version"))


def _try_link(zig: Tool, host: Host, platform: Platform, floor: str | None) -> ToolProblem | None:
    """Link a shared library of one function for a target; what is wrong if that does not work."""
    try:
        with tempfile.TemporaryDirectory(prefix="ferrule-probe-") as folder:
            probe(zig, platform, folder=Path(folder), cache=host.cache, environment=host.children, glibc=floor)
    except ToolFailed as failed:
        words = "; ".join(failed.tail[-3:]) or failed.summary
        fix = pip.PinnedWheel("ziglang", zig.version).command(host)
        return ToolProblem(f"link {platform.triple}", f"zig cannot link: {words}", fix, path=zig.argv[0])
    return None


def cache_folder(cache: Path, version: str, triple: str) -> Path:
    """Zig's global cache: one for each version and target, so that targets built side by side share nothing."""
    return cache / "zig" / version / triple


def wrapper(cache: Path, version: str) -> Path:
    """Where `write_wrapper` puts the program that compilers of a build are started by."""
    return cache / "zig" / version / "ferrule-zig"


def link_script(cache: Path, version: str) -> Path:
    """Where `write_link_script` puts the script that links with debug information are made by."""
    return cache / "zig" / version / "debug.ld"


def write_link_script(zig: Tool, cache: Path) -> None:
    """Write a script for the linker that leaves out the debug information of what zig itself compiles.

    It holds paths of this machine, of zig's installation and of the folder in which zig happened to compile it first.
    The rest of the layout stays as it is ("Linker Scripts" of GNU ld, INSERT; lld does the same). Raises StorageError.
    """
    files = (f"*/zig/{zig.version}/*/o/*(.debug_*)", f"*/zig/{zig.version}/*/o/*:*(.debug_*)")
    text = f"SECTIONS {{ /DISCARD/ : {{ {' '.join(files)} }} }} INSERT AFTER .comment;\n"
    write_script(link_script(cache, zig.version), text, "zig's cache")


def write_wrapper(zig: Tool, cache: Path) -> None:
    """Write a program that starts zig, and where zig is only asked for its version lets it leave nothing behind.

    `zig cc --version` compiles an empty file for macOS and leaves `a.o` in the folder that it is started in, which is
    that of a package's sources when a build script asks. Where it links with `LINK_MARK`, the object that LINK_OBJECT
    names is linked too. Raises StorageError.
    """
    path = wrapper(cache, zig.version)
    text = (
        '#!/bin/sh\ncase " $* " in\n  *" --version "*) cd "${TMPDIR:-/tmp}" ;;\n'
        f'  *" {LINK_MARK}"*) set -- "$@" "${LINK_OBJECT}" ;;\nesac\n'
        f'exec {shlex.quote(zig.argv[0])} "$@"\n'
    )
    write_script(path, text, "zig's cache")


def probe(
    zig: Tool,
    platform: Platform,
    *,
    folder: Path,
    cache: Path,
    environment: Mapping[str, str],
    glibc: str | None = None,
) -> None:
    """Link a shared library of one function for a target in `folder`; raises ToolFailed if that does not work."""
    _compile(zig, platform, ["-shared", "-o", platform.cdylib("probe")], folder, cache, environment, floor=glibc)


def symbol_list(zig: Tool, platform: Platform) -> bytes:
    """Zig's list of the symbols of a target's C library, which it links with (zig 0.17, lib/libc).

    Raises ToolchainError if this zig has none.
    """
    libc = Path(zig.argv[0]).parent / "lib" / "libc"
    path = libc / _SYMBOL_LISTS[platform.family.libc]
    try:
        return path.read_bytes()
    except OSError as error:
        raise ToolchainError(
            f"zig {zig.version} has no list of the system's symbols: {error.strerror}",
            where=str(path),
            hint=f"delete {libc.parent.parent.parent} and run: ferrule setup",
        ) from error


def _compile(
    zig: Tool,
    platform: Platform,
    options: list[str],
    folder: Path,
    cache: Path,
    environment: Mapping[str, str],
    *,
    floor: str | None = None,
) -> None:
    (folder / "probe.c").write_text(_PROBE, encoding="utf-8")
    capture(
        [*zig.argv, "cc", "-target", platform.zig(floor), "-g", "probe.c", *options],
        env={**environment, "ZIG_GLOBAL_CACHE_DIR": str(cache_folder(cache, zig.version, platform.triple))},
        cwd=folder,
        timeout=600,
    )


def header_command(
    zig: Tool, platform: Platform, *, floor: str | None, cache: Path, folder: Path, options: tuple[str, ...]
) -> Command:
    """A call of zig's C or C++ compiler in a folder, for a target and with its system headers, that links nothing.

    C++ (options `-x c++`) has the headers of its library only where zig is called as that compiler.
    """
    environment = {"ZIG_GLOBAL_CACHE_DIR": str(cache_folder(cache, zig.version, platform.triple))}
    compiler = "c++" if "c++" in options else "cc"
    return Command((*zig.argv, compiler, "-target", platform.zig(floor), *options), environment, folder)


def assemble_command(zig: Tool, platform: Platform, cache: Path, folder: Path, source: str, target: str) -> Command:
    """Assemble a source in a folder for a target."""
    environment = {"ZIG_GLOBAL_CACHE_DIR": str(cache_folder(cache, zig.version, platform.triple))}
    return Command((*zig.argv, "cc", "-target", platform.zig(), "-c", "-o", target, source), environment, folder)


def append_command(zig: Tool, archive: Path, members: Iterable[Path], cache: Path, platform: Platform) -> Command:
    """Append files to a static library in the form of GNU's ar, which is made if there is none, with its table."""
    environment = {"ZIG_GLOBAL_CACHE_DIR": str(cache_folder(cache, zig.version, platform.triple))}
    # q: whatever their names; D: without times and owners.
    argv = (*zig.argv, "ar", "--format=gnu", "qcsD", str(archive), *map(str, members))
    return Command(argv, environment)


def warm_cache(toolchain: Toolchain, cache: Path, environment: Mapping[str, str]) -> None:
    """Let zig lay out its cache for every native target, once and under a lock.

    Two first links side by side could otherwise meet in an empty cache (cargo-zigbuild and zig both write there).
    Raises StorageError when the cache cannot be written, ToolFailed when zig does not work.
    """
    from filelock import FileLock  # noqa: PLC0415 - 38 ms

    zig = toolchain.tool("zig")
    natives = [PLATFORMS[t] for t in toolchain.std if PLATFORMS[t].is_native]
    cold = [row for row in natives if not _warmed(cache, zig, row).is_file()]
    if not cold:
        return
    home = cache / "zig" / zig.version
    try:
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(lockable(home.with_name(home.name + ".lock"))):
            for row in cold:
                stamp = _warmed(cache, zig, row)
                if not stamp.is_file():
                    stamp.parent.mkdir(parents=True, exist_ok=True)
                    _compile(zig, row, ["-c", "-o", "probe.o"], stamp.parent, cache, environment)
                    open_new(stamp).close()
    except OSError as error:
        raise StorageError(f"zig's cache {home} cannot be written: {error.strerror}", where=str(home)) from error


@contextmanager
def prelink(
    zig: Tool,
    platform: Platform,
    floor: str | None,
    cache: Path,
    environment: Mapping[str, str],
    borrow: Borrow,
    *,
    strips: bool = True,
) -> Iterator[None]:
    """Make zig compile its own part of a library for a target while something else goes on, once for each cache.

    The first link of a target waits for zig's C library, unwinder and runtime, several seconds on one core, when Cargo
    has nothing else left to do. Here it is done once `borrow` has a token for it, which waits for one until an event. A
    failure here is nobody's: the real link meets it again and tells of it. zig compiles its part in another way for a
    link that `strips` than for one that does not.
    """
    home = cache_folder(cache, zig.version, platform.triple)
    stamp = home / f".linked-{floor or 'default'}{'' if strips else '-whole'}"
    if stamp.is_file():
        yield
        return
    over = threading.Event()

    def link() -> None:
        with borrow(over) as may:
            if may:
                _prelink(zig, platform, floor, cache, environment, stamp, strips=strips)

    aside = threading.Thread(target=link, daemon=True)
    aside.start()
    try:
        yield
    finally:
        over.set()
        aside.join()


def _prelink(
    zig: Tool,
    platform: Platform,
    floor: str | None,
    cache: Path,
    environment: Mapping[str, str],
    stamp: Path,
    *,
    strips: bool,
) -> None:
    # As cargo-zigbuild and rustc link: other options would make zig compile its part in another way.
    unwinder = ["-lunwind"] if platform.family.links_unwinder else []
    strip = ["-Wl,--strip-all"] if platform.family.links_unwinder and strips else []
    options = ["-fno-sanitize=all", "-fPIC", "-shared", *strip, *unwinder, "-o", platform.cdylib("probe")]
    folder = stamp.with_name(f"{stamp.name}.probe")
    with suppress(ToolFailed, ToolMissing, OSError):
        folder.mkdir(parents=True, exist_ok=True)
        _compile(zig, platform, options, folder, cache, environment, floor=floor)
        open_new(stamp).close()
    clear(folder)


def _warmed(cache: Path, zig: Tool, platform: Platform) -> Path:
    return cache_folder(cache, zig.version, platform.triple) / ".primed"


TOOL: Final = ToolDefinition(
    name="zig",
    version="0.17.0",
    setting="Version of zig, which links.",
    find=lambda search: [find(search.host, search.versions["zig"])],
    probe=_try_link,
)
