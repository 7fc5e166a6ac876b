"""The format of targets.yaml as others read it: a JSON schema for editors, and the tables of its reference page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ferrule.config.artifacts import PER_TARGET
from ferrule.config.sections import NAME, Outline, ProjectSection, TargetSection, ToolchainSection
from ferrule.platforms import PLATFORMS, Platform

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ferrule.spec import Kind, Section

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(kinds: Mapping[str, Kind], platforms: Mapping[str, Platform] = PLATFORMS) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of targets.yaml: all that can be said of a value without its surroundings."""
    outline = _of(Outline)
    properties = outline["properties"]
    properties["project"] = {**_described(properties["project"]), "$ref": "#/$defs/project"}
    properties["toolchain"] = {**_described(properties["toolchain"]), "$ref": "#/$defs/toolchain"}
    properties["targets"] = {
        **_described(properties["targets"]),
        "type": "object",
        "minProperties": 1,
        "properties": {triple: _target(platform) for triple, platform in platforms.items()},
        "additionalProperties": False,
    }
    properties["artifacts"] = {
        **_described(properties["artifacts"]),
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": NAME},
        "additionalProperties": {"$ref": "#/$defs/artifact"},
    }
    definitions = {"project": _of(ProjectSection), "toolchain": _of(ToolchainSection), "artifact": _artifact(kinds)}
    definitions |= {kind.name: _kind(kind) for kind in kinds.values()}
    return {"$schema": _DIALECT, "title": "targets.yaml", **outline, "$defs": definitions}


def _of(model: type[Section]) -> dict[str, Any]:
    """A model's schema with the models it holds written out, so that every definition is a section of the file."""
    made = model.model_json_schema(by_alias=True)
    held = made.pop("$defs", {})
    whole = _inlined(_titles_removed(made), {name: _titles_removed(value) for name, value in held.items()})
    return dict(whole)


def _titles_removed(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Without the titles that pydantic derives from names: editors would show them in place of the keys."""
    if isinstance(value, dict):
        return {k: _titles_removed(v) for k, v in value.items() if not (k == "title" and isinstance(v, str))}
    return [_titles_removed(v) for v in value] if isinstance(value, list) else value


def _inlined(value: Any, held: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        if "$ref" in value:
            rest = {k: v for k, v in value.items() if k != "$ref"}
            return {**_inlined(held[value["$ref"].rpartition("/")[2]], held), **_inlined(rest, held)}
        return {k: _inlined(v, held) for k, v in value.items()}
    return [_inlined(v, held) for v in value] if isinstance(value, list) else value


def _described(part: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": part["description"]}


def _target(platform: Platform) -> dict[str, Any]:
    """A target's section, with the floor that this platform has; empty will do."""
    made = _of(TargetSection)
    floors = {"glibc", "macos"} - {platform.floor_name}
    made["properties"] = {k: v for k, v in made["properties"].items() if k not in floors}
    return {**made, "type": ["object", "null"]}


def _artifact(kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """An artifact: its kind decides what else it may hold."""
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {
            "kind": {
                "description": "What is made: "
                + "; ".join(f"{kind.name}: {kind.summary}" for kind in kinds.values())
                + ".",
                "enum": list(kinds),
            }
        },
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
                "then": {"$ref": f"#/$defs/{name}"},
            }
            for name in kinds
        ],
    }


def _kind(kind: Kind) -> dict[str, Any]:
    made = _of(kind.spec)
    own = {k: v for k, v in made["properties"].items() if k not in ("kind", "targets")}
    overrides = {
        "description": "Globs over targets, and the keys that differ for those.",
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "minProperties": 1,
            "properties": own,
            "additionalProperties": False,
        },
    }
    return {**made, "properties": {**made["properties"], PER_TARGET: overrides}}
