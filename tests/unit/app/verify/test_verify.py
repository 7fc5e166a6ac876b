"""A release of the demo project is edited in ways that only reading it again can tell."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess  # noqa: TID251 - folders so deep only rm takes away
import sys
import tarfile
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fakes.toolchain import lay_out, tell_anew
from ferrule.app.release.release_folder import leaves
from ferrule.app.verify import examine, release_of, verify
from ferrule.core.errors import VerificationError
from ferrule.core.model import Digest
from ferrule.formats.archive_member import Member
from ferrule.formats.tar import write_tar_gz
from ferrule.formats.wheel import read_wheel, write_wheel

if TYPE_CHECKING:
    from collections.abc import Callable

WHEEL = "demo-1.2.3-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
ENTRY = (
    '{"artifact": "a", "kind": "k", "target": null, "role": "r", "key": null, "file": "%s", "sha256": "%s", "size": 1}'
)
AROUND = (
    '{"version": 1, "project": "demo", "release": "1", "source": {"commit": null, "dirty": null}, "toolchain": null, '
    '"artifacts": [%s], "packed": [], "facts": %s}'
)


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
    output = {re.split(r" with | \(", v.claim)[0] for v in verdicts}
    assert output <= set(re.findall(r"^\| ([a-z ]+) \|", page, re.MULTILINE))


def test_digests_and_sizes_of_what_was_shipped_and_compiled_are_recomputed(folder):
    stated = set(examine(folder.path).stated)
    compiled = (".so.1", ".dylib", ".a", ".wasm", ".h")
    packed = [i for i, file in enumerate(folder.manifest["packed"]) if file["name"].endswith(compiled)]
    places = [f"/packed/{i}" for i in packed] + [f"/artifacts/{i}" for i in range(len(folder.manifest["artifacts"]))]
    assert len(packed) > 5
    assert [path for path in places if {f"{path}/sha256", f"{path}/size"} & stated] == []


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


def rewrite(folder: Folder, change: Callable[[dict[str, bytes], str], object]) -> None:
    """Write the wheel anew with other members, and let everything agree; `change` gets them, and the library's name."""
    path = folder.path / WHEEL
    inside = library_in(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    facts = read_wheel(path)
    path.unlink()
    change(members, inside)
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


def test_another_library_in_a_wheel_of_which_everything_agrees(folder):
    rewrite(folder, lambda members, inside: members.update({inside: members[inside] + b"\0"}))
    problems = folder.problems()
    assert any("is not the native that was compiled" in text for text in problems.values()), problems


def test_a_wheel_without_its_library_of_which_everything_agrees(folder):
    rewrite(folder, lambda members, inside: members.pop(inside))
    assert "it is for one platform, and holds nothing that was compiled" in folder.problems().values()


def test_an_sdk_with_another_header_of_which_everything_agrees(folder):
    for archive in folder.path.glob("demo-c-*.tar.gz"):
        with tarfile.open(archive) as members:
            entries = [
                Member(m.name, ((content := members.extractfile(m)) and content.read()) or b"", link=m.linkname or None)
                for m in members
                if not m.isdir()
            ]
        entries = [replace(e, source=b"int other;") if e.name.endswith("demo.h") else e for e in entries]
        write_tar_gz(archive, entries, 315_532_800)
    tell_anew(folder.path)
    assert "it holds no header as the manifest says that one was packed" in folder.problems().values()


def test_a_wheel_under_a_name_that_promises_more(folder):
    better = WHEEL.replace("manylinux2014_x86_64.manylinux_2_17", "manylinux1_x86_64.manylinux_2_5")
    (folder.path / WHEEL).rename(folder.path / better)

    def change(manifest: dict[str, Any]) -> None:
        next(a for a in manifest["artifacts"] if a["file"] == WHEEL)["file"] = better

    folder.edit(change)
    tell_anew(folder.path)
    assert f"{better}: tags" in folder.problems()


@pytest.mark.parametrize(
    ("fact", "better"),
    [("glibc", "2.0"), ("exports", []), ("sections", {}), ("machine", "better"), ("stripped", False)],
)
def test_a_measured_fact_that_was_made_better(folder, fact, better):
    def change(manifest: dict[str, Any]) -> None:
        manifest["facts"]["native@x86_64-unknown-linux-gnu"]["cdylib"][fact] = better

    folder.edit(change)
    assert any(f"the manifest says something else of it: {fact}" == text for text in folder.problems().values())


def test_an_image_and_a_bill_of_which_the_manifest_says_nothing(folder):
    def change(manifest: dict[str, Any]) -> None:
        for action in ("image", "sbom"):
            del manifest["facts"][action]

    folder.edit(change)
    problems = folder.problems()
    assert "the manifest says nothing of the image" in problems.values()
    assert re.fullmatch(
        r"it has \d+ components, the manifest says nothing", problems[f"{WHEEL}.cdx.json: bill of materials"]
    )


def test_a_part_of_the_facts_of_an_image_that_is_missing(folder):
    folder.edit(lambda manifest: manifest["facts"]["image"].pop("compressed"))
    with pytest.raises(VerificationError, match=r"facts\.image\.compressed: missing"):
        list(verify(folder.path))


@pytest.mark.parametrize("change", [{"size": 1}, {"digest": "0" * 64}, {"diff_id": "0" * 64}])
def test_a_base_of_an_image_is_one_of_its_layers(folder, change):
    action = "image:base@x86_64-unknown-linux-gnu"
    folder.edit(lambda manifest: manifest["facts"][action].update(change))
    assert f"the manifest says of {action} what none of its layers is" in folder.problems().values()


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
        (AROUND % (ENTRY % ("x", "0"), "{}"), 'artifacts[0].sha256: "0" is not allowed here'),
        (AROUND % ("", "[]"), "facts: expected object, found []"),
        (AROUND % ("", '{"a": 1}'), "facts.a: expected object, found 1"),
        (AROUND % ("", '{"a": {"cdylib": {"format": "elf", "exports": 7}}}'), "facts.a.cdylib.exports: expected array"),
        (AROUND % ("", '{"a": {"digest": "%s", "size": "5"}}' % ("0" * 64)), "facts.a.diff_id: missing"),
        (AROUND % ("", '{"a": {}, "a": {}}'), "a key occurs twice"),
        (AROUND % ("", '{"a": {"b": NaN}}'), "NaN is not a JSON number"),
        (AROUND % ("", '{"a": ' + '{"b": ' * 40 + "1" + "}" * 41), "nested deeper than 32 levels"),
        (AROUND % (ENTRY % ("x", "0" * 64), "{}") * 2, "the manifest is damaged"),
        (AROUND % (f"{ENTRY}, {ENTRY}" % ("x", "0" * 64, "x", "1" * 64), "{}"), "lists a file twice"),
        (
            (AROUND % ("", "{}")).replace('"toolchain": null', '"toolchain": {"tools": 1, "std": {}}'),
            "toolchain.tools: expected object, found 1",
        ),
        ((AROUND % ("", "{}")).replace('"release"', '"more": 1, "release"'), "more: unknown key"),
    ],
)
def test_manifests_that_cannot_be_understood(folder, text, said):
    (folder.path / "manifest.json").write_text(text)
    with pytest.raises(VerificationError) as caught:
        list(verify(folder.path))
    assert said in str(caught.value)


