"""Loading: the right library, and every wrong one refused with a sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ferrule_email_validator as ev
from conftest import assemble
from ferrule_email_validator._library import ABI_VERSION, build_info, check_abi, check_interface

SAY_ERROR = """
try:
    import ferrule_email_validator
except ImportError as error:
    print(type(error).__name__, error, sep=": ")
else:
    print("imported", ferrule_email_validator.build_info()["interface"])
"""


def altered(library: Path, old: bytes, new: bytes) -> bytes:
    data = library.read_bytes()
    assert len(old) == len(new)
    assert old in data
    return data.replace(old, new)


def test_build_info_says_what_the_library_is():
    info = build_info()
    assert info["name"] == "email-validator"
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", info["version"])
    assert "idna" in info["dependencies"]
    info["dependencies"].clear()
    assert build_info()["dependencies"]
    assert ev.__version__


@pytest.mark.parametrize("wanted", [None, "", "unreleased", "abc"])
def test_an_unknown_interface_is_accepted(wanted):
    check_interface("unreleased", wanted, Path("lib.so"))


def test_an_equal_interface_is_accepted():
    check_interface("abc", "abc", Path("lib.so"))
    check_interface("abc", None, Path("lib.so"))


def test_a_foreign_interface_is_refused():
    with pytest.raises(
        ev.LibraryError, match=r"lib\.so has the interface abc…, and this package was made for def…"
    ) as caught:
        check_interface("abc", "def", Path("lib.so"))
    assert caught.value.path == "lib.so"


def test_another_abi_is_refused():
    check_abi(ABI_VERSION, Path("lib.so"))
    with pytest.raises(ev.LibraryError, match="has version 2 of the C interface, and this package needs 1"):
        check_abi(ABI_VERSION + 1, Path("lib.so"))


def test_a_foreign_library_is_refused_on_import(tmp_path, library, run_python):
    known = build_info()["interface"].encode()
    other = known[::-1]
    foreign = altered(library, b'"interface":"' + known, b'"interface":"' + other)
    folder = assemble(tmp_path / "foreign", foreign, library.name, INTERFACE="f" * 64)
    assert run_python(SAY_ERROR, folder).stdout == (
        f"LibraryError: {library.name} has the interface {other.decode()[:16]}…, and this package was made for "
        f"ffffffffffffffff…: they are from different releases; install ferrule-email-validator again\n"
    )
    folder = assemble(tmp_path / "own", foreign, library.name, INTERFACE=other.decode())
    assert run_python(SAY_ERROR, folder).stdout == f"imported {other.decode()}\n"


def test_a_library_of_something_else_is_refused(tmp_path, library, run_python):
    other = altered(library, b"email_validator_abi_version", b"email_validator_abi_versiom")
    said = run_python(SAY_ERROR, assemble(tmp_path, other, library.name)).stdout
    assert said.startswith(f"LibraryError: {library.name} is not the library of ferrule-email-validator: ")


def test_what_is_no_library_is_refused(tmp_path, library, run_python):
    said = run_python(SAY_ERROR, assemble(tmp_path, b"not a library", library.name)).stdout
    assert said.startswith("LibraryError: the native library of ferrule-email-validator cannot be loaded: ")


def test_a_missing_library_is_said(tmp_path, library, run_python):
    folder = assemble(tmp_path, b"", library.name)
    for file in (folder / ev.__name__ / "_native").iterdir():
        file.unlink()
    (folder / ev.__name__ / "_native").rmdir()
    said = run_python(SAY_ERROR, folder).stdout
    assert said.startswith("LibraryError: ferrule-email-validator lies here without its native library; install")
