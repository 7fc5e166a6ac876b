"""Files of one kind out of a finished release, and all of it as it is uploaded."""

from __future__ import annotations

import json
import re
import shutil
import stat
import tarfile
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec

from fakes.pipelines import rendered
from fakes.toolchain import Demo, lay_out, sums_agree
from ferrule.app.release import run
from ferrule.app.release.extract import extract_all, extract_kind
from ferrule.app.release.manifest import text_of
from ferrule.app.verify import examine
from ferrule.config.ci import FerruleSection
from ferrule.core.errors import ConfigError, StorageError, VerificationError
from ferrule.core.manifest import Manifest, ManifestFile
from ferrule.core.model import Digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = ec.derive_private_key(0x1F2E3D4C5B6A79, ec.SECP256R1())


def release(folder: Path, **kinds: str) -> Path:
    """A release with one file of each kind: `wheel="a.whl"`."""
    dist = folder / "dist"
    dist.mkdir()
    artifacts = []
    for kind, name in kinds.items():
        content = f"{kind} {name}".encode()
        if ".." not in name:
            (dist / name).parent.mkdir(exist_ok=True, parents=True)
            (dist / name).write_bytes(content)
        artifacts.append(ManifestFile(kind, kind, None, name, len(content), Digest.of(content), None, kind))
    manifest = Manifest("demo", "1.2.3", None, None, None, tuple(artifacts), {})
    (dist / "manifest.json").write_bytes(text_of(manifest))
    return dist


def test_only_these_files_come_with_their_folders(tmp_path: Path):
    dist = release(tmp_path, wheel="a.whl", gomodule="go/go.mod")
    assert extract_kind(dist, "wheel", tmp_path / "python") == ("a.whl",)
    assert extract_kind(dist, "gomodule", tmp_path / "module") == ("go/go.mod",)
    assert extract_kind(dist, "wheel,gomodule", tmp_path / "both") == ("a.whl", "go/go.mod")
    assert (tmp_path / "python" / "a.whl").read_text() == "wheel a.whl"
    assert (tmp_path / "module" / "go" / "go.mod").is_file()


def test_a_changed_file_is_refused(tmp_path: Path):
    dist = release(tmp_path, wheel="a.whl")
    (dist / "a.whl").write_text("another")
    with pytest.raises(VerificationError, match="differs from the manifest"):
        extract_kind(dist, "wheel", tmp_path / "python")


def test_nothing_to_extract_is_an_error(tmp_path: Path):
    with pytest.raises(VerificationError, match="nothing of the kind npm"):
        extract_kind(release(tmp_path, wheel="a.whl"), "npm", tmp_path / "npm")


def test_a_lost_file_is_an_error(tmp_path: Path):
    dist = release(tmp_path, wheel="a.whl")
    (dist / "a.whl").unlink()
    with pytest.raises(StorageError):
        extract_kind(dist, "wheel", tmp_path / "python")


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path):
    dist = release(tmp_path, wheel="a.whl")
    with pytest.raises(StorageError, match="already exists, and is kept"):
        extract_kind(dist, "wheel", tmp_path)


