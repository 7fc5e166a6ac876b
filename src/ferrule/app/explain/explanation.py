"""What a thing is: an artifact, an action, a file of a release, a fingerprint, an exit code, an error.

Each answer is a document, the same that `--json` writes; nothing is built, and nothing of a file is run.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from ferrule.core import errors
from ferrule.core.errors import ConfigError, FerruleError, UsageError
from ferrule.core.manifest import read_manifest
from ferrule.core.model import Digest, Json, to_json
from ferrule.core.safe_files import MANIFEST, STATE
from ferrule.engine.key import difference
from ferrule.engine.state import log_file, logs_folder, work_folder
from ferrule.formats import binary, identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from ferrule.config import ArtifactConfig, Config
    from ferrule.core.manifest import Manifest
    from ferrule.core.model import Action, Plan
    from ferrule.engine.scheduler import Examination
    from ferrule.engine.store import Store
    from ferrule.formats.identity import Identity

_FIELD_LIMIT: Final = 12
_SHORTEST: Final = 8

ADVICE: Final[Mapping[int, tuple[str, tuple[str, ...]]]] = {
    0: ("everything that was asked for was done", ()),
    1: (
        "a bug of ferrule's",
        ("report it with the traceback and `ferrule --version`", "what was finished is kept: the next run goes on"),
    ),
    2: ("a mistake on the command line", ("read the usage above the message, or `ferrule COMMAND --help`",)),
    3: (
        "targets.yaml, or what it points at, is mistaken",
        (
            "every message names file, line and column, and below it what to write",
            "`ferrule check` tells all mistakes at once; `ferrule config` prints what was understood",
        ),
    ),
    4: (
        "a tool is missing, of a wrong version, or does not do its work",
        (
            "`ferrule doctor` names each fault and its fix",
            "`ferrule setup` applies the fixes that it may, and prints the commands for a person to run",
        ),
    ),
    5: (
        "an action could not make its outputs: a compile error, or an input that cannot be used",
        (
            "the message holds the last lines, the command to paste and the path of the whole log (.ferrule/work/logs)",
            "`ferrule explain ACTION` says what it is made of; nothing in dist/ was changed",
        ),
    ),
    6: (
        "something is not what it is declared or claimed to be",
        (
            "the message names file and claim: a symbol, a floor, a digest, a byte that differs",
            "correct the code or what targets.yaml declares; never the file in dist/",
        ),
    ),
    7: (
        "the cache, the work folder or the output folder cannot be used",
        (
            "free some space or correct the permissions of the path in the message, then run the same command again",
            "nothing is lost: `.ferrule` may also be deleted as a whole, which costs time only",
        ),
    ),
    8: (
        "something that had to be fetched could not be",
        (
            "run the same command again where there is a network; what was fetched is kept",
            "with --offline nothing is fetched: run `ferrule setup` and `ferrule release` once without it",
        ),
    ),
    9: (
        "there is nothing to compare with, or it cannot be read",
        ("name a release that can be read, or record the interface of the last one anew",),
    ),
    10: (
        "the release could not be published everywhere, or what is published is not what it should be",
        (
            "the message names destination and item; `ferrule publish --dry-run` looks everywhere and uploads nothing",
            "run the same command again: what is there already is compared and kept, and what is missing is uploaded",
        ),
    ),
    130: (
        "the run was interrupted",
        ("run the same command again: what was finished is kept, and no half-made file is left under its final name",),
    ),
}
"""What each exit code means, and what to do about it."""


@dataclass(frozen=True, slots=True)
class ExplainedProject:
    """What is known of a project: its configuration and plan, what a run would find, and what was made before.

    `examined` is empty where a missing tool keeps the keys from being known; `why_not` then says so. `history` tells by
    action why it was built the last time, as the journals of earlier runs have it.
    """

    config: Config
    plan: Plan
    store: Store
    examined: Mapping[str, Examination]
    why_not: str = ""
    history: Mapping[str, str] = field(default_factory=dict)

    @property
    def releases(self) -> tuple[Path, ...]:
        """The folders where releases are by default: of several, each in one of its own."""
        dist, selected = self.config.root / "dist", self.config.selected
        if selected is not None:
            return (dist / selected.name,)
        return tuple(dist / one.name for one in self.config.releases) or (dist,)


def explain(item: str, here: Path, project: Callable[[], ExplainedProject | None]) -> dict[str, Json]:
    """What `item` is: an exit code, an error, a file, an artifact, an action or a fingerprint.

    Files are named relative to `here`, or as they are called in dist/.

    `project` is asked only where a project is needed, and gives None where there is none. Raises UsageError with the
    nearest names for what is none of them, OSError for a file that cannot be read.
    """
    if re.fullmatch(r"[0-9]{1,3}", item):
        return exit_code(int(item))
    named = {kind.__name__: kind for kind in _error_classes()}
    if item in named:
        return {**exit_code(named[item].exit_code), "item": item}
    path = here / item
    if path.exists() and "/" in item:
        return of_file(path, item, project)
    configured = project()
    explanation = _of_project(item, configured) if configured is not None else None
    released = [folder / item for folder in configured.releases] if configured is not None else []
    file = next((each for each in (path, *released) if each.is_file() or (each is path and each.exists())), None)
    if explanation is None and file is not None:
        explanation = of_file(file, item, lambda: configured)
    if explanation is None and re.fullmatch(rf"(sha256:)?[0-9a-f]{{{_SHORTEST},64}}", item):
        explanation = of_digest(item.removeprefix("sha256:"), configured)
    if explanation is None:
        raise _unknown(item, configured, named)
    return explanation


def _of_project(item: str, project: ExplainedProject) -> dict[str, Json] | None:
    artifact = next((a for a in project.config.artifacts if a.name == item), None)
    if artifact is not None:
        return of_artifact(artifact, project)
    action = next((a for a in project.plan.actions if a.id == item), None)
    return of_action(action, project) if action is not None else None


def _unknown(item: str, project: ExplainedProject | None, named: Mapping[str, type[FerruleError]]) -> UsageError:
    names = [*named]
    if project is not None:
        names += [*(a.name for a in project.config.artifacts), *(a.id for a in project.plan.actions)]
        names += [file.path for _, manifest in _manifests(project) for file in manifest.shipped]
    near = list(dict.fromkeys(get_close_matches(item, names, 3)))
    return UsageError(
        f"nothing here is called {item!r}: no artifact, action, file, fingerprint, exit code or error",
        hint=f"did you mean {' or '.join(near)}?" if near else "ferrule plan lists artifacts and actions",
    )


# Exit codes


def exit_code(code: int) -> dict[str, Json]:
    """What an exit code means and what to do; raises UsageError for one that Ferrule does not have."""
    if code not in ADVICE:
        codes = ", ".join(str(known_code) for known_code in sorted(ADVICE))
        raise UsageError(f"ferrule has no exit code {code}", hint=f"there are: {codes}")
    meaning, advice = ADVICE[code]
    classes = [kind for kind in _error_classes() if kind.__dict__.get("exit_code") == code]
    return {
        "what": "exit code",
        "item": str(code),
        "code": code,
        "class": classes[0].__name__ if classes and code != 1 else None,
        "meaning": meaning,
        "do": list(advice),
    }


def _error_classes() -> Iterator[type[FerruleError]]:
    waiting: list[type[FerruleError]] = [FerruleError]
    while waiting:
        kind = waiting.pop(0)
        if kind.__module__ == errors.__name__:
            yield kind
            waiting += kind.__subclasses__()


# Artifacts and actions


def of_artifact(artifact: ArtifactConfig, project: ExplainedProject) -> dict[str, Json]:
    """What an artifact is, its inputs, the packages that contain it, and the state of its actions."""
    actions = [a for a in project.plan.actions if a.artifact == artifact.name]
    return {
        "what": "artifact",
        "item": artifact.name,
        "kind": artifact.kind.name,
        "summary": artifact.kind.summary,
        "stated": project.config.location(("artifacts", artifact.name)),
        "made_of": [name for _, name in artifact.spec.references()],
        "used_by": list(_users(artifact, project)),
        "targets": [target for target in dict.fromkeys(a.target for a in actions) if target],
        "actions": [of_action(action, project) for action in actions],
    }


def _users(artifact: ArtifactConfig, project: ExplainedProject) -> list[str]:
    return [
        other.name
        for other in project.config.artifacts
        if artifact.name in {name for _, name in other.spec.references()}
    ]


def of_action(action: Action, project: ExplainedProject) -> dict[str, Json]:
    """What an action is, what goes into it, whether it would run and why, what it made last and what was measured."""
    seen, latest = project.examined.get(action.id), project.store.latest(action.id)
    old = latest["document"] if latest else None
    new = seen.document if seen and seen.document else (old if seen and seen.state == "cached" else None)
    document: Any = new or old or {}
    changes = difference(old, new) if old and new else []
    log = log_file(logs_folder(work_folder(project.config.root / STATE)), action.id)
    return {
        "what": "action",
        "item": action.id,
        "artifact": action.artifact,
        "kind": action.kind,
        "target": action.target,
        "recipe": {"name": type(action.recipe).__name__, **_fields(action)},
        "needs": list(action.needs),
        "needed_by": [a.id for a in project.plan.actions if action.id in a.needs],
        "sources": {"declared": list(action.sources), "files": len(document["sources"]) if document else None},
        "tools": {name: document.get("tools", {}).get(name) for name in action.tools},
        "state": seen.state if seen else "unknown",
        "reason": _reason(action, project),
        "key": seen.key.hex if seen and seen.key else None,
        "changes": list(changes),
        "last": _last(action, project, latest),
        "log": str(log) if log.is_file() else None,
    }


def _reason(action: Action, project: ExplainedProject) -> str:
    """Why an action would run or not; one that waits for others has the reason of the first that would run."""
    seen = project.examined.get(action.id)
    if seen is None:
        return project.why_not
    if seen.state != "waiting":
        return seen.reason
    by_id = {a.id: a for a in project.plan.actions}
    root = action
    while project.examined[root.id].state == "waiting":
        root = next(by_id[n] for n in root.needs if project.examined[n].state != "cached")
    return f"if `{root.id}`, which is rebuilt, comes out different: {project.examined[root.id].reason}"


def _fields(action: Action) -> dict[str, Json]:
    """The recipe's own fields, as far as they are short."""
    fields: Any = to_json(action.recipe)
    short = {name: value for name, value in fields.items() if isinstance(value, (str, bool, int)) and value != ""}
    return {"fields": dict(list(short.items())[:_FIELD_LIMIT])}


