"""Registries of images (OCI distribution-spec 1.1): blobs and manifests by digest, then the tag of the version.

Home-made for the reasons of tools/registry.py: clients write the tag together with the manifest, and serialise again
what must stay the same bytes. Here everything is there by its digest before a tag is, and `latest` moves last, by
digest, only forward.
"""

from __future__ import annotations

import json
import re
import urllib.parse
from dataclasses import field, replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from ferrule.app.publish import address, answers, credentials, web
from ferrule.app.publish.attested import Attester, Offer, attester, document_of
from ferrule.app.publish.base import Destination, Withdrawal
from ferrule.app.publish.items import ABSENT, SAME, Item, State, UploadFailed, other
from ferrule.app.publish.semver import is_newer, is_version
from ferrule.core.errors import VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Digest
from ferrule.core.section import Field, Section
from ferrule.formats import attestation, intoto, sigstore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ferrule.app.publish.base import Problem, PublishContext
    from ferrule.app.publish.items import Release

_VERSION: Final = "org.opencontainers.image.version"
_LARGEST: Final = 4 << 20
_KINDS: Final = ("image", "component-oci")
_TYPES: Final = (
    *("application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json"),
    *(
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ),
)


class OciSection(Section):
    """A repository in a registry of images; credentials are those of `docker login` and `podman login`."""

    to: Literal["oci"] = Field(description="The destination.")
    repository: Annotated[
        str,
        Field(
            pattern=rf"^{address.NAME}{address.PORT}(/[a-z0-9]+([._-]+[a-z0-9]+)*)+$",
            max_length=255,
        ),
    ] = Field(description="Registry and repository.", examples=["registry.example.org/team/demo"])
    artifact: str | None = Field(default=None, description="Which image it is, where the release has several.")
    latest: bool = Field(default=True, description="Whether the tag `latest` moves to a newer release.")
    host: Annotated[str, Field(pattern=rf"^{address.NAME}{address.PORT}$")] | None = Field(
        default=None,
        description="Host of its API, where that is not the one that the repository is named by, as with Docker's own "
        "registry; `docker login` knows it by the name.",
        examples=["api.registry.example.org"],
    )
    tokens: Annotated[str, Field(pattern=rf"^{address.NAME}{address.PORT}$")] | None = Field(
        default=None,
        description="Host that gives tokens for this registry, where it is another one: credentials are sent to no "
        "host that this file does not name.",
        examples=["auth.example.org"],
    )
    identity: Attester | None = attester()


@dataclass(frozen=True, slots=True)
class _Reference:
    """What an item is to the registry: `blobs` or `manifests`, by digest or tag, and the type of a manifest."""

    kind: Literal["blobs", "manifests"]
    reference: str
    media_type: str = "application/octet-stream"


class _Session:
    """The token of a registry, asked for when it is needed."""

    def __init__(self) -> None:
        self.auth: web.Auth | None = None


