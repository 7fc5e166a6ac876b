"""Attestations that destinations serve: each is fetched from a stand-in, and has to be of the file and the project."""

from __future__ import annotations

import base64
import copy
import functools
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from fakes.destinations import (
    FILES,
    HOSTILE,
    SERVERS,
    SMALL,
    StandIn,
    npm_document,
    npm_package,
    paths_of,
    publisher_of,
    replaced,
    serving,
)
from fakes.published import release_of
from fakes.sigstore_instance import COMMIT, PUBLISHER, REPOSITORY, Form, SigstoreInstance, provenance_of
from ferrule.app.publish import DESTINATIONS, run
from ferrule.app.publish.attested import Expectation
from ferrule.core.model import Digest
from ferrule.formats import attestation, intoto, keyless, sigstore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WHEEL = "demo-1.2.3-py3-none-any.whl"
CONTENT = FILES["pypi"][WHEEL][1]
IDENTITY = f"{REPOSITORY}/.github/workflows/release.yml"
PACE = run.Pace(lambda _: None, lambda _: None)
PURL = "pkg:npm/%40example/demo@1.2.3"
SHA512 = hashlib.sha512(npm_package()).hexdigest()
NPM_PUBLISH = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1"


@functools.cache
def instance() -> SigstoreInstance:
    return SigstoreInstance()


def signed(
    name: str, digest: str, kind: str = intoto.PROVENANCE, *, algorithm: str = "sha256", form: Form | None = None
) -> dict[str, Any]:
    document = {
        "_type": intoto.STATEMENT,
        "subject": [{"name": name, "digest": {algorithm: digest}}],
        "predicateType": kind,
        "predicate": {},
    }
    return instance().statement_bundle(json.dumps(document).encode(), form)


def of_npm(bundle: dict[str, Any], kind: str = intoto.PROVENANCE) -> dict[str, Any]:
    return {"attestations": [{"predicateType": NPM_PUBLISH, "bundle": {}}, {"predicateType": kind, "bundle": bundle}]}


def publish(name: str, folder: Path, server: StandIn, serve: Callable[[Any, Any], None]) -> Any:
    """A release that is published, and the publisher; `serve` gives the server attestations before or after that."""
    publisher = publisher_of(name, server, release_of(folder / "dist", FILES.get(name, SMALL)), folder)
    serve(server, publisher)
    if name == "pypi":
        server.files[WHEEL] = CONTENT  # type: ignore[attr-defined]
    elif name == "npm":
        server.publish("@example/demo", npm_document(npm_package()))  # type: ignore[attr-defined]
    else:
        run.publish({name: publisher}, PACE)
    return publisher


def problems(
    name: str, folder: Path, serve: Callable[[Any, Any], None], *, identity: str | None = IDENTITY, tag: str = "v1.2.3"
) -> list[str | None]:
    """What is wrong with the attestations of everything that is published there."""
    folder.mkdir(exist_ok=True)
    root = keyless.read_root(instance().write_root(folder / "root.json"))
    with serving(SERVERS[name]()) as server:
        publisher = publish(name, folder, server, serve)
        offers = DESTINATIONS[name].attestations
        assert offers is not None
        expected = Expectation(offers, identity, COMMIT, tag)
        found = [one for item in publisher.items for one in expected.problems(publisher, item, lambda: root)]
        assert not server.leaked
        return found


def on_pypi(*args: Any, publisher: dict[str, Any] | None = None, **changes: Any) -> Callable[[Any, Any], None]:
    kind = changes.pop("kind", attestation.INDEX_PUBLISH)
    bundle = signed(*(args or (WHEEL, Digest.of(CONTENT).hex)), kind, **changes)
    return lambda server, _: server.provenance.update({WHEEL: provenance_of(bundle, publisher)})


def on_npm(*args: Any, label: str = intoto.PROVENANCE, **changes: Any) -> Callable[[Any, Any], None]:
    changes = {"algorithm": "sha512"} | changes
    bundle = signed(*(args or (PURL, SHA512)), **changes)
    return lambda server, _: server.attestations.update({"@example/demo@1.2.3": of_npm(bundle, label)})