def _last(action: Action, project: ExplainedProject, latest: Mapping[str, Any] | None) -> Json:
    """What the last run of an action made: key, time of the record in seconds since 1970, outputs, facts."""
    if latest is None:
        return None
    record = project.store.latest_file(action.id)
    result = project.store.find(Digest(latest["key"]))
    paths = {output.name: output.ships for output in action.outputs}
    return {
        "key": latest["key"],
        "built": int(record.stat().st_mtime),
        "because": project.history.get(action.id),
        "seconds": latest.get("seconds"),
        "kept": result is not None,
        "outputs": [
            {"name": f.name, "ships": paths.get(f.name), "size": f.size, "sha256": f.digest.hex} for f in result.files
        ]
        if result
        else [],
        "facts": dict(result.facts) if result else {},
        "read": sorted(result.discovered) if result else [],
    }


# Files


def of_file(path: Path, item: str, project: Callable[[], ExplainedProject | None]) -> dict[str, Json]:
    """What a file or folder says of itself, what was measured of what is in it, and where a manifest lists it.

    `project` is asked for its last release where no manifest is near; one that is configured badly has none. Raises
    OSError if the file cannot be read.
    """
    identities: list[Identity] = []
    measured: dict[str, Json] = {}
    for name, data in identity.files_inside(path):
        identities += identity.identities_of(name, data)
        if summary := _measured(data):
            measured[name] = summary
    digest = Digest.of_file(path) if path.is_file() else None
    folder = _manifest_folder(path, digest, project)
    return {
        "what": "folder" if path.is_dir() else "file",
        "item": item,
        "size": path.stat().st_size if digest else None,
        "sha256": digest.hex if digest else None,
        "measured": measured.pop("", None),
        "inside": measured,
        "identities": [_identity(one) for one in identities],
        "manifest": _listed(path, digest, identities, folder) if folder else None,
    }


