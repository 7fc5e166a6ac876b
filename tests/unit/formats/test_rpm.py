"""RPM packages, and everything that is wrong with one."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from fakes.rpms import FIELDS, FILES, cpio, rpm_bytes
from ferrule.core.errors import VerificationError
from ferrule.formats.decompress import Limits
from ferrule.formats.rpm import read_rpm

if TYPE_CHECKING:
    from pathlib import Path


def test_a_package_is_read_with_its_fields_and_files(tmp_path: Path) -> None:
    (tmp_path / "demo.rpm").write_bytes(rpm_bytes())
    for source in (rpm_bytes(), tmp_path / "demo.rpm"):
        package = read_rpm(source)
        assert package.fields == {
            "name": "demo",
            "version": "1.2.3",
            "release": "1",
            "license": "MIT",
            "architecture": "x86_64",
        }
        assert package.requires == (("glibc", "2.17"), ("sh", ""))
        assert [(m.name, m.folder, m.permissions, m.source) for m in package.members] == [
            ("usr/bin", True, 0o755, b""),
            ("usr/bin/demo", False, 0o755, b"program"),
        ]


def test_one_that_requires_nothing() -> None:
    assert read_rpm(rpm_bytes({k: v for k, v in FIELDS.items() if k not in {1049, 1050}})).requires == ()


GOOD = rpm_bytes()
MAIN = GOOD.index(b"\x8e\xad\xe8\x01", 100)


def changed(at: int, new: bytes) -> bytes:
    return GOOD[:at] + new + GOOD[at + len(new) :]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x7fELF", "not an RPM package"),
        (GOOD[:50], "not an RPM package"),
        (GOOD[:100], "a damaged header"),
        (changed(96, b"\0"), "a damaged header"),
        (changed(104, b"\xff"), "ends in the middle of a header"),
        (changed(108, b"\xff"), "ends in the middle of a header"),
        (changed(120, b"\0\0\xff\xff"), "a damaged header"),  # where a text begins
        (changed(MAIN + 28, b"\0\xff\xff\xff"), "a damaged header"),  # how many
        (GOOD[:-1], "the package's data have another digest"),
        (changed(MAIN + 40, b"\0\0\0\x09"), "the package's header has another digest"),
        (rpm_bytes(signature={}), "the package's header has another digest"),
        (rpm_bytes({**FIELDS, 1125: "zstd"}), "compressed in a way that is not supported"),
        (rpm_bytes({k: v for k, v in FIELDS.items() if k != 1014}), "the package does not say its license"),
        (rpm_bytes({**FIELDS, 1050: ("1",)}), "other numbers of requirements"),
        (rpm_bytes(payload=b"no gzip"), "the gzip data is damaged"),
        (rpm_bytes(payload=gzip.compress(cpio(*FILES)[:-60])), "data end too early"),
        (rpm_bytes(payload=gzip.compress(b"070702" + bytes(200))), "the package's data are damaged"),
        (rpm_bytes(payload=gzip.compress(b"070707" + b"0" * 200)), "the package's data are damaged"),
        (rpm_bytes(payload=gzip.compress(b"070701" + b"0" * 88 + b"00FFFFFF" + b"0" * 8)), "name that is too long"),
        (rpm_bytes(entries=[FILES[1], FILES[1]]), "the package holds usr/bin/demo twice"),
        (rpm_bytes(entries=[("./a", 0o104755, b"")]), "a would run with the rights of its owner"),
        (rpm_bytes(entries=[("./a", 0o120777, b"b")]), "a is neither a file nor a folder"),
        (rpm_bytes(entries=[("./../a", 0o100644, b"")]), "cannot be the name of an archive member"),
        (rpm_bytes(payload=gzip.compress(cpio(("aa", 0o100644, b"")).replace(b"aa", b"\xff\xfe"))), "not UTF-8"),
    ],
)
def test_others_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(VerificationError, match=reason) as caught:
        read_rpm(data, where="demo.rpm")
    assert "demo.rpm" in (caught.value.where or "") or "name of an archive member" in reason


@pytest.mark.parametrize("limits", [Limits(members=0), Limits(member_bytes=3), Limits(total_bytes=3)])
def test_more_than_is_worth_reading(limits: Limits) -> None:
    with pytest.raises(VerificationError, match="more than any that is worth reading"):
        read_rpm(GOOD, limits)
