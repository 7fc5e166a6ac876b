"""GitLab: files in the project's generic packages, and a release of the tag that links to them.

By its REST API ("Generic packages repository", "Releases API"). The release comes last; until then nobody is led to
the files. They are downloaded and hashed, as a user would.
"""

from __future__ import annotations

import urllib.parse
from dataclasses import field, replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from ferrule.app.publish import answers, credentials, web
from ferrule.app.publish.address import URL
from ferrule.app.publish.base import CiNeeds, Destination, Withdrawal
from ferrule.app.publish.items import ABSENT, SAME, Item, UploadFailed, other
from ferrule.app.publish.release_page import items_of, withdrawn
from ferrule.core.frozen import dataclass
from ferrule.core.one_line import one_line
from ferrule.core.section import Field, Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ferrule.app.publish.base import Problem, PublishContext
    from ferrule.app.publish.items import Release, State

_DEVELOPER: Final = 30
"""Access level of those who may write packages and make releases ("Roles and permissions")."""

_LOGIN: Final = "set GITLAB_TOKEN to a token with the scope api"


class GitlabSection(Section):
    """A project on GitLab; the token is that of GITLAB_TOKEN, or CI_JOB_TOKEN in a job of GitLab's."""

    to: Literal["gitlab"] = Field(description="The destination.")
    project: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,100}(/[A-Za-z0-9_.-]{1,100}){1,10}$")] = Field(
        description="Path of the project.", examples=["example/demo"]
    )
    url: Annotated[str, Field(pattern=URL, max_length=400)] = Field(
        description="Address of the server.", examples=["https://gitlab.example.org"]
    )


