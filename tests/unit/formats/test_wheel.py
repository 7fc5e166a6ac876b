from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import zipfile
from collections import deque

import pytest
from packaging.tags import parse_tag
from packaging.utils import parse_wheel_filename

from ferrule.core.errors import BuildError, VerificationError
from ferrule.core.model import Digest
from ferrule.core.platforms import PLATFORMS
from ferrule.formats.archive_member import Member
from ferrule.formats.wheel import (
    distribution_name,
    distribution_version,
    oldest_platform,
    parse_floor,
    platform_tags,
    read_wheel,
    rewrite_wheel,
    sdist_file_name,
    wheel_file_name,
    wheel_members,
    wheel_tags,
    write_sdist,
    write_wheel,
)
from ferrule.formats.zip import ZipWriter, read_zip

LINUX, ARM = PLATFORMS["x86_64-unknown-linux-gnu"], PLATFORMS["aarch64-unknown-linux-gnu"]
MAC, INTEL = PLATFORMS["aarch64-apple-darwin"], PLATFORMS["x86_64-apple-darwin"]
TAGS = tuple(f"py3-none-{tag}" for tag in platform_tags(LINUX, "2.17"))
METADATA = "Metadata-Version: 2.4\nName: E-mail.Check\nVersion: 1.0.0rc1\nLicense-File: LICENSE\n\nText\n"
ENTRIES = (
    Member("e_mail_check/__init__.py", b"x = 1\n"),
    Member("e_mail_check/libé,1.so", b"\x7fELF" * 100, executable=True),
    Member("e_mail_check", folder=True),
)
INFO = "e_mail_check-1.0.0rc1.dist-info"
LICENCES = (Member("LICENSE", b"free"),)


def wheel(folder, *, entries=ENTRIES, metadata=METADATA, tags=TAGS, licences=LICENCES, name=None):
    path = folder / (name or wheel_file_name("E-mail.Check", "1.0.0-rc.1", tags))
    digest = write_wheel(
        path,
        name="E-mail.Check",
        version="1.0.0-rc.1",
        tags=tags,
        metadata=metadata,
        entries=entries,
        licenses=licences,
        epoch=1_700_000_000,
    )
    assert digest == Digest.of_file(path)
    return path


@pytest.mark.parametrize(
    ("platform", "floor", "tags"),
    [
        (LINUX, "2.17", ("manylinux2014_x86_64", "manylinux_2_17_x86_64")),
        (LINUX, "2.12", ("manylinux2010_x86_64", "manylinux_2_12_x86_64")),
        (LINUX, "2.5", ("manylinux1_x86_64", "manylinux_2_5_x86_64")),
        (LINUX, "2.2", ("manylinux1_x86_64", "manylinux_2_5_x86_64")),
        (LINUX, "2.14", ("manylinux_2_14_x86_64",)),
        (LINUX, "2.28", ("manylinux_2_28_x86_64",)),
        (ARM, "2.14", ("manylinux2014_aarch64", "manylinux_2_17_aarch64")),
        (ARM, "2.28", ("manylinux_2_28_aarch64",)),
        (MAC, "11.0", ("macosx_11_0_arm64",)),
        (MAC, "13.3", ("macosx_13_0_arm64",)),
        (INTEL, "10.12", ("macosx_10_12_x86_64",)),
    ],
)
def test_platform_tags(platform, floor, tags):
    assert platform_tags(platform, floor) == tags


def test_a_platform_without_tags_and_a_strange_floor_are_refused():
    with pytest.raises(BuildError, match="no platform tag"):
        platform_tags(PLATFORMS["wasm32-unknown-unknown"], "1.0")
    for floor in ("2", "2.17.1", "2.x", "2.²", ""):
        with pytest.raises(BuildError, match="MAJOR"):
            parse_floor(floor)


def test_the_file_name_is_what_packaging_expects():
    name = wheel_file_name("E-mail.Check", "1.0.0-rc.1", TAGS)
    assert name == "e_mail_check-1.0.0rc1-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
    assert parse_wheel_filename(name)[3] == frozenset().union(*(parse_tag(tag) for tag in TAGS))
    assert sdist_file_name("E-mail.Check", "1.0.0-rc.1") == "e_mail_check-1.0.0rc1.tar.gz"


@pytest.mark.parametrize("tags", [(), ("py3-none",), ("py3--any",), ("py3-none-any", "py2-abi3-any"), ("a-b-c-d",)])
def test_tags_that_no_name_can_express_are_refused(tags):
    with pytest.raises(BuildError):
        wheel_file_name("x", "1", tags)


