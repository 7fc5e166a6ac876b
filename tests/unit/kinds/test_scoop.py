"""Scoop manifests: what is planned, and what stands in them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fakes.contexts import PROJECT, context
from fakes.packed_programs import packed, planned_program
from fakes.triples import X86
from ferrule.core.model import Digest, Output
from ferrule.core.platforms import PLATFORMS
from ferrule.kinds.base import PlanProblem
from ferrule.kinds.scoop import KIND, ScoopManifest, ScoopSpec, plan

if TYPE_CHECKING:
    from tests.unit.kinds.conftest import Bench

WINDOWS, WINDOWS_ARM = "x86_64-pc-windows-gnullvm", "aarch64-pc-windows-gnullvm"
SECTION = ScoopSpec(kind="scoop", program="cli", url="https://downloads.example/v{version}")


def test_one_manifest_for_all_targets() -> None:
    (action,) = plan(SECTION, context(planned_program(WINDOWS, WINDOWS_ARM)))
    assert action.outputs == (Output("demo.json", "scoop-manifest", "demo.json"),)
    assert len(action.needs) == 4
    named = ScoopSpec(kind="scoop", program="cli", url=SECTION.url, name="other")
    assert plan(named, context(planned_program(WINDOWS), ship=False))[0].outputs == (
        Output("other.json", "scoop-manifest"),
    )
    assert plan(SECTION, context(planned_program(WINDOWS), targets=())) == []


@pytest.mark.parametrize("key", ["homepage", "license"])
def test_what_scoop_asks_of_a_manifest(key: str) -> None:
    project = replace(PROJECT, **{key: None})
    with pytest.raises(PlanProblem, match=f"a manifest of Scoop needs a {key}") as caught:
        plan(SECTION, context(planned_program(WINDOWS), project=project))
    assert caught.value.hint == f"write {key} under project"


def test_what_stands_in_it(bench: Bench) -> None:
    program = packed(bench, WINDOWS, WINDOWS_ARM)
    recipe = ScoopManifest(
        "1.2.3", "https://downloads.example", tuple(program.programs), "Adds", "https://demo.example", "MIT OR 0BSD"
    )
    done = bench.make(recipe, Output("demo.json", "scoop-manifest"), needed=program.needed)
    text = done.output("scoop-manifest").read_text()
    digest = Digest.of_file(program.needed[f"cli:archive@{WINDOWS}"][f"demo-1.2.3-{WINDOWS}.zip"])
    document = json.loads(text)
    assert document["architecture"].keys() == {"64bit", "arm64"}
    assert document["architecture"]["64bit"] == {
        "url": f"https://downloads.example/demo-1.2.3-{WINDOWS}.zip",
        "hash": digest.hex,
        "extract_dir": f"demo-1.2.3-{WINDOWS}",
    }
    assert {key: value for key, value in document.items() if key != "architecture"} == {
        "version": "1.2.3",
        "description": "Adds",
        "homepage": "https://demo.example",
        "license": "MIT|0BSD",
        "bin": "demo.exe",
    }
    assert KIND.named_digests is not None
    assert {row.file: row.sha256 for row in KIND.named_digests(text)}[f"demo-1.2.3-{WINDOWS}.zip"] == digest.hex
    plain = replace(recipe, description=None, license="(MIT OR 0BSD) AND ISC")
    (bench.root / "work").rename(bench.root / "before")
    again = json.loads(
        bench.make(plain, Output("d.json", "scoop-manifest"), needed=program.needed)
        .output("scoop-manifest")
        .read_text()
    )
    assert again["license"] == plain.license
    assert "description" not in again


def test_where_scoop_is_not() -> None:
    assert KIND.unsupported(PLATFORMS[WINDOWS]) is None
    assert "Scoop is for Windows" in str(KIND.unsupported(PLATFORMS[X86]))
