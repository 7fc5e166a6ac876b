"""S3 and stores that speak its protocol: the release below a prefix, its name and version.

A file is created by `If-None-Match: *` ("How to prevent object overwrites with conditional writes"), so that of two
publishers one creates it. The signature covers the digest of exactly the bytes that verified, and S3 keeps their
SHA-256 beside them; a store that keeps none is asked for the file, which is hashed.
"""

from __future__ import annotations

import base64
import urllib.parse
from dataclasses import field
from typing import TYPE_CHECKING, Annotated, Final, Literal

from ferrule.app.publish import aws, web
from ferrule.app.publish.address import URL
from ferrule.app.publish.base import CiNeeds, Destination
from ferrule.app.publish.items import ABSENT, Item, UploadFailed, compared, manifest_last
from ferrule.core.frozen import dataclass
from ferrule.core.model import Digest
from ferrule.core.section import Field, Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ferrule.app.publish.base import Problem, PublishContext, Withdrawal
    from ferrule.app.publish.items import Release, State

_CHECKSUM: Final = "x-amz-checksum-sha256"
_CONFLICT: Final = 409
_MOST: Final = 5 << 30
"""Bytes that one request may create ("PutObject")."""
_SIGNATURES: Final = frozenset({400, 403})
_SKEW: Final = 15
"""Minutes by which the time of a signature may differ ("Signing AWS API requests", "Protecting against reuse")."""
_REGION: Final = "see whether `region` and `endpoint` are those of the bucket"
_CONDITION: Final = "the store has to know If-None-Match, as nothing may be replaced there"
_NEEDS: Final = "the credentials need s3:GetObject, s3:ListBucket (or a missing file looks forbidden) and s3:PutObject"


class S3Section(Section):
    """A bucket; credentials are those of the AWS tools: variables, a workflow's role, ~/.aws, or what `aws` finds."""

    to: Literal["s3"] = Field(description="The destination.")
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")] = Field(
        description="The bucket.", examples=["releases"]
    )
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] = Field(
        default="us-east-1", description="Region of the bucket, as requests are signed for it.", examples=["eu-west-1"]
    )
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$")] | None = (
        Field(
            default=None,
            description="Folder of the bucket; in it the release gets one of its own, named by its name and version.",
            examples=["demo"],
        )
    )
    endpoint: Annotated[str, Field(pattern=URL, max_length=400)] | None = Field(
        default=None,
        description="Address of a store other than AWS's own.",
        examples=["https://s3.example.org"],
    )
    profile: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] | None = Field(
        default=None,
        description="Profile of ~/.aws whose credentials are taken; by default those of AWS_PROFILE.",
        examples=["releases"],
    )
    tokens: Annotated[str, Field(pattern=URL, max_length=400)] | None = Field(
        default=None,
        description="Address that gives credentials for the token of a workflow; by default AWS's for the region.",
        examples=["https://sts.example.org"],
    )


class _Session:
    """The credentials, looked for when they are needed."""

    def __init__(self) -> None:
        self.keys: aws.Keys | None = None
        self.is_known = False


