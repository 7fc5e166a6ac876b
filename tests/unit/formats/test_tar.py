from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.tars import raw_tar
from ferrule.core.errors import BuildError, VerificationError
from ferrule.core.model import Digest
from ferrule.formats.archive_member import Member, in_order
from ferrule.formats.decompress import Limits
from ferrule.formats.tar import HashingSink, read_tar, read_tar_gz, survey, write_tar, write_tar_gz

LONG = "n" * 120
ENTRIES = (
    Member("dir", folder=True, mode=0o1777),
    Member("dir/tool", b"#!" * 700, executable=True),
    Member("dir/link", link="tool"),
    Member("text", b"t" * 512),
    Member("empty"),
    Member("p" * 80 + "/" + "q" * 90, b"prefix"),
    Member(LONG, b"long name"),
    Member("p" * 160 + "/" + "q" * 20, b"prefix too long"),
    Member("ü", b"not ascii"),
    Member("far", link="t" * 130),
)


def tar(*entries, epoch=1_700_000_000):
    buffer = io.BytesIO()
    write_tar(buffer, entries, epoch)
    return buffer.getvalue()


def read(data, **options):
    return list(read_tar(io.BytesIO(data), **options))


def described(entries):
    return [(e.name, e.read() if e.regular else b"", e.permissions, e.link, e.folder) for e in entries]


def test_what_is_written_is_read():
    assert described(read(tar(*ENTRIES))) == described(in_order(ENTRIES))


def test_tarfile_reads_it_and_sees_nothing_of_this_machine():
    with tarfile.open(fileobj=io.BytesIO(tar(*ENTRIES))) as archive:
        members = archive.getmembers()
        assert [m.name for m in members] == [e.name for e in in_order(ENTRIES)]
        assert archive.extractfile(LONG).read() == b"long name"
    assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in members} == {(0, 0, "", "", 1_700_000_000)}


def test_order_of_entries_does_not_matter():
    assert tar(*ENTRIES) == tar(*reversed(ENTRIES))


def test_the_same_bytes_everywhere():
    assert hashlib.sha256(tar(*ENTRIES)).hexdigest() == (
        "98285863e6fc61043f6d3350017e9abbb33e139803f8f3cb079cb02d27c8250e"
    )


def test_an_archive_is_filled_up_to_a_record():
    assert len(tar()) == 10240
    assert not any(tar())
    assert read(tar()) == []
    assert len(tar(Member("a", bytes(9 * 1024)))) == 20480


@pytest.mark.parametrize("length", [*range(93, 102), *range(253, 259), 1000])
def test_names_of_every_length_survive(length):
    for name in ("x" * length, "x" * (length - 50) + "/" + "y" * 49, "x/" + "y" * (length - 2)):
        for entry in (Member(name), Member(name, folder=True)):
            data = tar(entry)
            assert [e.name for e in read(data)] == [name]
            with tarfile.open(fileobj=io.BytesIO(data)) as archive:
                assert archive.getnames() == [name]


def test_records_count_their_own_length():
    for length in range(80, 130):
        assert [e.name for e in read(tar(Member("ü" * length)))] == ["ü" * length]


def test_a_file_of_more_than_eight_gigabytes_has_an_extended_size(tmp_path):
    class Counting:
        head = b""

        def write(self, data):
            self.head += data[:2048]
            if len(self.head) >= 1536:
                raise StopIteration

    file = tmp_path / "sparse"
    with file.open("wb") as stream:
        stream.truncate(8**11)
    sink = Counting()
    with pytest.raises(StopIteration):
        write_tar(sink, [Member("large", file)], 0)
    assert b"size=8589934592\n" in sink.head


def test_a_compressed_archive_is_written_in_one_pass(tmp_path):
    digest = write_tar_gz(tmp_path / "a.tar.gz", ENTRIES, 0)
    assert digest == Digest.of_file(tmp_path / "a.tar.gz")
    with (tmp_path / "a.tar.gz").open("rb") as stream:
        assert described(read_tar_gz(stream)) == described(in_order(ENTRIES))
    assert gzip.decompress((tmp_path / "a.tar.gz").read_bytes()) == tar(*ENTRIES, epoch=0)


def test_contradicting_entries_are_refused():
    with pytest.raises(BuildError):
        tar(Member("a"), Member("a"))


