"""Packages of a release: whole, harmless, and with the very files inside that were compiled and measured.

Each is read once, member by member; each compiled file is measured once, wherever it is found first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ferrule.app.release.release_folder import (
    DAMAGE,
    IMAGE_ARCHIVE,
    ReleaseFolder,
    describe,
    pointer,
)
from ferrule.app.verify.image_archive import unpacked
from ferrule.core.errors import FerruleError
from ferrule.core.facts import BaseLayerFacts, Facts, ImageFacts
from ferrule.core.model import Digest, Verdict
from ferrule.core.platforms import PLATFORMS
from ferrule.core.safe_files import open_regular, read_regular
from ferrule.formats import binary, deb, magic, oci, rpm, tar, wheel
from ferrule.formats import zip as zips
from ferrule.kinds import debug_symbols
from ferrule.kinds.base import DEBUG_SYMBOLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ferrule.core.facts import MeasuredFile
    from ferrule.core.manifest import ManifestFile
    from ferrule.formats.archive_member import Member
    from ferrule.formats.binary import BinaryFacts
    from ferrule.formats.oci import ImageLayout

_LARGEST: Final = 1 << 30
_SYSTEMS: Final = {"linux": "linux", "darwin": "macos"}
_MACHINES: Final = {"amd64": ("x86_64",), "arm64": ("aarch64", "arm64")}
_OF_GO: Final = re.compile(rf"({'|'.join(_SYSTEMS)})[_/]({'|'.join(_MACHINES)})")
_FOREIGN: Final = frozenset({"npm", "image", "crate"})
"""Kinds whose packages may hold compiled files of the user's own; in all others each was compiled by this release."""


def packages(release: ReleaseFolder) -> Iterator[Verdict]:
    """Verdicts of what was compiled, where it stands by itself, and of each archive and image layout."""
    measured, packed = _Measured(release), {*release.packages()}
    for name, file in release.files.items():
        path = release.folder / name
        is_alone = name in release.intact and name not in packed  # a deb begins as a static library does
        if is_alone and _begins(path).startswith(magic.COMPILED):
            try:
                content = read_regular(path, largest=_LARGEST)
            except OSError as error:
                yield Verdict(name, "measured", describe(error))
                continue
            yield from _alone(release, name, file.digest, content, measured)
    for name in (*release.packages(), *release.image_archives().values()):
        below = [n for n in release.files if n == name or n.startswith(f"{name}/")]
        if release.intact.issuperset(below):
            yield from _package(release, name, measured)


def _begins(path: Path) -> bytes:
    with open_regular(path) as stream:
        return stream.read(len(max(magic.COMPILED, key=len)))


def _alone(release: ReleaseFolder, name: str, digest: Digest, content: bytes, measured: _Measured) -> Iterator[Verdict]:
    """Verdicts of a compiled file in the release's own folder, or in that of a Go module."""
    yield from measured.once(name, digest, content)
    folder = _go_folder(name)
    try:
        facts = measured.of(name, digest, content)
    except (FerruleError, *DAMAGE) as error:
        if digest not in release.compiled:
            yield Verdict(name, "measured", describe(error))
        return
    problem = None if digest in release.compiled else _unknown_problem(release, name, digest)
    yield Verdict(name, "platform", problem or _platform_problem(facts, folder, name))


def _go_folder(name: str) -> str:
    """The part of a name that says for which platform Go takes a file; nothing if none does."""
    return next(filter(_OF_GO.fullmatch, name.split("/")), "")


