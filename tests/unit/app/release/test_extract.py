"""Files of one kind out of a finished release."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ferrule.app.release.extract import pick
from ferrule.app.release.manifest import text_of
from ferrule.core.errors import StorageError, VerificationError
from ferrule.core.manifest import Manifest, ManifestFile
from ferrule.core.model import Digest

if TYPE_CHECKING:
    from pathlib import Path


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
    assert pick(dist, "wheel", tmp_path / "python") == ("a.whl",)
    assert pick(dist, "gomodule", tmp_path / "module") == ("go/go.mod",)
    assert (tmp_path / "python" / "a.whl").read_text() == "wheel a.whl"
    assert (tmp_path / "module" / "go" / "go.mod").is_file()


def test_a_changed_file_is_refused(tmp_path: Path):
    dist = release(tmp_path, wheel="a.whl")
    (dist / "a.whl").write_text("another")
    with pytest.raises(VerificationError, match="not what the manifest says"):
        pick(dist, "wheel", tmp_path / "python")


def test_nothing_to_pick_is_an_error(tmp_path: Path):
    with pytest.raises(VerificationError, match="nothing of the kind npm"):
        pick(release(tmp_path, wheel="a.whl"), "npm", tmp_path / "npm")


def test_a_lost_file_is_an_error(tmp_path: Path):
    dist = release(tmp_path, wheel="a.whl")
    (dist / "a.whl").unlink()
    with pytest.raises(StorageError):
        pick(dist, "wheel", tmp_path / "python")


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path):
    dist = release(tmp_path, wheel="a.whl")
    with pytest.raises(StorageError, match="left alone"):
        pick(dist, "wheel", tmp_path)


def test_a_name_that_leads_out_is_refused(tmp_path: Path):
    with pytest.raises(VerificationError, match="not allowed here"):
        pick(release(tmp_path, wheel="../a.whl"), "wheel", tmp_path / "python")
    assert not (tmp_path / "a.whl").exists()
