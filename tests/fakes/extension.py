"""A pretended cibuildwheel, a container engine that only answers, and a pretended maturin, for extension modules."""

from __future__ import annotations

import gzip
import json
import os
import sys
from typing import TYPE_CHECKING, Final

from fakes import cibuildwheel, maturin
from fakes.toolchain import GOLDEN
from ferrule.core.model import Output
from ferrule.core.platforms import PLATFORMS
from ferrule.formats.archive_member import Member
from ferrule.formats.notices import LicensedPart, write_parts
from ferrule.formats.wheel import wheel_file_name, write_wheel
from ferrule.kinds.extension.contents import LinkedCode
from ferrule.kinds.linked_code.crates_of_build import CRATES, LICENCES
from ferrule.kinds.linked_code.packed_bill import PackedBill
from ferrule.tools import crates
from ferrule.tools.crates import LinkedCrate

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.kinds.conftest import Bench

    from fakes.toolchain import Demo

VERSION = "4.3.3"
MATURIN = "1.16.0"
MODULE = "demo_ext/demo_ext.abi3.so"
# What cibuildwheel's own folder holds, here: it hands over to the pretended one.
MAIN = """
import runpy
import sys


def main():
    sys.argv[:] = ["cibuildwheel", {home!r}, *sys.argv[1:]]
    runpy.run_path({program!r}, run_name="__main__")
"""


def equip(demo: Demo) -> None:
    """Put all of them where Ferrule looks for them."""
    _equip_maturin(demo)
    program(demo, "docker", "echo 20.10.24")
    folder = demo.root / "cache" / "tools" / f"cibuildwheel-{VERSION}"
    (folder / "cibuildwheel").mkdir(parents=True)
    (folder / ".complete").touch()
    (folder / "cibuildwheel" / "__init__.py").write_text(f'__version__ = "{VERSION}"\n')
    started = MAIN.format(home=str(demo.home), program=cibuildwheel.__file__)
    (folder / "cibuildwheel" / "__main__.py").write_text(started)
    (demo.home / "wheels").mkdir()


def _equip_maturin(demo: Demo) -> None:
    folder = demo.root / "cache" / "tools" / f"maturin-{MATURIN}"
    (folder / "bin").mkdir(parents=True)
    (folder / ".complete").touch()
    path = folder / "bin" / "maturin"
    answer = f'if [ "$1" = --version ]; then echo maturin {MATURIN}; exit; fi'
    hand_over = f'PYTHONPATH={os.pathsep.join(sys.path)} exec {sys.executable} {maturin.__file__} {demo.home} "$@"'
    path.write_text(f"#!/bin/sh\n{answer}\n{hand_over}\n")
    path.chmod(0o755)
    (demo.home / "module").write_bytes(_module())
    (demo.home / "stable").touch()


def program(demo: Demo, name: str, script: str) -> None:
    """A shell script in the place of a program."""
    path = demo.root / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def built(demo: Demo, *more: Member) -> None:
    """Lay ready what cibuildwheel builds."""
    tag = "cp311-abi3-manylinux_2_17_x86_64"
    write_wheel(
        demo.home / "wheels" / wheel_file_name("demo-ext", "1.2.3", [tag]),
        name="demo-ext",
        version="1.2.3",
        tags=[tag],
        metadata="Metadata-Version: 2.4\nName: demo-ext\nVersion: 1.2.3\n\nIt adds.\n",
        entries=[Member(MODULE, _module() + b"rustc version 1.97.1 (c0ffee 2026-07-01)", executable=True), *more],
        epoch=1_700_000_000,
    )


def _module() -> bytes:
    """A module whose one function has the name of a module's beginning, which is as long."""
    return gzip.decompress((GOLDEN / "demo-x86_64.so.gz").read_bytes()).replace(b"demo_add", b"PyInit_d")


def linked_code(bench: Bench, *linked: LinkedCrate) -> tuple[LinkedCode, dict[str, dict[str, Path]]]:
    """What an action was told of crates that are linked in, as a recipe has it, and the files in the store."""
    document = {"crates": crates.to_json(linked), "rustc": "1.96.0", "commit": None, "std": None, "std_crates": []}
    parts = [LicensedPart(crate.name, crate.version, crate.license, (("LICENSE", "do"),)) for crate in linked]
    files = {
        f"{CRATES}.json": json.dumps({**document, "std_sha256": None, "zig": "0.17.0"}),
        f"{LICENCES}.json": write_parts(parts),
    }
    outputs = (Output(f"{CRATES}.json", CRATES), Output(f"{LICENCES}.json", LICENCES))
    interface, paths = bench.made("ext:contents", {name: text.encode() for name, text in files.items()}, outputs)
    platform = PLATFORMS["x86_64-unknown-linux-gnu"]
    bill = PackedBill("Demo-Ext", "1.2.3", "", "A. Demo", "MIT", 315_532_800, platform, ((platform.triple, interface),))
    return LinkedCode(interface, bill), {interface.id: paths}


CRATE: Final = LinkedCrate("pkg:cargo/demo-ext@1.2.3", "demo-ext", "1.2.3", linked=True, license="MIT", folder=".")