@dataclass(frozen=True, slots=True)
class _Measured:
    """What was measured so far, by digest, so that a library that is in four packages is measured once."""

    release: ReleaseFolder
    facts: dict[Digest, BinaryFacts] = field(default_factory=dict)

    def once(self, subject: str, digest: Digest, content: bytes) -> Iterator[Verdict]:
        """What the manifest says of a compiled file was measured of it, and its fingerprint is inside."""
        if digest in self.facts or digest not in self.release.compiled:
            return
        files = self.release.compiled[digest]
        covers: list[str] = []
        try:
            facts = self.of(subject, digest, content)
            problems = [_fact_problem(self.release, facts, content, file, covers) for file in files]
            problems += [problem for file in files for problem in _faults(facts, file)]
        except (FerruleError, *DAMAGE) as error:
            problems = [describe(error)]
        problem = next(filter(None, problems), None)
        for file in files:
            covers += [f"{self.release.pointers[file]}/{key}" for key in ("artifact", "target", "sha256", "size")]
        yield Verdict(subject, "measured", problem, () if problem else tuple(covers))

    def of(self, subject: str, digest: Digest, content: bytes) -> BinaryFacts:
        """The facts of a file. Raises VerificationError for what is none."""
        if digest not in self.facts:
            self.facts[digest] = binary.measure(content, where=subject)
        return self.facts[digest]


@dataclass(slots=True)
class _Contents:
    """What a package turned out to hold."""

    compiled: int = 0
    others: int = 0
    problem: str | None = None
    broken_promise: str | None = None
    covers: list[str] = field(default_factory=list)

    @property
    def claim(self) -> str:
        """What was found inside, for people."""
        parts = [f"{self.compiled} of the compiled files"] if self.compiled else []
        parts += [f"{self.others} other{'s' if self.others > 1 else ''} measured"] if self.others else []
        return f"archive with {' and '.join(parts)}" if parts else "archive"


def _package(release: ReleaseFolder, name: str, measured: _Measured) -> Iterator[Verdict]:
    path, contents, listed = release.folder / name, _Contents(), release.files.get(name)
    is_sdk, digests = listed is not None and listed.kind == "sdk", set[Digest]()
    try:
        tags = wheel.wheel_tags(path) if path.suffix == ".whl" else ()
        is_empty = is_sdk or any(not tag.endswith("-any") for tag in tags)
        for platform, member, content, digest in _members(path, release, contents):
            digests.add(digest)
            _pack(release, digest, len(content), contents)
            if content.startswith(magic.COMPILED):
                is_empty = False
                if digest in release.compiled:
                    yield from measured.once(f"{name}: {member}", digest, content)
                _weigh(release, name, member, measured.of(member, digest, content), digest, platform, contents)
                if tags and content.startswith(magic.NATIVE):
                    promise = _tag_problem(measured.of(member, digest, content), tags, member)
                    contents.broken_promise = contents.broken_promise or promise
        if is_empty:
            contents.problem = contents.problem or "it is for one platform, and holds nothing that was compiled"
        if is_sdk:
            contents.problem = contents.problem or _header_problem(release, digests)
    except (FerruleError, OSError, *DAMAGE) as error:
        contents.problem = contents.broken_promise = describe(error)  # a wheel that cannot be read holds no promise
    yield Verdict(name, contents.claim, contents.problem, () if contents.problem else tuple(contents.covers))
    if path.suffix == ".whl":
        yield Verdict(name, "tags", contents.broken_promise)


def _header_problem(release: ReleaseFolder, digests: set[Digest]) -> str | None:
    """What an SDK lacks that holds no header artifact of the release as a whole."""
    headers: dict[str, set[Digest]] = {}
    for file in (*release.manifest.packed, *release.manifest.shipped):
        if file.kind == "header":
            headers.setdefault(file.artifact, set()).add(file.digest)
    if not headers or any(files <= digests for files in headers.values()):
        return None
    return "it holds no header as the manifest says that one was packed"


def _pack(release: ReleaseFolder, digest: Digest, size: int, contents: _Contents) -> None:
    """A file that the manifest says was packed is here; it has the size that the manifest says."""
    for file in release.packed.get(digest, ()):
        if file.size == size:
            contents.covers += [f"{release.pointers[file]}/{key}" for key in ("sha256", "size")]
        else:
            wrong = f"{file.path} has {size} bytes, the manifest says {file.size}"
            contents.problem = contents.problem or wrong


