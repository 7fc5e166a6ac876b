"""Packages of a release: whole, harmless, and with the very files inside that were compiled and measured.

Each is read once, member by member; each compiled file is measured once, wherever it is found first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ferrule.app.release.release_folder import ReleaseFolder, action_of, claims, said
from ferrule.core.errors import FerruleError
from ferrule.core.model import Digest, Json, Verdict
from ferrule.core.platforms import PLATFORMS
from ferrule.core.safe_files import open_regular
from ferrule.formats import binary, magic, oci, tar, wheel
from ferrule.formats import zip as zips

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ferrule.formats.archive_member import Member
    from ferrule.formats.binary import BinaryFacts

_SYSTEMS: Final = {"linux": "linux", "darwin": "macos"}
_MACHINES: Final = {"amd64": ("x86_64",), "arm64": ("aarch64", "arm64")}
_OF_GO: Final = re.compile(rf"({'|'.join(_SYSTEMS)})[_/]({'|'.join(_MACHINES)})")


def packages(release: ReleaseFolder) -> Iterator[Verdict]:
    """Verdicts of what was compiled, where it stands by itself, and of each archive and image layout."""
    measured = _Measured(release)
    for name, told in release.files.items():
        path = release.folder / name
        if path.is_file() and not path.is_symlink() and _begins(path).startswith(magic.COMPILED):
            content = path.read_bytes()
            digest = Digest.of(content).hex
            if digest == told["sha256"]:
                yield from _alone(release, name, digest, content, measured)
    for name in release.packages():
        yield from _package(release, name, measured)


def _begins(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(len(max(magic.COMPILED, key=len)))


def _alone(release: ReleaseFolder, name: str, digest: str, content: bytes, measured: _Measured) -> Iterator[Verdict]:
    """Verdicts of a compiled file in the release's own folder, or in that of a Go module."""
    yield from measured.once(name, digest, content)
    folder = next(filter(_OF_GO.fullmatch, name.split("/")), "")
    try:
        facts = measured.of(name, digest, content)
    except FerruleError as error:
        if digest not in release.compiled:
            yield Verdict(name, "measured", error.message)
        return
    problem = None if digest in release.compiled else _stranger_problem(release, name, digest)
    yield Verdict(name, "platform", problem or _platform_problem(facts, folder, name))


@dataclass(frozen=True, slots=True)
class _Measured:
    """What was measured so far, by digest, so that a library that is in four packages is measured once."""

    release: ReleaseFolder
    facts: dict[str, BinaryFacts] = field(default_factory=dict)

    def once(self, subject: str, digest: str, content: bytes) -> Iterator[Verdict]:
        """What the manifest says of a compiled file was measured of it, and its fingerprint is inside."""
        if digest in self.facts or digest not in self.release.compiled:
            return
        try:
            found = self.of(subject, digest, content)
        except FerruleError as error:
            yield Verdict(subject, "measured", error.message)
            return
        problems = [_fact_problem(self.release, found, content, made) for made in self.release.compiled[digest]]
        problems += [problem for made in self.release.compiled[digest] for problem in _faults(found, made)]
        yield Verdict(subject, "measured", next(filter(None, problems), None))

    def of(self, subject: str, digest: str, content: bytes) -> BinaryFacts:
        """The facts of a file. Raises VerificationError for what is none."""
        if digest not in self.facts:
            self.facts[digest] = binary.measure(content, where=subject)
        return self.facts[digest]


def _package(release: ReleaseFolder, name: str, measured: _Measured) -> Iterator[Verdict]:
    path, problem, promised, inside, others = release.folder / name, None, None, 0, 0
    try:
        tags = wheel.read_wheel(path).tags if path.suffix == ".whl" else ()
        for platform, member, content in _members(path, release):
            if not content.startswith(magic.COMPILED):
                continue
            digest = Digest.of(content).hex
            if digest in release.compiled:
                inside += 1
                yield from measured.once(f"{name}: {member}", digest, content)
            else:
                others += 1
                problem = problem or _stranger_problem(release, member, digest)
            facts = measured.of(member, digest, content)
            problem = problem or _platform_problem(facts, platform, member)
            if digest not in release.compiled:
                problem = problem or _other_problem(release, name, member, facts)
            if tags and content.startswith(magic.NATIVE):
                promised = promised or _tag_problem(facts, tags, member)
    except (FerruleError, OSError) as error:
        problem = promised = said(error)  # a wheel that cannot be read holds no promise
    held = [f"{inside} of the compiled files"] if inside else []
    held += [f"{others} other{'s' if others > 1 else ''} measured"] if others else []
    yield Verdict(name, f"archive with {' and '.join(held)}" if held else "archive", problem)
    if path.suffix == ".whl":
        yield Verdict(name, "tags", promised)


def _members(path: Path, release: ReleaseFolder) -> Iterator[tuple[str, str, bytes]]:
    """For whom a file of a package is (a target, a platform of OCI, or nobody in particular), its name and content."""
    target = release.files.get(path.relative_to(release.folder).as_posix(), {}).get("target") or ""
    if path.is_dir():
        for image in oci.read_layout(path).images:
            for layer in image.layers:
                if layer.digest.hex not in release.packed:  # a base is what it is, and was checked by its digest
                    with layer.path.open("rb") as stream:
                        yield from _regular(image.platform, tar.read_tar_gz(stream, root=True, where=str(path)))
    elif path.suffix in {".whl", ".zip"}:
        yield from _regular(target, zips.read_zip(path))
    else:
        with open_regular(path) as stream:
            yield from _regular(target, tar.read_tar_gz(stream, where=str(path)))


