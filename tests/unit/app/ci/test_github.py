"""GitHub's workflows as texts: what is in them for which targets.yaml, and what happens to files that are there."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from fakes.pipelines import rendered
from ferrule import config
from ferrule.app.ci import files, github
from ferrule.app.publish import DESTINATIONS
from ferrule.config import ReleaseConfig
from ferrule.config.versions import StatedVersion
from ferrule.core.errors import ConfigError, StorageError, VerificationError
from ferrule.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fakes.toolchain import Demo

WRITING = {
    "attest": {"id-token": "write", "attestations": "write"},
    "github": {"contents": "write"},
    "pypi": {"id-token": "write"},
}


COMMIT = "0123456789abcdef0123456789abcdef01234567"
SOURCE = f"ferrule: {{git: https://example.com/ferrule.git, commit: {COMMIT}}}"


def texts(demo: Demo, ci: str = "{}", shards: int = 4) -> dict[str, str]:
    source = "" if "ferrule:" in ci else f"{SOURCE}, "
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write(f"\nci: {ci.replace('{', '{' + source, 1)}\n")
    return rendered(config.load(demo.project, KINDS, DESTINATIONS), shards)


def parsed(demo: Demo, ci: str = "{}", shards: int = 4) -> dict[str, Any]:
    return {name.removesuffix(".yml"): yaml.safe_load(text) for name, text in texts(demo, ci, shards).items()}


def jobs(documents: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for document in documents.values():
        yield from document["jobs"].items()


def commands(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


EVERYTHING = "{publish: [github, pypi]}"
ROWS = """
publish:
  index: {to: pypi, index: 'https://index.example.org/simple'}
  bucket: {to: s3, bucket: demo, endpoint: 'https://s3.example.org'}
  js: {to: npm, registry: 'https://npm.example.org'}
