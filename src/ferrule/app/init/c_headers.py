"""C headers that are checked in, and whether cbindgen wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.app.init.findings import CHeader, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.app.init.project_files import ProjectFiles

_READ: Final = 1 << 16


def read(files: ProjectFiles) -> Iterator[Finding]:
    """Headers in folders called `include`, and beside manifests; others belong to C sources."""
    folders = {name.rpartition("/")[0] for name in files.called("Cargo.toml")}
    headers = {name for name in files.names if name.endswith((".h", ".hpp"))}
    for name in files.called(*(n.rpartition("/")[2] for n in headers)):
        above = name.split("/")[:-1]
        if "include" in above or "/".join(above) in folders:
            yield CHeader(name, b"cbindgen" in files.source(name)[:_READ])
