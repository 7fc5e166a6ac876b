"""Release pages with drafts, as GitHub, Gitea and Forgejo have them: a draft, its files, and the moment it is public.

A draft is made, filled and published; nobody sees it before. A published file is never replaced. What is never
downloaded by anybody may be taken away: a file of which the server has the name and no bytes, as its upload broke off.
"""

from __future__ import annotations

import urllib.parse
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final, Protocol

from ferrule.app.publish import answers, web
from ferrule.app.publish.base import Withdrawal
from ferrule.app.publish.items import ABSENT, SAME, Item, UploadFailed, compared, item_of, other, unknown
from ferrule.core.frozen import dataclass
from ferrule.core.model import Digest
from ferrule.core.safe_files import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ferrule.app.publish.base import Problem, PublishContext
    from ferrule.app.publish.items import Release, State

_PAGES: Final = 20
_MOST: Final = 1000
"""Files of a release on GitHub ("REST API", releases: at most 1,000 assets)."""


class Forge(Protocol):
    """How a forge differs from others: addresses, and how a file is sent."""

    @property
    def page_size(self) -> int:
        """How many rows of a list it gives at once."""

    @property
    def page_key(self) -> str:
        """The parameter by which a list is asked for so many."""

    def question(self, release: Release) -> tuple[str, str, dict[str, Any]]:
        """A request that needs the right to write and changes nothing: method, path, and document."""

    def send(self, page: ReleasePage, release: Any, item: Item) -> web.Answer:  # noqa: ANN401 - JSON of the forge
        """Send a file of a draft."""

    def download(self, asset: Any) -> tuple[str, str]:  # noqa: ANN401 - JSON of the forge
        """The address of a file for those who may read drafts, and the type to ask for."""

    def publishing(self, release: Release) -> dict[str, Any]:
        """What is changed of a draft to make it public."""


