"""PyPI and compatible indexes: wheels and source distributions, uploaded by twine.

What is there, the simple API says, with digests (PEP 691, PEP 503); a file without a SHA-256 there is downloaded and
hashed. An index refuses a file name that it has, so that of two publishers one creates it. In a workflow that the index
trusts twine needs no password (PyPI, "Trusted Publishers"), and its identity signs an attestation of each file where
the row has `identity` (PEP 740; PyPI takes one with such an upload alone).
"""

from __future__ import annotations

import functools
import shutil
from dataclasses import field
from typing import TYPE_CHECKING, Annotated, Final, Literal

from ferrule.app.publish import client, credentials, simple_index, twine_account, web
from ferrule.app.publish.address import URL
from ferrule.app.publish.attested import Attester, Offer, attester, document_of
from ferrule.app.publish.base import CiNeeds, Destination, Withdrawal
from ferrule.app.publish.items import ABSENT, Item, UploadFailed, compared, item_of, other
from ferrule.core.frozen import dataclass
from ferrule.core.safe_files import clear
from ferrule.core.section import Field, Section
from ferrule.formats import attestation, intoto

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ferrule.app.publish.base import Problem, PublishContext
    from ferrule.app.publish.items import Release, State
    from ferrule.app.publish.twine_account import Account
    from ferrule.core.model import Digest

_LOGIN: Final = "set TWINE_USERNAME and TWINE_PASSWORD, or write them to ~/.pypirc, or keep them in a keyring"
_SIGNER: Final = "pypi-attestations"
_ATTESTATION: Final = ".publish.attestation"
"""What it writes beside a file, and twine takes (`--attestations`)."""
_IDENTITY: Final = ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "SIGSTORE_ID_TOKEN")
"""By these a workflow shows whom it signs as: one of GitHub's with `id-token: write`, a job of GitLab's."""
_REFUSALS: Final = frozenset({401, 403})
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
    """The files of one release on an index; `account` finds out once whom twine uploads them as."""

    section: PypiSection
    items: tuple[Item, ...]
    context: PublishContext
    account: Callable[[], Account] = field(repr=False)
    whole: bool = False

    @property
    def title(self) -> str:
        """The index."""
        return self.section.index

    def preflight(self, pending: Sequence[Item]) -> Iterator[Problem]:
        """Whether twine is there and takes the files, and the index the credentials that twine will find."""
        twine = client.program(self.context.host, "twine")
        files = [str(item.source) for item in pending]
        try:
            client.call(self.context.host, [str(twine), "--no-color", "check", "--strict", *files])
        except UploadFailed as failure:
            yield f"twine check: {failure.message}", "correct the metadata in pyproject.toml"
        if self._attests and self.context.host.which(_SIGNER) is None:
            hint = f"pipx install {_SIGNER}, or take `identity` out of the row"
            yield f"the row has `identity`, and {_SIGNER}, which signs for it, is not installed", hint
        yield from self._refused()

    def _refused(self) -> Iterator[Problem]:
        """Whether the index refuses the credentials for an upload of nothing, of which no index can make a file.

        An index looks at who asks first, and then at what there is. Whose a name is, it says of a file alone. Only the
        address to which twine uploads is asked, and only where twine would send just that. Raises UploadFailed.
        """
        account = self.account()
        if not account.password:
            if not account.shows_certificate and not self._is_trusted():
                yield "there are no credentials for it", _LOGIN
            return
        if account.asked is None:
            return
        url, *login = account.asked
        question = web.fields({":action": "file_upload"})
        try:
            answer = self.context.web.send("POST", url, auth=web.basic(*login), **question)
        except UploadFailed as failure:
            hint = f"{failure.hint}; `upload` is another address"
            raise UploadFailed(f"twine would upload to {url}: {failure.message}", hint, failure.wait) from failure
        if answer.status in _REFUSALS:
            yield self.context.web.refusal(answer).message, f"renew them: {_LOGIN}"

    def _is_trusted(self) -> bool:
        """Whether twine asks for a token itself, as it does of an index that it knows, in a workflow with an identity.

        Whether the index trusts that workflow, an upload shows.
        """
        tokens = ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "PYPI_ID_TOKEN", "TESTPYPI_ID_TOKEN")
        return self.account().is_of_pypi and credentials.variable(self.context.host, *tokens) is not None

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
        """Let twine upload the file, with an attestation where the workflow can sign one. Raises UploadFailed."""
        files = self._attested(item) if self._attests else (str(item.source),)
        client.call(self.context.host, self._argv(*files), _VARIABLES)

    def call(self, item: Item) -> str:
        """Twine's call, and before it that by which the file is attested."""
        name, argv = str(item.source), self._argv(str(item.source))
        twine = " ".join(["twine", *argv[1:], *([f"{name}{_ATTESTATION}"] if self._attests else [])])
        return f"{_SIGNER} sign {name}; {twine}" if self._attests else twine

    @property
    def _attests(self) -> bool:
        """Whether attestations are made: the row has `identity`, and this is a workflow that has one to sign with.

        An index takes none with an upload by password.
        """
        host = self.context.host
        if self.section.identity is None or credentials.variable(host, *_IDENTITY) is None or not self._is_trusted():
            return False
        return not self.account().password

    def _attested(self, item: Item) -> tuple[str, str]:
        """A copy of the file and its attestation, which lies beside it; dist/ stays as it is. Raises UploadFailed."""
        assert item.source is not None  # noqa: S101 - every item here is a file
        folder = self.context.scratch / "attested"
        clear(folder)
        folder.mkdir()
        copy = folder / item.name
        shutil.copyfile(item.source, copy)
        signer = client.program(self.context.host, _SIGNER)
        client.call(self.context.host, [str(signer), "sign", str(copy)], _IDENTITY)
        return str(copy), f"{copy}{_ATTESTATION}"

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

    def _argv(self, *files: str) -> list[str]:
        twine = self.context.host.which("twine") or "twine"
        target = (
            ["--repository-url", self.section.upload]
            if self.section.upload
            else ["--repository", self.section.repository]
        )
        options = ["--non-interactive", "--disable-progress-bar", *(["--attestations"] if self._attests else [])]
        return [str(twine), "--no-color", "upload", *options, *target, *files]

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
    items = tuple(item_of(file, file.path.rpartition("/")[2]) for file in files)
    # Only an upload needs it, and a keyring may ask its user something.
    account = functools.cache(
        functools.partial(twine_account.account_of, context.host, section.upload, section.repository)
    )
    return PypiPublisher(section, items, context, account)


def _is_known(section: PypiSection) -> bool:
    """Whether it is one of the indexes that twine knows by itself."""
    return section.upload is None and section.repository in twine_account.KNOWN


def _ci_needs(section: PypiSection) -> CiNeeds:
    """Twine asks for the token itself, of an index that it knows to trust workflows (PyPI, "Trusted Publishers")."""
    audience = section.repository if _is_known(section) else None
    signs = audience is not None and section.identity is not None
    packages = ("twine==7.0.0", *([f"{_SIGNER}==0.0.30"] if signs else []))
    return CiNeeds(("TWINE_USERNAME", "TWINE_PASSWORD"), audience=audience, signs=signs, packages=packages)


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
