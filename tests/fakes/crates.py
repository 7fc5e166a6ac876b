"""Crates as Cargo packs them, small ones, of which one needs the other."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE = """\
[package]
name = "demo-base"
version = "1.2.3"
authors = ["Me <me@example.org>"]
description = "Base"
readme = "README.md"
license = "MIT"
keywords = ["one"]
rust-version = "1.85"

[features]
extra = []
"""
TOP = """\
[package]
name = "demo-top"
version = "1.2.3"
description = "Top"
readme = false
license-file = "LICENSE"

[dependencies.base]
version = "1.2.3"
features = ["extra"]
default-features = false
package = "demo-base"

[build-dependencies]
other = "1"

[target."cfg(windows)".dependencies.demo-base]
version = "1.2.3"
optional = true
"""
LOCK = """\
version = 4

[[package]]
name = "demo-base"
version = "1.2.3"
source = "registry+https://index.example.org/default"

[[package]]
name = "demo-top"
version = "1.2.3"

[[package]]
name = "other"
version = "1.0.0"
source = "registry+https://index.example.org/default"
"""


def packed(folder: str, files: Mapping[str, str]) -> bytes:
    """A file as `cargo package` writes it: all in one folder."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as stream, tarfile.open(fileobj=stream, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def crates(version: str = "1.2.3") -> dict[str, tuple[str, bytes]]:
    """Both crates, by their paths in a release."""
    base, top, lock = (text.replace("1.2.3", version) for text in (BASE, TOP, LOCK))
    contents = {
        f"demo-top-{version}": {"Cargo.toml": top, "Cargo.lock": lock, "LICENSE": "free", "src/lib.rs": ""},
        f"demo-base-{version}": {"Cargo.toml": base, "README.md": "# Base\n", "src/lib.rs": ""},
    }
    return {f"{name}.crate": ("crate", packed(name, files)) for name, files in contents.items()}