def test_a_name_that_leads_out_is_refused(tmp_path: Path):
    with pytest.raises(VerificationError, match="not allowed here"):
        extract_kind(release(tmp_path, wheel="../a.whl"), "wheel", tmp_path / "python")
    assert not (tmp_path / "a.whl").exists()


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A release with an image and a Go module, both of which are folders."""
    demo = lay_out(tmp_path_factory.mktemp("shipped"))
    demo.edit("source: packaging/go}", "source: packaging/go, ship: true}")
    assert demo.run().failed == ()
    assert (demo.dist / "go" / "go.mod").is_file()
    assert (demo.dist / "image" / "oci-layout").is_file()
    return demo


def uploaded(demo: Demo, folder: Path) -> Path:
    """What the job of the workflow takes, in an empty folder: by its own commands and pattern."""
    config = run.load(demo.project)
    ci = replace(config.ci, source=FerruleSection(command="ferrule"), publish=("github",))
    texts = rendered(replace(config, ci=ci), 2)
    jobs = {**yaml.safe_load(texts["build-release.yml"])["jobs"], **yaml.safe_load(texts["release.yml"])["jobs"]}
    prepare = next(s["run"] for s in jobs["verify"]["steps"] if "extract all" in s.get("run", ""))
    source, target = re.search(r"extract all --from (\S+) --to (\S+)$", prepare).groups()  # type: ignore[union-attr]
    extract_all(demo.project / source, folder / target)
    publish = next(step["run"] for step in jobs["github"]["steps"] if "gh release create" in step.get("run", ""))
    taken = re.match(r"find (\S+) -maxdepth 1 -type f -exec gh release create", publish)
    assert taken is not None
    downloads = folder / "downloads"
    downloads.mkdir()
    for path in (folder / taken[1]).iterdir():
        if stat.S_ISREG(path.lstat().st_mode):
            shutil.copyfile(path, downloads / path.name)
    return downloads


def test_what_the_workflow_uploads_verifies_as_it_is_downloaded(shipped: Demo, tmp_path: Path):
    downloads = uploaded(shipped, tmp_path)
    findings = examine(downloads)
    assert [f"{v.subject}: {v.claim}: {v.problem}" for v in findings.verdicts if v.problem] == []
    assert sums_agree(downloads)
    names = {path.name for path in downloads.iterdir()}
    listed = {line.split("  ")[1] for line in (downloads / "SHA256SUMS").read_text().splitlines()}
    assert listed == names - {"SHA256SUMS", "manifest.json", "provenance.intoto.jsonl"}
    assert {"demo-image-1.2.3.oci.tar", "demo-go-1.2.3.zip"} <= names
    # Nothing of the release is lost: what was in folders is in the two archives, with the same digest.
    original = {a["sha256"] for a in json.loads((shipped.dist / "manifest.json").read_bytes())["artifacts"]}
    manifest = json.loads((downloads / "manifest.json").read_bytes())
    regenerated = {"SHA256SUMS", "provenance.intoto.jsonl"}
    lost = original - {e["sha256"] for e in (*manifest["artifacts"], *manifest["packed"])}
    assert lost == {Digest.of_file(shipped.dist / name).hex for name in regenerated}
    claims = {v.subject: v.claim for v in findings.verdicts if v.claim.startswith("archive")}
    assert claims["demo-image-1.2.3.oci.tar"].startswith("archive with ")
    assert claims["demo-go-1.2.3.zip"].startswith("archive with 3 of the compiled files")


def test_the_archives_are_what_other_programs_read(shipped: Demo, tmp_path: Path):
    downloads = uploaded(shipped, tmp_path)
    with tarfile.open(downloads / "demo-image-1.2.3.oci.tar") as archive:
        names = archive.getnames()
        assert {"oci-layout", "index.json"} < set(names)
        assert all(not member.isdir() for member in archive.getmembers())
    with zipfile.ZipFile(downloads / "demo-go-1.2.3.zip") as module:
        assert all(name.startswith("example.com/demo@v1.2.3/") for name in module.namelist()), module.namelist()
        assert not any(name.endswith("/") for name in module.namelist())
        assert module.read("example.com/demo@v1.2.3/go.mod") == (shipped.dist / "go" / "go.mod").read_bytes()


def swap_layer(folder: Path) -> None:
    path = folder / "demo-image-1.2.3.oci.tar"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("change", [swap_layer, lambda folder: (folder / "demo-go-1.2.3.zip").unlink()])
def test_what_was_changed_on_the_way_is_noticed(shipped: Demo, tmp_path: Path, change: Callable[[Path], None]):
    downloads = uploaded(shipped, tmp_path)
    change(downloads)
    assert not examine(downloads).passed
    assert not sums_agree(downloads)


def test_the_same_release_gives_the_same_copy(shipped: Demo, tmp_path: Path):
    for name in ("one", "two"):
        extract_all(shipped.dist, tmp_path / name)
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two


def test_a_copy_of_a_signed_release_is_signed(shipped: Demo, tmp_path: Path):
    config, context = run.load(shipped.project), replace(shipped.context, key=KEY)
    dist = tmp_path / "dist"
    assert run.run(config, run.make_plan(config, context), context, lambda _: None, output=dist).failed == ()
    with pytest.raises(ConfigError, match="its copy needs a signature of its own") as caught:
        extract_all(dist, tmp_path / "unsigned")
    assert caught.value.hint == "name the key: --sign-key"
    extract_all(dist, tmp_path / "upload", KEY)
    findings = examine(tmp_path / "upload", KEY.public_key())
    assert findings.passed
    assert findings.signed


@pytest.mark.parametrize("name", ["image/index.json", "go/go.mod", "provenance.intoto.jsonl", "demo-1.2.3.wasm"])
def test_a_changed_file_is_in_no_copy(shipped: Demo, tmp_path: Path, name: str):
    dist = shutil.copytree(shipped.dist, tmp_path / "dist")
    (dist / name).write_bytes((dist / name).read_bytes()[::-1])
    with pytest.raises(VerificationError, match="differs from the manifest"):
        extract_all(dist, tmp_path / "upload")
