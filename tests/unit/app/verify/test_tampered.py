"""A signed release that somebody changed, cleverly or by accident: whoever has the key is not deceived."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from fakes.toolchain import Demo, lay_out
from ferrule.app.release import run as release
from ferrule.app.verify import examine, verify
from ferrule.core.errors import VerificationError
from ferrule.formats import sigstore

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

KEY = ec.derive_private_key(0x1F2E3D4C5B6A79, ec.SECP256R1())
OTHER_KEY = ec.derive_private_key(0x11111111111111, ec.SECP256R1())
PROVENANCE, SUMS, MANIFEST = "provenance.intoto.jsonl", "SHA256SUMS", "manifest.json"
X86 = "demo-c-1.2.3-x86_64-unknown-linux-gnu.tar.gz"
ARM = "demo-c-1.2.3-aarch64-unknown-linux-gnu.tar.gz"
WHEEL = "demo-1.2.3-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"


def make(root: Path, key: EllipticCurvePrivateKey, version: str = "1.2.3") -> Demo:
    demo = lay_out(root)
    if version != "1.2.3":
        demo.set_version(version)
    config, context = release.load(demo.project), replace(demo.context, key=key)
    report = release.run(config, release.make_plan(config, context), context, lambda _: None, output=demo.dist)
    assert report.failed == ()
    return demo


@pytest.fixture(scope="module")
def true(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release as it was signed."""
    return make(tmp_path_factory.mktemp("true"), KEY).dist


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another version, signed with the same key."""
    return make(tmp_path_factory.mktemp("older"), KEY, "1.2.2").dist


@pytest.fixture
def forged(true: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(true, tmp_path / "dist"))


def refused(folder: Path, key: EllipticCurvePrivateKey = KEY) -> list[str]:
    """What whoever has the public key is told."""
    try:
        return [f"{v.subject}: {v.claim}: {v.problem}" for v in verify(folder, key.public_key()) if v.problem]
    except VerificationError as error:
        return [error.message]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def edit_json(path: Path, change: Callable[[Any], None]) -> None:
    document = json.loads(path.read_bytes())
    change(document)
    if path.name == PROVENANCE:
        path.write_text(json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n")
    else:
        path.write_text(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def make_consistent(folder: Path) -> None:
    """Do what a careful forger without the key can: manifest, checksums and provenance agree with the files again."""
    statement, sums = folder / PROVENANCE, folder / SUMS
    lines = [line.split("  ", 1)[1] for line in sums.read_text().splitlines()]
    sums.write_text("".join(f"{sha256(folder / name)}  {name}\n" for name in lines if (folder / name).is_file()))

    def subjects(document: Any) -> None:
        for subject in document["subject"]:
            if (folder / subject["name"]).is_file():
                subject["digest"]["sha256"] = sha256(folder / subject["name"])

    edit_json(statement, subjects)

    def artifacts(document: Any) -> None:
        for artifact in document["artifacts"]:
            file = folder / artifact["file"]
            if file.is_file():
                artifact |= {"sha256": sha256(file), "size": file.stat().st_size}

    edit_json(folder / MANIFEST, artifacts)


# Twenty forgeries: each changes a folder, and may take from an older release.


def swapped_subject(folder: Path, _: Path) -> None:
    def swap(document: Any) -> None:
        by_name = {s["name"]: s for s in document["subject"]}
        by_name[X86]["digest"], by_name[ARM]["digest"] = by_name[ARM]["digest"], by_name[X86]["digest"]

    edit_json(folder / PROVENANCE, swap)


def swapped_files(folder: Path, _: Path) -> None:
    first, second = (folder / X86).read_bytes(), (folder / ARM).read_bytes()
    (folder / X86).write_bytes(second)
    (folder / ARM).write_bytes(first)
    make_consistent(folder)


def foreign_commit(folder: Path, _: Path) -> None:
    edit_json(folder / MANIFEST, lambda d: d["source"].update(commit="0" * 40))


def foreign_commit_everywhere(folder: Path, _: Path) -> None:
    source = {"name": "source", "digest": {"gitCommit": "0" * 40}}
    edit_json(
        folder / PROVENANCE,
        lambda d: d["predicate"]["buildDefinition"]["resolvedDependencies"].insert(0, source),
    )
    edit_json(folder / MANIFEST, lambda d: d["source"].update(commit="0" * 40))
    make_consistent(folder)


def replayed_file(folder: Path, older: Path) -> None:
    shutil.copyfile(older / WHEEL.replace("1.2.3", "1.2.2"), folder / WHEEL)
    make_consistent(folder)


def replayed_provenance(folder: Path, older: Path) -> None:
    for name in (PROVENANCE, "provenance.sigstore.json"):
        shutil.copyfile(older / name, folder / name)


def replayed_checksums(folder: Path, older: Path) -> None:
    for name in (SUMS, f"{SUMS}.sigstore.json"):
        shutil.copyfile(older / name, folder / name)


def replayed_manifest(folder: Path, older: Path) -> None:
    for name in (MANIFEST, f"{MANIFEST}.sigstore.json"):
        shutil.copyfile(older / name, folder / name)


def missing_artifact(folder: Path, _: Path) -> None:
    (folder / WHEEL).unlink()


def missing_artifact_unmentioned(folder: Path, _: Path) -> None:
    (folder / WHEEL).unlink()
    edit_json(folder / PROVENANCE, lambda d: d.update(subject=[s for s in d["subject"] if s["name"] != WHEEL]))
    edit_json(folder / MANIFEST, lambda d: d.update(artifacts=[a for a in d["artifacts"] if a["file"] != WHEEL]))
    make_consistent(folder)


def added_artifact(folder: Path, _: Path) -> None:
    (folder / "demo-1.2.3-setup.exe").write_bytes(b"MZ")


def renamed_wheel(folder: Path, _: Path) -> None:
    (folder / WHEEL).rename(folder / WHEEL.replace("manylinux_2_17", "manylinux_2_5"))


def renamed_wheel_everywhere(folder: Path, _: Path) -> None:
    other = WHEEL.replace("manylinux2014_x86_64.manylinux_2_17", "manylinux1_x86_64.manylinux_2_5")
    (folder / WHEEL).rename(folder / other)
    for name in (PROVENANCE, SUMS, MANIFEST):
        (folder / name).write_text((folder / name).read_text().replace(WHEEL, other))
    make_consistent(folder)


def retagged_image(folder: Path, _: Path) -> None:
    def tag(document: Any) -> None:
        document["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": "9.9.9"}

    edit_json(folder / "image" / "index.json", tag)
    make_consistent(folder)


def other_image_index(folder: Path, _: Path) -> None:
    """The tag leads to one of the platforms' manifests: a blob that is there, and another one than was promised."""
    top = json.loads((folder / "image" / "index.json").read_bytes())["manifests"][0]
    inner = json.loads((folder / "image" / "blobs" / top["digest"].replace(":", "/")).read_bytes())["manifests"][0]
    edit_json(folder / "image" / "index.json", lambda d: d["manifests"][0].update(digest=inner["digest"]))
    make_consistent(folder)


