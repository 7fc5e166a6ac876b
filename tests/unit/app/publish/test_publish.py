"""A destination owns what is asked of it: a new one is a value in a file and its line in the list."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from fakes.pipelines import rendered
from ferrule import config
from ferrule.app.publish import DESTINATIONS, pypi
from ferrule.app.publish.base import Destination
from ferrule.core.errors import ConfigErrors
from ferrule.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fakes.toolchain import Demo

SHELF = Destination(
    name="shelf",
    title="the shelf",
    summary="puts SDKs on a shelf",
    kinds=("sdk",),
    check_version=lambda version: iter([("the shelf takes no odd versions", "wait")] if version == "1.2.3" else []),
    permissions=(("packages: write", "to reach the shelf"),),
    environment="hall",
    prepare="      - name: Dust\n        run: [[ ci.call ]] --version\n",
    publish="      - name: Put\n        run: put dist\n",
)
EVEN = Destination(name="even", title="Even", summary="takes everything", permissions=(), publish=SHELF.publish)
WITH_SHELF = {**DESTINATIONS, "shelf": SHELF, "even": EVEN}


def loaded(demo: Demo, publish: list[str], destinations: Mapping[str, Destination] = WITH_SHELF) -> config.Config:
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write(f"\nci: {json.dumps({'publish': publish, 'ferrule': {'command': 'ferrule'}})}\n")
    return config.load(demo.project, KINDS, destinations)


def problems(demo: Demo, publish: list[str], destinations: Mapping[str, Destination] = WITH_SHELF) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        loaded(demo, publish, destinations)
    return [str(problem) for problem in caught.value.errors]


def jobs(demo: Demo, publish: list[str]) -> dict[str, Any]:
    texts = rendered(loaded(demo, publish), destinations=WITH_SHELF)
    parts = (yaml.safe_load(texts[name])["jobs"] for name in ("build-release.yml", "release.yml"))
    return {name: job for part in parts for name, job in part.items()}


def test_each_is_listed_by_its_name() -> None:
    assert all(name == destination.name for name, destination in DESTINATIONS.items())


def test_the_schema_and_the_reference_name_each_destination() -> None:
    schema = config.schema(KINDS, WITH_SHELF)["$defs"]["ci"]["properties"]["publish"]
    assert schema["items"]["enum"] == ["github", "pypi", "shelf", "even"]
    assert "`shelf` puts SDKs on a shelf" in schema["description"]
    assert "`shelf` puts SDKs on a shelf" in config.reference(KINDS, WITH_SHELF)


def test_an_unknown_destination_is_refused_with_the_nearest_name(demo: Demo) -> None:
    line = (demo.project / "targets.yaml").read_text().count("\n") + 2
    says = "ci.publish: there is no destination"
    assert problems(demo, ["github", "npm", "gihub"], DESTINATIONS) == [
        f'targets.yaml:{line}:28: {says} "npm"\n  hint: the destinations are github and pypi',
        f'targets.yaml:{line}:35: {says} "gihub"\n  hint: did you mean github?',
    ]


def test_a_destination_refuses_a_version(demo: Demo) -> None:
    assert [str(p).partition(": ")[2] for p in loaded(demo, ["shelf"]).problems] == [
        "sdk-c: the shelf takes no odd versions\n  hint: wait"
    ]


def test_a_destination_needs_something_to_publish(demo: Demo) -> None:
    demo.edit("  sdk-py: {kind: wheel, library: native, source: packaging/python}\n", "")
    assert [p.partition(": ci.publish: ")[2] for p in problems(demo, ["pypi"])] == [
        (
            "there is no wheel or extension or program-wheel to publish on PyPI\n"
            "  hint: add an artifact of kind wheel or extension or program-wheel, or leave pypi out"
        )
    ]


def test_pypi_takes_no_build_metadata() -> None:
    result = list(pypi.DESTINATION.check_version("1.2.3+linux.5"))
    assert [message for message, _ in result] == ["PyPI takes no version with build metadata, such as 1.2.3+linux.5"]
    assert list(pypi.DESTINATION.check_version("1.2.3-rc.1")) == []


def test_each_destination_has_a_job_that_cannot_run_in_a_rehearsal(demo: Demo) -> None:
    job_list = jobs(demo, ["even", "pypi"])
    assert {"github", "shelf"} & job_list.keys() == set()
    for name in ("even", "pypi"):
        assert job_list[name]["if"] == "github.ref_type == 'tag' && !inputs.rehearsal"
        assert job_list[name]["needs"] == "build"


def test_the_job_is_the_one_that_the_destination_describes(demo: Demo) -> None:
    demo.set_version("1.2.4")
    job_list = jobs(demo, ["shelf"])
    assert job_list["shelf"]["name"] == "publish on the shelf"
    assert job_list["shelf"]["environment"] == "hall"
    assert job_list["shelf"]["permissions"] == {"packages": "write"}
    assert job_list["shelf"]["steps"] == [{"name": "Put", "run": "put dist"}]
    assert job_list["verify"]["steps"][-1] == {"name": "Dust", "run": "ferrule --version"}
