"""Bills of materials: one for each file that ships with compiled code in it, and one for the whole release.

Crates are those that Cargo chose for the target, packages and Go modules those that the actions before say they used:
nothing is guessed from what a file looks like.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import quote

from ferrule import __version__
from ferrule.core import facts
from ferrule.core.model import Action, ActionInterface, Compiled, Digest, Json, Output
from ferrule.core.section import Field
from ferrule.formats import cyclonedx, magic, tar
from ferrule.formats import zip as zips
from ferrule.formats.cryptography import is_cryptographic
from ferrule.kinds.base import SOURCES, Context, Kind, Spec
from ferrule.tools import crates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext
    from ferrule.formats.cyclonedx import BomComponent
    from ferrule.tools.crates import LinkedCrate

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
_CRATES: Final = "crates"
_WITHIN_STD: Final = "#rust-std"
"""What the ref of a crate ends with that is a part of Rust's standard library."""
_ROOT: Final = "release"


class SbomSpec(Spec):
    """CycloneDX 1.6 documents beside what they describe, and one for the release."""

    kind: Literal["sbom"]
    cryptography: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9*?][A-Za-z0-9_.+/*?-]{0,127}$")], ...] = Field(
        default=(),
        max_length=256,
        description="Globs over names of packages that do cryptography, besides those that are known to.",
        examples=[["acme-crypto*"]],
    )


def plan(spec: SbomSpec, context: Context) -> list[Action]:
    """An action for each crate and target that is compiled, which asks Cargo, and one that writes all documents."""
    planned = {action.id: action for action in context.planned()}
    resolved: dict[Compiled, Action] = {}
    for action in planned.values():
        if action.compiles and action.compiles not in resolved:
            resolved[action.compiles] = _resolution(context, action, action.compiles)
    steps = {a.id: _step(a, resolved, context.platforms) for a in planned.values()}
    # A source distribution only looks at a library: it holds none of its code.
    inside = {
        action.id: () if (SOURCES, "yes") in action.traits else _closure(action, planned, context.platforms)
        for action in context.shipping()
    }
    subjects = tuple(
        _subject(context, action, output, inside[action.id])
        for action in context.shipping()
        if any(steps[i].holds_code for i in inside[action.id])
        for output in action.outputs
        if output.ships
    )
    project = context.project
    release = f"{project.name}-{project.version}{SUFFIX}"
    return [
        *resolved.values(),
        Action(
            id=context.artifact,
            artifact=context.artifact,
            kind="sbom",
            recipe=BillsOfMaterials(
                name=project.name,
                version=project.version,
                license=project.license,
                homepage=project.homepage,
                description=project.description,
                supplier=_supplier(context),
                release=release,
                subjects=subjects,
                steps=tuple(steps.values()),
                cryptography=spec.cryptography,
                epoch=project.epoch,
                ferrule=__version__,
            ),
            outputs=(
                *(Output(subject.document, "sbom", f"{subject.path}{SUFFIX}") for subject in subjects),
                Output(release, "sbom", release),
            ),
            needs=(*planned, *(action.id for action in resolved.values())),
        ),
    ]


def _supplier(context: Context) -> str:
    """Who supplies what the project makes: the authors that its crates name, else the project by its name."""
    authors = (_person(author) for crate in context.workspace.crates.values() for author in crate.authors)
    return next((author for author in authors if author), f"The {context.project.name} project")


def _person(text: str) -> str:
    """A name without its address: `A <a@example.org>` is A."""
    return re.sub(r"\s*<[^>]*>\s*", "", text).strip()


def _closure(action: Action, planned: Mapping[str, Action], platforms: Mapping[str, Platform]) -> tuple[str, ...]:
    """Ids of the action and of all that it needs, however indirectly, in the order of the plan.

    What is made for one machine takes nothing that is made for another, though what is in between may offer both.
    """
    seen: set[tuple[str, str | None]] = set()
    waiting: list[tuple[str, str | None]] = [(action.id, None)]
    while waiting:
        name, machine = waiting.pop()
        target = planned[name].target
        native = target if target and platforms[target].is_native else None
        if (name, machine) in seen or (machine and native and native != machine):
            continue
        seen.add((name, machine))
        waiting += [(need, native or machine) for need in planned[name].needs]
    names = {name for name, _ in seen}
    return tuple(i for i in planned if i in names)


def _resolution(context: Context, action: Action, build: Compiled) -> Action:
    workspace, linked_by_zig = context.workspace, "cargo-zigbuild" in action.tools
    manifests = (f"{crate.folder}/Cargo.toml".removeprefix("./") for crate in workspace.crates.values())
    return Action(
        id=f"{context.artifact}:{action.id}",
        artifact=context.artifact,
        kind="sbom",
        target=build.triple,
        recipe=CratesOfBuild(workspace.folder, build, zig=linked_by_zig),
        outputs=(Output(f"{_CRATES}.json", _CRATES),),
        sources=tuple(dict.fromkeys((*workspace.settings, *manifests))),
        # What is compiled in an image has its Rust there, and is asked about here.
        tools=(
            "rustc",
            "cargo",
            *(["zig"] if linked_by_zig else []),
            *(t for t in action.tools if t.startswith("std-")),
        ),
    )


@dataclass(frozen=True, slots=True)
class CratesOfBuild:
    """Ask Cargo which crates a build consists of, and note which Rust and zig add code of their own."""

    workspace: str
    build: Compiled
    zig: bool

    def make(self, context: ActionContext) -> None:
        """Write what Cargo resolved; raises BuildError with its words."""
        toolchain, host, workspace = context.toolchain, context.site.host, context.project / self.workspace
        environment, offline = context.site.environment, host.offline
        everything, linked = (
            context.run(
                crates.tree_command(toolchain, workspace, self.build, environment, linked=only, offline=offline)
            )
            for only in (False, True)
        )
        command = crates.metadata_command(toolchain, workspace, self.build, host.triple, environment, offline=offline)
        metadata = context.run(command)
        lock = (workspace / "Cargo.lock").read_text(encoding="utf-8")
        rustc, std = toolchain.tool("rustc"), toolchain.std.get(self.build.triple)
        own = crates.of_standard_library(toolchain, self.build.triple) if std else []
        commit = re.search(r"commit-hash: (\w+)", rustc.identity)
        document: dict[str, Json] = {
            "crates": crates.to_json(crates.resolve(everything, linked, metadata, lock, workspace)),
            "rustc": rustc.version,
            "commit": commit[1] if commit else None,
            "std": std,
            "std_crates": crates.to_json(own),
            "std_sha256": crates.digest_of_std(toolchain, self.build.triple) if std == "prebuilt" else None,
            "zig": toolchain.tool("zig").version if self.zig else None,
        }
        text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        context.output(_CRATES).write_text(text, encoding="utf-8", newline="\n")
        std_crates = tuple(facts.StandardCrate(crate.purl, crate.checksum) for crate in own if crate.checksum)
        context.record_facts(facts.Facts((facts.StandardLibraryFacts(std_crates),)))


@dataclass(frozen=True, slots=True)
class BomStep:
    """An action as far as a bill of materials is concerned; `crates` is the action that queried Cargo for it."""

    interface: ActionInterface
    artifact: str
    target: str | None
    builds: bool
    crates: ActionInterface | None
    links_unwinder: bool = False

    @property
    def id(self) -> str:
        """The action's id."""
        return self.interface.id

    @property
    def holds_code(self) -> bool:
        """Whether its outputs are compiled."""
        return self.crates is not None or self.builds


def _step(action: Action, resolved: Mapping[Compiled, Action], platforms: Mapping[str, Platform]) -> BomStep:
    crates = resolved[action.compiles].interface if action.compiles else None
    # A recipe holds the interfaces of other actions alone, whose traits may have a package URL: no more is needed here.
    return BomStep(
        action.interface,
        action.artifact,
        action.target,
        any(o.role == "program" for o in action.outputs),
        crates,
        links_unwinder=action.target is not None and platforms[action.target].family.links_unwinder,
    )


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


def _subject(context: Context, action: Action, output: Output, inside: tuple[str, ...]) -> BomSubject:
    path, project = output.ships or output.name, context.project
    purl = f"pkg:generic/{project.name}@{quote(project.version, safe='')}?file_name={quote(path, safe='')}"
    return BomSubject(
        document=f"{path.replace('/', '_')}{SUFFIX}",
        step=action.id,
        output=output.name,
        path=path,
        role=output.role,
        folder=output.folder,
        purl=dict(action.traits).get("purl", purl),
        inside=inside,
    )


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
            inside = _merged(
                [
                    *(p for i in subject.inside for p in parts[i] if p.ref.startswith("pkg:") or p.sha256 in digests),
                    *required[subject.step],
                ]
            )
            counts[f"{subject.path}{SUFFIX}"] = len(inside)
            self._write(context, subject.document, self._described(context, subject), inside)
        everything = _merged([p for step in self.steps for p in (*parts[step.id], *required[step.id])])
        purl = f"pkg:generic/{self.name}@{quote(self.version, safe='')}"
        whole = cyclonedx.BomComponent(_ROOT, self.name, self.version, self.supplier, purl, type="application")
        self._write(context, self.release, replace(whole, **self._release_fields), everything)
        context.record_facts(facts.Facts((facts.BillFacts({**counts, self.release: len(everything)}),)))

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
        recorded = context.recorded(step.id)
        code: list[str] = []
        if step.crates is not None:
            document = json.loads(context.input(step.crates, _CRATES).read_bytes())
            components = [*self._crates(document["crates"], step), *self._std(document, step, recorded)]
            components += _linked_by_zig(document, step, recorded)
            code = [components[0].ref, *(p.ref for p in components if not p.ref.startswith("pkg:cargo/"))]
            yield from components
        elif program := recorded.of(facts.GoProgramFacts):
            modules = [*self._modules(program.modules), _go(program.go)]
            code = [part.ref for part in modules]
            yield from modules
        if code:
            yield from self._files(context, step, recorded, tuple(code))
        if base := recorded.of(facts.BaseLayerFacts):
            yield from self._packages(base.packages)
        if pulled := recorded.of(facts.PulledImageFacts):
            yield _base(pulled.image)

    def _required(self, context: ActionContext, step: BomStep) -> Iterator[BomComponent]:
        """What the sources that an action packs ask for, and whoever uses them has to add."""
        module = context.recorded(step.id).of(facts.GoModuleFacts)
        return self._modules(module.requires if module else {})

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

    def _crates(self, documents: Sequence[Mapping[str, Any]], step: BomStep) -> Iterator[BomComponent]:
        for crate in crates.from_json(documents):
            properties = [("patch-level", _patch_level(crate.version))]
            properties += [("features", ",".join(crate.features))] if crate.features else []
            properties += [("target", step.target)] if step.target else []
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

    def _std(self, document: Mapping[str, Any], step: BomStep, recorded: facts.Facts) -> Iterator[BomComponent]:
        """Rust's standard library, and the crates that it has inside: copies of its own, whatever else uses them."""
        built, ours = recorded.of(facts.ExtensionFacts), str(document["rustc"])
        version = built.rustc if built and built.rustc else ours
        within = list(self._crates(document["std_crates"], step)) if version == ours else []
        origin = {"std": document["std"], "commit": document["commit"] if version == ours else None}
        compiled = f"{document['std_sha256']} ({step.target})" if document["std_sha256"] and version == ours else None
        values = {"target": step.target, **origin, "sha256": compiled}
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
        authors = [name for name in map(_person, crate.authors) if name]
        if authors:
            return ", ".join(authors)
        return crate.origin.partition("+")[2].partition("?")[0].partition("#")[0] if crate.origin else self.supplier

    def _marks(self, ecosystem: str, name: str, fingerprint: str | None) -> list[tuple[str, str]]:
        if not is_cryptographic(ecosystem, name, self.cryptography):
            return []
        marks = [("cryptographic:fingerprint", f"sha256:{fingerprint}")] if fingerprint else []
        return [("cryptographic", "true"), *marks]

    def _modules(self, modules: Mapping[str, str]) -> Iterator[BomComponent]:
        for path, version in sorted(modules.items()):
            purl = f"pkg:golang/{path}@{quote(version, safe='')}"
            properties = [("patch-level", _patch_level(version)), *self._marks("golang", path, None)]
            supplier = "/".join(path.split("/")[:2])
            yield cyclonedx.BomComponent(purl, path, version, supplier, purl, properties=tuple(sorted(properties)))

    def _packages(self, packages: Iterable[facts.DebianPackageFacts]) -> Iterator[BomComponent]:
        for package in packages:
            name, version = package.name, package.version
            purl = f"pkg:deb/debian/{name}@{quote(version, safe='')}?arch={package.architecture}"
            properties = [("patch-level", version.rpartition("-")[2]), *self._marks("deb", name, package.sha256)]
            yield cyclonedx.BomComponent(
                ref=purl,
                name=name,
                version=version,
                supplier=_person(package.supplier),
                purl=purl,
                sha256=package.sha256,
                licenses=package.licenses,
                properties=tuple(sorted(properties)),
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


def _patch_level(version: str) -> str:
    """The third number of a version and what follows it, by which repairs are told (SemVer 2.0.0, section 6).

    >>> _patch_level("1.4.2"), _patch_level("v0.3.0-rc.1")
    ('2', '0-rc.1')
    """
    return version.split(".", 2)[-1]


def _linked_by_zig(document: Mapping[str, Any], step: BomStep, recorded: facts.Facts) -> Iterator[BomComponent]:
    """What the linker adds: zig's own part of a C compiler, and on Linux its unwinder in place of libgcc_s."""
    if not document["zig"] or step.target is None:
        return
    library = recorded.compiled.get("cdylib")
    needed = library.needed if library else ()
    added = [("compiler-rt", "compiler_rt", "MIT")]
    if step.links_unwinder and not any(n.startswith("libgcc_s") for n in needed):
        added.append(("libunwind", "libunwind", "Apache-2.0 WITH LLVM-exception"))
    for name, folder, licence in added:
        purl = f"pkg:generic/zig@{document['zig']}#lib/{folder}"
        yield cyclonedx.BomComponent(
            *(purl, f"zig-{name}", document["zig"], "Zig Software Foundation", purl),
            licenses=(licence,),
            description=f"{name} as it comes with zig, which links",
            properties=(("target", step.target),),
        )


def _go(version: str) -> BomComponent:
    purl = f"pkg:golang/std@{version}"
    return cyclonedx.BomComponent(
        *(purl, "std", version, "The Go Authors", purl),
        licenses=("BSD-3-Clause",),
        description="The standard library and runtime of Go, its cryptography included",
        properties=(("cryptographic", "true"), ("patch-level", _patch_level(version))),
    )


def _base(reference: str) -> BomComponent:
    name, _, digest = reference.partition("@")
    short = re.sub(r":[^/:]+$", "", name)
    purl = f"pkg:oci/{short.rpartition('/')[2]}@{quote(digest, safe='')}?repository_url={quote(short, safe='')}"
    supplier = short.partition("/")[0]
    return cyclonedx.BomComponent(purl, name, digest, supplier, purl, type="container", sha256=Digest.parse(digest).hex)


def _merged(parts: Sequence[cyclonedx.BomComponent]) -> dict[str, cyclonedx.BomComponent]:
    """Parts by ref; several entries of one part are merged."""
    merged: dict[str, cyclonedx.BomComponent] = {}
    for part in parts:
        other = merged.get(part.ref, part)
        merged[part.ref] = replace(
            other,
            included=other.included or part.included,
            needs=tuple(sorted({*other.needs, *part.needs})),
            properties=tuple(sorted({*other.properties, *part.properties})),
        )
    return merged


KIND = Kind(
    name="sbom",
    spec=SbomSpec,
    plan=plan,
    summary="CycloneDX bills of materials, for each file with compiled code and for the release",
    last=1,
    packs=False,
)
