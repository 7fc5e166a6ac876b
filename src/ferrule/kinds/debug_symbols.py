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
from ferrule.core.model import Action, ActionInterface, Output
from ferrule.formats import binary, deflate, tar
from ferrule.formats import zip as zips
from ferrule.formats.archive_member import Member, below
from ferrule.kinds.base import DEBUG_SYMBOLS, HOLDS_NO_CODE, PlanProblem
from ferrule.tools import objcopy

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext
    from ferrule.formats.binary import BinaryFacts
    from ferrule.kinds.base import Context

FOLDER: Final = "debug"
"""Role and name of the folder with the debug symbols of what an action links."""

_SUFFIX: Final = ".debug"


def outputs(platform: Platform) -> tuple[Output, ...]:
    """The folder, as an output of the action that links; raises PlanProblem for a platform without such files."""
    if platform.family.object_format != "elf":
        raise PlanProblem(
            "debug-symbols",
            f"debug symbols are separated for Linux alone, and {platform.triple} is {platform.family.title}",
            f"write {{debug-symbols: false}} for {platform.triple} under `per-target`",
        )
    return (Output(FOLDER, FOLDER, folder=True),)


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

    With `keeps_symbols` the released file has its symbol table, which is beside it too. Raises BuildError where the
    tool fails, and VerificationError for a file without debug information, or if the halves would not find each other.
    """
    debug = context.output(FOLDER) / f"{target.name}{_SUFFIX}"
    debug.parent.mkdir(parents=True, exist_ok=True)
    context.run(objcopy.extract_debug_command(context.toolchain, linked, debug))
    context.run(objcopy.strip_command(context.toolchain, linked, target, debug, keeps_symbols=keeps_symbols))
    measured = binary.measure(debug)
    if wrong := problems(binary.measure(target), measured):
        raise VerificationError(
            f"the debug symbols of {target.name} are not usable:\n" + "\n".join(f"  - {p}" for p in wrong),
            where=f"{context.action.artifact} for {platform.triple}",
            hint="do `rustflags` or .cargo/config.toml strip it? Without debug symbols: `debug-symbols: false`",
        )
    context.record_facts(facts.Facts(compiled={f"{FOLDER}/{debug.name}": binary.summary(measured)}))


def problems(released: BinaryFacts, debug: BinaryFacts) -> list[str]:
    """What keeps a debugger from reading the lines of a released file in another."""
    wrong = []
    if not any(name.endswith("debug_line") for name in debug.sections):
        wrong.append("there are no line tables in what was linked")
    if any(name.startswith(".debug_") and name != ".debug_gdb_scripts" for name in released.sections):
        wrong.append("the released file has debug information")
    if released.build_id is None or released.build_id != debug.build_id:
        wrong.append(f"the build id of one is {released.build_id}, that of the other {debug.build_id}")
    return wrong


def strip_archive(context: ActionContext, archive: Path) -> None:
    """Take the debug information out of a static library, which nothing could find beside it."""
    whole = context.folder / "linked" / archive.name
    whole.parent.mkdir(exist_ok=True)
    shutil.move(archive, whole)
    context.run(objcopy.strip_archive_command(context.toolchain, whole, archive))
