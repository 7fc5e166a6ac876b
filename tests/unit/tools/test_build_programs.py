from __future__ import annotations

import pytest

from ferrule.tools.build_programs import BUILD_PROGRAMS, asked_for, explain_script
from ferrule.tools.run import Captured, ToolFailed

_HEAD = """\
   Compiling demo-sys v0.1.0 (/p/demo-sys)
error: failed to run custom build command for `demo-sys v0.1.0 (/p/demo-sys)`

Caused by:
  process didn't exit successfully: `/t/build-script-build` (exit status: 101)
  --- stderr
"""
# As the crates cmake, clang-sys, pkg-config, nasm-rs, prost-build and openssl-src say it.
WORDS = {
    "cmake": "failed to execute command: No such file or directory (os error 2)\nis `cmake` not installed?",
    "libclang": "Unable to find libclang: \"couldn't find any valid shared libraries matching: ['libclang.so', …]\"",
    "pkg-config": "Could not run `PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 pkg-config --libs --cflags zlib`\n"
    "The pkg-config command could not be found.",
    "nasm": "Unable to run nasm: No such file or directory (os error 2)",
    "protoc": "Could not find `protoc`. If `protoc` is installed, try setting the `PROTOC` environment variable",
    "perl": "Command 'perl' not found. Is perl installed?",
    "make": "Command 'make' not found. Is make installed?",
}


def failed(words: str, head: str = _HEAD) -> ToolFailed:
    return ToolFailed("cargo ended with 101", command="cargo", code=101, captured=Captured("", head + words + "\n"))


def test_every_program_is_known_by_what_build_scripts_say_without_it() -> None:
    assert {program.name for program in BUILD_PROGRAMS} == {*WORDS}
    for program in BUILD_PROGRAMS:
        error = explain_script(failed(WORDS[program.name]))
        assert error is not None
        assert error.message == f"the build script of demo-sys v0.1.0 needs {program.name}, which was not found"
        assert f"apt-get install {program.debian} " in (error.hint or "")
    error = explain_script(failed(WORDS["protoc"]))
    assert error is not None
    assert '`env: {PROTOC: "/opt/protoc/bin/protoc"}`' in (error.hint or "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "The system library `openssl` required by crate `openssl-sys` was not found.",
            "the build script of openssl-sys looks for the library openssl of the system, which is not there",
        ),
        (
            "pkg-config has not been configured to support cross-compilation.",
            "the build script of demo-sys v0.1.0 looks for a library of the target by pkg-config, and there is none",
        ),
    ],
)
def test_a_library_of_the_system_is_to_be_built_from_source(words: str, message: str) -> None:
    error = explain_script(failed(words))
    assert error is not None
    assert error.message == message
    assert "vendored" in (error.hint or "")


def test_other_failures_are_others() -> None:
    assert explain_script(failed("thread 'main' panicked at build.rs:3:5: no cmake for you")) is None
    assert explain_script(failed(WORDS["cmake"], head="error: linking failed\n")) is None


def test_programs_are_asked_for_by_the_crates_that_call_them() -> None:
    asked = {
        program.name: crates for program, crates in asked_for(frozenset({"bindgen", "cmake", "clang-sys", "rand"}))
    }
    assert asked == {"cmake": ("cmake",), "libclang": ("bindgen", "clang-sys")}


def test_they_are_found_where_build_scripts_find_them(machine) -> None:
    cmake, libclang, *_ = BUILD_PROGRAMS
    assert (cmake.find(machine.host()), libclang.find(machine.host())) == (None, None)
    program = machine.program("cmake", "exit 0")
    library = machine.usr / "lib" / "llvm-19" / "lib" / "libclang.so.19"
    library.parent.mkdir(parents=True)
    library.touch()
    assert (cmake.find(machine.host()), libclang.find(machine.host())) == (str(program), str(library))
    clang = machine.program("clang", "exit 0")
    assert libclang.find(machine.host(system="Darwin")) == str(clang)
