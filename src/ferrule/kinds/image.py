"""Container images: a multi-platform OCI layout, made without a daemon from a locked base and the built library."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Annotated, Literal

from ferrule.core import facts
from ferrule.core.errors import ConfigError, VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Action, ActionInterface, Digest, Output
from ferrule.core.section import Field
from ferrule.formats import binary, deb, deflate, oci, versions
from ferrule.formats.archive_member import Member, with_folders
from ferrule.kinds.base import (
    ArtifactRef,
    Context,
    Kind,
    PlanProblem,
    ProjectPath,
    RelativePath,
    Spec,
    names_of,
    version_problem,
)
from ferrule.kinds.linked_code import third_party
from ferrule.tools import debs, registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ferrule.core.platforms import Platform
    from ferrule.engine.context import ActionContext
    from ferrule.tools.debs import LockedPackage

_REFERENCE = re.compile(r"[a-z0-9][a-z0-9.:_/-]{0,254}(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?@sha256:[0-9a-f]{64}")
_SCRATCH = "scratch"
_EMPTY = frozenset({_SCRATCH, "static", "none"})
_BIN = "usr/bin"
_LIBC = "libc.so.6"

_ImagePath = Annotated[str, Field(pattern=r"^/[A-Za-z0-9._@%+/-]{1,255}$", examples=["/usr/lib/libdemo.so.1"])]


_Library = Annotated[str, ArtifactRef(("library",))]
_Program = Annotated[str, ArtifactRef(("goprogram", "program"))]


class ImageSpec(Spec):
    """An image for each Linux target in one index; it runs as an unprivileged user unless `user` says otherwise.

    Of two targets for one platform it takes that with glibc, and on `scratch` the other.
    """

    kind: Literal["image"]
    base: str = Field(
        min_length=1,
        max_length=512,
        description="A lock file of Debian packages, which `ferrule lock --init` writes, an image by digest "
        "(name@sha256:…), or `scratch`: nothing, for static programs in Rust.",
    )
    library: _Library | tuple[_Library, ...] | None = Field(
        default=None, description="The library to install, or several.", examples=["native", ["native", "crypto"]]
    )
    library_path: _ImagePath = Field(default="/usr/lib", description="Folder of the image that libraries go to.")
    program: _Program | tuple[_Program, ...] | None = Field(
        default=None,
        description="A program to put into /usr/bin, or several; the image runs the first unless `entrypoint` says "
        "otherwise.",
        examples=["server", ["server", "admin"]],
    )
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._/-]{0,127}$", examples=["demo"])] | None = Field(
        default=None, description="Name of the image; by default the project's."
    )
    files: dict[_ImagePath, Annotated[RelativePath, ProjectPath("file")]] = Field(
        default_factory=dict, description="More files: path in the image and path in the project."
    )
    user: Annotated[str, Field(pattern=r"^[0-9]{1,9}(:[0-9]{1,9})?$", examples=["65532:65532"])] = Field(
        default="65532:65532", description="Numeric user and group that the program runs as."
    )
    entrypoint: tuple[str, ...] = Field(default=(), description="Program and arguments that are always run.")
    cmd: tuple[str, ...] = Field(default=(), description="Default arguments, which users can override.")
    health: tuple[str, ...] = Field(
        default=(),
        description="Command that docker runs every 10 s to check the program's health; other engines ignore it.",
        examples=[["/usr/bin/demo", "-health"]],
    )
    env: dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$", examples=["LANG"])], str] = Field(
        default_factory=dict, description="Environment variables."
    )
    labels: dict[str, str] = Field(default_factory=dict, description="Labels, in addition to the standard ones.")


def plan(spec: ImageSpec, context: Context) -> list[Action]:
    """An action for the base (one a platform, or one pull), and one that puts the layout together."""
    triples = tuple(_triples(spec, context))
    if not triples:
        return []
    libraries = [(triple, _library(name, context, triple)) for triple in triples for name in names_of(spec.library)]
    programs = [(triple, _program(name, context, triple)) for triple in triples for name in names_of(spec.program)]
    contents = (*libraries, *programs)
    _check_names(spec, [action for triple, action in contents if triple == triples[0]])
    is_empty = spec.base == _SCRATCH and all(action.kind == "program" for _, action in contents)
    bases = {} if is_empty else _bases(spec, context, triples)
    project = context.project
    name = spec.name or project.name
    labels = {
        "org.opencontainers.image.title": name,
        "org.opencontainers.image.version": project.version,
        **({"org.opencontainers.image.licenses": project.license} if project.license else {}),
        **({"org.opencontainers.image.description": project.description} if project.description else {}),
        **({"org.opencontainers.image.source": project.homepage} if project.homepage else {}),
        **spec.labels,
    }
    linked = [
        (triple, one)
        for triple in triples
        for one in third_party.inside(context, [a for of, a in contents if of == triple], machine=triple)
    ]
    image = Action(
        id=context.artifact,
        artifact=context.artifact,
        kind="image",
        recipe=OciImage(
            bases=tuple((context.platforms[t], bases[t].interface if t in bases else None) for t in triples),
            libraries=tuple((triple, action.interface) for triple, action in libraries),
            programs=tuple((triple, action.interface) for triple, action in programs),
            pulled=_pulled(spec.base),
            library_path=spec.library_path,
            files=tuple(sorted(spec.files.items())),
            license_files=project.license_files,
            name=name,
            version=project.version,
            user=spec.user,
            entrypoint=spec.entrypoint or _entrypoint(programs),
            cmd=spec.cmd,
            health=spec.health,
            env=tuple(sorted(spec.env.items())),
            labels=tuple(sorted(labels.items())),
            epoch=project.epoch,
            contents=tuple((triple, action.interface) for triple, action in linked),
        ),
        outputs=(Output(context.artifact, "layout", context.artifact if context.ship else None, folder=True),),
        needs=(
            *dict.fromkeys(action.id for _, action in (*bases.items(), *contents)),
            *dict.fromkeys(action.id for _, action in linked),
        ),
        sources=(*project.license_files, *spec.files.values()),
    )
    contents_actions = (action for _, action in linked)
    return [*dict.fromkeys(bases.values()), *third_party.following(context, contents_actions, image)]


def _triples(spec: ImageSpec, context: Context) -> Iterator[str]:
    """One target for each platform of OCI, which does not tell C libraries apart."""
    by_platform: dict[str, list[str]] = {}
    for target in context.targets:
        by_platform.setdefault(context.platforms[target.triple].oci or "", []).append(target.triple)
    for triples in by_platform.values():
        fitting = [t for t in triples if (context.platforms[t].debian is None) == (spec.base == _SCRATCH)]
        yield (fitting or triples)[0]


def check(_: ImageSpec, context: Context) -> Iterator[PlanProblem]:
    """A version that registries do not take as a tag."""
    if message := versions.oci_problem(context.project.version):
        yield version_problem(message, context, context.project.version.replace("+", "-"))


def _pulled(base: str) -> str | None:
    return base if "@" in base else None


def _library(name: str, context: Context, triple: str) -> Action:
    action = context.action_for(name, triple)
    if action is None or action.interface.output("cdylib") is None:
        raise PlanProblem(
            "library", f"{name} makes no cdylib for {triple}", "narrow `targets` here, or widen them there"
        )
    return action


def _program(name: str, context: Context, triple: str) -> Action:
    action = context.action_for(name, triple)
    if action is None:
        raise PlanProblem("program", f"{name} is not made for {triple}", "narrow `targets` here, or widen them there")
    return action


def _check_names(spec: ImageSpec, actions: Sequence[Action]) -> None:
    """Raise PlanProblem for an image of nothing, and for two files of one name."""
    if not actions:
        raise PlanProblem("kind", "this image holds nothing", "name `library`, `program` or both")
    for key, trait in (("library", "library"), ("program", "program")):
        names: dict[str, str] = {}
        for action in actions:
            name = dict(action.traits).get(trait)
            if name is not None and (other := names.setdefault(name, action.artifact)) != action.artifact:
                hint = "give one of them another `name`, or leave one of them out"
                raise PlanProblem(key, f"{other} and {action.artifact} are both called {name}", hint)
        if len(set(names_of(getattr(spec, key)))) < len(names_of(getattr(spec, key))):
            raise PlanProblem(key, "the same artifact is named twice", "name it once")


def _entrypoint(programs: Sequence[tuple[str, Action]]) -> tuple[str, ...]:
    return (f"/{_BIN}/{programs[0][1].interface.trait('program')}",) if programs else ()


def _bases(spec: ImageSpec, context: Context, triples: Sequence[str]) -> dict[str, Action]:
    """The action that makes or pulls the base, for each target."""
    if spec.base.split(":")[0].rpartition("/")[2] in _EMPTY or "distroless/static" in spec.base:
        raise PlanProblem(
            "base",
            f"{spec.base} has no dynamic loader, and a program that opens a library needs one",
            "use a base with glibc: a lock file with libc6, or an image such as one made for C programs",
        )
    if _pulled(spec.base):
        if not _REFERENCE.fullmatch(spec.base):
            raise PlanProblem(
                "base", f"{spec.base!r} is not an image with a digest", "write it as name@sha256:<64 digits>"
            )
        pull = Action(
            id=f"{context.artifact}:base",
            artifact=context.artifact,
            kind="image",
            recipe=PulledBase(spec.base),
            outputs=(Output("base", "base", folder=True),),
        )
        return dict.fromkeys(triples, pull)

    if spec.base.startswith("/") or ".." in spec.base.split("/"):
        raise PlanProblem("base", f"{spec.base} leaves the project", "name a file of the project")
    try:
        packages = debs.read_lock(context.read_text(spec.base))
    except ConfigError as error:
        raise PlanProblem(
            "base",
            f"{spec.base} is neither a file of the project nor an image by digest",
            "run `ferrule lock --init`, which writes it, or write name@sha256:<64 digits>",
        ) from error
    except ValueError as error:
        raise PlanProblem(
            "base", f"{spec.base} is not a valid lock file: {error}", f"run `ferrule lock {spec.base}`"
        ) from None
    return {triple: _package_base(spec, context, triple, packages) for triple in triples}


def _package_base(spec: ImageSpec, context: Context, triple: str, packages: tuple[LockedPackage, ...]) -> Action:
    architecture = context.platforms[triple].debian
    if architecture is None:
        raise PlanProblem(
            "base",
            f"{spec.base} is of Debian packages, which have glibc, and {triple} has another C library",
            "write `base: scratch` for static programs, or an image by digest",
        )
    own = tuple(p for p in packages if p.architecture in (architecture, "all"))
    if not any(p.name == "libc6" for p in own):
        raise PlanProblem(
            "base",
            f"{spec.base} has no libc6 for {architecture}, so nothing could load the library",
            f"add it and run `ferrule lock {spec.base}`",
        )
    return Action(
        id=f"{context.artifact}:base@{triple}",
        artifact=context.artifact,
        kind="image",
        target=triple,
        recipe=PackageBase(own, context.project.epoch),
        outputs=(Output("base.tar.gz", "layer"),),
    )


@dataclass(frozen=True, slots=True)
class PackageBase:
    """Fetch locked Debian packages, check each by its digest, and unpack them into one layer."""

    packages: tuple[LockedPackage, ...]
    epoch: int
    compressor: str = deflate.COMPRESSOR

    def make(self, context: ActionContext) -> None:
        """Write the layer; raises NetworkError naming a package that cannot be had, VerificationError a false one."""
        context.report_progress("fetching packages")
        files = debs.fetch(self.packages, context.site.host)
        context.report_progress("unpacking packages")
        read = [deb.read_deb(path) for path in files]
        entries = deb.base_layer_entries(read)
        names = ", ".join(f"{p.name} {p.version}" for p in self.packages)
        layer = oci.write_layer(context.output("layer"), entries, self.epoch, comment=names)
        packages = tuple(_package_facts(locked, package) for locked, package in zip(self.packages, read, strict=True))
        base = facts.BaseLayerFacts(layer.digest.hex, layer.size, layer.diff_id.hex, names, packages)
        context.record_facts(facts.Facts((base,)))


def _package_facts(locked: LockedPackage, package: deb.DebPackage) -> facts.DebianPackageFacts:
    return facts.DebianPackageFacts(
        name=locked.name,
        version=locked.version,
        architecture=locked.architecture,
        sha256=locked.sha256,
        supplier=package.fields.get("Maintainer", "Debian"),
        licenses=deb.licenses(package),
    )


@dataclass(frozen=True, slots=True)
class PulledBase:
    """Pull an image by digest as a layout."""

    reference: str

    def make(self, context: ActionContext) -> None:
        """Write the layout; every blob is checked by its digest."""
        context.report_progress(f"pulling {self.reference.partition('@')[0]}")
        registry.pull(self.reference, context.output("base"), context.site.host)
        context.record_facts(facts.Facts((facts.PulledImageFacts(self.reference),)))


@dataclass(frozen=True, slots=True)
class OciImage:
    """Put libraries, programs and files on each base, and all platforms into one index.

    `bases` are None where the image holds nothing else; `libraries` and `programs` are those of each target, by triple,
    and `contents` say what is linked into these.
    """

    bases: tuple[tuple[Platform, ActionInterface | None], ...]
    libraries: tuple[tuple[str, ActionInterface], ...]
    programs: tuple[tuple[str, ActionInterface], ...]
    pulled: str | None
    library_path: str
    files: tuple[tuple[str, str], ...]
    license_files: tuple[str, ...]
    name: str
    version: str
    user: str
    entrypoint: tuple[str, ...]
    cmd: tuple[str, ...]
    health: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    labels: tuple[tuple[str, str], ...]
    epoch: int
    compressor: str = deflate.COMPRESSOR
    contents: tuple[tuple[str, ActionInterface], ...] = ()

    def make(self, context: ActionContext) -> None:
        """Write the layout; raises VerificationError for a program that its base or its machine could not start."""
        images = [self._image(context, platform, base) for platform, base in self.bases]
        layout = context.output("layout")
        layout.mkdir()
        index = oci.write_layout(layout, images, epoch=self.epoch, ref_name=self.version)
        sizes = {image.platform: sum(layer.size for layer in image.layers) for image in images}
        context.record_facts(
            facts.Facts((facts.ImageFacts(index.digest.oci, tuple(image.platform for image in images), sizes),))
        )

    def _image(self, context: ActionContext, row: Platform, base: ActionInterface | None) -> oci.PlatformImage:
        triple, platform = row.triple, row.oci or ""
        context.report_progress(platform)
        entries = self._entries(context, row)
        own = oci.write_layer(
            context.folder / f"{triple}.tar.gz",
            entries,
            self.epoch,
            comment=f"{self.name} {self.version}",
        )
        labels = dict(self.labels) | self._identities(context, triple)
        if self.pulled and base:
            layout = oci.read_layout(_folder_of(context, base))
            self._check(context, row, layout.image(platform).layers, entries)
            return oci.append_layers(
                layout,
                platform,
                [own],
                epoch=self.epoch,
                user=self.user,
                env=dict(self.env),
                labels=labels,
                entrypoint=self.entrypoint or None,
                cmd=self.cmd or None,
                health=self.health,
                base_name=self.pulled.partition("@")[0],
            )
        below = [_layer(context, base)] if base else []
        self._check(context, row, below, entries)
        layers = [*below, own]
        config = oci.image_config(
            platform,
            layers,
            epoch=self.epoch,
            user=self.user,
            env=dict(self.env),
            labels=labels,
            entrypoint=self.entrypoint,
            cmd=self.cmd,
            health=self.health,
        )
        return oci.PlatformImage(platform, tuple(layers), config)

    def _identities(self, context: ActionContext, triple: str) -> dict[str, str]:
        """Labels with the fingerprints of the libraries; those of the first without its name."""
        labels: dict[str, str] = {}
        for library in _of(self.libraries, triple):
            prefix = f"ferrule.{library.trait('library')}" if labels else "ferrule"
            identity = context.recorded(library.id).identity.values()
            labels |= {f"{prefix}.{name}": value for name, value in identity.items()}
        return labels

    def _check(
        self, context: ActionContext, platform: Platform, below: Sequence[oci.Layer], entries: Sequence[Member]
    ) -> None:
        """Refuse what could not start or open its library: the files are read, not their recorded facts."""
        triple = platform.triple
        needs: dict[str, str] = {}
        floors: dict[str, tuple[tuple[int, ...], str]] = {}
        for interface in _of(self.libraries, triple):
            library, who = (
                context.recorded(interface.id).compiled["cdylib"],
                f"the library {interface.trait('library')}",
            )
            needs |= dict.fromkeys(library.needed, who)
            if library.glibc_version:
                floors[who] = library.glibc_version, ", ".join(library.glibc_because_of)
        root, base_is_empty = oci.read_root(below, entries), not below
        for program in _of(self.programs, triple):
            name = program.trait("program")
            measured = binary.measure(context.input(program, "program"), where=name)
            if (measured.system, measured.machine) != (platform.system, platform.machine):
                raise VerificationError(
                    f"the program {name} is for {measured.system} on {measured.machine}, the image for {platform.oci}",
                    where=context.action.id,
                )
            if measured.interpreter and root.find(measured.interpreter) is None:
                raise VerificationError(
                    f"the program {name} is started by {measured.interpreter}, which the base for {platform.oci} lacks",
                    where=context.action.id,
                    hint="use a base with glibc: a lock file with libc6, or an image such as one made for C programs"
                    + ("; a program for a target with musl needs none" if base_is_empty else ""),
                )
            needs |= dict.fromkeys(measured.needed, f"the program {name}")
            if measured.floor:
                floors[f"the program {name}"] = measured.floor.version, ", ".join(measured.floor.symbols)
        there = {name.rpartition("/")[2] for name in root.files}
        for needed, who in needs.items():
            if needed not in there:
                raise VerificationError(
                    f"{who} needs {needed}, which the base for {platform.oci} lacks",
                    where=context.action.id,
                    hint="add the package that holds it to the base's lock file, or use another base",
                )
        libc = oci.read_file(below, root.named(_LIBC) or "", entries)
        self._check_glibc(context, f"the base for {platform.oci}", floors, libc)

    def _check_glibc(
        self, context: ActionContext, base: str, floors: Mapping[str, tuple[tuple[int, ...], str]], libc: bytes | None
    ) -> None:
        """Refuse a base whose C library is older than what is to run on it; its own versions tell how old it is."""
        if not floors:
            return
        defined = binary.measure(libc, where=f"{_LIBC} of {base}").defines if libc else ()
        own = max(binary.glibc_versions(defined), default=())
        for who, (version, symbols) in floors.items():
            if version > own:
                raise VerificationError(
                    f"{who} needs glibc {'.'.join(map(str, version))} ({symbols or 'the file itself'}), and {base} has "
                    + (".".join(map(str, own)) or "none that says its version"),
                    where=context.action.id,
                    hint="use a base that is as new, or declare an older `glibc` at the target",
                )

    def _entries(self, context: ActionContext, platform: Platform) -> list[Member]:
        triple = platform.triple
        libraries, folder = _of(self.libraries, triple), self.library_path.lstrip("/")
        entries: list[Member] = []
        for library in libraries:
            name = library.trait("library")
            real = platform.soname(name, library.trait("version"))
            others = {platform.cdylib(name), platform.soname(name, library.trait("abi"))} - {real}
            entries.append(Member(f"{folder}/{real}", context.input(library, "cdylib"), executable=True))
            entries += [Member(f"{folder}/{link}", link=real) for link in sorted(others)]
        entries += [
            Member(f"{_BIN}/{program.trait('program')}", context.input(program, "program"), executable=True)
            for program in _of(self.programs, triple)
        ]
        name = libraries[0].trait("library") if libraries else self.name.rpartition("/")[2]
        entries += [
            Member(f"usr/share/licenses/{name}/{f.rpartition('/')[2]}", context.project / f) for f in self.license_files
        ]
        entries += third_party.licence_texts_of(context, _of(self.contents, triple), f"usr/share/licenses/{name}")
        for target, file in self.files:
            path = context.project / file
            entries.append(Member(target.lstrip("/"), path, executable=bool(path.stat().st_mode & 0o100)))
        return list(with_folders(entries))


def _of(by_target: tuple[tuple[str, ActionInterface], ...], triple: str) -> list[ActionInterface]:
    return [interface for target, interface in by_target if target == triple]


def _layer(context: ActionContext, base: ActionInterface) -> oci.Layer:
    layer = facts.BaseLayerFacts.from_json(context.facts_of[base.id], base.id)
    return oci.Layer(
        path=context.input(base, "layer"),
        digest=Digest(layer.digest),
        size=layer.size,
        diff_id=Digest(layer.diff_id),
        comment=layer.comment,
    )


def _folder_of(context: ActionContext, base: ActionInterface) -> Path:
    """A pulled layout as a folder again: the store keeps its files by digest, and a layout may hold no links."""
    folder = context.folder / "pulled"
    for name, path in context.needed[base.id].items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copyfile(path, target)
    return folder / "base"


def _unsupported(platform: Platform) -> str | None:
    if platform.oci is None:
        return f"no image runs on {platform.title}"
    return (
        None if platform.family.object_format == "elf" else f"images are of Linux, and this is {platform.family.title}"
    )


KIND = Kind(
    name="image",
    spec=ImageSpec,
    plan=plan,
    check=check,
    summary="a multi-platform container image as an OCI layout",
    unsupported=_unsupported,
)