def test_names_and_versions_are_normal():
    assert distribution_name("A.-_B") == "a_b"
    assert distribution_version("v1.0-post3+Local.7") == "1.0.post3+local.7"
    with pytest.raises(BuildError, match="not a valid name"):
        distribution_name("-x")
    with pytest.raises(BuildError, match="not a version"):
        distribution_version("one")


def test_members_stand_in_order_with_record_last(tmp_path):
    with zipfile.ZipFile(wheel(tmp_path)) as archive:
        assert archive.namelist() == [
            "e_mail_check/__init__.py",
            "e_mail_check/libé,1.so",
            f"{INFO}/METADATA",
            f"{INFO}/WHEEL",
            f"{INFO}/licenses/LICENSE",
            f"{INFO}/RECORD",
        ]
        assert archive.read(f"{INFO}/WHEEL").decode() == (
            "Wheel-Version: 1.0\nGenerator: ferrule\nRoot-Is-Purelib: false\n"
            "Tag: py3-none-manylinux2014_x86_64\nTag: py3-none-manylinux_2_17_x86_64\n"
        )
        record = archive.read(f"{INFO}/RECORD").decode().splitlines()
    assert record[0] == "e_mail_check/__init__.py,sha256=nia_NpkRxFwkPGhBR7I_yeHc_PJX0pmhxjIBam_NM_Q,6"
    assert record[1].startswith('"e_mail_check/libé,1.so",sha256=')
    assert record[-1] == f"{INFO}/RECORD,,"


def test_the_order_of_entries_does_not_matter(tmp_path):
    (tmp_path / "b").mkdir()
    assert wheel(tmp_path).read_bytes() == wheel(tmp_path / "b", entries=ENTRIES[::-1], tags=TAGS[::-1]).read_bytes()


def test_what_is_written_is_read(tmp_path):
    facts = read_wheel(wheel(tmp_path))
    assert (facts.name, facts.version, facts.tags) == ("e_mail_check", "1.0.0rc1", TAGS)
    assert facts.metadata == METADATA
    assert facts.digests["e_mail_check/__init__.py"] == Digest.of(b"x = 1\n")


def test_a_pure_wheel_says_so(tmp_path):
    path = tmp_path / "x-1-py3-none-any.whl"
    write_wheel(
        path,
        name="x",
        version="1",
        tags=["py3-none-any"],
        metadata="Metadata-Version: 2.4\r\nName: x\r\nVersion: 1\r\n",
        entries=[],
        epoch=0,
        root_is_purelib=True,
        generator="test 1",
    )
    with zipfile.ZipFile(path) as archive:
        assert b"Root-Is-Purelib: true\n" in archive.read("x-1.dist-info/WHEEL")
        assert b"\r" not in archive.read("x-1.dist-info/METADATA")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"metadata": METADATA.replace("E-mail", "Other")}, "of 'Other.Check'"),
        ({"metadata": METADATA.replace("1.0.0rc1", "1.0.0")}, "of version '1.0.0'"),
        ({"metadata": "Name: E-mail.Check\n"}, "version"),
        ({"licences": ()}, "declares the licence file LICENSE, which is not given"),
        (
            {"licences": (Member("LICENSE"), Member("NOTICE"))},
            "does not declare the licence file NOTICE, which is given",
        ),
        ({"entries": (Member("a", link="b"),)}, "link"),
        ({"entries": (Member(f"{INFO}/RECORD"),)}, "in the way"),
        ({"entries": (Member(f"{INFO}/licenses/X"),)}, "in the way"),
        ({"entries": (Member("other-1.dist-info/x"),)}, "in the way"),
        ({"entries": (Member(INFO),)}, "in the way"),
        ({"entries": (Member("a"), Member("a"))}, "two files"),
        ({"entries": (Member("a"), Member("A"))}, "would be one file on macOS and Windows"),
    ],
)
def test_contradictions_are_refused(tmp_path, change, reason):
    with pytest.raises(BuildError, match=reason):
        wheel(tmp_path, **change)


def test_other_files_may_join_the_metadata(tmp_path):
    path = wheel(tmp_path, entries=(Member(f"{INFO}/sboms/x.cdx.json", b"{}"),))
    assert f"{INFO}/sboms/x.cdx.json" in read_wheel(path).digests


