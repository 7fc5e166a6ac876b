"""Debug symbols beside what is released: taken out of the file that was linked, and packed for each target.

A debugger finds the file by name, checksum and build id, which the released file carries (GDB, "Debugging Information
in Separate Files").
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from ferrule.core import facts
from ferrule.core.errors import VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, ActionInterface, Digest, Output
from ferrule.formats import binary, deflate, macho, pe, tar
from ferrule.formats import zip as zips
from ferrule.formats.ar import read_ar
from ferrule.formats.archive_member import Member, below
from ferrule.kinds.base import DEBUG_SYMBOLS, HOLDS_NO_CODE, PlanProblem
from ferrule.tools import dsymutil, objcopy, zig

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext
    from ferrule.formats.binary import BinaryFacts
    from ferrule.kinds.base import Context

FOLDER: Final = "debug"
"""Role and name of the folder with the debug symbols of what an action links."""

_SUFFIX: Final = ".debug"
_BUNDLE_SUFFIX: Final = ".dSYM"
_UUID_BYTES: Final = 16


def outputs(platform: Platform) -> tuple[Output, ...]:
    """The folder, as an output of the action that links; raises PlanProblem for a platform without such files."""
    if platform.family.debug_symbols is None:
        raise PlanProblem(
            "debug-symbols",
            f"there is no form of debug symbols beside a file for {platform.family.title} ({platform.triple})",
            f"write {{debug-symbols: false}} for {platform.triple} under `per-target`",
        )
    return (Output(FOLDER, FOLDER, folder=True),)


def tools(platform: Platform) -> tuple[str, ...]:
    """The programs that separate debug symbols for a platform."""
    return (objcopy.NAME, dsymutil.NAME) if platform.family.debug_symbols == "dsym" else (objcopy.NAME,)


def archive_of(context: Context, compilation: Action, name: str) -> Action:
    """The action that packs the debug symbols of what another has linked, under a name that ends with `-debug`."""
    platform = context.platforms[compilation.target or ""]
    stem = f"{name}-{context.project.version}-{platform.triple}-debug"
    file = f"{stem}{platform.family.archive_suffix}"
    return Action(
        id=f"{context.artifact}:debug@{platform.triple}",
        artifact=context.artifact,
        kind=compilation.kind,
        target=platform.triple,
        recipe=DebugArchive(stem, compilation.interface, context.project.epoch),
        outputs=(Output(file, DEBUG_SYMBOLS, file),),
        needs=(compilation.id,),
        traits=((HOLDS_NO_CODE, "yes"),),
    )


@dataclass(frozen=True, slots=True)
class DebugArchive:
    """Pack one target's debug symbols, with one folder at the top."""

    stem: str
    compilation: ActionInterface
    epoch: int
    compressor: str = deflate.COMPRESSOR

    def make(self, context: ActionContext) -> None:
        """Write the archive."""
        target = context.output(DEBUG_SYMBOLS)
        files = context.needed[self.compilation.id].items()
        members = (
            Member(name.removeprefix(f"{FOLDER}/"), path) for name, path in files if name.startswith(f"{FOLDER}/")
        )
        write = zips.write_zip if target.suffix == ".zip" else tar.write_tar_gz
        write(target, below(self.stem, members), self.epoch)


def separate(context: ActionContext, linked: Path, target: Path, platform: Platform, *, keeps_symbols: bool) -> None:
    """Write what was linked without its debug information, and that beside it, measured.

    With `keeps_symbols` the released file has its symbol table, which is beside it too. Raises BuildError where a
    tool fails, and VerificationError for a file without debug information, or if the halves would not find each other.
    """
    write = _write_bundle if platform.family.debug_symbols == "dsym" else _write_linked_file
    debug = write(context, linked, target, platform, keeps_symbols=keeps_symbols)
    measured = binary.measure(debug)
    if wrong := problems(binary.measure(target), measured):
        raise VerificationError(
            f"the debug symbols of {target.name} are not usable:\n" + "\n".join(f"  - {p}" for p in wrong),
            where=f"{context.action.artifact} for {platform.triple}",
            hint="do `rustflags` or .cargo/config.toml strip it? Without debug symbols: `debug-symbols: false`",
        )
    name = debug.relative_to(context.output(FOLDER)).as_posix()
    context.record_facts(facts.Facts(compiled={f"{FOLDER}/{name}": binary.summary(measured)}))


def _write_linked_file(context: ActionContext, linked: Path, target: Path, _: Platform, *, keeps_symbols: bool) -> Path:
    """Take the debug information out into a file whose name and checksum the released one has; returns that file."""
    debug = context.output(FOLDER) / f"{target.name}{_SUFFIX}"
    debug.parent.mkdir(parents=True, exist_ok=True)
    context.run(objcopy.extract_debug_command(context.toolchain, linked, debug))
    context.run(objcopy.strip_command(context.toolchain, linked, target, debug, keeps_symbols=keeps_symbols))
    return debug


