from __future__ import annotations

from pathlib import Path

import pytest

from ferrule.core.model import Tool
from ferrule.core.toolchain import Toolchain
from ferrule.tools.cbindgen import Settings, complaints, header_command, read_settings


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("", Settings(None, None)),
        ('language = "C"\ncpp_compat = false', Settings("c", cpp_compat=False)),
        ('language = "Cxx"', Settings("c++")),
        ('language = "cython"', Settings("cython")),
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
