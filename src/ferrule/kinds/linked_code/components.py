"""The components of a bill of materials: what is told of a crate, a Go module, a package, an image, a toolchain."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from ferrule.core import facts
from ferrule.core.frozen import dataclass
from ferrule.core.model import Digest
from ferrule.formats import cyclonedx
from ferrule.formats.cryptography import is_cryptographic
from ferrule.tools import crates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ferrule.core.cargo_workspace import Workspace
    from ferrule.formats.cyclonedx import BomComponent
    from ferrule.tools.crates import LinkedCrate

_WITHIN_STD: Final = "#rust-std"
"""What the ref of a crate ends with that is a part of Rust's standard library."""


def person(text: str) -> str:
    """A name without its address: `A <a@example.org>` is A."""
    return re.sub(r"\s*<[^>]*>\s*", "", text).strip()


def supplier(project: str, workspace: Workspace) -> str:
    """Who supplies what a project makes: the authors that its crates name, else the project by its name."""
    authors = (person(author) for crate in workspace.crates.values() for author in crate.authors)
    return next((author for author in authors if author), f"The {project} project")


@dataclass(frozen=True, slots=True)
class Components:
    """Makes components: `supplier` is who supplies what the project makes, `cryptography` are globs over names."""

    supplier: str
    cryptography: tuple[str, ...]

    def crates(self, documents: Sequence[Mapping[str, Any]], target: str | None) -> Iterator[BomComponent]:
        """The crates that Cargo chose for a target."""
        for crate in crates.from_json(documents):
            properties = [("patch-level", _patch_level(crate.version))]
            properties += [("features", ",".join(crate.features))] if crate.features else []
            properties += [("target", target)] if target else []
            properties += self._marks("cargo", crate.name, crate.checksum)
            yield cyclonedx.BomComponent(
                ref=crate.purl,
                name=crate.name,
                version=crate.version,
                supplier=self._of_crate(crate),
                purl=crate.purl,
                sha256=crate.checksum,
                licenses=(crate.license,) if crate.license else (),
                description=" ".join((crate.description or "").split()) or None,
                homepage=crate.homepage,
                included=crate.linked,
                properties=tuple(sorted(properties)),
                needs=crate.needs,
            )

    def std(self, document: Mapping[str, Any], target: str | None, recorded: facts.Facts) -> Iterator[BomComponent]:
        """Rust's standard library, and the crates that it has inside: copies of its own, whatever else uses them."""
        built, ours = recorded.of(facts.ExtensionFacts), str(document["rustc"])
        version = built.rustc if built and built.rustc else ours
        within = list(self.crates(document["std_crates"], target)) if version == ours else []
        origin = {"std": document["std"], "commit": document["commit"] if version == ours else None}
        compiled = f"{document['std_sha256']} ({target})" if document["std_sha256"] and version == ours else None
        values = {"target": target, **origin, "sha256": compiled}
        yield cyclonedx.BomComponent(
            ref=f"pkg:generic/rust-std@{version}",
            name="rust-std",
            version=version,
            supplier="The Rust Project",
            purl=f"pkg:generic/rust-std@{version}",
            licenses=("MIT OR Apache-2.0",),
            description="The standard library of Rust",
            properties=tuple(sorted((name, value) for name, value in values.items() if value)),
            needs=tuple(f"{part.ref}{_WITHIN_STD}" for part in within),
        )
        for part in within:
            needs = tuple(f"{need}{_WITHIN_STD}" for need in part.needs)
            inside = (*part.properties, ("inside", "rust-std"))
            yield replace(part, ref=f"{part.ref}{_WITHIN_STD}", needs=needs, properties=tuple(sorted(inside)))

    def _of_crate(self, crate: LinkedCrate) -> str:
        """Its authors; of a crate that names none, the registry or repository that it comes from."""
        authors = [name for name in map(person, crate.authors) if name]
        if authors:
            return ", ".join(authors)
        return crate.origin.partition("+")[2].partition("?")[0].partition("#")[0] if crate.origin else self.supplier

    def _marks(self, ecosystem: str, name: str, fingerprint: str | None) -> list[tuple[str, str]]:
        if not is_cryptographic(ecosystem, name, self.cryptography):
            return []
        marks = [("cryptographic:fingerprint", f"sha256:{fingerprint}")] if fingerprint else []
        return [("cryptographic", "true"), *marks]

    def modules(self, versions: Mapping[str, str]) -> Iterator[BomComponent]:
        """Go modules, by path and version."""
        for path, version in sorted(versions.items()):
            purl = f"pkg:golang/{path}@{quote(version, safe='')}"
            properties = [("patch-level", _patch_level(version)), *self._marks("golang", path, None)]
            supplier = "/".join(path.split("/")[:2])
            yield cyclonedx.BomComponent(purl, path, version, supplier, purl, properties=tuple(sorted(properties)))

    def packages(self, packages: Iterable[facts.DebianPackageFacts]) -> Iterator[BomComponent]:
        """Packages of Debian in a base."""
        for package in packages:
            name, version = package.name, package.version
            purl = f"pkg:deb/debian/{name}@{quote(version, safe='')}?arch={package.architecture}"
            properties = [("patch-level", version.rpartition("-")[2]), *self._marks("deb", name, package.sha256)]
            yield cyclonedx.BomComponent(
                ref=purl,
                name=name,
                version=version,
                supplier=person(package.supplier),
                purl=purl,
                sha256=package.sha256,
                licenses=package.licenses,
                properties=tuple(sorted(properties)),
            )


