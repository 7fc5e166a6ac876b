"""Writes bills of materials from the outputs and facts of the actions: the recipe of the documents that ship."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote

from ferrule.core import facts
from ferrule.core.frozen import dataclass
from ferrule.core.model import ActionInterface, Digest
from ferrule.formats import cyclonedx, magic, tar
from ferrule.formats import zip as zips
from ferrule.kinds.linked_code import components
from ferrule.kinds.linked_code.components import Components
from ferrule.kinds.linked_code.crates_of_build import CRATES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ferrule.engine.context import ActionContext
    from ferrule.formats.cyclonedx import BomComponent

_COMPILED: Final = {
    "cdylib": "library",
    "staticlib": "library",
    "module": "library",
    "component": "library",
    "program": "application",
    "extension": "library",
}
"""Roles of outputs that are compiled code, and what CycloneDX calls it."""

SUFFIX: Final = ".cdx.json"
_ROOT: Final = "release"


@dataclass(frozen=True, slots=True)
class BomStep:
    """An action as far as a bill of materials is concerned; `crates` are the actions that queried Cargo for it.

    Each of them has its target: one, or those of the parts of what was joined.
    """

    interface: ActionInterface
    artifact: str
    target: str | None
    builds: bool
    crates: tuple[tuple[str | None, ActionInterface], ...] = ()
    links_unwinder: bool = False

    @property
    def id(self) -> str:
        """The action's id."""
        return self.interface.id

    @property
    def holds_code(self) -> bool:
        """Whether its outputs are compiled."""
        return bool(self.crates) or self.builds


