"""Crates as Cargo packs them: what is read, and what a registry is told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.crates import BASE, TOP, crates, packed
from ferrule.core.errors import VerificationError
from ferrule.core.model import Digest
from ferrule.formats.crate import CratePackage, index_path, read_crate

if TYPE_CHECKING:
    from pathlib import Path

INDEX = "https://index.example.org/own"


def read(folder: Path, content: bytes) -> CratePackage:
    path = folder / "x.crate"
    path.write_bytes(content)
    return read_crate(path)


def test_what_stands_in_a_crate(tmp_path: Path) -> None:
    content = crates()["demo-top-1.2.3.crate"][1]
    top = read(tmp_path, content)
    assert (top.name, top.version, top.digest) == ("demo-top", "1.2.3", Digest.of(content))
    assert top.readme is None
    assert top.metadata(INDEX, default=True)["readme_file"] is None
    first, build, optional = top.dependencies
    assert (first.rename, first.features, first.has_default_features) == ("base", ("extra",), False)
    assert (build.kind, build.requirement, build.rename) == ("build", "1", None)
    assert (optional.target, optional.is_optional) == ("cfg(windows)", True)


def test_where_dependencies_are_from(tmp_path: Path) -> None:
    top = read(tmp_path, crates()["demo-top-1.2.3.crate"][1])
    elsewhere = "https://index.example.org/default"
    assert not any("registry" in d for d in top.metadata(INDEX, default=True)["deps"])
    assert {d["registry"] for d in top.metadata(INDEX, default=False)["deps"]} == {elsewhere}
    stated = '[build-dependencies.other]\nversion = "1"\nregistry-index = "{}"'
    for index, expected in (
        (f"sparse+{INDEX}/", None),
        ("sparse+https://third.example", "sparse+https://third.example"),
    ):
        text = TOP.replace('[build-dependencies]\nother = "1"', stated.format(index))
        one = read(tmp_path, packed("demo-top-1.2.3", {"Cargo.toml": text}))
        assert one.metadata(INDEX, default=True)["deps"][1].get("registry") == expected
    with pytest.raises(VerificationError, match="nothing says from which registry demo-base comes"):
        one.metadata(INDEX, default=False)


@pytest.mark.parametrize(("value", "registries"), [("false", ()), ('["a"]', ("a",)), ("true", None)])
def test_where_it_may_be_published(tmp_path: Path, value: str, registries) -> None:
    text = BASE.replace('license = "MIT"', f"publish = {value}")
    assert read(tmp_path, packed("demo-base-1.2.3", {"Cargo.toml": text})).registries == registries


@pytest.mark.parametrize(
    "content",
    [
        b"no archive",
        packed("a-1", {"src/lib.rs": ""}),
        packed("a-1", {"Cargo.toml": "no toml"}),
        packed("a-1", {"Cargo.toml": "package = 5"}),
        packed("a-1", {"Cargo.toml": '[package]\nname = "../a"\nversion = "1.0.0"'}),
        packed("a-1", {"Cargo.toml": '[package]\nname = "a"\nversion = 1'}),
        packed("a-1", {"Cargo.toml": '[package]\nname = "a"\nversion = "1.0.0"\n[dependencies]\nb = 5'}),
    ],
)
def test_what_is_none(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(VerificationError):
        read(tmp_path, content)


def test_files_of_an_index() -> None:
    names = ("a", "Ab", "abc", "Serde_Json")
    assert [index_path(name) for name in names] == ["1/a", "2/ab", "3/a/abc", "se/rd/serde_json"]