def on_github(form: Form | None = None, **changes: Any) -> Callable[[Any, Any], None]:
    def serve(server: Any, publisher: Any) -> None:
        for item in publisher.items:
            bundle = signed(item.name, changes.get("digest", item.digest.hex), form=form)
            server.attestations[item.digest.oci] = {"attestations": [{"bundle": bundle, "repository_id": 1}]}

    return serve


def on_registry(
    *, fallback: bool = False, form: Form | None = None, digest: str | None = None, swap: bytes | None = None
) -> Callable[[Any, Any], None]:
    def serve(server: Any, publisher: Any) -> None:
        top = next(item for item in publisher.items if item.phase == "publish")
        content = json.dumps(signed("demo", digest or top.digest.hex, form=form)).encode()
        layer = Digest.of(content).oci
        server.contents[layer] = swap or content
        manifest = json.dumps({"layers": [{"digest": layer}]}).encode()
        server.manifests[Digest.of(manifest).oci] = ("application/vnd.oci.image.manifest.v1+json", manifest)
        rows = [
            {"artifactType": "application/spdx+json", "digest": "sha256:" + "0" * 64},
            {"artifactType": sigstore.MEDIA_TYPE, "digest": Digest.of(manifest).oci},
        ]
        index = {"schemaVersion": 2, "manifests": rows}
        if fallback:
            body = json.dumps(index).encode()
            server.manifests[Digest.of(body).oci] = ("application/vnd.oci.image.index.v1+json", body)
            server.tags[f"sha256-{top.digest.hex}"] = Digest.of(body).oci
        else:
            server.referrers[top.digest.oci] = index

    return serve


VALID = {
    "pypi": ("pypi", on_pypi()),
    "pypi, provenance": ("pypi", on_pypi(kind=intoto.PROVENANCE)),
    "npm": ("npm", on_npm()),
    "npm of 2023": ("npm", on_npm(label=attestation.OLD_PROVENANCE, kind=attestation.OLD_PROVENANCE)),
    "github": ("github", on_github()),
    "oci": ("oci", on_registry()),
    "oci, by a tag": ("oci", on_registry(fallback=True)),
}


@pytest.mark.parametrize("case", VALID)
@pytest.mark.parametrize("identity", [IDENTITY, None], ids=["expected", "there"])
def test_what_a_destination_serves_holds(tmp_path: Path, case: str, identity: str | None) -> None:
    name, serve = VALID[case]
    found = problems(name, tmp_path, serve, identity=identity)
    assert found
    assert set(found) == {None}


@pytest.mark.parametrize("name", ["pypi", "npm", "github", "oci"])
def test_an_attestation_that_is_expected_has_to_be_there(tmp_path: Path, name: str) -> None:
    sentence = f"there is no attestation of it, and targets.yaml expects one of {IDENTITY}"
    found = problems(name, tmp_path / "a", lambda *_: None)
    assert set(found) == {sentence}
    assert problems(name, tmp_path / "b", lambda *_: None, identity=None) == []


