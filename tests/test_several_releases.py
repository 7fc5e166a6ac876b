"""Several releases of one targets.yaml, by the real command line, with pretended compilers."""

from __future__ import annotations

import json
import shutil
import subprocess  # noqa: TID251 - a repository is made for the tests
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from fakes.several_releases import several
from fakes.triples import ARM, X86

if TYPE_CHECKING:
    from fakes.toolchain import Demo

CI = """
ci:
  ferrule: {git: https://example.com/ferrule.git, commit: 0123456789abcdef0123456789abcdef01234567}
"""


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return several(tmp_path)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Both releases, made once with their pages, for tests that change nothing but what can be made again."""
    demo = several(tmp_path_factory.mktemp("several"))
    done = demo.ferrule("release", "--report")
    assert done.returncode == 0, done.stderr
    return demo


def output(demo: Demo, *arguments: str, **environment: str) -> str:
    """What a command that must succeed prints."""
    done = demo.ferrule(*arguments, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refusal(demo: Demo, *arguments: str, code: int = 3, **environment: str) -> str:
    done = demo.ferrule(*arguments, **environment)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stderr


def git(demo: Demo, *words: str) -> None:
    author = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.invalid")
    subprocess.run(["git", *author, *words], cwd=demo.project, check=True)


def test_each_is_made_into_a_folder_of_its_own(released: Demo) -> None:
    assert {name for name in released.files() if not name.endswith(("manifest.json", ".jsonl"))} == {
        f"core/core-c-1.9.1-{X86}.tar.gz",
        f"core/core-c-1.9.1-{ARM}.tar.gz",
        "core/SHA256SUMS",
        "page/page-0.4.0.wasm",
        "page/page-0.4.0.core.wasm",
        "page/SHA256SUMS",
    }
    manifest = json.loads(released.files()["core/manifest.json"])
    assert (manifest["project"], manifest["release"]) == ("core", "1.9.1")
    output(released, "verify", "dist/core")
    text = output(released, "verify")
    assert [line for line in text.splitlines() if ", no commit, " in line] == [
        f"{name}, no commit, signer not checked (--key names one)" for name in ("core 1.9.1", "page 0.4.0")
    ]
    documents = json.loads(output(released, "verify", "dist", "--json"))
    assert [(document["project"], document["ok"]) for document in documents] == [("core", True), ("page", True)]
    calls = len(released.calls)
    again = released.ferrule("release", "page")
    assert (again.returncode, len(released.calls)) == (0, calls), again.stderr
    assert "0 built, 3 unchanged" in again.stderr
    assert "there is no release 'pag'" in refusal(released, "release", "pag", code=2)
    assert "page-0.4.0.wasm" in output(released, "plan", "--release", "page")


def test_one_that_does_not_verify_fails_all(released: Demo, tmp_path: Path) -> None:
    shutil.copytree(released.dist, tmp_path / "dist")
    (tmp_path / "dist/core/SHA256SUMS").write_text("")
    text = released.ferrule("verify", str(tmp_path / "dist")).stdout
    assert "WRONG   SHA256SUMS: digest" in text
    assert "page 0.4.0, no commit" in text
    refusal(released, "verify", str(tmp_path / "dist"), code=6)
    assert "there is no release here" in refusal(released, "verify", str(tmp_path), code=6)


def test_a_tag_is_that_of_one_release(demo: Demo) -> None:
    output(demo, "check", "--tag", "page/0.4.0")
    output(demo, "check", "--release", "page", "--tag", "page/0.4.0")
    # 1.9.10 is no heading for 1.9.1.
    assert "the changelog of core has no heading for 1.9.1" in refusal(demo, "check", "--tag", "core-v1.9.1")
    (demo.project / "CHANGES.md").write_text("# Changes\n\n## [1.9.1] - today\n")
    output(demo, "check", "--tag", "core-v1.9.1")
    assert "is of no release of this file" in refusal(demo, "check", "--tag", "v1.9.1")
    other = refusal(demo, "check", "--release", "core", "--tag", "page/0.4.0")
    assert "the tag 'page/0.4.0' is not of core 1.9.1" in other
    assert "tag the commit core-v1.9.1" in other


def test_each_has_a_record_of_its_interface_by_which_it_is_bumped_and_published(tmp_path: Path) -> None:
    demo = several(tmp_path)
    targets = demo.project / "targets.yaml"
    targets.write_text(f"{targets.read_text()}publish:\n  shelf: {{to: folder, path: ../shelf}}\n")
    (demo.project / "CHANGES.md").write_text("# Changes\n\n## 1.9.1\n")
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "Begin"), ("tag", "core-v1.9.1")):
        git(demo, *words)
    output(demo, "release", "core")
    compiler = {"PATH": f"/usr/bin:/bin:{demo.root / 'bin'}"}  # this machine's own, which reads the header
    printed = output(demo, "abi", "--release", "core", "--record", **compiler)
    assert printed == "recorded the interface of 1.9.1 in packaging/abi/core/\n"
    printed = output(demo, "abi", "dist/core", **compiler)
    assert printed == "changes since 1.9.1: none\nversion 1.9.1 is high enough\n"
    assert "name it: --release core or --release page" in refusal(demo, "abi", code=2)
    record = demo.project / "packaging/abi/core/interface.json"
    record.write_text(record.read_text().replace('"demo_add": {', '"demo_gone": {'))
    git(demo, "add", "packaging")
    git(demo, "commit", "-q", "-m", "fix: the record")
    message = refusal(demo, "bump", "--release", "core", code=9, **compiler)
    assert "dist/core/ is not a release of what is checked out" in message
    output(demo, "release", "core")
    printed = output(demo, "bump", "--release", "core", "--dry-run", **compiler)
    assert printed.startswith("1.9.1 -> 2.0.0: a breaking change")
    done = demo.ferrule("publish", "core", "--dry-run", **compiler)
    assert "name it: core or page" in refusal(demo, "publish", "--dry-run", code=2)
    assert done.returncode != 0
    assert "packaging/abi/core: the version is 1.9.1, and has to be 2.0.0 at least" in done.stderr


def test_what_another_release_lists_keeps_its_version_and_its_interface_is_recorded_there(tmp_path: Path) -> None:
    demo = several(tmp_path)
    targets = demo.project / "targets.yaml"
    image = "  image: {kind: image, library: native, base: packaging/base.lock}\n  sums: {"
    text = (
        targets.read_text().replace("  sums: {", image).replace("artifacts: [sdk]", "artifacts: [native, header, sdk]")
    )
    text = text.replace("library, crate: demo-ffi, ", "library, crate: demo-ffi, ship: true, ")
    targets.write_text(f'{text}  shop: {{version: "0.3.0", artifacts: [image]}}\n')
    output(demo, "release", "core", "shop")
    shipped, packed = (
        {row["artifact"] for row in json.loads((demo.dist / "shop/manifest.json").read_bytes())[part]}
        for part in ("artifacts", "packed")
    )
    assert shipped == {"image", "sums", "provenance"}
    assert {"native", "header"} <= packed
    assert f"core/lib/{X86}/libdemo.so.1" in demo.files()
    layers = [path for path in (demo.dist / "shop/image/blobs/sha256").iterdir() if tarfile.is_tarfile(path)]
    names: set[str] = set()
    for layer in layers:
        with tarfile.open(layer) as archive:
            names.update(archive.getnames())
    assert {"usr/lib/libdemo.so", "usr/lib/libdemo.so.1", "usr/lib/libdemo.so.1.9.1"} <= names
    assert "usr/lib/libdemo.so.0.3.0" not in names
    compiler = {"PATH": f"/usr/bin:/bin:{demo.root / 'bin'}"}  # this machine's own, which reads the header
    for name, libraries in (("core", ["native"]), ("shop", [])):
        output(demo, "abi", "--release", name, "--record", **compiler)
        record = json.loads((demo.project / "packaging/abi" / name / "interface.json").read_bytes())
        assert (list(record["libraries"]), list(record["headers"])) == (libraries, ["demo.h"] if libraries else [])
    # Where the header is nobody's, an image alone cannot say what it declares.
    shutil.rmtree(demo.dist / "core")
    targets.write_text(targets.read_text().replace("artifacts: [native, header, sdk]", "artifacts: [sdk]"))
    message = refusal(demo, "abi", "--release", "shop", code=9, **compiler)
    assert "no package holds the demo.h of header" in message
    assert "if header belongs to another release, list it there" in message


def test_a_header_of_one_release_may_be_packed_by_another_which_keeps_the_version_of_the_library(
    tmp_path: Path,
) -> None:
    demo = several(tmp_path)
    targets = demo.project / "targets.yaml"
    listed = 'artifacts: [native, header], changelog: CHANGES.md}\n  kit: {version: "0.6.0", artifacts: [sdk]}'
    text = targets.read_text().replace("artifacts: [sdk], changelog: CHANGES.md}", listed)
    targets.write_text(text.replace("library, crate: demo-ffi, ", "library, crate: demo-ffi, ship: true, "))
    compiler = {"PATH": f"/usr/bin:/bin:{demo.root / 'bin'}"}  # this machine's own, which reads the header
    output(demo, "release", "core")
    message = refusal(demo, "abi", "--release", "core", "--record", code=9, **compiler)
    assert "or make the release whose package holds it (ferrule release)" in message
    output(demo, "release", "kit")
    for name, headers in (("core", ["demo.h"]), ("kit", [])):
        output(demo, "abi", "--release", name, "--record", **compiler)
        record = json.loads((demo.project / "packaging/abi" / name / "interface.json").read_bytes())
        assert list(record["headers"]) == headers
    with tarfile.open(demo.dist / f"kit/kit-c-0.6.0-{X86}.tar.gz") as archive:
        top = f"kit-c-0.6.0-{X86}"
        assert f"{top}/lib/libdemo.so.1.9.1" in archive.getnames()
        texts = [
            (archive.extractfile(f"{top}/lib/{name}") or pytest.fail(name)).read().decode()
            for name in ("pkgconfig/demo.pc", "cmake/demo/demoConfigVersion.cmake", "cmake/demo/demoConfig.cmake")
        ]
    assert "Version: 1.9.1\n" in texts[0]
    assert 'set(PACKAGE_VERSION "1.9.1")' in texts[1]
    assert "libdemo.so.1.9.1" in texts[2]
    assert not any("0.6.0" in text for text in texts)


@pytest.mark.parametrize("command", [("matrix",), ("reproduce",), ("build", "--shard", "1/1"), ("merge", "dist")])
def test_what_takes_one_release_must_be_told_which(demo: Demo, command: tuple[str, ...]) -> None:
    message = refusal(demo, *command, code=2)
    assert "this file describes several releases, of which this command takes one" in message
    assert "name it: --release core or --release page" in message
    assert "there is no release 'pag'" in refusal(demo, *command, "--release", "pag", code=2)


@pytest.mark.parametrize("by", ["entry", "number"])
def test_the_shards_of_a_release_are_merged_to_it(released: Demo, tmp_path: Path, by: str) -> None:
    demo, alone = several(tmp_path), released.files()
    for name in ("core", "page"):
        shards = json.loads(output(demo, "matrix", "--release", name, "--shards", "2"))["include"]
        of = len(shards)
        assert [(shard["release"], shard["of"]) for shard in shards] == [(name, of)] * of
        for number, shard in enumerate(shards, 1):
            words = [json.dumps(shard)] if by == "entry" else [f"{number}/{of}", "--release", name]
            output(demo, "build", "--shard", *words, "--bundle", f"bundles/{name}-{number}")
        bundles = sorted(str(path) for path in (demo.project / "bundles").glob(f"{name}-*"))
        output(demo, "merge", "--release", name, *bundles)
    assert demo.files() == alone
    other = refusal(demo, "merge", "--release", "core", *bundles, code=6)
    assert "this bundle is of the project page, not of core" in other


def test_pipelines_of_other_systems_merge_the_release(demo: Demo) -> None:
    for system in ("gitlab", "buildkite"):
        text = output(demo, "matrix", "--release", "core", "--format", system)
        assert "ferrule merge --setup --release core bundles/*" in text


def test_a_part_of_one_release_is_built(demo: Demo) -> None:
    output(demo, "build", "web", "--release", "page", "--target", "all")
    assert (demo.project / ".ferrule/out/page-0.4.0.wasm").is_file()
    assert "sdk" in refusal(demo, "build", "sdk", "--release", "page", code=2)


def test_each_has_a_workflow_that_its_tags_start(demo: Demo) -> None:
    with (demo.project / "targets.yaml").open("a") as stream:
        stream.write(CI)
    folder = demo.project / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "release-mine.yml").write_text("name: mine\n")
    names = ("build-release-core", "build-release-page", "ci", "release-core", "release-page")
    written = output(demo, "ci", "github").splitlines()
    assert sorted(written) == [f".github/workflows/{name}.yml: written" for name in names]
    texts = {path.name: path.read_text() for path in folder.iterdir()}
    core, page = (yaml.load(texts[f"release-{name}.yml"], yaml.BaseLoader) for name in ("core", "page"))
    assert (core["name"], core["on"]["push"]["tags"]) == ("release core", ["core-v[0-9]*"])
    assert (page["name"], page["on"]["push"]["tags"]) == ("release page", ["page/[0-9]*"])
    assert core["jobs"]["build"]["uses"] == "./.github/workflows/build-release-core.yml"
    built = yaml.load(texts["build-release-core.yml"], yaml.BaseLoader)
    commands = [step["run"] for job in built["jobs"].values() for step in job["steps"] if "run" in step]
    assert {
        'ferrule check --release core --tag "$TAG"',
        '{ printf shards=; ferrule matrix --release core --shards 3; } >> "$GITHUB_OUTPUT"\n',
        'ferrule merge --setup --release core --output dist "$RUNNER_TEMP"/bundles/*',
        "ferrule verify dist",
    } <= set(commands)
    jobs = yaml.load(texts["ci.yml"], yaml.BaseLoader)["jobs"]
    kept = [step["with"]["path"] for step in jobs["dist"]["steps"] if "upload" in step.get("uses", "")]
    assert kept == ["dist/core/", "dist/page/"]
    assert jobs["consumers-1"]["strategy"]["matrix"] == {"release": ["core", "page"]}
    fetched = [step["with"] for step in jobs["consumers-1"]["steps"] if "download" in step.get("uses", "")]
    assert fetched == [{"name": "dist-${{ matrix.release }}", "path": "dist/"}]
    output(demo, "ci", "github", "--check")
    # One that is gone has no workflow any more; what somebody else wrote stays.
    text = (demo.project / "targets.yaml").read_text()
    (demo.project / "targets.yaml").write_text(text[: text.index("releases:")] + text[text.index("\nci:") :])
    messages = demo.ferrule("ci", "github")
    assert messages.returncode == 0, messages.stderr
    ours = {"build-release.yml", "ci.yml", "release.yml"}
    assert {path.name for path in folder.iterdir()} == {*ours, "release-mine.yml"}


def test_each_is_reproduced(released: Demo) -> None:
    done = json.loads(output(released, "reproduce", "--release", "page", "--json"))
    assert done["equal"] is True
    assert "page-0.4.0.wasm" in {row["file"] for row in done["files"]}
    done = json.loads(output(released, "reproduce", "--release", "core", "--against", "dist/core", "--json"))
    assert done["equal"] is True
    assert f"core-c-1.9.1-{X86}.tar.gz" in {row["file"] for row in done["files"]}


def test_each_has_a_page(released: Demo) -> None:
    state = released.project / ".ferrule"
    pages = [state / "report-core.html", state / "report-page.html"]
    before = [path.read_bytes() for path in pages]
    assert output(released, "report").split() == [f".ferrule/{path.name}" for path in pages]
    assert [path.read_bytes() for path in pages] == before
    assert b"core 1.9.1" in before[0]
    assert b"page-0.4.0.wasm" not in before[0]
    assert not (state / "report.html").exists()
    assert output(released, "report", "--release", "page").split() == [f".ferrule/{pages[1].name}"]
    shutil.copytree(released.dist / "core", state / "copy")
    other = refusal(released, "report", ".ferrule/copy", "--release", "page", code=2)
    assert "this is a release of core, not of page" in other
    assert output(released, "report", ".ferrule/copy").split() == [f".ferrule/{pages[0].name}"]
    assert output(released, "report", ".ferrule/copy", "--release", "core").split() == [f".ferrule/{pages[0].name}"]
    assert pages[0].read_bytes() == before[0]


def test_each_has_a_page_for_those_who_download_it(released: Demo) -> None:
    state = released.project / ".ferrule"
    (released.project / "CHANGES.md").write_text("# Changes\n\n## 1.9.1\n\nNew.\n")
    done = released.ferrule("page")
    assert done.stdout.split() == [str(state / f"release-{name}.html") for name in ("core", "page")]
    assert "CHANGELOG.md" in done.stderr
    core = (state / "release-core.html").read_text()
    assert "Changes in 1.9.1" in core
    assert f"../dist/core/core-c-1.9.1-{X86}.tar.gz" in core
    assert "page-0.4.0.wasm" not in core
    assert output(released, "page", "--release", "page").split() == [str(state / "release-page.html")]
    assert "Changes in 1.9.1" in Path(output(released, "page", "dist/core").strip()).read_text()
    assert "name it: --release core or --release page" in refusal(released, "page", "--output", "x.html", code=2)


def explained(demo: Demo, *words: str) -> dict[str, object]:
    document = json.loads(output(demo, "explain", "--json", *words))
    assert isinstance(document, dict)
    return document


def test_what_is_in_one_release_or_in_several_is_explained(released: Demo) -> None:
    (action,) = explained(released, "web")["actions"]
    assert (action["state"], action["recipe"]["fields"]["version"]) == ("cached", "0.4.0")
    assert explained(released, f"sdk@{X86}")["state"] == "cached"
    message = refusal(released, "explain", "sums", code=2)
    assert "sums is in several releases" in message
    assert "name one: --release core or --release page" in message
    (action,) = explained(released, "sums", "--release", "core")["actions"]
    assert action["item"] == "sums"
    file = explained(released, "page-0.4.0.wasm")["manifest"]
    assert (file["project"], file["release"]) == ("page", "0.4.0")
    row = json.loads(released.files()["core/manifest.json"])["artifacts"][0]
    assert explained(released, row["sha256"][:16])["manifest"]["rows"][0]["file"] == row["file"]
    shutil.copy(released.dist / "page" / "page-0.4.0.wasm", released.root / "elsewhere.wasm")
    file = explained(released, str(released.root / "elsewhere.wasm"))["manifest"]
    assert (file["project"], next(row["match"] for row in file["rows"])) == ("page", "same bytes")
    assert "did you mean" in refusal(released, "explain", "page-0.4.0.wasn", code=2)
