"""What files of a release need, by what is in them."""

from __future__ import annotations

import pytest

from ferrule.core.facts import MeasuredFile
from ferrule.formats.requirements import Requirements, of

LINUX = MeasuredFile("elf", name="libdemo.so.1", glibc="2.9", needed=("libc.so.6", "libdemo.so.1", "libother.so"))
NEWER = MeasuredFile("elf", glibc="2.17", needed=("libc.so.6",))
METADATA = (
    b"Metadata-Version: 2.4\nName: demo\nRequires-Python: >=3.11\nRequires-Dist: numpy>=2\n"
    b"Requires-Dist: x; extra == 'all'\n\nRequires-Dist: y\n"
)


def test_the_newest_floor_of_its_parts_and_what_they_load_from_outside() -> None:
    needs = of("demo.tar.gz", {"demo/lib/libdemo.so.1": b"", "demo/lib/libother.so": b""}, [LINUX, NEWER])
    assert needs == Requirements(floors=("glibc 2.17",), loads=("libc.so.6",))


@pytest.mark.parametrize(
    ("tag", "floor"),
    [
        ("manylinux2014_x86_64.manylinux_2_28_x86_64", "glibc 2.28"),
        ("musllinux_1_2_aarch64", "musl 1.2"),
        ("macosx_11_0_arm64", "macOS 11.0"),
        ("any", None),
    ],
)
def test_a_wheel_needs_what_its_tag_promises(tag: str, floor: str | None) -> None:
    needs = of(f"demo-1-py3-none-{tag}.whl", {"demo-1.dist-info/METADATA": METADATA}, [])
    assert needs.floors == (*([floor] if floor else []), "Python >=3.11")
    assert needs.packages == ("numpy>=2",)


@pytest.mark.parametrize(
    ("name", "floors"),
    [
        ("demo-1-cp311-abi3-manylinux_2_17_x86_64.whl", ("glibc 2.17", "CPython >=3.11")),
        ("demo-1-cp312-cp312-win_amd64.whl", ("CPython 3.12",)),
        ("demo-1-cp314-cp314t-macosx_11_0_arm64.whl", ("macOS 11.0", "CPython 3.14 free-threaded")),
        ("demo.whl", ()),
        ("demo-1-cp312-cp312-manylinux_2_17_x86_64.zip", ()),
    ],
)
def test_an_extension_needs_the_python_it_is_compiled_for(name: str, floors: tuple[str, ...]) -> None:
    assert of(name, {}, []).floors == floors


@pytest.mark.parametrize(
    ("member", "content", "needs"),
    [
        ("demo-1/PKG-INFO", b"Name: demo\n\n", Requirements()),
        (
            "package/package.json",
            b'{"engines": {"node": ">=20"}, "dependencies": {"a": "^1"}}',
            Requirements(("Node.js >=20",), (), ("a ^1",)),
        ),
        ("package/package.json", b'{"engines": [], "dependencies": 1}', Requirements()),
        ("package/package.json", b"[1]", Requirements()),
        ("package/package.json", b"{", Requirements()),
        ("go.mod", b"module example.com/demo\n\ngo 1.24\n", Requirements(("Go 1.24",))),
        ("example.com/demo@v1.2.3/go.mod", b"module example.com/demo\n", Requirements()),
        ("other/package.json", b'{"engines": {"node": ">=20"}}', Requirements()),
    ],
)
def test_packages_state_what_they_need(member: str, content: bytes, needs: Requirements) -> None:
    assert of("demo", {member: content}, [MeasuredFile("macho")]) == needs


def test_macos() -> None:
    assert of("x", {}, [MeasuredFile("macho", macos="11.0"), MeasuredFile("macho", macos="9.3")]).floors == (
        "macOS 11.0",
    )
