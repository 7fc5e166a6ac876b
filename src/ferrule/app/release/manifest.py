"""The manifest of a release: made, signed together with what names all the rest, and read again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ferrule.core.errors import VerificationError
from ferrule.core.safe_files import MANIFEST, read_regular
from ferrule.formats import sigstore
from ferrule.tools import git
from ferrule.tools.source_list import has_untracked

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from ferrule.config import Config
    from ferrule.core.model import Json, Placed, Plan, Report
    from ferrule.core.toolchain import Toolchain
    from ferrule.engine.store import Store
    from ferrule.tools.host import Host


def manifest_of(config: Config, plan: Plan, report: Report, toolchain: Toolchain | None, host: Host) -> Json:
    """The manifest: every file with digest, key and measured facts, what was packed inside, tools and commit."""
    state = git.state(config.root, host)
    dirty = state.dirty or (state.commit is not None and has_untracked(config.root, host, sources_of(plan)))
    by_output = {(p.outcome.action.id, p.output.name) for p in report.placed}
    return {
        "version": 1,
        "project": plan.project,
        "release": plan.version,
        "source": {"commit": state.commit, "dirty": dirty if state.dirty is not None else None},
        "toolchain": _tools_document(toolchain),
        "artifacts": [_shipped(p) for p in report.placed],
        "packed": [
            {
                "artifact": o.action.artifact,
                "kind": o.action.kind,
                "target": o.action.target,
                "name": record.name,
                "size": record.size,
                "sha256": record.digest.hex,
                "key": o.key.hex if o.key else None,
            }
            for o in report.outcomes
            for record in o.files
            if not any(a == o.action.id and record.name.partition("/")[0] == n for a, n in by_output)
        ],
        "facts": {o.action.id: dict(o.facts) for o in report.outcomes if o.facts},
    }


def sources_of(plan: Plan) -> frozenset[str]:
    """Files and folders of the project that are compiled or packed."""
    return frozenset(name for action in plan.actions for name in action.sources)


def read_manifest(folder: Path, *, required: bool) -> Json:
    """The manifest of a release, as it was written; where none is `required`, None if there is none.

    Raises VerificationError where it is not one, or is missing.
    """
    try:
        document: Json = json.loads(read_regular(folder / MANIFEST))
    except FileNotFoundError as error:
        if not required:
            return None
        raise VerificationError("there is no release here", where=str(folder), hint="ferrule release") from error
    except (OSError, ValueError, RecursionError) as error:
        told, hint = f"this manifest cannot be read: {error}", "make the release again: ferrule release"
        raise VerificationError(told, where=str(folder / MANIFEST), hint=hint) from error
    refuse_old_names(document, str(folder / MANIFEST))
    return document if isinstance(document, dict) else {}


def refuse_old_names(document: object, where: str) -> None:
    """Raise VerificationError for a manifest with keys that have another name by now; it is of version 0.1.0."""
    toolchain = document.get("toolchain") if isinstance(document, dict) else None
    if isinstance(toolchain, dict) and "road" in toolchain:
        raise VerificationError(
            "toolchain.road is called toolchain.rust-source now: this manifest was written by Ferrule 0.1.0",
            where=where,
            hint="make the release again: ferrule release; or read it with Ferrule 0.1.0",
        )


def text_of(manifest: Json) -> bytes:
    """The manifest as it is written."""
    return (json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def signatures(
    key: EllipticCurvePrivateKey, store: Store, placed: tuple[Placed, ...], manifest: Json
) -> dict[str, bytes]:
    """Bundles that go beside a release: of its manifest, checksums and provenance, which name everything else."""
    signed = {f"{MANIFEST}{sigstore.SUFFIX}": sigstore.sign_blob(key, text_of(manifest))}
    for one in placed:
        if one.output.role == "checksums":
            content = store.object(one.digest).read_bytes()
            signed[f"{one.file}{sigstore.SUFFIX}"] = sigstore.sign_blob(key, content)
        elif one.output.role == "provenance":
            content = store.object(one.digest).read_bytes()
            signed[sigstore.bundle_of_statement(one.file)] = sigstore.sign_statement(key, content)
    return signed


def _tools_document(toolchain: Toolchain | None) -> Json:
    if toolchain is None:
        return None
    tools: dict[str, Json] = {name: tool.identity for name, tool in sorted(toolchain.tools.items())}
    return {"rust-source": toolchain.rust_source, "tools": tools, "std": dict(sorted(toolchain.std.items()))}


def _shipped(placed: Placed) -> Json:
    action = placed.outcome.action
    return {
        "artifact": action.artifact,
        "kind": action.kind,
        "target": action.target,
        "role": placed.output.role,
        "file": placed.file,
        "size": placed.size,
        "sha256": placed.digest.hex,
        "key": placed.outcome.key.hex if placed.outcome.key else None,
    }
