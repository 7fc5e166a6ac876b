"""Checks that provenance, bills of materials and signatures agree with the files of a release."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ferrule.app.release.release_folder import DAMAGE, ReleaseFolder, bundles, describe, pointer, read_document
from ferrule.app.verify.image_archive import index_of
from ferrule.core.errors import FerruleError
from ferrule.core.facts import BillFacts, Facts
from ferrule.core.model import Digest, Verdict
from ferrule.core.safe_files import MANIFEST
from ferrule.formats import attestation, cyclonedx, intoto, keyless, sigstore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_FETCHED: Final = ("pkg:cargo/", "pkg:deb/")
_LISTS: Final = ("checksums", "provenance")


def provenance(release: ReleaseFolder) -> Iterator[Verdict]:
    """The statement names every file with its digest, and the commit, version and tools of the manifest."""
    for name in release.of_role("provenance"):
        if name not in release.intact:
            continue
        covers: tuple[str, ...] = ()
        try:
            subjects, predicate = intoto.read_statement(read_document(release.folder / name), where=name)
            problem = _subject_problem(release, name, subjects) or _origin_problem(release, predicate)
            covers = () if problem else tuple(_agreed(predicate))
        except (FerruleError, OSError) as error:
            problem = describe(error)
        except DAMAGE as error:
            problem = f"the statement is damaged: {error}"
        yield Verdict(name, "provenance", problem, covers)


def _subject_problem(release: ReleaseFolder, statement: str, subjects: Mapping[str, Digest]) -> str | None:
    expected = {name: file.digest for name, file in release.files.items() if name != statement}
    layouts = {name: digest for name in release.packages() if (digest := _index_of(release, name))}
    images = {name: digest for name in release.image_archives() if (digest := _index_of(release, name))}
    expected |= layouts | images
    missing, more = sorted(expected.keys() - subjects.keys()), sorted(subjects.keys() - expected.keys())
    if missing or more:
        return f"it does not name {missing[0]}" if missing else f"it names {more[0]}, which is not there"
    other = [name for name, digest in subjects.items() if digest != expected[name]]
    return f"it names another {other[0]} than is there" if other else None


def _index_of(release: ReleaseFolder, name: str) -> Digest | None:
    """Digest of an image's index, read from its layout, be it a folder or an archive; None for what is no image."""
    archive = release.image_archives().get(name)
    if archive is not None:
        return index_of(release.folder / archive) if archive in release.intact else None
    try:
        (entry,) = json.loads(read_document(release.folder / name / "index.json"))["manifests"]
        return Digest.parse(entry["digest"])
    except (OSError, *DAMAGE):
        return None


def _origin_problem(release: ReleaseFolder, predicate: Mapping[str, Any]) -> str | None:
    manifest, build = release.manifest, predicate["buildDefinition"]
    parameters, used = build["externalParameters"], build["resolvedDependencies"]
    commits = [dependency["digest"]["gitCommit"] for dependency in used if dependency.get("name") == "source"]
    for field, stated, expected in (
        ("project", parameters["project"], manifest.project),
        ("release", parameters["release"], manifest.release),
        ("commit", commits, [manifest.commit] if manifest.commit else []),
    ):
        if stated != expected:
            return f"it names another {field} than the manifest: {stated}"
    tools = manifest.toolchain.tools if manifest.toolchain else {}
    other = [name for name, identity in _tools(used).items() if tools.get(name) != identity]
    return f"it names another {other[0]} than the manifest" if other else None


def _tools(used: list[Any]) -> dict[str, str]:
    return {tool["name"]: tool["annotations"]["identity"] for tool in used if "identity" in tool.get("annotations", {})}


def _agreed(predicate: Mapping[str, Any]) -> Iterator[str]:
    """Places in the manifest of which the statement says the same."""
    yield from ("/project", "/release", "/source/commit")
    yield from (
        pointer("toolchain", "tools", name) for name in _tools(predicate["buildDefinition"]["resolvedDependencies"])
    )


def bills(release: ReleaseFolder) -> Iterator[Verdict]:
    """Each bill of materials is whole, about the file beside it, and names what was fetched as provenance does."""
    fetched = _fetched(release)
    for name in release.of_role("sbom"):
        if name not in release.intact:
            continue
        covers: tuple[str, ...] = ()
        try:
            document = json.loads(read_document(release.folder / name))
            lacking = cyclonedx.problems(document)
            problem = lacking[0] if lacking else _bill_problem(release, name, document, fetched)
            counted = pointer("facts", release.files[name].artifact, "components", name)
            covers = () if problem else ("/release", counted)
        except (OSError, FerruleError, *DAMAGE) as error:
            problem = f"it is no bill of materials: {describe(error)}"
        yield Verdict(name, "bill of materials", problem, covers)


def _fetched(release: ReleaseFolder) -> Mapping[str, str]:
    """Digests of what was fetched, by package URL, as provenance tells them."""
    digests: dict[str, str] = {}
    for name in release.of_role("provenance"):
        try:
            used = json.loads(read_document(release.folder / name))["predicate"]["buildDefinition"]
            digests |= {
                package["uri"]: package["digest"]["sha256"]
                for package in used["resolvedDependencies"]
                if package.get("uri", "").startswith(_FETCHED) and "digest" in package
            }
        except (OSError, *DAMAGE):  # a finding of the claim about provenance
            continue
    return digests


