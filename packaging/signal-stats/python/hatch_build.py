"""Puts the native library into wheels that pip builds from source, and the crates into the source distribution.

The library is the one that FERRULE_LIBRARY names, or it is built with Cargo from the crates in `rust/`. What
FERRULE_FINGERPRINT and FERRULE_INTERFACE say, which the crate compiles in, is written beside it too.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CRATE = "signal-stats-ffi"
PACKAGE = "ferrule_signal_stats"
NATIVE = f"{PACKAGE}/_native"
PACKED = ("Cargo.toml", "Cargo.lock", "boundary", "boundary-build", "signal-stats", CRATE)


class NativeLibrary(BuildHookInterface[Any]):
    """Called by hatchling before it packs anything."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build and add what the target needs; `version` is `standard` or `editable`."""
        root = Path(self.root)
        if self.target_name == "sdist":
            rust = self._rust(root)
            if rust.parent != root:
                build_data["force_include"].update({str(rust / name): f"rust/{name}" for name in PACKED})
                build_data["force_include"][str(rust.parent / "LICENSE")] = "LICENSE"
            return
        self._scratch = tempfile.TemporaryDirectory()
        # An editable install imports from the sources, so the library has to lie there.
        folder = root / "src" / NATIVE if version == "editable" else Path(self._scratch.name, "native")
        folder.mkdir(exist_ok=True)
        library = self._library(root)
        shutil.copyfile(library, folder / library.name)
        (folder / "__init__.py").write_text(self._description(library.name), encoding="utf-8")
        if version != "editable":
            build_data["force_include"].update({str(p): f"{NATIVE}/{p.name}" for p in sorted(folder.iterdir())})
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - the interface
        """Remove what was built aside."""
        if hasattr(self, "_scratch"):
            self._scratch.cleanup()

    def _description(self, library: str) -> str:
        known = {"LIBRARY": library, "VERSION": self.metadata.version}
        for name in ("FINGERPRINT", "INTERFACE"):
            if os.environ.get(f"FERRULE_{name}"):
                known[name] = os.environ[f"FERRULE_{name}"]
        lines = [f"{name}: str = {json.dumps(value)}\n" for name, value in known.items()]
        return '"""What this wheel carries; written when it was packed."""\n\n' + "".join(lines)

    def _library(self, root: Path) -> Path:
        given = os.environ.get("FERRULE_LIBRARY")
        if not given:
            return self._cargo(self._complete(self._rust(root)))
        if not Path(given).is_file():
            raise SystemExit(
                f"FERRULE_LIBRARY names {given}, which is not a file: name the finished library by its whole path"
            )
        return Path(given)

    def _rust(self, root: Path) -> Path:
        """The crates: beside this file in a source distribution, three folders up in a checkout."""
        for folder in (root / "rust", root.parents[2] / "rust"):
            if (folder / CRATE / "Cargo.toml").is_file():
                return folder
        raise SystemExit(
            "the crates are missing: build from a source distribution or a whole checkout, or set FERRULE_LIBRARY"
        )

    def _complete(self, rust: Path) -> Path:
        """A workspace that Cargo accepts: it refuses one whose members are not all there, and only some are packed."""
        manifest = (rust / "Cargo.toml").read_text(encoding="utf-8")
        listed = re.search(r"^members\s*=\s*\[([^\]]*)\]", manifest, flags=re.MULTILINE)
        members = re.findall(r'"([^"]+)"', listed[1]) if listed else []
        packed = [member for member in members if any(rust.glob(member))]
        if listed is None or packed == members:
            return rust
        copy = Path(self._scratch.name, "rust")
        shutil.copytree(rust, copy, ignore=shutil.ignore_patterns("target"))
        shortened = manifest.replace(listed[0], f"members = {json.dumps(packed)}")
        (copy / "Cargo.toml").write_text(shortened, encoding="utf-8")
        return copy

    def _cargo(self, rust: Path) -> Path:
        cargo = shutil.which("cargo")
        if cargo is None:
            raise SystemExit(
                "There is no finished wheel for this platform, so the native library has to be compiled, and Cargo was "
                "not found on PATH. Install Rust with Cargo, or set FERRULE_LIBRARY to a finished library."
            )
        command = [
            cargo,
            "build",
            "--release",
            "--lib",
            f"--package={CRATE}",
            "--message-format=json-render-diagnostics",
        ]
        # In its folder, where Cargo looks for .cargo/config.toml (offline use, vendored crates).
        built = subprocess.run(command, cwd=rust, stdout=subprocess.PIPE, check=False)
        if built.returncode:
            raise SystemExit(
                f"Cargo could not build the native library (exit code {built.returncode}); its reasons are above."
            )
        return self._made(built.stdout)

    def _made(self, messages: bytes) -> Path:
        """The shared library that Cargo says it made."""
        for message in map(json.loads, messages.splitlines()):
            if message["reason"] == "compiler-artifact" and "cdylib" in message["target"]["kind"]:
                for file in map(Path, message["filenames"]):
                    if file.suffix in (".so", ".dylib"):
                        return file
        raise SystemExit("Cargo made no shared library for this platform")


def platform_tag() -> str:
    """The machine that this build is for. On Linux no floor is claimed: auditwheel measures it where one is wanted."""
    if platform.system() != "Darwin":
        return re.sub(r"[-.]", "_", sysconfig.get_platform())
    # What rustc builds for unless told otherwise.
    oldest = {"arm64": "11.0", "x86_64": "10.12"}[platform.machine()]
    major, minor = os.environ.get("MACOSX_DEPLOYMENT_TARGET", oldest).split(".")[:2]
    return f"macosx_{major}_{0 if int(major) > 10 else minor}_{platform.machine()}"  # noqa: PLR2004 - macOS 11
