"""What the repository promises about itself: locks that hold, scripts that start, workflows that are pinned."""

from __future__ import annotations

import ast
import os
import re
import subprocess  # noqa: TID251 - a step of a workflow is run as CI does
import tomllib
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from fakes.pipelines import rendered
from ferrule import config
from ferrule.app.ci import files, github
from ferrule.app.publish import DESTINATIONS
from ferrule.kinds import KINDS

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]


def group(name: str) -> list[str]:
    """The requirements of a dependency group, with the groups it includes (PEP 735)."""
    entries = PROJECT["dependency-groups"][name]
    return list(chain.from_iterable([e] if isinstance(e, str) else group(e["include-group"]) for e in entries))


def pins(lock: str) -> dict[str, Version]:
    text = (ROOT / "requirements" / lock).read_text()
    matches = re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE)
    return {canonicalize_name(name): Version(version) for name, version in matches}


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("nox.txt", [*group("nox"), "uv"]),
        ("ferrule.txt", RUNTIME),
        ("docs.txt", group("docs")),
        ("tests.txt", [*RUNTIME, *group("test"), *group("lint")]),
    ],
)
def test_lock_satisfies_pyproject(lock: str, wanted: list[str]) -> None:
    pinned = pins(lock)
    missed = [
        text
        for text in wanted
        for requirement in [Requirement(text)]
        if (version := pinned.get(canonicalize_name(requirement.name))) is None
        or not requirement.specifier.contains(version, prereleases=True)
    ]
    assert missed == [], "run: scripts/nox -s lock"


@pytest.mark.parametrize("lock", ["nox.txt", "ferrule.txt", "docs.txt", "tests.txt"])
def test_every_pin_has_digests_and_no_place(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    entries = re.split(r"\n(?=\w)", text)
    assert [entry for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []
    assert not re.search(r"://|^-|^\s*--(?!hash=)", text, re.MULTILINE)


def test_locks_agree_with_each_other() -> None:
    tests = pins("tests.txt")
    assert {name: tests.get(name) for name in pins("ferrule.txt")} == pins("ferrule.txt")


@pytest.mark.parametrize("script", ["scripts/nox", ".ci/run"])
def test_script_can_be_started(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)


def test_machines_run_the_command_that_people_run() -> None:
    assert "scripts/nox -s tests" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_is_pinned_and_may_do_nothing_by_default(workflow: Path) -> None:
    text = workflow.read_text()
    uses = [use for use in re.findall(r"uses: (.*)", text) if not use.startswith("./.github/workflows/")]
    assert [use for use in uses if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v[\d.]+", use)] == []
    assert yaml.safe_load(text)["permissions"] == {}
    assert text.count("persist-credentials: false") == text.count("actions/checkout@")
    assert [step for step in re.findall(r"run: (.*)", text) if "${{" in step] == []


def test_workflows_are_as_targets_yaml_says() -> None:
    loaded = config.load(ROOT, KINDS, DESTINATIONS)
    texts = rendered(loaded, {one.name: len(loaded.targets) for one in loaded.releases})
    assert files.differences(ROOT, github.SYSTEM, texts) == (), "run: ferrule ci github"


@pytest.mark.parametrize(
    ("tag", "code"), [("ferrule-v1.2.0", 0), ("ferrule-v1.2", 1), ("ferrule-v1.1.0", 1), ("ferrule-v1.2.0rc1", 1)]
)
def test_a_tag_of_ferrule_itself_is_that_of_what_was_built(tmp_path: Path, tag: str, code: int) -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ferrule.yml").read_text())
    steps = {step["name"]: step for step in workflow["jobs"]["build"]["steps"]}
    (tmp_path / "build").mkdir()
    for name in ("ferrule-1.2.0-py3-none-any.whl", "ferrule-1.2.0.tar.gz"):
        (tmp_path / "build" / name).touch()
    (tmp_path / "CHANGELOG.md").write_text("## [1.2.0] - 2026-11-29\n\n## [1.1.0] - 2026-10-01\n")
    command = ["bash", "-e", "-c", steps["Check the tag"]["run"]]
    done = subprocess.run(command, cwd=tmp_path, env={"TAG": tag, "PATH": "/usr/bin:/bin"}, check=False)
    assert done.returncode == code


def test_every_session_is_explained_to_contributors() -> None:
    sessions = re.findall(r"@nox\.session\ndef (\w+)", (ROOT / "noxfile.py").read_text())
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    assert len(sessions) > 1
    assert [name for name in sessions if f"scripts/nox -s {name}" not in guide] == []


def test_imports_stand_at_the_top_unless_a_reason_was_measured() -> None:
    """Modules of ours are executed lazily; a function imports only what is heavy, and none of ours (lazy_modules)."""
    inside = [
        (f"{path.relative_to(ROOT)}:{node.lineno}", path.read_text().splitlines()[node.lineno - 1])
        for path in sorted((ROOT / "src").rglob("*.py"))
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert len(inside) <= 60
    assert [location for location, line in inside if not re.search(r"noqa: (?:F401, )?PLC0415 - \d+ ms", line)] == []
    own = {location.partition(":")[0] for location, line in inside if "ferrule" in line.partition("#")[0]}
    assert own == {"src/ferrule/__main__.py", "src/ferrule/cli/environment.py"}


def test_a_bare_import_in_tests_means_one_module() -> None:
    folders = (*PROJECT["tool"]["pytest"]["ini_options"]["pythonpath"], "bench")
    modules = [path.stem for folder in folders for path in (ROOT / folder).glob("*.py")]
    modules += [path.parent.name for folder in folders for path in (ROOT / folder).glob("*/__init__.py")]
    ours = [name for name in modules if name != "conftest" and not name.startswith("test_")]
    assert sorted(name for name, times in Counter(ours).items() if times > 1) == []
