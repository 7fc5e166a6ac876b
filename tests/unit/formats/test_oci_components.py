"""Layouts of components: written as registries take them, and every claim in them recomputed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ferrule.core.errors import VerificationError
from ferrule.core.model import Digest
from ferrule.formats import oci

if TYPE_CHECKING:
    from pathlib import Path

COMPONENT = b"\0asm\x0d\0\1\0"
"""A component without anything in it (Binary.md, "Component Definitions")."""
EPOCH = 315_532_800


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    folder = tmp_path / "layout"
    folder.mkdir()
    oci.write_component(folder, COMPONENT, annotations={"a": "b"}, epoch=EPOCH, ref_name="1.2.3")
    return folder


def document(layout: Path, digest: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((layout / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes())
    return value


def test_a_layout_is_what_wkg_reads(layout: Path) -> None:
    (entry,) = json.loads((layout / "index.json").read_bytes())["manifests"]
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": "1.2.3"}
    manifest = document(layout, entry["digest"])
    assert manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert manifest["annotations"] == {"a": "b", "org.opencontainers.image.created": "1980-01-01T00:00:00Z"}
    (layer,) = manifest["layers"]
    digest = Digest.of(COMPONENT).oci
    assert layer == {"mediaType": "application/wasm", "digest": digest, "size": len(COMPONENT)}
    assert manifest["config"]["mediaType"] == "application/vnd.wasm.config.v0+json"
    assert document(layout, manifest["config"]["digest"]) == {
        "created": "1980-01-01T00:00:00Z",
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": [digest],
        "component": {"exports": [], "imports": []},
    }


def test_it_is_read_back_whole(layout: Path) -> None:
    assert oci.holds_component(layout)
    read = oci.read_component(layout)
    assert read.component == COMPONENT
    assert read.facts.compressed == {"wasip2/wasm": len(COMPONENT)}
    assert read.facts.index == read.manifest.digest.oci


def test_a_core_module_is_no_component(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="this is a core module"):
        oci.write_component(tmp_path, b"\0asm\1\0\0\0", annotations={}, epoch=EPOCH, ref_name="1")


def test_an_image_is_none(tmp_path: Path) -> None:
    assert not oci.holds_component(tmp_path)


def blob(layout: Path, media_type: str) -> Path:
    (entry,) = json.loads((layout / "index.json").read_bytes())["manifests"]
    manifest = document(layout, entry["digest"])
    result = next(one for one in (manifest["config"], *manifest["layers"]) if one["mediaType"] == media_type)
    return layout / "blobs" / "sha256" / result["digest"].removeprefix("sha256:")


def test_a_changed_blob_is_noticed(layout: Path) -> None:
    blob(layout, "application/wasm").write_bytes(COMPONENT + b"\0\2\1a")
    with pytest.raises(VerificationError, match="has another content"):
        oci.read_component(layout)


def test_a_missing_blob_is_noticed(layout: Path) -> None:
    blob(layout, "application/vnd.wasm.config.v0+json").unlink()
    with pytest.raises(VerificationError, match="this is no layout of a component"):
        oci.read_component(layout)


def test_a_file_too_many_is_noticed(layout: Path) -> None:
    (layout / "blobs" / "sha256" / ("0" * 64)).write_bytes(b"")
    with pytest.raises(VerificationError, match="belongs to nothing in the layout"):
        oci.read_component(layout)


def rewritten(layout: Path, config: dict[str, Any], media_type: str = "application/wasm") -> None:
    """The layout with another config, or another type of its layer, and all digests right."""
    (entry,) = json.loads((layout / "index.json").read_bytes())["manifests"]
    manifest = document(layout, entry["digest"])
    (layout / "blobs" / "sha256" / entry["digest"].removeprefix("sha256:")).unlink()
    manifest["layers"][0]["mediaType"] = media_type
    for owner, key, value in ((manifest, "config", config), ({"manifests": [entry]}, "manifests", manifest)):
        text = json.dumps(value).encode()
        (layout / "blobs" / "sha256" / Digest.of(text).hex).write_bytes(text)
        target = owner[key] if key == "config" else entry
        target.update(digest=Digest.of(text).oci, size=len(text))
    (layout / "index.json").write_text(json.dumps({"manifests": [entry]}))


def test_a_config_that_says_something_else_is_noticed(layout: Path) -> None:
    config = json.loads(blob(layout, "application/vnd.wasm.config.v0+json").read_bytes())
    rewritten(layout, {**config, "component": {"exports": ["a:b/c"], "imports": []}})
    with pytest.raises(VerificationError, match="something else of the component"):
        oci.read_component(layout)


def test_another_type_of_layer_is_noticed(layout: Path) -> None:
    config = json.loads(blob(layout, "application/vnd.wasm.config.v0+json").read_bytes())
    rewritten(layout, config, "application/octet-stream")
    with pytest.raises(VerificationError, match="is application/octet-stream, not application/wasm"):
        oci.read_component(layout)
