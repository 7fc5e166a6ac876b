"""A server that takes PUT: WebDAV, S3-compatible stores behind a gateway, artifact repositories.

A file is created by `If-None-Match: *` (RFC 9110, 13.1.2), so that of two publishers one creates it; a server that
ignores this header is at least asked before. What is there is downloaded and hashed: an ETag says nothing of bytes.
"""

from __future__ import annotations

import urllib.parse
from dataclasses import field, replace
from typing import TYPE_CHECKING, Annotated, Final, Literal

from ferrule.app.publish import credentials, web
from ferrule.app.publish.address import URL
from ferrule.app.publish.base import Destination
from ferrule.app.publish.items import Item, manifest_last
from ferrule.core.frozen import dataclass
from ferrule.core.section import Field, Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ferrule.app.publish.base import Problem, PublishContext, Withdrawal
    from ferrule.app.publish.items import Release, State

_NO_FOLDER: Final = frozenset({404, 409, 500})
_QUESTIONS: Final[tuple[tuple[str, dict[str, str]], ...]] = (("OPTIONS", {}), ("PROPFIND", {"Depth": "0"}))


class HttpSection(Section):
    """A server that takes files by HTTP PUT; a name and password for it come from ~/.netrc."""

    to: Literal["http"] = Field(description="The destination.")
    url: Annotated[str, Field(pattern=URL, max_length=400)] = Field(
        description="Where the release gets a folder of its own, named by its name and version.",
        examples=["https://files.example.org/releases"],
    )


@dataclass(frozen=True, slots=True)
class HttpPublisher:
    """The folder of one release on a server, at `title`."""

    title: str
    items: tuple[Item, ...]
    context: PublishContext
    auth: web.Auth | None = field(default=None, repr=False)
    whole: bool = True

    def preflight(self, _pending: Sequence[Item]) -> Iterator[Problem]:
        """Whether the server refuses these credentials, or that there are none, where it is asked and nothing changes.

        It is asked about the folder that is written to alone, there or not: another may want other credentials. Both
        methods are safe (RFC 9110, 9.3.7; RFC 4918, 9.1), and servers that let everybody read and not write ask for
        credentials at one of them. Whether a PUT is allowed, only a PUT shows; 403 may be of the method alone.
        """
        for method, headers in _QUESTIONS:
            answer = self.context.web.send(method, f"{self.title}/", auth=self.auth, headers=headers)
            if answer.status == web.UNAUTHORIZED:
                failure = self.context.web.refusal(answer)
                yield failure.message, failure.hint
                return

    def look(self, item: Item) -> State:
        """Download what is there and hash it. Raises UploadFailed."""
        return self.context.web.look(self._url(item), item, self.context.scratch, auth=self.auth)

    def upload(self, item: Item) -> None:
        """PUT the file, and before it the folder where the server wants one (RFC 4918, 9.7.1). Raises UploadFailed."""
        assert item.source is not None  # noqa: S101 - every item here is a file
        headers = {"If-None-Match": "*", "Content-Type": "application/octet-stream"}
        server = self.context.web
        answer = server.send("PUT", self._url(item), auth=self.auth, body=item.source, headers=headers)
        # Where there is no such folder, RFC 4918 has 409 and nginx answers 500; a server without folders refuses MKCOL.
        if answer.status in _NO_FOLDER and server.send("MKCOL", f"{self.title}/", auth=self.auth).is_success:
            answer = server.send("PUT", self._url(item), auth=self.auth, body=item.source, headers=headers)
        if not answer.is_success:
            raise server.refusal(answer)

    def call(self, item: Item) -> str:
        """A PUT."""
        return f"PUT {self._url(item)} (If-None-Match: *)"

    def fetch(self, item: Item, folder: Path) -> Path:
        """Download a file. Raises UploadFailed."""
        path = folder / item.name
        self.context.web.download(self._url(item), path, item.size, auth=self.auth)
        return path

    def withdrawals(self, _reason: str) -> Iterator[Withdrawal]:
        """Files are files: nothing marks them."""
        yield from ()

    def _url(self, item: Item) -> str:
        return f"{self.title}/{urllib.parse.quote(item.name)}"


def _opened(section: HttpSection, release: Release, context: PublishContext) -> HttpPublisher:
    url = f"{section.url.rstrip('/')}/{urllib.parse.quote(f'{release.project}-{release.version}')}"
    server = urllib.parse.urlsplit(url).hostname or ""
    pair = credentials.of_netrc(context.host, server)
    login = f"write them into ~/.netrc: machine {server} login NAME password PASSWORD"
    context = replace(context, web=context.web.with_login(login))
    return HttpPublisher(url, manifest_last(release.page), context, web.basic(*pair) if pair else None)


DESTINATION: Final = Destination(
    name="http",
    title="a server",
    summary="puts all files of the release on a server by HTTP PUT",
    section=HttpSection,
    takes_page=True,
    opened=_opened,
)
