"""The C SDK as programs are built against it: by every compiler, pkg-config and CMake, dynamic and static."""

from __future__ import annotations

import functools
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from judges import CHECKOUT, OWN, VECTORS, run
from released import HOST, LINUX

from fakes.triples import ARM, MAC, X86

pytestmark = pytest.mark.consumer

CONSUMER = CHECKOUT / "tests" / "consumers" / "c" / "vectors.c"
CHECK_C = CHECKOUT / "rust" / "email-validator-ffi" / "examples" / "c" / "check.c"
STRICT = ("-Wall", "-Wextra", "-Werror", "-pedantic")
ROADS, LINKED = ("pkg-config", "cmake"), ("dynamic", "static")
CMAKE = """
cmake_minimum_required(VERSION 3.16)
project(user LANGUAGES ${LANGUAGE})
find_package(email_validator 0.1 REQUIRED)
add_executable(dynamic ${SOURCE})
target_link_libraries(dynamic PRIVATE email_validator::email_validator)
add_executable(static ${SOURCE})
target_link_libraries(static PRIVATE email_validator::static)
"""
# What the look-ups of check.c say about each address, by the type that is blocked.
DECISIONS = [
    ((), "joe@gmail.com", '{"decision":"Allowed"}'),
    (("FREE",), "joe@gmail.com", '{"decision":"Denied","blocked":["FREE"]}'),
    (("FREE",), "joe@example.com", '{"decision":"Allowed"}'),
    (("DISPOSABLE", "FREE"), "joe@mailinator.com", '{"decision":"Denied","blocked":["DISPOSABLE"]}'),
    (("NO_MX_RECORDS",), "joe@nomail.example", '{"decision":"Denied","blocked":["NO_MX_RECORDS"]}'),
    (("NO_GRAVATAR",), "joe+tag@example.com", '{"decision":"Denied","blocked":["NO_GRAVATAR"]}'),
    (("FREE",), "joe@", '{"decision":"Denied","blocked":["INVALID"]}'),
]


@dataclass(frozen=True)
class Compiler:
    """A compiler as it is called, and the language that it is to see in our files."""

    argv: tuple[str, ...]
    language: str = "C"
    options: tuple[str, ...] = ()

    @property
    def standard(self) -> tuple[str, ...]:
        """The language's options; g++ and clang++ take a .c file for C++ only if told."""
        return ("-std=c11",) if self.language == "C" else ("-std=c++17", "-x", "c++")

    def link(self, program: Path, before: list[str], after: list[str], *, source: Path = CONSUMER) -> None:
        """Build a program of one file without a warning."""
        argv = (*self.argv, *self.standard, *STRICT, *self.options, *before, source, "-o", program)
        run(*argv, "-x", "none", *after, ZIG_GLOBAL_CACHE_DIR=str(OWN / "zig"))


# Linux's gcc; macOS has a program of this name, which is clang.
GNU = pytest.mark.only_on(*LINUX, reason="gcc and g++ are other names of clang there")
COMPILERS = [
    pytest.param("gcc", marks=GNU),
    pytest.param("g++", marks=GNU),
    "clang",
    "clang++",
    "zig cc",
]


@pytest.fixture(scope="module")
def compilers(programs) -> dict[str, Compiler]:
    """Every compiler by its name."""
    plain = {name: Compiler((name,)) for name in ("gcc", "clang")}
    plain |= {name: Compiler((name,), "CXX") for name in ("g++", "clang++")}
    # Without an optimization zig cc adds a sanitizer, whose library it would compile first.
    return plain | {"zig cc": Compiler((programs["zig"], "cc"), options=("-O2",))}


@pytest.fixture(scope="module")
def sdk(release, tmp_path_factory) -> Path:
    """The SDK of this machine in another folder than it was unpacked into, with a space in its name."""
    path = tmp_path_factory.mktemp("sdk") / "moved here"
    return Path(shutil.copytree(release.sdk(HOST), path, symlinks=True))


