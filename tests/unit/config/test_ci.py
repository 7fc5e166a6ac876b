"""The section `ci` of targets.yaml: its defaults, and what may not be written into a workflow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ferrule import config
from ferrule.app.publish import DESTINATIONS
from ferrule.config.ci import Ci
from ferrule.core.errors import ConfigErrors
from ferrule.kinds import KINDS

if TYPE_CHECKING:
    from fakes.toolchain import Demo

HOSTILE = [
    *("a; b", "a && b", "a | b", "a > b", "a `b`", "$(a)", "${{ github.token }}", "$HOME/a", "a 'b'", 'a "b"', "a\\b"),
    *("", " ", "a ", " a", "a  b", "-a", "--help", "@a", "a: b", "a:", "a #b", "#a", "!a", "*a", "[a]", "{a}", "a%b"),
    *("a\nb", "a\tb", "a\x00b", "a\x1bb", "a\u202eb", "ä", "a" * 401),
]


def told(demo: Demo, ci: object) -> Ci:
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write(f"\nci: {json.dumps(ci)}\n")
    return config.load(demo.project, KINDS, DESTINATIONS).ci


def mistakes(demo: Demo, ci: object) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        told(demo, ci)
    return [str(mistake).partition("\n")[0] for mistake in caught.value.errors]


@pytest.mark.parametrize("ci", [None, {}])
def test_all_of_it_may_be_left_out(demo: Demo, ci: object):
    assert told(demo, ci) == Ci(
        source=None,
        install=None,
        call="ferrule",
        runner="ubuntu-24.04",
        shards=4,
        minutes=60,
        tests=tuple((m, "ferrule build --setup") for m in ("ubuntu-24.04", "ubuntu-24.04-arm", "macos-15")),
        consumers=tuple((m, "ferrule verify dist") for m in ("ubuntu-24.04", "ubuntu-24.04-arm", "macos-15")),
        publish=("github",),
    )


def test_all_of_it_may_be_said_and_says_the_same_again(demo: Demo):
    output = {
        "ferrule": {"command": "scripts/nox -s ferrule --"},
        "runner": "big",
        "shards": 9,
        "minutes": 5,
        "tests": {"a": "x y=1"},
        "consumers": {},
        "publish": ["pypi", "github"],
        "steps": {"before-build": ".ci/prepare"},
        "image": "python:3.12-slim",
    }
    result = told(demo, output)
    assert result.document() == output | {"publish": ["github", "pypi"]}
    assert result.install is None
    assert config.document(config.load(demo.project, KINDS, DESTINATIONS))["ci"] == result.document()  # type: ignore[index,call-overload]


def test_a_wheel_or_a_commit_is_installed(demo: Demo):
    result = told(demo, {"ferrule": {"wheel": "https://a.example/f.whl", "sha256": "5" * 64}})
    assert (result.install, result.call) == (f"ferrule @ https://a.example/f.whl#sha256={'5' * 64}", "ferrule")


def test_a_version_is_nothing_that_an_index_has(demo: Demo):
    (mistake,) = mistakes(demo, {"ferrule": "0.1.0"})
    assert mistake.endswith("ci.ferrule: no package index has Ferrule yet")


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"wheel": "https://a.example/f.whl"},
        {"wheel": "tools/f.whl", "sha256": "5" * 64},
        {"sha256": "5" * 64},
        {"git": "https://a.example/f"},
        {"commit": "5" * 40},
        {"git": "https://a.example/f", "commit": "5" * 40, "command": "a"},
    ],
)
def test_a_source_is_one_and_whole(demo: Demo, source: dict[str, str]):
    (mistake,) = mistakes(demo, {"ferrule": source})
    assert "does not say one source, whole" in mistake


@pytest.mark.parametrize(
    "source",
    [
        {"wheel": "https://a.example/$(x).whl", "sha256": "5" * 64},
        {"wheel": 'a" b.whl'},
        {"wheel": "http://a.example/f.whl", "sha256": "5" * 64},
        {"git": "https://u:p@a.example/f", "commit": "5" * 40},
        {"git": "https://a.example/f", "commit": "main"},
        {"git": "ssh://a.example/f", "commit": "5" * 40},
    ],
)
def test_a_source_has_no_sign_of_a_shell_no_secret_and_nothing_that_moves(demo: Demo, source: dict[str, str]):
    assert mistakes(demo, {"ferrule": source})


def test_where_no_target_is_native_the_usual_machine_tests(demo: Demo):
    path = demo.project / "targets.yaml"
    text = path.read_text()
    path.write_text(
        text[: text.index("targets:")]
        + "targets: {wasm32-unknown-unknown: {}}\n"
        + "artifacts: {component: {kind: component, crate: demo-wasm, ship: true}}\n"
    )
    assert [machine for machine, _ in told(demo, {}).tests] == ["ubuntu-24.04"]


@pytest.mark.parametrize("command", HOSTILE)
def test_a_command_is_words(demo: Demo, command: str):
    assert mistakes(demo, {"tests": {"a": command}})


@pytest.mark.parametrize("command", ["./a", "scripts/nox -s tests -- -m x --y=z", "a 1.0 b@c a+b,c:d", "a"])
def test_words_may_have_options(demo: Demo, command: str):
    assert told(demo, {"consumers": {"a": command}}).consumers == (("a", command),)


@pytest.mark.parametrize("label", ["", "-a", "a b", "a,b", "${{ a }}", "[a]", "a\n", "a" * 65])
def test_a_machine_is_a_label(demo: Demo, label: str):
    assert mistakes(demo, {"tests": {label: "a"}})


@pytest.mark.parametrize("version", ["1", "latest", "1.0 --pre", "==1.0", "1.0;a", ">=1.0"])
def test_a_version_is_one(demo: Demo, version: str):
    assert mistakes(demo, {"ferrule": version})


def test_pypi_takes_wheels(demo: Demo):
    demo.edit("  sdk-py: {kind: wheel, library: native, source: packaging/python}\n", "")
    line = (demo.project / "targets.yaml").read_text().count("\n") + 2
    assert mistakes(demo, {"publish": ["github", "pypi"]}) == [
        f"targets.yaml:{line}:28: ci.publish: there is no wheel or extension or program-wheel to publish on PyPI"
    ]


def test_every_artifact_whose_version_a_destination_refuses_is_named(demo: Demo):
    demo.edit(
        "  sdk-py: {", "  other: {kind: wheel, library: native, source: packaging/python, package: other}\n  sdk-py: {"
    )
    demo.edit('version = "1.2.3"', 'version = "1.2.3+local"', "rust/Cargo.toml")
    told(demo, {"publish": ["pypi"]})
    refused = [error for error in config.load(demo.project, KINDS, DESTINATIONS).problems if "PyPI" in error.message]
    assert [error.message.partition(":")[0] for error in refused] == ["other", "sdk-py"]
    assert all((error.where or "").startswith("rust/Cargo.toml:") for error in refused)


@pytest.mark.parametrize("ci", [{"shards": 0}, {"shards": 65537}, {"minutes": 0}, {"publish": ["npm"]}, {"test": {}}])
def test_other_mistakes(demo: Demo, ci: object):
    assert mistakes(demo, ci)


@pytest.mark.parametrize("step", ["../a", "/a", "a/../b", "..", "", "-a", "a b", "a//b", "a;b", "./a"])
def test_a_step_is_a_path_in_the_project(demo: Demo, step: str):
    assert mistakes(demo, {"steps": {"before-merge": step}})


@pytest.mark.parametrize("image", ["", "a b", "a:", "$A", "a@sha256:5", "-a"])
def test_an_image_is_a_name(demo: Demo, image: str):
    assert mistakes(demo, {"image": image})


def test_an_image_may_have_a_digest(demo: Demo):
    image = f"registry.example.org:5000/who/python:3.13@sha256:{'5' * 64}"
    assert told(demo, {"image": image}).image == image


def test_rows_that_a_job_publishes_are_named(demo: Demo):
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write("\npublish: {shelf: {to: folder, path: /srv}}\n")
    line = (demo.project / "targets.yaml").read_text().count("\n") + 2
    assert mistakes(demo, {"publish-rows": ["shlf"]}) == [
        f'targets.yaml:{line}:23: ci.publish-rows: there is no row "shlf" below publish'
    ]


def test_a_row_is_named_once(demo: Demo):
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write("\npublish: {shelf: {to: folder, path: /srv}}\n")
    line = (demo.project / "targets.yaml").read_text().count("\n") + 2
    assert mistakes(demo, {"publish-rows": ["shelf", "shelf"]}) == [
        f'targets.yaml:{line}:32: ci.publish-rows: "shelf" is named twice'
    ]


def test_a_destination_is_named_once(demo: Demo):
    (mistake,) = mistakes(demo, {"publish": ["github", "github"]})
    assert mistake.endswith('ci.publish: "github" is named twice')
    assert mistake.startswith("targets.yaml:")


def test_a_row_needs_a_part_publish(demo: Demo):
    with pytest.raises(ConfigErrors) as caught:
        told(demo, {"publish-rows": ["shelf"]})
    assert "hint: write rows first" in str(caught.value.errors[0])


def test_rows_are_said_again(demo: Demo):
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write("\npublish: {shelf: {to: folder, path: /srv}}\n")
    assert told(demo, {"publish-rows": ["shelf"]}).document()["publish-rows"] == ["shelf"]  # type: ignore[index,call-overload]
