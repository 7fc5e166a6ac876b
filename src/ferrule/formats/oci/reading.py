"""Layouts as they are found: every claim in them recomputed."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from ferrule.core.errors import BuildError, VerificationError
from ferrule.core.model import Digest
from ferrule.formats import tar
from ferrule.formats.archive_member import CHUNK
from ferrule.formats.decompress import LIMITS, Gunzip, Limits
from ferrule.formats.oci.documents import CONFIG, INDEX, LAYER, LAYER_PLAIN, MANIFEST, REF_NAME, Descriptor, Layer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ferrule.formats.archive_member import Member
    from ferrule.formats.decompress import Source

_DOCKER = {
    "application/vnd.docker.distribution.manifest.list.v2+json": INDEX,
    "application/vnd.docker.distribution.manifest.v2+json": MANIFEST,
    "application/vnd.docker.container.image.v1+json": CONFIG,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": LAYER,
    "application/vnd.docker.image.rootfs.diff.tar": LAYER_PLAIN,
}
_UNKNOWN = "unknown/unknown"
_DOCUMENT = 4 << 20
_MOST = 256  # images of an index, layers of an image; engines take 128 layers


@dataclass(frozen=True, slots=True)
class LayoutImage:
    """One platform's image as it was found: every digest recomputed. `layers` point to the blobs of the layout."""

    platform: str
    manifest: Descriptor
    config_descriptor: Descriptor
    config: Mapping[str, Any]
    layers: tuple[Layer, ...]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ImageLayout:
    """An image layout that was read completely. `index` is what a reference to the whole would be."""

    folder: Path
    index: Descriptor
    ref_name: str | None
    annotations: Mapping[str, str]
    images: tuple[LayoutImage, ...]

    def image(self, platform: str) -> LayoutImage:
        """The image for `os/architecture`; raises BuildError naming those that exist."""
        for image in self.images:
            if image.platform == platform or image.platform.startswith(platform + "/"):
                return image
        platforms = ", ".join(image.platform for image in self.images)
        raise BuildError(f"the image has no variant for {platform}, only for {platforms}", where=str(self.folder))


def read_layout(folder: Path, limits: Limits = LIMITS, *, reads_layers: bool = True) -> ImageLayout:
    """Read an image layout and recompute every claim: digests and sizes of all blobs, and the diff_id of every layer.

    Where it reads no layers, these have the digests that the layout says, to be checked by `layer_members` or
    `check_layer`. `index.json` may refer to an index, or to manifests themselves. Docker's media types are read as
    their OCI equivalents. Manifests without a platform (attestations) are checked but are not images.

    Raises VerificationError for blobs that are missing, different or referred to by nothing, other media types than an
    image has, configs that contradict their manifest, and layers beyond `limits`.
    """
    return _LayoutReader(folder, limits, reads_layers=reads_layers).layout()


def layer_members(layer: Layer, limits: Limits = LIMITS, *, where: str | None = None) -> Iterator[Member]:
    """The members of a layer, in one pass over its blob; `where` is the place named in messages.

    Raises VerificationError as `read_tar` does, and after the last member if the layer's digest or diff_id is another.
    """
    with _checked_content(layer, limits, where) as content:
        yield from tar.read_tar(content, limits, root=True, where=where)


def check_layer(layer: Layer, limits: Limits = LIMITS, *, where: str | None = None) -> None:
    """Compare a layer with its digest and diff_id, whatever is in it; raises VerificationError."""
    with _checked_content(layer, limits, where) as content:
        size = 0
        while piece := content.read(CHUNK):
            size += len(piece)
            if size > limits.total_bytes:
                raise VerificationError(f"{layer.digest.oci} holds more than {limits.total_bytes} bytes", where=where)


@contextmanager
def _checked_content(layer: Layer, limits: Limits, where: str | None) -> Iterator[Source]:
    """What is in a layer, to be read to its end: compared with digest and diff_id afterwards.

    Where what is in it is refused before, and the blob is another one, that is the reason that is named.
    """
    with layer.path.open("rb") as stream:
        packed = _HashingSource(stream)
        plain = _HashingSource(Gunzip(packed, where, limits)) if layer.media_type == LAYER else packed
        try:
            yield plain
        except VerificationError:
            while packed.read(CHUNK):
                pass
            if packed.digest == layer.digest:
                raise
    if packed.digest != layer.digest:
        raise VerificationError(f"the blob {layer.digest.oci} has another content", where=where)
    if plain.digest != layer.diff_id:
        raise VerificationError(f"the diff_id of {layer.digest.oci} is not that of its content", where=where)


