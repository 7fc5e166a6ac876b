"""OCI image layouts (image-spec 1.1): layers, configs, manifests and a multi-platform index, written and recomputed.

Written here because the libraries that exist either write no index, serialise a manifest again under another digest, or
read the clock.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn, cast

from ferrule.errors import BuildError, VerificationError
from ferrule.formats.deflate import gzip_stream
from ferrule.formats.entries import CHUNK, Entry
from ferrule.formats.tar import Gunzip, HashingSink, Limits, Seen, survey, write_tar
from ferrule.model import Digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ferrule.model import Json

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER_PLAIN = "application/vnd.oci.image.layer.v1.tar"
HEALTH = {
    "Interval": 10_000_000_000,
    "Timeout": 3_000_000_000,
    "StartPeriod": 10_000_000_000,
    "StartInterval": 1_000_000_000,
    "Retries": 3,
}
"""When engines look after a program, in nanoseconds: every second until it was well for the first time or is 10 s old
(engines before 25 do not know that), then every 10 s. A look takes at most 3 s, and three that fail make it unwell."""
REF_NAME = "org.opencontainers.image.ref.name"
CREATED = "org.opencontainers.image.created"

_DOCKER = {
    "application/vnd.docker.distribution.manifest.list.v2+json": INDEX,
    "application/vnd.docker.distribution.manifest.v2+json": MANIFEST,
    "application/vnd.docker.container.image.v1+json": CONFIG,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": LAYER,
    "application/vnd.docker.image.rootfs.diff.tar": LAYER_PLAIN,
}
_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
_UNKNOWN = "unknown/unknown"
_DOCUMENT = 4 << 20
_MOST = 256  # images of an index, layers of an image; engines take 128 layers
_LINKS = 40  # as many as Linux follows in one path (path_resolution(7))
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The search path of an image that names none, as the engines use it."""


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


@dataclass(frozen=True, slots=True)
class PlatformImage:
    """One platform's image before it is written: its layers in order and its config document."""

    platform: str
    layers: tuple[Layer, ...]
    config: Mapping[str, Json]
    annotations: Mapping[str, str] = field(default_factory=dict)


def write_layer(path: Path, entries: Iterable[Entry], epoch: int, *, comment: str = "") -> Layer:
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
    (folder / "oci-layout").write_bytes(_LAYOUT)
    (folder / "index.json").write_bytes(_entry_index(named))
    return named


