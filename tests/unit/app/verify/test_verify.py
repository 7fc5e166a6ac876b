"""A release of the demo project is edited in ways that only reading it again can tell."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fakes.toolchain import lay_out, tell_anew
from ferrule.app.verify import release_of, verify
from ferrule.core.errors import VerificationError
from ferrule.core.model import Digest
from ferrule.formats.archive_member import Member
from ferrule.formats.wheel import read_wheel, write_wheel

if TYPE_CHECKING:
    from collections.abc import Callable

WHEEL = "demo-1.2.3-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
ONE = '{"version": 1, "artifacts": [{"file": "%s", "sha256": "%s", "size": 1}], "packed": [], "facts": {}}'


@dataclass(frozen=True)
class Folder:
    """A copy of a release, to be edited."""

    path: Path

    @property
    def manifest(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.path / "manifest.json").read_bytes())
        return value

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        manifest = self.manifest
        change(manifest)
        (self.path / "manifest.json").write_text(json.dumps(manifest))

    def problems(self) -> dict[str, str]:
        return {f"{v.subject}: {v.claim}": v.problem for v in verify(self.path) if v.problem is not None}


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    demo = lay_out(tmp_path_factory.mktemp("verified"))
    done = demo.ferrule("release", "--quiet")
    assert done.returncode == 0, done.stderr
    return demo.dist


@pytest.fixture
def folder(released: Path, tmp_path: Path) -> Folder:
    return Folder(shutil.copytree(released, tmp_path / "dist"))


def library_in(wheel: Path) -> str:
    return next(name for name in read_wheel(wheel).digests if ".so" in name)


def test_an_undisturbed_release_holds_every_claim(folder):
    verdicts = list(verify(folder.path))
    assert [v for v in verdicts if v.problem] == []
    assert {"digest", "checksums", "measured", "tags"} <= {v.claim for v in verdicts}
    packages = {v.subject: v.claim for v in verdicts if v.claim.startswith("archive")}
    assert packages[WHEEL] == "archive with 1 of the compiled files"
    assert packages["image"].startswith("archive with ")
    assert packages["example-demo-1.2.3.tgz"] == "archive with 1 of the compiled files and 1 other measured"
    page = (Path(__file__).parents[4] / "docs" / "how-to" / "verify.md").read_text(encoding="utf-8")
    told = {re.split(r" with | \(", v.claim)[0] for v in verdicts}
    assert told <= set(re.findall(r"^\| ([a-z ]+) \|", page, re.MULTILINE))


def test_one_other_byte_in_any_file(folder):
    for one in folder.manifest["artifacts"]:
        path = folder.path / one["file"]
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    wrong = folder.problems()
    assert {f"{a['file']}: digest" for a in folder.manifest["artifacts"]} <= set(wrong)


def test_a_file_that_is_missing_cut_foreign_or_a_link(folder):
    (folder.path / "SHA256SUMS").unlink()
    (folder.path / "stranger").touch()
    wheel = folder.path / WHEEL
    wheel.write_bytes(wheel.read_bytes()[:-1])
    index = folder.path / "image" / "index.json"
    index.rename(folder.path / "elsewhere")
    index.symlink_to("../elsewhere")
    wrong = folder.problems()
    assert "No such file" in wrong["SHA256SUMS: digest"]
    assert wrong["stranger: listed"] == "the manifest does not list it"
    assert "bytes, the manifest says" in wrong[f"{WHEEL}: digest"]
    assert wrong["image/index.json: digest"] == "it is not a file"


def test_another_library_in_a_wheel_of_which_everything_agrees(folder):
    path = folder.path / WHEEL
    inside = library_in(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    facts = read_wheel(path)
    path.unlink()
    members[inside] += b"\0"
    info = next(name for name in members if name.endswith("/METADATA")).rpartition("/")[0]
    licences = f"{info}/licenses/"
    write_wheel(
        path,
        name=facts.name,
        version=facts.version,
        tags=facts.tags,
        metadata=facts.metadata,
        entries=[Member(n, c) for n, c in members.items() if not n.startswith(info)],
        licenses=[Member(n.removeprefix(licences), c) for n, c in members.items() if n.startswith(licences)],
        epoch=315_532_800,
    )
    tell_anew(folder.path)
    problems = folder.problems()
    assert any("is not the native that was compiled" in text for text in problems.values()), problems


def test_a_wheel_under_a_name_that_promises_more(folder):
    better = WHEEL.replace("manylinux2014_x86_64.manylinux_2_17", "manylinux1_x86_64.manylinux_2_5")
    (folder.path / WHEEL).rename(folder.path / better)

    def change(manifest: dict[str, Any]) -> None:
        next(a for a in manifest["artifacts"] if a["file"] == WHEEL)["file"] = better

    folder.edit(change)
    tell_anew(folder.path)
    assert f"{better}: tags" in folder.problems()


@pytest.mark.parametrize("fact", ["glibc", "exports", "sections", "machine"])
def test_a_measured_fact_that_was_made_better(folder, fact):
    def change(manifest: dict[str, Any]) -> None:
        manifest["facts"]["native@x86_64-unknown-linux-gnu"]["cdylib"][fact] = "better"

    folder.edit(change)
    assert any(f"the manifest says something else of it: {fact}" == text for text in folder.problems().values())


def test_checksums_of_something_else(folder):
    sums = folder.path / "SHA256SUMS"
    first, *rest = sums.read_text().splitlines(keepends=True)
    sums.write_text("0" * 64 + first[64:] + "".join(rest))

    def change(manifest: dict[str, Any]) -> None:
        own = next(a for a in manifest["artifacts"] if a["file"] == "SHA256SUMS")
        own["sha256"] = Digest.of_file(sums).hex

    folder.edit(change)
    assert "it has another digest for" in folder.problems()["SHA256SUMS: checksums"]
    sums.write_text("".join(rest))
    folder.edit(
        lambda m: (
            change(m) or next(a for a in m["artifacts"] if a["role"] == "checksums").update(size=sums.stat().st_size)
        )
    )
    assert "it does not list" in folder.problems()["SHA256SUMS: checksums"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the manifest is damaged"),
        ("[]", "the manifest is damaged"),
        ("[" * 100_000, "the manifest is damaged"),
        ('{"version": 2}', "use a newer ferrule"),
        (ONE % ("../x", "0" * 64), "damaged entry"),
        (ONE % ("x", "0"), "the manifest is damaged"),
        ('{"version": 1, "artifacts": [], "packed": [], "facts": []}', "its facts are no object"),
    ],
)
def test_manifests_that_cannot_be_understood(folder, text, said):
    (folder.path / "manifest.json").write_text(text)
    with pytest.raises(VerificationError) as caught:
        list(verify(folder.path))
    assert said in str(caught.value)


def test_a_folder_without_a_manifest(tmp_path):
    with pytest.raises(VerificationError, match="nothing says what this folder should hold"):
        list(verify(tmp_path))


def test_the_release_that_a_file_belongs_to(folder, tmp_path):
    assert release_of(folder.path / "image" / "index.json") == folder.path
    assert release_of(tmp_path / "elsewhere") is None
