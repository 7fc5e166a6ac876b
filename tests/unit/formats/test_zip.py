from __future__ import annotations

import contextlib
import hashlib
import io
import stat
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.core.errors import BuildError, VerificationError
from ferrule.core.model import Digest
from ferrule.formats.archive_member import Member, in_order
from ferrule.formats.decompress import Limits
from ferrule.formats.zip import ZipWriter, dos_time, read_zip, write_zip

ENTRIES = (
    Member("dir", folder=True),
    Member("dir/tool", b"#!" * 700, executable=True),
    Member("dir/link", link="tool"),
    Member("text", b"t" * 512),
    Member("empty"),
    Member("ü", b"not ascii"),
)


def zipped(*entries, epoch=1_700_000_001, **options):
    buffer = io.BytesIO()
    writer = ZipWriter(buffer, epoch, **options)
    for entry in in_order(entries):
        writer.add(entry)
    writer.finish()
    return buffer.getvalue()


def described(entries):
    return [(e.name, e.read() if e.regular else b"", e.permissions, e.link, e.folder) for e in entries]


def read(data, **options):
    return list(read_zip(io.BytesIO(data), **options))


def test_what_is_written_is_read(tmp_path):
    digest = write_zip(tmp_path / "a.zip", ENTRIES, 1_700_000_001)
    assert digest == Digest.of_file(tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == zipped(*reversed(ENTRIES))
    assert described(read_zip(tmp_path / "a.zip")) == described(in_order(ENTRIES))


def test_zipfile_finds_every_header_right():
    with zipfile.ZipFile(io.BytesIO(zipped(*ENTRIES))) as archive:
        assert archive.testzip() is None
        infos = {info.filename: info for info in archive.infolist()}
    assert list(infos) == ["dir/", "dir/link", "dir/tool", "empty", "text", "ü"]
    assert {info.date_time for info in infos.values()} == {(2023, 11, 14, 22, 13, 20)}
    assert {info.flag_bits for name, info in infos.items() if name.isascii()} == {0}
    assert infos["ü"].flag_bits == 1 << 11
    assert infos["dir/tool"].external_attr >> 16 == stat.S_IFREG | 0o755
    assert infos["dir/link"].external_attr >> 16 == stat.S_IFLNK | 0o777
    assert infos["dir/"].is_dir()
    assert infos["empty"].compress_type == zipfile.ZIP_STORED
    assert infos["text"].compress_type == zipfile.ZIP_DEFLATED


def test_the_same_bytes_everywhere():
    assert hashlib.sha256(zipped(*ENTRIES)).hexdigest() == (
        "a1b896b5a716423aa8b2d02a84dae6a53f615db7847beda78f9454e5bcb175b8"
    )


@pytest.mark.parametrize(
    ("epoch", "when"),
    [
        (0, (1980, 1, 1, 0, 0, 0)),
        (315532799, (1980, 1, 1, 0, 0, 0)),
        (1_700_000_001, (2023, 11, 14, 22, 13, 20)),
        (1 << 40, (2107, 12, 31, 23, 59, 58)),
    ],
)
def test_times_are_kept_within_those_of_dos(epoch, when):
    time, date = dos_time(epoch)
    result = (1980 + (date >> 9), date >> 5 & 15, date & 31, time >> 11, time >> 5 & 63, (time & 31) * 2)
    assert result == when


def test_large_archives_have_wide_fields():
    small = zipped(*ENTRIES)
    wide = zipped(*ENTRIES, large=100)
    assert len(wide) > len(small)
    assert b"PK\x06\x06" in wide
    assert b"PK\x06\x06" not in small
    with zipfile.ZipFile(io.BytesIO(wide)) as archive:
        assert archive.testzip() is None
        assert archive.getinfo("text").extract_version == 45
    assert described(read(wide)) == described(in_order(ENTRIES))


def test_more_members_than_sixteen_bits_count():
    entries = tuple(Member(f"f{number}") for number in range(65535))
    data = zipped(*entries)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.namelist()) == 65535
    assert b"PK\x06\x06" in data


