"""A finished release as its manifest describes it; nothing of that is believed yet."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ferrule.core.errors import FerruleError, VerificationError
from ferrule.core.model import Digest
from ferrule.core.safe_files import MANIFEST, read_regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

VERSION: Final = 1
"""Newest format of the manifest that is understood."""


@dataclass(frozen=True, slots=True)
class ReleaseFolder:
    """A folder with a manifest: files that it lists, by name; what was compiled, by digest; digests of what is packed.

    A file counts as compiled by the action that measured it; several packages may hold it besides. `key` is the one
    that must have signed the release, if that is known.
    """

    folder: Path
    manifest: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]]
    compiled: Mapping[str, Sequence[Mapping[str, Any]]]
    packed: frozenset[str]
    key: EllipticCurvePublicKey | None = None

    def of_role(self, role: str) -> Iterator[str]:
        """Files that the manifest gives a role."""
        return (name for name, told in self.files.items() if told.get("role") == role)

    def packages(self) -> Iterator[str]:
        """Files that hold others, and folders that are image layouts."""
        for name in self.files:
            if name.endswith((".whl", ".tar.gz", ".tgz", ".zip", "/oci-layout")):
                yield name.removesuffix("/oci-layout")


def read_release(folder: Path) -> ReleaseFolder:
    """Read the manifest of a folder; raises VerificationError if there is none, or one that cannot be understood."""
    where = str(folder / MANIFEST)
    try:
        manifest = json.loads(read_regular(folder / MANIFEST))
        version = manifest["version"]
        if not isinstance(version, int) or version > VERSION:
            raise VerificationError(
                f"the manifest is of the format {version!r}, and this ferrule knows {VERSION}",
                where=where,
                hint="use a newer ferrule",
            )
        files = {str(a["file"]): dict(a) for a in manifest["artifacts"]}
        if len(files) != len(manifest["artifacts"]):
            raise VerificationError("the manifest lists a file twice", where=where)
        for name, one in files.items():
            Digest(one["sha256"])
            if not isinstance(one["size"], int) or name.startswith("/") or ".." in name.split("/"):
                raise VerificationError(f"the manifest has a damaged entry for {name!r}", where=where)
        if not isinstance(manifest["facts"], dict):
            raise VerificationError("the manifest is damaged: its facts are no object", where=where)
        compiled: dict[str, list[dict[str, Any]]] = {}
        for one in (*manifest["packed"], *manifest["artifacts"]):
            # A wheel that an action made together with the module in it holds what was measured, and is not it.
            if claims(manifest["facts"], one) and one.get("role") != "wheel":
                compiled.setdefault(str(one["sha256"]), []).append(dict(one))
        packed = frozenset(str(p["sha256"]) for p in manifest["packed"])
    except FileNotFoundError:
        raise VerificationError(
            f"there is no {MANIFEST} here, so nothing says what this folder should hold",
            where=str(folder),
            hint="name the folder of a release, or one of its files",
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise VerificationError(f"the manifest is damaged: {type(error).__name__}: {error}", where=where) from error
    return ReleaseFolder(folder, manifest, files, compiled, packed)


def claims(facts: Mapping[str, Any], one: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was measured of the outputs of the action that made a file."""
    return [v for v in facts.get(action_of(one), {}).values() if isinstance(v, dict) and "format" in v]


def action_of(one: Mapping[str, Any]) -> str:
    """The action that made a file of the manifest."""
    return f"{one['artifact']}@{one['target']}" if one["target"] else str(one["artifact"])


def names(folder: Path) -> Iterator[str]:
    """Every file below a folder, and every link, none of which is followed."""
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]  # noqa: PTH114, PTH118
        for name in sorted((*files, *links)):
            yield os.path.relpath(os.path.join(place, name), folder).replace(os.sep, "/")  # noqa: PTH118
        folders[:] = sorted(name for name in folders if name not in links)


def said(error: FerruleError | OSError) -> str:
    """What is wrong, without the place: the verdict names it."""
    return error.message if isinstance(error, FerruleError) else str(error)
