"""Which files a bill of materials knows, and by which digests."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from typing import TYPE_CHECKING

import pytest
from tests.unit.kinds.conftest import Nothing

from ferrule.core.facts import Facts
from ferrule.core.model import Output
from ferrule.kinds.sbom.bills import BillsOfMaterials, BomStep, BomSubject, _file_digests

if TYPE_CHECKING:
    from tests.unit.kinds.conftest import Bench

LINUX = "x86_64-unknown-linux-gnu"
BILLS = BillsOfMaterials(
    name="demo",
    version="1.2.3",
    license="MIT",
    homepage=None,
    description=None,
    supplier="ourselves",
    release="demo.cdx.json",
    subjects=(),
    steps=(),
    cryptography=(),
    epoch=0,
    ferrule="1",
)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("output", "file", "kind"),
    [
        (Output("demo.so", "cdylib"), "demo.so", "library"),
        (Output("demo.a", "staticlib"), "demo.a", "library"),
        (Output("demo.core.wasm", "module"), "demo.core.wasm", "library"),
        (Output("demo.wasm", "component"), "demo.wasm", "library"),
        (Output("demo", "program"), "demo", "application"),
        (Output("ext", "extension", folder=True), "ext/demo.abi3.so", "library"),
        (Output("demo.h", "header"), "demo.h", None),
        (Output("demo", "layout", folder=True), "demo/index.json", None),
    ],
)
@pytest.mark.parametrize("target", [LINUX, None])
def test_compiled_files_are_components(
    bench: Bench, output: Output, file: str, kind: str | None, target: str | None
) -> None:
    interface, paths = bench.made("it", {file: b"code", "other": b"text"}, (output, Output("other", "text")))
    context = bench.make(Nothing(), needed={"it": paths})
    step = BomStep(interface, "it", target, builds=True, crates=None)
    parts = [*BILLS._files(context, step, Facts(), ("pkg:cargo/a@1",))]
    assert [(part.name, part.type, part.sha256) for part in parts] == ([(file, kind, sha256(b"code"))] if kind else [])
    for part in parts:
        assert dict(part.properties).get("target") == target
        assert part.needs == ("pkg:cargo/a@1",)


def test_digests_of_a_subject_are_those_of_its_files_and_of_what_they_hold(bench: Bench) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo("inside")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"text"))
    ours, theirs = gzip.compress(stream.getvalue(), mtime=0), gzip.compress(b"another layer", mtime=0)
    files = {"imagery": b"not of it", "image/a": theirs, "image/b": ours}
    _, image = bench.made("image", files, ())
    _, layer = bench.made("layer", {"layer": theirs}, ())
    context = bench.make(Nothing(), needed={"image": image, "layer": layer})
    subject = BomSubject("x", "image", "image", "image", "layout", True, "pkg:oci/x", ("image", "layer"))
    assert _file_digests(context, subject) == {sha256(theirs), sha256(ours), sha256(b"text")}
