"""Registries of crates: the files that Cargo packed and that verified, those first that others need.

What is there, the sparse index says, with a SHA-256 (The Cargo Book, "Index Format"). A registry refuses a version that
it has, so that of two publishers one creates it. Uploads go by the documented Web API and not by `cargo publish`, which
packs the sources again: whether it would send the bytes that verified, nobody could tell before they are public.
"""

from __future__ import annotations

import json
import struct
import urllib.parse
from dataclasses import field
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from ferrule.app.publish import answers, cargo_credentials, web
from ferrule.app.publish.address import URL
from ferrule.app.publish.base import CiNeeds, Destination, Withdrawal
from ferrule.app.publish.items import ABSENT, Item, State, UploadFailed, compared, item_of, needed_first, other
from ferrule.core.errors import VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.model import Digest
from ferrule.core.section import Field, Section
from ferrule.formats import crate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ferrule.app.publish.base import Problem, PublishContext
    from ferrule.app.publish.cargo_credentials import CargoToken
    from ferrule.app.publish.items import Release, ReleaseFile
    from ferrule.formats.crate import CratePackage

_MARKERS: Final = ("{crate}", "{version}", "{prefix}", "{lowerprefix}", "{sha256-checksum}")


class CratesSection(Section):
    """A registry of crates; the token is Cargo's: its variables, `cargo login`, or `cargo:token-from-stdout`."""

    to: Literal["crates"] = Field(description="The destination.")
    index: Annotated[str, Field(pattern=URL, max_length=400)] = Field(
        description="Address of its sparse index, without `sparse+`.", examples=["https://index.example.org"]
    )
    registry: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$")] | None = Field(
        default=None,
        description="Name of the registry in Cargo's settings; by default the one that Cargo knows itself.",
        examples=["my-registry"],
    )
    api: Annotated[str, Field(pattern=URL, max_length=400)] | None = Field(
        default=None,
        description="Address of its API, where that is on another host than the index: the token is sent to no host "
        "that this file does not name.",
        examples=["https://crates.example.org"],
    )


@dataclass(frozen=True, slots=True)
class _Settings:
    """What config.json of an index says: where its API is, where files are, and whether all needs the token."""

    api: str
    downloads: str
    is_private: bool


