"""Gitea and Forgejo: a release of the tag, with all files of dist/; its folders go there as one file each.

By the API of both (`/api/v1`, "repository": releases and their attachments). They state no digest, so that what is
there is downloaded and hashed.
"""

from __future__ import annotations

import urllib.parse
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from ferrule.app.publish import answers, credentials, release_page, web
from ferrule.app.publish.address import URL
from ferrule.app.publish.base import CiNeeds, Destination
from ferrule.app.publish.github import REPOSITORY
from ferrule.core.frozen import dataclass
from ferrule.core.section import Field, Section

if TYPE_CHECKING:
    from ferrule.app.publish.base import PublishContext
    from ferrule.app.publish.items import Item, Release
    from ferrule.app.publish.release_page import ReleasePage


class GiteaSection(Section):
    """A repository on a server of Gitea or Forgejo; the token is that of GITEA_TOKEN or FORGEJO_TOKEN."""

    to: Literal["gitea"] = Field(description="The destination.")
    repository: Annotated[str, Field(pattern=REPOSITORY)] = Field(
        description="The repository.", examples=["example/demo"]
    )
    url: Annotated[str, Field(pattern=URL, max_length=400)] = Field(
        description="Address of the server.", examples=["https://git.example.org"]
    )


@dataclass(frozen=True, slots=True)
class _Gitea:
    page_size: int = 50
    page_key: str = "limit"

    def question(self, _release: Release) -> tuple[str, str, dict[str, Any]]:
        return "PATCH", "/releases/0", {}  # releases are counted from 1

    def send(self, page: ReleasePage, release: Any, item: Item) -> web.Answer:  # noqa: ANN401 - JSON of Gitea
        assert item.source is not None  # noqa: S101 - only files are sent
        url = f"{page.address_of(release)}/assets?name={urllib.parse.quote(item.name)}"
        return page.context.web.send("POST", url, auth=page.auth, **web.form("attachment", item.name, item.source))

    def download(self, asset: Any) -> tuple[str, str]:  # noqa: ANN401 - JSON of Gitea
        return answers.text(asset, "browser_download_url"), "*/*"

    def publishing(self, _release: Release) -> dict[str, Any]:
        return {"draft": False}


def _opened(section: GiteaSection, release: Release, context: PublishContext) -> ReleasePage:
    token = credentials.variable(context.host, "FORGEJO_TOKEN", "GITEA_TOKEN")
    return release_page.ReleasePage(
        f"{section.repository} on {urllib.parse.urlsplit(section.url).netloc}",
        f"{section.url.rstrip('/')}/api/v1/repos/{section.repository}",
        _Gitea(),
        release,
        release_page.items_of(release),
        context,
        {"Authorization": f"token {token}"} if token else None,
        "set GITEA_TOKEN or FORGEJO_TOKEN to a token that may write to the repository",
    )


DESTINATION: Final = Destination(
    name="gitea",
    title="Gitea or Forgejo",
    summary="makes a release of the tag with its files",
    section=GiteaSection,
    takes_page=True,
    opened=_opened,
    ci_needs=lambda _: CiNeeds(variables=("GITEA_TOKEN",)),
)
