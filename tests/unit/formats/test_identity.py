"""What files say of themselves, read from their bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.formats import identity
from ferrule.formats.archive_member import Member
from ferrule.formats.identity import Identity, identities
from ferrule.formats.tar import write_tar_gz
from ferrule.formats.wasm import with_custom_section
from ferrule.formats.zip import write_zip

if TYPE_CHECKING:
    from pathlib import Path

FINGERPRINT, INTERFACE = "f" * 64, "1" * 64
SAID = {"name": "demo", "version": "1.2.3", "fingerprint": FINGERPRINT, "interface": INTERFACE, "dependencies": {}}
LIBRARY = b"\x7fELF\x02\x01" + b"\0{{" * 30 + json.dumps(SAID, separators=(",", ":")).encode() + b"{\0more"
MODULE = b"\0asm\x01\0\0\0"


def said_by(path: Path, content: bytes) -> list[Identity]:
    path.write_bytes(content)
    return list(identities(path))


def test_a_library_holds_it_as_json(tmp_path: Path) -> None:
    (result,) = said_by(tmp_path / "x.so", LIBRARY)
    assert result == Identity("", "library", "1.2.3", FINGERPRINT, INTERFACE, (("name", "demo"),))


def test_what_is_in_a_library_twice_is_told_once(tmp_path: Path) -> None:
    assert len(said_by(tmp_path / "x.so", LIBRARY + LIBRARY)) == 1


def test_a_library_that_cargo_built_alone_says_so(tmp_path: Path) -> None:
    (result,) = said_by(tmp_path / "x.so", LIBRARY.replace(FINGERPRINT.encode(), b"unreleased"))
    assert result.fingerprint == "unreleased"


def test_a_webassembly_module_has_a_section(tmp_path: Path) -> None:
    (result,) = said_by(tmp_path / "x.wasm", with_custom_section(MODULE, "ferrule", json.dumps(SAID).encode()))
    assert (result.form, result.version, result.fingerprint) == ("WebAssembly", "1.2.3", FINGERPRINT)
    assert said_by(tmp_path / "y.wasm", MODULE) == []
    assert said_by(tmp_path / "z.wasm", with_custom_section(MODULE, "ferrule", b"{")) == []


@pytest.mark.parametrize(
    "text",
    [
        f'#define X_VERSION "1.2.3"\n#define X_FINGERPRINT "{FINGERPRINT}"\n#define X_INTERFACE "{INTERFACE}"\n',
        f'VERSION: str = "1.2.3"\nFINGERPRINT: str = "{FINGERPRINT}"\nINTERFACE: str = "{INTERFACE}"\n',
        f'const version = "1.2.3"\nconst fingerprint = "{FINGERPRINT}"\nconst interfaceFingerprint = "{INTERFACE}"\n',
        f"export const identity = Object.freeze({json.dumps(SAID)});\n",
    ],
)
def test_sources_state_it_as_constants(tmp_path: Path, text: str) -> None:
    (result,) = said_by(tmp_path / "x", text.encode())
    assert (result.form, result.version, result.fingerprint) == ("constant", "1.2.3", FINGERPRINT)
    assert result.interface == INTERFACE


def test_every_member_of_a_wheel_is_asked(tmp_path: Path) -> None:
    metadata = b"Metadata-Version: 2.4\nName: demo\nVersion: 1.2.3\n\nVersion: 9\n"
    members = [Member("demo/_native/x.so", LIBRARY), Member("demo-1.2.3.dist-info/METADATA", metadata)]
    write_zip(tmp_path / "x.whl", members, 0)
    result = {one.member: one for one in identities(tmp_path / "x.whl")}
    assert result["demo/_native/x.so"].fingerprint == FINGERPRINT
    assert result["demo-1.2.3.dist-info/METADATA"].version == "1.2.3"


def test_packages_in_folders_are_asked(tmp_path: Path) -> None:
    package = {"name": "@example/demo", "version": "1.2.3"}
    (tmp_path / "in").mkdir()
    members = [Member("package/package.json", json.dumps(package).encode()), Member("package/x.so", LIBRARY)]
    write_tar_gz(tmp_path / "in" / "demo.tgz", members, 0)
    result = {one.member: one.form for one in identities(tmp_path)}
    assert result == {"in/demo.tgz: package/package.json": "npm package", "in/demo.tgz: package/x.so": "library"}


def test_images_have_labels(tmp_path: Path) -> None:
    labels = {"ferrule.fingerprint": FINGERPRINT, "org.opencontainers.image.version": "1.2.3"}
    config = {"os": "linux", "architecture": "arm64", "config": {"Labels": labels}}
    (result,) = said_by(tmp_path / "config", json.dumps(config).encode())
    assert (result.form, result.fingerprint, result.more) == (
        "image label",
        FINGERPRINT,
        (("platform", "linux/arm64"),),
    )


@pytest.mark.parametrize("content", [b"", b"fingerprint", b'{"fingerprint": 3}', b"PK\x03\x04", b"\x1f\x8b\x08"])
def test_what_says_nothing_says_nothing(tmp_path: Path, content: bytes) -> None:
    assert said_by(tmp_path / "x", content) == []


@given(st.binary(max_size=400), st.sampled_from([b"\x7fELF", MODULE, b"PK\x03\x04", b"\x1f\x8b\x08\0", b""]))
def test_no_bytes_confuse_it(tmp_path_factory: pytest.TempPathFactory, data: bytes, magic: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any"
    assert all(one.member == "" for one in said_by(file, magic + data))


@pytest.mark.parametrize(
    "content",
    [
        b"fingerprint " + b"x" * (1 << 20),  # too large for a text
        b"\x7fELF\x02\x01" + json.dumps(SAID).encode().replace(b"{", b"(", 1),  # no object around it
        b"\x7fELF\x02\x01" + json.dumps({"x": "{" * 100, **SAID}).encode(),  # too many places to begin at
        json.dumps({"ferrule.fingerprint": FINGERPRINT, "config": {"Labels": None}}).encode(),
        json.dumps({"ferrule.fingerprint": FINGERPRINT, "config": 7}).encode(),
    ],
    ids=["too large", "no object", "too many beginnings", "no labels", "no settings"],
)
def test_what_states_nothing_that_counts(tmp_path: Path, content: bytes) -> None:
    assert said_by(tmp_path / "x", content) == []


def test_an_object_within_an_object_is_passed_over(tmp_path: Path) -> None:
    inner = json.dumps({"of": {"name": "inner"}, **SAID}).encode()
    (result,) = said_by(tmp_path / "x.so", b"\x7fELF\x02\x01" + inner.replace(b'"dependencies": {}', b'"d": {"x": {}}'))
    assert (result.version, result.fingerprint) == ("1.2.3", FINGERPRINT)


@pytest.mark.parametrize(("name", "content"), [("METADATA", b"Name: demo\n\n"), ("package.json", b'{"name": "x"}')])
def test_a_package_without_a_version_says_nothing(tmp_path: Path, name: str, content: bytes) -> None:
    assert said_by(tmp_path / name, content) == []


def test_only_files_of_archives_are_asked(tmp_path: Path) -> None:
    members = [Member("a", folder=True), Member("a/link", link="x.so"), Member("a/x.so", LIBRARY)]
    write_tar_gz(tmp_path / "x.tgz", members, 0)
    assert [one.member for one in identities(tmp_path / "x.tgz")] == ["a/x.so"]


def test_no_more_is_unpacked_than_anybody_packs(tmp_path: Path) -> None:
    write_zip(tmp_path / "x.zip", [Member(f"{number}.so", LIBRARY) for number in range(4)], 0)
    data, cost = (tmp_path / "x.zip").read_bytes(), len(LIBRARY) + identity._MEMBER
    assert len(list(identity._members(data, [1 << 30]))) == 4
    assert len(list(identity._members(data, [2 * cost + len(LIBRARY) * 4]))) < 4


def test_a_package_of_which_no_version_is_stated() -> None:
    assert list(identity.identities_of("x/METADATA", b"Name: demo\n\n")) == []
    assert list(identity.identities_of("x/package.json", b'{"name": "x"}')) == []
