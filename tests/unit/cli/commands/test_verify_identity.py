"""`ferrule verify --identity`: a release signed without a key, or attested by a workflow."""

from __future__ import annotations

import functools
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from fakes.sigstore_instance import COMMIT, REPOSITORY, Form, SigstoreInstance
from fakes.toolchain import lay_out
from ferrule.app.release import run as release
from ferrule.cli import cli
from ferrule.core.errors import FerruleError, VerificationError
from ferrule.formats import intoto, sigstore

if TYPE_CHECKING:
    from pathlib import Path

WHEEL = "demo-1.2.3-py3-none-macosx_11_0_arm64.whl"
SIGNED = ("manifest.json", "SHA256SUMS", "provenance.intoto.jsonl")


@functools.cache
def instance() -> SigstoreInstance:
    return SigstoreInstance()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    demo = lay_out(tmp_path_factory.mktemp("built"))
    config = release.load(demo.project)
    plan = release.make_plan(config, demo.context)
    report = release.run(config, plan, demo.context, lambda _: None, output=demo.dist)
    assert report.failed == ()
    manifest = json.loads((demo.dist / "manifest.json").read_text())
    manifest["source"]["commit"] = COMMIT
    (demo.dist / "manifest.json").write_text(json.dumps(manifest))
    return demo.dist


@pytest.fixture
def dist(built: Path, tmp_path: Path) -> Path:
    instance().write_root(tmp_path / "root.json")
    return shutil.copytree(built, tmp_path / "dist")


def bundle_path(dist: Path, name: str) -> Path:
    return dist / (name.removesuffix(".intoto.jsonl") + ".sigstore.json")


def sign(dist: Path, form: Form | None = None, *names: str) -> None:
    for name in names or SIGNED:
        bundle = instance().file_bundle((dist / name).read_bytes(), form)
        bundle_path(dist, name).write_text(json.dumps(bundle))


def attest(dist: Path, form: Form | None = None, **changes: Any) -> Path:
    """What GitHub's action attests: the files of SHA256SUMS, in one statement."""
    rows = [line.split("  ") for line in (dist / "SHA256SUMS").read_text().splitlines()]
    document = {
        "_type": intoto.STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": digest}} for digest, name in rows],
        "predicateType": intoto.PROVENANCE,
        "predicate": {},
    } | changes
    path = dist.parent / "sha256:0123.jsonl"
    path.write_text(json.dumps(instance().statement_bundle(json.dumps(document).encode(), form)) + "\n")
    return path


def verify(dist: Path, *arguments: str | Path) -> tuple[int, str]:
    options = ["--trusted-root", dist.parent / "root.json", *arguments]
    done = CliRunner().invoke(cli, ["verify", *map(str, options)], catch_exceptions=True)
    if isinstance(done.exception, FerruleError):
        return done.exception.exit_code, str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return done.exit_code, done.output


def wrong(output: str) -> list[str]:
    """The lines of failed checks, but for one that the commit written into this manifest alone makes."""
    lines = [line for line in output.splitlines() if line.startswith("WRONG")]
    return [line for line in lines if "it names another commit than the manifest" not in line]


@pytest.mark.parametrize("form", [Form(), Form("0.2"), Form(rekor=2)], ids=["v1", "v0.2", "v2"])
def test_a_release_that_an_identity_signed(dist: Path, form: Form):
    sign(dist, form)
    _, output = verify(dist, dist, "--identity", REPOSITORY)
    assert wrong(output) == []
    assert output.splitlines()[-1] == f"demo 1.2.3, commit {COMMIT}, signed by {REPOSITORY}"
    _, output = verify(dist, dist)
    assert wrong(output) == []
    assert "signature (by nobody known)" in output


def test_a_statement_in_an_envelope(dist: Path):
    sign(dist)
    statement = (dist / "provenance.intoto.jsonl").read_bytes()
    bundle_path(dist, "provenance").write_text(json.dumps(instance().statement_bundle(statement)))
    assert wrong(verify(dist, dist, "--identity", REPOSITORY)[1]) == []
    bundle_path(dist, "provenance").write_text(json.dumps(instance().statement_bundle(statement + b" ")))
    (line,) = wrong(verify(dist, dist, "--identity", REPOSITORY)[1])
    assert line.endswith("signature: provenance.sigstore.json holds another statement")