def test_contradicting_entries_are_refused(tmp_path):
    with pytest.raises(BuildError):
        write_zip(tmp_path / "a.zip", [Member("a"), Member("a")], 0)
    with pytest.raises(BuildError, match="x/a and x/A would be one file on macOS and Windows"):
        write_zip(tmp_path / "a.zip", [Member("x/a"), Member("x/A")], 0)


def hostile(*members, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, mode, content in members:
            info = zipfile.ZipInfo("placeholder")
            info.filename = name
            info.external_attr = mode << 16
            info.compress_type = method
            archive.writestr(info, content)
    return buffer.getvalue()


HOSTILE = {
    "absolute": ([("/etc/passwd", 0o100644, b"x")], "absolute"),
    "traversal": ([("../x", 0o100644, b"x")], "leaves the folder"),
    "backslash": ([("a\\b", 0o100644, b"x")], "backslash"),
    "nothing": ([("", 0o100644, b"x")], "empty"),
    "below a link": ([("l", 0o120777, b"x"), ("l/y", 0o100644, b"x")], "below l, which is not"),
    "below a file": ([("f", 0o100644, b"x"), ("f/y", 0o100644, b"x")], "below f, which is not"),
    "file and folder": ([("a", 0o100644, b"x"), ("a/", 0o40755, b"")], "twice"),
    "device": ([("null", 0o20666, b"")], "neither a file"),
    "setuid": ([("su", 0o104755, b"x")], "rights of its owner"),
    "folder with content": ([("d/", 0o40755, b"x")], "only files have content"),
    "absolute link": ([("l", 0o120777, b"/etc")], "outside"),
    "link up": ([("l", 0o120777, b"../x")], "outside"),
    "empty link": ([("l", 0o120777, b"")], "link to ''"),
    "control link": ([("l", 0o120777, b"a\nb")], "link to"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_member_is_refused(name):
    members, reason = HOSTILE[name]
    with pytest.raises(VerificationError, match=reason):
        read(hostile(*members))


def test_a_member_that_is_there_twice_is_refused():
    with pytest.warns(UserWarning, match="Duplicate"):
        data = hostile(("a", 0o100644, b"x"), ("a", 0o100644, b"y"))
    with pytest.raises(VerificationError, match="'a' is not accepted: it is there twice"):
        read(data)


def test_a_name_cut_by_nul_is_refused():
    data = hostile(("evil.py", 0o100644, b"x")).replace(b"evil.py", b"evi\0.py")
    with pytest.raises(VerificationError, match="two ways"):
        read(data)


def test_other_methods_and_encryption_are_refused():
    with pytest.raises(VerificationError, match="another method"):
        read(hostile(("a", 0o100644, b"x"), method=zipfile.ZIP_LZMA))
    data = bytearray(zipped(Member("a", b"x")))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(VerificationError, match="encrypted"):
        read(bytes(data))


def test_limits_hold():
    data = zipped(Member("a", bytes(600)), Member("b", bytes(600)))
    assert len(read(data, limits=Limits(2, 600, 1200))) == 2
    for limits, reason in (
        (Limits(members=1), "more than 1 members"),
        (Limits(member_bytes=599), "larger than 599"),
        (Limits(total_bytes=1199), "more than 1199 bytes"),
    ):
        with pytest.raises(VerificationError, match=reason):
            read(data, limits=limits)


def test_a_wrong_crc_and_a_false_size_are_refused():
    data = bytearray(zipped(Member("a", b"xyz" * 100)))
    central = data.index(b"PK\x01\x02")
    data[central + 16] ^= 1
    with pytest.raises(VerificationError, match="damaged"):
        read(bytes(data))
    data[central + 16] ^= 1
    data[central + 24 : central + 28] = struct.pack("<L", 500)
    with pytest.raises(VerificationError):
        read(bytes(data))


def test_what_is_no_zip_is_refused_with_its_place(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"nothing")
    with pytest.raises(VerificationError, match="damaged") as caught:
        list(read_zip(tmp_path / "x.zip"))
    assert caught.value.where == str(tmp_path / "x.zip")
    with pytest.raises(VerificationError) as caught:
        read(b"nothing", where="given")
    assert caught.value.where == "given"


def test_modes_are_kept():
    assert [e.permissions for e in read(hostile(("a", 0, b"x"), ("b/", 0, b"")))] == [0o600, 0o600]


@given(st.integers(0, 2000), st.integers(0, 255), st.integers(0, 900))
def test_no_damage_leads_to_anything_but_our_error(place, value, cut):
    data = bytearray(zipped(*ENTRIES))
    data[place % len(data)] = value
    with contextlib.suppress(VerificationError):
        read(bytes(data[: len(data) - cut]))


def test_members_without_modes_get_the_usual_ones():
    data = bytearray(zipped(Member("a", b"x"), Member("b", folder=True)))
    path = -1
    while (path := data.find(b"PK\x01\x02", path + 1)) >= 0:
        data[path + 38 : path + 42] = bytes(4)
    assert [e.permissions for e in read(bytes(data))] == [0o644, 0o755]


def test_content_can_be_watched_while_it_is_packed():
    seen = []
    writer = ZipWriter(io.BytesIO(), 0)
    writer.add(Member("a", b"content"), seen.append)
    assert seen == [b"content"]


def patched(data, name, *, local=None, central=None):
    """An archive with other fields in a member's two headers, given by their offsets there."""
    changed = bytearray(data)
    for signature, name_at, fields in ((b"PK\3\4", 30, local or {}), (b"PK\1\2", 46, central or {})):
        at = data.index(name.encode()) - name_at if signature == b"PK\3\4" else data.rindex(name.encode()) - name_at
        assert data[at : at + 4] == signature
        for offset, value in fields.items():
            struct.pack_into("<L", changed, at + offset, value)
    return bytes(changed)


def sized(data, name, *, crc=None, packed=None, size=None):
    """An archive of which both headers of a member say the same of its content."""
    fields = [(14, 16, crc), (18, 20, packed), (22, 24, size)]
    local = {at: value for at, _, value in fields if value is not None}
    central = {at: value for _, at, value in fields if value is not None}
    return patched(data, name, local=local, central=central)


STORED = zipped(Member("aaaa", b"12345"), Member("bbbb", b"12345"))
DEFLATED = zipped(Member("aaaa", b"t" * 4000), Member("bbbb", b"12345"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (zipped(Member("a/File"), Member("a/file")), "where case does not count it is a/File again"),
        (patched(STORED, "bbbb", central={42: 0}), "several members share the same bytes"),
        (sized(STORED, "aaaa", packed=900, size=900), "it reaches into what belongs to others"),
        (sized(STORED, "aaaa", size=6), "it has another size than is declared"),
        (sized(STORED, "aaaa", crc=7), "it has another checksum"),
        (sized(DEFLATED, "aaaa", size=3999), "it has another size than is declared"),
        (sized(DEFLATED, "aaaa", size=4001), "it has another size than is declared"),
        (sized(DEFLATED, "aaaa", packed=8, size=4000), "it has another size than is declared"),
        (patched(STORED, "aaaa", local={22: 9}), "its local header contradicts the directory"),
    ],
)
def test_members_that_lie_about_themselves_are_refused(data, reason):
    with pytest.raises(VerificationError, match=reason):
        read(data)


def test_more_than_a_directory_could_be_is_refused():
    data = bytearray(STORED)
    struct.pack_into("<L", data, data.rindex(b"PK\5\6") + 12, len(data))
    with pytest.raises(VerificationError, match="a directory larger than its names need"):
        read(bytes(data))


def test_the_size_of_a_directory_may_be_in_the_wide_end():
    data = bytearray(zipped(*ENTRIES, large=100))
    struct.pack_into("<L", data, data.rindex(b"PK\5\6") + 12, 0xFFFFFFFF)
    assert described(read(bytes(data))) == described(in_order(ENTRIES))
    with pytest.raises(VerificationError, match="more than 5 members"):
        read(bytes(data), limits=Limits(members=5))
    struct.pack_into("<Q", data, data.rindex(b"PK\6\6") + 40, 1 << 40)
    with pytest.raises(VerificationError, match="a directory larger than its names need"):
        read(bytes(data))


def test_a_bomb_is_refused_before_it_is_unpacked():
    data = zipped(Member("a", bytes(1 << 20)))
    with pytest.raises(VerificationError, match="far more than anything worth packing"):
        read(data, limits=Limits(free=1 << 16, ratio=10))
