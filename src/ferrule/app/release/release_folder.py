"""A finished release as its manifest describes it; nothing of that is believed yet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ferrule.core.errors import FerruleError, VerificationError
from ferrule.core.manifest import refuse_old_names
from ferrule.core.model import Digest
from ferrule.core.safe_files import MANIFEST, read_regular
from ferrule.formats import sigstore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

VERSION: Final = 1
"""Newest format of the manifest that is understood."""

LARGEST_DOCUMENT: Final = 64 << 20
"""Bytes of a document (manifest, checksums, statement, bill of materials): no release that anybody makes is near it."""

DAMAGE: Final = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError)
"""What reading a document raises whose values are of other types than they should be, or nested without end."""

_DEEPEST: Final = 32
_PACKAGES: Final = (".whl", ".tar.gz", ".tgz", ".zip", "/oci-layout")
IMAGE_ARCHIVE: Final = ".oci.tar"
"""How the name of an image layout ends that is one file (containers-transports(5), oci-archive)."""


@dataclass(frozen=True, slots=True)
class ReleaseFolder:
    """A folder with a manifest: files that it lists, by name; what was compiled and what is packed, by digest.

    A file counts as compiled by the action that measured it; several packages may hold it besides. `pointers` are the
    places of entries in the manifest (RFC 6901), by name of a file and by digest of what is packed. `key` is the one
    that must have signed the release, if that is known. `intact` are names of files whose size and digest are those of
    the manifest: only they are looked into.
    """

    folder: Path
    manifest: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]]
    compiled: Mapping[str, Sequence[Mapping[str, Any]]]
    packed: Mapping[str, Sequence[Mapping[str, Any]]]
    pointers: Mapping[str, str]
    key: EllipticCurvePublicKey | None = None
    intact: frozenset[str] = frozenset()

    def of_role(self, role: str) -> Iterator[str]:
        """Files that the manifest gives a role."""
        return (name for name, entry in self.files.items() if entry["role"] == role)

    def packages(self) -> Iterator[str]:
        """Files that hold others, and folders that are image layouts."""
        return (name.removesuffix("/oci-layout") for name in self.files if name.endswith(_PACKAGES))

    def image_archives(self) -> dict[str, str]:
        """Image layouts that are one file, by the artifact that they are."""
        return {entry["artifact"]: name for name, entry in self.files.items() if name.endswith(IMAGE_ARCHIVE)}


def read_release(folder: Path) -> ReleaseFolder:
    """Read the manifest of a folder; raises VerificationError if there is none, or one that cannot be understood."""
    where = str(folder / MANIFEST)
    try:
        manifest = read_json(folder / MANIFEST)
        version = manifest["version"]
        if type(version) is not int or version > VERSION:
            raise VerificationError(
                f"unsupported format version {version!r} of the manifest (expected {VERSION})",
                where=where,
                hint="use a newer ferrule",
            )
        refuse_old_names(manifest, where)
        _check_shape(manifest)
        files = {entry["file"]: entry for entry in manifest["artifacts"]}
        if len(files) != len(manifest["artifacts"]):
            raise VerificationError("the manifest lists a file twice", where=where)
        compiled: dict[str, list[Mapping[str, Any]]] = {}
        for entry in (*manifest["packed"], *manifest["artifacts"]):
            # A wheel that an action made together with the module in it holds what was measured, and is not it.
            if claims(manifest["facts"], entry) and entry.get("role") != "wheel":
                compiled.setdefault(entry["sha256"], []).append(entry)
        packed: dict[str, list[Mapping[str, Any]]] = {}
        for entry in manifest["packed"]:
            packed.setdefault(entry["sha256"], []).append(entry)
    except FileNotFoundError:
        raise VerificationError(
            f"there is no {MANIFEST} here, so nothing says what this folder should hold",
            where=str(folder),
            hint="name the folder of a release, or one of its files",
        ) from None
    except (OSError, *DAMAGE) as error:
        raise VerificationError(f"the manifest is damaged: {type(error).__name__}: {error}", where=where) from error
    pointers = {entry["file"]: f"/artifacts/{number}" for number, entry in enumerate(manifest["artifacts"])}
    pointers |= {entry_id(entry): f"/packed/{number}" for number, entry in enumerate(manifest["packed"])}
    return ReleaseFolder(folder, manifest, files, compiled, packed, pointers)


def bundles(release: ReleaseFolder) -> dict[str, str]:
    """Names of signature bundles that a release may have, with the file that each signs."""
    names = {f"{MANIFEST}{sigstore.SUFFIX}": MANIFEST}
    names |= {f"{name}{sigstore.SUFFIX}": name for name in release.of_role("checksums")}
    return names | {sigstore.bundle_of_statement(name): name for name in release.of_role("provenance")}


def entry_id(entry: Mapping[str, Any]) -> str:
    """What tells a packed file from others in `ReleaseFolder.pointers`: no name of a file begins with a slash."""
    return f"//{action_of(entry)}//{entry['name']}"


def pointer_of(release: ReleaseFolder, entry: Mapping[str, Any]) -> str:
    """Where an entry stands in the manifest (RFC 6901)."""
    return release.pointers[entry["file"] if "file" in entry else entry_id(entry)]


def pointer(*keys: str | int) -> str:
    """A place in the manifest (RFC 6901, section 3).

    >>> pointer("facts", "a/b", 0)
    '/facts/a~1b/0'
    """
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)


def leaves(document: object) -> Iterator[str]:
    """The JSON pointer of each value of a document that contains no others (RFC 6901)."""
    waiting = [("", document)]
    while waiting:
        path, value = waiting.pop()
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        deeper = [(path + pointer(key), inner) for key, inner in items]
        waiting += reversed(deeper)
        if not deeper:
            yield path


def same(first: object, second: object) -> bool:
    """Whether two values are one document; to Python alone, `true` would be 1, and 1 would be 1.0."""
    return json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)


def read_json(path: Path) -> Any:  # noqa: ANN401 - whatever stands there
    """A document in JSON, in which no key may stand twice. Raises OSError and those of DAMAGE."""
    return json.loads(read_document(path).decode(), object_pairs_hook=_unique, parse_constant=_no_constant)


def read_document(path: Path) -> bytes:
    """The bytes of a document. Raises OSError, also where it is longer than any is."""
    return read_regular(path, largest=LARGEST_DOCUMENT)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return document


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


_TEXT: Final = (str,)
_TEXT_OR_NONE: Final = (str, type(None))
_ENTRY: Final[Mapping[str, tuple[type, ...]]] = {
    "artifact": _TEXT,
    "kind": _TEXT,
    "target": _TEXT_OR_NONE,
    "size": (int,),
    "sha256": _TEXT,
    "key": _TEXT_OR_NONE,
}
_SHIPPED: Final = {**_ENTRY, "role": _TEXT, "file": _TEXT}
_PACKED: Final = {**_ENTRY, "name": _TEXT}
_MANIFEST: Final[Mapping[str, tuple[type, ...]]] = {
    "version": (int,),
    "project": _TEXT,
    "release": _TEXT,
    "source": (dict,),
    "toolchain": (dict, type(None)),
    "artifacts": (list,),
    "packed": (list,),
    "facts": (dict,),
}


def _check_shape(manifest: Mapping[str, Any]) -> None:
    """Raise ValueError, TypeError or KeyError unless every value that is read later has its type."""
    if any(path.count("/") > _DEEPEST for path in leaves(manifest)):
        raise ValueError(f"it is nested deeper than {_DEEPEST} levels")
    _check_object(manifest, _MANIFEST, "the manifest")
    _check_object(manifest["source"], {"commit": _TEXT_OR_NONE, "dirty": (bool, type(None))}, "source")
    for name, shape in (("artifacts", _SHIPPED), ("packed", _PACKED)):
        for number, entry in enumerate(manifest[name]):
            _check_object(entry, shape, f"{name}/{number}")
            Digest(entry["sha256"])
            if entry["size"] < 0:
                raise ValueError(f"{name}/{number} has a size below zero")
    for name, facts in manifest["facts"].items():
        if not isinstance(facts, dict):
            raise TypeError(f"facts/{name} is not an object")
    toolchain = manifest["toolchain"]
    for name in ("tools", "std") if toolchain is not None else ():
        if not isinstance(toolchain[name], dict) or not all(isinstance(v, str) for v in toolchain[name].values()):
            raise TypeError(f"toolchain/{name} is not an object of strings")


def _check_object(value: Any, shape: Mapping[str, tuple[type, ...]], name: str) -> None:  # noqa: ANN401
    if not isinstance(value, dict):
        raise TypeError(f"{name} is not an object")
    if value.keys() != shape.keys():
        raise KeyError(f"{name} has missing or unknown keys: {', '.join(sorted(value.keys() ^ shape.keys()))}")
    wrong = [key for key, kinds in shape.items() if type(value[key]) not in kinds]
    if wrong:
        raise TypeError(f"{name}/{wrong[0]} has the wrong type")


def claims(facts: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What was measured of the outputs of the action that made a file, by the name of the fact."""
    return {k: v for k, v in facts.get(action_of(entry), {}).items() if isinstance(v, dict) and "format" in v}


def action_of(entry: Mapping[str, Any]) -> str:
    """The action that made a file of the manifest."""
    return f"{entry['artifact']}@{entry['target']}" if entry["target"] else str(entry["artifact"])


def describe(error: BaseException) -> str:
    """What is wrong, without the place: the verdict names it."""
    return error.message if isinstance(error, FerruleError) else str(error)
