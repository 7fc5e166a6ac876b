"""CycloneDX 1.6 bills of materials (ECMA-424) as JSON: what a file is made of, the same bytes for the same parts."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import UUID, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.contact import OrganizationalContact, OrganizationalEntity
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from ferrule.core.model import to_json
from ferrule.core.one_line import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


PREFIX: Final = "ferrule:"
"""Of the names of properties that the format has no field for (CycloneDX Property Taxonomy, "namespaces")."""

_NAMESPACE: Final = "0b1f6b3e-6d0a-5c5d-9f0e-6b8f4a2f7c11"

Type = Literal["library", "application", "container", "framework", "file"]


@dataclass(frozen=True, slots=True)
class BomComponent:
    """A component. `ref` names it within a document; where two parts have the same, they are one.

    `sha256` are hexadecimal digits, `licenses` SPDX expressions or else names, `needs` refs of what it depends on.
    `included` is false for what only runs while the rest is built.
    """

    ref: str
    name: str
    version: str
    supplier: str
    purl: str
    type: Type = "library"
    sha256: str | None = None
    licenses: tuple[str, ...] = ()
    description: str | None = None
    homepage: str | None = None
    included: bool = True
    properties: tuple[tuple[str, str], ...] = ()
    needs: tuple[str, ...] = ()


def write_bom(subject: BomComponent, parts: Iterable[BomComponent], *, epoch: int, author: str, ferrule: str) -> bytes:
    """The bill of materials of `subject`, which depends on what its `needs` name among the parts.

    Its serial number is derived from all that it says (RFC 9562, version 5). `author` is who vouches for it, `ferrule`
    the version of this program, `epoch` the time it tells, in seconds.
    """
    described = {part.ref: part for part in parts}
    contents = to_json([subject, *(described[ref] for ref in sorted(described)), epoch, author, ferrule])
    components = {ref: _component(part) for ref, part in described.items()}
    root = _component(subject)
    program = Component(name="ferrule", version=ferrule, type=ComponentType.APPLICATION, bom_ref="tool:ferrule")
    bom = Bom(
        serial_number=uuid5(UUID(_NAMESPACE), json.dumps(contents, sort_keys=True)),
        metadata=BomMetaData(
            timestamp=datetime.fromtimestamp(epoch, UTC),
            authors=[OrganizationalContact(name=author)],
            supplier=OrganizationalEntity(name=subject.supplier),
            tools=ToolRepository(components=[program]),
            component=root,
        ),
        components=components.values(),
        dependencies=[
            Dependency(component.bom_ref, [Dependency(components[n].bom_ref) for n in part.needs if n in components])
            for part, component in ((subject, root), *((described[ref], c) for ref, c in components.items()))
        ],
    )
    return (JsonV1Dot6(bom).output_as_string(indent=2) + "\n").encode()


def _component(part: BomComponent) -> Component:
    website = ExternalReferenceType.WEBSITE
    return Component(
        bom_ref=part.ref,
        name=part.name,
        version=part.version,
        type=ComponentType(part.type),
        supplier=OrganizationalEntity(name=one_line(part.supplier)),
        purl=PackageURL.from_string(part.purl),
        scope=ComponentScope.REQUIRED if part.included else ComponentScope.EXCLUDED,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=part.sha256)] if part.sha256 else [],
        licenses=_licenses(part.licenses),
        description=one_line(part.description) if part.description else None,
        external_references=[ExternalReference(type=website, url=XsUri(part.homepage))] if part.homepage else [],
        properties=[Property(name=PREFIX + name, value=value) for name, value in part.properties],
    )


_PARSING: Final = threading.Lock()
"""The library's parser is one for all threads, and takes nothing for an expression while another builds its tables."""


def _licenses(texts: tuple[str, ...]) -> list[Any]:
    """One expression, or several licences by identifier or name: the format takes no mixture."""
    with _PARSING:
        licenses = [LicenseFactory().make_from_string(spdx(text)) for text in texts]
    if len(licenses) > 1:
        return [DisjunctiveLicense(name=str(f.value)) if isinstance(f, LicenseExpression) else f for f in licenses]
    return list(licenses)


def spdx(text: str) -> str:
    """An expression of today for the older way to write a choice, with a slash (The Cargo Book, "license").

    >>> spdx("MIT/Apache-2.0")
    'MIT OR Apache-2.0'
    """
    return re.sub(r"\s*/\s*", " OR ", text)


@dataclass(frozen=True, slots=True)
class BomLicenses:
    """What a bill says of licences: those of its subject, and of each part in it, by name and version."""

    licenses: tuple[str, ...]
    parts: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def all(self) -> tuple[str, ...]:
        """All licences, those of the subject first, each once."""
        others = sorted({license_ for _, licenses in self.parts for license_ in licenses})
        return tuple(dict.fromkeys((*self.licenses, *others)))


def licenses_of(document: Mapping[str, Any]) -> BomLicenses:
    """The licences in a bill; what only runs while the rest is built is left out.

    Raises what reading values of other types raises: KeyError, TypeError, AttributeError.
    """
    subject = document["metadata"]["component"]
    parts = [part for part in document.get("components", ()) if part.get("scope") != "excluded"]
    named = {f"{part['name']} {part.get('version', '')}".rstrip(): _texts(part) for part in parts}
    return BomLicenses(_texts(subject), tuple(sorted(named.items())))


def _texts(component: Mapping[str, Any]) -> tuple[str, ...]:
    """Licences of a component: an expression, or the id or name of each (CycloneDX 1.6, `licenses`)."""
    choices = component.get("licenses", ())
    return tuple(str(c.get("expression") or c["license"].get("id") or c["license"]["name"]) for c in choices)


def problems(document: dict[str, Any]) -> list[str]:
    """What a bill lacks of the minimum elements (NTIA, "The Minimum Elements For a Software Bill of Materials", 2021).

    Those are an author and a time of the data, and for every component a supplier, a name, a version, an identifier
    that others can look up, and its place in the graph of dependencies.
    """
    metadata = document.get("metadata", {})
    gaps = [f"the document has no {key}" for key in ("timestamp", "authors") if not metadata.get(key)]
    related = {d["ref"] for d in document.get("dependencies", ())}
    named = {ref for d in document.get("dependencies", ()) for ref in d.get("dependsOn", ())}
    components = [metadata.get("component", {}), *document.get("components", ())]
    refs = [c.get("bom-ref") for c in components]
    gaps += [f"{ref} is there twice" for ref in sorted({str(r) for r in refs if refs.count(r) > 1})]
    gaps += [f"{ref} is named and not described" for ref in sorted((related | named) - {str(r) for r in refs})]
    for component in components:
        name = component.get("name") or component.get("bom-ref")
        lacking = [key for key in ("name", "version", "purl", "bom-ref") if not component.get(key)]
        lacking += [] if component.get("supplier", {}).get("name") else ["supplier"]
        lacking += [] if component.get("bom-ref") in related else ["place among the dependencies"]
        gaps += [f"{name} has no {key}" for key in lacking]
    return gaps


def without_chance(document: bytes, epoch: int) -> bytes:
    """A bill that somebody else wrote, without its random serial number, and of the time `epoch` (seconds).

    Both are all that two bills of the same things differ in; CycloneDX 1.6 asks for neither. What is no bill stays.
    """
    try:
        bill = json.loads(document)
        if bill["bomFormat"] != "CycloneDX":
            return document
        bill.pop("serialNumber", None)
        if "timestamp" in bill.get("metadata", {}):
            bill["metadata"]["timestamp"] = datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return document
    return (json.dumps(bill, indent=2, ensure_ascii=False) + "\n").encode()
