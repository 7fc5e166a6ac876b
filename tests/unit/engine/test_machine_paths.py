from __future__ import annotations

import struct
import tracemalloc
import zlib
from pathlib import Path

import pytest

from ferrule.core.errors import BuildError
from ferrule.engine.machine_paths import find, foreign_packages, machine_folders, refuse

FOLDERS = (Path("/builds/project"), Path("/builds/.cargo"))


def archive(*members: tuple[str, bytes]) -> bytes:
    """A static library as GNU ar writes it (ar(5))."""
    parts = [b"!<arch>\n"]
    for name, content in members:
        header = f"{name + '/':<16}{'0':<12}{'0':<6}{'0':<6}{'644':<8}{len(content):<10}`\n"
        parts += [header.encode(), content, b"\n" * (len(content) % 2)]
    return b"".join(parts)


@pytest.mark.parametrize(
    "content",
    [
        b"\0/builds/project/src/lib.rs\0",
        b"comp_dir\0/builds/project\0",
        b'"/builds/.cargo/registry/src/a/b.c":12',
        b"x" * 100_000 + b"\0/builds/project/a\0",
        b"a text without an end/builds/project/src/lib.rsand another",
        b"\0/builds/projectand a text\0",
        b"cc -I/builds/project/include",
    ],
)
def test_a_path_of_the_machine_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "lib.so").write_bytes(content)
    with pytest.raises(BuildError, match=r"holds a path of this machine, /builds/(project|\.cargo)") as caught:
        refuse(tmp_path, ["lib.so"], FOLDERS)
    assert caught.value.where == "lib.so"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0/workspace/src/lib.rs\0/cargo/registry/a.c\0",
        b"/builds/pro",
    ],
)
def test_other_paths_are_not(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "lib.so").write_bytes(content)
    refuse(tmp_path, ["lib.so"], FOLDERS)


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b".SH FILES\n/builds/project/demo\n", "find what writes it into this text: what a program prints"),
        (b"\0/builds/project/lib.rs", 'find what writes it there (env!("CARGO_MANIFEST_DIR")'),
        (b"\0/builds/project/ziglang-1/lib", "it is in debug information of zig's own runtime"),
        (archive(("a.o", b"/builds/project/a.c")), 'find what writes it there (env!("CARGO_MANIFEST_DIR")'),
    ],
    ids=["text", "code", "zig", "static library"],
)
def test_the_hint_is_about_what_holds_the_path(tmp_path: Path, content: bytes, hint: str) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(BuildError) as caught:
        refuse(tmp_path, ["file"], FOLDERS)
    assert (caught.value.hint or "").startswith(hint)


def test_the_member_of_a_static_library_is_named(tmp_path: Path) -> None:
    members = (("one.o", b"nothing"), ("two.o", b"\0/builds/project/native.c\0"))
    (tmp_path / "lib.a").write_bytes(archive(*members))
    with pytest.raises(BuildError, match=r"/builds/project/native\.c") as caught:
        refuse(tmp_path, ["lib.a"], FOLDERS)
    assert caught.value.where == "lib.a(two.o)"


@pytest.mark.parametrize("static", [False, True])
def test_compressed_debug_information_is_read(tmp_path: Path, static: bool) -> None:
    content = compressed_elf(zlib.compress(b"\0/builds/project/native.c\0"), 1)
    (tmp_path / "lib").write_bytes(archive(("native.o", content)) if static else content)
    with pytest.raises(BuildError, match=r"/builds/project/native\.c") as caught:
        refuse(tmp_path, ["lib"], FOLDERS)
    assert caught.value.where == ("lib(native.o)" if static else "lib")


def test_objects_of_a_static_library_are_searched_one_at_a_time(tmp_path: Path) -> None:
    content = compressed_elf(zlib.compress(b"nothing"), 1) + bytes(1 << 20)
    (tmp_path / "lib.a").write_bytes(archive(*((f"{number}.o", content) for number in range(16))))
    del content
    tracemalloc.start()
    try:
        refuse(tmp_path, ["lib.a"], FOLDERS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20


def test_compression_that_cannot_be_read_is_refused_and_damage_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "lib.so").write_bytes(compressed_elf(b"zstd", 2))
    with pytest.raises(BuildError, match="cannot be searched"):
        refuse(tmp_path, ["lib.so"], FOLDERS)
    (tmp_path / "lib.so").write_bytes(compressed_elf(b"nothing", 1))
    refuse(tmp_path, ["lib.so"], FOLDERS)
    (tmp_path / "lib.so").write_bytes(b"\x7fELF")
    (tmp_path / "lib.a").write_bytes(b"!<arch>\nx")
    refuse(tmp_path, ["lib.so", "lib.a"], FOLDERS)


