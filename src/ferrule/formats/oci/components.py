"""WebAssembly components as artifacts of OCI registries, as wkg pushes and pulls them (CNCF, "Wasm OCI Artifact")."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ferrule.core.errors import VerificationError
from ferrule.core.facts import ImageFacts
from ferrule.core.model import Digest
from ferrule.formats.oci.documents import (
    CREATED,
    LAYOUT,
    MANIFEST,
    REF_NAME,
    Descriptor,
    canonical,
    entry_index,
    rfc3339,
)
from ferrule.formats.wasm import read_wasm

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ferrule.core.model import Json

WASM_CONFIG = "application/vnd.wasm.config.v0+json"
WASM_LAYER = "application/wasm"
_PLATFORM = "wasip2/wasm"
_OF_LAYOUT = ("index.json", "oci-layout")


@dataclass(frozen=True, slots=True)
class ComponentLayout:
    """A layout with one component, read completely: its manifest, its config, and the component's bytes."""

    manifest: Descriptor
    config: Mapping[str, Any]
    component: bytes

    @property
    def facts(self) -> ImageFacts:
        """What is recorded of it, as of an image for the one platform that is none: WASI 0.2."""
        return ImageFacts(self.manifest.digest.oci, (_PLATFORM,), {_PLATFORM: len(self.component)})


def write_component(
    folder: Path, component: bytes, *, annotations: Mapping[str, str], epoch: int, ref_name: str
) -> Descriptor:
    """Write an image layout with a component into an empty folder; returns the descriptor of its manifest.

    The config names what the component imports and exports, which registries show; `annotations` are those of the
    manifest, `epoch` (seconds) the time of creation. Raises VerificationError for what is no component.
    """
    layer = Descriptor(WASM_LAYER, Digest.of(component), len(component))
    config: Json = {"created": rfc3339(epoch), **_described(component, layer.digest)}
    config_text = canonical(config)
    descriptor = Descriptor(WASM_CONFIG, Digest.of(config_text), len(config_text))
    notes: dict[str, Json] = {CREATED: rfc3339(epoch), **annotations}
    manifest = canonical(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor.document(),
            "layers": [layer.document()],
            "annotations": notes,
        }
    )
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for content in (component, config_text, manifest):
        (blobs / Digest.of(content).hex).write_bytes(content)
    top = Descriptor(MANIFEST, Digest.of(manifest), len(manifest), annotations={REF_NAME: ref_name})
    (folder / "oci-layout").write_bytes(LAYOUT)
    (folder / "index.json").write_bytes(entry_index(top))
    return top


def _described(component: bytes, digest: Digest) -> dict[str, Json]:
    """What a config says of a component, besides when it was made."""
    facts = read_wasm(component)
    if facts.kind != "component":
        raise VerificationError("this is a core module, and the artifact is one of a component")
    world: dict[str, Json] = {"exports": [*sorted(facts.exports)], "imports": [*sorted(facts.imports)]}
    return {"architecture": "wasm", "os": "wasip2", "layerDigests": [digest.oci], "component": world}


def holds_component(folder: Path) -> bool:
    """Whether the layout in a folder is that of a component, by the config of the one manifest that it names."""
    try:
        manifest = json.loads((folder / "index.json").read_bytes())["manifests"][0]["digest"]
        document = json.loads((folder / "blobs" / "sha256" / Digest.parse(manifest).hex).read_bytes())
        return bool(document["config"]["mediaType"] == WASM_CONFIG)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False


def read_component(folder: Path) -> ComponentLayout:
    """Read a layout that `write_component` wrote, and recompute every claim in it.

    Raises VerificationError for a blob that is missing, different or referred to by nothing, and for a config that says
    something else of the component than is in it.
    """
    try:
        (entry,) = json.loads((folder / "index.json").read_bytes())["manifests"]
        manifest = json.loads(_blob(folder, entry, MANIFEST))
        (layer,) = manifest["layers"]
        config = json.loads(_blob(folder, manifest["config"], WASM_CONFIG))
        component = _blob(folder, layer, WASM_LAYER)
        top = Descriptor(MANIFEST, Digest.parse(entry["digest"]), entry["size"], annotations=entry["annotations"])
        stated = {key: value for key, value in config.items() if key != "created"}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        message = f"this is no layout of a component: {error}"
        raise VerificationError(message, where=str(folder)) from error
    if stated != _described(component, Digest.of(component)):
        raise VerificationError("the config says something else of the component than is in it", where=str(folder))
    named = {f"blobs/sha256/{Digest.parse(one['digest']).hex}" for one in (entry, manifest["config"], layer)}
    for name in _names(folder):
        if name not in (*_OF_LAYOUT, *named):
            raise VerificationError(f"{name} belongs to nothing in the layout", where=str(folder))
    return ComponentLayout(top, config, component)


def _blob(folder: Path, descriptor: Mapping[str, Any], media_type: str) -> bytes:
    digest = Digest.parse(descriptor["digest"])
    content = (folder / "blobs" / "sha256" / digest.hex).read_bytes()
    if descriptor["mediaType"] != media_type:
        raise ValueError(f"{digest.oci} is {descriptor['mediaType']}, not {media_type}")
    if (Digest.of(content), len(content)) != (digest, descriptor["size"]):
        raise ValueError(f"the blob {digest.oci} has another content")
    return content


def _names(folder: Path) -> Iterator[str]:
    return (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if not path.is_dir())
