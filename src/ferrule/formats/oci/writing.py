"""Images as they are written: layers, configs, manifests and a multi-platform index, and layers put on a base."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from ferrule.core.errors import BuildError
from ferrule.core.model import Digest
from ferrule.formats.archive_member import CHUNK, Member
from ferrule.formats.deflate import gzip_stream
from ferrule.formats.oci.documents import (
    CONFIG,
    CREATED,
    INDEX,
    LAYOUT,
    MANIFEST,
    REF_NAME,
    Descriptor,
    Layer,
    canonical,
    entry_index,
    platform_document,
    rfc3339,
)
from ferrule.formats.tar import HashingSink, write_tar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from ferrule.core.model import Json
    from ferrule.formats.oci.reading import ImageLayout

HEALTH = {
    "Interval": 10_000_000_000,
    "Timeout": 3_000_000_000,
    "StartPeriod": 10_000_000_000,
    "StartInterval": 1_000_000_000,
    "Retries": 3,
}
"""When engines look after a program, in nanoseconds: every second until it was well for the first time or is 10 s old
(engines before 25 do not know that), then every 10 s. A look takes at most 3 s, and three that fail make it unwell."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The search path of an image that names none, as the engines use it."""


@dataclass(frozen=True, slots=True)
class PlatformImage:
    """One platform's image before it is written: its layers in order and its config document."""

    platform: str
    layers: tuple[Layer, ...]
    config: Mapping[str, Json]
    annotations: Mapping[str, str] = field(default_factory=dict)


def write_layer(path: Path, entries: Iterable[Member], epoch: int, *, comment: str = "") -> Layer:
    """Write a compressed layer in one pass (image-spec, "Image Layer Filesystem Changeset"), `comment` for its history.

    Give entries with their folders (`with_folders`), or the engine invents modes and times for them. Raises BuildError
    as `write_tar` does.
    """
    with path.open("wb") as file:
        packed = HashingSink(file)
        with gzip_stream(packed) as stream:
            plain = HashingSink(stream)
            write_tar(plain, entries, epoch)
    return Layer(path, packed.digest, packed.size, plain.digest, comment=comment)


def image_config(
    platform: str,
    layers: Sequence[Layer],
    *,
    epoch: int,
    user: str = "65532:65532",
    env: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    entrypoint: Sequence[str] = (),
    cmd: Sequence[str] = (),
    health: Sequence[str] = (),
    working_dir: str = "/",
) -> dict[str, Json]:
    """The config document of an image (image-spec, "Image Configuration"), created at `epoch` (seconds).

    The user is without rights and numeric, as Kubernetes needs to see that it is not root. `env` is added to PATH.
    `health` is the command by which an engine asks whether the program is well: Docker's field `Healthcheck` (Docker
    Image Specification 1.3), which image-spec has not, and which those that do not know it ignore.
    """
    run: dict[str, Json] = {"User": user, "WorkingDir": working_dir, "Env": _environment({"PATH": PATH}, env or {})}
    run |= {"Labels": dict(labels)} if labels else {}
    run |= {"Entrypoint": list(entrypoint)} if entrypoint else {}
    run |= {"Cmd": list(cmd)} if cmd else {}
    run |= _health(health)
    document: dict[str, Json] = {
        "created": rfc3339(epoch),
        "config": run,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id.oci for layer in layers]},
        "history": [_history(layer, epoch) for layer in layers],
    }
    return document | cast("dict[str, Json]", platform_document(platform))


def _health(command: Sequence[str]) -> dict[str, Json]:
    return {"Healthcheck": {"Test": ["CMD", *command], **HEALTH}} if command else {}


def _environment(base: Mapping[str, str], changes: Mapping[str, str]) -> list[Json]:
    return [f"{name}={value}" for name, value in (dict(base) | dict(changes)).items()]


def _history(layer: Layer, epoch: int) -> dict[str, Json]:
    entry: dict[str, Json] = {"created": rfc3339(epoch), "created_by": "ferrule"}
    return entry | ({"comment": layer.comment} if layer.comment else {})


def write_layout(
    folder: Path,
    images: Sequence[PlatformImage],
    *,
    annotations: Mapping[str, str] | None = None,
    epoch: int,
    ref_name: str | None = None,
) -> Descriptor:
    """Write an image layout with one multi-platform index into an empty folder and return the index's descriptor.

    `index.json` refers to the index by `ref_name` (a tag); the index refers to one manifest per platform, sorted.
    `annotations` are those of the index and of every manifest; the time of creation is added from `epoch` (seconds).
    Layer files are compared with their digests while they are copied. Raises BuildError for two images of one platform
    or a layer that is not what it says.
    """
    platforms = [image.platform for image in images]
    if not images or len(set(platforms)) != len(platforms):
        raise BuildError(f"an image needs each platform once, not {', '.join(platforms) or 'none'}")
    notes = {CREATED: rfc3339(epoch), **(annotations or {})}
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    manifests = [_write_image(blobs, image, notes) for image in sorted(images, key=lambda image: image.platform)]
    index: dict[str, Json] = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [manifest.document() for manifest in manifests],
        "annotations": dict(notes),
    }
    descriptor = _blob(blobs, INDEX, canonical(index))
    named = Descriptor(INDEX, descriptor.digest, descriptor.size, annotations={REF_NAME: ref_name} if ref_name else {})
    (folder / "oci-layout").write_bytes(LAYOUT)
    (folder / "index.json").write_bytes(entry_index(named))
    return named


