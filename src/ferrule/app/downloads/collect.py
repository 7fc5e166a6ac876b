"""Collects what the page of a release shows from its own files, without project, tools or network."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from ferrule.app.release.release_folder import DAMAGE, bundles, read_document
from ferrule.core.downloads import CheckSummary, Download, DownloadPackage, DownloadPage, ReleasedFile
from ferrule.core.errors import VerificationError
from ferrule.core.facts import GoModuleFacts, ImageFacts
from ferrule.core.model import Digest
from ferrule.core.safe_files import MANIFEST
from ferrule.formats import binary, cyclonedx, identity, magic, requirements
from ferrule.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ferrule.app.release.release_folder import ReleaseFolder
    from ferrule.core.facts import MeasuredFile
    from ferrule.core.manifest import ManifestFile
    from ferrule.core.model import Verdict

_BILL: Final = ".cdx.json"
_LARGEST_METADATA: Final = 1 << 20
"""Bytes of a file in which a package says what it needs; of a larger one only the name counts."""


def collect(
    release: ReleaseFolder, verdicts: Iterable[Verdict], *, signer: str | None, changelog: str | None
) -> DownloadPage:
    """The page of a release, of which `verdicts` say that it holds. Raises VerificationError, OSError."""
    manifest, verdicts = release.manifest, tuple(verdicts)
    by_artifact: dict[str, list[ManifestFile]] = {}
    for file in manifest.shipped:
        by_artifact.setdefault(file.artifact, []).append(file)
    describes = {artifact: _describes_others(files[0].kind) for artifact, files in by_artifact.items()}
    bills = {file.path: _bill(release, file.path) for file in manifest.shipped if file.role == "sbom"}
    of_files = {f"{name}{_BILL}" for name in _tops(manifest.shipped)}
    whole = next((bill for path, bill in bills.items() if path not in of_files), None)
    signed = {name: file for name, file in bundles(release).items() if (release.folder / name).is_file()}
    return DownloadPage(
        project=manifest.project,
        version=manifest.release,
        commit=manifest.commit,
        dirty=manifest.dirty,
        packages=tuple(
            DownloadPackage(artifact, _summary(files[0].kind), tuple(_downloads(release, files, bills)))
            for artifact, files in by_artifact.items()
            if not describes[artifact]
        ),
        describing=tuple(
            _file(file)
            for file in sorted(manifest.shipped, key=lambda file: file.role != "checksums")
            if describes[file.artifact] and file.path not in of_files
        )
        + tuple(_on_disk(release, name) for name in (MANIFEST, *signed)),
        checksums=tuple(release.of_role("checksums")),
        provenance=tuple(release.of_role("provenance")),
        bundles=signed,
        check=CheckSummary(
            dict(sorted(Counter(verdict.claim.partition(" with ")[0] for verdict in verdicts).items())),
            len({verdict.subject for verdict in verdicts}),
        ),
        signer=signer,
        license=whole.licenses if whole else (),
        parts=_parts([whole] if whole else list(bills.values())) if bills else None,
        changelog=changelog,
    )


def _describes_others(kind: str) -> bool:
    return kind in KINDS and KINDS[kind].last > 0


def _summary(kind: str) -> str:
    return KINDS[kind].summary if kind in KINDS else kind


def _tops(files: Iterable[ManifestFile]) -> dict[str, list[ManifestFile]]:
    """The files at the top of a release, and its folders with the files in each."""
    tops: dict[str, list[ManifestFile]] = {}
    for file in files:
        tops.setdefault(file.path.partition("/")[0], []).append(file)
    return tops


def _file(file: ManifestFile) -> ReleasedFile:
    return ReleasedFile(file.path, file.size, file.digest)


def _on_disk(release: ReleaseFolder, name: str) -> ReleasedFile:
    content = read_document(release.folder / name)
    return ReleasedFile(name, len(content), Digest.of(content))


def _downloads(
    release: ReleaseFolder, files: Iterable[ManifestFile], bills: Mapping[str, cyclonedx.BomLicenses]
) -> Iterator[Download]:
    for top, inside in _tops(files).items():
        facts = release.manifest.facts_of(inside[0])
        image, module = facts.of(ImageFacts), facts.of(GoModuleFacts)
        targets = dict.fromkeys(file.target for file in inside if file.target)
        needs = requirements.Requirements() if image else _requirements(release, top)
        bill = f"{top}{_BILL}"
        yield Download(
            path=top,
            files=tuple(_file(file) for file in inside),
            platforms=image.platforms if image else module.go_platforms if module else tuple(targets),
            floors=needs.floors,
            loads=needs.loads,
            requires=(
                *needs.packages,
                *(f"{name} {version}" for name, version in (module.requires if module else {}).items()),
            ),
            licenses=bills[bill].all if bill in bills else (),
            bill=bill if bill in bills else None,
            image=image.index if image else None,
            folder=inside[0].path != top,
        )


def _requirements(release: ReleaseFolder, top: str) -> requirements.Requirements:
    members: dict[str, bytes] = {}
    measured: list[MeasuredFile] = []
    for name, content in identity.files_inside(release.folder / top):
        members[name] = content if len(content) <= _LARGEST_METADATA else b""
        if facts := _measured(content):
            measured.append(facts)
    return requirements.of(top, members, measured)


def _measured(content: bytes) -> MeasuredFile | None:
    """What a library or program was measured to be; None for anything else, such as a static library."""
    if not content.startswith(magic.COMPILED) or content.startswith(magic.AR):
        return None
    with suppress(VerificationError):
        return binary.summary(binary.measure(content))
    return None


def _bill(release: ReleaseFolder, path: str) -> cyclonedx.BomLicenses:
    try:
        document: Any = json.loads(read_document(release.folder / path))
        return cyclonedx.licenses_of(document)
    except DAMAGE as error:
        raise VerificationError(f"the bill of materials is damaged: {error}", where=path) from error


def _parts(bills: list[cyclonedx.BomLicenses]) -> dict[str | None, tuple[str, ...]]:
    """Names and versions of what is in a release, by licence; what states none comes last."""
    by_license: dict[str | None, set[str]] = {}
    for bill in bills:
        for name, licenses in bill.parts:
            for license_ in licenses or (None,):
                by_license.setdefault(license_, set()).add(name)
    return {key: tuple(sorted(by_license[key])) for key in sorted(by_license, key=lambda key: (key is None, key or ""))}