@dataclass(frozen=True, slots=True)
class OciPublisher:
    """One image of a release and its tags, in one repository of a registry."""

    section: OciSection
    version: str
    items: tuple[Item, ...]
    references: Mapping[str, _Reference] = field(repr=False)
    context: PublishContext = field(repr=False)
    session: _Session = field(default_factory=_Session, repr=False)
    whole: bool = False

    @property
    def title(self) -> str:
        """The repository."""
        return self.section.repository

    def preflight(self, _pending: Sequence[Item]) -> Iterator[Problem]:
        """Whether an upload may begin: one is begun, and left; registries forget it."""
        answer = self._send("POST", f"{self._base}/blobs/uploads/")
        if not answer.is_success:
            failure = self.context.web.refusal(answer)
            login = f"docker login {self._registry}"
            yield failure.message, login if failure.hint == login else f"{login}; {failure.hint}"

    def look(self, item: Item) -> State:
        """Ask for a digest, or for what a tag points at. Raises UploadFailed."""
        reference = self.references[item.name]
        url = f"{self._base}/{reference.kind}/{reference.reference}"
        if item.phase == "upload":
            return SAME if self._ask("HEAD", url).status == web.OK else ABSENT
        answer = self._ask("GET", url)
        if answer.status != web.OK:
            return ABSENT
        theirs = Digest.of(answer.body)
        if theirs == item.digest:
            return SAME
        if item.phase == "publish":
            hint = "a published tag never moves: release a new version"
            return other(f"the tag points at {theirs.short}, here is {item.digest.short}", hint)
        return self._moved(answer.body)

    def _moved(self, manifest: bytes) -> State:
        """Whether a tag that moves may move from there: not from a newer version, nor from an unknown one."""
        version = _version_of(manifest)
        if is_newer(version, self.version):
            return State("same", "it points at a newer version")
        if not is_version(version):
            hint = "set `latest: false` in targets.yaml, or move it by hand"
            return other("the tag points at an image that does not state its version", hint)
        return ABSENT

    def upload(self, item: Item) -> None:
        """Send a blob or manifest, or set a tag. Raises UploadFailed."""
        reference = self.references[item.name]
        if reference.kind == "blobs":
            self._upload_blob(item)
            return
        assert item.source is not None  # noqa: S101 - a manifest is a blob of the layout
        url = f"{self._base}/manifests/{reference.reference}"
        answer = self._send("PUT", url, item.source, {"Content-Type": reference.media_type})
        if not answer.is_success:
            raise self.context.web.refusal(answer)

    def _upload_blob(self, item: Item) -> None:
        """Begin an upload and end it at once ("Pushing a blob monolithically")."""
        begun = self._send("POST", f"{self._base}/blobs/uploads/")
        if not begun.is_success:
            raise self.context.web.refusal(begun)
        url = web.join(f"{self._base}/blobs/uploads/", begun.headers.get("location", ""))
        if web.split(url)[:2] != web.split(self._base)[:2]:
            raise UploadFailed(
                "it wants blobs to be sent to another host, where nothing is sent", hint="see its settings"
            )
        separator = "&" if "?" in url else "?"
        assert item.source is not None  # noqa: S101 - a blob is a file of the layout
        headers = {"Content-Type": "application/octet-stream"}
        answer = self._send("PUT", f"{url}{separator}digest={item.digest.oci}", item.source, headers)
        if not answer.is_success:
            raise self.context.web.refusal(answer)

    def call(self, item: Item) -> str:
        """The request."""
        reference = self.references[item.name]
        if reference.kind == "blobs":
            return f"POST {self._base}/blobs/uploads/; PUT …?digest={item.digest.oci}"
        return f"PUT {self._base}/manifests/{reference.reference}"

    def fetch(self, item: Item, folder: Path) -> Path | None:
        """Download what has a digest; of a tag, what it points at is looked at. Raises UploadFailed."""
        reference = self.references[item.name]
        if item.phase != "upload":
            return None
        path = folder / item.digest.hex
        url = f"{self._base}/{reference.kind}/{reference.reference}"
        if self.session.auth is None:
            self._ask("HEAD", url)
        self.context.web.download(url, path, item.size, auth=self.session.auth, accept=", ".join((*_TYPES, "*/*")))
        return path

    def attestations(self, item: Item) -> Iterator[Offer] | None:
        """The provenance that refers to what the tag of the version points at (distribution-spec, "Listing Referrers").

        Nobody attests blobs and manifests by themselves. Raises UploadFailed.
        """
        return self._offers(item) if item.phase == "publish" else None

    def _offers(self, item: Item) -> Iterator[Offer]:
        listed = self._ask("GET", f"{self._base}/referrers/{item.digest.oci}")
        if listed.status != web.OK:  # a registry of before: "Referrers Tag Schema"
            listed = self._ask("GET", f"{self._base}/manifests/sha256-{item.digest.hex}")
        if listed.status != web.OK:
            return
        subject = attestation.Subject(None, "sha256", item.digest.hex)
        for row in answers.rows(answers.mapping(document_of(listed)).get("manifests")):
            stated = answers.text(answers.part(row, "annotations"), "dev.sigstore.bundle.predicateType")
            if answers.text(row, "artifactType") == sigstore.MEDIA_TYPE and stated in {"", intoto.PROVENANCE}:
                manifest = document_of(self._content("manifests", answers.text(row, "digest")))
                for layer in answers.rows(answers.mapping(manifest).get("layers")):
                    bundle = self._content("blobs", answers.text(layer, "digest")).body
                    yield Offer(bundle, subject, (intoto.PROVENANCE,))

    def _content(self, kind: str, digest: str) -> web.Answer:
        """What a digest stands for. Raises UploadFailed where it is something else."""
        if re.fullmatch(r"sha256:[0-9a-f]{64}", digest) is None:
            raise answers.unexpected()
        answer = self._ask("GET", f"{self._base}/{kind}/{digest}")
        if answer.status != web.OK:
            raise self.context.web.refusal(answer)
        if Digest.of(answer.body).oci != digest:
            raise UploadFailed(f"it has other bytes at {digest[:19]}…")
        return answer

    def withdrawals(self, _reason: str) -> Iterator[Withdrawal]:
        """Registries offer nothing: a digest stays, and a tag that points at it is moved by a person.

        Raises UploadFailed.
        """
        for item in self.items:
            if item.phase == "move" and self.look(item) == SAME:
                call = f"move the tag to the version before: skopeo copy docker://…@DIGEST docker://{item.name}"
                yield Withdrawal(item.name, call, "who pulls it gets the version before")

    @property
    def _registry(self) -> str:
        return self.section.repository.partition("/")[0]

    @property
    def _api(self) -> str:
        return self.section.host or self._registry

    @property
    def _scheme(self) -> str:
        return "http" if urllib.parse.urlsplit(f"//{self._api}").hostname in address.LOOPBACK else "https"

    @property
    def _base(self) -> str:
        return f"{self._scheme}://{self._api}/v2/{self.section.repository.partition('/')[2]}"

    def _ask(self, method: str, url: str) -> web.Answer:
        headers = {"Accept": ", ".join(_TYPES)}
        answer = self.context.web.ask(url, auth=self.session.auth, headers=headers, method=method)
        if answer.status == web.UNAUTHORIZED:
            self._authorize(answer)
            answer = self.context.web.ask(url, auth=self.session.auth, headers=headers, method=method)
        if answer.status not in {web.OK, web.NOT_FOUND}:
            raise self.context.web.refusal(answer)
        return answer

    def _send(
        self, method: str, url: str, body: Path | bytes = b"", headers: Mapping[str, str] | None = None
    ) -> web.Answer:
        answer = self.context.web.send(method, url, auth=self.session.auth, body=body, headers=headers)
        if answer.status == web.UNAUTHORIZED and self._authorize(answer):
            answer = self.context.web.send(method, url, auth=self.session.auth, body=body, headers=headers)
        return answer

    def _authorize(self, answer: web.Answer) -> bool:
        """Take what the registry asks for: a token for this repository, or name and password. Raises UploadFailed."""
        challenge = answer.headers.get("www-authenticate", "")
        pair = credentials.of_docker(self.context.host, self._registry)
        if challenge.lower().startswith("basic"):
            before, self.session.auth = self.session.auth, web.basic(*pair) if pair else None
            return self.session.auth not in (None, before)
        parameters = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        realm = web.split(parameters.get("realm", ""))
        if not challenge.lower().startswith("bearer") or not realm.netloc:
            return False
        if realm.netloc not in {self._api, self.section.tokens}:
            raise UploadFailed(
                f"it wants the credentials to be sent to {realm.netloc}",
                hint=f"if that is right, write tokens: {realm.netloc} in targets.yaml",
            )
        scope = f"repository:{self.section.repository.partition('/')[2]}:pull,push"
        query = urllib.parse.urlencode({"service": parameters.get("service", ""), "scope": scope})
        url = urllib.parse.urlunsplit((self._scheme, realm.netloc, realm.path, query, ""))
        given = self.context.web.ask(url, auth=web.basic(*pair) if pair else None)
        if given.status != web.OK:
            raise self.context.web.refusal(given)
        document = given.json()
        token = answers.text(document, "token") or answers.text(document, "access_token")
        self.session.auth = web.bearer(token) if re.fullmatch(r"[\x21-\x7e]+", token) else None
        return self.session.auth is not None