def _weigh(
    release: ReleaseFolder,
    name: str,
    member: str,
    facts: BinaryFacts,
    digest: Digest,
    platform: str,
    contents: _Contents,
) -> None:
    """Judge a compiled file inside of a package."""
    package = release.files.get(name)
    if digest in release.compiled:
        contents.compiled += 1
        # WebAssembly is for every platform, so it says nothing of a target that is another one.
        if package and platform == package.target and _is_for(facts, platform):
            contents.covers.append(f"{release.pointers[package]}/target")
        if package and package.role == DEBUG_SYMBOLS:
            contents.problem = contents.problem or _pair_problem(release, package, member, facts)
    else:
        contents.others += 1
        contents.problem = contents.problem or _other_problem(release, name, member, facts, digest, contents)
    contents.problem = contents.problem or _platform_problem(facts, platform or _go_folder(member), member)


def _pair_problem(release: ReleaseFolder, package: ManifestFile, member: str, facts: BinaryFacts) -> str | None:
    """Debug symbols of which no file that was linked with them is known: a debugger would find them for none."""
    compiled = release.manifest.facts_of(package).compiled
    linked = (one for name, one in compiled.items() if not name.startswith(f"{debug_symbols.FOLDER}/"))
    if facts.build_id and any(facts.build_id == one.build_id for one in linked):
        return None
    return f"{member} has the build id {facts.build_id}, which no file of {package.artifact} has"


def _is_for(facts: BinaryFacts, triple: str) -> bool:
    return triple in PLATFORMS and (facts.system == "wasm") == (PLATFORMS[triple].system == "wasm")


_File = tuple[str, str, bytes, Digest]
"""The platform that a file of a package is for (a target, a platform of OCI, or none), its name, content and digest."""


def _members(path: Path, release: ReleaseFolder, contents: _Contents) -> Iterator[_File]:
    """The files of a package."""
    name = path.relative_to(release.folder).as_posix()
    target = (release.files[name].target if name in release.files else None) or ""
    if path.suffix == ".whl":
        yield from ((target, member.name, member.read(), digest) for member, digest in wheel.wheel_members(path))
    elif path.is_dir() and oci.holds_component(path):
        layout = oci.read_component(path)
        _compare_image(layout.facts, name, release, contents)
        yield target, f"{name}/component.wasm", layout.component, Digest.of(layout.component)
    elif path.is_dir():
        yield from _of_layout(oci.read_layout(path, reads_layers=False), name, release, contents)
    elif name.endswith(IMAGE_ARCHIVE):
        with open_regular(path) as stream:
            for member in tar.read_tar(stream, where=name):
                _pack(release, Digest.of(member.read()), member.size, contents)
        with unpacked(path) as folder:
            image = oci.read_layout(folder, reads_layers=False)
            yield from _of_layout(image, release.files[name].artifact, release, contents)
    elif path.suffix == ".zip":
        yield from _regular(target, zips.read_zip(path))
    elif path.suffix == ".deb":
        yield from _regular(target, deb.read_deb(path).entries)
    elif path.suffix == ".rpm":
        yield from _regular(target, rpm.read_rpm(path).members)
    else:
        with open_regular(path) as stream:
            yield from _regular(target, tar.read_tar_gz(stream, where=str(path)))


def _of_layout(layout: ImageLayout, artifact: str, release: ReleaseFolder, contents: _Contents) -> Iterator[_File]:
    """Files of an image's own layers; a base is what it is, and is checked by its digests."""
    _check_image(layout, artifact, release, contents)
    bases = {file.digest for file in release.manifest.packed if "/blobs/" not in file.path}
    for image in layout.images:
        for layer in image.layers:
            _pack(release, layer.digest, layer.size, contents)
            if layer.digest in bases:
                oci.check_layer(layer, where=artifact)
            else:
                yield from _regular(image.platform, oci.layer_members(layer, where=artifact))