def _regular(platform: str, entries: Iterator[Member]) -> Iterator[tuple[str, str, bytes]]:
    for entry in entries:
        if entry.regular:
            yield platform, entry.name, entry.read()


def _platform_problem(facts: BinaryFacts, wanted: str, member: str) -> str | None:
    """Whether a file is for another machine than its package, its image or its folder; WebAssembly is for all."""
    named = _OF_GO.match(wanted)
    if facts.system == "wasm" or (wanted not in PLATFORMS and not named):
        return None
    if named:
        right = facts.system == _SYSTEMS[named[1]] and facts.machine in _MACHINES[named[2]]
    else:
        right = (facts.system, facts.machine) == (PLATFORMS[wanted].system, PLATFORMS[wanted].machine)
    return None if right else f"{member} is for {facts.system} on {facts.machine}, and it is packed for {wanted}"


def _faults(facts: BinaryFacts, made: Mapping[str, Any]) -> list[str]:
    """What no compiled file may be, whatever the manifest says: for another target, or as the loader refuses it."""
    platform = PLATFORMS.get(made.get("target") or "")
    return binary.check(facts, platform=platform) if platform else []


def _other_problem(release: ReleaseFolder, name: str, member: str, facts: BinaryFacts) -> str | None:
    """A file that tools made of compiled ones is as it was measured then; a signature is whole, whosever it is."""
    if facts.signature and facts.signature.problems:
        return f"{member}: {facts.signature.problems[0]}"
    made = release.files.get(name, {"artifact": "", "target": None})
    told = release.manifest["facts"].get(action_of(made), {}).get("files", {}).get(member)
    return None if told in (None, binary.summary(facts)) else f"the manifest says something else of {member}"


def _stranger_problem(release: ReleaseFolder, member: str, digest: str) -> str | None:
    """A file with the name of a compiled one must be that one; others (of the user's own) are none of ours."""
    base = member.rpartition("/")[2]
    for made in (one for several in release.compiled.values() for one in several):
        if _stem(base) == _stem(_name(made)):
            return f"{member} is not the {made['artifact']} that was compiled: its SHA-256 is {digest}"
    return None


def _name(made: Mapping[str, Any]) -> str:
    return str(made.get("name") or made.get("file"))


def _stem(name: str) -> str:
    return re.split(r"\.(so|dylib|a|wasm)\b", name.rpartition("/")[2], maxsplit=1)[0]


def _fact_problem(release: ReleaseFolder, found: BinaryFacts, content: bytes, made: Mapping[str, Any]) -> str | None:
    told = claims(release.manifest["facts"], made)
    summary: dict[str, Json] = binary.summary(found)
    if summary not in told:
        nearest = max(told, key=lambda claim: sum(claim.get(k) == v for k, v in summary.items()))
        differing = sorted(k for k in {*nearest, *summary} if nearest.get(k) != summary.get(k))
        return f"the manifest says something else of it: {', '.join(differing)}"
    fingerprint = release.manifest["facts"][action_of(made)].get("fingerprint")
    if isinstance(fingerprint, str) and found.kind != "static library" and fingerprint.encode() not in content:
        # A crate need not compile its fingerprint in, but one that carries another fingerprint carries a lie.
        return _other_fingerprint(content, fingerprint)
    return None


def _other_fingerprint(content: bytes, fingerprint: str) -> str | None:
    other = re.search(rb'"fingerprint": ?"([0-9a-f]{64})"', content)
    return (
        f"it carries the fingerprint {other[1].decode()[:12]}, the manifest says {fingerprint[:12]}" if other else None
    )


def _tag_problem(facts: BinaryFacts, tags: tuple[str, ...], member: str) -> str | None:
    for tag in (tag.rpartition("-")[2] for tag in tags):
        glibc = re.fullmatch(r"manylinux_(\d+)_(\d+)_(\w+)", tag)
        macos = re.fullmatch(r"macosx_(\d+)_(\d+)_(\w+)", tag)
        if tag == "any":
            return f"{member} is for {facts.system} on {facts.machine}, and the tag says any"
        if glibc and (facts.system, facts.machine) != ("linux", glibc[3]):
            return f"{member} is for {facts.system} on {facts.machine}, and the tag says {tag}"
        if glibc and facts.floor and facts.floor.version > (int(glibc[1]), int(glibc[2])):
            return f"{member} needs glibc {facts.floor.text}, and the tag says {tag}"
        if macos and (facts.system, facts.machine) != ("macos", macos[3]):
            return f"{member} is for {facts.system} on {facts.machine}, and the tag says {tag}"
        if macos and facts.minimum_os and _numbers(facts.minimum_os) > (int(macos[1]), int(macos[2])):
            return f"{member} needs macOS {facts.minimum_os}, and the tag says {tag}"
    return None


def _numbers(version: str) -> tuple[int, int]:
    major, _, rest = version.partition(".")
    return int(major), int(rest.partition(".")[0] or 0)
