"""napi-rs: the key `napi` of package.json, old form (`triples`) and new (`targets`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.app.init import javascript
from ferrule.app.init.findings import Finding, RequestedTarget
from ferrule.app.init.migrations.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.app.init.project_files import ProjectFiles

_DEFAULTS: Final = ("x86_64-unknown-linux-gnu", "x86_64-apple-darwin", "x86_64-pc-windows-msvc")
"""The targets of `triples.defaults`, which is true unless the file says false."""


def read(files: ProjectFiles) -> Iterator[Finding]:
    """Its targets; the package itself is read with those of others. Raises ConfigError."""
    for name in files.called("package.json"):
        napi = javascript.read_package_json(files, name).get("napi")
        if not isinstance(napi, dict):
            continue
        text = files.text(name)
        settings = Settings(
            "napi", napi, lambda *keys, n=name, t=text: javascript.position_of(t, n, (keys or ("napi",))[-1])
        )
        triples = settings.table("triples")
        if triples.values and triples.values.get("defaults", True) is True:
            yield from (RequestedTarget(triple, settings.at("triples")) for triple in _DEFAULTS)
        yield from triples.targets("additional")
        yield from settings.targets("targets")
        yield from settings.uncovered("targets", "triples")