def _entry_index(descriptor: Descriptor) -> bytes:
    return canonical({"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor.document()]})


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
class Layout:
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
        found = ", ".join(image.platform for image in self.images)
        raise BuildError(f"the image has no variant for {platform}, only for {found}", where=str(self.folder))


def read_layout(folder: Path, limits: Limits = Limits()) -> Layout:  # noqa: B008 - frozen
    """Read an image layout and recompute every claim: digests and sizes of all blobs, and the diff_id of every layer.

    `index.json` may refer to an index, or to manifests themselves. Docker's media types are read as their OCI
    equivalents. Manifests without a platform (attestations) are checked but are not images.

    Raises VerificationError for blobs that are missing, different or referred to by nothing, other media types than an
    image has, configs that contradict their manifest, and layers beyond `limits`.
    """
    return _LayoutReader(folder, limits).layout()


class _LayoutReader:
    """One pass over one layout; remembers which blobs were referred to."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder = folder
        self._blobs = folder / "blobs" / "sha256"
        self._limits = limits
        self._known: set[str] = set()
        self._layers: dict[tuple[Digest, int, str], Layer] = {}

    def layout(self) -> Layout:
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
        return Layout(self._folder, index, (named or index).annotations.get(REF_NAME), annotations, images)

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
        found = tuple(self._layer(layer) for layer in layers)
        rootfs = config.get("rootfs")
        if not isinstance(rootfs, dict) or rootfs.get("diff_ids") != [layer.diff_id.oci for layer in found]:
            self._fail(f"the diff_ids of {descriptor.digest.oci} are not those of the layers")
        return LayoutImage(platform, entry, descriptor, config, found, _texts(manifest.get("annotations")))

    def _layer(self, descriptor: Descriptor) -> Layer:
        if descriptor.media_type not in (LAYER, LAYER_PLAIN):
            self._fail(
                f"{descriptor.digest.oci} has the media type {descriptor.media_type!r}; layers must be tar or tar+gzip"
            )
        known = descriptor.digest, descriptor.size, descriptor.media_type
        if known not in self._layers:
            self._layers[known] = self._read_layer(descriptor)
        return self._layers[known]

    def _read_layer(self, descriptor: Descriptor) -> Layer:
        path = self._checked(descriptor)
        digest, total = hashlib.sha256(), 0
        with path.open("rb") as stream:
            source = Gunzip(stream, str(path), self._limits) if descriptor.media_type == LAYER else stream
            while chunk := source.read(CHUNK):
                total += len(chunk)
                if total > self._limits.total_bytes:
                    self._fail(f"{descriptor.digest.oci} holds more than {self._limits.total_bytes} bytes")
                digest.update(chunk)
        return Layer(path, descriptor.digest, descriptor.size, Digest(digest.hexdigest()), descriptor.media_type)

    def _checked(self, descriptor: Descriptor) -> Path:
        path = self._blobs / descriptor.digest.hex
        if path.is_symlink() or not path.is_file():
            self._fail(f"the blob {descriptor.digest.oci} is missing")
        if path.stat().st_size != descriptor.size:
            self._fail(
                f"the blob {descriptor.digest.oci} has {path.stat().st_size} bytes, declared are {descriptor.size}"
            )
        if Digest.of_file(path) != descriptor.digest:
            self._fail(f"the blob {descriptor.digest.oci} has another content")
        self._known.add(descriptor.digest.hex)
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


def append_layers(
    base: Layout,
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
    found = base.image(platform)
    config = dict(found.config)
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
    every = (*found.layers, *layers)
    config["rootfs"] = {"type": "layers", "diff_ids": [layer.diff_id.oci for layer in every]}
    config["history"] = [*(config.get("history") or []), *(_history(layer, epoch) for layer in layers)]
    notes = {"org.opencontainers.image.base.digest": found.manifest.digest.oci}
    notes |= {"org.opencontainers.image.base.name": base_name} if base_name else {}
    return PlatformImage(found.platform, every, config, notes)


@dataclass(frozen=True, slots=True)
class Root:
    """The files of a root as the layers of an image leave them: names without a leading `/`, links with their targets.

    `files` maps every name to what a link leads to, and to None for all else.
    """

    files: Mapping[str, str | None]

    def find(self, place: str) -> str | None:
        """Where a path leads, all links followed as a kernel follows them; None if there is nothing."""
        rest, done, followed = [part for part in reversed(place.split("/")) if part], "", 0
        while rest:
            part = rest.pop()
            if part in (".", ".."):
                done = done.rpartition("/")[0] if part == ".." else done
                continue
            name = f"{done}/{part}" if done else part
            if name not in self.files:
                return None
            target = self.files[name]
            if target is None:
                done = name
                continue
            followed += 1
            if followed > _LINKS:
                return None
            done = "" if target.startswith("/") else done
            rest += [step for step in reversed(target.split("/")) if step]
        return done

    def named(self, base: str) -> str | None:
        """Where a path leads that ends with `base`, links followed as `find` does; None if none leads anywhere."""
        places = (name for name in self.files if posixpath.basename(name) == base)
        return next(filter(None, map(self.find, places)), None)


def read_root(layers: Iterable[Layer]) -> Root:
    """The names that layers hold, lowest first, whiteouts applied (image-spec, "Layer", "Whiteouts").

    Nothing is unpacked, so that no member is refused: what layers hold is for the engine to judge. Raises
    VerificationError for a layer that is no archive.
    """
    files: dict[str, str | None] = {}
    for layer in layers:
        _apply(files, {_root_name(member.name): member for member in _survey(layer)})
    return Root(files)


def read_file(layers: Sequence[Layer], name: str) -> bytes | None:
    """Content of a file, by its name as `Root.find` gives it, in the highest layer that has it; None if none does.

    Raises VerificationError for a layer that is no archive.
    """
    for layer in reversed(layers):
        for member in _survey(layer, lambda other: _root_name(other) == name):
            if member.content is not None:
                return member.content
    return None


def _survey(layer: Layer, wanted: Callable[[str], bool] = lambda _: False) -> Iterator[Seen]:
    with layer.path.open("rb") as stream:
        source = Gunzip(stream, str(layer.path)) if layer.media_type == LAYER else stream
        try:
            yield from survey(source, wanted=wanted)
        except VerificationError as error:
            raise VerificationError(f"the layer {layer.digest.oci} cannot be read: {error.message}") from error


def _root_name(name: str) -> str:
    """What a member of a layer is called below the root."""
    return posixpath.normpath(name).lstrip("/")


def _apply(files: dict[str, str | None], members: Mapping[str, Seen]) -> None:
    """Put a layer over what is there; a whiteout hides what lower layers have, wherever it stands in its own."""
    added = {name: member for name, member in members.items() if name != "."}
    hidden: set[str] = set()
    below: list[str] = []
    for name in added:
        folder, last = posixpath.split(name)
        if last == _OPAQUE:
            below.append(f"{folder}/" if folder else "")
        elif last.startswith(_WHITEOUT):
            hidden.add(posixpath.join(folder, last.removeprefix(_WHITEOUT)))
    replaced = (name for name, member in added.items() if name in files and not member.folder)
    below += [f"{name}/" for name in (*hidden, *replaced)]
    for name in [n for n in files if n in hidden or n.startswith(tuple(below))]:
        del files[name]
    for name, member in added.items():
        if not posixpath.basename(name).startswith(_WHITEOUT):
            files[name] = member.link


def docker_archive(path: Path, layout: Layout, platform: str, *, tags: Sequence[str] = (), epoch: int = 0) -> Digest:
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
        *(Entry(f"blobs/sha256/{name}", blobs / name) for name in sorted(used)),
        Entry("index.json", _entry_index(top)),
        Entry("manifest.json", canonical(manifest)),
        Entry("oci-layout", _LAYOUT),
    ]
    with path.open("wb") as file:
        sink = HashingSink(file)
        write_tar(sink, entries, epoch)
    return sink.digest