def _check_image(layout: ImageLayout, artifact: str, release: ReleaseFolder, contents: _Contents) -> None:
    """Compare what the manifest says of an image with its layout."""
    image_facts = ImageFacts(
        index=layout.index.digest.oci,
        platforms=tuple(image.platform for image in layout.images),
        compressed={image.platform: sum(layer.size for layer in image.layers) for image in layout.images},
    )
    _compare_image(image_facts, artifact, release, contents)
    layers = {layer.digest.hex: layer for image in layout.images for layer in image.layers}
    for action, facts in release.manifest.facts.items():
        base = facts.of(BaseLayerFacts)
        layer = layers.get(base.digest) if base else None
        if base and layer and (base.size, base.diff_id) == (layer.size, layer.diff_id.hex):
            contents.covers += [pointer("facts", action, name) for name in ("digest", "size", "diff_id")]
        elif base and action.startswith(f"{artifact}:base@"):
            contents.problem = contents.problem or f"the manifest says of {action} what none of its layers is"


def _compare_image(image_facts: ImageFacts, artifact: str, release: ReleaseFolder, contents: _Contents) -> None:
    stated = release.manifest.facts.get(artifact, Facts()).of(ImageFacts)
    document, expected = stated.to_json() if stated else {}, image_facts.to_json()
    for name, value in expected.items():
        if not document:
            contents.problem = contents.problem or "the manifest says nothing of the image"
        elif document[name] != value:
            contents.problem = contents.problem or f"the manifest says something else of it: {name}"
        contents.covers.append(pointer("facts", artifact, name))


def _regular(platform: str, members: Iterable[Member]) -> Iterator[_File]:
    for member in members:
        if member.regular:
            content = member.read()
            yield platform, member.name, content, Digest.of(content)


def _platform_problem(facts: BinaryFacts, platform: str, member: str) -> str | None:
    """Whether a file is for another machine than its package, its image or its folder; WebAssembly is for all."""
    named = _OF_GO.match(platform)
    if facts.system == "wasm" or (platform not in PLATFORMS and not named):
        return None
    if named:
        right = facts.system == _SYSTEMS[named[1]] and facts.machine in _MACHINES[named[2]]
    else:
        right = (facts.system, facts.machine) == (PLATFORMS[platform].system, PLATFORMS[platform].machine)
    return None if right else f"{member} is for {facts.system} on {facts.machine}, and it is packed for {platform}"


def _faults(facts: BinaryFacts, file: ManifestFile) -> list[str]:
    """What no compiled file may be, whatever the manifest says: for another target, or as the loader refuses it."""
    platform = PLATFORMS.get(file.target or "")
    return binary.check(facts, platform=platform) if platform else []


def _other_problem(
    release: ReleaseFolder, name: str, member: str, facts: BinaryFacts, digest: Digest, contents: _Contents
) -> str | None:
    """A file that tools made of compiled ones is as it was measured then; any other may be in few kinds of packages."""
    package = release.files.get(name)  # none for an image: its layout is a folder, named by the artifact
    action = package.action if package else name
    stated = release.manifest.facts.get(action, Facts()).members.get(member)
    if stated is not None:
        contents.covers.append(pointer("facts", action, "files", member))
        return None if stated == binary.summary(facts) else f"the manifest says something else of {member}"
    if facts.signature and facts.signature.problems:
        return f"{member}: {facts.signature.problems[0]}"
    if package is None or package.kind in _FOREIGN:
        return _namesake_problem(release, member, digest)
    return _unknown_problem(release, member, digest)


def _unknown_problem(release: ReleaseFolder, member: str, digest: Digest) -> str:
    """What is wrong about a compiled file of which the manifest says nothing."""
    problem = _namesake_problem(release, member, digest)
    return problem or f"{member} was not compiled by this release: the manifest has no file with the SHA-256 {digest}"


