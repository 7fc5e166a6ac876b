"""Bills of materials, provenance and signatures of a real release, judged by other people's programs and schemas."""

from __future__ import annotations

import base64
import json
import shutil
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from judges import CHECKOUT, ferrule, program, run
from packageurl import PackageURL
from released import LIBRARY, LINUX, Release, sha256

from fakes.triples import MAC
from ferrule.formats.cyclonedx import problems

if TYPE_CHECKING:
    from pathlib import Path

LOCK = CHECKOUT / "rust" / "Cargo.lock"
BASE = CHECKOUT / "packaging" / "image" / "base.lock"


def bills(release: Release) -> dict[str, dict[str, Any]]:
    return {name: json.loads(p.read_bytes()) for name, p in release.files().items() if name.endswith(".cdx.json")}


def locked() -> dict[str, str | None]:
    packages = tomllib.loads(LOCK.read_text())["package"]
    return {f"pkg:cargo/{p['name']}@{p['version']}": p.get("checksum") for p in packages}


def crates(bill: dict[str, Any], scope: str) -> set[str]:
    """Names of the crates that a bill has for the crate itself, not for Rust's standard library."""
    result = [c for c in bill["components"] if c["purl"].startswith("pkg:cargo/") and c["scope"] == scope]
    return {c["name"] for c in result if not c["bom-ref"].endswith("#rust-std")}


def test_crates_inside_of_the_standard_library_are_named(release: Release) -> None:
    """Where its source is installed, as it is for a target that it is compiled for."""
    for target in (*LINUX, MAC):
        bill = bills(release)[f"{release.made('archive', target).name}.cdx.json"]
        inside = {c["name"]: c for c in bill["components"] if c["bom-ref"].endswith("#rust-std")}
        assert {"hashbrown", "addr2line", "gimli", "libc", "memchr", "rustc-demangle"} <= inside.keys()
        assert not {"winapi", "windows-sys", "dlmalloc", "hermit-abi"} & inside.keys()
        assert all(c["licenses"] and c["hashes"] for c in inside.values())


def test_every_bill_is_valid_by_the_official_schema(release: Release) -> None:
    result = bills(release)
    assert len(result) == 12
    for name in result:
        text = (release.dist / name).read_text(encoding="utf-8")
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None, name


def test_every_component_has_the_minimum_elements(release: Release) -> None:
    total = 0
    for name, bill in bills(release).items():
        assert problems(bill) == [], name
        for component in bill["components"]:
            total += 1
            assert PackageURL.from_string(component["purl"]).name
    assert total > 300


def test_crates_are_those_that_cargo_itself_names(release: Release, programs: dict[str, str]) -> None:
    """Asked once more, in another way, on the sources: what is linked, and what only runs while it is built."""
    for target in (*LINUX, MAC):
        bill = bills(release)[f"{release.made('archive', target).name}.cdx.json"]
        argv = [programs["cargo"], "tree", "--locked", "--prefix", "none", "--format", "{p}", "--target", target]
        listed = {
            edges: {
                line.split()[0]
                for line in run(
                    *argv, "-p", "email-validator-ffi", "-e", edges, cwd=LOCK.parent, RUSTC=programs["rustc"]
                ).stdout.splitlines()
                if line
            }
            for edges in ("normal,no-proc-macro", "normal,build")
        }
        assert crates(bill, "required") == listed["normal,no-proc-macro"]
        assert crates(bill, "excluded") == listed["normal,build"] - listed["normal,no-proc-macro"]


def test_hashes_are_those_of_the_locks(release: Release) -> None:
    known, base = locked(), BASE.read_text()
    compared = 0
    for bill in bills(release).values():
        for component in (c for c in bill["components"] if not c["bom-ref"].endswith("#rust-std")):
            purl, hashes = component["purl"], [h["content"] for h in component.get("hashes", ())]
            if purl in known:
                assert hashes == [known[purl]]
                compared += 1
            elif purl.startswith("pkg:deb/"):
                assert hashes[0] in base
                compared += 1
    assert compared > 300


