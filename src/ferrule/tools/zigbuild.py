"""cargo-zigbuild, from its pinned wheel: Cargo with zig as the linker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.model import Tool
from ferrule.tools import pip
from ferrule.tools.fault import Fault
from ferrule.tools.run import ToolFailed, ToolMissing, capture

if TYPE_CHECKING:
    from ferrule.tools.host import Host

_NAME = "cargo-zigbuild"


def find(host: Host, version: str) -> Tool | Fault:
    """The cargo-zigbuild of the pinned wheel, asked for its version."""
    remedy = pip.Wheel(_NAME, version)
    place = pip.folder(host, _NAME, version)
    program = place / "bin" / _NAME
    if pip.installed(host, _NAME, version) is None:
        return Fault.with_remedy(host, _NAME, "the pinned wheel is not installed", remedy, wanted=version)
    try:
        said = capture([str(program), "--version"], env=host.children, timeout=60).stdout.split()
    except (ToolFailed, ToolMissing) as error:
        problem = f"the installed wheel is broken: {error.message.splitlines()[0]}"
        return Fault.with_remedy(host, _NAME, problem, remedy, wanted=version, place=str(program))
    found = said[-1] if said else "nothing"
    if found != version:
        problem = f"the installed wheel is broken: it says it is {found}"
        return Fault.with_remedy(host, _NAME, problem, remedy, wanted=version, found=found, place=str(program))
    return Tool(_NAME, version, (str(program),), f"{_NAME} {version}")
