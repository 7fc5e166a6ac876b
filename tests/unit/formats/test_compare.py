"""What is said of two files that differ: how far inside, where, and what stands there."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.tars import raw_tar
from ferrule.formats.archive_member import Member
from ferrule.formats.compare import Difference, first_difference, first_difference_of_layouts
from ferrule.formats.leb128 import encode as leb128
from ferrule.formats.oci import PlatformImage, image_config, write_layer, write_layout
from ferrule.formats.tar import write_tar_gz
from ferrule.formats.unpack import DEEPEST
from ferrule.formats.wasm import with_custom_section
from ferrule.formats.zip import write_zip

GOLDEN = Path(__file__).parents[2] / "golden" / "binaries"
MODULE = b"\0asm\x01\0\0\0"
COMPONENT = b"\0asm\x0d\0\x01\0"


def golden(name: str) -> bytes:
    return gzip.decompress((GOLDEN / name).read_bytes())


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def told(one: bytes, two: bytes) -> Difference:
    difference = first_difference(one, two)
    assert difference is not None
    return difference


def steps(found: Difference) -> list[str]:
    return [f"{step.kind} {step.name}" for step in found.path]


def tar_of(*members: tuple[str, bytes], **traits: int | str) -> bytes:
    return raw_tar(*((name, dict(traits), content) for name, content in members))


def zip_of(*members: tuple[str, bytes], level: int = 6, year: int = 1980) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED, level)
    return buffer.getvalue()


def ar_of(*members: tuple[str, bytes], time: int = 0) -> bytes:
    parts = [b"!<arch>\n"]
    for name, content in members:
        parts += [f"{name:<16}{time:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode(), content]
        parts.append(b"\n" * (len(content) % 2))
    return b"".join(parts)


@given(st.binary())
def test_what_is_equal_has_no_difference(data: bytes) -> None:
    assert first_difference(data, data) is None


@given(st.binary(), st.binary(), st.sampled_from([b"", b"\x7fELF\x02\x01", MODULE, b"!<arch>\n", b"PK\x03\x04"]))
def test_bytes_of_any_kind_are_compared(one: bytes, two: bytes, magic: bytes) -> None:
    difference = first_difference(magic + one, magic + two)
    assert (difference is None) == (one == two)


@given(st.binary(min_size=1, max_size=300), st.data())
def test_the_offset_is_that_of_the_first_byte_that_differs(data: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(data) - 1))
    result = told(b"\xff\0" + data, b"\xff\0" + flipped(data, at))
    assert (result.offset, result.at) == (at + 2, at + 2)


def test_bytes_are_shown_from_the_difference_on() -> None:
    result = told(b"\0abc", b"\0abd")
    assert (result.reason, result.first, result.second) == ("the bytes differ", "63", "64")
    assert result.location == "offset 0x3"


def test_a_file_that_ends_early_is_told() -> None:
    result = told(b"\0\xff\0", b"\0\xff\0\x01\x02")
    assert result.reason == "the first ends here, after 3 bytes; the other has 5"
    assert (result.offset, result.first, result.second) == (3, "nothing", "01 02")
    assert told(b"\0\0", b"\0").reason.startswith("the second ends here")


def test_of_a_text_the_line_is_shown() -> None:
    result = told(b"one\ntwo\nthree\n", b"one\ntoo\nthree\n")
    assert (result.reason, result.first, result.second, result.offset) == ("line 2 differs", "two", "too", 5)


def test_a_long_line_is_shown_around_the_difference() -> None:
    result = told(b"a" * 5000 + b"x" + b"a" * 5000, b"a" * 5000 + b"y" + b"a" * 5000)
    assert len(result.first) == 160
    assert "x" in result.first


# Sections


def test_section_and_offset_of_an_elf_file() -> None:
    library = golden("demo-x86_64.so.gz")
    at = library.index(b"demo_add")
    result = told(library, flipped(library, at))
    (step,) = result.path
    assert step.kind == "section"
    assert step.name == ".dynstr"
    assert result.at == at
    assert result.offset is not None
    assert result.offset < at


def test_of_an_elf_file_code_counts_before_what_tells_where_it_is() -> None:
    library = golden("demo-x86_64.so.gz")
    code = library.index(b"\xc3", 0x400)
    changed = flipped(flipped(library, code), 40)  # the place of the section headers, in the ELF header
    broken = told(library, changed)
    assert broken.at == 40  # a file that cannot be read any more is bytes
    result = told(library, flipped(flipped(library, code), 24))  # the entry point
    assert steps(result) != ["section (ELF header)"]
    assert result.at == code
    assert "(ELF header)" in result.also


def test_section_of_a_macho_file() -> None:
    library = golden("demo-arm64.dylib.gz")
    end = len(library) - 1
    result = told(library, flipped(library, end))
    assert steps(result)[0].startswith(("section __LINKEDIT,", "section (end of the file)"))
    assert result.at == end
    assert steps(told(library, flipped(library, 24))) == ["section (load commands)"]


def test_section_of_a_module_inside_of_a_component() -> None:
    def component(content: bytes) -> bytes:
        module = with_custom_section(MODULE, "producers", content)
        return COMPONENT + b"\x01" + leb128(len(module)) + module

    result = told(component(b"\0rustc 1"), component(b"\0rustc 2"))
    assert steps(result) == ["section module", "section custom:producers"]
    assert result.at == len(component(b"\0rustc 1")) - 1


def test_a_section_that_only_one_has_is_named() -> None:
    result = told(MODULE, with_custom_section(MODULE, "name", b"x"))
    assert (steps(result), result.reason) == (["section custom:name"], "it is only in the second")


# Archives


def test_section_of_a_library_in_a_compressed_archive(tmp_path: Path) -> None:
    library = golden("demo-x86_64.so.gz")
    archives = []
    for number, content in enumerate((library, flipped(library, len(library) // 2))):
        path = tmp_path / f"{number}.tar.gz"
        write_tar_gz(path, [Member("sdk/README", b"x"), Member("sdk/lib/libdemo.so", content)], 0)
        archives.append(path.read_bytes())
    result = told(*archives)
    assert steps(result)[:2] == ["stream inside gzip", "member sdk/lib/libdemo.so"]
    assert result.path[2].kind == "section"


def test_member_of_a_wheel(tmp_path: Path) -> None:
    for name, content in (("one", b"print(1)\n"), ("two", b"print(2)\n")):
        write_zip(tmp_path / name, [Member("a.py", b"same"), Member("b.py", content)], 0)
    result = told((tmp_path / "one").read_bytes(), (tmp_path / "two").read_bytes())
    assert (steps(result), result.reason, result.first) == (["member b.py"], "line 1 differs", "print(1)")


def test_other_members_that_differ_are_named_too() -> None:
    members = [(name, b"x") for name in "abc"]
    result = told(zip_of(*members), zip_of(("a", b"x"), ("b", b"y"), ("c", b"y")))
    assert (steps(result), result.also) == (["member b"], ("c",))


def test_a_member_that_only_one_has_is_named() -> None:
    result = told(tar_of(("a", b"")), tar_of(("a", b""), ("b", b"")))
    assert (steps(result), result.reason, result.offset) == (["member b"], "it is only in the second", None)
    assert told(zip_of(("b", b"")), zip_of(("a", b""))).also == ("a",)


def test_names_that_are_there_twice_are_told_apart() -> None:
    result = told(ar_of(("a.o/", b"x"), ("a.o/", b"y")), ar_of(("a.o/", b"x"), ("a.o/", b"z")))
    assert steps(result) == ["member a.o #2"]


@pytest.mark.parametrize(
    ("one", "two", "trait", "values"),
    [
        (tar_of(("a", b"x"), mtime=1), tar_of(("a", b"x"), mtime=2), "time", ("1", "2")),
        (tar_of(("a", b"x"), mode=0o644), tar_of(("a", b"x"), mode=0o600), "mode", ("644", "600")),
        (tar_of(("a", b"x"), uname="me"), tar_of(("a", b"x"), uname="you"), "owner", ("0 me", "0 you")),
        (zip_of(("a", b"x")), zip_of(("a", b"x"), year=2026), "time", ("1980-01-01 00:00:00", "2026-01-01 00:00:00")),
        (ar_of(("a.o/", b"x")), ar_of(("a.o/", b"x"), time=7), "time", ("0", "7")),
        (gzip.compress(b"x", mtime=0), gzip.compress(b"x", mtime=1), "header", None),
    ],
)
def test_what_is_said_about_a_member(one: bytes, two: bytes, trait: str, values: tuple[str, str] | None) -> None:
    result = told(one, two)
    assert result.reason == f"its {trait} differs"
    assert values is None or (result.first, result.second) == values


def test_an_order_that_differs_is_told() -> None:
    result = told(tar_of(("a", b"x"), ("b", b"y")), tar_of(("b", b"y"), ("a", b"x")))
    assert (result.reason, result.first, result.second) == ("the order differs", "a", "b")


@pytest.mark.parametrize("pack", [lambda d, n: gzip.compress(d, n, mtime=0), lambda d, n: zip_of(("a", d), level=n)])
def test_another_compressor_is_told(pack) -> None:
    data = bytes(range(256)) * 400 + b"abcabcabd" * 1000
    result = told(pack(data, 1), pack(data, 9))
    assert "compressed" in result.reason or result.reason == "its header differs"


def test_a_damaged_member_is_told() -> None:
    whole = zip_of(("a", b"x" * 4000), ("b", b"y"))
    result = told(whole, flipped(whole, 40))
    assert (steps(result), result.reason, result.first) == (["member a"], "it is damaged", "none")


def test_what_only_seems_to_be_an_archive_is_bytes() -> None:
    result = told(b"PK\x03\x04 one", b"PK\x03\x04 two")
    assert (steps(result), result.offset) == ([], 5)


# Images


def layout(place: Path, content: bytes, *, label: str = "1") -> dict[str, bytes]:
    place.mkdir()
    images = []
    for platform in ("linux/amd64", "linux/arm64"):
        own = content if platform == "linux/arm64" else b"same"
        layer = write_layer(place.parent / f"{place.name}-{len(images)}", [Member("usr/lib/x", own)], 0)
        images.append(PlatformImage(platform, (layer,), image_config(platform, [layer], epoch=0, labels={"v": label})))
    write_layout(place, images, epoch=0)
    return {p.relative_to(place).as_posix(): p.read_bytes() for p in place.rglob("*") if p.is_file()}


def test_layer_and_member_of_an_image(tmp_path: Path) -> None:
    one, two = (layout(tmp_path / name, name.encode()) for name in ("one", "two"))
    difference = first_difference_of_layouts(one, two)
    assert difference is not None
    assert steps(difference) == ["image linux/arm64 layer 1", "stream inside gzip", "member usr/lib/x"]
    assert (difference.first, difference.second) == ("one", "two")
    assert "linux/arm64 config" in difference.also
    assert first_difference_of_layouts(one, one) is None


def test_configuration_of_an_image(tmp_path: Path) -> None:
    difference = first_difference_of_layouts(layout(tmp_path / "a", b"x"), layout(tmp_path / "b", b"x", label="2"))
    assert difference is not None
    assert steps(difference) == ["image linux/amd64 config"]
    assert '"v":"2"' in difference.second


def test_a_layout_that_cannot_be_followed_is_files(tmp_path: Path) -> None:
    one = layout(tmp_path / "one", b"x")
    difference = first_difference_of_layouts(one, {**one, "oci-layout": b"{}"})
    assert difference is not None
    assert steps(difference) == ["image oci-layout"]
    index = {**one, "index.json": json.dumps({"manifests": [{"digest": 3}]}).encode()}
    difference = first_difference_of_layouts(index, {**index, "stranger": b""})
    assert difference is not None
    assert (steps(difference), difference.reason) == (["image stranger"], "it is only in the second")


def test_of_files_that_are_no_images_as_much_is_taken_apart_as_of_those(tmp_path: Path) -> None:
    one = layout(tmp_path / "one", b"x")

    def nested(text: bytes) -> bytes:
        for _ in range(DEEPEST + 2):
            text = tar_of(("x", text))
        return text

    difference = first_difference_of_layouts({**one, "extra": nested(b"a")}, {**one, "extra": nested(b"b")})
    assert difference is not None
    assert steps(difference) == ["image extra", *["member x"] * (DEEPEST - 1)]


def test_a_difference_of_the_whole_has_no_place() -> None:
    assert Difference((), "the bytes differ").location == "the whole"


def with_declared_size(data: bytes, size: int) -> bytes:
    """A zip archive whose directory says that its member is so large."""
    changed = bytearray(data)
    at = data.rindex(b"PK\x01\x02") + 24
    changed[at : at + 4] = size.to_bytes(4, "little")
    return bytes(changed)


@pytest.mark.parametrize("size", [0xFFFFFF00, 1 << 30])
def test_what_is_too_large_to_look_into_is_bytes(size: int) -> None:
    one, two = (with_declared_size(zip_of(("a", content)), size) for content in (b"x", b"y"))
    result = told(one, two)
    assert steps(result) == []
    assert result.offset is not None


def test_a_stream_that_is_cut_is_bytes_and_what_is_behind_it_a_part() -> None:
    stream = gzip.compress(b"content", mtime=0)
    assert steps(told(stream[:-9] + b"x" + stream[-8:], stream)) == []
    result = told(stream + b"one", stream + b"two")
    assert steps(result)[0] == "stream behind gzip"


def test_a_machine_of_another_kind_is_bytes() -> None:
    head = b"\x7fELF\x03\x01" + bytes(60)
    assert steps(told(head + b"a", head + b"b")) == []


def test_what_lies_behind_the_last_section_has_a_name() -> None:
    library = golden("demo-x86_64.so.gz")
    assert steps(told(library + b"\1one", library + b"\1two")) == ["section (end of the file)"]


def test_a_section_of_a_macho_file_that_is_only_reserved_has_no_bytes() -> None:
    library = bytearray(golden("demo-arm64.dylib.gz"))
    name = library.index(b"__text")
    library[name + 48 : name + 52] = bytes(4)  # section_64.offset (mach-o/loader.h)
    end = len(library) - 1
    assert told(bytes(library), flipped(bytes(library), end)).at == end


def test_images_that_lack_what_they_name_are_files() -> None:
    def layout(digest: str, **files: bytes) -> dict[str, bytes]:
        manifest = json.dumps({"layers": [{"digest": "sha256:none"}], "config": {"digest": "sha256:none"}}).encode()
        index = json.dumps({"manifests": [{"digest": digest}]}).encode()
        return {"index.json": index, "blobs/sha256/m": manifest, **files}

    one, two = layout("sha256:m", other=b"1"), layout("sha256:m", other=b"2")
    difference = first_difference_of_layouts(one, two)
    assert difference is not None
    assert steps(difference) == ["image other"]
    difference = first_difference_of_layouts({"index.json": b"{", "x": b"1"}, {"index.json": b"{", "x": b"2"})
    assert difference is not None
    assert steps(difference) == ["image x"]


def test_a_stream_that_ends_early_is_bytes() -> None:
    stream = gzip.compress(b"content", mtime=0)
    result = told(stream[:-10], stream)
    assert steps(result) == []
    assert "ends here" in result.reason
