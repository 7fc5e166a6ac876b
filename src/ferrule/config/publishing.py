"""The format of targets.yaml as others read it: a JSON schema for editors, and tables for its reference page."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ferrule.config.artifacts import FIXED, PER_TARGET
from ferrule.config.ci import CiSection
from ferrule.config.json_schema import schema_of
from ferrule.config.releases import ReleaseSection
from ferrule.config.sections import NAME, RELEASE_NAME, ProjectSection, TargetSection, TargetsFile, toolchain_section
from ferrule.core.platforms import PLATFORMS, Platform
from ferrule.kinds.base import Spec
from ferrule.toolchain.registry import TOOLS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ferrule.config.ci import PublishDestination
    from ferrule.kinds.base import Kind
    from ferrule.tools.definition import ToolDefinition

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
ID = "urn:ferrule:targets:1"
"""Name of the schema, with the version of the format (docs/decisions/0027)."""


def schema(
    kinds: Mapping[str, Kind],
    destinations: Mapping[str, PublishDestination],
    platforms: Mapping[str, Platform] = PLATFORMS,
    tools: Mapping[str, ToolDefinition] = TOOLS,
) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of targets.yaml: all that can be said of a value without its surroundings."""
    outline = schema_of(TargetsFile)
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
    properties["releases"] = {
        **_described(properties["releases"]),
        "type": ["object", "null"],
        "propertyNames": {"pattern": RELEASE_NAME},
        "additionalProperties": {"$ref": "#/$defs/release"},
    }
    properties["publish"] = {
        **_described(properties["publish"]),
        "type": ["object", "null"],
        "propertyNames": {"pattern": NAME},
        "additionalProperties": {"$ref": "#/$defs/publish"},
    }
    properties["ci"] = {**_described(properties["ci"]), "$ref": "#/$defs/ci"}
    definitions = {
        "project": schema_of(ProjectSection),
        "toolchain": {**schema_of(toolchain_section(tools)), "type": ["object", "null"]},
        "artifact": _artifact(kinds),
        "release": schema_of(ReleaseSection),
        "publish": _publish(destinations),
        "ci": {**_ci(destinations), "type": ["object", "null"]},
    }
    definitions |= {kind.name: _kind(kind) for kind in kinds.values()}
    return {"$schema": _DIALECT, "$id": ID, "title": "targets.yaml", **outline, "$defs": definitions}