def compressed_elf(content: bytes, kind: int) -> bytes:
    """An ELF file of one compressed section (gABI, "Section Compression")."""
    body = struct.pack("<LLQQ", kind, 0, 100, 1) + content
    section = struct.pack("<LLQQQQLLQQ", 0, 1, 0x800, 0, 64, len(body), 0, 0, 1, 0)
    head = b"\x7fELF\2\1\1".ljust(16, b"\0") + struct.pack(
        "<HHLQQQLHHHHHH", 1, 62, 1, 0, 0, 64 + len(body), 0, 64, 0, 0, 64, 1, 0
    )
    return head + body + section


def test_folders_of_crates_outside_are_of_this_machine_too() -> None:
    read = ("/builds/project/Cargo.toml", "/builds/other/Cargo.toml", "/builds/other/src/lib.rs", "a/Cargo.toml")
    system = ("/usr/share/cargo/registry/a-1/Cargo.toml", "/tmp/Cargo.toml")
    assert foreign_packages(map(Path, (*read, *system)), FOLDERS) == (Path("/builds/other"),)


def test_a_short_folder_counts_only_where_it_has_such_a_file() -> None:
    assert list(find(b"\0/etc/passwd\0/etc/nothing-like-it\0", [Path("/etc")])) == [(1, "/etc/passwd")]
    assert list(find(b"\0/usr/etc/passwd\0x/etc/passwd", [Path("/etc")])) == []
    # One of another machine may be below a folder that is there.
    assert list(find(b"\0/etc/apt/of-another/machine\0", [Path("/etc")])) == [(1, "/etc/apt/of-another/machine")]


@pytest.mark.parametrize("offset", [(1 << 20) - 30, (1 << 20) - 5, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_a_path_is_found_once_wherever_it_stands_in_a_large_file(tmp_path: Path, offset: int) -> None:
    text = b"/builds/project/lib.rs"
    content = b"\0" * offset + text + b"\0" * (1 << 20)
    assert list(find(content, FOLDERS)) == [(offset, text.decode())]
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(BuildError, match=r"/builds/project/lib\.rs"):
        refuse(tmp_path, ["file"], FOLDERS)


def test_folders_are_the_checkout_the_caches_and_those_of_rust(tmp_path: Path) -> None:
    link = tmp_path / "link"
    (tmp_path / "real").mkdir()
    link.symlink_to(tmp_path / "real")
    environment = {"HOME": "/root", "CARGO_HOME": "/opt/cargo"}
    folders = machine_folders(link, [Path("/workspace/cache")], environment)
    assert folders == (
        link,
        Path("/opt/cargo"),
        Path("/root/.cargo"),
        Path("/root/.rustup"),
        Path("/root/.cache"),
        Path("/root"),
        tmp_path / "real",
    )


def test_no_member_is_named_where_the_path_is_in_none(tmp_path: Path) -> None:
    in_a_name = archive(("a-name-of-16-byte", b"")).replace(b"a-name-of-16-byte", b"x/builds/project", 1)
    damaged = b"!<arch>\n damaged \0/builds/project/a.c\0"
    for content in (in_a_name.replace(b"x/builds/project/", b"x/builds/project"), damaged):
        (tmp_path / "lib.a").write_bytes(content)
        with pytest.raises(BuildError, match=r"/builds/project") as caught:
            refuse(tmp_path, ["lib.a"], FOLDERS)
        assert caught.value.where == "lib.a"


def test_compressed_debug_information_may_name_other_folders(tmp_path: Path) -> None:
    (tmp_path / "lib.so").write_bytes(compressed_elf(zlib.compress(b"\0/elsewhere/native.c\0"), 1))
    refuse(tmp_path, ["lib.so"], FOLDERS)


def test_a_path_of_zigs_runtime_has_another_way_out(tmp_path: Path) -> None:
    (tmp_path / "lib.so").write_bytes(b"\0/builds/project/tools/ziglang-0.17.0/lib/libunwind/x.S\0")
    with pytest.raises(BuildError) as caught:
        refuse(tmp_path, ["lib.so"], FOLDERS)
    assert 'strip = "debuginfo"' in (caught.value.hint or "")