@dataclass(frozen=True, slots=True)
class S3Publisher:
    """The folder of one release in a bucket, at `title`."""

    section: S3Section
    title: str
    items: tuple[Item, ...]
    context: PublishContext = field(repr=False)
    session: _Session = field(default_factory=_Session, repr=False)
    whole: bool = True

    def preflight(self, pending: Sequence[Item]) -> Iterator[Problem]:
        """Whether there are credentials, and no file is too large; what these may write, only an upload shows."""
        if self._keys is None:
            hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run aws configure"
            yield "there are no credentials for it", hint
        for item in pending:
            if item.size > _MOST:
                yield f"{item.name} has {item.size} bytes, and one upload at most {_MOST}", "make it smaller"

    def look(self, item: Item) -> State:
        """Compare the SHA-256 that the store keeps; else download the file and hash it. Raises UploadFailed."""
        headers = {"x-amz-checksum-mode": "ENABLED"}
        answer = self.context.web.send("HEAD", self._url(item), auth=self._auth("HEAD", item, headers), headers=headers)
        if answer.status == web.NOT_FOUND:
            return ABSENT
        self._check(answer)
        try:
            # Of a file that was uploaded in parts it is a digest of digests, and ends with their number.
            theirs = Digest(base64.b64decode(answer.headers.get(_CHECKSUM, ""), validate=True).hex())
        except ValueError:
            return self.context.web.look(self._url(item), item, self.context.scratch, auth=self._auth("GET", item))
        return compared(theirs, item)

    def upload(self, item: Item) -> None:
        """Create the file, unless one is there. Raises UploadFailed."""
        assert item.source is not None  # noqa: S101 - every item here is a file
        checksum = base64.b64encode(bytes.fromhex(item.digest.hex)).decode()
        headers = {"If-None-Match": "*", "Content-Type": "application/octet-stream", _CHECKSUM: checksum}
        auth = self._auth("PUT", item, headers, item.digest.hex)
        answer = self.context.web.send("PUT", self._url(item), auth=auth, body=item.source, headers=headers)
        if answer.status == _CONFLICT:
            raise UploadFailed("somebody else uploads it at this moment (409)", wait=1)
        self._check(answer)

    def call(self, item: Item) -> str:
        """A PUT."""
        return f"PUT {self._url(item)} (If-None-Match: *, signed)"

    def fetch(self, item: Item, folder: Path) -> Path:
        """Download a file. Raises UploadFailed."""
        path = folder / item.name
        self.context.web.download(self._url(item), path, item.size, auth=self._auth("GET", item))
        return path

    def withdrawals(self, _reason: str) -> Iterator[Withdrawal]:
        """Files are files: nothing marks them."""
        yield from ()

    def _check(self, answer: web.Answer) -> None:
        hints = {400: _REGION, 301: _REGION, 307: _REGION, 403: _NEEDS, 501: _CONDITION}
        if answer.is_success:
            return
        hint = hints.get(answer.status, "")
        minutes = abs(web.clock_of(answer.headers, self._now) - self._now) / 60
        if answer.status in _SIGNATURES and minutes > _SKEW:
            hint = f"set the clock of this machine: that of the store differs by {minutes:.0f} minutes"
        raise self.context.web.refusal(answer, hint=hint)

    @property
    def _now(self) -> float:
        return self.context.now_ns() / 1e9

    @property
    def _keys(self) -> aws.Keys | None:
        session, section = self.session, self.section
        if not session.is_known:
            session.keys = aws.keys_of(self.context, section.profile, section.region, section.tokens or "")
            session.is_known = True
        return session.keys

    def _auth(
        self, method: str, item: Item, headers: dict[str, str] | None = None, payload: str = aws.EMPTY
    ) -> web.Auth | None:
        """The signature of a request; without credentials there is none, as what is there may be for everybody."""
        if self._keys is None:
            return None
        now = self.context.now_ns()
        return aws.signed(self._keys, method, self._url(item), self.section.region, now, payload, headers)

    def _url(self, item: Item) -> str:
        return f"{self.title}/{urllib.parse.quote(item.name, safe='/~')}"


def _address(section: S3Section) -> str:
    """The bucket's: a host of its own on AWS, but where a dot in its name would be one in a certificate."""
    if section.endpoint:
        return f"{section.endpoint.rstrip('/')}/{section.bucket}"
    if "." in section.bucket:
        return f"https://s3.{section.region}.amazonaws.com/{section.bucket}"
    return f"https://{section.bucket}.s3.{section.region}.amazonaws.com"


def _opened(section: S3Section, release: Release, context: PublishContext) -> S3Publisher:
    folder = urllib.parse.quote(f"{release.project}-{release.version}", safe="~")
    title = "/".join(filter(None, [_address(section), section.prefix, folder]))
    return S3Publisher(section, title, manifest_last(release.page), context)


DESTINATION: Final = Destination(
    name="s3",
    title="an S3 bucket",
    summary="puts all files of the release into a bucket of S3 or a store that speaks its protocol",
    section=S3Section,
    takes_page=True,
    opened=_opened,
    ci_needs=lambda _: CiNeeds(variables=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
)
