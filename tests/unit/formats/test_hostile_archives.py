"""Hostile archives against everything that reads archives: refused with a sentence, or harmless; in bounded time.

Each is read in a process of its own, with limits that end it where a reader loses itself.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import resource
import sys
import traceback
import zipfile
from functools import cache
from typing import TYPE_CHECKING, Any

import hostile
import pytest

from ferrule.core.errors import FerruleError
from ferrule.formats import compare, deb, identity, oci, tar, wheel
from ferrule.formats import zip as zips_
from ferrule.formats.ar import read_ar
from ferrule.formats.archive_member import checked_name, link_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from ferrule.formats.archive_member import Member

ENDLESS_SECONDS = 20  # of CPU: a hundred times what the dearest takes
MEBIBYTES = 400
ADDRESSES = 4 << 30


# Readers: each takes a file and says what it got


def entries(found: Iterable[Member], *, root: bool = False) -> str:
    """Names and links that a reader gave, none of which may lead out."""
    count = 0
    for entry in found:
        checked_name(entry.name)
        if entry.link is not None:
            assert root or not entry.link.startswith("/"), entry
            assert link_path(entry.name, entry.link) is not None, entry
        count += 1
    return f"{count} entries"


def of_tar(path: Path) -> str:
    with path.open("rb") as stream:
        return entries(tar.read_tar_gz(stream, where="x"))


def of_root(path: Path) -> str:
    with path.open("rb") as stream:
        return entries(tar.read_tar_gz(stream, where="x", root=True), root=True)


def of_package(path: Path) -> str:
    package = deb.read_deb(path)
    assert deb.licenses(package) == ()
    return entries(deb.base_layer_entries([package]), root=True)


def of_zip(path: Path) -> str:
    return entries(zips_.read_zip(path))


def of_wheel(path: Path) -> str:
    named = path.with_name("x-1-py3-none-any.whl")
    named.symlink_to(path)
    return f"{len(wheel.read_wheel(named).digests)} members"


def of_explain(path: Path) -> str:
    return f"{len(list(identity.identities(path)))} statements"


def of_reproduce(path: Path) -> str:
    data = path.read_bytes()
    result = compare.first_difference(data, data[:-1] + bytes([data[-1] ^ 1]) if data else b"x")
    return "" if result is None else result.location[:10]


def of_layer(path: Path) -> str:
    """As a layer of a base image, read by `verify` and looked into for programs."""
    layout = oci.read_layout(lay_out(path.parent / "image", path.read_bytes()))
    root = oci.read_root(layout.images[0].layers)
    assert root.find("etc/passwd") in (None, "etc/passwd")
    return f"{len(root.files)} files"


def of_ar(path: Path) -> str:
    return f"{len(list(read_ar(path.read_bytes())))} members"


def lay_out(folder: Path, layer: bytes) -> Path:
    """An image layout around a layer that nobody has looked into."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(content: bytes, kind: str, **more: object) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content), **more}

    layers = [blob(layer, oci.LAYER)]
    try:
        content = gzip.decompress(layer) if len(layer) < 100_000 else b""
    except (OSError, EOFError, ValueError):
        content = b""
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(content).hexdigest()}"]}
    config = blob(json.dumps({"os": "linux", "architecture": "amd64", "rootfs": rootfs}).encode(), oci.CONFIG)
    manifest = blob(json.dumps({"config": config, "layers": layers}).encode(), oci.MANIFEST)
    (folder / "index.json").write_text(json.dumps({"manifests": [manifest]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return folder


Reader = "Callable[[Path], str]"
TAR_READERS = (of_tar, of_root, of_layer, of_explain, of_reproduce)
ZIP_READERS = (of_zip, of_wheel, of_explain, of_reproduce)

# Harmless, and taken by all readers of their format: an archive of nothing; and what only spends a moment.
FAMILIES: dict[str, tuple[Callable[[], dict[str, Callable[[], bytes]]], Callable[[bytes], bytes], tuple[Any, ...]]] = {
    "tar": (hostile.tars, lambda data: gzip.compress(data, 6, mtime=0), TAR_READERS),
    "gzip": (hostile.streams, bytes, TAR_READERS),
    "zip": (hostile.zips, bytes, ZIP_READERS),
    "tar in a package": (hostile.tars, hostile.as_package, (of_package,)),
    "xz in a package": (hostile.xzs, hostile.as_package_of_xz, (of_package,)),
    "package": (hostile.packages, bytes, (of_package,)),
    "ar": (hostile.ars, bytes, (of_ar, of_package, of_explain)),
}
TAKEN = {
    # A reader of roots: case counts in one, and an absolute link begins there.
    ("tar", "collision of case", "of_root"),
    ("tar", "collision of composition", "of_root"),
    ("tar", "collision of sharp s", "of_root"),
    ("tar in a package", "collision of case", "of_package"),
    ("tar in a package", "collision of composition", "of_package"),
    ("tar in a package", "collision of sharp s", "of_package"),
    # The last of them counts.
    ("tar", "ten thousand pax headers", "of_tar"),
    ("tar in a package", "ten thousand pax headers", "of_package"),
    ("gzip", "gzip of many streams", "of_tar"),
    # Everything up to the first NUL is the name, as GNU tar has it, and that is harmless.
    ("tar", "long name of GNU, with more behind", "of_tar"),
}
JUDGES = {of_tar, of_zip, of_package, of_wheel}  # these refuse what is wrong; others read what they can, harmlessly


def attempt(reader: Callable[[Path], str], content: bytes, folder: Path) -> dict[str, Any]:
    """Read in a process of its own; what was said, and the memory it cost beyond what this process holds."""
    folder.mkdir()
    path = folder / "hostile"
    path.write_bytes(content)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        resource.setrlimit(resource.RLIMIT_CPU, (ENDLESS_SECONDS, ENDLESS_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
        before = resource.getrusage(resource.RUSAGE_SELF)
        try:
            result = {"taken": reader(path)}
        except FerruleError as error:
            result = {"refused": str(error)}
        except BaseException:  # noqa: BLE001 - it is told
            result = {"bug": traceback.format_exc()[-3000:]}
        used = resource.getrusage(resource.RUSAGE_SELF)
        unit = 1 if sys.platform == "darwin" else 1024
        cost = {"memory": (used.ru_maxrss - before.ru_maxrss) * unit / (1 << 20)}
        with os.fdopen(writing, "w") as stream:
            json.dump(result | cost, stream)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        text = stream.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else {"bug": "the process died"}


def cases() -> Iterator[Any]:
    for family, (_, _, readers) in FAMILIES.items():
        for reader in readers:
            yield pytest.param(family, reader, id=f"{family} {reader.__name__}")


@cache
def archives(family: str) -> dict[str, bytes]:
    result, wrap, _ = FAMILIES[family]
    return {name: wrap(make()) for name, make in result().items()}


@pytest.mark.parametrize(("family", "reader"), list(cases()))
def test_is_refused_or_harmless(
    family: str,
    reader: Callable[[Path], str],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
):
    problems, refused = [], 0
    for number, (name, content) in enumerate(archives(family).items()):
        result = attempt(reader, content, tmp_path / str(number))
        output = result.get("refused", "")
        refused += bool(output)
        if "bug" in result:
            problems.append(f"{name}: {result['bug']}")
        elif not output.replace("\n", "").isprintable() or len(output) > 1000:
            problems.append(f"{name}: {output[:300]!r} is no sentence")
        elif reader in JUDGES and not output and (family, name, reader.__name__) not in TAKEN:
            problems.append(f"{name} was taken: {result['taken']}")
        elif result["memory"] > MEBIBYTES:
            problems.append(f"{name} costs {result['memory']:.0f} MiB")
    record_property(f"hostile: archives read by {reader.__name__}", len(archives(family)))
    record_property(f"hostile: archives refused by {reader.__name__}", refused)
    assert not problems, "\n".join(problems)


def test_there_are_enough_of_them(record_property: Callable[[str, object], None]):
    distinct = {result: len(result()) for result, _, _ in FAMILIES.values()}
    record_property("hostile: archives", sum(distinct.values()))
    assert len(hostile.tars()) >= 40
    assert len(hostile.zips()) >= 40


def test_zip_in_zip_in_zip_is_opened_as_far_as_anybody_packs(tmp_path: Path):
    result = attempt(of_explain, hostile.nested(4), tmp_path / "x")
    assert "bug" not in result
    assert result["memory"] < MEBIBYTES


def test_what_these_are_made_of_is_taken_where_nothing_is_wrong(tmp_path: Path):
    good = gzip.compress(hostile.FINE + hostile.END)
    for number, (reader, content) in enumerate(
        [
            (of_tar, good),
            (of_root, good),
            (of_layer, good),
            (of_zip, hostile.single()),
            (of_zip, hostile.several((b"a", b"1"), (b"b/c", b"2"))),
            (of_package, hostile.as_package(hostile.FINE + hostile.END)),
        ]
    ):
        assert "taken" in attempt(reader, content, tmp_path / str(number))


def test_a_zip_of_the_standard_library_is_read():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("stored", b"x", zipfile.ZIP_STORED)
        archive.writestr("deflated", b"x" * 5000)
        with archive.open("large", "w", force_zip64=True) as member:
            member.write(b"y" * 5000)
        archive.mkdir("folder")
        archive.writestr("café/ü", b"z")
    assert entries(zips_.read_zip(stream)) == "5 entries"


class Unseekable(io.RawIOBase):
    def __init__(self, target: io.BytesIO) -> None:
        self.target = target

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self.target.write(data)


def test_a_zip_written_to_a_pipe_is_read():
    """Sizes and checksums then stand behind the content (APPNOTE 4.3.9)."""
    target = io.BytesIO()
    with zipfile.ZipFile(Unseekable(target), "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]
        archive.writestr("a", b"x" * 5000)
        archive.writestr("b", b"y" * 10)
    result = {entry.name: entry.read() for entry in zips_.read_zip(io.BytesIO(target.getvalue()))}
    assert result == {"a": b"x" * 5000, "b": b"y" * 10}
