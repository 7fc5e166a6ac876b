from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.core.errors import BuildError, VerificationError
from ferrule.formats.archive_member import (
    Member,
    below,
    check_folded,
    checked_name,
    entries_of_folder,
    in_order,
    link_path,
    name_clash,
    parents,
    with_folders,
)

BAD_NAMES = {
    "": "empty",
    "n/" * 20_000 + "n": "longer than file systems take",
    "/etc/passwd": "absolute",
    "../up": "leaves the folder",
    "a/../../b": "leaves the folder",
    "a/..": "leaves the folder",
    "a//b": "empty part",
    "a/": "empty part",
    "./a": "empty part",
    "a/./b": "empty part",
    "a\\b": "backslash",
    "a\0b": "printed",
    "a\nb": "printed",
    "a\x1b[31m": "printed",
    "a\u202eb": "printed",
    "a\u2028b": "printed",
    "a\udcffb": "printed",
    "C:/x": "drive letter",
    "c:x": "drive letter",
}


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_dangerous_name_is_refused_with_its_reason(name):
    with pytest.raises(VerificationError, match=BAD_NAMES[name]):
        checked_name(name)
    with pytest.raises(VerificationError):
        Member(name)


@pytest.mark.parametrize("name", ["a", "a/b", "..a", "a..", "...", "é/ü b", "1:x", ".hidden", "ab:c"])
def test_a_usual_name_is_accepted(name):
    assert checked_name(name) == name


@given(st.text(alphabet=st.sampled_from("ab./\\:\0\n"), max_size=12))
def test_an_accepted_name_always_stays_below_the_root(name):
    try:
        checked_name(name)
    except VerificationError:
        return
    path = os.path.normpath(f"/root/{name}")
    assert path.startswith("/root/")
    assert path == f"/root/{name}"


def test_modes_follow_from_what_an_entry_is_unless_given():
    assert Member("a").permissions == 0o644
    assert Member("a", executable=True).permissions == 0o755
    assert Member("a", folder=True).permissions == 0o755
    assert Member("a", link="b").permissions == 0o777
    assert Member("tmp", folder=True, mode=0o1777).permissions == 0o1777
    with pytest.raises(ValueError, match="mode"):
        Member("a", mode=0o10000)
    with pytest.raises(ValueError, match="folder and a link"):
        Member("a", folder=True, link="b")


def test_content_comes_from_memory_or_a_file(tmp_path):
    file = tmp_path / "f"
    file.write_bytes(b"content")
    for entry in (Member("a", b"content"), Member("a", file)):
        assert entry.regular
        assert entry.size == 7
        assert entry.read() == b"content"
        assert b"".join(entry.chunks()) == b"content"
        with entry.open() as stream:
            assert stream.read() == b"content"
    assert list(Member("a").chunks()) == []
    assert Member("a", link="b").size == 0
    assert not Member("a", folder=True).regular


@pytest.mark.parametrize("change", [b"longer than it was", b"x", b""])
def test_a_file_that_changes_while_it_is_packed_is_noticed(tmp_path, change):
    file = tmp_path / "f"
    file.write_bytes(b"content" * 400_000)
    chunks = Member("a", file).chunks()
    next(chunks)
    with file.open("ab") as stream:
        stream.write(change) if change.startswith(b"longer") else stream.truncate(len(change))
    with pytest.raises(BuildError, match="changed while"):
        list(chunks)


@pytest.mark.parametrize(
    ("name", "target", "place"),
    [
        ("a/b", "c", "a/c"),
        ("a/b", "../c", "c"),
        ("a/b", "../../c", None),
        ("a", "..", None),
        ("a/b", "..", ""),
        ("a/b", "/etc/x", "etc/x"),
        ("a/b", "/../x", None),
        ("a", "/", ""),
        ("a/b", "./x/../y", "a/y"),
    ],
)
def test_where_a_link_leads(name, target, place):
    assert link_path(name, target) == place


