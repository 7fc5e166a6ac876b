"""Calls of rust-objcopy."""

from __future__ import annotations

from pathlib import Path

from ferrule.core.model import Tool
from ferrule.core.toolchain import Toolchain
from ferrule.tools import objcopy

CHAIN = Toolchain("system", {"rust-objcopy": Tool("rust-objcopy", "22", ("/bin/rust-objcopy",), "x")}, {}, Path("/"))
LINKED, DEBUG, TARGET = Path("/w/linked/x.so"), Path("/w/debug/x.so.debug"), Path("/w/x.so")


def test_debug_information_is_taken_out_and_named_in_what_is_left() -> None:
    assert objcopy.extract_debug_command(CHAIN, LINKED, DEBUG).argv == (
        *("/bin/rust-objcopy", "--only-keep-debug", "/w/linked/x.so", "/w/debug/x.so.debug"),
    )
    command = objcopy.strip_command(CHAIN, LINKED, TARGET, DEBUG, keeps_symbols=True)
    link = "--add-gnu-debuglink=/w/debug/x.so.debug"
    assert command.argv[1:] == ("--strip-debug", link, "/w/linked/x.so", "/w/x.so")
    everything = objcopy.strip_command(CHAIN, LINKED, TARGET, DEBUG, keeps_symbols=False)
    assert everything.argv[1] == "--strip-all-gnu"  # which leaves sections that are not loaded, such as audit data
    assert objcopy.strip_archive_command(CHAIN, LINKED, TARGET).argv[1:] == (
        *("--strip-debug", "/w/linked/x.so", "/w/x.so"),
    )


def test_a_mach_o_file_is_stripped_of_the_map_to_its_debug_information() -> None:
    linked, target = Path("/w/linked/x.dylib"), Path("/w/x.dylib")
    kept, everything = (objcopy.strip_macho_command(CHAIN, linked, target, keeps_symbols=one) for one in (True, False))
    assert kept.argv[1:] == ("--strip-debug", "/w/linked/x.dylib", "/w/x.dylib")
    assert everything.argv[1:3] == ("--strip-debug", "--discard-all")
