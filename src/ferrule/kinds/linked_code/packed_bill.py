"""The bill of materials that stands inside of a package (PEP 770 for wheels): of the compiled file that it carries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from ferrule import __version__
from ferrule.core.frozen import dataclass
from ferrule.core.model import Digest
from ferrule.formats import cyclonedx
from ferrule.kinds.linked_code.components import Components, code_of, linked_components
from ferrule.kinds.linked_code.crates_of_build import CRATES

if TYPE_CHECKING:
    from ferrule.core.model import ActionInterface
    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext


@dataclass(frozen=True, slots=True)
class PackedBill:
    """What the bill says of the package itself, and which actions say what is linked into its `role` of `code`.

    The package is named by version and package URL: its own digest cannot stand in it.
    """

    name: str
    version: str
    purl: str
    supplier: str
    license: str | None
    epoch: int
    platform: Platform
    code: ActionInterface
    role: str
    contents: ActionInterface
    ferrule: str = __version__

    def write(self, context: ActionContext) -> bytes:
        """The bill as CycloneDX in JSON."""
        recorded, file = context.recorded(self.code.id), context.input(self.code, self.role)
        document = json.loads(context.input(self.contents, CRATES).read_bytes())
        linked = linked_components(
            Components(self.supplier, ()),
            document,
            self.platform.triple,
            recorded,
            links_unwinder=self.platform.family.links_unwinder,
        )
        output, sha256 = self.code.output(self.role), Digest.of_file(file).hex
        name = output.name if output else self.role
        licenses = (self.license,) if self.license else ()
        packed = cyclonedx.BomComponent(
            ref=f"file:{name}",
            name=name,
            version=self.version,
            supplier=self.supplier,
            purl=f"pkg:generic/{self.name}@{quote(self.version, safe='')}?checksum=sha256:{sha256}",
            sha256=sha256,
            licenses=licenses,
            needs=code_of(linked),
        )
        subject = cyclonedx.BomComponent(
            "package", self.name, self.version, self.supplier, self.purl, licenses=licenses, needs=(packed.ref,)
        )
        return cyclonedx.write_bom(
            subject, (packed, *linked), epoch=self.epoch, author=self.supplier, ferrule=self.ferrule
        )
