from __future__ import annotations

from pathlib import Path

import pytest

from ferrule.core.model import Tool
from ferrule.core.toolchain import Toolchain
from ferrule.tools import cbindgen
from ferrule.tools.cbindgen import Settings, complaints, header_command, read_settings
from ferrule.tools.installers import cargo_install


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("", Settings(None, None)),
        ('language = "C"\ncpp_compat = false', Settings("c", cpp_compat=False)),
        ('language = "Cxx"', Settings("c++")),
        ('language = "cython"', Settings("cython")),
        ('[export]\nexclude = ["Given"]', Settings(excluded=("Given",))),
        ("export = 1", Settings()),
        ('[export]\nexclude = "Given"', Settings()),
    ],
)
def test_what_a_configuration_says_of_the_form_of_the_header(text, settings):
    assert read_settings(text) == settings


@pytest.mark.parametrize("text", ["language = 1", 'language = "Pascal"', "language"])
def test_what_cbindgen_would_refuse_is_refused(text):
    with pytest.raises(ValueError, match=r"none of C, C\+\+ and Cython|Expected"):
        read_settings(text)


def test_what_says_nothing_of_the_interface_is_no_complaint():
    lines = [
        "WARN: Skip demo::SIZE - (not `pub`).",
        "WARN: Missing `[defines]` entry for `windows` in cbindgen config.",
        "INFO: Take demo::demo_add.",
        "WARN: Can't find Status. This usually means that this type was incompatible or not found.",
        "ERROR: Cannot use fn demo::demo_sum (Tuples are not supported types.).",
        "ERROR: Cannot use fn demo::demo_sum (Tuples are not supported types.).",
    ]
    assert complaints(lines) == [lines[3], lines[4]]
    assert complaints(lines, ["Stat"]) == [lines[3], lines[4]]
    assert complaints(lines, ["Status"]) == [lines[4]]


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        (Settings(), ["--lang", "c", "--cpp-compat"]),
        (Settings("c"), ["--cpp-compat"]),
        (Settings("c", cpp_compat=False), []),
        (Settings("c++"), []),
    ],
)
def test_a_header_is_one_of_c_for_both_unless_the_configuration_says_more(settings, options):
    tools = {name: Tool(name, "1", (name,), name) for name in ("cbindgen", "cargo", "rustc")}
    command = header_command(
        Toolchain("present", tools, {}, Path()),
        crate="demo",
        crate_folder=Path("demo"),
        lockfile=Path("Cargo.lock"),
        metadata=Path("metadata.json"),
        config=None,
        output=Path("raw.h"),
        notes=Path("raw.d"),
        settings=settings,
    )
    assert [a for a in command.argv if a in {"--lang", "c", "--cpp-compat"}] == options


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("c", ["c", "C"]),
        ("c++", ["c++", "C++", "cxx", "Cxx", "cpp", "Cpp", "cplusplus", "Cplusplus", "CXX", "CPP"]),
        ("cython", ["cython", "Cython", "CYTHON"]),
    ],
)
def test_every_name_of_a_language(language, names):
    assert {read_settings(f'language = "{name}"').language for name in names} == {language}


@pytest.mark.parametrize(
    "line",
    [
        "WARN: Skipping demo::start - (not `no_mangle`, and has no `export_name` attribute)",
        "WARN: couldn't parse unsafe() attribute",
        "WARN: Skipping associated constants for Type { .. }: x",
        "WARN: Couldn't find path for Type { .. }, skipping associated constants",
        "WARN: couldn't parse deprecated attribute",
    ],
)
def test_attributes_and_functions_that_are_not_for_c_are_no_complaint(line):
    assert complaints([line]) == []


def test_a_function_of_another_convention_is_a_complaint():
    line = 'WARN: Skipping demo::start - (not `extern "C"`)'
    assert complaints([line]) == [line]


def silent(_line):
    """Nobody listens."""


def test_a_cbindgen_on_the_path_serves_if_it_is_the_wanted_one(machine):
    path = machine.cbindgen("0.29.4", machine.bin)
    assert cbindgen.find(machine.host(), "0.29.4").argv == (str(path),)


def test_cbindgen_is_compiled_aside(machine):
    machine.rust()
    tools = {n: Tool(n, "1.96.0", (str(machine.usr / "bin" / n),), n) for n in ("cargo", "rustc")}
    cargo_install.CargoInstall("cbindgen", "0.29.4").install(machine.host(), tools, silent)
    path = machine.cache / "tools/cbindgen-0.29.4"
    assert cbindgen.find(machine.host(), "0.29.4").argv == (str(path / "bin/cbindgen"),)
    assert not (path / "target").exists()


def test_the_header_command():
    tools = {n: Tool(n, "1", (f"/tools/{n}",), n) for n in ("cargo", "rustc", "cbindgen")}
    command = cbindgen.header_command(
        Toolchain("installed", tools, {}, Path("/usr")),
        crate="x-ffi",
        crate_folder=Path("/w/x-ffi"),
        lockfile=Path("/w/Cargo.lock"),
        metadata=Path("/o/metadata.json"),
        config=Path("/w/x-ffi/cbindgen.toml"),
        output=Path("/o/x.h"),
        notes=Path("/o/x.d"),
        settings=cbindgen.Settings("c", cpp_compat=True),
        offline=True,
    )
    assert " ".join(command.argv) == (
        "/tools/cbindgen --crate x-ffi --lockfile /w/Cargo.lock --metadata /o/metadata.json --output /o/x.h"
        " --depfile /o/x.d --config /w/x-ffi/cbindgen.toml ."
    )
    assert command.env == {"CARGO": "/tools/cargo", "RUSTC": "/tools/rustc", "CARGO_NET_OFFLINE": "true"}
    assert command.cwd == Path("/w/x-ffi")
