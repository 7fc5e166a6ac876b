"""The C SDK as programs are built against it: C and C++, pkg-config and CMake, dynamic and static, both machines."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest
from judges import CHECKOUT, run
from released import ARM, X86

CHECK_C = CHECKOUT / "rust" / "email-validator-ffi" / "examples" / "c" / "check.c"
STRICT = ("-Wall", "-Wextra", "-Werror", "-pedantic")
C, CPP = ("gcc", "-std=c11"), ("g++", "-std=c++17", "-x", "c++")
CMAKE = """
cmake_minimum_required(VERSION 3.16)
project(user LANGUAGES C)
find_package(email_validator 0.1 REQUIRED)
add_executable(dynamic check.c)
target_link_libraries(dynamic PRIVATE email_validator::email_validator)
add_executable(static check.c)
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


def assert_decides(*program: str | Path, **environment: str) -> None:
    """A built check.c makes the decisions above."""
    for blocked, address, expected in DECISIONS:
        options = [word for name in blocked for word in ("--block", name)]
        assert run(*program, *options, address, **environment).stdout == expected + "\n"


@pytest.fixture
def ask(release):
    """What pkg-config says about the SDK, wherever it lies."""

    def ask(*question: str, sdk: Path | None = None) -> list[str]:
        path = (sdk or release.sdk(X86)) / "lib" / "pkgconfig"
        return shlex.split(run("pkg-config", *question, "email_validator", PKG_CONFIG_PATH=str(path)).stdout)

    return ask


@pytest.mark.parametrize("compiler", [C, CPP], ids=["c11", "c++17"])
def test_the_header_alone_has_no_warning(release, compiler, tmp_path):
    empty = tmp_path / "empty.c"
    empty.write_text("#include <email_validator.h>\nint main(void) { return 0; }\n")
    run(*compiler, *STRICT, "-I", release.header().parent, "-fsyntax-only", empty)


def test_pkg_config_knows_the_version(release, ask):
    assert ask("--modversion") == [release.manifest["release"]]


@pytest.mark.parametrize("compiler", [C, CPP], ids=["c11", "c++17"])
def test_pkg_config_dynamic(release, ask, compiler, tmp_path):
    assert " " in str(release.sdk(X86))
    program = tmp_path / "check"
    search = f"-Wl,-rpath,{release.sdk(X86) / 'lib'}"
    run(*compiler, *STRICT, *ask("--cflags"), CHECK_C, "-o", program, "-x", "none", *ask("--libs"), search)
    assert "libemail_validator.so.0.1" in run("readelf", "--wide", "--dynamic", program).stdout
    assert_decides(program)


def test_pkg_config_static(release, ask, tmp_path):
    program, sdk = tmp_path / "check", tmp_path / "only the archive"
    shutil.copytree(release.sdk(X86), sdk, symlinks=True, ignore=shutil.ignore_patterns("*.so*"))
    run(*C, *ask("--cflags", sdk=sdk), CHECK_C, "-o", program, *ask("--static", "--libs", sdk=sdk))
    assert "libemail_validator" not in run("readelf", "--wide", "--dynamic", program).stdout
    assert_decides(program)


def test_cmake_dynamic_and_static_also_after_a_move(release, tmp_path):
    moved, source = tmp_path / "moved here", tmp_path / "source"
    for number, sdk in enumerate((release.sdk(X86), Path(shutil.copytree(release.sdk(X86), moved, symlinks=True)))):
        source.mkdir(exist_ok=True)
        shutil.copy(CHECK_C, source)
        (source / "CMakeLists.txt").write_text(CMAKE)
        made = tmp_path / f"made-{number}"
        said = run("cmake", "-S", source, "-B", made, f"-DCMAKE_PREFIX_PATH={sdk}", "-Wdev", "-Werror=dev").stdout
        assert "Warning" not in said
        run("cmake", "--build", made)
        assert str(sdk) in run("readelf", "--wide", "--dynamic", made / "dynamic").stdout
        assert_decides(made / "dynamic")
        assert_decides(made / "static")


def test_cmake_refuses_another_version(release, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(CMAKE.replace("email_validator 0.1", "email_validator 0.2"))
    done = run("cmake", "-S", tmp_path, "-B", tmp_path / "made", f"-DCMAKE_PREFIX_PATH={release.sdk(X86)}", ok=False)
    assert done.returncode
    assert "version: 0.1.0" in done.stderr


def test_a_moved_sdk_is_found_where_it_is_now(release, ask, tmp_path):
    sdk = Path(shutil.copytree(release.sdk(X86), tmp_path / "elsewhere", symlinks=True))
    program = tmp_path / "check"
    run(*C, *ask("--cflags", sdk=sdk), CHECK_C, "-o", program, *ask("--libs", sdk=sdk))
    assert_decides(program, LD_LIBRARY_PATH=str(sdk / "lib"))


def test_every_vector_that_a_command_line_can_carry(release, ask, vectors, tmp_path):
    program = tmp_path / "check"
    run(*C, *ask("--cflags"), CHECK_C, "-o", program, *ask("--libs"))
    plain = {"require_top_level_domain": True, "allow_domain_literal": False, "blocked_emails": ["INVALID"]}
    chosen = [v for v in vectors if v["options"] == plain and "\0" not in v["candidate"] and len(v["candidate"]) < 9999]
    said = run(program, *(v["candidate"] for v in chosen), LD_LIBRARY_PATH=str(release.sdk(X86) / "lib")).stdout
    assert said.splitlines() == [v["expected"]["ok"] for v in chosen]
    assert len(chosen) > 400


def test_valgrind_finds_no_fault_and_no_leak(release, ask, tmp_path):
    program = tmp_path / "check"
    run(*C, "-g", *ask("--cflags"), CHECK_C, "-o", program, *ask("--libs"))
    judge = ("valgrind", "--quiet", "--error-exitcode=9", "--leak-check=full", "--show-leak-kinds=definite,indirect")
    assert_decides(*judge, program, LD_LIBRARY_PATH=str(release.sdk(X86) / "lib"))


@pytest.mark.parametrize("linked", ["dynamic", "static"])
def test_arm64_under_emulation_with_the_loader_of_the_image(release, programs, linked, tmp_path):
    program, sdk = tmp_path / "check", release.sdk(ARM)
    libraries = {
        "dynamic": ["-L", sdk / "lib", "-lemail_validator"],
        "static": [sdk / "lib" / "libemail_validator.a", "-lunwind"],
    }
    compiler = (programs["zig"], "cc", "-target", "aarch64-linux-gnu.2.36")
    run(*compiler, "-I", sdk / "include", CHECK_C, "-o", program, *libraries[linked])
    search = {"QEMU_SET_ENV": f"LD_LIBRARY_PATH={sdk / 'lib'}"} if linked == "dynamic" else {}
    assert_decides("qemu-aarch64-static", "-L", release.rootfs(ARM), program, **search)
