"""What `ferrule publish` and `ferrule verify --published` share: a release that verified, and its destinations."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from ferrule.app import verify as verifying
from ferrule.app.compatibility import interface_gate
from ferrule.app.publish import DESTINATIONS, run
from ferrule.app.publish import base as destinations
from ferrule.app.publish import web as webs
from ferrule.app.publish.attested import Expectation
from ferrule.app.release import publication
from ferrule.app.release import run as releasing
from ferrule.app.release.publishable import publishable
from ferrule.cli import environment, messages, project
from ferrule.core.errors import (
    ConfigError,
    IncomparableError,
    PublishError,
    ToolchainError,
    UsageError,
    VerificationError,
)
from ferrule.core.frozen import dataclass
from ferrule.core.manifest import read_manifest
from ferrule.core.safe_files import STATE, clear, own_folder
from ferrule.engine import lock as locks
from ferrule.formats import keyless
from ferrule.tools.secrets import Hider, secrets_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from ferrule.app.publish.base import Publisher
    from ferrule.config import Config
    from ferrule.core.manifest import Manifest
    from ferrule.tools.host import Host


Hide = Callable[[str], str]
"""Removes secrets from a text."""


@dataclass(frozen=True, slots=True)
class Publishing:
    """A release that verified, and its destinations by the names of their rows.

    `attested` is what is expected of the attestations of a row. `problems` finds what keeps it from being published,
    `scratch` is a folder for the moment, `hide` removes secrets.
    """

    root: Path
    manifest: Manifest
    publishers: dict[str, Publisher]
    attested: dict[str, Expectation]
    problems: Callable[[], tuple[PublishError, ...]]
    scratch: Path
    hide: Hide


@contextmanager
def opened(
    directory: Path,
    source: Path | None,
    *,
    release: str | None = None,
    rows: Sequence[str] = (),
    sign_key: str | None = None,
    say: Callable[[str], None],
) -> Iterator[Publishing]:
    """Verify a release, and open its destinations. Raises as these do, and VerificationError for what fails."""
    config = releasing.load(directory)
    if config.problems:
        raise config.problems[0]
    host = environment.host(offline=False)
    named = project.chosen_release(config, release, source, option="")
    dist = source or config.root / "dist" / (named.name if named else "")
    own_folder(config.root / STATE)
    with locks.locked(config.root / STATE, lambda _: say("another run works in this project; waiting for it to end")):
        scratch = config.root / STATE / "publish"
        clear(scratch)
        scratch.mkdir()
        try:
            key = environment.signing_key(sign_key) if sign_key else None
            say("verifying the release")
            manifest = _verified(dist, key)
            version = named.version.text if named else config.project.version
            # That of the release, which is an older one where a version is taken back.
            tag = named.tag_of(manifest.release) if named else f"v{manifest.release}"
            changes = (named.changelog if named else None) or "CHANGELOG.md"

            def problems() -> tuple[PublishError, ...]:
                of_release = publishable(config.root, manifest, version, tag, changes, host)
                baseline = interface_gate.kept_in(config.root, named.name if named else None)
                others = (config.only(named) if named else config).of_other_releases
                return (*of_release, *_incompatible(baseline, dist, host, others))

            hide = Hider(secrets_of(host.environment, config.root))
            publishers = _publishers(config, host, dist, tag, rows, scratch, key, hide)
            attested = _attested(config, publishers, manifest, tag)
            yield Publishing(config.root, manifest, publishers, attested, problems, scratch, hide)
        finally:
            clear(scratch)


def _incompatible(baseline: Path, dist: Path, host: Host, others: frozenset[str]) -> Iterator[PublishError]:
    """What users would have to change for this version, and its number does not say (`ferrule abi`).

    Only where the interface of the last release is recorded in `baseline`; `others` are artifacts of other releases.
    """
    if not (baseline / interface_gate.RECORD).is_file():
        return
    where, hint = messages.relative_file(baseline), "ferrule abi shows the changes and the version that they ask for"
    try:
        with messages.waiting("comparing the interface with that of the last release"):
            comparison = interface_gate.compare(
                interface_gate.recall(baseline), interface_gate.read(dist, host, others)
            )
    except (IncomparableError, ToolchainError, VerificationError) as error:
        message = f"the interface cannot be compared with that of the last release: {error.message}"
        yield PublishError(message, where=error.where or where, hint=error.hint or hint)
        return
    for problem in comparison.problems:
        yield PublishError(problem, where=where, hint=hint)


def pace(listen: Callable[[run.PublishEvent], None]) -> run.Pace:
    """How a run on this machine waits."""
    return run.Pace(environment.sleep, listen)


def _verified(dist: Path, key: EllipticCurvePrivateKey | None) -> Manifest:
    """The manifest of a release in which nothing is wrong. Raises VerificationError."""
    manifest = read_manifest(dist)
    with messages.waiting("reading every file again"):
        examination = verifying.examine(dist, key.public_key() if key else None)
    if not examination.passed:
        wrong = next((v for v in examination.verdicts if v.problem), None)
        about = f"{wrong.subject}: {wrong.problem}" if wrong else "nothing in it could be checked"
        raise VerificationError(
            f"this release does not verify, so it is not published: {about}",
            where=str(dist),
            hint="ferrule verify shows all of it; make the release again: ferrule release",
        )
    return manifest


def _publishers(
    config: Config,
    host: Host,
    dist: Path,
    tag: str,
    rows: Sequence[str],
    scratch: Path,
    key: EllipticCurvePrivateKey | None,
    hide: Callable[[str], str],
) -> dict[str, Publisher]:
    names = [row.name for row in config.publish]
    if not names:
        raise ConfigError(
            "targets.yaml names no destination",
            where=config.location(("publish",)),
            hint="write, for example, publish: {shelf: {to: folder, path: /srv/releases}}; see docs/how-to/publish.md",
        )
    for missing in (row for row in rows if row not in names):
        raise UsageError(f"there is no row {missing!r}", hint=f"the rows below publish are: {', '.join(names)}")
    selected = [row for row in config.publish if not rows or row.name in rows]
    takes_page = any(DESTINATIONS[row.to].takes_page for row in selected)
    release = publication.publication(dist, tag, scratch / "page" if takes_page else None, key)
    (scratch / "work").mkdir()
    web = webs.Web(host.environment, environment.monotonic, hide)
    context = destinations.PublishContext(web, host, config.root, scratch / "work", environment.now_ns)
    publishers: dict[str, Publisher] = {}
    for row in selected:
        opens = DESTINATIONS[row.to].opened
        assert opens is not None  # noqa: S101 - a row has a section, and so a publisher
        publishers[row.name] = opens(row.section, release, context)
    return publishers


def _attested(config: Config, rows: Iterable[str], manifest: Manifest, tag: str) -> dict[str, Expectation]:
    """What is expected of the rows whose destinations serve attestations."""
    offers = {row.name: (DESTINATIONS[row.to].attestations, row.section) for row in config.publish if row.name in rows}
    return {
        name: Expectation(ask, section.identity, manifest.commit, tag)
        for name, (ask, section) in offers.items()
        if ask is not None
    }


def echo(text: str, *, quiet: bool, as_json: bool) -> None:
    """A line for people: none where a command is to be quiet, on standard error beside JSON."""
    if not quiet:
        messages.echo(text, err=as_json)


def verify_published(opened: Publishing, root: keyless.Root | None = None) -> Iterator[tuple[str, str, str | None]]:
    """Fetch everything back as users do and compare: destination, item, and what is wrong (None if nothing is).

    Attestations that a destination serves have to hold by a trusted root, None for the public one. Where all files of
    the release are, what was fetched has to verify by itself as well.
    """
    trusted = cache(lambda: root or keyless.public_root())
    folder = opened.scratch / "fetched"
    folder.mkdir()
    whole: dict[str, bool] = {}
    for entry, _ in run.fetch_back(opened.publishers, folder, pace(lambda _: None)):
        problem = None if entry.state.presence == "same" else entry.state.detail or "it is not there"
        whole[entry.destination] = whole.get(entry.destination, entry.publisher.whole) and problem is None
        yield entry.destination, entry.item.name, problem
        expectation = opened.attested.get(entry.destination)
        if expectation is not None and problem is None:
            for wrong in expectation.problems(entry.publisher, entry.item, trusted):
                yield entry.destination, f"{entry.item.name}: attestation", wrong
    for name in (name for name, complete in whole.items() if complete):
        examination = verifying.examine(folder / name)
        failed = next((v for v in examination.verdicts if v.problem), None)
        yield name, "verify", f"{failed.subject}: {failed.problem}" if failed else None