@dataclass(frozen=True, slots=True)
class ReleasePage:
    """The release of a tag in the repository whose API is at `api`."""

    title: str
    api: str
    forge: Forge
    release: Release
    items: tuple[Item, ...]
    context: PublishContext
    auth: web.Auth | None = field(default=None, repr=False)
    needs: str = ""
    whole: bool = True

    def preflight(self, pending: Sequence[Item]) -> Iterator[Problem]:
        """Credentials, rights, the number of files, and whether the forge has the tag, of the right commit."""
        if self.auth is None:
            yield "there are no credentials for it", self.needs
            return
        if len(pending) > _MOST:
            yield f"a release there has at most {_MOST} files", "publish fewer, or to another destination"
        permissions = answers.part(self._ask(""), "permissions")
        if permissions and not permissions.get("push"):
            yield "these credentials may only read", f"use some that may write; {self.needs}"
        else:
            yield from self._refused()
        yield from self._check_tag()

    def _refused(self) -> Iterator[Problem]:
        """Whether a token lacks a right that its owner has, which the repository says nothing of."""
        method, path, document = self.forge.question(self.release)
        answer = self.context.web.send(method, self.api + path, auth=self.auth, **web.json_body(document))
        if answer.status == web.FORBIDDEN:
            failure = self.context.web.refusal(answer)
            yield (
                failure.message,
                failure.hint if failure.wait is not None else f"use a token that may write; {self.needs}",
            )

    def _check_tag(self) -> Iterator[Problem]:
        commit = self.release.manifest.commit
        tag = self.release.tag
        answer = self.context.web.ask(f"{self.api}/git/ref/tags/{urllib.parse.quote(tag)}", auth=self.auth)
        if answer.status == web.NOT_FOUND:
            # Gitea and Forgejo know the plural only.
            answer = self.context.web.ask(f"{self.api}/git/refs/tags/{urllib.parse.quote(tag)}", auth=self.auth)
        if answer.status == web.NOT_FOUND:
            yield f"it has no tag {tag}", f"git push origin {tag}"
            return
        document = answer.json()
        rows = answers.rows(document if isinstance(document, list) else [document])
        row = next((row for row in rows if row.get("ref") == f"refs/tags/{tag}"), None)
        if row is None:
            yield f"it has no tag {tag}", f"git push origin {tag}"
            return
        target = answers.part(row, "object")
        if target.get("type") == "tag":
            sha = urllib.parse.quote(answers.text(target, "sha"), safe="")
            target = answers.part(self._ask(f"/git/tags/{sha}"), "object")
        theirs = answers.text(target, "sha")
        if commit is not None and theirs != commit:
            hint = "release a new version: a published tag never moves"
            yield f"its tag {tag} is of commit {theirs[:12]}, and the release of {commit[:12]}", hint

    def look(self, item: Item) -> State:
        """Compare with the release or draft of the tag. Raises UploadFailed."""
        release = self._find()
        if release is None:
            return ABSENT
        if item.phase != "upload":
            return ABSENT if release.get("draft") else SAME
        asset = self._asset(release, item)
        if asset is None or asset.get("state") == "starter":
            fixed = other("the release is published without it, and cannot be changed", "release a new version")
            return fixed if release.get("immutable") else ABSENT
        return self._compared(asset, item)

    def _compared(self, asset: Any, item: Item) -> State:  # noqa: ANN401 - JSON of the forge
        if asset.get("size") is not None and (size := answers.number(asset, "size")) != item.size:
            return other(f"it has {size} bytes there, here {item.size}")
        try:
            return compared(Digest.parse(answers.text(asset, "digest")), item)
        except ValueError:
            return self._downloaded(asset, item)

    def _downloaded(self, asset: Any, item: Item) -> State:  # noqa: ANN401 - JSON of the forge
        url, accept = self.forge.download(asset)
        missing = unknown("it lists the file, and does not serve it", wait=1)
        auth = self._auth_for(url)
        return self.context.web.look(url, item, self.context.scratch, auth=auth, accept=accept, missing=missing)

    def upload(self, item: Item) -> None:
        """Send a file to the draft, which is made for the first; or make the draft public. Raises UploadFailed."""
        release = self._find() or self._draft()
        if item.phase != "upload":
            body = web.json_body(self.forge.publishing(self.release))
            self._checked(self.context.web.send("PATCH", self.address_of(release), auth=self.auth, **body))
            return
        asset = self._asset(release, item)
        if asset is not None and asset.get("state") == "starter":
            url = f"{self.api}/releases/assets/{answers.number(asset, 'id')}"
            self.context.web.send("DELETE", url, auth=self.auth)
        self._checked(self.forge.send(self, release, item))

    def _draft(self) -> Any:  # noqa: ANN401 - JSON of the forge
        """A new draft, or the one that somebody else made at the same moment: the first of them."""
        release = self.release
        values = {
            "tag_name": release.tag,
            "name": f"{release.project} {release.version}",
            "draft": True,
            "prerelease": release.is_prerelease,
            **({"target_commitish": release.manifest.commit} if release.manifest.commit else {}),
        }
        answer = self.context.web.send("POST", f"{self.api}/releases", auth=self.auth, **web.json_body(values))
        self._checked(answer)
        return self._find() or answers.mapping(answer.json())

    def address_of(self, release: Any) -> str:  # noqa: ANN401 - JSON of the forge
        """Where the API has a release. Raises UploadFailed."""
        return f"{self.api}/releases/{answers.number(release, 'id')}"

    def call(self, item: Item) -> str:
        """What is asked of the API."""
        if item.phase != "upload":
            return f"PATCH {self.api}/releases/… draft: false"
        return f"POST {self.api}/releases/…/assets?name={item.name}"

    def fetch(self, item: Item, folder: Path) -> Path | None:
        """Download a file as everybody can. Raises UploadFailed."""
        if item.phase != "upload":
            return None
        asset = self._asset(self._find() or {}, item)
        if asset is None:
            raise UploadFailed("it is not there")
        path = folder / item.name
        url = answers.text(asset, "browser_download_url")
        self.context.web.download(url, path, item.size, auth=self._auth_for(url))
        return path

    def withdrawals(self, reason: str) -> Iterator[Withdrawal]:
        """The page says it first, and is one of a pre-release, so that it is the latest no more."""
        call = f"PATCH {self.api}/releases/… prerelease: true, body: {withdrawn(reason).strip()} …"
        effect = "it is the latest release no more, and its page says why; its files stay"
        yield Withdrawal(f"release {self.release.tag}", call, effect, lambda: self._withdraw(withdrawn(reason)))

    def _withdraw(self, note: str) -> None:
        release = self._find()
        if release is None:
            raise UploadFailed("there is no release of this tag")
        text = answers.text(release, "body")
        body = web.json_body({"prerelease": True, "body": text if text.startswith(note) else note + text})
        self._checked(self.context.web.send("PATCH", self.address_of(release), auth=self.auth, **body))

    def _find(self) -> Any:  # noqa: ANN401 - JSON of the forge
        """The release of the tag, published or a draft; the oldest, where there are several. Raises UploadFailed."""
        tag = self.release.tag
        answer = self.context.web.ask(f"{self.api}/releases/tags/{urllib.parse.quote(tag)}", auth=self.auth)
        if answer.status == web.OK and not (release := answers.mapping(answer.json())).get("draft"):
            return release
        rows = [row for row in self._listed(f"{self.api}/releases") if row.get("tag_name") == tag]
        return min(rows, key=lambda row: (bool(row.get("draft")), answers.number(row, "id")), default=None)

    def _asset(self, release: Any, item: Item) -> Any:  # noqa: ANN401 - JSON of the forge
        if not release:
            return None
        assets = self._listed(f"{self.address_of(release)}/assets")
        return next((asset for asset in assets if asset.get("name") == item.name), None)

    def _listed(self, url: str) -> Iterator[dict[str, Any]]:
        for number in range(1, _PAGES + 1):
            page = f"{url}?{self.forge.page_key}={self.forge.page_size}&page={number}"
            rows = answers.rows(self._answered(page))
            yield from rows
            if len(rows) < self.forge.page_size:
                return

    def _ask(self, path: str) -> Any:  # noqa: ANN401 - JSON of the forge
        return self._answered(self.api + path)

    def _answered(self, url: str) -> Any:  # noqa: ANN401 - JSON of the forge
        answer = self.context.web.ask(url, auth=self.auth)
        if answer.status != web.OK:
            raise self.context.web.refusal(answer)
        return answer.json()

    def _checked(self, answer: web.Answer) -> None:
        if not answer.is_success:
            raise self.context.web.refusal(answer)

    def _auth_for(self, url: str) -> web.Auth | None:
        """The credentials, if that address is the forge's own; what lies elsewhere is public or signed in itself."""
        return self.auth if web.split(self.api)[:2] == web.split(url)[:2] else None


def withdrawn(reason: str) -> str:
    """What a page says first of a version that nobody should use."""
    return f"> **Withdrawn:** {reason}\n\n"


def items_of(release: Release) -> tuple[Item, ...]:
    """The files of a page, and then the page itself, by what all of it is: its manifest."""
    manifest = next(file for file in release.page if file.path == MANIFEST)
    flip = Item(f"release {release.tag}", manifest.digest, phase="publish")
    return (*(item_of(file) for file in release.page), flip)