def test_the_file_must_be_called_as_its_content_says(tmp_path):
    with pytest.raises(ValueError, match="must be called"):
        wheel(tmp_path, name="wrong.whl")
    with pytest.raises(ValueError, match="must be called"):
        write_sdist(tmp_path / "x.tar.gz", name="x", version="1", metadata="", entries=[], epoch=0)


def test_a_source_distribution(tmp_path):
    path = tmp_path / "x_y-1.0.tar.gz"
    entries = [Member("pyproject.toml", b"[project]"), Member("src/build.sh", b"", executable=True)]
    digest = write_sdist(path, name="x.y", version="1.0", metadata="Name: x.y\r\n", entries=entries, epoch=7)
    assert digest == Digest.of_file(path)
    with tarfile.open(path) as archive:
        assert archive.getnames() == ["x_y-1.0/PKG-INFO", "x_y-1.0/pyproject.toml", "x_y-1.0/src/build.sh"]
        assert archive.extractfile("x_y-1.0/PKG-INFO").read() == b"Name: x.y\n"
        assert {m.mtime for m in archive} == {7}


def test_a_source_distribution_needs_its_build_file(tmp_path):
    with pytest.raises(BuildError, match=r"pyproject\.toml"):
        write_sdist(tmp_path / "x-1.tar.gz", name="x", version="1", metadata="", entries=[], epoch=0)
    with pytest.raises(BuildError, match="two files"):
        write_sdist(
            tmp_path / "x-1.tar.gz",
            name="x",
            version="1",
            metadata="",
            entries=[Member("pyproject.toml"), Member("PKG-INFO")],
            epoch=0,
        )


# What nobody vouches for


