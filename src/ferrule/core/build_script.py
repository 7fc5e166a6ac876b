"""The build script of the Cargo package that a file is in (The Cargo Book, "Build Scripts")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.core.errors import ConfigError
from ferrule.core.toml_file import parse

if TYPE_CHECKING:
    from pathlib import Path


def build_script(project: Path, name: str) -> str | None:
    """The build script, relative to the project, of the package that a file of the project is in.

    None where there is no script. The package is that of the nearest Cargo.toml, as for Cargo.
    """
    for folder in (project / name).parents:
        if folder.is_relative_to(project) and (manifest := folder / "Cargo.toml").is_file():
            script = folder / _script_name(manifest)
            return script.relative_to(project).as_posix() if script.is_file() else None
    return None


def _script_name(manifest: Path) -> str:
    """What `build` of the package says; `build.rs` where it says nothing that is a path."""
    try:
        package = parse(manifest.read_bytes(), manifest.name).get("package")
    except (ConfigError, OSError):
        package = None
    stated = package.get("build") if isinstance(package, dict) else None
    return stated if isinstance(stated, str) else "build.rs"
