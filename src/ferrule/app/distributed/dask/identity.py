"""What has to be the same on two machines before one may work for the other."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

import ferrule
from ferrule.core.errors import VerificationError
from ferrule.core.model import Digest
from ferrule.engine.executor import SAME_INPUTS
from ferrule.tools import git

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ferrule.config import Config
    from ferrule.core.toolchain import Toolchain
    from ferrule.tools.host import Host

_ABSENT = "none"


def identity(config: Config, toolchain: Toolchain | None, host: Host) -> dict[str, str]:
    """The identity of a worker: program, kind of machine, checkout and tools, by name."""
    state = git.state(config.root, host)
    lock = config.root / config.workspace.folder / "Cargo.lock"
    parts = {
        "ferrule": f"{ferrule.__version__} ({_sources().short})",
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "machine": host.triple,
        "commit": state.commit or _ABSENT,
        "changes": {None: _ABSENT, False: _ABSENT, True: "not committed"}[state.dirty],
        "Cargo.lock": Digest.of_file(lock).short if lock.is_file() else _ABSENT,
    }
    for name, tool in sorted(toolchain.tools.items()) if toolchain else ():
        parts[name] = tool.identity
    for triple, std in sorted(toolchain.std.items()) if toolchain else ():
        parts[f"standard library for {triple}"] = std
    if toolchain and "rustc" in toolchain.tools:
        parts["source of Rust"] = toolchain.rust_source
    return parts


def _sources() -> Digest:
    """The digest of this program's own code: two states of one version may write other bytes."""
    root = Path(ferrule.__file__).parent
    files = sorted(p for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    return Digest.of("".join(f"{p.relative_to(root)} {Digest.of_file(p)}\n" for p in files).encode())


def check_clean(here: Mapping[str, str], root: Path) -> None:
    """Raise VerificationError for uncommitted changes, which no worker has."""
    if here["changes"] != _ABSENT:
        raise VerificationError(
            "this checkout has changes that no worker has", where=str(root), hint="commit them, or undo them"
        )


def difference(here: Mapping[str, str], there: Mapping[str, str]) -> VerificationError | None:
    """Every difference between this machine and a worker, as an error; None if there is none."""
    lines = [
        f"{name} is {there.get(name, _ABSENT)!r}, here it is {here.get(name, _ABSENT)!r}"
        for name in dict.fromkeys((*here, *there))
        if there.get(name) != here.get(name)
    ]
    return VerificationError("\n  ".join(lines), hint=SAME_INPUTS) if lines else None
