"""OCI image layouts (image-spec 1.1): layers, configs, manifests and a multi-platform index, written and recomputed.

Written here because the libraries that exist either write no index, serialise a manifest again under another digest, or
read the clock.
"""

from __future__ import annotations

from ferrule.formats.oci.components import ComponentLayout, holds_component, read_component, write_component
from ferrule.formats.oci.documents import (
    CONFIG,
    CREATED,
    INDEX,
    LAYER,
    LAYER_PLAIN,
    MANIFEST,
    REF_NAME,
    Descriptor,
    Layer,
    canonical,
    platform_document,
    rfc3339,
)
from ferrule.formats.oci.reading import ImageLayout, LayoutImage, check_layer, layer_members, read_layout
from ferrule.formats.oci.root import Root, read_file, read_root
from ferrule.formats.oci.writing import (
    HEALTH,
    PATH,
    PlatformImage,
    append_layers,
    docker_archive,
    image_config,
    write_layer,
    write_layout,
)

__all__ = [
    "CONFIG",
    "CREATED",
    "HEALTH",
    "INDEX",
    "LAYER",
    "LAYER_PLAIN",
    "MANIFEST",
    "PATH",
    "REF_NAME",
    "ComponentLayout",
    "Descriptor",
    "ImageLayout",
    "Layer",
    "LayoutImage",
    "PlatformImage",
    "Root",
    "append_layers",
    "canonical",
    "check_layer",
    "docker_archive",
    "holds_component",
    "image_config",
    "layer_members",
    "platform_document",
    "read_component",
    "read_file",
    "read_layout",
    "read_root",
    "rfc3339",
    "write_component",
    "write_layer",
    "write_layout",
]
