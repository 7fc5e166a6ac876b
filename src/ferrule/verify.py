"""Reads a finished release again and recomputes what it claims: digests, archives, tags, floors, origin, signatures.

A claim is a function from a release to verdicts; `CLAIMS` is the list of them. Nothing here trusts the manifest: it is
what is compared with the bytes. No network, no project and no tool is needed, so a downloaded folder will do.
"""

from __future__ import annotations

import json
import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from ferrule.errors import FerruleError, VerificationError
from ferrule.model import Digest, Json, Verdict
from ferrule.places import MANIFEST, REPORT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    from ferrule.formats.binary import BinaryFacts
    from ferrule.formats.entries import Entry

VERSION: Final = 1
"""Newest format of the manifest that is understood."""

_MAGIC: Final = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"!<arch>\n", b"\0asm")
_UNLISTED: Final = frozenset({"checksums", "provenance"})  # these are about the others, and come after them
_FETCHED: Final = ("pkg:cargo/", "pkg:deb/")
_SIGNATURE: Final = re.compile(r"\.(sigstore\.json|sig|asc)$")


@dataclass(frozen=True, slots=True)
class Release:
    """A folder with a manifest: files that it lists, by name; what was compiled, by digest; digests of what is packed.

    A file counts as compiled by the action that measured it; several packages may hold it besides. `key` is the one
    that must have signed the release, if that is known.
    """

    folder: Path
    manifest: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]]
    compiled: Mapping[str, Sequence[Mapping[str, Any]]]
    packed: frozenset[str]
    key: EllipticCurvePublicKey | None = None

    def packages(self) -> Iterator[str]:
        """Files that hold others, and folders that are image layouts."""
        for name in self.files:
            if name.endswith((".whl", ".tar.gz", ".tgz", ".zip", "/oci-layout")):
                yield name.removesuffix("/oci-layout")