def _write_image(blobs: Path, image: PlatformImage, notes: Mapping[str, str]) -> Descriptor:
    for layer in image.layers:
        _copy(layer, blobs / layer.digest.hex)
    config = _blob(blobs, CONFIG, canonical(dict(image.config)))
    manifest: dict[str, Json] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.document(),
        "layers": [layer.descriptor.document() for layer in image.layers],
        "annotations": {**notes, **image.annotations},
    }
    written = _blob(blobs, MANIFEST, canonical(manifest))
    return Descriptor(MANIFEST, written.digest, written.size, platform=image.platform)


def _blob(blobs: Path, media_type: str, data: bytes) -> Descriptor:
    digest = Digest.of(data)
    (blobs / digest.hex).write_bytes(data)
    return Descriptor(media_type, digest, len(data))


def _copy(layer: Layer, target: Path) -> None:
    if target.exists():
        return
    with layer.path.open("rb") as source, target.open("wb") as file:
        sink = HashingSink(file)
        shutil.copyfileobj(source, sink, CHUNK)
    if sink.digest != layer.digest:
        target.unlink()
        raise BuildError(f"the layer is not {layer.digest} any more", where=str(layer.path))


def append_layers(
    base: ImageLayout,
    platform: str,
    layers: Sequence[Layer],
    *,
    epoch: int,
    user: str | None = None,
    env: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    entrypoint: Sequence[str] | None = None,
    cmd: Sequence[str] | None = None,
    health: Sequence[str] = (),
    working_dir: str | None = None,
    base_name: str | None = None,
) -> PlatformImage:
    """The base's image of one platform with layers on top and a changed config; None leaves a setting as it is.

    `env` and `labels` are merged with the base's. A new entrypoint drops the base's command, as engines do, and its
    health check, since both were written for the old one; `health` is that of the new one. Annotations name the base by
    digest and, if given, by `base_name` (image-spec, "Pre-Defined Annotation Keys"). Raises BuildError if the base has
    no such platform.
    """
    image = base.image(platform)
    config = dict(image.config)
    run = dict(config.get("config") or {})
    run |= {"User": user} if user is not None else {}
    run |= {"WorkingDir": working_dir} if working_dir is not None else {}
    run |= {"Labels": dict(run.get("Labels") or {}) | dict(labels)} if labels else {}
    inherited = dict(item.partition("=")[::2] for item in run.get("Env") or [f"PATH={PATH}"])
    run["Env"] = _environment(inherited, env or {})
    if entrypoint is not None:
        run.pop("Cmd", None)
        run.pop("Healthcheck", None)
        run["Entrypoint"] = list(entrypoint)
    run |= {"Cmd": list(cmd)} if cmd is not None else {}
    run |= _health(health)
    config["config"] = run
    config["created"] = rfc3339(epoch)
    every = (*image.layers, *layers)
    config["rootfs"] = {"type": "layers", "diff_ids": [layer.diff_id.oci for layer in every]}
    config["history"] = [*(config.get("history") or []), *(_history(layer, epoch) for layer in layers)]
    notes = {"org.opencontainers.image.base.digest": image.manifest.digest.oci}
    notes |= {"org.opencontainers.image.base.name": base_name} if base_name else {}
    return PlatformImage(image.platform, every, config, notes)


def docker_archive(
    path: Path, layout: ImageLayout, platform: str, *, tags: Sequence[str] = (), epoch: int = 0
) -> Digest:
    """Write one platform of a layout as a tar that engines load, and return the digest of the file.

    It is an image layout and, by a `manifest.json` that points into the same blobs, an archive of `docker save`:
    engines before 25 load the one, everything else the other. `tags` are full names such as `example:1.0`. Raises
    BuildError if the layout has no such platform.
    """
    image = layout.image(platform)
    blobs = layout.folder / "blobs" / "sha256"
    used = {
        image.manifest.digest.hex,
        image.config_descriptor.digest.hex,
        *(layer.digest.hex for layer in image.layers),
    }
    manifest: Json = [
        {
            "Config": f"blobs/sha256/{image.config_descriptor.digest}",
            "RepoTags": list(tags),
            "Layers": [f"blobs/sha256/{layer.digest}" for layer in image.layers],
        }
    ]
    notes = {REF_NAME: tags[0].rpartition(":")[2], "io.containerd.image.name": tags[0]} if tags else {}
    top = Descriptor(MANIFEST, image.manifest.digest, image.manifest.size, image.platform, notes)
    entries = [
        *(Member(f"blobs/sha256/{name}", blobs / name) for name in sorted(used)),
        Member("index.json", entry_index(top)),
        Member("manifest.json", canonical(manifest)),
        Member("oci-layout", LAYOUT),
    ]
    with path.open("wb") as file:
        sink = HashingSink(file)
        write_tar(sink, entries, epoch)
    return sink.digest