def _bill_problem(
    release: ReleaseFolder, name: str, document: Mapping[str, Any], fetched: Mapping[str, str]
) -> str | None:
    subject = document["metadata"]["component"]
    about, digest = name.removesuffix(".cdx.json"), _sha256_of(subject)
    expected = release.files[about].digest if about in release.files else _index_of(release, about)
    if (expected.hex if expected else None) != digest:
        return f"it is about another {about} than is there"
    if subject["version"] != release.manifest.release:
        return f"it is about version {subject['version']}"
    digests = {file.digest.hex for file in release.manifest.files}
    for component in document["components"]:
        purl, sha256 = component["purl"], _sha256_of(component)
        if purl.startswith("pkg:generic/") and sha256 and sha256 not in digests:
            return f"it names a {component['name']} that was not made"
        if fetched and purl.startswith(_FETCHED) and sha256 and fetched.get(purl) != sha256:
            return f"it names another {component['name']} than was fetched"
    facts = release.manifest.facts.get(release.files[name].artifact, Facts()).of(BillFacts)
    count = facts.components.get(name, "nothing") if facts else "nothing"
    if count != len(document["components"]):
        return f"it has {len(document['components'])} components, the manifest says {count}"
    return None


def _sha256_of(component: Mapping[str, Any]) -> str | None:
    return next((h["content"] for h in component.get("hashes", ()) if h["alg"] == "SHA-256"), None)


def signatures(release: ReleaseFolder) -> Iterator[Verdict]:
    """What names all the rest is signed as it must be, or, where nobody is named, no signature is of other bytes."""
    claim = "signature" if release.key or release.signers.identity else "signature (by nobody known)"
    required = release.key or (release.signers.identity and not release.signers.attestations)
    for bundle, name in bundles(release).items():
        # A file that is missing is a finding of its own: whoever has one file of a release needs no other signature.
        if name != MANIFEST and not os.path.lexists(release.folder / name):
            continue
        if required or os.path.lexists(release.folder / bundle):
            yield Verdict(name, claim, _signature_problem(release, bundle, name))


def _signature_problem(release: ReleaseFolder, bundle: str, name: str) -> str | None:
    try:
        signature, content = (read_document(release.folder / file) for file in (bundle, name))
        if release.key is None and keyless.is_keyless(signature):
            return _identity_problem(release, signature, content, bundle)
        if release.signers.identity is not None:
            return f"{bundle} is the signature of a key, and not of an identity"
        if name == MANIFEST or release.files[name].role != "provenance":
            sigstore.verify_blob(release.key, signature, content, where=bundle)
        elif sigstore.verify_statement(release.key, signature, where=bundle) != content:
            return f"{bundle} holds another statement"
    except FileNotFoundError:
        return f"it is not signed: there is no {bundle}"
    except (FerruleError, OSError, *DAMAGE) as error:
        return describe(error)
    return None


def _identity_problem(release: ReleaseFolder, signature: bytes, content: bytes, bundle: str) -> str | None:
    """How a bundle without a key is not one of a file, or of the statement that the file is, by the right identity."""
    root = release.signers.root or keyless.public_root()
    if "dsseEnvelope" in json.loads(signature):
        statement, signer = keyless.verify_statement(root, signature, where=bundle)
        if statement != content:
            return f"{bundle} holds another statement"
    else:
        signer = keyless.verify_file(root, signature, Digest.of(content), where=bundle)
    return _expected(release, signer).problem(signer)


def _expected(release: ReleaseFolder, signer: keyless.Signer) -> keyless.Identity:
    """Who must have signed, and for which commit: an address of e-mail signs for none."""
    identity = release.signers.identity or keyless.Identity()
    is_of_commit = signer.commit is not None or identity.repository is not None
    return replace(identity, commit=release.manifest.commit if is_of_commit else None)


def attestations(release: ReleaseFolder) -> Iterator[Verdict]:
    """Each attestation that was handed over holds and is about files as they are, and provenance is about every file.

    Left out are the lists of files themselves, which are not among what a workflow attests.
    """
    attested: set[str] = set()
    for label, bundle in release.signers.attestations:
        names: frozenset[str] = frozenset()
        try:
            names, problem = _attested(release, label, bundle)
        except FerruleError as error:
            problem = describe(error)
        attested |= names
        yield Verdict(label, "attestation", problem)
    for name in release.files if release.signers.attestations else ():
        if release.files[name].role not in _LISTS:
            lacks = None if name in attested else "no attestation of provenance is about it"
            yield Verdict(name, "attestation", lacks)


def _attested(release: ReleaseFolder, label: str, bundle: bytes) -> tuple[frozenset[str], str | None]:
    """The files of which an attestation says how they were built, and what is wrong with it."""
    root = release.signers.root or keyless.public_root()
    payload, signer = keyless.verify_statement(root, bundle, where=label)
    statement = attestation.read(payload, where=label)
    by_digest: dict[str, list[str]] = {}
    for name, file in release.files.items():
        by_digest.setdefault(file.digest.hex, []).append(name)
    other = [
        name for name, digests in statement.subjects if name in release.files and not _same(release, name, digests)
    ]
    names = [name for _, digests in statement.subjects for name in by_digest.get(digests.get("sha256", ""), ())]
    problem = _expected(release, signer).problem(signer)
    if problem is None and other:
        problem = f"it is about another {other[0]} than is there"
    elif problem is None and not names:
        problem = "it is about no file of this release"
    counts = problem is None and statement.predicate_type == intoto.PROVENANCE
    return frozenset(names if counts else ()), problem


def _same(release: ReleaseFolder, name: str, digests: Mapping[str, str]) -> bool:
    return digests.get("sha256") == release.files[name].digest.hex