def read_release(folder: Path) -> Release:
    """Read the manifest of a folder; raises VerificationError if there is none, or one that cannot be understood."""
    where = str(folder / MANIFEST)
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        version = manifest["version"]
        if not isinstance(version, int) or version > VERSION:
            raise VerificationError(
                f"the manifest is of the format {version!r}, and this ferrule knows {VERSION}",
                where=where,
                hint="use a newer ferrule",
            )
        files = {str(a["file"]): dict(a) for a in manifest["artifacts"]}
        if len(files) != len(manifest["artifacts"]):
            raise VerificationError("the manifest lists a file twice", where=where)
        for name, one in files.items():
            Digest(one["sha256"])
            if not isinstance(one["size"], int) or name.startswith("/") or ".." in name.split("/"):
                raise VerificationError(f"the manifest has a damaged entry for {name!r}", where=where)
        if not isinstance(manifest["facts"], dict):
            raise VerificationError("the manifest is damaged: its facts are no object", where=where)
        compiled: dict[str, list[dict[str, Any]]] = {}
        for one in (*manifest["packed"], *manifest["artifacts"]):
            if _claims(manifest["facts"], one):
                compiled.setdefault(str(one["sha256"]), []).append(dict(one))
        packed = frozenset(str(p["sha256"]) for p in manifest["packed"])
    except FileNotFoundError:
        raise VerificationError(
            f"there is no {MANIFEST} here, so nothing says what this folder should hold",
            where=str(folder),
            hint="name the folder of a release, or one of its files",
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise VerificationError(f"the manifest is damaged: {type(error).__name__}: {error}", where=where) from error
    return Release(folder, manifest, files, compiled, packed)


def _claims(facts: Mapping[str, Any], one: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was measured of the outputs of the action that made a file."""
    return [v for v in facts.get(_action(one), {}).values() if isinstance(v, dict) and "format" in v]


def _action(one: Mapping[str, Any]) -> str:
    return f"{one['artifact']}@{one['target']}" if one["target"] else str(one["artifact"])


def verify(folder: Path, key: EllipticCurvePublicKey | None = None) -> Iterator[Verdict]:
    """Every verdict about a release; raises VerificationError if it has no manifest that can be understood.

    With a key, what names all the rest must be signed with it.
    """
    release = replace(read_release(folder), key=key)
    for claim in CLAIMS:
        yield from claim(release)


def release_of(file: Path) -> Path | None:
    """The folder of the release that a file belongs to: the nearest above it with a manifest."""
    return next((folder for folder in file.absolute().parents if (folder / MANIFEST).is_file()), None)


def _contents(release: Release) -> Iterator[Verdict]:
    """Each listed file is there with its digest and size, and nothing else is."""
    for name, told in release.files.items():
        yield Verdict(name, "digest", _file_problem(release.folder / name, told))
    known = {*release.files, MANIFEST, REPORT}
    for name in _names(release.folder):
        if name not in known and not _SIGNATURE.search(name):
            yield Verdict(name, "listed", "the manifest does not list it")


def _file_problem(path: Path, told: Mapping[str, Any]) -> str | None:
    try:
        mode = path.lstat()
        if not stat.S_ISREG(mode.st_mode):
            return "it is not a file"
        if mode.st_size != told["size"]:
            return f"it has {mode.st_size} bytes, the manifest says {told['size']}"
        found = Digest.of_file(path).hex
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    return None if found == told["sha256"] else f"its SHA-256 is {found}, the manifest says {told['sha256']}"


def _names(folder: Path) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]  # noqa: PTH114, PTH118
        for name in sorted((*files, *links)):
            yield os.path.relpath(os.path.join(place, name), folder).replace(os.sep, "/")  # noqa: PTH118
        folders[:] = sorted(name for name in folders if name not in links)


def _checksums(release: Release) -> Iterator[Verdict]:
    """The file for sha256sum says the same as the manifest, of every file that it can list."""
    from ferrule.formats.sums import parse_sums  # noqa: PLC0415

    for name, told in release.files.items():
        if told.get("role") != "checksums":
            continue
        try:
            sums = parse_sums((release.folder / name).read_text(encoding="utf-8"), where=name)
        except (OSError, UnicodeDecodeError, VerificationError) as error:
            yield Verdict(name, "checksums", str(error))
            continue
        wrong = [n for n, digest in sums.items() if release.files.get(n, {}).get("sha256") != digest.hex]
        lost = [n for n, other in release.files.items() if n not in sums and other.get("role") not in _UNLISTED]
        yield Verdict(
            name,
            "checksums",
            f"it has another digest for {wrong[0]} than the manifest"
            if wrong
            else f"it does not list {lost[0]}"
            if lost
            else None,
        )


def _packages(release: Release) -> Iterator[Verdict]:
    """Each archive is whole and harmless, and what was compiled is inside with the bytes that were compiled."""
    for name in release.packages():
        problem = None
        inside = 0
        try:
            for member, content in _members(release.folder / name, release):
                if not content.startswith(_MAGIC):
                    continue
                found = _binary_problem(release, member, content)
                inside += found is None and Digest.of(content).hex in release.compiled
                problem = problem or found
        except (FerruleError, OSError) as error:
            problem = error.message if isinstance(error, FerruleError) else str(error)
        yield Verdict(name, f"archive with {inside} of the compiled files" if inside else "archive", problem)


def _members(path: Path, release: Release) -> Iterator[tuple[str, bytes]]:
    from ferrule.formats import oci, tar, wheel  # noqa: PLC0415
    from ferrule.formats import zip as zips  # noqa: PLC0415

    if path.is_dir():
        for image in oci.read_layout(path).images:
            for layer in image.layers:
                if layer.digest.hex not in release.packed:  # a base is what it is, and was checked by its digest
                    with layer.path.open("rb") as stream:
                        yield from _regular(tar.read_tar_gz(stream, root=True, where=str(path)))
    elif path.suffix in {".whl", ".zip"}:
        if path.suffix == ".whl":
            wheel.read_wheel(path)
        yield from _regular(zips.read_zip(path))
    else:
        with path.open("rb") as stream:
            yield from _regular(tar.read_tar_gz(stream, where=str(path)))


def _regular(entries: Iterator[Entry]) -> Iterator[tuple[str, bytes]]:
    for entry in entries:
        if entry.regular:
            yield entry.name, entry.read()


def _binary_problem(release: Release, member: str, content: bytes) -> str | None:
    """A file with the name of a compiled one must be that one; others (of the user's own) are none of ours."""
    if Digest.of(content).hex in release.compiled:
        return None
    base = member.rpartition("/")[2]
    for made in (one for several in release.compiled.values() for one in several):
        if _stem(base) == _stem(_name(made)):
            return f"{member} is not the {made['artifact']} that was compiled: its SHA-256 is {Digest.of(content)}"
    return None


def _name(made: Mapping[str, Any]) -> str:
    return str(made.get("name") or made.get("file"))


def _stem(name: str) -> str:
    return re.split(r"\.(so|dylib|a|wasm)\b", name.rpartition("/")[2], maxsplit=1)[0]


def _measured(release: Release) -> Iterator[Verdict]:
    """What the manifest says of a compiled file was measured of it, and its fingerprint is inside."""
    for subject, content in _compiled(release):
        problems = [_fact_problem(release, content, made) for made in release.compiled[Digest.of(content).hex]]
        yield Verdict(subject, "measured", next(filter(None, problems), None))


def _compiled(release: Release) -> Iterator[tuple[str, bytes]]:
    """Each compiled file once, wherever it is found first."""
    waiting = set(release.compiled)
    for name, told in release.files.items():
        path = release.folder / name
        if told["sha256"] in waiting and path.is_file() and Digest.of_file(path).hex in waiting:
            waiting.discard(told["sha256"])
            yield name, path.read_bytes()
    for name in release.packages():
        try:
            for member, content in _members(release.folder / name, release):
                digest = Digest.of(content).hex if content.startswith(_MAGIC) else ""
                if digest in waiting:
                    waiting.discard(digest)
                    yield f"{name}: {member}", content
        except (FerruleError, OSError):
            continue  # told by the claim about archives


def _fact_problem(release: Release, content: bytes, made: Mapping[str, Any]) -> str | None:
    from ferrule.formats import binary  # noqa: PLC0415

    claims = _claims(release.manifest["facts"], made)
    try:
        found = binary.measure(content, where=_name(made))
    except FerruleError as error:
        return error.message
    summary: dict[str, Json] = binary.summary(found)
    if summary not in claims:
        nearest = max(claims, key=lambda claim: sum(claim.get(k) == v for k, v in summary.items()))
        differing = sorted(k for k in {*nearest, *summary} if nearest.get(k) != summary.get(k))
        return f"the manifest says something else of it: {', '.join(differing)}"
    fingerprint = release.manifest["facts"][_action(made)].get("fingerprint")
    if isinstance(fingerprint, str) and found.kind != "static library" and fingerprint.encode() not in content:
        # A crate need not compile its fingerprint in, but one that carries another fingerprint carries a lie.
        return _other_fingerprint(content, fingerprint)
    return None


def _other_fingerprint(content: bytes, fingerprint: str) -> str | None:
    other = re.search(rb'"fingerprint": ?"([0-9a-f]{64})"', content)
    return (
        f"it carries the fingerprint {other[1].decode()[:12]}, the manifest says {fingerprint[:12]}" if other else None
    )


def _wheel_tags(release: Release) -> Iterator[Verdict]:
    """A wheel promises no more than the library inside holds: machine, glibc, macOS (PEP 600, PEP 425)."""
    from ferrule.formats import binary, wheel  # noqa: PLC0415
    from ferrule.formats import zip as zips  # noqa: PLC0415

    for name in release.files:
        if not name.endswith(".whl"):
            continue
        path, problem = release.folder / name, None
        try:
            tags = wheel.read_wheel(path).tags
            for member, content in _regular(zips.read_zip(path)):
                if content.startswith(_MAGIC[:2]):
                    problem = problem or _tag_problem(binary.measure(content, where=member), tags, member)
        except (FerruleError, OSError) as error:
            problem = str(error)
        yield Verdict(name, "tags", problem)


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


def _provenance(release: Release) -> Iterator[Verdict]:
    """The statement tells of every file with its digest, and of the commit, version and tools of the manifest."""
    from ferrule.formats.intoto import read_statement  # noqa: PLC0415

    for name, told in release.files.items():
        if told.get("role") != "provenance":
            continue
        try:
            subjects, predicate = read_statement((release.folder / name).read_bytes(), where=name)
            problem = _subject_problem(release, name, subjects) or _origin_problem(release, predicate)
        except (FerruleError, OSError) as error:
            problem = error.message if isinstance(error, FerruleError) else str(error)
        except (KeyError, TypeError, AttributeError) as error:
            problem = f"the statement is damaged: {error}"
        yield Verdict(name, "provenance", problem)


def _subject_problem(release: Release, own: str, subjects: Mapping[str, Digest]) -> str | None:
    wanted = {name: str(told["sha256"]) for name, told in release.files.items() if name != own}
    wanted |= {name: digest for name in release.packages() if (digest := _index_of(release.folder / name))}
    missing, more = sorted(wanted.keys() - subjects.keys()), sorted(subjects.keys() - wanted.keys())
    if missing or more:
        return f"it does not tell of {missing[0]}" if missing else f"it tells of {more[0]}, which is not there"
    other = [name for name, digest in subjects.items() if digest.hex != wanted[name]]
    return f"it tells of another {other[0]} than is there" if other else None


def _index_of(folder: Path) -> str | None:
    """Digest of an image's index, read from the layout itself; None for what is no layout."""
    try:
        (entry,) = json.loads((folder / "index.json").read_bytes())["manifests"]
        return Digest.parse(entry["digest"]).hex
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _origin_problem(release: Release, predicate: Mapping[str, Any]) -> str | None:
    manifest, build = release.manifest, predicate["buildDefinition"]
    given, used = build["externalParameters"], build["resolvedDependencies"]
    commits = [one["digest"]["gitCommit"] for one in used if one.get("name") == "source"]
    for what, told, wanted in (
        ("project", given["project"], manifest["project"]),
        ("release", given["release"], manifest["release"]),
        ("commit", commits, [c for c in (manifest["source"]["commit"],) if c]),
    ):
        if told != wanted:
            return f"it names another {what} than the manifest: {told}"
    known = (manifest.get("toolchain") or {}).get("tools", {})
    tools = {one["name"]: one["annotations"]["identity"] for one in used if "identity" in one.get("annotations", {})}
    other = [name for name, identity in tools.items() if known.get(name) != identity]
    return f"it names another {other[0]} than the manifest" if other else None


def _bills(release: Release) -> Iterator[Verdict]:
    """Each bill of materials is whole, about the file beside it, and names what was fetched as provenance does."""
    from ferrule.formats import cyclonedx  # noqa: PLC0415

    fetched = _fetched(release)
    for name, told in release.files.items():
        if told.get("role") != "sbom":
            continue
        try:
            document = json.loads((release.folder / name).read_bytes())
            lacking = cyclonedx.problems(document)
            problem = lacking[0] if lacking else _bill_problem(release, name, document, fetched)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            problem = f"it is no bill of materials: {error}"
        yield Verdict(name, "bill of materials", problem)


def _fetched(release: Release) -> Mapping[str, str]:
    """Digests of what was fetched, by package URL, as provenance tells them."""
    found: dict[str, str] = {}
    for name, told in release.files.items():
        if told.get("role") != "provenance":
            continue
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):  # told by the claim about provenance
            used = json.loads((release.folder / name).read_bytes())["predicate"]["buildDefinition"]
            found |= {
                one["uri"]: one["digest"]["sha256"]
                for one in used["resolvedDependencies"]
                if one.get("uri", "").startswith(_FETCHED) and "digest" in one
            }
    return found


def _bill_problem(release: Release, name: str, document: Mapping[str, Any], fetched: Mapping[str, str]) -> str | None:
    subject = document["metadata"]["component"]
    about, digest = name.removesuffix(".cdx.json"), _sha256_of(subject)
    there = release.files[about]["sha256"] if about in release.files else _index_of(release.folder / about)
    if there != digest:
        return f"it is about another {about} than is there"
    if subject["version"] != release.manifest["release"]:
        return f"it is about version {subject['version']}"
    made = release.packed | {told["sha256"] for told in release.files.values()}
    for component in document["components"]:
        purl, found = component["purl"], _sha256_of(component)
        if purl.startswith("pkg:generic/") and found and found not in made:
            return f"it names a {component['name']} that was not made"
        if fetched and purl.startswith(_FETCHED) and found and fetched.get(purl) != found:
            return f"it names another {component['name']} than was fetched"
    return None


def _sha256_of(component: Mapping[str, Any]) -> str | None:
    return next((h["content"] for h in component.get("hashes", ()) if h["alg"] == "SHA-256"), None)


def _signatures(release: Release) -> Iterator[Verdict]:
    """What names all the rest is signed with the key, or, where none is known, no signature is of other bytes."""
    from ferrule.formats import sigstore  # noqa: PLC0415

    signed = {f"{MANIFEST}{sigstore.SUFFIX}": MANIFEST}
    for name, told in release.files.items():
        if told.get("role") == "checksums":
            signed[f"{name}{sigstore.SUFFIX}"] = name
        elif told.get("role") == "provenance":
            signed[sigstore.bundle_of_statement(name)] = name
    claim = "signature" if release.key else "signature (by nobody known)"
    for bundle, name in signed.items():
        if release.key or os.path.lexists(release.folder / bundle):
            yield Verdict(name, claim, _signature_problem(release, bundle, name))
    for name in _names(release.folder):
        if name.endswith(sigstore.SUFFIX) and name not in signed and name not in release.files:
            yield Verdict(name, "signature", "it signs nothing that is here")


def _signature_problem(release: Release, bundle: str, name: str) -> str | None:
    from ferrule.formats import sigstore  # noqa: PLC0415

    statement = release.files.get(name, {}).get("role") == "provenance"
    try:
        signature, content = (release.folder / bundle).read_bytes(), (release.folder / name).read_bytes()
        if not statement:
            sigstore.verify_blob(release.key, signature, content, where=bundle)
        elif sigstore.verify_statement(release.key, signature, where=bundle) != content:
            return f"{bundle} holds another statement"
    except FileNotFoundError:
        return f"it is not signed: there is no {bundle}"
    except (FerruleError, OSError) as error:
        return error.message if isinstance(error, FerruleError) else str(error)
    return None


CLAIMS: Final[tuple[Callable[[Release], Iterator[Verdict]], ...]] = (
    _contents,
    _checksums,
    _packages,
    _measured,
    _wheel_tags,
    _provenance,
    _bills,
    _signatures,
)
