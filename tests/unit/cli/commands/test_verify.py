"""`ferrule verify` as people call it: what it prints at the end, and when it fails."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fakes.toolchain import lay_out
from ferrule.app.release import run as release
from ferrule.cli import cli
from ferrule.core.errors import FerruleError, VerificationError
from ferrule.formats import sigstore

if TYPE_CHECKING:
    from pathlib import Path

KEY = ec.derive_private_key(0x1F2E3D4C5B6A79, ec.SECP256R1())
WHEEL = "demo-1.2.3-py3-none-macosx_11_0_arm64.whl"


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    demo = lay_out(tmp_path_factory.mktemp("signed"))
    config, context = release.load(demo.project), replace(demo.context, key=KEY)
    report = release.run(config, release.make_plan(config, context), context, lambda _: None, output=demo.dist)
    assert report.failed == ()
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (demo.root / "demo.pub").write_bytes(public)
    return demo.dist


@pytest.fixture
def dist(signed: Path, tmp_path: Path) -> Path:
    shutil.copyfile(signed.parents[1] / "demo.pub", tmp_path / "demo.pub")
    return shutil.copytree(signed, tmp_path / "dist")


def verify(*arguments: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["verify", *map(str, arguments)], catch_exceptions=True)
    if isinstance(done.exception, FerruleError):
        return done.exception.exit_code, str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return done.exit_code, done.output


@pytest.mark.parametrize("name", ["", WHEEL, "image", "image/index.json", "SHA256SUMS", "manifest.json"])
def test_what_is_signed_passes_and_the_last_line_says_whose_it_is(dist: Path, name: str):
    code, output = verify(dist / name, "--key", dist.parent / "demo.pub")
    hint = sigstore.key_hint(KEY.public_key())
    assert output.splitlines()[-1] == f"demo 1.2.3, no commit, signed by {dist.parent}/demo.pub (SHA-256 {hint})"
    assert code == 0
    code, output = verify(dist / name)
    assert output.splitlines()[-1] == "demo 1.2.3, no commit, signer not checked (--key names one)"
    assert code == 0


@pytest.mark.parametrize("name", ["", WHEEL, "image"])
@pytest.mark.parametrize("bundle", ["manifest.json", "SHA256SUMS", "provenance"])
def test_a_file_passes_with_a_key_only_if_the_signatures_hold(dist: Path, name: str, bundle: str):
    path = dist / f"{bundle}.sigstore.json"
    path.unlink()
    code, output = verify(dist / name, "--key", dist.parent / "demo.pub")
    assert code == VerificationError.exit_code
    assert "it is not signed" in output
    assert f"NOT signed by {dist.parent}/demo.pub" in output.splitlines()[-1]


@pytest.mark.parametrize("name", ["stranger", "image/stranger"])
def test_a_file_that_nothing_names_does_not_pass(dist: Path, name: str):
    (dist / name).touch()
    code, output = verify(dist / name)
    assert code == VerificationError.exit_code
    assert f"WRONG   {name}: listed: the manifest does not list it" in output


def test_faults_of_other_files_do_not_concern_a_file(dist: Path):
    (dist / "SHA256SUMS").unlink()
    assert verify(dist / WHEEL)[0] == 0
    assert verify(dist)[0] == VerificationError.exit_code


def test_names_from_outside_never_reach_the_terminal_as_they_are(dist: Path):
    manifest = json.loads((dist / "manifest.json").read_bytes())
    manifest["project"] = manifest["artifacts"][0]["file"] = manifest["artifacts"][1]["role"] = (
        "\x1b]0;title\x07\x1b[2J\nok"
    )
    (dist / "manifest.json").write_text(json.dumps(manifest))
    (dist / "\x1b[31m").touch()
    code, output = verify(dist, "-v")
    assert code == VerificationError.exit_code
    assert all(line.isprintable() for line in output.splitlines())
    assert "\\x1b]0;title" in output.splitlines()[-1]


def test_programs_get_all_of_it(dist: Path):
    code, output = verify(dist, "--json", "--key", dist.parent / "demo.pub")
    document: dict[str, Any] = json.loads(output)
    assert code == 0
    assert (document["ok"], document["project"], document["version"], document["dirty"]) == (
        True,
        "demo",
        "1.2.3",
        None,
    )
    assert document["signer"].endswith(f"(SHA-256 {sigstore.key_hint(KEY.public_key())})")
    assert document["recomputed"] > 300
    assert "/artifacts/0/key" in document["stated"]
    verbose = verify(dist, "-v")[1]
    assert verbose.count("\nstated  /") == len(document["stated"])
    assert f"{document['recomputed']} claims recomputed, {len(document['stated'])} stated only" in verbose


def test_a_file_without_a_release_says_what_to_do(tmp_path: Path):
    (tmp_path / "x").touch()
    assert "no folder above this file has a manifest" in verify(tmp_path / "x")[1]


def test_a_project_without_a_release_is_told_to_make_one(tmp_path: Path):
    (tmp_path / "targets.yaml").touch()
    code, output = verify("-C", tmp_path)
    assert (code, output.splitlines()) == (
        6,
        [
            f"{tmp_path / 'dist'}: there is no release here",
            "  hint: make one: ferrule release; or name the folder of one",
        ],
    )
