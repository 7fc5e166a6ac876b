"""Import libraries as zig writes them, beside DLLs that they are of, and are not of."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from ferrule.core.errors import VerificationError
from ferrule.formats.import_library import import_library_problems, read_import_library

GOLDEN = Path(__file__).parents[2] / "golden" / "binaries"
LIBRARY = gzip.decompress((GOLDEN / "libdemo-x86_64.dll.a.gz").read_bytes())
NAMES = ("a_long_name_that_is_more_than_eight", "z_add")


def test_it_has_the_names_and_the_dll() -> None:
    assert read_import_library(LIBRARY) == dict.fromkeys(NAMES, "demo-x86_64.dll")
    assert import_library_problems(LIBRARY, "demo-x86_64.dll", NAMES, where=None) == []


def test_it_is_of_another_dll() -> None:
    assert import_library_problems(LIBRARY, "demo.dll", ("z_add", "z_sub"), where="libdemo.dll.a") == [
        "programs that are linked with it ask for demo-x86_64.dll",
        "it does not have z_sub, which the DLL exports",
        "it has a_long_name_that_is_more_than_eight, which the DLL does not export",
    ]


@pytest.mark.parametrize("name", [b"z_\xffdd", b"z_add\0demo"])
def test_a_damaged_one_is_refused(name: bytes) -> None:
    header = b"\0\0\xff\xff" + b"\0" * 16
    member = header + name
    archive = b"!<arch>\n" + b"%-48s%-10d`\n" % (b"demo.dll/", len(member)) + member + b"\n" * (len(member) % 2)
    if name.endswith(b"demo"):
        assert read_import_library(archive) == {"z_add": "demo"}
        return
    with pytest.raises(VerificationError, match="the import library is damaged"):
        read_import_library(archive, where="libdemo.dll.a")