def test_a_sink_knows_what_went_through():
    sink = HashingSink(io.BytesIO())
    sink.write(b"ab")
    sink.write(b"c")
    assert (sink.digest, sink.size) == (Digest.of(b"abc"), 3)


# What other programs write


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_every_common_form_is_read(form):
    names = ["short", "d" * 90 + "/" + "e" * 60, *(["n" * 300] if form != tarfile.USTAR_FORMAT else [])]
    data = raw_tar(*((name, {"uname": "someone", "mtime": 5}, b"x") for name in names), format=form)
    assert [(e.name, e.read()) for e in read(data)] == [(name, b"x") for name in names]


def test_long_links_of_gnu_are_read():
    data = raw_tar(("l", {"type": b"2", "linkname": "t" * 200}, b""), format=tarfile.GNU_FORMAT)
    assert read(data)[0].link == "t" * 200


def test_a_leading_dot_and_the_root_itself_are_dropped():
    data = raw_tar(("./", {"type": b"5"}, b""), ("./a/", {"type": b"5", "mode": 0o2775}, b""), ("./a/b", {}, b"x"))
    assert [(e.name, e.folder, e.permissions) for e in read(data)] == [("a", True, 0o775), ("a/b", False, 0o644)]


def test_old_types_of_files_and_folders_are_read():
    data = raw_tar(("a", {"type": b"\0"}, b"x"), ("d/", {"type": b"\0"}, b""))
    assert [(e.name, e.folder) for e in read(data)] == [("a", False), ("d", True)]


def test_harmless_extended_headers_are_ignored():
    data = raw_tar(
        ("a", {"pax_headers": {"comment": "hello", "mtime": "1.5", "SCHILY.xattr.user.x": "y"}}, b"x"),
        format=tarfile.PAX_FORMAT,
        pax_headers={"comment": "from git archive"},
    )
    assert [e.name for e in read(data)] == ["a"]


def test_in_the_root_of_a_system_absolute_and_hard_links_are_allowed():
    data = raw_tar(
        ("usr/lib/a", {}, b"x"),
        ("lib/abs", {"type": b"2", "linkname": "/usr/lib/a"}, b""),
        ("lib/hard", {"type": b"1", "linkname": "./usr/lib/a"}, b""),
        ("hard", {"type": b"1", "linkname": "usr/lib/a"}, b""),
    )
    assert [e.link for e in read(data, root=True)] == [None, "/usr/lib/a", "../usr/lib/a", "usr/lib/a"]


# What nobody vouches for