def forged(path, changes, rename=None):
    """The wheel with members replaced (bytes), removed (None) or added, nothing else corrected."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name, change in changes.items():
        members[name] = change(members[name]) if callable(change) else change
    buffer = io.BytesIO()
    writer = ZipWriter(buffer, 0)
    for name, content in members.items():
        if content is not None:
            writer.add(content if isinstance(content, Member) else Member(name, content))
    writer.finish()
    target = path.with_name(rename or path.name)
    target.write_bytes(buffer.getvalue())
    return target


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"e_mail_check/__init__.py": b"y = 1\n"}, "another digest"),
        ({"e_mail_check/extra.py": b""}, "which RECORD does not list"),
        ({"e_mail_check/__init__.py": None}, "which the wheel does not hold"),
        ({"link": Member("link", link="x")}, "not a file"),
        ({f"{INFO}/WHEEL": None}, "has no"),
        ({f"{INFO}/RECORD": lambda r: r + r.splitlines(keepends=True)[0]}, "damaged or doubled"),
        ({f"{INFO}/RECORD": lambda r: r + b"one,two\n"}, "damaged or doubled"),
        ({f"{INFO}/RECORD": lambda r: r.replace(b",6\n", b",7\n")}, "another digest"),
    ],
)
def test_a_forged_wheel_is_refused(tmp_path, changes, reason):
    with pytest.raises(VerificationError, match=reason):
        read_wheel(forged(wheel(tmp_path), changes))


def test_members_are_read_once_and_what_contradicts_them_is_refused_at_the_end(tmp_path):
    path = wheel(tmp_path)
    pairs = [*wheel_members(path)]
    assert [(member.name, member.read()) for member, _ in pairs] == [(m.name, m.read()) for m in read_zip(path)]
    assert all(digest == Digest.of(member.read()) for member, digest in pairs)
    assert {member.name: digest for member, digest in pairs} == read_wheel(path).digests
    assert wheel_tags(path) == read_wheel(path).tags
    members = wheel_members(forged(path, {"e_mail_check/extra.py": b""}))
    assert next(members)[0].name == "e_mail_check/__init__.py"
    with pytest.raises(VerificationError, match="which RECORD does not list"):
        deque(members)


def test_a_wheel_under_another_name_is_refused(tmp_path):
    path = wheel(tmp_path)
    for name, reason in (
        ("e_mail_check-1.0.0rc1-py3-none-any.whl", "stands for py3-none-any"),
        ("other-1.0.0rc1-py3-none-any.whl", "has no"),
        ("e_mail_check-1.0.0rc1-1-py3-none-any.whl", "not the name"),
        ("x.zip", "not the name"),
    ):
        with pytest.raises(VerificationError, match=reason):
            read_wheel(forged(path, {}, rename=name))


@pytest.mark.parametrize(
    ("tags", "oldest"),
    [
        (["cp311-abi3-manylinux_2_28_x86_64", "cp311-abi3-manylinux_2_34_x86_64"], (2, 28)),
        (["cp311-abi3-manylinux2010_x86_64"], (2, 12)),
        (["cp311-abi3-macosx_11_0_arm64"], (11, 0)),
        (["cp311-abi3-linux_x86_64", "py3-none-any"], None),
    ],
)
def test_the_oldest_platform_that_tags_stand_for(tags, oldest):
    assert oldest_platform(tags) == oldest


def test_what_others_packed_is_packed_again_without_a_trace_of_them(tmp_path):
    (tmp_path / "theirs").mkdir()
    theirs = wheel(tmp_path / "theirs", tags=["py3-none-linux_x86_64"])
    with zipfile.ZipFile(theirs) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    result = []
    for number, order in enumerate((members, members[::-1])):
        folder = tmp_path / str(number)
        folder.mkdir()
        with zipfile.ZipFile(folder / theirs.name, "w", zipfile.ZIP_STORED) as archive:
            for info, content in order:
                archive.writestr(zipfile.ZipInfo(info.filename, (1990 + number, 1, 1, 1, 1, 0)), content)
        ours = folder / wheel_file_name("e-mail-check", "1.0.0rc1", TAGS)
        rewrite_wheel(folder / theirs.name, ours, name="e-mail-check", version="1.0.0-rc.1", tags=TAGS, epoch=0)
        result.append(ours.read_bytes())
    assert result[0] == result[1]
    facts = read_wheel(ours)
    assert facts.tags == tuple(sorted(TAGS))
    assert set(facts.digests) == {info.filename for info, _ in members}
    assert facts.metadata == METADATA
    with zipfile.ZipFile(ours) as archive:
        assert archive.read(f"{INFO}/WHEEL").startswith(b"Wheel-Version: 1.0\nGenerator: ferrule\n")


def test_folders_that_others_name_are_passed_over(tmp_path):
    theirs = wheel(tmp_path)
    with zipfile.ZipFile(theirs, "a") as archive:
        archive.mkdir("e_mail_check/")
    assert "e_mail_check" not in read_wheel(theirs).digests


def test_what_others_packed_must_be_of_this_project(tmp_path):
    (tmp_path / "theirs").mkdir()
    theirs = wheel(tmp_path / "theirs")
    ours = tmp_path / wheel_file_name("other", "1.0", TAGS)
    with pytest.raises(BuildError, match=r"is of 'E-mail.Check', not of 'other'"):
        rewrite_wheel(theirs, ours, name="other", version="1.0", tags=TAGS, epoch=0)


@pytest.mark.parametrize(("old", "new"), [("Name: E-mail.Check", "Name: other"), ("Version: 1.0.0rc1", "Version: 9.9")])
def test_metadata_of_another_project_is_refused(tmp_path, old, new):
    path = wheel(tmp_path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    text = members[f"{INFO}/METADATA"].replace(old.encode(), new.encode())
    digest = base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()
    rows = members[f"{INFO}/RECORD"].decode().splitlines()
    rows = [f"{INFO}/METADATA,sha256={digest},{len(text)}" if "/METADATA," in row else row for row in rows]
    members |= {f"{INFO}/METADATA": text, f"{INFO}/RECORD": ("\n".join(rows) + "\n").encode()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(VerificationError, match=r"the file name is of e_mail_check 1\.0\.0rc1, METADATA of "):
        read_wheel(path)


@pytest.mark.parametrize("end", ["\n", "\n\n", "\n\nA description.\n"])
def test_licences_are_declared_in_the_header_of_metadata_of_others(tmp_path, end):
    (tmp_path / "theirs").mkdir()
    head = "Metadata-Version: 2.4\nName: E-mail.Check\nVersion: 1.0.0rc1"
    theirs = wheel(tmp_path / "theirs", metadata=head + end, licences=())
    ours = tmp_path / wheel_file_name("e-mail-check", "1.0.0rc1", TAGS)
    licence = Member("THIRD-PARTY", b"All of it.")
    rewrite_wheel(theirs, ours, name="e-mail-check", version="1.0.0rc1", tags=TAGS, licenses=[licence], epoch=0)
    metadata = read_wheel(ours).metadata
    assert metadata.startswith(f"{head}\nLicense-File: THIRD-PARTY\n")
    assert metadata.endswith(end)
