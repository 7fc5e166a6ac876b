"""The example of an extension module: that it says the same as the crates beside it, and what its project plans."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from ferrule import config
from ferrule import plan as planning
from ferrule.app.publish import DESTINATIONS
from ferrule.app.release.run import disk_of
from ferrule.kinds import KINDS
from ferrule.kinds.base import ReleaseInfo
from ferrule.reporting import plans

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "pyext"))

from example import lay_out  # noqa: E402

EXAMPLE = ROOT / "packaging" / "pyext"


def read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out(tmp_path_factory.mktemp("example"))


def test_it_is_of_the_version_of_the_crates() -> None:
    version = read(ROOT / "rust" / "email-validator" / "Cargo.toml")["package"]["version"]
    assert read(EXAMPLE / "Cargo.toml")["package"]["version"] == version


def test_it_is_made_of_the_same_versions_as_the_other_packages() -> None:
    ours, theirs = ({p["name"]: p for p in read(f / "Cargo.lock")["package"]} for f in (EXAMPLE, ROOT / "rust"))
    shared = ours.keys() & theirs.keys()
    assert {"email-validator", "idna", "icu_normalizer"} <= shared
    assert {name: ours[name]["version"] for name in shared} == {name: theirs[name]["version"] for name in shared}


def test_the_image_gets_the_rust_that_is_named() -> None:
    named = yaml.safe_load((EXAMPLE / "targets.yaml").read_text())["toolchain"]["rust"]
    prepared = read(EXAMPLE / "pyproject.toml")["tool"]["cibuildwheel"]["linux"]["before-all"]
    assert f"--default-toolchain {named}." in prepared


def test_its_project_plans_what_the_page_shows(project: Path) -> None:
    loaded = config.load(project, KINDS, DESTINATIONS)
    plan = planning.plan(loaded, ReleaseInfo("email-validator-pyext", loaded.project.version), disk_of(project))
    shown = plans.text(plan).partition("\n\nsbom")[0]
    page = (ROOT / "docs" / "how-to" / "extension.md").read_text(encoding="utf-8")
    assert "\n".join(f"    {line}".rstrip() for line in shown.splitlines()) in page
