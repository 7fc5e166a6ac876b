"""What layouts consist of: media types, descriptors, and layers that lie in files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from ferrule.core.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ferrule.core.model import Digest, Json

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER_PLAIN = "application/vnd.oci.image.layer.v1.tar"
REF_NAME = "org.opencontainers.image.ref.name"
CREATED = "org.opencontainers.image.created"

LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
"""Content of the file that marks the folder of a layout."""


def canonical(value: Json) -> bytes:
    """JSON with sorted keys, no spaces and UTF-8, so that one value has one digest."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def rfc3339(epoch: int) -> str:
    """Seconds since 1970 as image-spec writes times: `2026-01-02T03:04:05Z`."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A reference to a blob (image-spec, "Content Descriptors"); `platform` is `os/architecture[/variant]`."""

    media_type: str
    digest: Digest
    size: int
    platform: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Json]:
        """The JSON object, without what is empty."""
        document: dict[str, Json] = {"mediaType": self.media_type, "digest": self.digest.oci, "size": self.size}
        if self.platform is not None:
            document["platform"] = cast("Json", platform_document(self.platform))
        if self.annotations:
            document["annotations"] = dict(self.annotations)
        return document


def platform_document(platform: str) -> dict[str, str]:
    """`linux/arm64` or `linux/arm/v7` as a platform object; raises BuildError for another form."""
    parts = platform.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise BuildError(f"{platform!r} is not a platform of the form os/architecture")
    return dict(zip(("os", "architecture", "variant"), parts, strict=False))


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer that exists as a file: digest and size of the file, and `diff_id`, the digest of the tar inside."""

    path: Path
    digest: Digest
    size: int
    diff_id: Digest
    media_type: str = LAYER
    comment: str = ""

    @property
    def descriptor(self) -> Descriptor:
        """How a manifest refers to it."""
        return Descriptor(self.media_type, self.digest, self.size)


def entry_index(descriptor: Descriptor) -> bytes:
    """An index.json that refers to one thing."""
    return canonical({"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor.document()]})