@dataclass(frozen=True, slots=True)
class CratesPublisher:
    """The crates of one release in a registry, by the names of their items."""

    section: CratesSection
    items: tuple[Item, ...]
    crates: Mapping[str, CratePackage] = field(repr=False)
    context: PublishContext = field(repr=False)
    credential: CargoToken = field(repr=False)
    known: dict[str, _Settings] = field(default_factory=dict, repr=False)
    whole: bool = False

    @property
    def title(self) -> str:
        """The index."""
        return self.section.index

    def preflight(self, pending: Sequence[Item]) -> Iterator[Problem]:
        """Whether there is a token, and crates and registry know each other. Who owns a name, an upload shows."""
        if self.credential.token is None:
            yield self.credential.problem, self.credential.hint
        if not self._settings().api:
            yield "the registry takes no uploads: its config.json names no API", "see whether `index` is its address"
        elif self.credential.token:
            yield from self._refused(self.crates[pending[0].name])
        for one in (self.crates[item.name] for item in pending):
            allowed = one.registries
            if allowed is not None and (self.section.registry or _DEFAULT) not in allowed:
                hint = f"add it to `publish` in its Cargo.toml, which has {', '.join(allowed) or 'nothing'}"
                yield f"{one.name} may not be published to {self.section.registry or 'the default registry'}", hint
            yield from self._unclear_dependencies(one)

    def _refused(self, one: CratePackage) -> Iterator[Problem]:
        """Whether the registry does not know the token, by a question that needs one and changes nothing.

        That is the one for owners ("Registry Web API", "Owners: List"). Some answer it to everybody, and 403 may be of
        a token that may publish and nothing else.
        """
        answer = self.context.web.send("GET", self._url(f"{one.name}/owners"), auth=self._auth)
        if answer.status == web.UNAUTHORIZED:
            failure = self.context.web.refusal(answer)
            yield failure.message, failure.hint

    def _unclear_dependencies(self, one: CratePackage) -> Iterator[Problem]:
        try:
            self._metadata(one)
        except VerificationError as error:
            yield f"{one.name}: {error.message}", error.hint or "see its Cargo.toml"

    def look(self, item: Item) -> State:
        """Compare the SHA-256 in the index. Raises UploadFailed."""
        one = self.crates[item.name]
        row = self._row(one)
        if row is None:
            return ABSENT
        if answers.text(row, "vers") != one.version:
            return other(f"it has {answers.text(row, 'vers')}, which counts as the same version")
        try:
            state = compared(Digest(answers.text(row, "cksum")), item)
        except ValueError:
            raise answers.unexpected() from None
        return State("same", "it is yanked there") if state.presence == "same" and row.get("yanked") is True else state

    def upload(self, item: Item) -> None:
        """PUT the file with what the registry is told of it. Raises UploadFailed."""
        assert item.source is not None  # noqa: S101 - every item here is a file
        content = item.source.read_bytes()
        if Digest.of(content) != item.digest:
            raise UploadFailed("the file changed while it was read", hint="make the release again")
        about = json.dumps(self._metadata(self.crates[item.name])).encode()
        body = b"".join(struct.pack("<I", len(part)) + part for part in (about, content))
        headers = {"Content-Type": "application/octet-stream", "Accept": "application/json"}
        self._send("PUT", "new", body=body, headers=headers)

    def call(self, item: Item) -> str:
        """A PUT."""
        try:
            url = self._url("new")
        except UploadFailed:  # which preflight says
            url = ".../api/v1/crates/new"
        return f"PUT {url} ({item.name}, {item.size} bytes)"

    def fetch(self, item: Item, folder: Path) -> Path:
        """Download the file, as Cargo does ("Index Format", `dl`). Raises UploadFailed."""
        one, settings = self.crates[item.name], self._settings()
        path = folder / f"{one.name}-{one.version}.crate"
        values = (one.name, one.version, crate.prefix(one.name), crate.prefix(one.name.lower()), item.digest.hex)
        url = settings.downloads
        if not any(marker in url for marker in _MARKERS):
            url = f"{url.rstrip('/')}/{{crate}}/{{version}}/download"
        for marker, value in zip(_MARKERS, values, strict=True):
            url = url.replace(marker, urllib.parse.quote(value))
        auth = self._auth if settings.is_private and self._is_named(url) else None
        self.context.web.download(url, path, item.size, auth=auth)
        return path

    def withdrawals(self, _reason: str) -> Iterator[Withdrawal]:
        """A version is yanked ("Registry Web API", "Yank")."""
        registry = f" --registry {self.section.registry}" if self.section.registry else ""
        for one in self.crates.values():

            def act(one: CratePackage = one) -> None:
                self._send("DELETE", f"{one.name}/{one.version}/yank")

            call = f"cargo yank {one.name}@{one.version}{registry}"
            effect = "no new lock file takes it; those that have it go on"
            yield Withdrawal(f"{one.name}@{one.version}", call, effect, act)

    def _metadata(self, one: CratePackage) -> dict[str, Any]:
        return dict(one.metadata(self.section.index, default=self.section.registry is None))

    def _row(self, one: CratePackage) -> dict[str, Any] | None:
        """The line of the index for a version, or for one that differs in build metadata only. Raises UploadFailed."""
        answer = self._ask(crate.index_path(one.name))
        if answer.status in _NOT_THERE:
            return None
        if answer.status != web.OK:
            raise self.context.web.refusal(answer)
        rows = [answers.mapping(_line(line)) for line in answer.body.splitlines() if line.strip()]
        version = one.version.partition("+")[0]
        same = [row for row in rows if answers.text(row, "vers").partition("+")[0] == version]
        return next((row for row in same if row["vers"] == one.version), same[0] if same else None)

    def _settings(self) -> _Settings:
        """What the index says of itself. Raises UploadFailed, also for an API on a host that the row does not name."""
        if "" not in self.known:
            answer = self._ask("config.json")
            if answer.status != web.OK:
                raise self.context.web.refusal(answer, hint="see whether `index` is the address of a sparse index")
            document = answer.json()
            api = answers.text(document, "api")
            if api and not self._is_named(api):
                host = web.split(api).netloc or "nowhere"
                hint = f"if that is right, write api: {api} in targets.yaml"
                raise UploadFailed(f"it wants the token to be sent to {host}, which the row does not name", hint=hint)
            self.known[""] = _Settings(api, answers.text(document, "dl"), document.get("auth-required") is True)
        return self.known[""]

    def _ask(self, path: str) -> web.Answer:
        """Ask the index; with the token where it answers nobody else ("Registry Authentication")."""
        url, headers = f"{self.section.index.rstrip('/')}/{path}", {"Cache-Control": "no-cache"}
        answer = self.context.web.ask(url, headers=headers)
        if answer.status == web.UNAUTHORIZED and self._auth:
            answer = self.context.web.ask(url, auth=self._auth, headers=headers)
        return answer

    @property
    def _auth(self) -> web.Auth | None:
        return {"Authorization": self.credential.token} if self.credential.token else None

    def _send(self, method: str, path: str, **content: Any) -> None:  # noqa: ANN401 - arguments of Web.send
        """Ask the API to change something. Raises UploadFailed."""
        answer = self.context.web.send(method, self._url(path), auth=self._auth, **content)
        # A registry may say with 200 that it has not done it.
        if not answer.is_success or answers.rows(answers.mapping(answer.json()).get("errors") or []):
            raise self.context.web.refusal(answer)

    def _url(self, path: str) -> str:
        return f"{self._settings().api.rstrip('/')}/api/v1/crates/{path}"

    def _is_named(self, url: str) -> bool:
        """Whether the row names the host of an address."""
        named = (self.section.index, *([self.section.api] if self.section.api else []))
        return web.split(url)[:2] in {web.split(one)[:2] for one in named}


