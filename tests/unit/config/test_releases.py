"""Several releases in one targets.yaml: what each holds, and under which version and tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ferrule import config
from ferrule import plan as planning
from ferrule.app.publish import DESTINATIONS
from ferrule.app.release.run import disk_of
from ferrule.core.errors import ConfigErrors
from ferrule.kinds import KINDS
from ferrule.kinds.base import ReleaseInfo

if TYPE_CHECKING:
    from fakes.toolchain import Demo
    from ferrule.config import Config

RELEASES = """\
releases:
  core: {version: "2.0.0", artifacts: [sdk-c, sdk-py, image], description: "The library", changelog: LICENSE}
  web: {version: {cargo: rust/demo-wasm}, artifacts: [npm], tag: "npm/{name}@{version}"}
  go: {version: "0.4.0", artifacts: [go]}
"""


def loaded(demo: Demo, releases: str = RELEASES) -> Config:
    path = demo.project / "targets.yaml"
    path.write_text(path.read_text() + releases.replace("@", "-"))
    return config.load(demo.project, KINDS, DESTINATIONS)


def test_each_artifact_has_the_version_of_its_release(demo: Demo) -> None:
    demo.edit("  server: {kind: goprogram, module: go, source: packaging/server}\n", "")
    demo.edit(", program: server", "")
    versions = {name: version.text for name, version in loaded(demo).versions.items()}
    # Two releases need the library and its header, and neither lists them: they have the version of their crate.
    assert [versions[name] for name in ("sdk-c", "sdk-py", "image")] == ["2.0.0"] * 3
    assert [versions[name] for name in ("npm", "go", "native", "header", "sums")] == [
        *("1.2.3", "0.4.0", "1.2.3", "1.2.3", "1.2.3")
    ]


def test_what_one_release_lists_has_its_version_in_every_other(demo: Demo) -> None:
    demo.edit("  server: {kind: goprogram, module: go, source: packaging/server}\n", "")
    demo.edit(", program: server", "")
    whole = loaded(demo, RELEASES.replace("[sdk-c,", "[native, sdk-c,"))
    assert whole.versions["native"].text == "2.0.0"
    assert whole.only(whole.releases[2]).versions["native"].text == "2.0.0"
    # A library that is built of a crate with another version is a mistake, unless it is said to be none.
    (problem,) = whole.problems
    assert problem.message == "core is 2.0.0, and demo-ffi, of which native is built, is 1.2.3"
    assert (problem.where or "").startswith("targets.yaml:41:")


def test_one_release_is_the_project_with_its_artifacts(demo: Demo) -> None:
    whole = loaded(demo)
    core, web, go = whole.releases
    assert (core.tag_name, web.tag_name, go.tag_name) == ("core-v2.0.0", "npm/web-1.2.3", "go-v0.4.0")
    part = whole.only(web)
    assert (part.project.name, part.project.version, part.project.license) == ("web", "1.2.3", "MIT")
    assert [one.name for one in part.artifacts] == ["component", "npm", "sbom", "sums", "provenance"]
    assert {whole.only(core).versions[name].text for name in ("sbom", "sums", "provenance")} == {"2.0.0"}
    assert whole.only(core).project.description == "The library"
    assert whole.only(go).project.description == "Adds two numbers"


@pytest.mark.parametrize(
    ("releases", "problem"),
    [
        ("releases: {}\n", None),
        ('releases: {a: {version: "1.0.0", artifacts: [sdk-c]}}\n', "the artifact component is in no release"),
        (RELEASES.replace("[npm]", "[npm, go]"), "go is in the releases web and go"),
        (RELEASES.replace("[npm]", "[npm, sums]"), "sums is made for every release"),
        (RELEASES.replace("[npm]", "[npmm]"), 'there is no artifact "npmm"'),
        (RELEASES.replace("rust/demo-wasm", "rust/demo-was"), "does not exist"),
        (RELEASES.replace("[npm]", "[npm, npm]"), '"npm" is named twice'),
        (RELEASES.replace("{version}", ""), "the tag has no {version}"),
        (RELEASES.replace("@", "@{version}/"), "the tag has {version} twice"),
        (RELEASES.replace("{name}@", "{nmae}-"), "the tag has {nmae}, which stands for nothing"),
        (RELEASES.replace("{name}@", "{}-"), "the tag has {}, which stands for nothing"),
        (RELEASES.replace("{name}@", "name}-"), "the tag has }, which stands for nothing"),
        (RELEASES.replace("npm/", "npm/../"), 'Git cannot have the tag "npm/../web-{version}": it holds ..'),
        (RELEASES.replace("npm/", "npm//"), "it has a part without a name"),
        (RELEASES.replace("npm/", "npm.lock/"), "it has a part that ends with .lock"),
        (RELEASES.replace('{version}"', '{version}."'), "it ends with a dot"),
        (RELEASES.replace("npm/", "-npm/"), "releases.web.tag: expected text like"),
        (RELEASES.replace("npm/", "npm ~^:/"), "releases.web.tag: expected text like"),
        (RELEASES.replace("2.0.0", "2.0.0-rc.lock"), 'Git cannot have the tag "core-v2.0.0-rc.lock"'),
        (RELEASES.replace("  web:", "  we..b:"), '"we..b" is not a name of a release'),
        *(
            (RELEASES.replace("  web:", f"  {name}:"), f'"{name}" is not a name of a release')
            for name in ("manifest.json", "core.", "we_b", "con", "lpt1", "sha256sums")
        ),
        (RELEASES.replace("npm/{name}@", "go-v"), "web and go have the same tags, go-v{version}"),
        (RELEASES.replace("changelog: LICENSE", "changelog: NEWS"), '"NEWS" does not exist'),
        (RELEASES.replace('"0.4.0"', '"0.4"'), "releases.go.version: expected text like"),
        ("releases: {A b: {version: '1.0.0', artifacts: [sdk-c]}}\n", '"A b" is not a name of a release'),
        ("releases: {a: none}\n", "releases.a: expected a mapping"),
        ("releases: 1\n", "releases: expected a mapping"),
    ],
)
def test_what_does_not_fit_together(demo: Demo, releases: str, problem: str | None) -> None:
    if problem is None:
        assert loaded(demo, releases).releases == ()
        return
    with pytest.raises(ConfigErrors) as caught:
        loaded(demo, releases)
    assert problem in str(caught.value)
    assert all((error.where or "").startswith("targets.yaml:") and error.hint for error in caught.value.errors)


def test_a_version_whose_tag_git_cannot_have(demo: Demo) -> None:
    demo.edit('version = "1.2.3"\n', 'version = "1.2.3-rc.lock"\n', "rust/Cargo.toml")
    with pytest.raises(ConfigErrors) as caught:
        loaded(demo, "")
    error = next(one for one in caught.value.errors if "the tag" in one.message)
    assert error.message == 'Git cannot have the tag "v1.2.3-rc.lock": it has a part that ends with .lock'
    assert (error.where or "").startswith("rust/Cargo.toml:")
    assert error.hint == "name this pre-release otherwise"


def test_the_printed_configuration_says_the_same(demo: Demo) -> None:
    document = config.document(loaded(demo))
    assert isinstance(document, dict)
    releases = document["releases"]
    assert isinstance(releases, dict)
    assert releases["web"] == {"version": "1.2.3", "artifacts": ["npm"], "tag": "npm/{name}-{version}"}


def test_crates_of_several_versions_say_no_version(demo: Demo) -> None:
    demo.edit('version = "1.2.3"\n', "", "rust/Cargo.toml")
    for crate, version in (("demo-ffi", "1.2.4"), ("demo-wasm", "1.2.5")):
        demo.edit("version.workspace = true", f'version = "{version}"', f"rust/{crate}/Cargo.toml")
    with pytest.raises(ConfigErrors) as caught:
        loaded(demo, "releases: {a: {version: {cargo: rust}, artifacts: [sdk-c, sdk-py, image, npm, go]}}\n")
    assert "does not say which version is the release's" in str(caught.value)


def test_what_is_planned_of_a_release_has_its_name_and_words(demo: Demo) -> None:
    demo.edit("  server: {kind: goprogram, module: go, source: packaging/server}\n", "")
    demo.edit(", program: server", "")
    whole = loaded(demo)
    result = planning.plan(
        whole, ReleaseInfo("demo", "1.2.3", license="MIT", license_files=("LICENSE",)), disk_of(demo.project)
    )
    names = {output.ships for action in result.actions for output in action.outputs if output.ships}
    assert {"core-c-2.0.0-x86_64-unknown-linux-gnu.tar.gz", "core-c-2.0.0-aarch64-apple-darwin.tar.gz"} <= names
