"""The manifest of a release: made, and signed together with what names all the rest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ferrule.core import facts
from ferrule.core import manifest as manifests
from ferrule.core.safe_files import MANIFEST
from ferrule.formats import sigstore
from ferrule.tools import git
from ferrule.tools.source_list import has_untracked

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from ferrule.config import Config
    from ferrule.core.model import Digest, Outcome, Placed, Plan, Report
    from ferrule.core.toolchain import Toolchain
    from ferrule.engine.store import Store
    from ferrule.tools.host import Host


def manifest_of(
    config: Config, plan: Plan, report: Report, toolchain: Toolchain | None, host: Host
) -> manifests.Manifest:
    """The manifest: every file with digest, key and measured facts, what was packed inside, tools and commit."""
    state = git.state(config.root, host)
    dirty = state.dirty or (state.commit is not None and has_untracked(config.root, host, sources_of(plan)))
    by_output = {(p.outcome.action.id, p.output.name) for p in report.placed}
    packed = (
        _file(o, record.name, record.digest, record.size, None)
        for o in report.outcomes
        for record in o.files
        if not any(a == o.action.id and record.name.partition("/")[0] == n for a, n in by_output)
    )
    return manifests.Manifest(
        project=plan.project,
        release=plan.version,
        commit=state.commit,
        dirty=dirty if state.dirty is not None else None,
        toolchain=_tools(toolchain),
        files=(*(_file(p.outcome, p.file, p.digest, p.size, p.output.role) for p in report.placed), *packed),
        facts={o.action.id: facts.Facts.from_json(o.facts, o.action.id) for o in report.outcomes if o.facts},
    )


def sources_of(plan: Plan) -> frozenset[str]:
    """Files and folders of the project that are compiled or packed."""
    return frozenset(name for action in plan.actions for name in action.sources)


def _file(outcome: Outcome, path: str, digest: Digest, size: int, role: str | None) -> manifests.ManifestFile:
    action = outcome.action
    return manifests.ManifestFile(action.artifact, action.kind, action.target, path, size, digest, outcome.key, role)


def _tools(toolchain: Toolchain | None) -> manifests.ManifestToolchain | None:
    if toolchain is None:
        return None
    tools = {name: tool.identity for name, tool in sorted(toolchain.tools.items())}
    return manifests.ManifestToolchain(toolchain.rust_source, tools, dict(sorted(toolchain.std.items())))


def text_of(manifest: manifests.Manifest) -> bytes:
    """The manifest as it is written."""
    return (json.dumps(manifest.document(), indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def signatures(
    key: EllipticCurvePrivateKey, store: Store, placed: tuple[Placed, ...], manifest: manifests.Manifest
) -> dict[str, bytes]:
    """Bundles that go beside a release: of its manifest, checksums and provenance, which name everything else."""
    signed = {f"{MANIFEST}{sigstore.SUFFIX}": sigstore.sign_blob(key, text_of(manifest))}
    for file in placed:
        if file.output.role == "checksums":
            content = store.object(file.digest).read_bytes()
            signed[f"{file.file}{sigstore.SUFFIX}"] = sigstore.sign_blob(key, content)
        elif file.output.role == "provenance":
            content = store.object(file.digest).read_bytes()
            signed[sigstore.bundle_of_statement(file.file)] = sigstore.sign_statement(key, content)
    return signed