def _version_of(manifest: bytes) -> str:
    try:
        return answers.text(answers.part(json.loads(manifest), "annotations"), _VERSION)
    except (ValueError, RecursionError, UploadFailed):
        return ""


def _layout_items(folder: Path, repository: str) -> Iterator[tuple[Item, _Reference]]:
    """The blobs of a layout, what a manifest names before it, and at last what index.json names."""
    seen: set[str] = set()

    def walk(descriptor: Any) -> Iterator[tuple[Item, _Reference]]:  # noqa: ANN401 - JSON of a verified layout
        digest = Digest.parse(descriptor["digest"])
        if digest.hex in seen:
            return
        seen.add(digest.hex)
        path = folder / "blobs" / "sha256" / digest.hex
        is_manifest = descriptor["mediaType"] in _TYPES
        if is_manifest:
            document = json.loads(path.read_bytes())
            inner = [*document.get("manifests", ()), document.get("config"), *document.get("layers", ())]
            for one in filter(None, inner):
                yield from walk(one)
        item = Item(f"{repository}@{digest.oci}", digest, path, path.stat().st_size)
        media_type = descriptor["mediaType"] if is_manifest else "application/octet-stream"
        yield item, _Reference("manifests" if is_manifest else "blobs", digest.oci, media_type)

    for descriptor in json.loads((folder / "index.json").read_bytes())["manifests"]:
        yield from walk(descriptor)


def _opened(section: OciSection, release: Release, context: PublishContext) -> OciPublisher:
    images = {file.artifact for file in release.manifest.shipped if file.kind in _KINDS}
    if section.artifact is not None:
        images &= {section.artifact}
    if len(images) > 1:
        raise VerificationError(
            f"the release has several images and components: {', '.join(sorted(images))}",
            where=section.repository,
            hint="write `artifact: NAME` in each row of targets.yaml",
        )
    references: dict[str, _Reference] = {}
    items: list[Item] = []
    for artifact in images:
        for item, reference in _layout_items(release.folder / artifact, section.repository):
            items.append(item)
            references[item.name] = reference
        top = items[-1]
        tag = release.version.replace("+", "_")  # a tag has no plus (distribution-spec, "Pulling manifests")
        moves = [("latest", "move")] if section.latest and not release.is_prerelease else []
        for name, phase in [(tag, "publish"), *moves]:
            flip = Item(f"{section.repository}:{name}", top.digest, top.source, top.size, phase)  # type: ignore[arg-type]
            items.append(flip)
            references[flip.name] = _Reference("manifests", name, references[top.name].media_type)
    login = f"docker login {section.repository.partition('/')[0]}"
    context = replace(context, web=context.web.with_login(login))
    return OciPublisher(section, release.version, tuple(items), references, context)


DESTINATION: Final = Destination(
    name="oci",
    title="a registry of images",
    summary="uploads an image or a component, by digest and then by its version",
    kinds=_KINDS,
    section=OciSection,
    opened=_opened,
    attestations=OciPublisher.attestations,
)