class _HashingSource:
    """Passes on what is read, and knows its digest."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._hash = hashlib.sha256()

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self._hash.update(data)
        return data

    @property
    def digest(self) -> Digest:
        return Digest(self._hash.hexdigest())


class _LayoutReader:
    """One pass over one layout; remembers which blobs were referred to."""

    def __init__(self, folder: Path, limits: Limits, *, reads_layers: bool) -> None:
        self._folder = folder
        self._reads_layers = reads_layers
        self._blobs = folder / "blobs" / "sha256"
        self._limits = limits
        self._known: set[str] = set()
        self._checked_layers: set[Layer] = set()

    def layout(self) -> ImageLayout:
        marker = _object(self._document(self._folder / "oci-layout"), "oci-layout", self._folder)
        if marker.get("imageLayoutVersion") != "1.0.0":
            self._fail("this is not an image layout of version 1.0.0")
        top_bytes = self._document(self._folder / "index.json")
        top = _object(top_bytes, "index.json", self._folder)
        entries = self._descriptors(top, "manifests", "index.json")
        named = entries[0] if len(entries) == 1 else None
        annotations: Mapping[str, str] = _texts(top.get("annotations"))
        index = Descriptor(INDEX, Digest.of(top_bytes), len(top_bytes))
        if named is not None:
            index = named
            if named.media_type == INDEX:
                inner = self._read_object(named)
                annotations = _texts(inner.get("annotations"))
                entries = self._descriptors(inner, "manifests", named.digest.oci)
        images = tuple(image for entry in entries if (image := self._image(entry)) is not None)
        names = [image.platform for image in images]
        if not images or len(set(names)) != len(names):
            self._fail(f"the index must have each platform once, not {', '.join(names) or 'none'}")
        self._check_files()
        return ImageLayout(self._folder, index, (named or index).annotations.get(REF_NAME), annotations, images)

    def _image(self, entry: Descriptor) -> LayoutImage | None:
        if entry.media_type != MANIFEST:
            self._fail(f"{entry.digest.oci} has the media type {entry.media_type!r}, not that of a manifest")
        manifest = self._read_object(entry)
        descriptor = self._descriptor(manifest.get("config"), "its config")
        layers = self._descriptors(manifest, "layers", entry.digest.oci)
        if entry.platform == _UNKNOWN:
            for blob in (descriptor, *layers):
                self._read(blob)
            return None
        if descriptor.media_type != CONFIG:
            self._fail(f"{descriptor.digest.oci} has the media type {descriptor.media_type!r}, not that of a config")
        config = self._read_object(descriptor)
        platform = self._platform(config, descriptor.digest.oci)
        if entry.platform is not None and entry.platform != platform:
            self._fail(f"{entry.digest.oci} is declared for {entry.platform}, its config is for {platform}")
        rootfs = config.get("rootfs")
        declared = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
        if not isinstance(declared, list) or len(declared) != len(layers):
            self._fail(f"the diff_ids of {descriptor.digest.oci} are not those of the layers")
        stored = tuple(map(self._layer, layers, declared))
        return LayoutImage(platform, entry, descriptor, config, stored, _texts(manifest.get("annotations")))

    def _layer(self, descriptor: Descriptor, declared: object) -> Layer:
        if descriptor.media_type not in (LAYER, LAYER_PLAIN):
            self._fail(
                f"{descriptor.digest.oci} has the media type {descriptor.media_type!r}; layers must be tar or tar+gzip"
            )
        layer = self._declared_layer(descriptor, declared)
        if self._reads_layers and layer not in self._checked_layers:
            check_layer(layer, self._limits, where=str(self._folder))
            self._checked_layers.add(layer)
        return layer

    def _declared_layer(self, descriptor: Descriptor, declared: object) -> Layer:
        try:
            diff_id = Digest.parse(str(declared))
        except ValueError:
            self._fail(f"{descriptor.digest.oci} has the diff_id {declared!r}, which is not SHA-256")
        return Layer(self._blob(descriptor), descriptor.digest, descriptor.size, diff_id, descriptor.media_type)

    def _blob(self, descriptor: Descriptor) -> Path:
        """Where a blob is that is there, as large as declared."""
        path = self._blobs / descriptor.digest.hex
        if path.is_symlink() or not path.is_file():
            self._fail(f"the blob {descriptor.digest.oci} is missing")
        if path.stat().st_size != descriptor.size:
            self._fail(
                f"the blob {descriptor.digest.oci} has {path.stat().st_size} bytes, declared are {descriptor.size}"
            )
        self._known.add(descriptor.digest.hex)
        return path

    def _checked(self, descriptor: Descriptor) -> Path:
        path = self._blob(descriptor)
        if Digest.of_file(path) != descriptor.digest:
            self._fail(f"the blob {descriptor.digest.oci} has another content")
        return path

    def _read(self, descriptor: Descriptor) -> bytes:
        path = self._checked(descriptor)
        return self._document(path)

    def _read_object(self, descriptor: Descriptor) -> dict[str, Any]:
        document = _object(self._read(descriptor), descriptor.digest.oci, self._folder)
        declared = document.get("mediaType")
        if declared is not None and _DOCKER.get(declared, declared) != descriptor.media_type:
            self._fail(
                f"{descriptor.digest.oci} says that it is {declared!r}, its descriptor {descriptor.media_type!r}"
            )
        return document

    def _document(self, path: Path) -> bytes:
        if path.is_symlink() or not path.is_file():
            self._fail(f"{path.name} is missing")
        if path.stat().st_size > _DOCUMENT:
            self._fail(f"{path.name} has more than {_DOCUMENT} bytes")
        return path.read_bytes()

    def _descriptors(self, document: Mapping[str, Any], key: str, what: str) -> list[Descriptor]:
        values = document.get(key)
        if not isinstance(values, list):
            self._fail(f"{what} has no list of {key}")
        if len(values) > min(_MOST, self._limits.members):
            self._fail(f"{what} has too many {key}: {len(values)}")
        return [self._descriptor(value, f"one of the {key} of {what}") for value in values]

    def _descriptor(self, value: object, what: str) -> Descriptor:
        if not isinstance(value, dict):
            self._fail(f"{what} is not a descriptor")
        size, kind, text = value.get("size"), value.get("mediaType"), value.get("digest")
        if (
            not isinstance(size, int)
            or isinstance(size, bool)
            or not isinstance(kind, str)
            or not isinstance(text, str)
        ):
            self._fail(f"{what} is not a descriptor")
        try:
            digest = Digest.parse(text)
        except ValueError:
            self._fail(f"{what} has the digest {text!r}, which is not SHA-256")
        platform = value.get("platform")
        name = None if platform is None else self._platform(platform, what)
        return Descriptor(_DOCKER.get(kind, kind), digest, size, name, _texts(value.get("annotations")))

    def _platform(self, value: object, what: str) -> str:
        parts = [value.get(key) for key in ("os", "architecture", "variant")] if isinstance(value, dict) else []
        named = [part for part in parts if isinstance(part, str) and part]
        if len(named) < 2 or parts[: len(named)] != named:  # noqa: PLR2004 - a system and an architecture
            self._fail(f"{what} does not say which platform it is for")
        return "/".join(named)

    def _check_files(self) -> None:
        for path in sorted(_files(self._folder)):
            inner = path.relative_to(self._folder).as_posix()
            if inner not in ("oci-layout", "index.json") and inner.removeprefix("blobs/sha256/") not in self._known:
                self._fail(f"{inner} belongs to nothing in the layout")

    def _fail(self, message: str) -> NoReturn:
        raise VerificationError(message, where=str(self._folder))


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        else:
            yield path


def _object(data: bytes, what: str, folder: Path) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise VerificationError(f"{what} is not a JSON object", where=str(folder))
    return value


def _texts(value: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}