def test_an_address_signs_for_no_commit(dist: Path):
    claims = {"repository": None, "commit": None, "ref": None, "issuer": "https://id.example.org"}
    sign(dist, Form().of(subject="a@example.org", **claims))
    options = ("--identity", "a@example.org", "--issuer", "https://id.example.org")
    assert wrong(verify(dist, dist, *options)[1]) == []
    assert len(wrong(verify(dist, dist, *options[:3], "https://accounts.example.org")[1])) == 3


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda dist: bundle_path(dist, "SHA256SUMS").unlink(),
            "it is not signed: there is no SHA256SUMS.sigstore.json",
        ),
        (lambda dist: sign(dist, Form().of(commit="f" * 40), "SHA256SUMS"), f"for the commit {'f' * 40}"),
        (lambda dist: sign(dist, Form().of(repository="https://github.com/m/demo"), "SHA256SUMS"), "repository https"),
        (lambda dist: bundle_path(dist, "SHA256SUMS").write_bytes(sigstore.sign_blob(instance().ct, b"x")), "of a key"),
        (
            lambda dist: bundle_path(dist, "SHA256SUMS").write_text(json.dumps(instance().file_bundle(b"x"))),
            "it is the signature of another file",
        ),
    ],
    ids=["none", "another commit", "another repository", "a key", "another file"],
)
def test_a_signature_that_does_not_hold(dist: Path, change: Any, sentence: str):
    sign(dist)
    change(dist)
    code, output = verify(dist, dist, "--identity", REPOSITORY)
    (line,) = wrong(output)
    assert sentence in line
    assert code == VerificationError.exit_code


def test_a_signature_of_nobody_known_still_has_to_hold(dist: Path):
    sign(dist, Form().of(commit="f" * 40), "SHA256SUMS")
    (line,) = wrong(verify(dist, dist)[1])
    assert "signature (by nobody known): it was signed for the commit" in line
    done = CliRunner().invoke(cli, ["verify", str(dist)])
    assert "its certificate is from nobody whom the trusted root names" in done.output


def test_a_release_that_a_workflow_attested(dist: Path):
    path = attest(dist)
    _, output = verify(dist, dist, "--identity", REPOSITORY, "--attestations", path)
    assert wrong(output) == []
    (line,) = [line for line in output.splitlines() if line.startswith(f"ok      {WHEEL}: ")]
    assert line.endswith(", attestation")
    assert output.splitlines()[-1].endswith(f"signed by {REPOSITORY}")
    folder = dist.parent / "attestations"
    folder.mkdir()
    path.rename(folder / path.name)
    (folder / "readme.txt").touch()
    assert wrong(verify(dist, dist / WHEEL, "--identity", REPOSITORY, "--attestations", folder)[1]) == []


def test_a_single_bundle_is_a_file_of_its_own(dist: Path):
    path = attest(dist)
    path = path.rename(path.with_name("one.json"))
    assert wrong(verify(dist, dist, "--attestations", path)[1]) == []


OTHER = {"subject": [{"name": WHEEL, "digest": {"sha256": "0" * 64}}]}
NONE = {"subject": [{"name": "x", "digest": {"sha256": "0" * 64}}]}


@pytest.mark.parametrize(
    ("form", "changes", "sentence"),
    [
        (Form(), OTHER, f"it is about another {WHEEL} than is there"),
        (Form(), NONE, "it is about no file of this release"),
        (Form().of(repository="https://github.com/m/demo"), {}, "it was signed for the repository"),
        (Form().of(commit="f" * 40), {}, "it was signed for the commit"),
        (Form(sct=False), {}, "its certificate has no timestamp of a log"),
        (Form(), {"predicateType": "https://example.org/lint"}, None),
    ],
    ids=["another file", "no file", "another repository", "another commit", "no log", "no provenance"],
)
def test_an_attestation_that_does_not_hold(dist: Path, form: Form, changes: dict[str, Any], sentence: str | None):
    path = attest(dist, form, **changes)
    code, output = verify(dist, dist, "--identity", REPOSITORY, "--attestations", path)
    lines = wrong(output)
    assert f"WRONG   {WHEEL}: attestation: no attestation of provenance is about it" in lines
    about = [line for line in lines if line.startswith(f"WRONG   {path.name}:1: attestation: ")]
    assert [sentence in line for line in about] == ([True] if sentence else [])
    assert code == VerificationError.exit_code


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--issuer", "https://id.example.org"], "--issuer requires --identity"),
        (["--identity", "somebody"], "nobody knows who vouches for the identity somebody"),
        (["--identity", REPOSITORY, "--key", "x.pub"], "--key or --identity"),
        (["--published", "--identity", REPOSITORY], "write `identity` in the rows of targets.yaml"),
        (["--published", "--key", "x.pub"], "takes no --key"),
        (["--attestations", "EMPTY"], "there is no attestation in this folder"),
        (["--attestations", "PIPE"], "it cannot be read"),
        (["--trusted-root", "BAD"], "no trusted root of Sigstore"),
    ],
)
def test_options_that_cannot_be_used(dist: Path, arguments: list[str], message: str):
    (dist.parent / "EMPTY").mkdir()
    (dist.parent / "PIPE").symlink_to("/dev/null")
    (dist.parent / "BAD").write_text("{}")
    arguments = [str(dist.parent / a) if a.isupper() else a for a in arguments]
    code, output = verify(dist, dist, *arguments)
    assert (code, message in output) == (2, True), output
