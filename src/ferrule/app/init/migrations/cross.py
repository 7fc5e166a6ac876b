"""cross: Cross.toml (its wiki, "Configuration")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.app.init.findings import Finding, RequestedTarget
from ferrule.app.init.migrations.settings import toml_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.app.init.project_files import ProjectFiles

_FILE: Final = "Cross.toml"
_REASONS: Final = {
    "build_std": "Ferrule compiles the standard library itself where none is installed",
    "default_target": "all targets are equal",
    "dockerfile": "Ferrule builds without images; what build scripts need has to be on the machine",
    "env": "write `env` at the artifact: builds get nothing else of the environment",
    "image": "Ferrule builds without images: zig links for every target",
    "pre_build": "Ferrule builds without images; what build scripts need has to be on the machine",
    "runner": "Ferrule does not run what it builds",
    "zig": "zig links always; the glibc of its image is the target's `glibc`",
}


def read(files: ProjectFiles) -> Iterator[Finding]:
    """The targets that it has settings for. Raises ConfigError."""
    if not files.has(_FILE):
        return
    text, document = files.toml(_FILE)
    if build := toml_settings("[build]", _FILE, text, document, "build"):
        yield from build.uncovered(**_REASONS)
    for triple in document.get("target", {}) if isinstance(document.get("target"), dict) else ():
        if settings := toml_settings(f"[target.{triple}]", _FILE, text, document, "target", triple):
            yield RequestedTarget(triple, settings.at())
            yield from settings.uncovered(**_REASONS)