def test_files_inside_are_the_ones_that_were_compiled(release: Release) -> None:
    for target in LIBRARY:
        digest = sha256(release.library(target))
        for package in (release.made("archive", target), release.made("wheel", target)):
            bill = bills(release)[f"{package.name}.cdx.json"]
            assert bill["metadata"]["component"]["hashes"][0]["content"] == sha256(package)
            inside = [c for c in bill["components"] if c["purl"].startswith("pkg:generic/email-validator@")]
            assert digest in {c["hashes"][0]["content"] for c in inside}
            assert len(inside) == (2 if package.name.endswith(".tar.gz") else 1)


def test_image_lists_its_base_for_both_machines(release: Release) -> None:
    packages = [c for c in bills(release)["image.cdx.json"]["components"] if c["purl"].startswith("pkg:deb/")]
    lines = [line for line in BASE.read_text().splitlines() if line and not line.startswith("#")]
    assert {h["content"] for c in packages for h in c["hashes"]} == {line.split("sha256:")[1][:64] for line in lines}
    subject = bills(release)["image.cdx.json"]["metadata"]["component"]
    (entry,) = json.loads((release.dist / "image" / "index.json").read_bytes())["manifests"]
    assert subject["purl"].endswith(entry["digest"])


def test_cryptography_is_marked_with_its_fingerprint(release: Release) -> None:
    whole = bills(release)["email-validator-0.1.0.cdx.json"]
    marked = {
        c["name"]: {p["name"]: p["value"] for p in c["properties"]}
        for c in whole["components"]
        if any(p["name"] == "ferrule:cryptographic" for p in c.get("properties", ()))
    }
    assert "ca-certificates" in marked  # of the base image
    assert "idna" not in marked
    assert marked["ca-certificates"]["ferrule:cryptographic:fingerprint"].startswith("sha256:")


def statement(release: Release) -> dict[str, Any]:
    document = json.loads((release.dist / "provenance.intoto.jsonl").read_bytes())
    assert isinstance(document, dict)
    return document


def test_provenance_names_every_file_but_itself_and_the_manifest(release: Release) -> None:
    subjects = {s["name"]: s["digest"]["sha256"] for s in statement(release)["subject"]}
    left_out = {"manifest.json", "provenance.intoto.jsonl"}
    files = {n: sha256(p) for n, p in release.files().items() if n not in left_out and ".sigstore." not in n}
    assert {n: d for n, d in subjects.items() if n != "image"} == files