def _identity(one: Identity) -> Json:
    return {
        "member": one.member,
        "form": one.form,
        "version": one.version,
        "fingerprint": one.fingerprint,
        "interface": one.interface,
        **dict(one.more),
    }


def _measured(content: bytes) -> Json:
    try:
        return binary.summary(binary.measure(content)).to_json()
    except errors.VerificationError:
        return None  # no library


def _manifest_folder(path: Path, digest: Digest | None, project: Callable[[], ExplainedProject | None]) -> Path | None:
    """The nearest folder above with a manifest, else the last release, of several the one with these bytes."""
    absolute = path.absolute()
    folders = [absolute, *absolute.parents] if path.is_dir() else [*absolute.parents]
    near = next((folder for folder in folders if _read_manifest(folder)), None)
    if near is not None:
        return near
    try:
        configured = project()
    except ConfigError:
        return None
    manifests = _manifests(configured) if configured else []
    listing = (folder for folder, manifest in manifests if any(file.digest == digest for file in manifest.files))
    return next(listing, manifests[0][0] if manifests else None)


def _manifests(project: ExplainedProject) -> list[tuple[Path, Manifest]]:
    """The last releases of a project that can be read."""
    read = ((folder, _read_manifest(folder)) for folder in project.releases)
    return [(folder, manifest) for folder, manifest in read if manifest is not None]


