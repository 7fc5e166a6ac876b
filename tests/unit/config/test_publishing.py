"""The JSON schema of targets.yaml: published as it is, and no stricter and hardly laxer than what is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from jsonschema import Draft202012Validator

from ferrule import config
from ferrule.app.publish import DESTINATIONS
from ferrule.config.json_schema import schema_of
from ferrule.core.section import Section, keys_of
from ferrule.kinds import KINDS
from ferrule.kinds.base import markers

ROOT = Path(__file__).parents[3]
PUBLISHED = ROOT / "docs" / "targets.schema.json"
REFERENCE = ROOT / "docs" / "targets.md"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(config.schema(KINDS, DESTINATIONS))


def test_the_published_schema_is_this_one():
    expected = json.dumps(config.schema(KINDS, DESTINATIONS), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert PUBLISHED.read_text(encoding="utf-8") == expected, "run: ferrule schema --output docs/targets.schema.json"


def test_the_reference_has_the_keys_of_this_version():
    text = REFERENCE.read_text(encoding="utf-8")
    tables = config.reference(KINDS, DESTINATIONS)
    assert tables in text, f"replace the tables by:\n{tables}"


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(config.schema(KINDS, DESTINATIONS))


def test_this_repository_fits_the_schema(validator: Draft202012Validator):
    document = yaml.safe_load((ROOT / "targets.yaml").read_text(encoding="utf-8"))
    assert [e.message for e in validator.iter_errors(document)] == []


def test_this_repository_loads():
    loaded = config.load(ROOT, KINDS, DESTINATIONS)
    # All kinds but extension modules, which have a project of their own (packaging/pyext), programs in Rust and what is
    # around them, of which this repository has none, and what is for registries of components and crates alone, as no
    # release goes to one.
    around = {"crate", "installer", "homebrew", "scoop", "linux-package", "program-wheel", "program-npm"}
    assert {a.kind.name for a in loaded.artifacts} == set(KINDS) - {"extension", "program", "component-oci", *around}
    assert loaded.project.version == loaded.workspace.version


def test_every_key_is_described():
    def missing(value: Any, path: str = "") -> list[str]:
        result = []
        for name, part in value.get("properties", {}).items() if isinstance(value, dict) else ():
            result += [] if "description" in part else [f"{path}.{name}"]
            result += missing(part, f"{path}.{name}")
        for name, part in value.get("$defs", {}).items() if isinstance(value, dict) else ():
            result += missing(part, name)
        return result

    assert missing(config.schema(KINDS, DESTINATIONS)) == []


BASE = {
    "version": 1,
    "project": {"name": "demo", "version": "1.2.3"},
    "targets": {"x86_64-unknown-linux-gnu": None},
    "artifacts": {"sums": {"kind": "checksums"}},
}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"toolchain": {"rust": "1.96"}},
        {"toolchain": None},
        {"project": {"name": "demo", "version": {"cargo": "rust"}, "license-files": ["LICENSE"]}},
        {"targets": {"aarch64-apple-darwin": {"macos": "11.0", "runner": "macos-14"}}},
        {"ci": {"ferrule": {"command": "./ferrule"}, "tests": {"ubuntu-24.04": "./test"}, "publish": ["pypi"]}},
        {"ci": None},
        {"artifacts": {"n": {"kind": "library", "crate": "x", "per-target": {"*-darwin": {"types": ["cdylib"]}}}}},
    ],
)
def test_what_editors_may_take(validator: Draft202012Validator, change: dict[str, Any]):
    assert [e.message for e in validator.iter_errors({**BASE, **change})] == []


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": True},
        {"publish": {"x": {}}},
        {"project": {"name": "Demo", "version": "1.2.3"}},
        {"project": {"name": "demo", "version": "1.2"}},
        {"project": {"name": "demo", "version": {"crago": "rust"}}},
        {"project": {"name": "demo"}},
        {"toolchain": {"rust": 1.96}},
        {"targets": {}},
        {"targets": {"x86_64-linux-gnu": {}}},
        {"targets": {"x86_64-unknown-linux-gnu": {"macos": "11.0"}}},
        {"targets": {"wasm32-unknown-unknown": {"glibc": "2.17"}}},
        {"ci": {"ferrule": "latest"}},
        {"ci": {"tests": {"ubuntu-24.04": "a; b"}}},
        {"artifacts": {}},
        {"artifacts": {"--x": {"kind": "checksums"}}},
        {"artifacts": {"x": {"kind": "whel"}}},
        {"artifacts": {"x": {}}},
        {"artifacts": {"x": {"kind": "library"}}},
        {"artifacts": {"x": {"kind": "library", "crate": "x", "tpyes": ["cdylib"]}}},
        {"artifacts": {"x": {"kind": "library", "crate": "x", "per-target": {"*": {"kind": "header"}}}}},
        {"artifacts": {"x": {"kind": "library", "crate": "x", "per-target": {"*": {}}}}},
    ],
)
def test_what_editors_mark(validator: Draft202012Validator, change: dict[str, Any]):
    assert [e.message for e in validator.iter_errors({**BASE, **change})] != []


def plain_texts(model: type[Section]) -> list[str]:
    """Keys of a section whose texts are bound to nothing: no pattern, choice or reference."""
    referring = {name for name, _, _ in markers(model)}
    free = []
    for name, key in keys_of(model).items():
        part = schema_of(model)["properties"][key.name]
        if name not in referring and _has_free_text(part):
            free.append(key.name)
        free += [f"{key.name}.{k}" for content in _held(key.annotation) for k in plain_texts(content)]
    return free


def _held(annotation: Any) -> list[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [s for part in get_args(annotation) for s in _held(part)]


def _has_free_text(part: Any) -> bool:
    if isinstance(part, list):
        return any(_has_free_text(p) for p in part)
    if not isinstance(part, dict):
        return False
    if part.get("type") == "string":
        return not ({"pattern", "enum", "const"} & set(part))
    return any(_has_free_text(part.get(k)) for k in ("anyOf", "items", "additionalProperties", "patternProperties"))


def test_free_text_is_known_by_name():
    """A new key whose text is bound to nothing has to be thought about: does it become an argument, a path, a name?"""
    free = {(kind.name, key) for kind in KINDS.values() for key in plain_texts(kind.spec)}
    assert free <= {
        ("image", "base"),  # a path that is read as a lock file, or an image by digest that has a form of its own
        ("image", "entrypoint"),  # these five are values in the image's configuration
        ("image", "cmd"),
        ("image", "health"),
        ("image", "env"),
        ("image", "labels"),
    }