def _write_bundle(
    context: ActionContext, linked: Path, target: Path, platform: Platform, *, keeps_symbols: bool
) -> Path:
    """Collect the debug information of the objects in a bundle with the UUID of the released file; returns its DWARF.

    zig computes the UUID over the map to the objects too, with their folders and times: it is replaced by a digest of
    the file without that, which is the same everywhere. What zig itself compiled has debug information with folders of
    this machine: it is left out.
    """
    zig_objects = zig.cache_folder(context.site.host.cache, context.toolchain.tool("zig").version, platform.triple)
    debug_map = context.folder / "maps" / target.name  # whose name dsymutil gives to what it writes
    debug_map.parent.mkdir(exist_ok=True)
    complete = context.run(dsymutil.map_command(context.toolchain, linked))
    debug_map.write_text(dsymutil.without_objects_below(complete, zig_objects), encoding="utf-8")
    bundle = context.output(FOLDER) / f"{target.name}{_BUNDLE_SUFFIX}"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    warnings: list[str] = []
    context.run(
        dsymutil.collect_command(context.toolchain, debug_map, bundle), on_line=warnings.append, marks=["warning:"]
    )
    if warnings:
        raise VerificationError(
            f"the debug symbols of {target.name} are not complete:\n" + "\n".join(f"  - {line}" for line in warnings),
            where=f"{context.action.artifact} for {platform.triple}",
            hint="does another program write into Cargo's folder? Without debug symbols: `debug-symbols: false`",
        )
    shutil.rmtree(bundle / "Contents" / "Resources" / "Relocations", ignore_errors=True)  # for joining bundles, later
    debug = bundle / "Contents" / "Resources" / "DWARF" / target.name
    _identify(linked, bytes(_UUID_BYTES))
    context.run(objcopy.strip_macho_command(context.toolchain, linked, target, keeps_symbols=keeps_symbols))
    uuid = bytes.fromhex(Digest.of_file(target).hex)[:_UUID_BYTES]
    _identify(linked, uuid)
    context.run(objcopy.strip_macho_command(context.toolchain, linked, target, keeps_symbols=keeps_symbols))
    _identify(debug, uuid)
    return debug


def _identify(file: Path, uuid: bytes) -> None:
    file.write_bytes(macho.with_uuid(file.read_bytes(), uuid, where=file.name))


def problems(released: BinaryFacts, debug: BinaryFacts) -> list[str]:
    """What keeps a debugger from reading the lines of a released file in another."""
    wrong = []
    if not any(name.endswith("debug_line") for name in debug.sections):
        wrong.append("there are no line tables in what was linked")
    if any(name.startswith((".debug_", "__DWARF,")) and name != ".debug_gdb_scripts" for name in released.sections):
        wrong.append("the released file has debug information")
    if released.build_id is None or released.build_id != debug.build_id:
        wrong.append(f"the build id of one is {released.build_id}, that of the other {debug.build_id}")
    return wrong


def strip_archive(context: ActionContext, archive: Path, platform: Platform) -> None:
    """Take the debug information out of a static library, which nothing could find beside it."""
    whole = context.folder / "linked" / archive.name
    whole.parent.mkdir(exist_ok=True)
    shutil.move(archive, whole)
    objects, imports = _unpacked(whole)
    if not imports:
        context.run(objcopy.strip_archive_command(context.toolchain, whole, archive))
        return
    # rust-objcopy knows no members that stand for functions of DLLs: they go around it.
    zig_program, cache = context.toolchain.tool("zig"), context.site.host.cache
    rest = whole.with_name(f"objects-{archive.name}")
    context.run(zig.append_command(zig_program, rest, objects, cache, platform))
    context.run(objcopy.strip_archive_command(context.toolchain, rest, archive))
    context.run(zig.append_command(zig_program, archive, imports, cache, platform))


def _unpacked(archive: Path) -> tuple[list[Path], list[Path]]:
    """The objects of a static library as files, and apart what stands for functions of DLLs; none where there is none.

    Several members may have one name, so that each has a folder.
    """
    members = [*read_ar(archive.read_bytes(), where=archive.name)]
    if not any(pe.is_import(bytes(content[:6])) for _, content in members):
        return [], []
    objects: list[Path] = []
    imports: list[Path] = []
    for number, (name, content) in enumerate(members):
        path = archive.with_name(f"{archive.name}-members") / str(number) / name.rpartition("/")[2]
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        (imports if pe.is_import(bytes(content[:6])) else objects).append(path)
    return objects, imports