HOSTILE = {
    "absolute": ([("/etc/passwd", {}, b"x")], "absolute"),
    "traversal": ([("a/../../b", {}, b"x")], "leaves the folder"),
    "dot inside": ([("a/./b", {}, b"x")], "empty part"),
    "backslash": ([("a\\b", {}, b"x")], "backslash"),
    "control": ([("a\x07", {}, b"x")], "printed"),
    "empty name": ([("", {}, b"x")], "empty"),
    "device": ([("null", {"type": b"3"}, b"")], "'null' is not accepted: it is a device"),
    "block device": ([("sda", {"type": b"4"}, b"")], "'sda' is not accepted: it is a device"),
    "fifo": ([("pipe", {"type": b"6"}, b"")], "'pipe' is not accepted: it is a FIFO"),
    "sparse": ([("s", {"type": b"S"}, b"")], "sparse"),
    "contiguous": ([("c", {"type": b"7"}, b"")], "unknown"),
    "hard link": ([("a", {}, b"x"), ("b", {"type": b"1", "linkname": "a"}, b"")], "'b' is not accepted: it is a hard"),
    "link up": ([("l", {"type": b"2", "linkname": "../x"}, b"")], "outside"),
    "absolute link": ([("l", {"type": b"2", "linkname": "/etc"}, b"")], "outside"),
    "empty link": ([("l", {"type": b"2"}, b"")], "link to ''"),
    "control link": ([("l", {"type": b"2", "linkname": "a\nb"}, b"")], "link to"),
    "backslash link": ([("l", {"type": b"2", "linkname": "a\\b"}, b"")], "link to"),
    "below a link": ([("l", {"type": b"2", "linkname": "x"}, b""), ("l/y", {}, b"x")], "below l, which is not"),
    "below a file": ([("f", {}, b""), ("f/y", {}, b"x")], "below f, which is not"),
    "twice": ([("a", {}, b"x"), ("a", {}, b"y")], "'a' is not accepted: it is there twice"),
    "twice by dot": ([("a", {}, b"x"), ("./a", {}, b"y")], "twice"),
    "file and folder": ([("a", {}, b"x"), ("a/", {"type": b"5"}, b"")], "twice"),
    "setuid": ([("su", {"mode": 0o4755}, b"x")], "rights of its owner"),
    "setgid": ([("su", {"mode": 0o2755}, b"x")], "rights of its owner"),
    "folder with content": ([("d/", {"type": b"5"}, b"x")], "only files have content"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_member_is_refused_by_name(name):
    members, reason = HOSTILE[name]
    with pytest.raises(VerificationError, match=reason) as caught:
        read(raw_tar(*members), where="evil.tar")
    assert caught.value.where == "evil.tar"


def test_in_the_root_of_a_system_links_still_cannot_leave():
    for target in ("../x", "/../x"):
        with pytest.raises(VerificationError, match="outside"):
            read(raw_tar(("l", {"type": b"2", "linkname": target}, b"")), root=True)
    with pytest.raises(VerificationError, match="hard link to 'missing'"):
        read(raw_tar(("l", {"type": b"1", "linkname": "missing"}, b"")), root=True)


def test_limits_hold():
    data = raw_tar(("a", {}, b"x" * 600), ("b", {}, b"y" * 600))
    assert len(read(data, limits=Limits(2, 600, len(data)))) == 2
    with pytest.raises(VerificationError, match="more than 1 members"):
        read(data, limits=Limits(members=1))
    with pytest.raises(VerificationError, match="'a' is not accepted: it is larger than 599"):
        read(data, limits=Limits(member_bytes=599))
    with pytest.raises(VerificationError, match=r"more than \d+ bytes"):
        read(data, limits=Limits(total_bytes=2048))


def test_a_bomb_is_stopped_before_it_fills_the_memory():
    bomb = gzip.compress(bytes(64 << 20), 9)
    with pytest.raises(VerificationError, match="more than 1048576 bytes"):
        list(read_tar_gz(io.BytesIO(bomb), Limits(total_bytes=1 << 20)))


def test_a_declared_size_beyond_the_limit_is_not_read():
    head = bytearray(tar(Member("a", b"x")))
    head[124:136] = b"77777777777\0"
    with pytest.raises(VerificationError, match="larger than"):
        read(checked(head))


def checked(data):
    """The archive with the checksum of its first header made right again."""
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    return bytes(data)


def test_a_damaged_header_is_not_taken_for_the_end():
    data = bytearray(tar(Member("a", b"x"), Member("b", b"y")))
    data[1024] ^= 1
    entries = read_tar(io.BytesIO(data))
    assert next(entries).name == "a"
    with pytest.raises(VerificationError, match="wrong checksum"):
        next(entries)


@pytest.mark.parametrize(("place", "value"), [(124, b"x"), (148, b"9"), (0, b"\xff"), (100, b"\x80")])
def test_fields_that_cannot_be_read_are_refused(place, value):
    data = bytearray(tar(Member("a", b"x")))
    data[place : place + 1] = value
    with pytest.raises(VerificationError, match="damaged header"):
        read(bytes(data) if place == 148 else checked(data))


@pytest.mark.parametrize("length", [0, 100, 512, 700, 1024, 1200, 1536])
def test_a_cut_archive_is_refused(length):
    with pytest.raises(VerificationError, match="ends in the middle"):
        read(tar(Member("a", b"x"), Member("b", b"y" * 100))[:length])


def test_data_after_the_end_is_refused():
    with pytest.raises(VerificationError, match="goes on after its end"):
        read(tar(Member("a")) + tar(Member("b")))
    with pytest.raises(VerificationError, match="hidden behind its end"):
        read(tar(Member("a", b"x")).replace(b"x" + bytes(511), b"x" + b"h" * 511))


def pax(kind, body, name="m"):
    return raw_tar((name, {"type": kind}, body), ("a", {}, b"x"))


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        (b"x", b"22 GNU.sparse.major=1\n", "sparse"),
        (b"g", b"10 path=b\n", "global path"),
        (b"x", b"11 path=b\n", "damaged"),
        (b"x", b"10 path=bc", "damaged"),
        (b"x", b"7 path\n", "damaged"),
        (b"x", b"x path=b\n", "damaged"),
        (b"x", b"0 path=b\n", "damaged"),
        (b"x", b"99999999 path=b\n", "damaged"),
        (b"x", b"10 path=\xff\n", "not UTF-8"),
        (b"x", b"10 size=x\n", "has the size 'x'"),
        (b"x", b"11 size=-1\n", "has the size '-1'"),
        (b"x", b"29 size=99999999999999999999\n", "has the size"),
        (b"x", b"25 size=9999999999999999\n", "larger than"),
        (b"x", b"16 path=../evil\n", "leaves the folder"),
        (b"x", b"15 path=/a/bcd\n", "absolute"),
        (b"L", b"/etc/passwd\0", "absolute"),
        (b"L", b"\xff\0", "not UTF-8"),
        (b"x", bytes((1 << 20) + 1), "larger than any name needs"),
    ],
)
def test_extended_headers_are_not_trusted(kind, body, reason):
    with pytest.raises(VerificationError, match=reason):
        read(pax(kind, body))


