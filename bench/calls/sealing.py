"""What sealed-box costs: a call by every way that users have, beside cgo."""

from __future__ import annotations

import os
import zipfile
from typing import TYPE_CHECKING

from calls.cost import Table
from calls.roads import HERE, OFTEN, Road, file_of, unpacked, with_go, with_node, with_python

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TABLE = Table(
    prefix="sealing",
    inputs={
        "seal": "sealing 64 bytes",
        "open": "opening 64 bytes",
        "hash": "a keyed hash of 64 bytes",
        "large": "sealing 64 KiB",
    },
    goals={("purego", "seal"): 2.0, ("purego", "open"): 2.0, ("purego", "hash"): 2.0, ("purego", "large"): 1.1},
)
"""What all ways are asked for, and the most that one may cost as a multiple of cgo."""


def built(root: Path, folder: Path, programs: Mapping[str, str]) -> dict[str, Road]:
    """The programs for the release of sealed-box below `root`/dist, made in an empty folder.

    `programs` says where go and node are.
    """
    dist = root / "dist" / "sealed-box"
    host = f"{os.uname().machine}-unknown-linux-gnu"
    sdk, wheel = unpacked(file_of(dist, "archive", host), folder / "sdk") / "lib", folder / "wheel"
    zipfile.ZipFile(file_of(dist, "wheel", host)).extractall(wheel)
    package = unpacked(file_of(dist, "package"), folder / "npm")
    return {
        "cgo": with_go("cgo", folder, programs["go"], sdk=sdk, module="sealing", times=OFTEN),
        "purego": with_go("module", folder, programs["go"], module="sealing", times=OFTEN),
        "node": with_node(package, programs["node"], "seal_by_jco.mjs"),
        "python-native": with_python("seal_by_ctypes.py", wheel),
        "python-wasmtime": with_python("seal_by_wasmtime.py", HERE, str(file_of(dist, "component"))),
    }
