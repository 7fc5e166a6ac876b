from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.toolchain import lay_out
from fakes.triples import MAC, X86
from ferrule.core.errors import ToolchainError
from ferrule.core.platforms import PLATFORMS
from ferrule.kinds import library
from ferrule.kinds.library import abi_of, cxx_problem, sdk_root

if TYPE_CHECKING:
    from fakes.toolchain import Demo

OBJECT = Path(__file__).parents[2] / "golden" / "binaries" / "cxx-linux.o.gz"


def test_c_plus_plus_that_nobody_could_link_is_a_problem() -> None:
    content = gzip.decompress(OBJECT.read_bytes())
    header = f"{'words.o/':<16}{'0':<12}{'0':<6}{'0':<6}{'644':<8}{len(content):<10}`\n"
    archive = b"!<arch>\n" + header.encode() + content
    problem = cxx_problem(archive, PLATFORMS[X86])
    assert problem is not None
    assert "libc++ of zig (_ZNSt13runtime_errorC1EPKc in words.o and 6 more)" in problem
    assert cxx_problem(archive, PLATFORMS[MAC]) is None
    assert cxx_problem(b"!<arch>\n", PLATFORMS[X86]) is None


def test_an_sdk_is_named_from_the_project(tmp_path: Path) -> None:
    assert sdk_root({}, tmp_path, where="native") is None
    with pytest.raises(ToolchainError, match="sdks/mac is not a macOS SDK"):
        sdk_root({"SDKROOT": "sdks/mac"}, tmp_path, where="native")
    (tmp_path / "sdks/mac/System/Library/Frameworks").mkdir(parents=True)
    assert sdk_root({"SDKROOT": "sdks/mac"}, tmp_path, where="native") == tmp_path / "sdks/mac"
    assert sdk_root({"SDKROOT": str(tmp_path / "sdks/mac")}, Path("/other"), where="native") == tmp_path / "sdks/mac"


@pytest.mark.parametrize(
    ("version", "abi"),
    [
        ("1.4.2", "1"),
        ("12.0.0", "12"),
        ("0.3.1", "0.3"),
        ("0.10.0", "0.10"),
        ("0.0.7", "0.0.7"),
        ("0.0.0", "0.0.0"),
        ("1.0.0-rc.1", "1"),
        ("0.0.7-rc.1+build.5", "0.0.7"),
        ("2.0.0+20130313144700", "2"),
        ("1.0.0-0.3.7", "1"),
        ("3", "3"),
        ("0.2", "0.2"),
    ],
)
def test_abi_is_what_semver_lets_break(version: str, abi: str) -> None:
    assert abi_of(version) == abi


def test_the_hint_for_a_name_of_a_build_script_s_own():
    assert library._hint_of_soname("libdemo.so.7", "libdemo.so.1").endswith('or write abi: "7"; ')
    assert library._hint_of_soname("libdemo.so.1", "libdemo.so.1") == ""
    assert library._hint_of_soname("other.so", "libdemo.so.1") == ""
    assert library._hint_of_soname(None, "libdemo.1.dylib") == ""


STATIC = f"""artifacts:
  native: {{kind: library, crate: demo-ffi, header: header, types: [staticlib], targets: [{X86}]}}
  header: {{kind: header, crate: demo-ffi}}
"""


def failure(demo: Demo, tail: str) -> str:
    targets = demo.project / "targets.yaml"
    targets.write_text(targets.read_text().partition("artifacts:\n")[0] + tail)
    return "".join(str(outcome.error or outcome.reason) for outcome in demo.run().failed)


def test_a_static_library_alone_has_what_its_header_declares(tmp_path: Path) -> None:
    demo = lay_out(tmp_path)
    (demo.home / "header").write_text("int demo_add(int a, int b);\nint demo_fetch(void);\n")
    message = failure(demo, STATIC)
    assert "libdemo.a does not match its declaration:\n" in message
    assert "declares demo_fetch, which the library does not export" in message
    assert "demo_copy" not in message


def test_a_static_library_asks_for_nothing_that_its_users_lack(tmp_path: Path) -> None:
    assert failure(lay_out(tmp_path / "right"), STATIC) == ""
    demo = lay_out(tmp_path / "wrong")
    path = demo.home / "binaries" / "demo-linux.a"
    path.write_bytes(path.read_bytes().replace(b"\0strlen\0", b"\0strlem\0"))
    message = failure(demo, STATIC)
    assert "it needs strlem, which nothing defines" in message
    assert "strlem is used by demo.o" in message


def test_the_linker_is_asked_where_no_list_describes_a_library(tmp_path: Path) -> None:
    demo = lay_out(tmp_path)
    failure(demo, STATIC.replace("[staticlib]", "[cdylib]"))
    assert "-z,defs" not in "".join(demo.calls)
    failure(demo, STATIC.replace("[staticlib]", "[cdylib], needs: [libssl.so.3]"))
    assert "link-arg=-Wl,-z,defs" in "".join(demo.calls)
