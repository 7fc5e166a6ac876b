"""maturin: [tool.maturin] of pyproject.toml, which stays in force, as maturin still builds the extension module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.app.init.findings import Finding, Uncovered
from ferrule.app.init.migrations.settings import toml_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.app.init.project_files import ProjectFiles

_DECIDED_HERE: Final = {
    "compatibility": "the target's `glibc` says which machines a wheel is for",
    "manylinux": "the target's `glibc` says which machines a wheel is for",
    "auditwheel": "Ferrule reads every wheel back itself",
    "skip-auditwheel": "Ferrule reads every wheel back itself",
    "target": "the targets of this file count",
}


def read(files: ProjectFiles) -> Iterator[Finding]:
    """What Ferrule decides in its place. Raises ConfigError."""
    for name in files.called("pyproject.toml"):
        text, document = files.toml(name)
        settings = toml_settings("[tool.maturin]", name, text, document, "tool", "maturin")
        for key in settings.values if settings else ():
            if settings and key in _DECIDED_HERE:
                yield Uncovered(settings.at(key), f"{settings.title} {key}", _DECIDED_HERE[key])