def test_a_folder_without_a_manifest(tmp_path):
    with pytest.raises(VerificationError, match=r"no manifest\.json says what this folder should hold"):
        list(verify(tmp_path))


def test_the_release_that_a_file_belongs_to(folder, tmp_path):
    assert release_of(folder.path / "image" / "index.json") == folder.path
    assert release_of(tmp_path / "elsewhere") is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a\\u0000b", "cannot be printed"),
        ("\\ud800", "cannot be printed"),
        ("\\u001b[2J", "cannot be printed"),
        ("../x", ".."),
        ("/etc/passwd", "absolute"),
        ("d/" * 1500 + "x", "deeper than 32 levels"),
        ("x" * 5000, "longer than file systems take"),
        ("", "empty"),
    ],
)
def test_a_name_that_no_file_of_a_release_has_is_a_finding(folder, name, reason):
    manifest = folder.manifest
    text = json.dumps(manifest).replace(json.dumps(manifest["artifacts"][0]["file"]), f'"{name}"')
    (folder.path / "manifest.json").write_text(text)
    problems = [v.problem for v in verify(folder.path) if v.subject == "manifest.json" and v.problem]
    assert any(reason in problem for problem in problems), problems
    assert all(problem.isprintable() for problem in problems)


STRANGERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a page": (
        lambda path: path.with_name("report.html").touch(),
        "is no part of it, and cannot be checked: remove it",
    ),
    "a signature of another program": (lambda path: path.with_name("SHA256SUMS.asc").touch(), "does not list it"),
    "another signature": (lambda path: path.with_name("manifest.json.sig").touch(), "does not list it"),
    "a bundle of a file that has none": (lambda path: path.with_name(f"{WHEEL}.sigstore.json").touch(), "not list it"),
    "a link": (lambda path: path.symlink_to("manifest.json"), "it is a link"),
    "a link to a folder": (lambda path: path.symlink_to("image"), "it is a link"),
    "a FIFO": (os.mkfifo, "it is a FIFO"),
    "an empty folder": (lambda path: path.mkdir(), "it is an empty folder"),
    "an empty folder inside": (lambda path: (path.parent / "image" / "more").mkdir(), "it is an empty folder"),
    "a file below a new folder": (lambda path: (path.mkdir(), (path / "x").touch()), "does not list it"),
    "a name that a terminal obeys": (lambda path: path.with_name("\x1b[2J").touch(), "does not list it"),
    "a name that is no text": (lambda path: path.with_name("\udcff").mkdir(), "it is an empty folder"),
    "a set-user-ID file": (lambda path: (path.parent / "SHA256SUMS").chmod(0o4755), "rights of its owner"),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_nothing_that_the_manifest_does_not_account_for_passes(folder, name):
    put, reason = STRANGERS[name]
    put(folder.path / "stranger")
    problems = folder.problems()
    assert len(problems) == 1
    assert reason in next(iter(problems.values()))


