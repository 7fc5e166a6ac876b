"""What a release says of its origin: provenance, bills of materials and signatures agree with its files."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from ferrule.app.release.release_folder import ReleaseFolder, names, said
from ferrule.core.errors import FerruleError
from ferrule.core.model import Digest, Verdict
from ferrule.core.safe_files import MANIFEST, read_regular
from ferrule.formats import cyclonedx, intoto, sigstore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_FETCHED: Final = ("pkg:cargo/", "pkg:deb/")


def provenance(release: ReleaseFolder) -> Iterator[Verdict]:
    """The statement tells of every file with its digest, and of the commit, version and tools of the manifest."""
    for name in release.of_role("provenance"):
        try:
            subjects, predicate = intoto.read_statement(read_regular(release.folder / name), where=name)
            problem = _subject_problem(release, name, subjects) or _origin_problem(release, predicate)
        except (FerruleError, OSError) as error:
            problem = said(error)
        except (KeyError, TypeError, AttributeError) as error:
            problem = f"the statement is damaged: {error}"
        yield Verdict(name, "provenance", problem)


def _subject_problem(release: ReleaseFolder, own: str, subjects: Mapping[str, Digest]) -> str | None:
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
        (entry,) = json.loads(read_regular(folder / "index.json"))["manifests"]
        return Digest.parse(entry["digest"]).hex
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _origin_problem(release: ReleaseFolder, predicate: Mapping[str, Any]) -> str | None:
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


def bills(release: ReleaseFolder) -> Iterator[Verdict]:
    """Each bill of materials is whole, about the file beside it, and names what was fetched as provenance does."""
    fetched = _fetched(release)
    for name in release.of_role("sbom"):
        try:
            document = json.loads(read_regular(release.folder / name))
            lacking = cyclonedx.problems(document)
            problem = lacking[0] if lacking else _bill_problem(release, name, document, fetched)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            problem = f"it is no bill of materials: {error}"
        yield Verdict(name, "bill of materials", problem)


def _fetched(release: ReleaseFolder) -> Mapping[str, str]:
    """Digests of what was fetched, by package URL, as provenance tells them."""
    found: dict[str, str] = {}
    for name in release.of_role("provenance"):
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):  # told by the claim about provenance
            used = json.loads(read_regular(release.folder / name))["predicate"]["buildDefinition"]
            found |= {
                one["uri"]: one["digest"]["sha256"]
                for one in used["resolvedDependencies"]
                if one.get("uri", "").startswith(_FETCHED) and "digest" in one
            }
    return found


def _bill_problem(
    release: ReleaseFolder, name: str, document: Mapping[str, Any], fetched: Mapping[str, str]
) -> str | None:
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


def signatures(release: ReleaseFolder) -> Iterator[Verdict]:
    """What names all the rest is signed with the key, or, where none is known, no signature is of other bytes."""
    signed = {f"{MANIFEST}{sigstore.SUFFIX}": MANIFEST}
    signed |= {f"{name}{sigstore.SUFFIX}": name for name in release.of_role("checksums")}
    signed |= {sigstore.bundle_of_statement(name): name for name in release.of_role("provenance")}
    claim = "signature" if release.key else "signature (by nobody known)"
    for bundle, name in signed.items():
        if release.key or os.path.lexists(release.folder / bundle):
            yield Verdict(name, claim, _signature_problem(release, bundle, name))
    for name in names(release.folder):
        if name.endswith(sigstore.SUFFIX) and name not in signed and name not in release.files:
            yield Verdict(name, "signature", "it signs nothing that is here")


def _signature_problem(release: ReleaseFolder, bundle: str, name: str) -> str | None:
    statement = release.files.get(name, {}).get("role") == "provenance"
    try:
        signature, content = (read_regular(release.folder / one) for one in (bundle, name))
        if not statement:
            sigstore.verify_blob(release.key, signature, content, where=bundle)
        elif sigstore.verify_statement(release.key, signature, where=bundle) != content:
            return f"{bundle} holds another statement"
    except FileNotFoundError:
        return f"it is not signed: there is no {bundle}"
    except (FerruleError, OSError) as error:
        return said(error)
    return None
