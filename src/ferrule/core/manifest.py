"""What manifest.json holds, as values, and its one reader, which checks a document by the schema that is published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ferrule.core import strict_json
from ferrule.core.errors import VerificationError
from ferrule.core.facts import DEFINITIONS, Facts
from ferrule.core.facts import SCHEMA as FACTS
from ferrule.core.frozen import dataclass
from ferrule.core.json_schema import COUNT, DIGEST, TEXT, map_of, or_null, problems, strict_object
from ferrule.core.model import Digest
from ferrule.core.safe_files import MANIFEST, read_regular

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ferrule.core.model import Json

VERSION: Final = 1
"""Version of the format that is written, and the newest that is read."""

LARGEST_DOCUMENT: Final = 64 << 20
"""Bytes of a document of a release (manifest, checksums, statement, bill of materials): no real one is near it."""

_DEEPEST: Final = 32
_TOO_DEEP: Final = f"it is nested deeper than {_DEEPEST} levels"
_AGAIN: Final = "get it again from where it comes, or make the release again: ferrule release"
_FILE: Final[dict[str, Any]] = {
    "artifact": {**TEXT, "description": "Name of the artifact in targets.yaml."},
    "kind": {**TEXT, "description": "Its kind."},
    "target": {**or_null(TEXT), "description": "Rust target triple; null if it is for all targets."},
    "size": {**COUNT, "description": "Bytes."},
    "sha256": {**DIGEST, "description": "SHA-256 of the content."},
    "key": {
        **or_null(DIGEST),
        "description": "Key of the action that made it: SHA-256 of everything that its outputs depend on.",
    },
}
_INSIDE: Final = r"^(?!/)(?!(.*/)?\.\.?(/|$))[^\\\u0000]+$"
"""A path that stays inside of the folder it is relative to."""


def _schema(name: dict[str, Any]) -> dict[str, Any]:
    """The schema, with that of a file's name."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:ferrule:manifest:{VERSION}",
        "title": "manifest.json of a release by Ferrule",
        "$defs": DEFINITIONS,
        **strict_object(
            version={"const": VERSION, "description": "Version of this format."},
            project={**TEXT, "description": "Name of the release."},
            release={**TEXT, "description": "Its version."},
            source={
                **strict_object(
                    commit={**or_null(TEXT), "description": "The commit that was checked out; null without Git."},
                    dirty={"type": ["boolean", "null"], "description": "Whether tracked files differed from it."},
                ),
                "description": "Where the sources come from.",
            },
            toolchain={
                **or_null(
                    strict_object(
                        **{
                            "rust-source": {
                                "enum": ["distribution", "installed", "rustup"],
                                "description": "How Rust was installed.",
                            },
                            "tools": {
                                **map_of({"type": "string"}),
                                "description": "Version in full of each program, as it counts in keys.",
                            },
                            "std": {
                                "type": "object",
                                "additionalProperties": {"enum": ["build-std", "prebuilt"]},
                                "description": "By target, whether the standard library was prebuilt or compiled too.",
                            },
                        }
                    )
                ),
                "description": "What built it; null if nothing was compiled.",
            },
            artifacts={
                "type": "array",
                "description": "Every file of the release, in the order of the plan.",
                "items": strict_object(
                    **_FILE,
                    file={**name, "description": "Path below the folder of the release."},
                    role={**TEXT, "description": "What it is to its kind: wheel, sdist, module, component, layout, …"},
                ),
            },
            packed={
                "type": "array",
                "description": "Files that were made and only went into others.",
                "items": strict_object(**_FILE, name={**name, "description": "Name under which the action made it."}),
            },
            facts={
                **map_of(FACTS),
                "description": "By action, what was measured of its outputs.",
            },
        ),
    }


SCHEMA: Final = _schema({**TEXT, "pattern": _INSIDE})
"""The published schema, docs/manifest.schema.json."""

_SCHEMA_OF_ANY_NAMES: Final = _schema({"type": "string"})


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """A file that a manifest names: its `path` in dist/ or, where it was only packed (no `role`), its name alone."""

    artifact: str
    kind: str
    target: str | None
    path: str
    size: int
    digest: Digest
    key: Digest | None
    role: str | None

    @property
    def packed(self) -> bool:
        """Whether it only went into other files."""
        return self.role is None

    @property
    def action(self) -> str:
        """Id of the action that made it."""
        return f"{self.artifact}@{self.target}" if self.target else self.artifact

    def document(self) -> dict[str, Json]:
        """The file as manifest.json has it."""
        name: dict[str, Json] = {"name": self.path} if self.role is None else {"file": self.path, "role": self.role}
        return {
            "artifact": self.artifact,
            "kind": self.kind,
            "target": self.target,
            "size": self.size,
            "sha256": self.digest.hex,
            "key": self.key.hex if self.key else None,
            **name,
        }