def other_crate_in_the_bill(folder: Path, _: Path) -> None:
    bill = folder / f"{WHEEL}.cdx.json"
    bill.write_text(bill.read_text().replace("sha2@0.10.9", "sha2@0.10.8"))
    make_consistent(folder)


def bill_of_another_file(folder: Path, _: Path) -> None:
    shutil.copyfile(folder / f"{X86}.cdx.json", folder / f"{WHEEL}.cdx.json")
    make_consistent(folder)


def signature_removed(folder: Path, _: Path) -> None:
    (folder / "provenance.sigstore.json").unlink()


def signed_with_another_key(folder: Path, _: Path) -> None:
    """All is consistent, and all signatures are whole; they are only not ours."""
    (folder / WHEEL).write_bytes((folder / X86).read_bytes())
    make_consistent(folder)
    for name in (SUMS, MANIFEST):
        bundle = sigstore.sign_blob(OTHER_KEY, (folder / name).read_bytes())
        (folder / f"{name}.sigstore.json").write_bytes(bundle)
    statement = sigstore.sign_statement(OTHER_KEY, (folder / PROVENANCE).read_bytes())
    (folder / "provenance.sigstore.json").write_bytes(statement)


def another_key_under_our_name(folder: Path, _: Path) -> None:
    signed_with_another_key(folder, folder)
    hint = sigstore.key_hint(KEY.public_key())
    for bundle in folder.glob("*.sigstore.json"):
        document = json.loads(bundle.read_bytes())
        document["verificationMaterial"]["publicKey"]["hint"] = hint
        bundle.write_text(json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n")


def payload_exchanged(folder: Path, _: Path) -> None:
    edit_json(
        folder / PROVENANCE, lambda d: d["predicate"]["runDetails"]["builder"].update(id="urn:ferrule:builder:ci")
    )
    bundle = folder / "provenance.sigstore.json"
    document = json.loads(bundle.read_bytes())
    document["dsseEnvelope"]["payload"] = base64.b64encode((folder / PROVENANCE).read_bytes()).decode()
    bundle.write_text(json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n")
    make_consistent(folder)


def compressed_anew(folder: Path, _: Path) -> None:
    """The same members in another archive: nothing inside changed, and it is not what was made."""
    (folder / X86).write_bytes(gzip.compress(gzip.decompress((folder / X86).read_bytes()), 1))
    make_consistent(folder)


FORGERIES = (
    swapped_subject,
    swapped_files,
    foreign_commit,
    foreign_commit_everywhere,
    replayed_file,
    replayed_provenance,
    replayed_checksums,
    replayed_manifest,
    missing_artifact,
    missing_artifact_unmentioned,
    added_artifact,
    renamed_wheel,
    renamed_wheel_everywhere,
    retagged_image,
    other_image_index,
    other_crate_in_the_bill,
    bill_of_another_file,
    signature_removed,
    signed_with_another_key,
    another_key_under_our_name,
    payload_exchanged,
    compressed_anew,
)


def test_true_release_is_believed(true: Path) -> None:
    assert refused(true) == []


def test_signing_twice_gives_the_same_bytes(true: Path, tmp_path: Path) -> None:
    again = make(tmp_path, KEY).dist
    for bundle in true.glob("*.sigstore.json"):
        assert (again / bundle.name).read_bytes() == bundle.read_bytes()


def test_true_release_of_another_key_is_not(true: Path) -> None:
    output = refused(true, OTHER_KEY)
    assert [line.split(":")[0] for line in output] == [MANIFEST, SUMS, PROVENANCE]
    assert all("signed with another key" in line for line in output)


def test_one_file_needs_the_signature_of_the_manifest_alone(true: Path, tmp_path: Path) -> None:
    manifest = json.loads((true / MANIFEST).read_text())
    name = next(row["file"] for row in manifest["artifacts"] if row["file"].endswith(".whl"))
    for file in (name, MANIFEST, f"{MANIFEST}.sigstore.json"):
        shutil.copyfile(true / file, tmp_path / file)
    examination = examine(tmp_path, KEY.public_key(), name)
    assert (examination.passed, examination.signed) == (True, True)
    assert not examine(tmp_path, KEY.public_key()).passed
    assert not examine(tmp_path, OTHER_KEY.public_key(), name).passed
    (tmp_path / f"{MANIFEST}.sigstore.json").unlink()
    assert not examine(tmp_path, KEY.public_key(), name).passed


@pytest.mark.parametrize("forge", FORGERIES, ids=lambda f: f.__name__)
def test_forgery_is_refused(forged: Path, older: Path, forge: Callable[[Path, Path], None]) -> None:
    forge(forged, older)
    assert refused(forged)


def test_any_edit_of_one_byte_is_refused(true: Path, forged: Path) -> None:
    """200 places, all kinds of files alike; each is put back, so that one copy does."""
    chance = random.Random(20261121)
    files = sorted(p for p in forged.rglob("*") if p.is_file())
    believed = []
    for number in range(200):
        path = files[number % len(files)]
        content = bytearray(path.read_bytes())
        location = chance.randrange(len(content))
        content[location] ^= chance.randrange(1, 256)
        path.write_bytes(content)
        if not refused(forged):
            believed.append((path.name, location))
        path.write_bytes((true / path.relative_to(forged)).read_bytes())
    assert believed == []
    assert refused(forged) == []


@pytest.mark.parametrize("name", ["fingerprint", "interface"])
def test_what_a_module_carries_the_manifest_must_say(true: Path, tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(true, tmp_path / "dist", symlinks=True)
    document = json.loads((folder / MANIFEST).read_bytes())
    del document["facts"]["component@wasm32-unknown-unknown"][name]
    (folder / MANIFEST).write_text(json.dumps(document))
    problems = [verdict.problem for verdict in examine(folder).verdicts if verdict.problem]
    assert any(f"it carries the {name} " in problem and "the manifest says none" in problem for problem in problems)
