from __future__ import annotations

import re
import shutil
import tarfile
import zipfile
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from fakes.toolchain import lay_out
from fakes.triples import MAC, X86
from ferrule.app.release import run as release
from ferrule.core.errors import ConfigErrors
from ferrule.core.model import ActionInterface, Output
from ferrule.core.platforms import PLATFORMS, WINDOWS_GNULLVM, X86_64, Platform
from ferrule.kinds.sdk import (
    CSdk,
    PkgConfig,
    PkgConfigSection,
    SdkSpec,
    check,
    cmake_config,
    cmake_version,
    links,
    pkg_config,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.kinds.conftest import Bench

LIBRARY = ActionInterface(
    "native", (Output("libz.so.1", "cdylib"), Output("libz.a", "staticlib")), (("library", "z"), ("abi", "1"))
)
SDK = CSdk(
    stem="z-c-1.2.3",
    platform=PLATFORMS[X86],
    library=LIBRARY,
    header=ActionInterface("header", (Output("z.h", "header"),)),
    version="1.2.3",
    description="A library",
    homepage=None,
    license_files=("LICENSE",),
    files=(("share/doc/z/README", "README.md"),),
    epoch=315_532_800,
)


@pytest.mark.parametrize(
    ("triple", "abi", "version", "names"),
    [
        (X86, "1", "1.2.3", ("libz.so", "libz.so.1")),
        (X86, "0.0.7", "0.0.7", ("libz.so",)),
        (MAC, "1", "1.2.3", ("libz.dylib", "libz.1.dylib")),
        (MAC, "7", "1.2.3", ("libz.dylib", "libz.7.dylib")),
    ],
)
def test_links(triple: str, abi: str, version: str, names: tuple[str, ...]) -> None:
    assert links(PLATFORMS[triple], "z", abi, version) == names


def test_pkg_config() -> None:
    text = pkg_config("z", replace(SDK, homepage="https://example.org"), ["-lpthread", "-lc"], shared=True)
    assert text.splitlines() == [
        "prefix=${pcfiledir}/../..",
        "libdir=${prefix}/lib",
        "includedir=${prefix}/include",
        "",
        "Name: z",
        "Description: A library",
        "URL: https://example.org",
        "Version: 1.2.3",
        "Libs: -L${libdir} -lz",
        "Libs.private: -lpthread -lc",
        "Cflags: -I${includedir}",
    ]


def test_what_the_project_says_of_it_is_taken_over() -> None:
    section = PkgConfigSection(name="z-1.0", version="1.0", cflags=("-DZ",), requires=("zlib >= 1.2",))
    assert PkgConfig.of(section) == PkgConfig("z-1.0", "1.0", ("-DZ",), ("zlib >= 1.2",))
    assert PkgConfig.of(None) == PkgConfig()


def test_pkg_config_says_what_the_project_does() -> None:
    stated = PkgConfig("z-1.0", "1.0", ("-I${includedir}/z", "-DZ"), ("zlib >= 1.2", "glib-2.0"), ("libffi",))
    lines = pkg_config("z", replace(SDK, pkg_config=stated), ["-lm"], shared=True).splitlines()
    assert lines[4:] == [
        "Name: z-1.0",
        "Description: A library",
        "Version: 1.0",
        "Requires: zlib >= 1.2, glib-2.0",
        "Requires.private: libffi",
        "Libs: -L${libdir} -lz",
        "Libs.private: -lm",
        "Cflags: -I${includedir} -I${includedir}/z -DZ",
    ]


@pytest.mark.parametrize(
    ("private", "shared", "lines"),
    [
        ([], True, ["Libs: -L${libdir} -lz"]),
        ([], False, ["Libs: -L${libdir} -lz"]),
        (["-lm"], False, ["Libs: -L${libdir} -lz -lm"]),
    ],
)
def test_pkg_config_of_other_forms(private: list[str], shared: bool, lines: list[str]) -> None:
    text = pkg_config("z", SDK, private, shared=shared)
    assert [line for line in text.splitlines() if line.startswith("Libs")] == lines


def test_cmake_targets_follow_what_there_is() -> None:
    linux = PLATFORMS[X86]
    both = cmake_config("z", SDK, linux, ["-lm"])
    assert "add_library(z::z SHARED IMPORTED)" in both
    assert "add_library(z::static STATIC IMPORTED)" in both
    assert 'IMPORTED_SONAME "libz.so.1"' in both
    assert 'INTERFACE_LINK_LIBRARIES "-lm"' in both
    shared = cmake_config("z", replace(SDK, library=replace(LIBRARY, outputs=LIBRARY.outputs[:1])), linux, [])
    assert "STATIC" not in shared
    static = cmake_config("z", replace(SDK, library=replace(LIBRARY, outputs=LIBRARY.outputs[1:])), linux, [])
    assert "SHARED" not in static
    assert "add_library(z::z INTERFACE IMPORTED)" in static
    mac = cmake_config("z", replace(SDK, platform=PLATFORMS[MAC]), PLATFORMS[MAC], [])
    assert 'IMPORTED_SONAME "@rpath/libz.1.dylib"' in mac


@pytest.mark.parametrize(
    ("version", "plain", "compares_minor"),
    [("1.2.3", "1.2.3", False), ("0.3.1-rc.1+b", "0.3.1", True), ("2", "2", False)],
)
def test_cmake_version(version: str, plain: str, compares_minor: bool) -> None:
    text = cmake_version(version)
    assert f'set(PACKAGE_VERSION "{plain}")' in text
    assert ("MINOR EQUAL" in text) is compares_minor


def packed(
    bench: Bench, native: Callable[..., tuple[ActionInterface, dict[str, Path]]], triple: str, *types: str
) -> Path:
    bench.source("LICENSE", "licence")
    bench.source("README.md", "readme")
    library, libraries = native(triple, *types)
    header, headers = bench.made("header", {"z.h": b"int z(void);"}, (Output("z.h", "header"),))
    recipe = replace(SDK, platform=PLATFORMS[triple], library=library, header=header)
    context = bench.make(
        recipe,
        Output("z.tar.gz", "archive"),
        needed={library.id: libraries, header.id: headers},
        facts={library.id: {"link": ["-lc"]}},
    )
    return context.output("archive")


def test_archive_holds_everything_under_one_folder(
    bench: Bench, native: Callable[..., tuple[ActionInterface, dict[str, Path]]]
) -> None:
    with tarfile.open(packed(bench, native, X86)) as archive:
        names = {m.name for m in archive if not m.isdir()}
        result = {m.name: m.linkname for m in archive if m.issym()}
        real = archive.getmember("z-c-1.2.3/lib/libz.so.1.2.3")
    assert names == {
        f"z-c-1.2.3/{n}"
        for n in (
            "include/z.h",
            "lib/libz.so.1.2.3",
            "lib/libz.so",
            "lib/libz.so.1",
            "lib/libz.a",
            "lib/pkgconfig/z.pc",
            "lib/cmake/z/zConfig.cmake",
            "lib/cmake/z/zConfigVersion.cmake",
            "share/licenses/z/LICENSE",
            "share/doc/z/README",
        )
    }
    assert result == {"z-c-1.2.3/lib/libz.so": "libz.so.1.2.3", "z-c-1.2.3/lib/libz.so.1": "libz.so.1.2.3"}
    assert real.mode == 0o755


def test_archive_of_a_static_library_only(
    bench: Bench, native: Callable[..., tuple[ActionInterface, dict[str, Path]]], tmp_path: Path
) -> None:
    with tarfile.open(packed(bench, native, X86, "staticlib")) as archive:
        names = {m.name for m in archive if not m.isdir()}
        text = archive.extractfile("z-c-1.2.3/lib/pkgconfig/z.pc")
        assert text is not None
        assert "Libs: -L${libdir} -lz -lc\n" in text.read().decode()
    assert not any(".so" in n for n in names)
    assert tmp_path.exists()


def test_archive_of_a_shared_library_only(
    bench: Bench, native: Callable[..., tuple[ActionInterface, dict[str, Path]]]
) -> None:
    with tarfile.open(packed(bench, native, MAC, "cdylib")) as archive:
        names = {m.name.rpartition("/")[2] for m in archive if not m.isdir()}
    assert {"libz.1.2.3.dylib", "libz.1.dylib", "libz.dylib"} <= names
    assert "libz.a" not in names


def test_same_input_gives_the_same_bytes(
    bench: Bench, native: Callable[..., tuple[ActionInterface, dict[str, Path]]]
) -> None:
    first = packed(bench, native, X86).read_bytes()
    shutil.rmtree(bench.root / "work")
    assert packed(bench, native, X86).read_bytes() == first


def test_archive_for_windows(bench: Bench) -> None:
    platform = Platform("x86_64-pc-windows-gnullvm", WINDOWS_GNULLVM, X86_64)
    bench.source("LICENSE", "licence")
    bench.source("README.md", "readme")
    roles = (Output("z.dll", "cdylib"), Output("libz.dll.a", "import-library"))
    library, files = bench.made("native", {o.name: o.role.encode() for o in roles}, roles, library="z", abi="1")
    header, headers = bench.made("header", {"z.h": b"int z(void);"}, (Output("z.h", "header"),))
    needed = {library.id: files, header.id: headers}
    recipe = replace(SDK, platform=platform, library=library, header=header)
    context = bench.make(recipe, Output("z.zip", "archive"), needed=needed, facts={library.id: {"link": []}})
    with zipfile.ZipFile(context.output("archive")) as archive:
        linked, dll = (archive.read(f"z-c-1.2.3/{name}") for name in ("lib/libz.dll.a", "bin/z.dll"))
        assert (linked, dll) == (b"import-library", b"cdylib")
    text = cmake_config("z", recipe, platform, [])
    assert 'IMPORTED_LOCATION "${_z_root}/bin/z.dll"' in text
    assert 'IMPORTED_IMPLIB "${_z_root}/lib/libz.dll.a"' in text
    assert "IMPORTED_SONAME" not in text


@pytest.mark.parametrize(
    ("files", "key", "message"),
    [
        ({"a/../b": "README.md"}, ("files", "a/../b"), "cannot be the name of an archive member"),
        ({"/etc/x": "README.md"}, ("files", "/etc/x"), "cannot be the name of an archive member"),
        ({"x/y": "README.md", "X/Y": "README.md"}, ("files",), "would be one file on macOS and Windows"),
        ({"x": "README.md", "x/y": "README.md"}, ("files",), "cannot be packed below x"),
    ],
)
def test_paths_that_no_archive_can_hold(files: dict[str, str], key: tuple[str, ...], message: str) -> None:
    spec = SdkSpec(kind="sdk", library="native", header="header", files=files)
    (problem,) = check(spec, cast("Any", SimpleNamespace(project=SimpleNamespace(description=None))))
    assert problem.key == key
    assert message in problem.message


def test_a_description_that_pkg_config_would_replace_a_part_of() -> None:
    spec = SdkSpec(kind="sdk", library="native", header="header")
    context = SimpleNamespace(project=SimpleNamespace(description="Costs ${price}"))
    (problem,) = check(spec, cast("Any", context))
    assert "takes for the beginning of a variable" in problem.message


def test_a_comment_sign_in_a_description_is_escaped() -> None:
    text = pkg_config("z", replace(SDK, description="A # B", homepage="https://a.example/#c"), [], shared=True)
    assert "Description: A \\# B\nURL: https://a.example/\\#c\n" in text


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("include/demo.h", "include/demo.h"),
        ("include/demo.h/a.txt", "include/demo.h"),
        ("lib", "lib"),
        ("lib/libdemo.a", "lib/libdemo.a"),
        ("include/more.h", None),
        ("lib/more/a.txt", None),
    ],
)
def test_a_file_in_the_place_of_what_the_sdk_holds(tmp_path: Path, path: str, taken: str | None) -> None:
    demo = lay_out(tmp_path)
    demo.edit("header: header}\n  sdk-py", f"header: header, files: {{{path}: LICENSE}}}}\n  sdk-py")
    if taken:
        with pytest.raises(ConfigErrors, match=f"the SDK has {re.escape(taken)} of its own"):
            release.make_plan(release.load(demo.project), demo.context)
    else:
        assert release.make_plan(release.load(demo.project), demo.context).actions
