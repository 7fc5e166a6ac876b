"""A finished release as a user has it: the files of dist/, unpacked by other programs than those that packed them."""

from __future__ import annotations

import functools
import hashlib
import json
import platform
import re
import tarfile
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fakes.tars import extract
from fakes.triples import ARM, MAC, X86
from ferrule.core.platforms import host_triple

if TYPE_CHECKING:
    from pathlib import Path

LINUX = (X86, ARM)
HOST = host_triple(platform.system(), platform.machine())
"""The target whose libraries this machine runs by itself."""
PLATFORM = {X86: "linux/amd64", ARM: "linux/arm64"}
LIBRARY = {
    X86: "libemail_validator.so.0.1.0",
    ARM: "libemail_validator.so.0.1.0",
    MAC: "libemail_validator.0.1.0.dylib",
}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def declared_in(header: Path) -> set[str]:
    """The functions that a header declares, read without any knowledge of C but that of this header's form."""
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)
    functions = set(re.findall(r"^\w[\w *]*?\b(email_validator_\w+)\(", text, flags=re.MULTILINE))
    assert len(functions) > 5
    return functions


@dataclass(frozen=True)
class Release:
    """A dist/ folder, a folder for what is taken out of it, and the name of its image, if it has one."""

    dist: Path
    scratch: Path
    image: str = "image"

    @functools.cached_property
    def manifest(self) -> dict:
        return json.loads((self.dist / "manifest.json").read_bytes())

    def files(self) -> dict[str, Path]:
        """Every file, by its place in dist/."""
        return {p.relative_to(self.dist).as_posix(): p for p in sorted(self.dist.rglob("*")) if p.is_file()}

    def made(self, role: str, target: str | None = None) -> Path:
        """The one file of a role, for a target where there are several."""
        (row,) = [
            a for a in self.manifest["artifacts"] if a["role"] == role and (target is None or a["target"] == target)
        ]
        return self.dist / row["file"]

    def packed(self, kind: str, target: str | None) -> dict[str, str]:
        """Name to digest of what was compiled once and packed for a target."""
        rows = self.manifest["packed"]
        return {row["name"]: row["sha256"] for row in rows if (row["kind"], row["target"]) == (kind, target)}

    def sdk(self, target: str) -> Path:
        """The C SDK of a target, unpacked into a folder with a space in its name."""
        return self._unpacked(self.made("archive", target), f"sdk of {target}")

    def wheel(self, target: str) -> Path:
        """The wheel of a target, unpacked."""
        path = self.scratch / f"wheel-{target}"
        if not path.exists():
            with zipfile.ZipFile(self.made("wheel", target)) as archive:
                archive.extractall(path)
        return path

    def sdist(self) -> Path:
        """The source distribution, unpacked."""
        return self._unpacked(self.made("sdist"), "sdist")

    def library(self, target: str) -> Path:
        """The dynamic library of the C SDK."""
        return self.sdk(target) / "lib" / LIBRARY[target]

    def shared(self, target: str) -> Path:
        """The same of a release of any name."""
        folder = self.sdk(target) / "lib"
        return next(path for pattern in ("*.so.*", "*.dylib") for path in sorted(folder.glob(pattern)))

    def header(self) -> Path:
        return self.sdk(X86) / "include" / "email_validator.h"

    def declared(self) -> set[str]:
        return declared_in(self.header())

    def image_manifest(self, target: str) -> dict:
        """The image's manifest for a target, found through both indexes by hand."""
        (top,) = json.loads((self.dist / self.image / "index.json").read_bytes())["manifests"]
        system, architecture = PLATFORM[target].split("/")
        expected = {"os": system, "architecture": architecture}
        (entry,) = [
            m for m in json.loads(self.blob(top).read_bytes())["manifests"] if expected.items() <= m["platform"].items()
        ]
        return json.loads(self.blob(entry).read_bytes())

    def config(self, target: str) -> dict:
        """The image's configuration for a target."""
        return json.loads(self.blob(self.image_manifest(target)["config"]).read_bytes())

    def blob(self, descriptor: dict) -> Path:
        return self.dist / self.image / "blobs" / "sha256" / descriptor["digest"].removeprefix("sha256:")

    def rootfs(self, target: str) -> Path:
        """The file system of the image, its layers unpacked over each other."""
        path = self.scratch / f"rootfs-{target}"
        if not path.exists():
            for layer in self.image_manifest(target)["layers"]:
                with tarfile.open(self.blob(layer)) as archive:
                    extract(archive, path, "tar")
        return path

    def _unpacked(self, archive: Path, name: str) -> Path:
        path = self.scratch / name
        if not path.exists():
            with tarfile.open(archive) as members:
                extract(members, path)
        (top,) = path.iterdir()
        return top