FORGED: dict[str, tuple[str, Callable[[Any, Any], None], str]] = {
    "pypi, another file of the project": ("pypi", on_pypi("demo-1.2.3.tar.gz", "0" * 64), f"it is not about {WHEEL}"),
    "pypi, other bytes": ("pypi", on_pypi(WHEEL, "0" * 64), f"it is about another {WHEEL}"),
    "pypi, SHA-1": ("pypi", on_pypi(WHEEL, "0" * 40, algorithm="sha1"), "by sha1 only"),
    "pypi, another predicate": ("pypi", on_pypi(kind="https://example.org/lint"), "it says https://example.org/lint"),
    "pypi, another publisher": (
        "pypi",
        on_pypi(publisher=PUBLISHER | {"repository": "mallory/demo"}),
        "the index says that it is of https://github.com/mallory/demo/.github/workflows/release.yml",
    ),
    "pypi, another workflow of the publisher": (
        "pypi",
        on_pypi(publisher=PUBLISHER | {"workflow": "ci.yml"}),
        "and it was signed by https://github.com/example/demo/.github/workflows/release.yml",
    ),
    "pypi, a publisher of another forge": (
        "pypi",
        on_pypi(publisher={"kind": "GitLab", "repository": "example/demo", "workflow_filepath": ".gitlab-ci.yml"}),
        "of https://gitlab.com/example/demo//.gitlab-ci.yml",
    ),
    "pypi, a publisher by e-mail": ("pypi", on_pypi(publisher={"kind": "Google", "email": "a@b.c"}), "of a@b.c"),
    "pypi, another repository": (
        "pypi",
        on_pypi(form=Form().of(repository="https://github.com/mallory/demo")),
        "for the repository https://github.com/mallory/demo",
    ),
    "pypi, no provenance object": (
        "pypi",
        lambda server, _: server.provenance.update({WHEEL: {"version": 1}}),
        "no provenance object",
    ),
    "pypi, keys twice": (
        "pypi",
        lambda server, _: server.provenance.update({WHEEL: b'{"version": 1, "version": 1}'}),
        "its attestations cannot be read: its answer is not JSON that means one thing",
    ),
    "npm, another package": ("npm", on_npm("pkg:npm/%40mallory/demo@1.2.3", SHA512), "it is about these bytes as"),
    "npm, another version": ("npm", on_npm("pkg:npm/%40example/demo@1.2.4", SHA512), "it is about these bytes as"),
    "npm, other bytes": ("npm", on_npm(PURL, "0" * 128), f"it is about another {PURL}"),
    "npm, SHA-256": ("npm", on_npm(PURL, "0" * 64, algorithm="sha256"), "by sha256 only, expected sha512"),
    "npm, publish attestation as provenance": ("npm", on_npm(kind=NPM_PUBLISH), f"it says {NPM_PUBLISH}"),
    "npm, publish attestation alone": (
        "npm",
        on_npm(label=NPM_PUBLISH, kind=NPM_PUBLISH),
        "there is no attestation of it",
    ),
    "npm, another commit": ("npm", on_npm(form=Form().of(commit="f" * 40)), f"for the commit {'f' * 40}"),
    "npm, no bundle": (
        "npm",
        lambda server, _: server.attestations.update({"@example/demo@1.2.3": of_npm({})}),
        "this is no Sigstore bundle",
    ),
    "npm, another form": (
        "npm",
        lambda server, _: server.attestations.update({"@example/demo@1.2.3": {"attestations": [1]}}),
        "its attestations cannot be read: its answer is not of the documented form",
    ),
    "github, another tag": ("github", on_github(Form().of(ref="refs/tags/v9.9.9")), "for the ref refs/tags/v9.9.9"),
    "github, another workflow": ("github", on_github(Form().of(path=".github/workflows/ci.yml")), "expected .github"),
    "github, another file": ("github", on_github(digest="0" * 64), "it is not about sha256:"),
    "oci, another image": ("oci", on_registry(digest="0" * 64), "it is not about sha256:"),
    "oci, another issuer": ("oci", on_registry(form=Form().of(issuer="https://id.example.org")), "of the issuer https"),
    "oci, swapped bytes": ("oci", on_registry(swap=b"{}"), "it has other bytes at sha256:"),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_forgery_at_a_destination_is_refused(tmp_path: Path, case: str) -> None:
    name, serve, sentence = FORGED[case]
    found = problems(name, tmp_path, serve)
    assert found
    assert all(problem is not None and sentence in problem for problem in found), found


def test_nobody_expected_still_has_to_be_of_the_commit(tmp_path: Path) -> None:
    found = problems("npm", tmp_path, on_npm(form=Form().of(commit="f" * 40)), identity=None)
    assert found == [f"it was signed for the commit {'f' * 40}, expected {COMMIT}"]
    form = Form().of(subject="a@example.org", repository=None, commit=None, ref=None, issuer="https://id.example.org")
    found = problems("pypi", tmp_path / "mail", on_pypi(form=form, publisher={"kind": "New"}), identity=None)
    assert found == [None]


def test_a_file_that_sums_do_not_list_is_attested_by_nobody(tmp_path: Path) -> None:
    found = problems("github", tmp_path, on_github())
    names = [path.name for path in (tmp_path / "dist").iterdir() if path.is_file()]
    assert len(found) == len([n for n in names if n not in {"SHA256SUMS", "manifest.json"}])


@pytest.mark.parametrize(("name", "key"), [("github", "attestations"), ("npm", "attestations")])
def test_an_answer_that_is_no_list(tmp_path: Path, name: str, key: str) -> None:
    def serve(server: Any, publisher: Any) -> None:
        for item in publisher.items:
            server.attestations[item.digest.oci] = {key: {}}
        server.attestations["@example/demo@1.2.3"] = {key: {}}

    found = problems(name, tmp_path, serve)
    assert set(found) == {"its attestations cannot be read: its answer is not of the documented form"}


def test_a_bundle_that_is_only_named(tmp_path: Path) -> None:
    def serve(server: Any, publisher: Any) -> None:
        for item in publisher.items:
            server.attestations[item.digest.oci] = {"attestations": [{"bundle": None, "bundle_url": "https://x"}]}

    assert set(problems("github", tmp_path, serve)) == {
        "its attestations cannot be read: it names an attestation and does not give it"
    }


@pytest.mark.parametrize("name", ["pypi", "npm", "github", "oci"])
def test_whatever_a_server_answers_is_a_sentence(tmp_path: Path, name: str) -> None:
    """Each value of an answer, down to the bundle, replaced by others; what is within a bundle is tested of its own."""
    root = keyless.read_root(instance().write_root(tmp_path / "root.json"))
    with serving(SERVERS[name]()) as server:
        publisher = publish(name, tmp_path, server, VALID[name][1])
        offers = DESTINATIONS[name].attestations
        assert offers is not None
        expected = Expectation(offers, IDENTITY, COMMIT, "v1.2.3")
        item = next(one for one in publisher.items if offers(publisher, one) is not None)
        served = {"pypi": "provenance", "npm": "attestations", "github": "attestations", "oci": "referrers"}[name]
        answers = getattr(server, served)
        key = item.digest.oci if name in {"github", "oci"} else next(iter(answers))
        document = copy.deepcopy(answers[key])
        for path in paths_of(document):
            for shape in HOSTILE if not {"bundle", "verification_material", "envelope"} & {*path[:-1]} else ():
                answers[key] = replaced(copy.deepcopy(document), path, shape)
                for problem in expected.problems(publisher, item, lambda: root):
                    assert problem is None or "\n" not in problem


@pytest.mark.parametrize("variable", ["ACTIONS_ID_TOKEN_REQUEST_URL", "SIGSTORE_ID_TOKEN"])
def test_npm_is_asked_for_provenance_where_it_is_expected_and_can_be_made(tmp_path: Path, variable: str) -> None:
    release = release_of(tmp_path / "dist", FILES["npm"])
    with serving(SERVERS["npm"]()) as server:
        inside = publisher_of("npm", server, release, tmp_path, **{variable: "https://example.org"})
        outside = publisher_of("npm", server, release, tmp_path)
        calls = []
        for one, identity in ((inside, IDENTITY), (inside, None), (outside, IDENTITY)):
            section = DESTINATIONS["npm"].section(to="npm", registry=server.url, identity=identity)
            publisher = DESTINATIONS["npm"].opened(section, release, one.context)
            calls.append("--provenance" in publisher.call(publisher.items[0]).split())
        assert calls == [True, False, False]


def test_base64_of_integrity_is_that_of_the_package() -> None:
    integrity = f"sha512-{base64.b64encode(bytes.fromhex(SHA512)).decode()}"
    assert attestation.npm_subject("@example/demo", "1.2.3", integrity) == attestation.Subject(PURL, "sha512", SHA512)