@pytest.fixture(scope="module")
def archive_only(sdk) -> Path:
    """The SDK without its dynamic library: what a linker that prefers it has to be given to link statically."""
    path = sdk.parent / "only the archive"
    return Path(shutil.copytree(sdk, path, symlinks=True, ignore=shutil.ignore_patterns("*.so*", "*.dylib")))


def ask(sdk: Path, *question: str) -> list[str]:
    """What pkg-config says about an SDK."""
    path = sdk / "lib" / "pkgconfig"
    return shlex.split(run("pkg-config", *question, "email_validator", PKG_CONFIG_PATH=str(path)).stdout)


@pytest.fixture(scope="module")
def build(compilers, sdk, archive_only, tmp_path_factory):
    """Builds the consumer: by a compiler, by a road, dynamic or static; each program once."""
    folder = tmp_path_factory.mktemp("programs")

    @functools.cache
    def configured(name: str) -> Path:
        compiler, result, source = compilers[name], folder / name, folder / f"source {name}"
        source.mkdir()
        file = source / ("vectors.c" if compiler.language == "C" else "vectors.cpp")
        shutil.copy(CONSUMER, file)
        (source / "CMakeLists.txt").write_text(CMAKE)
        values = {
            "CMAKE_PREFIX_PATH": sdk,
            f"CMAKE_{compiler.language}_COMPILER": ";".join(compiler.argv),
            f"CMAKE_{compiler.language}_FLAGS": shlex.join((*STRICT, *compiler.options)),
            "LANGUAGE": compiler.language,
            "SOURCE": file.name,
        }
        given = [f"-D{key}={value}" for key, value in values.items()]
        zig = {"ZIG_GLOBAL_CACHE_DIR": str(OWN / "zig")}
        output = run("cmake", "-S", source, "-B", result, "-Wdev", "-Werror=dev", *given, **zig)
        assert "Warning" not in output.stdout + output.stderr
        run("cmake", "--build", result, **zig)
        return result

    @functools.cache
    def build(name: str, road: str, linked: str) -> Path:
        if road == "cmake":
            return configured(name) / linked
        program = folder / f"{name} {linked}"
        if linked == "static":
            libraries = ask(archive_only, "--static", "--libs")
        else:
            libraries = [*ask(sdk, "--libs"), f"-Wl,-rpath,{sdk / 'lib'}"]
        compilers[name].link(program, ask(sdk, "--cflags"), libraries)
        return program

    return build


def libraries_of(program: Path) -> list[str]:
    """Names of the libraries that a program asks the loader for."""
    if HOST == MAC:
        return re.findall(r"^\t(\S+) \(", run("otool", "-L", program).stdout, flags=re.MULTILINE)
    return re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "--wide", "--dynamic", program, LC_ALL="C").stdout)


@pytest.mark.parametrize("linked", LINKED)
@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("compiler", COMPILERS)
def test_every_vector(build, compiler, road, linked, expected):
    program = build(compiler, road, linked)
    assert run(program, VECTORS).stdout == expected
    ours = [name.removeprefix("@rpath/") for name in libraries_of(program) if "email_validator" in name]
    dynamic = "libemail_validator.0.1.dylib" if HOST == MAC else "libemail_validator.so.0.1"
    assert ours == ([dynamic] if linked == "dynamic" else [])


@pytest.mark.only_on(*LINUX, reason="valgrind does not run there")
@pytest.mark.parametrize("linked", LINKED)
def test_valgrind_finds_no_fault_and_nothing_lost(build, linked, expected):
    judge = ("valgrind", "--quiet", "--error-exitcode=9", "--leak-check=full", "--show-leak-kinds=all")
    done = run(*judge, "--errors-for-leak-kinds=all", build("gcc", "pkg-config", linked), VECTORS)
    assert (done.stdout, done.stderr) == (expected, "")