def test_provenance_has_the_fields_of_slsa(release: Release) -> None:
    document = statement(release)
    assert (document["_type"], document["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://slsa.dev/provenance/v1",
    )
    build, ran = document["predicate"]["buildDefinition"], document["predicate"]["runDetails"]
    assert build.keys() == {"buildType", "externalParameters", "internalParameters", "resolvedDependencies"}
    assert build["externalParameters"]["configuration"]["digest"]["sha256"] == sha256(CHECKOUT / "targets.yaml")
    assert ran["builder"]["id"]
    used = {one.get("uri") or one["name"]: one for one in build["resolvedDependencies"]}
    assert used["rust/Cargo.lock"]["digest"]["sha256"] == sha256(LOCK)
    for purl, checksum in locked().items():
        assert checksum is None or used[purl]["digest"]["sha256"] == checksum
    commits = [o["digest"]["gitCommit"] for o in build["resolvedDependencies"] if o.get("name") == "source"]
    assert commits == [release.manifest["source"]["commit"]]
    tools = {o["name"] for o in build["resolvedDependencies"] if "identity" in o.get("annotations", {})}
    assert {"rustc", "cargo", "zig", "cargo-zigbuild", "cbindgen", "jco", "wasm-ld"} <= tools


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key pair as a person makes one."""
    folder = tmp_path_factory.mktemp("keys")
    openssl = program("openssl")
    run(openssl, "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", folder / "ec.pem")
    run(openssl, "pkcs8", "-topk8", "-nocrypt", "-in", folder / "ec.pem", "-out", folder / "key.pem")
    run(openssl, "pkey", "-in", folder / "key.pem", "-pubout", "-out", folder / "key.pub")
    return folder


@pytest.fixture(scope="session")
def signed(given: Path | None, release: Release, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same release with signatures; nothing is compiled for that."""
    folder = tmp_path_factory.mktemp("signed") / "email-validator"
    if given is not None:
        pytest.fail(f"{given} is finished: signatures are made by the run that makes a release")
    ferrule("release", folder.name, "--quiet", "--output", folder.parent, "--sign-key", keys / "key.pem")
    for name, path in release.files().items():
        assert (folder / name).read_bytes() == path.read_bytes()
    return folder


def openssl_accepts(keys: Path, signature: str, message: bytes, folder: Path) -> bool:
    (folder / "signature").write_bytes(base64.b64decode(signature))
    (folder / "message").write_bytes(message)
    argv = ["dgst", "-sha256", "-verify", keys / "key.pub", "-signature", folder / "signature", folder / "message"]
    return run(program("openssl"), *argv, ok=False).returncode == 0


@pytest.mark.only_on(*LINUX, reason="a finished release of another machine is judged, which has no signatures")
def test_openssl_accepts_every_signature(signed: Path, keys: Path, tmp_path: Path) -> None:
    for name in ("SHA256SUMS", "manifest.json"):
        bundle = json.loads((signed / f"{name}.sigstore.json").read_bytes())
        content = (signed / name).read_bytes()
        assert openssl_accepts(keys, bundle["messageSignature"]["signature"], content, tmp_path)
        assert not openssl_accepts(keys, bundle["messageSignature"]["signature"], content + b" ", tmp_path)
    envelope = json.loads((signed / "provenance.sigstore.json").read_bytes())["dsseEnvelope"]
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    assert payload == (signed / "provenance.intoto.jsonl").read_bytes()
    encoded = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    assert openssl_accepts(keys, envelope["signatures"][0]["sig"], encoded, tmp_path)


@pytest.mark.only_on(*LINUX, reason="a finished release of another machine is judged, which has no signatures")
def test_verify_believes_the_key_and_no_other(signed: Path, keys: Path, tmp_path: Path) -> None:
    assert "checks on " in ferrule("verify", signed, "--key", keys / "key.pub").stdout
    openssl = program("openssl")
    run(openssl, "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", tmp_path / "other.pem")
    run(openssl, "pkey", "-in", tmp_path / "other.pem", "-pubout", "-out", tmp_path / "other.pub")
    output = ferrule("verify", signed, "--key", tmp_path / "other.pub", ok=False)
    assert output.returncode == 6
    assert "another key" in output.stdout


@pytest.mark.only_on(*LINUX, reason="a finished release of another machine is judged, which has no signatures")
def test_cosign_accepts_every_bundle(release: Release, signed: Path, keys: Path, record_property: Any) -> None:
    """Where cosign is installed; it is not provisioned, because compiling it takes four minutes of processor time."""
    cosign = shutil.which("cosign")
    record_property("cosign", cosign or "not on this machine: openssl alone has judged the signatures")
    if cosign is None:
        print("cosign is not on this machine: openssl alone has judged the signatures")  # noqa: T201 - shown by pytest -s
        return
    usual = ("--key", keys / "key.pub", "--insecure-ignore-tlog=true", "--bundle")
    for name in ("SHA256SUMS", "manifest.json"):
        run(cosign, "verify-blob", *usual, signed / f"{name}.sigstore.json", signed / name)
    argv = (cosign, "verify-blob-attestation", "--type", "slsaprovenance1", *usual, signed / "provenance.sigstore.json")
    for name in ("SHA256SUMS", release.made("wheel", MAC).name, "email-validator-0.1.0.wasm"):
        run(*argv, signed / name)
    foreign = run(*argv, LOCK, ok=False)
    assert foreign.returncode != 0
    assert "do not match digests in statement" in foreign.stderr