"""


@pytest.mark.parametrize("shards", [1, 256, 257])
def test_nothing_is_allowed_that_is_not_needed(demo: Demo, shards: int):
    result = parsed(demo, EVERYTHING, shards)
    calling = result["release"]["jobs"].pop("build")
    assert calling["permissions"] == {"contents": "read", **WRITING["attest"]}, "a called workflow has no more"
    for name, job in jobs(result):
        assert job["permissions"] == WRITING.get(name, {"contents": "read"})
        assert "uses" in job or job["timeout-minutes"] == 60
    assert {document["permissions"] == {} for document in result.values()} == {True}
    assert result["release"]["concurrency"]["cancel-in-progress"] is False
    assert result["ci"]["concurrency"]["cancel-in-progress"] is True


def test_what_may_write_runs_nothing_of_the_project(demo: Demo):
    documents = parsed(demo, EVERYTHING)
    result = {**documents["build-release"]["jobs"], **documents["release"]["jobs"]}
    for name in WRITING:
        used = [step["uses"].partition("@")[0] for step in result[name]["steps"] if "uses" in step]
        assert used[0] == "actions/download-artifact"
        assert "actions/checkout" not in used
        assert not any("ferrule" in command for command in commands(result[name]))
        asked = "inputs.attest" if name == "attest" else "!inputs.rehearsal"
        assert result[name]["if"] == f"github.ref_type == 'tag' && {asked}"
    assert result["attest"]["needs"] == ["verify", "consumers-1", "consumers-2", "consumers-3"]
    assert [result[name]["needs"] for name in ("github", "pypi")] == ["build", "build"]


@pytest.mark.parametrize("shards", [4, 300])
def test_values_reach_commands_by_the_environment_only(demo: Demo, shards: int):
    output = [
        command for _, job in jobs(parsed(demo, EVERYTHING, shards)) for command in commands({"steps": [], **job})
    ]
    assert len(output) > 20
    assert [command for command in output if "${{" in command] == []


def test_no_cache_is_read_and_no_secret(demo: Demo):
    whole = "".join(texts(demo, EVERYTHING, 300).values())
    assert not re.search(r"cache|secrets|pull_request_target|password", whole.replace("so there is no password", ""))


def test_what_builds_is_a_workflow_that_another_calls_and_provenance_names_it(demo: Demo):
    documents = parsed(demo, EVERYTHING)
    caller, called = documents["release"], documents["build-release"]
    assert caller["jobs"]["build"]["uses"] == "./.github/workflows/build-release.yml"
    assert caller["jobs"]["build"]["with"] == {"attest": "${{ github.ref_type == 'tag' && !inputs.rehearsal }}"}
    assert list(called[True]) == ["workflow_call"], "nothing but a workflow starts it; YAML 1.1 reads `on` as true"
    path = "/.github/workflows/build-release.yml@${{ github.ref }}"
    assert called["env"] == {"FERRULE_WORKFLOW": "${{ github.server_url }}/${{ github.repository }}" + path}
    assert {"plan", "build", "merge", "verify", "attest"} <= called["jobs"].keys()


def test_past_256_shards_a_matrix_is_of_workflows(demo: Demo):
    parts = parsed(demo, shards=300)
    build = parts["build-release"]["jobs"]["build"]
    assert build["uses"] == "./.github/workflows/shards.yml"
    assert build["with"] == {"shards": "${{ toJSON(matrix.shards) }}"}
    inner = parts["shards"]["jobs"]["build"]
    assert inner["strategy"]["matrix"] == "${{ fromJSON(inputs.shards) }}"
    flat = parsed(demo_without_ci(demo), shards=256)
    assert set(flat) == {"ci", "release", "build-release"}
    assert inner["steps"] == flat["build-release"]["jobs"]["build"]["steps"]


def demo_without_ci(demo: Demo) -> Demo:
    path = demo.project / "targets.yaml"
    path.write_text(path.read_text().rpartition("\nci:")[0])
    return demo


WHEEL = "https://example.com/ferrule-0.1.0-py3-none-any.whl"


@pytest.mark.parametrize(
    ("source", "requirement"),
    [
        (SOURCE.partition(": ")[2], f"ferrule @ git+https://example.com/ferrule.git@{COMMIT}"),
        (f"{{wheel: {WHEEL}, sha256: '{'5' * 64}'}}", f"ferrule @ {WHEEL}#sha256={'5' * 64}"),
        ("{wheel: tools/ferrule-0.1.0-py3-none-any.whl}", "./tools/ferrule-0.1.0-py3-none-any.whl"),
    ],
    ids=["commit", "fetched wheel", "wheel of the project"],
)
def test_ferrule_is_installed_from_what_is_named_and_called_by_name(demo: Demo, source: str, requirement: str):
    (demo.project / "tools").mkdir()
    (demo.project / "tools/ferrule-0.1.0-py3-none-any.whl").touch()
    plan = parsed(demo, f"{{ferrule: {source}, shards: 7}}", shards=3)["build-release"]["jobs"]["plan"]
    assert commands(plan) == [
        f'pipx install "{requirement}"',
        'ferrule check --tag "$TAG"',
        '{ printf shards=; ferrule matrix --shards 3; } >> "$GITHUB_OUTPUT"\n',
    ]


def test_no_workflow_is_written_that_installs_what_does_not_exist(demo: Demo):
    with pytest.raises(ConfigError, match="nothing says where a machine gets Ferrule") as caught:
        texts(demo, "{ferrule: }")
    assert "{git: URL, commit: SHA}" in (caught.value.hint or "")
    with pytest.raises(ConfigError, match=r"there is no file tools/none\.whl"):
        texts(demo_without_ci(demo), "{ferrule: {wheel: tools/none.whl}}")


def test_the_error_has_the_line_by_which_ci_gets_the_ferrule_that_runs(demo: Demo):
    read = config.load(demo.project, KINDS, DESTINATIONS)
    with pytest.raises(ConfigError) as caught:
        rendered(read, 1, origin=f"`{SOURCE}`")
    assert caught.value.hint == f"write below `ci:` `{SOURCE}`"


def test_a_project_brings_a_ferrule_of_its_own(demo: Demo):
    parts = parsed(demo, "{ferrule: {command: scripts/nox -s ferrule --}}")
    assert commands(parts["build-release"]["jobs"]["verify"])[0] == "scripts/nox -s ferrule -- verify dist"
    assert commands(parts["ci"]["jobs"]["dist"]) == ["scripts/nox -s ferrule -- release --setup"]


def test_machines_and_commands_are_those_of_the_file(demo: Demo):
    parts = parsed(
        demo,
        "{runner: big, minutes: 90, tests: {'7': ./t a, mac: './t b:c -d=1,2'}, consumers: {'7': 'true'}, publish: []}",
    )
    tests = [parts["ci"]["jobs"][f"tests-{number}"] for number in (1, 2)]
    assert [(job["runs-on"], commands(job)[-1]) for job in tests] == [("7", "./t a"), ("mac", "./t b:c -d=1,2")]
    assert parts["build-release"]["jobs"]["consumers-1"]["runs-on"] == "7"
    assert commands(parts["ci"]["jobs"]["consumers-1"])[-1] == "true"
    assert parts["build-release"]["jobs"]["merge"]["runs-on"] == "big"
    assert parts["build-release"]["jobs"]["merge"]["timeout-minutes"] == 90
    assert parts["release"]["jobs"].keys() == {"build"}
    assert "extract" not in str(parts["build-release"]["jobs"]["verify"])


def test_without_tests_there_is_no_workflow_for_changes(demo: Demo):
    parts = parsed(demo, "{tests: {}, consumers: {}}")
    assert set(parts) == {"release", "build-release"}
    assert parts["build-release"]["jobs"]["attest"]["needs"] == ["verify"]


def test_without_checksums_every_file_is_attested(demo: Demo):
    demo.edit("  sums: {kind: checksums}\n", "")
    assert parsed(demo)["build-release"]["jobs"]["attest"]["steps"][-1]["with"] == {"subject-path": "dist/*"}


def test_every_action_has_a_commit_and_says_its_version(demo: Demo):
    uses = re.findall(r"uses: ([^.].*)", "".join(texts(demo, EVERYTHING).values()))
    assert {use for use in uses if not use.startswith("pypa/gh-action-pypi-publish@")} == {*github.ACTIONS.values()}
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use) for use in uses)


# files


def test_files_are_written_once_and_what_is_wanted_no_more_goes(tmp_path: Path, demo: Demo):
    result = texts(demo, shards=300)
    assert files.write(tmp_path, github.SYSTEM, result) == ("ci.yml", "release.yml", "build-release.yml", "shards.yml")
    assert files.write(tmp_path, github.SYSTEM, result) == ()
    files.check(tmp_path, github.SYSTEM, result)
    del result["shards.yml"]
    with pytest.raises(VerificationError, match=r"shards\.yml"):
        files.check(tmp_path, github.SYSTEM, result)
    assert files.write(tmp_path, github.SYSTEM, result) == ("shards.yml",)
    assert {path.name for path in (tmp_path / github.SYSTEM.folder).iterdir()} == {
        "ci.yml",
        "release.yml",
        "build-release.yml",
    }


def test_a_changed_file_is_drift(tmp_path: Path, demo: Demo):
    result = texts(demo)
    files.write(tmp_path, github.SYSTEM, result)
    path = tmp_path / github.SYSTEM.folder / "build-release.yml"
    path.write_text(result["build-release.yml"].replace("id-token: write", "id-token: read"))
    with pytest.raises(VerificationError, match=r"out of date with targets\.yaml: build-release\.yml\n") as caught:
        files.check(tmp_path, github.SYSTEM, result)
    assert caught.value.hint == "run: ferrule ci github"
    assert files.write(tmp_path, github.SYSTEM, result) == ("build-release.yml",)


def test_what_somebody_else_wrote_is_left_alone(tmp_path: Path, demo: Demo):
    path = tmp_path / github.SYSTEM.folder / "ci.yml"
    path.parent.mkdir(parents=True)
    path.write_text("name: mine\n")
    with pytest.raises(ConfigError, match="it is kept") as caught:
        files.write(tmp_path, github.SYSTEM, texts(demo))
    assert "tests: {}" in str(caught.value.hint)
    assert path.read_text() == "name: mine\n"
    assert [p.name for p in path.parent.iterdir()] == ["ci.yml"]


def test_a_file_that_is_no_text_is_named(tmp_path: Path, demo: Demo):
    path = tmp_path / github.SYSTEM.folder / "release.yml"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff")
    with pytest.raises(StorageError, match="this file is not UTF-8") as caught:
        files.differences(tmp_path, github.SYSTEM, texts(demo))
    assert caught.value.hint == "move it away: a file of this name is written here"


@pytest.mark.parametrize("what", ["FIFO", "folder", "device"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, demo: Demo, what: str):
    path = tmp_path / github.SYSTEM.folder / "release.yml"
    path.parent.mkdir(parents=True)
    if what == "FIFO":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(StorageError, match="this is not a regular file") as caught:
        files.check(tmp_path, github.SYSTEM, texts(demo))
    assert caught.value.hint == "move it away: a file of this name is written here"


def test_the_same_text_again(demo: Demo):
    first = texts(demo)
    assert rendered(config.load(demo.project, KINDS, DESTINATIONS)) == first


# several releases


def several(*tags: str) -> list[ReleaseConfig]:
    return [ReleaseConfig(f"r{n}", StatedVersion("1.0.0", ""), (), tag) for n, tag in enumerate(tags)]


@pytest.mark.parametrize(
    ("tags", "patterns"),
    [
        (("{name}-v{version}", "{name}-v{version}"), [["r0-v[0-9]*"], ["r1-v[0-9]*"]]),
        (
            ("v{version}", "v{version}-web", "web/v{version}"),
            [["v[0-9]*", "!v[0-9]*-web"], ["v[0-9]*-web"], ["web/v[0-9]*"]],
        ),
    ],
)
def test_a_workflow_is_started_by_the_tags_of_its_release_alone(tags: tuple[str, ...], patterns: list[list[str]]):
    releases = several(*tags)
    assert [github.tag_patterns(one, releases) for one in releases] == patterns


def test_a_release_goes_where_it_has_something_to_publish(demo: Demo):
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write(
            "\nreleases:\n  core: {version: '1.2.3', artifacts: [sdk-c, sdk-py, server, image]}\n"
            f"  'no': {{version: '1.2.3', artifacts: [npm, go]}}\nci: {{{SOURCE}, publish: [github, pypi]}}\n"
        )
    result = rendered(config.load(demo.project, KINDS, DESTINATIONS), {"core": 3, "no": 300})
    jobs_of = {name: set(yaml.safe_load(text)["jobs"]) for name, text in result.items()}
    built = {"build-release-core.yml", "build-release-no.yml"}
    assert set(jobs_of) == {"ci.yml", "release-core.yml", "release-no.yml", "shards.yml", *built}
    assert "pypi" in jobs_of["release-core.yml"]
    assert jobs_of["release-core.yml"] - jobs_of["release-no.yml"] == {"pypi"}
    assert "uses: ./.github/workflows/shards.yml" in result["build-release-no.yml"]
    assert "shards.yml" not in result["build-release-core.yml"]
    matrix = yaml.safe_load(result["ci.yml"])["jobs"]["consumers-1"]["strategy"]["matrix"]
    assert matrix == {"release": ["core", "no"]}  # a name, and not what YAML 1.1 takes it for


# the command


def test_the_command_writes_compares_and_refuses(demo: Demo):
    texts(demo)
    assert demo.ferrule("ci", "github").stdout.splitlines() == [
        ".github/workflows/build-release.yml: written",
        ".github/workflows/ci.yml: written",
        ".github/workflows/release.yml: written",
    ]
    assert demo.ferrule("ci", "github", "--check", "--json").returncode == 0
    demo.edit("  server: {", "  other: {kind: goprogram, module: go, source: packaging/server}\n  server: {")
    assert demo.ferrule("ci", "github", "--check").returncode == 0, "what is assembled is split over nothing"
    demo.edit("  wasm32-unknown-unknown: {}", "  wasm32-unknown-unknown: {runner: own}")
    demo.edit("ci: {", "ci: {minutes: 5, ")
    done = demo.ferrule("ci", "github", "--check")
    assert (done.returncode, "ci.yml, release.yml, build-release.yml" in done.stderr) == (6, True)


def test_a_tag_has_to_be_of_the_version(demo: Demo):
    assert demo.ferrule("check", "--tag", "v1.2.3").returncode == 0
    done = demo.ferrule("check", "--tag", "v1.2.4")
    assert done.returncode == 3
    assert "targets.yaml:6:3: the tag 'v1.2.4' is not of this version, 1.2.3" in done.stderr


STEPS = (
    "{steps: {before-build: .github/actions/prepare, before-merge: .github/actions/m, after-verify: .github/actions/v}}"
)


@pytest.mark.parametrize("shards", [4, 257])
def test_steps_of_the_projects_own_run_at_their_points_without_rights(demo: Demo, shards: int) -> None:
    for name, file in (("prepare", "action.yml"), ("m", "action.yaml"), ("v", "action.yml")):
        folder = demo.project / ".github" / "actions" / name
        folder.mkdir(parents=True)
        (folder / file).write_text("runs: {using: composite, steps: []}\n")
    users = {}
    for name, job in jobs(parsed(demo, STEPS, shards)):
        own = [step["uses"] for step in job.get("steps", ()) if step.get("uses", "").startswith("./")]
        users |= {name: own} if own else {}
        assert not own or job["permissions"] == {"contents": "read"}
    assert users.pop("build") == ["./.github/actions/prepare"]
    assert users.pop("merge") == ["./.github/actions/m"]
    assert users.pop("verify") == ["./.github/actions/v"]
    assert set(users) >= {"dist", "tests-1"}
    assert {tuple(own) for own in users.values()} == {("./.github/actions/prepare",)}


def test_an_action_that_is_not_there(demo: Demo) -> None:
    (demo.project / ".github/actions/prepare").mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"there is no action in \.github/actions/prepare") as caught:
        texts(demo, "{steps: {before-build: .github/actions/prepare}}")
    assert caught.value.hint == "write .github/actions/prepare/action.yml"


def test_a_script_of_the_projects_own_is_run(demo: Demo) -> None:
    script = demo.project / ".ci/prepare"
    script.parent.mkdir()
    script.touch(mode=0o755)
    build = parsed(demo, "{steps: {before-build: .ci/prepare}}")["build-release"]["jobs"]["build"]
    assert "./.ci/prepare" in commands(build)


@pytest.mark.parametrize("identity", [True, False])
def test_npm_signs_provenance_for_a_job_with_an_identity(demo: Demo, identity: bool) -> None:
    key = ", identity: 'https://github.com/example/demo'" if identity else ""
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write(ROWS.replace("npm.example.org'}", f"npm.example.org'{key}}}"))
    publish = parsed(demo, "{publish: [], publish-rows: [js]}")["release"]["jobs"]["publish"]
    assert publish["permissions"] == {"contents": "read", **({"id-token": "write"} if identity else {})}


def test_rows_are_published_by_a_job_that_runs_ferrule_and_nothing_of_the_projects(demo: Demo) -> None:
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write(ROWS)
    document = parsed(demo, "{publish: [], publish-rows: [index, bucket, js]}")["release"]
    publish = document["jobs"]["publish"]
    assert publish["permissions"] == {"contents": "read", "id-token": "write"}
    assert (publish["needs"], publish["environment"]) == ("build", "publish")
    assert publish["if"] == "github.ref_type == 'tag' && !inputs.rehearsal"
    assert commands(publish) == [
        f'pipx install "ferrule @ git+https://example.com/ferrule.git@{COMMIT}"',
        'pipx install "twine==7.0.0"',
        r'npm config set "//npm.example.org/:_authToken=\${NPM_TOKEN}"',
        "ferrule publish --from dist --to index --to bucket --to js",
    ]
    names = ("TWINE_USERNAME", "TWINE_PASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "NPM_TOKEN")
    assert publish["steps"][-1]["env"] == {name: f"${{{{ secrets.{name} }}}}" for name in names}


def test_what_windows_links_is_linked_there_and_handed_to_what_packs_it(demo: Demo) -> None:
    lines = "  x86_64-pc-windows-msvc: {}\n  aarch64-pc-windows-msvc: {runner: arm-with-windows}\n"
    demo.edit("  aarch64-apple-darwin", f"{lines}  aarch64-apple-darwin")
    documents = parsed(demo)
    for name, packing in (("build-release", "merge"), ("ci", "dist")):
        of_file = documents[name]["jobs"]
        assert of_file["link"]["strategy"]["matrix"]["include"] == [
            {"target": "x86_64-pc-windows-msvc", "runner": "windows-2025"},
            {"target": "aarch64-pc-windows-msvc", "runner": "arm-with-windows"},
        ]
        assert of_file["link"]["permissions"] == {"contents": "read"}
        assert 'ferrule script --setup --to "$RUNNER_TEMP/scripts"' in commands(of_file["scripts"])
        assert not any("ferrule " in command for command in commands(of_file["link"]))
        assert "link" in of_file[packing]["needs"]
        assert any('--linked "$RUNNER_TEMP/linked"' in command for command in commands(of_file[packing]))
    # Ferrule does not run on Windows, and so no tests that call it.
    assert not any("windows" in job["runs-on"] for name, job in jobs(documents) if name.startswith(("tests", "consum")))


def test_without_such_targets_nothing_is_linked_elsewhere(demo: Demo) -> None:
    documents = parsed(demo)
    assert not {"scripts", "link"} & {name for name, _ in jobs(documents)}
    assert not any("--linked" in command for _, job in jobs(documents) for command in commands({"steps": [], **job}))