@pytest.mark.only_on(*LINUX, reason="valgrind does not run there")
def test_valgrind_would_notice_what_is_not_freed(compilers, sdk, tmp_path):
    forgetful, program = tmp_path / "forgetful.c", tmp_path / "forgetful"
    text = CONSUMER.read_text()
    assert text.count("email_validator_string_free(said);") == 1
    forgetful.write_text(text.replace("email_validator_string_free(said);", ""))
    libraries = [*ask(sdk, "--libs"), f"-Wl,-rpath,{sdk / 'lib'}"]
    compilers["gcc"].link(program, ask(sdk, "--cflags"), libraries, source=forgetful)
    done = run("valgrind", "--error-exitcode=9", "--leak-check=full", program, VECTORS, ok=False)
    assert done.returncode == 9
    assert "email_validator_check" in done.stderr


@pytest.mark.only_on(X86, reason="they are run natively, or by no emulator")
@pytest.mark.parametrize("linked", LINKED)
def test_every_vector_on_arm64_with_the_loader_of_the_image(release, programs, linked, expected, tmp_path):
    program, lib = tmp_path / "vectors", release.sdk(ARM) / "lib"
    libraries = ["-L", lib, "-lemail_validator"] if linked == "dynamic" else [lib / "libemail_validator.a", "-lunwind"]
    compiler = Compiler((programs["zig"], "cc", "-target", "aarch64-linux-gnu.2.17"), options=("-O2",))
    compiler.link(program, ["-I", release.sdk(ARM) / "include"], libraries)
    assert "AArch64" in run("readelf", "--file-header", program, LC_ALL="C").stdout
    search = {"QEMU_SET_ENV": f"LD_LIBRARY_PATH={lib}"} if linked == "dynamic" else {}
    assert run("qemu-aarch64-static", "-L", release.rootfs(ARM), program, VECTORS, **search).stdout == expected


def test_a_header_of_another_release_is_noticed(compilers, sdk, tmp_path):
    include = Path(shutil.copytree(sdk / "include", tmp_path / "include"))
    header = include / "email_validator.h"
    text = header.read_text()
    header.write_text(re.sub(r'(_INTERFACE ")[0-9a-f]{64}"', rf'\g<1>{"0" * 64}"', text))
    assert header.read_text() != text
    libraries = [*ask(sdk, "--libs"), f"-Wl,-rpath,{sdk / 'lib'}"]
    compilers["clang"].link(tmp_path / "vectors", ["-I", str(include)], libraries)
    done = run(tmp_path / "vectors", VECTORS, ok=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "the library does not belong to the header" in done.stderr


@pytest.mark.parametrize("compiler", ["clang", "clang++"])
def test_the_example(compilers, sdk, compiler, tmp_path):
    program, libraries = tmp_path / "check", [*ask(sdk, "--libs"), f"-Wl,-rpath,{sdk / 'lib'}"]
    compilers[compiler].link(program, ask(sdk, "--cflags"), libraries, source=CHECK_C)
    for blocked, address, decision in DECISIONS:
        options = [word for name in blocked for word in ("--block", name)]
        assert run(program, *options, address).stdout == decision + "\n"


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_header_alone_has_no_warning(compilers, sdk, compiler, tmp_path):
    empty = tmp_path / "empty.c"
    empty.write_text("#include <email_validator.h>\nint main(void) { return 0; }\n")
    known = compilers[compiler]
    run(*known.argv, *known.standard, *STRICT, "-I", sdk / "include", "-c", empty, "-o", tmp_path / "empty.o")


def test_pkg_config_knows_the_version(release, sdk):
    assert ask(sdk, "--modversion") == [release.manifest["release"]]


def test_cmake_refuses_another_version(sdk, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(CMAKE.replace("email_validator 0.1", "email_validator 0.2"))
    options = ("-DLANGUAGE=C", "-DSOURCE=vectors.c", f"-DCMAKE_PREFIX_PATH={sdk}")
    done = run("cmake", "-S", tmp_path, "-B", tmp_path / "made", *options, ok=False)
    assert done.returncode
    assert "version: 0.1.0" in done.stderr
