"""Calls of dsymutil, and the maps that it reads."""

from __future__ import annotations

from pathlib import Path

from ferrule.core.model import Tool
from ferrule.core.toolchain import Toolchain
from ferrule.tools import dsymutil

CHAIN = Toolchain("system", {"dsymutil": Tool("dsymutil", "22", ("/bin/dsymutil-22",), "x")}, {}, Path("/"))
MAP = """---
triple:          'arm64-apple-darwin'
binary-path:     'x.dylib'
objects:
  - filename:        '/target/deps/x.o'
    timestamp:       1
  - filename:        '/cache/zig/1/o/ab/librt.a(rt.o)'
    timestamp:       0
    symbols:
      - { sym: _f, objAddr: 0x0, binAddr: 0x1, size: 0x8 }
  - filename:        /cache/zig/10/y.o
    timestamp:       0
...
"""


def test_calls() -> None:
    assert dsymutil.map_command(CHAIN, Path("/w/x.dylib")).argv == (
        *("/bin/dsymutil-22", "--dump-debug-map", "/w/x.dylib"),
    )
    assert dsymutil.collect_command(CHAIN, Path("/w/maps/x"), Path("/w/x.dSYM")).argv[1:] == (
        *("-y", "-o", "/w/x.dSYM", "/w/maps/x"),
    )


def test_objects_of_a_folder_are_left_out_of_a_map() -> None:
    rest = dsymutil.without_objects_below(MAP, Path("/cache/zig/1"))
    assert "librt.a" not in rest
    assert "_f" not in rest
    assert rest.count("filename") == 2
    assert dsymutil.without_objects_below(MAP, Path("/elsewhere")) == MAP