def test_order_is_that_of_names_and_contradictions_are_refused():
    assert [e.name for e in in_order([Member("b"), Member("a-b"), Member("a/b"), Member("a", folder=True)])] == [
        "a",
        "a-b",
        "a/b",
        "b",
    ]
    with pytest.raises(BuildError, match="two files would be packed as a"):
        in_order([Member("a"), Member("a")])
    with pytest.raises(BuildError, match="below a, which is not a folder"):
        in_order([Member("a/b"), Member("a")])
    with pytest.raises(BuildError, match="below a, which is not a folder"):
        in_order([Member("a/b/c"), Member("a", link="x")])


def test_missing_folders_are_added_and_given_ones_kept():
    entries = with_folders([Member("a/b/c"), Member("a", folder=True, mode=0o700)])
    assert [(e.name, e.permissions, e.folder) for e in entries] == [
        ("a", 0o700, True),
        ("a/b", 0o755, True),
        ("a/b/c", 0o644, False),
    ]
    assert list(parents("a")) == []


def test_entries_move_below_a_prefix_unchanged():
    entries = (Member("a", b"x", executable=True), Member("l", link="a"), Member("t", folder=True, mode=0o1777))
    moved = below("root", entries)
    assert [e.name for e in moved] == ["root/a", "root/l", "root/t"]
    assert [(e.source, e.permissions, e.link, e.folder) for e in moved] == [
        (e.source, e.permissions, e.link, e.folder) for e in entries
    ]


def test_a_folder_is_read_sorted_with_links_and_without_what_is_excluded(tmp_path):
    (tmp_path / "src/pkg/__pycache__").mkdir(parents=True)
    (tmp_path / "src/pkg/__pycache__/x.pyc").write_bytes(b"")
    (tmp_path / "src/empty").mkdir()
    (tmp_path / "src/pkg/b.py").write_bytes(b"b")
    (tmp_path / "src/pkg/a.sh").write_bytes(b"a")
    (tmp_path / "src/pkg/a.sh").chmod(0o700)
    (tmp_path / "src/pkg/secret.key").write_bytes(b"")
    (tmp_path / "src/pkg/link").symlink_to("../pkg/b.py")
    entries = entries_of_folder(tmp_path / "src", "top", exclude=["__pycache__", "pkg/*.key"])
    assert [(e.name, e.permissions, e.link) for e in entries] == [
        ("top/pkg/a.sh", 0o755, None),
        ("top/pkg/b.py", 0o644, None),
        ("top/pkg/link", 0o777, "../pkg/b.py"),
    ]
    (tmp_path / "src/pkg/link").unlink()
    assert [e.name for e in entries_of_folder(tmp_path / "src/pkg")][:2] == ["__pycache__/x.pyc", "a.sh"]


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "../src/file", "../../x"])
def test_a_link_out_of_the_folder_is_refused(tmp_path, target):
    (tmp_path / "src").mkdir()
    (tmp_path / "src/link").symlink_to(target)
    with pytest.raises(BuildError, match="outside"):
        entries_of_folder(tmp_path / "src")


def test_what_is_neither_file_nor_folder_nor_link_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BuildError, match="only files, folders and links"):
        entries_of_folder(tmp_path)
    with pytest.raises(BuildError, match="not a folder"):
        entries_of_folder(tmp_path / "pipe")
    with pytest.raises(BuildError, match="not a folder"):
        entries_of_folder(Path("/nonexistent"))


def test_names_that_differ_by_case_alone_are_refused():
    check_folded([Member("a"), Member("b"), Member("a/b")])
    with pytest.raises(BuildError, match="a/B and A/b would be one file on macOS and Windows"):
        check_folded([Member("A/b"), Member("c"), Member("a/B")])


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (("a", "b/c", "b/d"), None),
        (("b", "a", "a"), "two files of the archive would be called a"),
        (("a", "A"), "A and a would be one file on macOS and Windows"),
        (("B/a", "b/A"), "b/A and B/a would be one file on macOS and Windows"),
        (("a", "A/b/c"), "A/b/c cannot be packed below a, which is not a folder"),
        (("a/b/c", "A/b"), "a/b/c cannot be packed below A/b, which is not a folder"),
    ],
)
def test_names_that_no_archive_can_hold_together(names, reason):
    clash = name_clash(names)
    assert (clash.reason if clash else None) == reason
    assert clash is None or {clash.first, clash.second} <= {*names}
