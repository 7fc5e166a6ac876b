"""Every kind of artifact there is. A new kind is one file in this folder and one line in this list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.kinds import (
    checksums,
    component,
    extension,
    gomodule,
    goprogram,
    header,
    homebrew,
    image,
    installer,
    library,
    npm,
    program,
    provenance,
    sbom,
    scoop,
    sdk,
    wheel,
)

if TYPE_CHECKING:
    from ferrule.kinds.base import Kind

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        library.KIND,
        header.KIND,
        component.KIND,
        sdk.KIND,
        wheel.KIND,
        extension.KIND,
        npm.KIND,
        gomodule.KIND,
        goprogram.KIND,
        program.KIND,
        image.KIND,
        installer.KIND,
        homebrew.KIND,
        scoop.KIND,
        sbom.KIND,
        checksums.KIND,
        provenance.KIND,
    )
}