def _read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder; None where there is none that can be understood."""
    with suppress(errors.VerificationError):
        return read_manifest(folder)
    return None


def _listed(path: Path, digest: Digest | None, identities: list[Identity], folder: Path) -> Json:
    """Where a manifest lists these bytes or, failing that, the build that they say they are of."""
    manifest = _read_manifest(folder)
    fingerprints = {one.fingerprint for one in identities if one.fingerprint} - {"unreleased"}
    rows: list[dict[str, Json]] = []
    inside: Counter[tuple[str, str]] = Counter()
    for file in manifest.files if manifest else ():
        if not file.packed and path.is_dir() and (folder / file.path).absolute().is_relative_to(path.absolute()):
            inside[file.artifact, file.kind] += 1  # a folder is told by its name below
        elif file.digest == digest:
            rows.append({"match": "same bytes", **file.document()})
        elif manifest and manifest.facts_of(file).identity.fingerprint in fingerprints:
            rows.append({"match": "holds what it made", **file.document()})
    rows.sort(key=lambda row: row["match"] != "same bytes")
    for (artifact, kind), count in inside.items():
        rows.insert(0, {"match": "is part of the release", "artifact": artifact, "kind": kind, "files": count})
    return {
        "file": str(folder / MANIFEST),
        "project": manifest.project if manifest else None,
        "release": manifest.release if manifest else None,
        "commit": manifest.commit if manifest else None,
        "rows": [*rows],
    }


def of_digest(digits: str, project: ExplainedProject | None) -> dict[str, Json] | None:
    """What has a digest, key or fingerprint that begins so; None if nothing does."""
    if project is None:
        return None
    manifests = _manifests(project)
    matching = ((folder, _rows(manifest, digits)) for folder, manifest in manifests)
    folder, rows = next((each for each in matching if each[1]), (None, []))
    keys = {a: e.key.hex for a, e in project.examined.items() if e.key}
    last = {a.id: record["key"] for a in project.plan.actions if (record := project.store.latest(a.id))}
    interfaces = [
        action
        for _, manifest in manifests
        for action, facts in manifest.facts.items()
        if (facts.identity.interface or "").startswith(digits)
    ]
    actions = [a for a in dict.fromkeys((*keys, *last)) if any(k.get(a, "").startswith(digits) for k in (keys, last))]
    if not rows and not actions and not interfaces:
        return None
    return {
        "what": "digest",
        "item": digits,
        "actions": list(actions),
        "interface_of": list(dict.fromkeys(interfaces)),
        "manifest": {"file": str(folder / MANIFEST), "rows": list(rows)} if folder else None,
    }


def _rows(manifest: Manifest, digits: str) -> list[dict[str, Json]]:
    """The files of a manifest whose digest, key or fingerprint begins so."""
    return [
        {"match": name, **file.document()}
        for file in manifest.files
        for name, value in (
            ("sha256", file.digest.hex),
            ("key", file.key.hex if file.key else None),
            ("fingerprint", manifest.facts_of(file).identity.fingerprint),
        )
        if value is not None and value.startswith(digits)
    ]
