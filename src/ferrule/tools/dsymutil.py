"""dsymutil of LLVM: it collects the debug information of a Mach-O file from the objects that were linked into it.

The linker leaves it in the objects, and a map of these in its output; there is no other file to take it from (LLVM,
"dsymutil"). Neither Rust nor zig brings the program.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ferrule.core.model import Tool
from ferrule.tools import rust as rusts
from ferrule.tools.command import Command
from ferrule.tools.definition import ToolDefinition, ToolSearch
from ferrule.tools.installers import apt
from ferrule.tools.probe_output import probe_output
from ferrule.tools.problems import ToolProblem

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ferrule.core.toolchain import Toolchain
    from ferrule.tools.definition import SearchResult

NAME: Final = "dsymutil"


def map_command(toolchain: Toolchain, linked: Path) -> Command:
    """Print which objects a file was linked of, and where their symbols are in it, as YAML."""
    return Command((*toolchain.tool(NAME).argv, "--dump-debug-map", str(linked)), {})


def collect_command(toolchain: Toolchain, debug_map: Path, bundle: Path) -> Command:
    """Write a bundle with the debug information of the objects that a map names, and the UUID of the file."""
    return Command((*toolchain.tool(NAME).argv, "-y", "-o", str(bundle), str(debug_map)), {})


def without_objects_below(debug_map: str, folder: Path) -> str:
    """A map without the objects of a folder."""
    head, *objects = re.split(r"(?m)^(?=  - filename:)", debug_map)
    theirs = re.compile(rf"  - filename:\s+'?{re.escape(str(folder))}/")
    return head + "".join(one for one in objects if not theirs.match(one))


def _search(search: ToolSearch) -> Iterable[SearchResult]:
    """The first that is as new as the LLVM inside rustc: an older one may not read what that writes."""
    if search.rust is None:  # a missing Rust is named, and only that
        return
    major, others = search.rust.llvm.partition(".")[0], []
    for program in (*search.host.every(f"{NAME}-{major}"), *search.host.every(NAME)):
        answer = probe_output(search.host, program, "--version")
        version = re.search(r"LLVM version (\d+)(\S*)", answer)
        if version and int(version[1]) >= int(major or 0):
            yield Tool(NAME, version[1] + version[2], (str(program),), f"{NAME} {version[1]}{version[2]}")
            return
        others.append(f"{version[1] + version[2] if version else 'does not start'} ({program})")
    problem = f"older than LLVM {major} inside rustc" if others else "not installed"
    yield ToolProblem.with_installer(
        *(search.host, NAME, problem, apt.Packages((f"llvm-{major}",))),
        required=f"LLVM {major}",
        version=", ".join(others),
    )


TOOL: Final = ToolDefinition(name=NAME, find=_search, requires=rusts.TOOL.names)