_NOT_THERE: Final = frozenset({404, 410})
"""Answers of an index that has no such crate ("Index Format", "Sparse protocol")."""
_DEFAULT: Final = "crates-io"
"""Cargo's name of the registry that it knows itself."""


def _line(line: bytes) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise answers.unexpected() from None


def in_order(crates: Mapping[str, CratePackage]) -> tuple[str, ...]:
    """Names of items, what is needed before what needs it. Raises VerificationError for crates in a circle.

    What only tests need counts too: a registry asks for every crate that a manifest names with a version.
    """
    by_crate = {one.name: name for name, one in crates.items()}
    needs = {
        name: {by_crate[need.name] for need in one.dependencies if need.name in by_crate} - {name}
        for name, one in crates.items()
    }
    return needed_first(needs, "crates")


def _opened(section: CratesSection, release: Release, context: PublishContext) -> CratesPublisher:
    files: dict[str, ReleaseFile] = {}
    crates: dict[str, CratePackage] = {}
    for file in release.of_kinds("crate"):
        one = crate.read_crate(file.source)
        name = f"{one.name}@{one.version}"
        files[name], crates[name] = file, one
    items = tuple(item_of(files[name], name) for name in in_order(crates))
    credential = cargo_credentials.token_of(context.host, section.registry, section.index, context.project)
    return CratesPublisher(section, items, crates, context, credential)


DESTINATION: Final = Destination(
    name="crates",
    title="a registry of crates",
    summary="uploads crates",
    kinds=("crate",),
    section=CratesSection,
    opened=_opened,
    ci_needs=lambda section: CiNeeds(variables=(cargo_credentials.variable_of(section.registry),)),
)
