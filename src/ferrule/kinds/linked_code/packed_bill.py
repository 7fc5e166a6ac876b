"""The bill of materials that stands inside of a package (PEP 770 for wheels): of the compiled file that it carries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from ferrule import __version__
from ferrule.core.frozen import dataclass
from ferrule.core.model import Digest
from ferrule.formats import cyclonedx
from ferrule.formats.archive_member import Member
from ferrule.kinds.linked_code.components import Components, code_of, linked_components, merged
from ferrule.kinds.linked_code.crates_of_build import CRATES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ferrule.core.facts import Facts
    from ferrule.core.model import ActionInterface
    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext


@dataclass(frozen=True, slots=True)
class PackedBill:
    """What the bill says of the package itself, and which action says what is linked into the compiled files in it.

    `contents` are these actions, each with its target: one, or one for each part of a file that is joined. The package
    is named by version and package URL: its own digest cannot stand in it.
    """

    name: str
    version: str
    purl: str
    supplier: str
    license: str | None
    epoch: int
    platform: Platform
    contents: tuple[tuple[str, ActionInterface], ...]
    ferrule: str = __version__

    def write(self, context: ActionContext, recorded: Facts, files: Mapping[str, Path]) -> bytes:
        """The bill as CycloneDX in JSON, of compiled files by name; `recorded` is what was measured of them."""
        linked = merged(
            component
            for triple, action in self.contents
            for component in linked_components(
                Components(self.supplier, ()),
                json.loads(context.input(action, CRATES).read_bytes()),
                triple,
                recorded,
                links_unwinder=self.platform.family.links_unwinder,
            )
        )
        licenses = (self.license,) if self.license else ()
        code = code_of([*linked.values()])
        packed = [self._file(name, Digest.of_file(path).hex, code) for name, path in sorted(files.items())]
        subject = cyclonedx.BomComponent(
            *("package", self.name, self.version, self.supplier, self.purl),
            licenses=licenses,
            needs=tuple(part.ref for part in packed),
        )
        return cyclonedx.write_bom(
            subject, (*packed, *linked.values()), epoch=self.epoch, author=self.supplier, ferrule=self.ferrule
        )

    def _file(self, name: str, sha256: str, code: tuple[str, ...]) -> cyclonedx.BomComponent:
        return cyclonedx.BomComponent(
            ref=f"file:{name}",
            name=name,
            version=self.version,
            supplier=self.supplier,
            purl=f"pkg:generic/{self.name}@{quote(self.version, safe='')}?checksum=sha256:{sha256}",
            sha256=sha256,
            licenses=(self.license,) if self.license else (),
            needs=code,
        )


def member(name: str, content: bytes) -> Member:
    """The bill of a package, by its name below a wheel's folder of metadata (PEP 770)."""
    return Member(f"sboms/{name}.cdx.json", content)