@dataclass(frozen=True, slots=True)
class ManifestToolchain:
    """What built a release: how Rust was installed, the version of each tool, what std each target had."""

    rust_source: str
    tools: Mapping[str, str]
    std: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of a release; `files` are those in dist/ and those that were packed, `facts` are by action."""

    project: str
    release: str
    commit: str | None
    dirty: bool | None
    toolchain: ManifestToolchain | None
    files: tuple[ManifestFile, ...]
    facts: Mapping[str, Facts]

    @property
    def shipped(self) -> tuple[ManifestFile, ...]:
        """Files of the release."""
        return tuple(file for file in self.files if not file.packed)

    @property
    def packed(self) -> tuple[ManifestFile, ...]:
        """Files that only went into others."""
        return tuple(file for file in self.files if file.packed)

    def facts_of(self, file: ManifestFile) -> Facts:
        """What was measured by the action that made a file."""
        return self.facts.get(file.action, Facts())

    def document(self) -> dict[str, Json]:
        """The manifest as it is written."""
        tools = self.toolchain
        return {
            "version": VERSION,
            "project": self.project,
            "release": self.release,
            "source": {"commit": self.commit, "dirty": self.dirty},
            "toolchain": {"rust-source": tools.rust_source, "tools": dict(tools.tools), "std": dict(tools.std)}
            if tools
            else None,
            "artifacts": [file.document() for file in self.shipped],
            "packed": [file.document() for file in self.packed],
            "facts": {action: facts.to_json() for action, facts in self.facts.items()},
        }


def read_manifest(folder: Path, *, any_names: bool = False) -> Manifest:
    """Read the manifest of a folder, as `parse_manifest` does; raises VerificationError also if there is none."""
    path = folder / MANIFEST
    try:
        content = read_regular(path, largest=LARGEST_DOCUMENT)
    except FileNotFoundError as error:
        raise VerificationError(
            f"there is no release here: no {MANIFEST} says what this folder should hold",
            where=str(folder),
            hint="name the folder of a release, or make one: ferrule release",
        ) from error
    except OSError as error:
        raise VerificationError(f"the manifest cannot be read: {error.strerror or error}", where=str(path)) from error
    return parse_manifest(content, str(path), any_names=any_names)


def parse_manifest(content: bytes, where: str, *, any_names: bool = False) -> Manifest:
    """Read a manifest; raises VerificationError with every problem, and for a newer format.

    With `any_names`, a file may have a name that leads out of the folder or that no file can have: for `verify`, which
    reports each such name as a finding of its own. All others must not meet one.
    """
    return manifest_from(_document(content, where), where, any_names=any_names)


def _document(content: bytes, where: str) -> Any:  # noqa: ANN401 - any JSON
    """A document in JSON, in which no key may stand twice; raises VerificationError."""
    try:
        text = content.decode()
        return strict_json.loads(text)
    except (ValueError, RecursionError) as error:
        problem = _TOO_DEEP if isinstance(error, RecursionError) else error
        raise VerificationError(f"the manifest is damaged: {problem}", where=where, hint=_AGAIN) from error


def manifest_from(document: Any, where: str, *, any_names: bool = False) -> Manifest:  # noqa: ANN401 - any JSON
    """Check a document and take its values, as `parse_manifest` does."""
    version = document.get("version") if isinstance(document, dict) else None
    if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        raise VerificationError(
            f"unsupported format version {version} (expected {VERSION})", where=where, hint="use a newer ferrule"
        )
    # The depth comes first: whoever reads a document after this may recurse into it.
    schema = _SCHEMA_OF_ANY_NAMES if any_names else SCHEMA
    wrong = [_TOO_DEEP] if _deeper(document, _DEEPEST) else list(problems(document, schema))
    _refuse_old_names(document, where)
    if wrong:
        raise VerificationError("\n  ".join(["the manifest is damaged:", *wrong]), where=where, hint=_AGAIN)
    manifest = _manifest(document)
    paths = [file.path for file in manifest.shipped]
    twice = sorted({path for path in paths if paths.count(path) > 1}) if len(set(paths)) < len(paths) else []
    if twice:
        raise VerificationError(f"the manifest lists a file twice: {twice[0]}", where=where)
    return manifest


def _deeper(document: object, levels: int) -> bool:
    """Whether values are nested deeper than so many levels; it does not recurse."""
    layer = [document]
    for _ in range(levels + 1):
        layer = [
            inner
            for value in layer
            for inner in (value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
        ]
    return bool(layer)


def _refuse_old_names(document: object, where: str) -> None:
    """Raise VerificationError for a manifest with keys that have another name by now; it is of version 0.1.0."""
    toolchain = document.get("toolchain") if isinstance(document, dict) else None
    if isinstance(toolchain, dict) and "road" in toolchain:
        raise VerificationError(
            "toolchain.road is called toolchain.rust-source now: this manifest was written by Ferrule 0.1.0",
            where=where,
            hint="make the release again: ferrule release; or read it with Ferrule 0.1.0",
        )


def _manifest(document: dict[str, Any]) -> Manifest:
    tools = document["toolchain"]
    return Manifest(
        project=document["project"],
        release=document["release"],
        commit=document["source"]["commit"],
        dirty=document["source"]["dirty"],
        toolchain=ManifestToolchain(tools["rust-source"], tools["tools"], tools["std"]) if tools else None,
        files=(
            *(_file(row, row["file"], row["role"]) for row in document["artifacts"]),
            *(_file(row, row["name"], None) for row in document["packed"]),
        ),
        facts={action: Facts.of_json(values) for action, values in document["facts"].items()},
    )


def _file(row: Mapping[str, Any], path: str, role: str | None) -> ManifestFile:
    return ManifestFile(
        artifact=row["artifact"],
        kind=row["kind"],
        target=row["target"],
        path=path,
        size=row["size"],
        digest=Digest(row["sha256"]),
        key=Digest(row["key"]) if row["key"] else None,
        role=role,
    )
