"""The list of crates in compiled files, as the reader of cargo-auditable's own authors takes it out of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from judges import compiled, run

from fakes.triples import ARM, MAC, X86

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def listed(programs):
    """What the reader says of a file: names and versions of crates, and those that only ran while it was built."""
    reader = compiled("rust-audit-info", programs)

    def read(file: Path) -> tuple[set[str], set[str]]:
        packages: list[dict[str, Any]] = json.loads(run(reader, file).stdout)["packages"]
        (root,) = [package["name"] for package in packages if package.get("root")]
        assert root.startswith("email-validator")
        kinds: dict[bool, set[str]] = {True: set(), False: set()}
        for package in packages:
            kinds[package.get("kind") == "build"].add(f"{package['name']} {package['version']}")
        return kinds[False], kinds[True]

    return read


def billed(document: Path) -> set[str]:
    """The crates that a bill of materials has, but for those inside of the standard library."""
    components = json.loads(document.read_bytes())["components"]
    crates = [c for c in components if unquote(c.get("purl", "")).startswith("pkg:cargo/")]
    return {f"{c['name']} {c['version']}" for c in crates if not c["bom-ref"].endswith("#rust-std")}


@pytest.mark.parametrize("target", [X86, ARM, MAC])
def test_a_library_lists_what_its_bill_lists(release, listed, target):
    linked, building = listed(release.library(target))
    assert linked
    assert linked | building == billed(release.dist / f"{release.made('archive', target).name}.cdx.json")


def test_the_library_in_a_wheel_lists_what_the_bill_beside_it_lists(release, listed):
    wheel = release.wheel(X86)
    (library,) = wheel.rglob("*.so*")
    (bill,) = wheel.glob("*.dist-info/sboms/*.cdx.json")
    linked, building = listed(library)
    assert linked | building == billed(bill)


def test_a_core_module_lists_what_the_bill_of_its_component_lists(release, listed):
    # The reader knows core modules and no components; the component holds this one.
    rows = release.manifest["artifacts"]
    (module,) = [row["file"] for row in rows if (row["kind"], row["role"]) == ("component", "module")]
    linked, building = listed(release.dist / module)
    assert linked | building == billed(release.dist / f"{release.made('component').name}.cdx.json")