def _namesake_problem(release: ReleaseFolder, member: str, digest: Digest) -> str | None:
    """A file with the name of a compiled one must be that one."""
    base = member.rpartition("/")[2]
    for file in (file for files in release.compiled.values() for file in files):
        if _stem(base) == _stem(file.path):
            return f"{member} is not the {file.artifact} that was compiled: its SHA-256 is {digest}"
    return None


def _stem(name: str) -> str:
    return re.split(r"\.(so|dylib|a|wasm)\b", name.rpartition("/")[2], maxsplit=1)[0]


def _fact_problem(
    release: ReleaseFolder, facts: BinaryFacts, content: bytes, file: ManifestFile, covers: list[str]
) -> str | None:
    """What the manifest says otherwise of a compiled file; notes in `covers` what it says rightly."""
    recorded = release.manifest.facts_of(file)
    summary = binary.summary(facts)
    matching = [name for name, claim in recorded.compiled.items() if claim == summary]
    if not matching:
        differing = min((_differing(claim, summary) for claim in recorded.compiled.values()), key=len)
        return f"the manifest says something else of it: {', '.join(differing)}"
    covers.append(pointer("facts", file.action, matching[0]))
    for name, digest in recorded.identity.values().items() if facts.kind != "static library" else ():
        if digest.encode() in content:
            covers.append(pointer("facts", file.action, name))
        elif problem := _other_identity(content, name, digest):
            # A crate need not compile its fingerprint in, but one that carries another fingerprint carries a lie.
            return problem
    # Every module of ours has a section with both; what a crate compiles into a library is its own affair.
    missing = {"fingerprint", "interface"} - recorded.identity.values().keys() if facts.format == "wasm" else set()
    return next(filter(None, (_other_identity(content, name, None) for name in sorted(missing))), None)


def _differing(stated: MeasuredFile, measured: MeasuredFile) -> list[str]:
    """Names of the facts that are not the same."""
    one, other = stated.to_json(), measured.to_json()
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def _other_identity(content: bytes, name: str, digest: str | None) -> str | None:
    other = re.search(rb'"%s": ?"([0-9a-f]{64})"' % name.encode(), content)
    stated = digest[:12] if digest else "none"
    return f"it carries the {name} {other[1].decode()[:12]}, the manifest says {stated}" if other else None


def _tag_problem(facts: BinaryFacts, tags: tuple[str, ...], member: str) -> str | None:
    for tag in (tag.rpartition("-")[2] for tag in tags):
        glibc = re.fullmatch(r"manylinux_(\d+)_(\d+)_(\w+)", tag)
        macos = re.fullmatch(r"macosx_(\d+)_(\d+)_(\w+)", tag)
        if tag == "any":
            return f"{member} is for {facts.system} on {facts.machine}, and the tag says any"
        if glibc and (facts.system, facts.machine) != ("linux", _MACHINES_OF_TAGS.get(("linux", glibc[3]))):
            return f"{member} is for {facts.system} on {facts.machine}, and the tag says {tag}"
        if glibc and facts.floor and facts.floor.version > (int(glibc[1]), int(glibc[2])):
            return f"{member} needs glibc {facts.floor.text}, and the tag says {tag}"
        if macos and (facts.system, facts.machine) != ("macos", _MACHINES_OF_TAGS.get(("macos", macos[3]))):
            return f"{member} is for {facts.system} on {facts.machine}, and the tag says {tag}"
        if macos and facts.minimum_os and _numbers(facts.minimum_os) > (int(macos[1]), int(macos[2])):
            return f"{member} needs macOS {facts.minimum_os}, and the tag says {tag}"
    return None


# What tags call a machine and files do not: `armv7l`, `universal2`.
_MACHINES_OF_TAGS: Final = {
    (row.system, row.architecture.wheel): row.machine for row in PLATFORMS.values() if row.has_wheels
}


def _numbers(version: str) -> tuple[int, int]:
    major, _, rest = version.partition(".")
    return int(major), int(rest.partition(".")[0] or 0)