def _patch_level(version: str) -> str:
    """The third number of a version and what follows it, by which repairs are told (SemVer 2.0.0, section 6).

    >>> _patch_level("1.4.2"), _patch_level("v0.3.0-rc.1")
    ('2', '0-rc.1')
    """
    return version.split(".", 2)[-1]


def linked_by_zig(
    document: Mapping[str, Any], target: str | None, recorded: facts.Facts, *, links_unwinder: bool
) -> Iterator[BomComponent]:
    """What the linker adds: zig's own part of a C compiler, and on Linux its unwinder in place of libgcc_s."""
    if not document["zig"] or target is None:
        return
    needed = tuple(name for file in recorded.compiled.values() for name in file.needed)
    added = [("compiler-rt", "compiler_rt", "MIT")]
    if links_unwinder and not any(n.startswith("libgcc_s") for n in needed):
        added.append(("libunwind", "libunwind", "Apache-2.0 WITH LLVM-exception"))
    for name, folder, licence in added:
        purl = f"pkg:generic/zig@{document['zig']}#lib/{folder}"
        yield cyclonedx.BomComponent(
            *(purl, f"zig-{name}", document["zig"], "Zig Software Foundation", purl),
            licenses=(licence,),
            description=f"{name} as it comes with zig, which links",
            properties=(("target", target),),
        )


def linked_components(
    of: Components, document: Mapping[str, Any], target: str | None, recorded: facts.Facts, *, links_unwinder: bool
) -> list[BomComponent]:
    """All that is linked into what an action compiled, the crate that was compiled first.

    `document` is what Cargo resolved, `recorded` what the action measured.
    """
    return [
        *of.crates(document["crates"], target),
        *of.std(document, target, recorded),
        *linked_by_zig(document, target, recorded, links_unwinder=links_unwinder),
    ]


def merged(parts: Iterable[BomComponent]) -> dict[str, BomComponent]:
    """Parts by ref; several entries of one part are merged."""
    by_ref: dict[str, BomComponent] = {}
    for part in parts:
        other = by_ref.get(part.ref, part)
        by_ref[part.ref] = replace(
            other,
            included=other.included or part.included,
            needs=tuple(sorted({*other.needs, *part.needs})),
            properties=tuple(sorted({*other.properties, *part.properties})),
        )
    return by_ref


def code_of(linked: Sequence[BomComponent]) -> tuple[str, ...]:
    """Refs of what a compiled file consists of directly: its own crate, and what is no crate."""
    return (linked[0].ref, *(part.ref for part in linked if not part.ref.startswith("pkg:cargo/")))


def go(version: str) -> BomComponent:
    """What every program in Go has of Go itself."""
    purl = f"pkg:golang/std@{version}"
    return cyclonedx.BomComponent(
        *(purl, "std", version, "The Go Authors", purl),
        licenses=("BSD-3-Clause",),
        description="The standard library and runtime of Go, its cryptography included",
        properties=(("cryptographic", "true"), ("patch-level", _patch_level(version))),
    )


def pulled_base(reference: str) -> BomComponent:
    """A base image that was pulled: `name@sha256:digest`."""
    name, _, digest = reference.partition("@")
    short = re.sub(r":[^/:]+$", "", name)
    purl = f"pkg:oci/{short.rpartition('/')[2]}@{quote(digest, safe='')}?repository_url={quote(short, safe='')}"
    supplier = short.partition("/")[0]
    return cyclonedx.BomComponent(purl, name, digest, supplier, purl, type="container", sha256=Digest.parse(digest).hex)
