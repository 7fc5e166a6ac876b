"""PyPI and compatible indexes: wheels and source distributions, uploaded by twine.

What is there, the simple API says, with digests (PEP 691, PEP 503); a file without a SHA-256 there is downloaded and
hashed. An index refuses a file name that it has, so that of two publishers one creates it. In a workflow that the index
trusts twine needs no password (PyPI, "Trusted Publishers").
"""

from __future__ import annotations

import urllib.parse
from typing import TYPE_CHECKING, Annotated, Final, Literal

from ferrule.app.publish import client, credentials, simple_index, web
from ferrule.app.publish.address import URL
from ferrule.app.publish.attested import Attester, Offer, attester, document_of
from ferrule.app.publish.base import CiNeeds, Destination, Withdrawal
from ferrule.app.publish.items import ABSENT, Item, UploadFailed, compared, item_of, other
from ferrule.core.frozen import dataclass
from ferrule.core.section import Field, Section
from ferrule.formats import attestation, intoto

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ferrule.app.publish.base import Problem, PublishContext
    from ferrule.app.publish.items import Release, State
    from ferrule.core.model import Digest

_VARIABLES: Final = ("TWINE_USERNAME", "TWINE_PASSWORD", "TWINE_CERT", "TWINE_CLIENT_CERT")


class PypiSection(Section):
    """A package index; credentials are those of twine: TWINE_USERNAME and TWINE_PASSWORD, ~/.pypirc, or a keyring."""

    to: Literal["pypi"] = Field(description="The destination.")
    index: Annotated[str, Field(pattern=URL, max_length=400)] = Field(
        description="Address from which pip installs: that of the simple API.",
        examples=["https://index.example.org/simple"],
    )
    upload: Annotated[str, Field(pattern=URL, max_length=400)] | None = Field(
        default=None,
        description="Address to which twine uploads; by default that of `repository`.",
        examples=["https://index.example.org/legacy/"],
    )
    repository: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] = Field(
        default="pypi", description="Section of ~/.pypirc with address and credentials; twine knows pypi and testpypi."
    )
    identity: Attester | None = attester()


@dataclass(frozen=True, slots=True)
class PypiPublisher:
    """The files of one release on an index."""

    section: PypiSection
    items: tuple[Item, ...]
    context: PublishContext
    whole: bool = False

    @property
    def title(self) -> str:
        """The index."""
        return self.section.index

    def preflight(self, pending: Sequence[Item]) -> Iterator[Problem]:
        """Whether twine is there, takes the files, and will find credentials. What an index allows, an upload shows."""
        twine = client.program(self.context.host, "twine")
        files = [str(item.source) for item in pending]
        try:
            client.call(self.context.host, [str(twine), "--no-color", "check", "--strict", *files])
        except UploadFailed as failure:
            yield f"twine check: {failure.message}", "correct the metadata in pyproject.toml"
        if not self._has_credentials():
            hint = "set TWINE_USERNAME and TWINE_PASSWORD, or write them to ~/.pypirc, or keep them in a keyring"
            yield "there are no credentials for it", hint

    def _has_credentials(self) -> bool:
        host = self.context.host
        if credentials.variable(host, "TWINE_PASSWORD", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "PYPI_ID_TOKEN"):
            return True
        if self.section.upload is None and "password" in credentials.of_pypirc(host, self.section.repository):
            return True
        # twine itself asks the keyring; whether it has an answer only that can tell.
        return host.which("keyring") is not None and self._in_keyring()

    def _in_keyring(self) -> bool:
        host, settings = self.context.host, credentials.of_pypirc(self.context.host, self.section.repository)
        user = credentials.variable(host, "TWINE_USERNAME") or settings.get("username") or "__token__"
        return any(self._keyring_has(address, user) for address in self._uploads(settings))

    def _uploads(self, settings: Mapping[str, str]) -> Iterator[str]:
        """The addresses by which a keyring may know the index: the one that is stated, or those that twine knows.

        These lie beside the index: `/legacy/` of its host, or of that host's `upload`.
        """
        stated = self.section.upload or settings.get("repository")
        parts = urllib.parse.urlsplit(self.section.index)
        own = (f"{parts.scheme}://{host}/legacy/" for host in (f"upload.{parts.netloc}", parts.netloc))
        yield from [stated] if stated else own

    def _keyring_has(self, address: str, user: str) -> bool:
        try:
            keyring = client.program(self.context.host, "keyring")
            return bool(client.call(self.context.host, [str(keyring), "get", address, user]).strip())
        except UploadFailed:
            return False

    def look(self, item: Item) -> State:
        """Ask the simple API; a file without a stated SHA-256 is downloaded. Raises UploadFailed."""
        listed = self._listed(item)
        if listed is None:
            return ABSENT
        if listed.digest is not None:
            return compared(listed.digest, item)
        try:
            return compared(self._download(listed, item, self.context.scratch / "looked-at"), item)
        except web.TooLarge:
            return other("it has a larger file there")

    def upload(self, item: Item) -> None:
        """Let twine upload the file. Raises UploadFailed."""
        client.call(self.context.host, self._argv(item), _VARIABLES)

    def call(self, item: Item) -> str:
        """Twine's call."""
        return " ".join(["twine", *self._argv(item)[1:]])

    def fetch(self, item: Item, folder: Path) -> Path:
        """Download the file to which the index links, as pip does. Raises UploadFailed."""
        listed = self._listed(item)
        if listed is None:
            raise UploadFailed("the index does not list it")
        path = folder / item.name
        self._download(listed, item, path)
        return path

    def attestations(self, item: Item) -> Iterator[Offer]:
        """What the index serves as provenance of a file (PEP 740). Raises UploadFailed and VerificationError."""
        listed = self._listed(item)
        if listed is None or not listed.provenance:
            return
        headers = {"Accept": "application/vnd.pypi.integrity.v1+json, application/json;q=0.5"}
        answer = self.context.web.ask(listed.provenance, auth=self._auth(listed.provenance), headers=headers)
        if answer.status != web.OK:
            raise self.context.web.refusal(answer)
        subject = attestation.Subject(item.name, "sha256", item.digest.hex)
        types = (attestation.INDEX_PUBLISH, intoto.PROVENANCE)
        for one in attestation.of_index(document_of(answer), where=item.name):
            yield Offer(one.bundle, subject, types, one.publisher)

    def withdrawals(self, reason: str) -> Iterator[Withdrawal]:
        """An index has no API for it: a person yanks on the page of the project (PEP 592)."""
        for name in sorted({simple_index.project_of(item.name) for item in self.items}):
            call = f"on the index's page of {name}: manage, releases, options, yank, with the reason: {reason}"
            yield Withdrawal(name, call, "installers take it only where exactly this version is asked for")

    def _argv(self, item: Item) -> list[str]:
        twine = self.context.host.which("twine") or "twine"
        target = (
            ["--repository-url", self.section.upload]
            if self.section.upload
            else ["--repository", self.section.repository]
        )
        options = ["--non-interactive", "--disable-progress-bar"]
        return [str(twine), "--no-color", "upload", *options, *target, str(item.source)]

    def _download(self, listed: simple_index.ListedFile, item: Item, path: Path) -> Digest:
        return self.context.web.download(listed.url, path, item.size, auth=self._auth(listed.url))

    def _auth(self, url: str) -> web.Auth | None:
        """Name and password of the index in ~/.netrc, as pip reads it, for that host only."""
        parts = web.split(url)
        if parts[:2] != web.split(self.section.index)[:2]:
            return None
        pair = credentials.of_netrc(self.context.host, parts.hostname or "")
        return web.basic(*pair) if pair else None

    def _listed(self, item: Item) -> simple_index.ListedFile | None:
        """The file as the index lists it; None if it does not. Raises UploadFailed."""
        url = f"{self.section.index.rstrip('/')}/{simple_index.project_of(item.name)}/"
        headers = {"Accept": f"{simple_index.JSON}, text/html;q=0.5", "Cache-Control": "no-cache"}
        auth = self._auth(url)
        answer = self.context.web.ask(url, auth=auth, headers=headers)
        if answer.status in {web.NOT_FOUND, web.GONE}:
            return None
        if answer.status != web.OK:
            raise self.context.web.refusal(answer)
        if answer.headers.get("content-type", "").startswith(simple_index.JSON):
            return simple_index.of_json(answer.json(), item.name, url)
        return simple_index.of_html(answer.body.decode("utf-8", "replace"), item.name, url)