def test_an_extended_header_needs_a_member():
    with pytest.raises(VerificationError, match="after an extended header"):
        read(raw_tar(("m", {"type": b"L"}, b"name\0")))


@pytest.mark.parametrize("cut", [0, 1, 9, 10, 30, -1])
def test_a_cut_stream_is_refused(cut):
    data = gzip.compress(tar(*ENTRIES))[: cut or 0]
    with pytest.raises(VerificationError, match="ends too early"):
        list(read_tar_gz(io.BytesIO(data)))


def test_a_damaged_stream_is_refused():
    data = bytearray(gzip.compress(tar(*ENTRIES)))
    data[-6] ^= 1
    with pytest.raises(VerificationError, match="damaged"):
        list(read_tar_gz(io.BytesIO(data), where="x"))
    with pytest.raises(VerificationError, match="damaged"):
        list(read_tar_gz(io.BytesIO(b"not gzip at all")))


def test_a_stream_of_several_members_is_one_file():
    data = tar(*ENTRIES)
    joined = gzip.compress(data[:700]) + gzip.compress(b"") + gzip.compress(data[700:])
    assert described(read_tar_gz(io.BytesIO(joined))) == described(in_order(ENTRIES))


@given(st.integers(0, 3000), st.integers(0, 255), st.integers(0, 3000))
def test_no_damage_leads_to_anything_but_our_error(place, value, cut):
    data = bytearray(tar(*ENTRIES))
    data[place] = value
    with contextlib.suppress(VerificationError):
        read(bytes(data[: len(data) - cut]))


def test_empty_numbers_count_as_zero():
    data = bytearray(tar(Member("a")))
    data[100:108] = b" " * 8
    assert read(checked(data))[0].permissions == 0


def test_decompression_may_give_no_more_than_anything_worth_packing(tmp_path):
    write_tar_gz(tmp_path / "a.tar.gz", [Member("a", bytes(1 << 20))], 0)
    with pytest.raises(VerificationError, match="far more than anything worth packing"):
        list(read_tar_gz(io.BytesIO((tmp_path / "a.tar.gz").read_bytes()), Limits(free=1 << 16, ratio=10)))


def test_names_that_differ_by_case_alone_are_refused():
    data = raw_tar(("a/File", {}, b""), ("A/file", {}, b""))
    with pytest.raises(VerificationError, match="where case does not count it is a/File again"):
        read(data)
    assert [entry.name for entry in read(data, root=True)] == ["a/File", "A/file"]


def test_looking_over_an_archive_reads_what_is_asked_for():
    data = raw_tar(("a", {}, b"x" * 3000), ("b/", {"type": b"5"}, b""), ("c", {}, b"y"))
    result = [(member.name, member.content) for member in survey(io.BytesIO(data), is_read=lambda name: name == "c")]
    assert result == [("a", None), ("b/", None), ("c", b"y")]
    with pytest.raises(VerificationError, match="ends in the middle of 'a'"):
        list(survey(io.BytesIO(data[:2000])))
    with pytest.raises(VerificationError, match="sparse"):
        list(survey(io.BytesIO(raw_tar(("a", {"type": b"S"}, b"")))))
