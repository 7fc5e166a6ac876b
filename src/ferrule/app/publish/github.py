"""GitHub: a release of the tag, with all files of dist/; its folders go there as one file each.

By its REST API ("REST API endpoints for releases", "… for release assets"). A file's SHA-256 is in `digest`.
"""

from __future__ import annotations

import json
import urllib.parse
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from ferrule.app.publish import answers, credentials, release_page, web
from ferrule.app.publish.address import URL
from ferrule.app.publish.attested import Attester, Offer, attester, document_of
from ferrule.app.publish.base import CiNeeds, Destination
from ferrule.app.publish.items import UploadFailed
from ferrule.core.frozen import dataclass
from ferrule.core.section import Field, Section
from ferrule.formats import attestation, intoto
from ferrule.formats.sums import parse_sums

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ferrule.app.publish.base import PublishContext
    from ferrule.app.publish.items import Item, Release
    from ferrule.app.publish.release_page import ReleasePage

REPOSITORY: Final = r"^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$"
_SUMS: Final = "SHA256SUMS"
_NEEDS: Final = "set GITHUB_TOKEN to a token with contents: write, or run gh auth login"


class GithubSection(Section):
    """A repository on GitHub; the token is that of GITHUB_TOKEN or GH_TOKEN."""

    to: Literal["github"] = Field(description="The destination.")
    repository: Annotated[str, Field(pattern=REPOSITORY)] = Field(
        description="The repository.", examples=["example/demo"]
    )
    api: Annotated[str, Field(pattern=URL, max_length=400)] = Field(
        default="https://api.github.com", description="Address of its REST API; GitHub Enterprise has another."
    )
    uploads: Annotated[str, Field(pattern=URL, max_length=400)] = Field(
        default="https://uploads.github.com", description="Address to which files are sent."
    )
    identity: Attester | None = attester()


@dataclass(frozen=True, slots=True)
class _Github:
    """GitHub's addresses; `uploads` is where files go."""

    uploads: str
    page_size: int = 100
    page_key: str = "per_page"

    def question(self, release: Release) -> tuple[str, str, dict[str, Any]]:
        # It writes a text and keeps it nowhere ("Generate release notes content for a release"): contents: write.
        return "POST", "/releases/generate-notes", {"tag_name": release.tag}

    def send(self, page: ReleasePage, release: Any, item: Item) -> web.Answer:  # noqa: ANN401 - JSON of GitHub
        stated = web.split(answers.text(release, "upload_url").partition("{")[0])
        if stated[:2] != web.split(self.uploads)[:2]:
            raise UploadFailed(
                f"it wants files to be sent to {stated.netloc or 'nowhere'}, which the row does not name",
                hint="correct `uploads` in targets.yaml",
            )
        url = f"{stated.geturl()}?name={urllib.parse.quote(item.name)}"
        assert item.source is not None  # noqa: S101 - only files are sent
        headers = {"Content-Type": "application/octet-stream"}
        return page.context.web.send("POST", url, auth=page.auth, body=item.source, headers=headers)

    def download(self, asset: Any) -> tuple[str, str]:  # noqa: ANN401 - JSON of GitHub
        return answers.text(asset, "url"), "application/octet-stream"

    def publishing(self, release: Release) -> dict[str, Any]:
        # "legacy": GitHub makes it the latest only if its version is higher.
        return {"draft": False, **({} if release.is_prerelease else {"make_latest": "legacy"})}


def _opened(section: GithubSection, release: Release, context: PublishContext) -> ReleasePage:
    token = credentials.variable(context.host, "GH_TOKEN", "GITHUB_TOKEN")
    return release_page.ReleasePage(
        f"{section.repository} on GitHub",
        f"{section.api.rstrip('/')}/repos/{section.repository}",
        _Github(section.uploads.rstrip("/")),
        release,
        release_page.items_of(release),
        context,
        web.bearer(token) if token else None,
        _NEEDS,
    )


def _attestations(page: ReleasePage, item: Item) -> Iterator[Offer] | None:
    """The provenance that GitHub keeps of a file ("REST API endpoints for artifact attestations").

    A workflow attests the files that SHA256SUMS lists. Raises UploadFailed.
    """
    sums = next((one.source for one in page.items if one.name == _SUMS), None)
    if sums is None or item.name not in parse_sums(sums.read_text(), where=_SUMS):
        return None
    return _offers(page, item)


def _offers(page: ReleasePage, item: Item) -> Iterator[Offer]:
    url = f"{page.api}/attestations/{item.digest.oci}?predicate_type=provenance&per_page=100"
    answer = page.context.web.ask(url, auth=page.auth)
    if answer.status == web.NOT_FOUND:
        return
    if answer.status != web.OK:
        raise page.context.web.refusal(answer)
    subject = attestation.Subject(None, "sha256", item.digest.hex)
    for row in answers.rows(answers.mapping(document_of(answer)).get("attestations")):
        bundle = answers.part(row, "bundle")
        if not bundle:
            raise UploadFailed("it names an attestation and does not give it", hint="see gh attestation verify")
        yield Offer(json.dumps(bundle).encode(), subject, (intoto.PROVENANCE,))


DESTINATION: Final = Destination(
    name="github",
    title="GitHub",
    summary="makes a release of it with its files",
    permissions=(("contents: write", "to make a release of the tag"),),
    section=GithubSection,
    takes_page=True,
    opened=_opened,
    attestations=_attestations,
    ci_needs=lambda _: CiNeeds(variables=("GH_TOKEN",)),
    prepare="""\
      - name: Extract what GitHub takes
        run: [[ ci.call ]] extract all --from dist --to upload
      - name: Verify it as it will be downloaded
        run: [[ ci.call ]] verify upload
      - name: Keep upload/
        uses: [[ actions.upload ]]
        with:
          name: upload
          path: upload/
          if-no-files-found: error
          retention-days: 7
""",
    publish="""\
      - name: Fetch upload/
        uses: [[ actions.download ]]
        with:
          name: upload
          path: upload/
      - name: Publish
        run: find upload -maxdepth 1 -type f -exec gh release create "$TAG" --verify-tag --generate-notes {} +
        env:
          GH_REPO: ${{ github.repository }}
          GH_TOKEN: ${{ github.token }}
          TAG: ${{ github.ref_name }}
""",
)
