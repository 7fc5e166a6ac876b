"""Every kind of artifact there is. A new kind is one file in this folder and one line in this list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.kinds import (
    checksums,
    component,
    component_oci,
    crate,
    extension,
    gomodule,
    goprogram,
    header,
    homebrew,
    image,
    installer,
    library,
    linux_package,
    npm,
    program,
    program_npm,
    program_wheel,
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
        component_oci.KIND,
        sdk.KIND,
        wheel.KIND,
        extension.KIND,
        crate.KIND,
        npm.KIND,
        gomodule.KIND,
        goprogram.KIND,
        program.KIND,
        image.KIND,
        installer.KIND,
        homebrew.KIND,
        scoop.KIND,
        linux_package.KIND,
        program_wheel.KIND,
        program_npm.KIND,
        sbom.KIND,
        checksums.KIND,
        provenance.KIND,
    )
}