def test_folders_without_end_are_a_finding_and_no_traceback(folder):
    os.chdir(folder.path)
    for _ in range(1500):
        Path("d").mkdir()
        os.chdir("d")
    os.chdir(folder.path)
    try:
        assert any("deeper than 32 levels" in problem for problem in folder.problems().values())
    finally:
        subprocess.run(["rm", "-rf", "d"], cwd=folder.path, check=True)


def test_reads_are_bounded_by_what_the_manifest_says(folder):
    """A file with another size is not read at all: one of a terabyte costs nothing."""
    wheel = folder.path / WHEEL
    with wheel.open("r+b") as stream:
        stream.truncate(1 << 40)
    assert "bytes, the manifest says" in folder.problems()[f"{WHEEL}: digest"]
    assert not any(subject.startswith(WHEEL) and "digest" not in subject for subject in folder.problems())


def test_a_document_of_any_length_is_not_read_into_memory(folder):
    with (folder.path / "manifest.json").open("r+b") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(VerificationError, match="this has more than"):
        list(verify(folder.path))


def test_a_library_that_was_not_compiled_here_is_an_error(folder):
    path = folder.path / WHEEL
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    facts = read_wheel(path)
    path.unlink()
    members["demo/_native/planted.so"] = members[next(n for n in members if ".so" in n)] + b"\0"
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
    assert any("planted.so was not compiled by this release" in text for text in folder.problems().values())


def mutations(value: Any, others: list[Any]) -> list[Any]:
    """Other values for a leaf: damaged, of another type, and such as stand elsewhere in the manifest."""
    if isinstance(value, str):
        return [value + "x", value[:-1], "", None, *(other for other in others if other != value)][:7]
    if isinstance(value, bool):
        return [not value, None, 1]
    if isinstance(value, int):
        return [value + 1, value - 1, -value - 1, 1 << 70, str(value)]
    return ["x", True, 0, []] if value is None else ["x", None, 1]


def test_a_target_that_nobody_knows_is_wrong_of_what_is_packed_too(folder):
    folder.edit(lambda manifest: manifest["packed"][5].update(target="x86_65-unknown-linux-gnu"))
    (problem,) = {v for k, v in folder.problems().items() if k.endswith(": role")}
    assert problem == "the manifest names an unknown target of what is packed: x86_65-unknown-linux-gnu"


def test_a_number_without_end_is_named_as_what_it_is(folder):
    text = (folder.path / "manifest.json").read_text()
    (folder.path / "manifest.json").write_text(text.replace('"size": ', '"size": 1' + "0" * 5000, 1))
    with pytest.raises(VerificationError, match=r"damaged: a number has 50\d\d digits"):
        list(verify(folder.path))


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="only root gives capabilities")
def test_a_file_with_capabilities_is_wrong(folder):
    """linux/capability.h: revision 2, effective, all of them permitted."""
    path = next(p for p in folder.path.iterdir() if p.is_file())
    try:
        os.setxattr(path, "security.capability", bytes.fromhex("0100000280000000000000000000000000000000"))
    except OSError:
        pytest.skip("this file system has no such attributes")
    assert any("capabilities" in problem for problem in folder.problems().values())


def test_every_leaf_of_the_manifest_is_recomputed_or_said_to_be_stated_only(folder, record_property):
    """Whatever stands there instead is a finding, or among what `verify` says that it did not recompute."""
    manifest = folder.manifest
    by_key: dict[str, list[Any]] = {}
    places = []
    for location in leaves(manifest):
        *path, last = [part.replace("~1", "/").replace("~0", "~") for part in location.split("/")[1:]]
        holder = manifest
        for part in path:
            holder = holder[int(part)] if isinstance(holder, list) else holder[part]
        key = int(last) if isinstance(holder, list) else last
        if isinstance(holder[key], (dict, list)):
            continue  # an empty one
        values = by_key.setdefault(str(key), [])
        if holder[key] not in values:
            values.append(holder[key])
        places.append((location, holder, key))
    passed = []
    assert len(places) > 600
    stated = set(examine(folder.path).stated)
    chance = random.Random(13)
    chance.shuffle(places)
    alike = {re.sub(r"/[0-9]+(?=/|$)", "/N", location): (location, holder, key) for location, holder, key in places}
    for location, holder, key in alike.values():
        true = holder[key]
        for other in chance.sample(mutations(true, by_key[str(key)]), 2):
            holder[key] = other
            (folder.path / "manifest.json").write_text(json.dumps(manifest))
            try:
                findings = examine(folder.path)
                if findings.passed and location not in findings.stated:
                    passed.append((location, true, other))
            except VerificationError:
                pass
        holder[key] = true
    record_property("leaves recomputed", len(places) - len(stated))
    record_property("leaves stated only", len(stated))
    assert passed == []