@dataclass(frozen=True, slots=True)
class GitlabPublisher:
    """A release of one project, whose API is at `api`."""

    title: str
    api: str
    release: Release
    items: tuple[Item, ...]
    context: PublishContext
    auth: web.Auth | None = field(default=None, repr=False)
    whole: bool = True

    def preflight(self, _pending: Sequence[Item]) -> Iterator[Problem]:
        """Credentials, rights, and whether GitLab has the tag, of the right commit."""
        if self.auth is None:
            yield "there are no credentials for it", _LOGIN
            return
        access = answers.part(self._ask(""), "permissions", "project_access")
        if access and answers.number(access, "access_level") < _DEVELOPER:
            yield "these credentials may only read", "use some with the role Developer or more"
        yield from self._check_scopes()
        tag, commit = self.release.tag, self.release.manifest.commit
        answer = self.context.web.ask(f"{self.api}/repository/tags/{urllib.parse.quote(tag, safe='')}", auth=self.auth)
        if answer.status == web.NOT_FOUND:
            yield f"it has no tag {tag}", f"git push origin {tag}"
        elif commit is not None and (theirs := answers.text(answers.part(answer.json(), "commit"), "id")) != commit:
            hint = "release a new version: a published tag never moves"
            yield f"its tag {tag} is of commit {theirs[:12]}, and the release of {commit[:12]}", hint

    def _check_scopes(self) -> Iterator[Problem]:
        """Whether a token may write, as far as it says ("Personal access tokens API"); a job's says nothing."""
        url = f"{self.api.partition('/projects/')[0]}/personal_access_tokens/self"
        answer = self.context.web.send("GET", url, auth=self.auth)
        scopes = answers.mapping(answer.json()).get("scopes") if answer.status == web.OK else None
        if isinstance(scopes, list) and scopes and "api" not in scopes:
            yield f"the token has the scope {one_line(', '.join(map(str, scopes)))[:80]}, which may only read", _LOGIN

    def look(self, item: Item) -> State:
        """Download a file and hash it; a release is there once it links to every file. Raises UploadFailed."""
        if item.phase != "upload":
            links = self._links()
            if links is None:
                return ABSENT
            wrong = [name for name, url in self._wanted().items() if links.get(name, url) != url]
            if wrong:
                return other(f"its link {wrong[0]} leads elsewhere")
            return SAME if self._wanted().keys() <= links.keys() else ABSENT
        return self.context.web.look(self._url(item), item, self.context.scratch, auth=self.auth)

    def upload(self, item: Item) -> None:
        """Send a file; or make the release, or add the links that it lacks. Raises UploadFailed."""
        if item.phase == "upload":
            assert item.source is not None  # noqa: S101 - only files are sent
            headers = {"Content-Type": "application/octet-stream"}
            self._checked("PUT", self._url(item), body=item.source, headers=headers)
            return
        links, tag = self._links(), urllib.parse.quote(self.release.tag, safe="")
        rows = [{"name": name, "url": url} for name, url in self._wanted().items() if name not in (links or {})]
        if links is None:
            name = f"{self.release.project} {self.release.version}"
            values = {"tag_name": self.release.tag, "name": name, "assets": {"links": rows}}
            self._checked("POST", f"{self.api}/releases", **web.json_body(values))
            return
        for row in rows:
            self._checked("POST", f"{self.api}/releases/{tag}/assets/links", **web.json_body(row))

    def call(self, item: Item) -> str:
        """What is asked of the API."""
        return f"PUT {self._url(item)}" if item.phase == "upload" else f"POST {self.api}/releases"

    def fetch(self, item: Item, folder: Path) -> Path | None:
        """Download a file from where the release links to. Raises UploadFailed."""
        if item.phase != "upload":
            return None
        path, url = folder / item.name, (self._links() or {}).get(item.name)
        if url is None:
            raise UploadFailed("the release does not link to it")
        self.context.web.download(url, path, item.size, auth=self.auth if url == self._url(item) else None)
        return path

    def withdrawals(self, reason: str) -> Iterator[Withdrawal]:
        """The description says it first ("Releases API", "Update a release")."""
        url = f"{self.api}/releases/{urllib.parse.quote(self.release.tag, safe='')}"

        def act() -> None:
            text = answers.text(self._ask(url.removeprefix(self.api)), "description")
            if not text.startswith(note := withdrawn(reason)):
                self._checked("PUT", url, **web.json_body({"description": note + text}))

        call = f"PUT {url} description: {withdrawn(reason).strip()} …"
        yield Withdrawal(self.release.tag, call, "the page says it first; files and links stay", act)

    def _url(self, item: Item) -> str:
        names = (self.release.project, self.release.version.replace("+", "-"), item.name)
        return f"{self.api}/packages/generic/{'/'.join(map(urllib.parse.quote, names))}"

    def _wanted(self) -> dict[str, str]:
        return {item.name: self._url(item) for item in self.items if item.phase == "upload"}

    def _links(self) -> dict[str, str] | None:
        """The links of the release, by name; None where there is no release. Raises UploadFailed."""
        tag = urllib.parse.quote(self.release.tag, safe="")
        answer = self.context.web.ask(f"{self.api}/releases/{tag}", auth=self.auth)
        if answer.status == web.NOT_FOUND:
            return None
        if answer.status != web.OK:
            raise self.context.web.refusal(answer)
        rows = answers.rows(answers.part(answer.json(), "assets").get("links") or [])
        return {answers.text(row, "name"): answers.text(row, "url") for row in rows}

    def _ask(self, path: str) -> Any:  # noqa: ANN401 - JSON of GitLab
        answer = self.context.web.ask(self.api + path, auth=self.auth)
        if answer.status != web.OK:
            raise self.context.web.refusal(answer)
        return answer.json()

    def _checked(self, method: str, url: str, **content: Any) -> None:  # noqa: ANN401 - arguments of Web.send
        answer = self.context.web.send(method, url, auth=self.auth, **content)
        if not answer.is_success:
            raise self.context.web.refusal(answer)


def _opened(section: GitlabSection, release: Release, context: PublishContext) -> GitlabPublisher:
    token = credentials.variable(context.host, "GITLAB_TOKEN")
    job = credentials.variable(context.host, "CI_JOB_TOKEN")
    return GitlabPublisher(
        f"{section.project} on {urllib.parse.urlsplit(section.url).netloc}",
        f"{section.url.rstrip('/')}/api/v4/projects/{urllib.parse.quote(section.project, safe='')}",
        release,
        items_of(release),
        replace(context, web=context.web.with_login(_LOGIN)),
        {"PRIVATE-TOKEN": token} if token else {"JOB-TOKEN": job} if job else None,
    )


DESTINATION: Final = Destination(
    name="gitlab",
    title="GitLab",
    summary="makes a release of the tag that links to its files in generic packages",
    section=GitlabSection,
    takes_page=True,
    opened=_opened,
    ci_needs=lambda _: CiNeeds(variables=("GITLAB_TOKEN",)),
)