def _check_version(version: str) -> Iterator[Problem]:
    """Build metadata becomes a local version (version specifiers, "Local version identifiers"), which PyPI refuses."""
    if "+" in version:
        example = f"{version.partition('+')[0]}.dev0"
        hint = f'state another for this artifact, such as version: "{example}", or take pypi out of ci.publish'
        yield f"PyPI takes no version with build metadata, such as {version}", hint


def _opened(section: PypiSection, release: Release, context: PublishContext) -> PypiPublisher:
    roles = {file.path: file.role for file in release.manifest.shipped}
    files = [file for file in release.files if file.path.endswith(".whl") or roles.get(file.path) == "sdist"]
    return PypiPublisher(section, tuple(item_of(file, file.path.rpartition("/")[2]) for file in files), context)


def _ci_needs(section: PypiSection) -> CiNeeds:
    """Twine asks for the token itself, of an index that it knows to trust workflows (PyPI, "Trusted Publishers")."""
    is_known = section.upload is None and section.repository in ("pypi", "testpypi")
    audience = section.repository if is_known else None
    return CiNeeds(("TWINE_USERNAME", "TWINE_PASSWORD"), audience=audience, packages=("twine==7.0.0",))


DESTINATION: Final = Destination(
    name="pypi",
    title="PyPI",
    summary="uploads wheels and source distributions by trusted publishing",
    kinds=("wheel", "extension", "program-wheel"),
    check_version=_check_version,
    environment="pypi",
    section=PypiSection,
    opened=_opened,
    attestations=PypiPublisher.attestations,
    ci_needs=_ci_needs,
    permissions=(("id-token: write", "PyPI trusts this workflow, so there is no password"),),
    prepare="""\
      - name: Extract what PyPI takes
        run: [[ ci.call ]] extract wheel,extension,program-wheel --from dist --to python
      - name: Keep python/
        uses: [[ actions.upload ]]
        with:
          name: python
          path: python/
          if-no-files-found: error
          retention-days: 7
""",
    publish="""\
      - name: Fetch python/
        uses: [[ actions.download ]]
        with:
          name: python
          path: python/
      - name: Publish
        uses: pypa/gh-action-pypi-publish@cef221092ed1bacb1cc03d23a2d87d1d172e277b # v1.14.0
        with:
          packages-dir: python/
""",
)