def _described(part: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": part["description"]}


def _target(platform: Platform) -> dict[str, Any]:
    """A target's section, with the floor that this platform has; empty will do."""
    schema = schema_of(TargetSection)
    floors = {"glibc", "macos"} - {platform.floor_name}
    schema["properties"] = {k: v for k, v in schema["properties"].items() if k not in floors}
    return {**schema, "type": ["object", "null"]}


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


def _publish(destinations: Mapping[str, PublishDestination]) -> dict[str, Any]:
    """A row below `publish`: its destination decides what else it may hold."""
    offered = {name: one for name, one in destinations.items() if one.section is not None}
    return {
        "type": "object",
        "required": ["to"],
        "properties": {
            "to": {
                "description": "The destination: "
                + "; ".join(f"{name} {one.summary}" for name, one in offered.items())
                + ".",
                "enum": list(offered),
            }
        },
        "allOf": [
            {
                "if": {"properties": {"to": {"const": name}}, "required": ["to"]},
                "then": schema_of(one.section),
            }
            for name, one in offered.items()
            if one.section is not None
        ],
    }


def _ci(destinations: Mapping[str, PublishDestination]) -> dict[str, Any]:
    """The section `ci`, with the destinations that there are."""
    section = schema_of(CiSection)
    publish = section["properties"]["publish"]
    offered = [destination for destination in destinations.values() if destination.has_job]
    summaries = ", ".join(f"`{destination.name}` {destination.summary}" for destination in offered)
    publish["description"] = publish["description"].removesuffix(".") + f": {summaries}."
    publish["items"] = {"enum": [destination.name for destination in offered], "type": "string"}
    return section


def reference(
    kinds: Mapping[str, Kind],
    destinations: Mapping[str, PublishDestination],
    tools: Mapping[str, ToolDefinition] = TOOLS,
) -> str:
    """The keys of every part and kind as tables in Markdown, for the reference page."""
    every = {**schema_of(Spec)["properties"], PER_TARGET: _overrides({})}
    every["kind"] = {**every["kind"], "enum": list(kinds)}
    tables = [
        _table("`project`", schema_of(ProjectSection)),
        _table("`toolchain`", schema_of(toolchain_section(tools))),
        _table("`targets`", schema_of(TargetSection)),
        _table(
            "Every artifact",
            {"description": "Keys of artifacts of any kind.", "properties": every, "required": ["kind"]},
        ),
        *(_table(f"Kind `{kind.name}`", schema_of(kind.spec), leave_out=tuple(every)) for kind in kinds.values()),
        _table("`releases`", schema_of(ReleaseSection)),
        *(
            _table(f"Destination `{one.name}`", schema_of(one.section), leave_out=("to",))
            for one in destinations.values()
            if one.section is not None
        ),
        _table("`ci`", _ci(destinations)),
    ]
    return "\n".join(tables)


def _table(title: str, schema: Mapping[str, Any], leave_out: tuple[str, ...] = ()) -> str:
    required = schema.get("required", [])
    rows = [
        f"| `{key}` | {_type(part)} | {_default(part, required=key in required)} | {_cell(part)} |"
        for key, part in schema["properties"].items()
        if key not in leave_out
    ]
    head = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"] if rows else ["No keys of its own."]
    return "\n".join([f"### {title}", "", schema["description"], "", *head, *rows, ""])


def _type(part: Mapping[str, Any]) -> str:
    if "anyOf" in part:
        return " or ".join(_type(p) for p in part["anyOf"] if p.get("type") != "null")
    if "enum" in part or "const" in part:
        return ", ".join(f"`{v}`" for v in part.get("enum", [part.get("const")]))
    if part["type"] == "array":
        return f"list of {_type(part['items'])}"
    if part["type"] == "object" and "properties" in part:
        return "`{" + ", ".join(f"{k}: …" for k in part["properties"]) + "}`"
    names = {"string": "text", "boolean": "true or false", "integer": "whole number", "object": "mapping"}
    return names.get(str(part["type"]), str(part["type"]))


def _default(part: Mapping[str, Any], *, required: bool) -> str:
    if required:
        return "required"
    return "" if part.get("default") in (None, [], {}) else f"`{json.dumps(part['default'])}`"


def _cell(part: Mapping[str, Any]) -> str:
    """A description, safe for Markdown: what looks like a tag is code."""
    text = re.sub(r"(?<!`)<[^>`]+>", r"`\g<0>`", part["description"]).replace("|", "\\|")
    examples = [f"`{_flow(e)}`" for e in part.get("examples", ())]
    return f"{text} Example: {', '.join(examples)}." if examples else text


def _flow(value: Any) -> str:  # noqa: ANN401 - an example in a model
    """A value as one writes it in targets.yaml."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_flow(v)}" for k, v in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def _kind(kind: Kind) -> dict[str, Any]:
    schema = schema_of(kind.spec)
    own = {k: v for k, v in schema["properties"].items() if k not in FIXED}
    named = {"kind": {**schema["properties"]["kind"], "description": kind.summary}}
    return {**schema, "properties": {**schema["properties"], **named, PER_TARGET: _overrides(own)}}


def _overrides(own: Mapping[str, Any]) -> dict[str, Any]:
    section = {"type": "object", "minProperties": 1, "properties": own, "additionalProperties": False}
    return {
        "description": "Globs over targets, and the keys that differ for these targets; later globs win.",
        "type": "object",
        "additionalProperties": section,
    }