@dataclass(frozen=True, slots=True)
class BomSubject:
    """What a document describes: an output that ships. `inside` are the steps that contributed to it."""

    document: str
    step: str
    output: str
    path: str
    role: str
    folder: bool
    purl: str
    inside: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BillsOfMaterials:
    """Write every document from the outputs and facts of the actions."""

    name: str
    version: str
    license: str | None
    homepage: str | None
    description: str | None
    supplier: str
    release: str
    subjects: tuple[BomSubject, ...]
    steps: tuple[BomStep, ...]
    cryptography: tuple[str, ...]
    epoch: int
    ferrule: str

    def make(self, context: ActionContext) -> None:
        """Write the documents, and say how many components are in each."""
        parts = {step.id: list(self._parts(context, step)) for step in self.steps}
        required = {step.id: list(self._required(context, step)) for step in self.steps}
        counts: dict[str, int] = {}
        for subject in self.subjects:
            digests = _file_digests(context, subject)
            inside = components.merged(
                [
                    *(p for i in subject.inside for p in parts[i] if p.ref.startswith("pkg:") or p.sha256 in digests),
                    *required[subject.step],
                ]
            )
            counts[f"{subject.path}{SUFFIX}"] = len(inside)
            self._write(context, subject.document, self._described(context, subject), inside)
        everything = components.merged([p for step in self.steps for p in (*parts[step.id], *required[step.id])])
        purl = f"pkg:generic/{self.name}@{quote(self.version, safe='')}"
        whole = cyclonedx.BomComponent(_ROOT, self.name, self.version, self.supplier, purl, type="application")
        self._write(context, self.release, replace(whole, **self._release_fields), everything)
        context.record_facts(facts.Facts((facts.BillFacts({**counts, self.release: len(everything)}),)))

    @property
    def _components(self) -> Components:
        return Components(self.supplier, self.cryptography)

    @property
    def _release_fields(self) -> dict[str, Any]:
        licenses = (self.license,) if self.license else ()
        return {"licenses": licenses, "homepage": self.homepage, "description": self.description}

    def _write(
        self,
        context: ActionContext,
        name: str,
        subject: BomComponent,
        parts: Mapping[str, BomComponent],
    ) -> None:
        needed = {need for part in parts.values() for need in part.needs}
        top = tuple(sorted(ref for ref in parts if ref not in needed))
        document = cyclonedx.write_bom(
            replace(subject, needs=top),
            parts.values(),
            epoch=self.epoch,
            author=self.supplier,
            ferrule=self.ferrule,
        )
        (context.folder / name).write_bytes(document)

    def _described(self, context: ActionContext, subject: BomSubject) -> BomComponent:
        files, image = context.needed[subject.step], context.recorded(subject.step).of(facts.ImageFacts)
        name, version, purl = subject.path, self.version, subject.purl
        sha256 = None if subject.folder else Digest.of_file(files[subject.output]).hex
        if image:
            sha256 = Digest.parse(image.index).hex
            purl = f"pkg:oci/{self.name}@{quote(image.index, safe='')}"
        kind: Literal["container", "library"] = "container" if subject.role == "layout" else "library"
        part = cyclonedx.BomComponent(f"file:{name}", name, version, self.supplier, purl, type=kind, sha256=sha256)
        return replace(part, **self._release_fields)

    def _parts(self, context: ActionContext, step: BomStep) -> Iterator[BomComponent]:
        """What an action puts into what it makes, and into all that packs it."""
        recorded, of = context.recorded(step.id), self._components
        code: list[str] = []
        for target, crates in step.crates:
            document = json.loads(context.input(crates, CRATES).read_bytes())
            linked = components.linked_components(of, document, target, recorded, links_unwinder=step.links_unwinder)
            code += (ref for ref in components.code_of(linked) if ref not in code)
            yield from linked
        if program := recorded.of(facts.GoProgramFacts):
            modules = [*of.modules(program.modules), components.go(program.go)]
            code = [part.ref for part in modules]
            yield from modules
        if code:
            yield from self._files(context, step, recorded, tuple(code))
        if base := recorded.of(facts.BaseLayerFacts):
            yield from of.packages(base.packages)
        if pulled := recorded.of(facts.PulledImageFacts):
            yield components.pulled_base(pulled.image)

    def _required(self, context: ActionContext, step: BomStep) -> Iterator[BomComponent]:
        """What the sources that an action packs ask for, and whoever uses them has to add."""
        module = context.recorded(step.id).of(facts.GoModuleFacts)
        return self._components.modules(module.requires if module else {})

    def _files(
        self, context: ActionContext, step: BomStep, recorded: facts.Facts, code: tuple[str, ...]
    ) -> Iterator[BomComponent]:
        """The compiled files themselves, so that a digest leads to them wherever they are packed."""
        paths = context.needed[step.id]
        outputs = [o for o in step.interface.outputs if o.role in _COMPILED and (not o.folder or o.role == "extension")]
        files = [(n, o) for o in outputs for n in paths if n == o.name or (o.folder and n.startswith(f"{o.name}/"))]
        for name, output in files:
            properties = recorded.identity.values()
            properties |= {"target": step.target} if step.target else {}
            sha256 = Digest.of_file(paths[name]).hex
            own = f"checksum=sha256:{sha256}&file_name={quote(name, safe='')}"
            yield cyclonedx.BomComponent(
                ref=f"{step.id}/{name}",
                name=name,
                version=self.version,
                supplier=self.supplier,
                purl=f"pkg:generic/{self.name}@{quote(self.version, safe='')}?{own}",
                type="application" if output.role == "program" else "library",
                sha256=sha256,
                licenses=(self.license,) if self.license else (),
                properties=tuple(sorted(properties.items())),
                needs=code,
            )


def _file_digests(context: ActionContext, subject: BomSubject) -> set[str]:
    """Digests of the files that a subject consists of, and of those in its archives: what is in there as it was made.

    Layers that another action made hold no file of ours.
    """
    others = {path for step in subject.inside if step != subject.step for path in context.needed[step].values()}
    digests: set[str] = set()
    for name, path in context.needed[subject.step].items():
        if name != subject.output and not name.startswith(f"{subject.output}/"):
            continue
        digests.add(Digest.of_file(path).hex)
        if path in others:
            continue
        with path.open("rb") as stream:
            head = stream.read(4)
            stream.seek(0)
            if head.startswith(magic.GZIP):
                digests |= {Digest.of(e.read()).hex for e in tar.read_tar_gz(stream, root=True) if e.regular}
            elif head == magic.ZIP:
                digests |= {Digest.of(e.read()).hex for e in zips.read_zip(stream) if e.regular}
    return digests
