"""Components as OCI artifacts: planned, released and verified."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from ferrule.core.platforms import PLATFORMS
from ferrule.kinds.base import PlanProblem
from ferrule.kinds.component_oci import KIND, ComponentOciSpec, plan

if TYPE_CHECKING:
    from fakes.toolchain import Demo
    from ferrule.kinds.base import Context

ARTIFACTS = """artifacts:
  component: {kind: component, crate: demo-wasm, ship: true, reads: [assets]}
  registry: {kind: component-oci, component: component}
  sbom: {kind: sbom}
  sums: {kind: checksums}
  provenance: {kind: provenance}
"""


def released(demo: Demo, artifacts: str = ARTIFACTS) -> dict[str, Any]:
    path = demo.project / "targets.yaml"
    path.write_text(path.read_text().partition("artifacts:")[0] + artifacts)
    assert demo.run().failed == ()
    manifest: dict[str, Any] = json.loads((demo.dist / "manifest.json").read_bytes())
    return manifest


def test_the_component_is_in_the_release_twice_with_the_same_bytes(demo: Demo) -> None:
    manifest = released(demo)
    component = (demo.dist / "demo-1.2.3.wasm").read_bytes()
    blobs = [path.read_bytes() for path in (demo.dist / "registry" / "blobs" / "sha256").iterdir()]
    assert component in blobs
    facts = manifest["facts"]["registry"]
    assert (facts["platforms"], facts["index"].partition(":")[0]) == (["wasip2/wasm"], "sha256")
    done = demo.ferrule("verify", "--json")
    assert done.returncode == 0, done.stdout
    (demo.dist / "manifest.json").write_text(json.dumps({**manifest, "facts": {**manifest["facts"], "registry": {}}}))
    assert demo.ferrule("verify").returncode == 6


@pytest.mark.parametrize("auditable", [True, False])
def test_a_component_has_the_list_of_its_crates_unless_it_is_told_not_to(demo: Demo, auditable: bool) -> None:
    released(demo, ARTIFACTS.replace("ship: true", f"ship: true, auditable: {str(auditable).lower()}"))
    assert (b".dep-v0" in (demo.dist / "demo-1.2.3.wasm").read_bytes()) is auditable


def test_a_layout_holds_one_component() -> None:
    actions = tuple(SimpleNamespace(target=target) for target in ("a", "b"))
    context = cast("Context", SimpleNamespace(actions_of=lambda _: actions))
    with pytest.raises(PlanProblem, match="component is made for a, b, and a layout holds one component"):
        plan(ComponentOciSpec(kind="component-oci", component="component"), context)


def test_it_is_for_webassembly() -> None:
    assert KIND.unsupported(PLATFORMS["x86_64-unknown-linux-gnu"]) is not None
