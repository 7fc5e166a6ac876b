"""What differs between two releases, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ferrule.app.reproduce.release_diff import Compared, compare, differing_inputs
from ferrule.core.manifest import Manifest, ManifestFile
from ferrule.core.model import Digest

if TYPE_CHECKING:
    from pathlib import Path


def fill(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def compared(tmp_path: Path, one: dict[str, bytes], two: dict[str, bytes]) -> dict[str, Compared]:
    folders = [fill(tmp_path / name, **files) for name, files in (("one", one), ("two", two))]
    return {result.file: result for result in compare(*folders)}


def manifest(key: str, commit: str | None = None) -> bytes:
    """Of a release of one file, which an action with this key made."""
    file = ManifestFile("x", "library", None, "a", 1, Digest.of(b"1"), Digest(key), "cdylib")
    return json.dumps(Manifest("demo", "1", commit, None, None, (file,), {}).document()).encode()


def test_files_are_compared_by_name_and_content(tmp_path: Path) -> None:
    differences = compared(tmp_path, {"a": b"1", "b": b"1", "c": b""}, {"a": b"1", "b": b"2", "d": b""})
    assert {name: one.verdict for name, one in differences.items()} == {
        "a": "equal",
        "b": "different",
        "c": "only in the first",
        "d": "only in the second",
    }
    assert differences["b"].difference is not None


def test_a_bit_that_lets_a_file_be_executed_is_a_difference(tmp_path: Path) -> None:
    folders = [fill(tmp_path / name, a=b"1") for name in ("one", "two")]
    (folders[1] / "a").chmod(0o755)
    (result,) = compare(*folders)
    assert result.verdict == "different"
    assert result.difference is not None
    assert "executed" in result.difference.reason


def test_a_mask_is_no_difference(tmp_path: Path) -> None:
    folders = [fill(tmp_path / name, a=b"1") for name in ("one", "two")]
    (folders[1] / "a").chmod(0o600)
    assert [one.verdict for one in compare(*folders)] == ["equal"]


def test_a_page_beside_a_release_is_a_difference(tmp_path: Path) -> None:
    assert compared(tmp_path, {"a": b"1", "report_html": b"1"}, {"a": b"1"}).keys() == {"a", "report.html"}


@pytest.mark.parametrize(("key", "same"), [("1" * 64, True), ("2" * 64, False)])
def test_inputs_and_making_are_told_apart(tmp_path: Path, key: str, same: bool) -> None:
    files = [{"a": name, "manifest_json": manifest(k)} for name, k in ((b"1", "1" * 64), (b"2", key))]
    differences = compared(tmp_path, *files)
    assert differences["a"].same_inputs is same
    assert list(differences)[-1] == "manifest.json"


def test_an_image_is_told_once(tmp_path: Path) -> None:
    names = [{"image__oci-layout": b"{}", "image__index_json": b"{}", f"image__blobs__{n}": n.encode()} for n in "xy"]
    differences = compared(tmp_path, *names)
    assert [name for name, one in differences.items() if one.difference] == []
    differences = compared(tmp_path / "other", {**names[0], "image__index_json": b"[]"}, names[0])
    assert [name for name, one in differences.items() if one.difference] == ["image/index.json"]


def test_inputs_that_differ_are_named(tmp_path: Path) -> None:
    one = fill(
        tmp_path / "one",
        manifest_json=manifest("1" * 64, "a"),
    )
    two = fill(
        tmp_path / "two",
        manifest_json=manifest("2" * 64, "b"),
    )
    for path, key, digest in ((one, "1", "a"), (two, "2", "b")):
        latest = path / ".ferrule" / "store" / "latest" / "x.json"
        latest.parent.mkdir(parents=True)
        latest.write_text(json.dumps({"key": key * 64, "document": {"sources": {"f": digest * 64}}}))
    assert differing_inputs(one, two, (one, two)) == (
        "source commit: a -> b",
        f"x: sources f: {'a' * 12} -> {'b' * 12}",
    )
    assert differing_inputs(one, two, (one, one)) == ("source commit: a -> b",)
    assert differing_inputs(one, tmp_path, (one, tmp_path))
