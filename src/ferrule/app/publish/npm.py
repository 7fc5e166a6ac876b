"""npm and compatible registries: packages, uploaded by npm as the files that they are.

What is there, the registry says, with a SHA-512 (`dist.integrity`). A registry refuses a version that it has, so that
of two publishers one creates it. Packages that others need come first. A dist-tag moves with an upload: `latest` only
to a newer version.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
import urllib.parse
from dataclasses import field
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from ferrule.app.publish import answers, client, credentials, web
from ferrule.app.publish.address import URL
from ferrule.app.publish.attested import Attester, Offer, attester, document_of
from ferrule.app.publish.base import CiNeeds, Destination, Withdrawal
from ferrule.app.publish.items import ABSENT, SAME, Item, UploadFailed, item_of, needed_first, other
from ferrule.app.publish.semver import is_newer
from ferrule.core.errors import VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.one_line import one_line
from ferrule.core.section import Field, Section
from ferrule.formats import attestation, intoto, tar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ferrule.app.publish.base import Problem, PublishContext
    from ferrule.app.publish.items import Release, ReleaseFile, State

_VARIABLES: Final = ("NPM_TOKEN", "NODE_AUTH_TOKEN")
_OF_WORKFLOW: Final = (
    *("GITHUB_REPOSITORY", "GITHUB_REPOSITORY_ID", "GITHUB_REPOSITORY_OWNER_ID", "GITHUB_SERVER_URL", "GITHUB_REF"),
    *("GITHUB_SHA", "GITHUB_EVENT_NAME", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_WORKFLOW_REF"),
    *("RUNNER_ENVIRONMENT", "SIGSTORE_ID_TOKEN", "NPM_ID_TOKEN"),
)
"""Of what npm makes provenance (libnpmpublish, "provenance"), beside the tokens of the workflow."""
_MEANINGS: Final = (
    (r"\bENEEDAUTH\b", "nobody is logged in there", "{login}"),
    (r"\bE401\b", "it does not accept the credentials (401)", "they are expired or wrong: {login}"),
    (r"\bEOTP\b", "it wants a one-time password", "use a token that needs none, as those for automation do"),
    (r"\bE402\b", "only a paid plan may have restricted packages there (402)", "write access: public in targets.yaml"),
)
"""Codes of npm: what they mean here, and what to do."""
_NO_WHOAMI: Final = re.compile(r"\bE(?:403|404|405|501)\b")
_TRUSTED: Final = ("ACTIONS_ID_TOKEN_REQUEST_URL", "NPM_ID_TOKEN")
"""By these npm logs in to a registry that trusts the workflow: one of GitHub's, or a job of GitLab's."""
_READS: Final = frozenset({"read", "read-only"})
_FIXED: Final = {"npm_config_update_notifier": "false", "npm_config_fetch_retries": "0"}
"""What is sent again, what is there decides."""
_IDENTITY: Final = ("ACTIONS_ID_TOKEN_REQUEST_URL", "SIGSTORE_ID_TOKEN")
"""By these npm signs as the workflow: one of GitHub's with `id-token: write`, a job of GitLab's with such a token."""
_KINDS: Final = ("npm", "program-npm")
_PROVENANCE: Final = (intoto.PROVENANCE, attestation.OLD_PROVENANCE)


class NpmSection(Section):
    """A registry of npm packages; credentials are those of ~/.npmrc, which may name NPM_TOKEN or NODE_AUTH_TOKEN."""

    to: Literal["npm"] = Field(description="The destination.")
    registry: Annotated[str, Field(pattern=URL, max_length=400)] = Field(
        description="Address of the registry.", examples=["https://npm.example.org"]
    )
    access: Literal["public", "restricted"] = Field(
        default="public", description="Who may install a package whose name has a scope."
    )
    identity: Attester | None = attester()


@dataclass(frozen=True, slots=True)
class Package:
    """A package: name, version, SHA-512 of its file as registries state it, and the packages that it needs."""

    name: str
    version: str
    integrity: str
    needs: frozenset[str]


@dataclass(frozen=True, slots=True)
class NpmPublisher:
    """The packages of one release on a registry, by the names of their items."""

    section: NpmSection
    items: tuple[Item, ...]
    packages: Mapping[str, Package]
    context: PublishContext = field(repr=False)
    whole: bool = False

    @property
    def title(self) -> str:
        """The registry."""
        return self.section.registry

    def preflight(self, pending: Sequence[Item]) -> Iterator[Problem]:
        """Whether npm is there, somebody is logged in, and nobody else has a name, as far as the registry tells.

        A workflow that a registry trusts logs in when it uploads, and `npm whoami` knows nothing of it (npm, "Trusted
        publishing for npm packages"); a registry that has no `whoami` cannot be asked.
        """
        try:
            user = self._npm([str(client.program(self.context.host, "npm")), "whoami", *self._registry]).strip()
        except UploadFailed as failure:
            auth = credentials.of_npmrc(self.context.host, self.section.registry)
            is_unknown = auth is not None and _NO_WHOAMI.search(failure.message)
            is_trusted = auth is None and credentials.variable(self.context.host, *_TRUSTED)
            if not is_unknown and not is_trusted:
                yield failure.message, failure.hint
            return
        for name in (self.packages[item.name].name for item in pending):
            yield from self._check_owner(name, user)

    def _check_owner(self, name: str, user: str) -> Iterator[Problem]:
        """What keeps a user from a name that is there (npm registry, "collaborators"; verdaccio and others have none).

        Who is not listed may yet publish it as an owner of an organisation, whose names have a scope, or by a team.
        """
        url = f"{self.section.registry.rstrip('/')}/-/package/{urllib.parse.quote(name, safe='')}/collaborators"
        auth = credentials.of_npmrc(self.context.host, self.section.registry)
        answer = self.context.web.send("GET", url, auth=auth)
        try:
            rights = answer.json() if answer.status == web.OK else None
        except UploadFailed:
            return
        if not isinstance(rights, dict) or not rights:
            return
        if str(rights.get(user, "")) in _READS:
            yield f"{user} may only read {name}", "ask its owner for the right to write: npm access"
        elif user not in rights and not name.startswith("@") and not any(":" in str(other) for other in rights):
            owners = one_line(", ".join(sorted(map(str, rights))[:3]))
            yield f"the name {name} belongs to {owners}, and not to {user}", "choose another name, or one with a scope"

    def look(self, item: Item) -> State:
        """Compare the SHA-512 that the registry states. Raises UploadFailed."""
        package = self.packages[item.name]
        row = answers.part(self._document(package), "versions", package.version)
        if not row:
            return ABSENT
        stated = answers.text(answers.part(row, "dist"), "integrity")
        if package.integrity in stated.split():
            return SAME
        return other(
            f"it has other bytes there: {stated[:20] or 'no SHA-512 is stated'}…, here {package.integrity[:20]}…"
        )

    def upload(self, item: Item) -> None:
        """Let npm upload the file. Raises UploadFailed."""
        self._npm(self._argv(item), _OF_WORKFLOW)

    def call(self, item: Item) -> str:
        """Npm's call."""
        return " ".join(["npm", *self._argv(item)[1:]])

    def fetch(self, item: Item, folder: Path) -> Path:
        """Download the file of the version, as npm install does. Raises UploadFailed."""
        package = self.packages[item.name]
        dist = answers.part(self._document(package), "versions", package.version, "dist")
        if not dist:
            raise UploadFailed("it is not there")
        path, url = folder / item.digest.hex, answers.text(dist, "tarball")
        is_own = web.split(url)[:2] == web.split(self.section.registry)[:2]
        self.context.web.download(url, path, item.size, auth=self._auth() if is_own else None)
        return path

    def attestations(self, item: Item) -> Iterator[Offer]:
        """The provenance that the registry serves of a version (npm, "Generating provenance statements").

        What it says itself of an upload (its publish attestation) is signed with its own key, and proves no origin.
        Raises UploadFailed.
        """
        package = self.packages[item.name]
        dist = answers.part(self._document(package), "versions", package.version, "dist")
        url = answers.text(answers.part(dist, "attestations"), "url")
        if not url:
            return
        is_own = web.split(url)[:2] == web.split(self.section.registry)[:2]
        answer = self.context.web.ask(url, auth=self._auth() if is_own else None)
        if answer.status != web.OK:
            raise self.context.web.refusal(answer)
        subject = attestation.npm_subject(package.name, package.version, package.integrity)
        for row in answers.rows(answers.mapping(document_of(answer)).get("attestations")):
            if answers.text(row, "predicateType") in _PROVENANCE:
                yield Offer(json.dumps(answers.part(row, "bundle")).encode(), subject, _PROVENANCE)

    def withdrawals(self, reason: str) -> Iterator[Withdrawal]:
        """A version is deprecated (npm, "deprecate")."""
        npm = str(self.context.host.which("npm") or "npm")
        for name in self.packages:
            argv = [npm, "deprecate", name, reason, *self._registry]

            def act(argv: Sequence[str] = argv) -> None:
                self._npm(argv)

            call = shlex.join(["npm", *argv[1:]])
            yield Withdrawal(name, call, "whoever installs it is shown the reason", act)

    @property
    def _registry(self) -> tuple[str, str]:
        return "--registry", self.section.registry

    def _npm(self, argv: Sequence[str], variables: Sequence[str] = ()) -> str:
        """Call npm. Raises UploadFailed, in words of ours where those of npm name a code only."""
        try:
            return client.call(self.context.host, argv, (*_VARIABLES, *variables), _FIXED)
        except UploadFailed as failure:
            login = f"npm login {' '.join(self._registry)}, or a token in ~/.npmrc"
            for sign, message, hint in _MEANINGS:
                if re.search(sign, failure.message):
                    raise UploadFailed(message, hint=hint.format(login=login), wait=failure.wait) from failure
            raise

    def _argv(self, item: Item) -> list[str]:
        npm, package = str(self.context.host.which("npm") or "npm"), self.packages[item.name]
        options = [*self._registry, "--access", self.section.access, "--ignore-scripts"]
        if self.section.identity and credentials.variable(self.context.host, *_IDENTITY):
            options.append("--provenance")
        return [npm, "publish", str(item.source), *options, "--tag", self._tag(package)]

    def _tag(self, package: Package) -> str:
        """The dist-tag that moves: never `latest` to a version that is older, or before a release."""
        if "-" in package.version.partition("+")[0]:
            return "next"
        latest = answers.text(answers.part(self._document(package), "dist-tags"), "latest")
        return f"release-{package.version.rpartition('.')[0]}" if is_newer(latest, package.version) else "latest"

    def _document(self, package: Package) -> dict[str, Any]:
        """What the registry says of a package, nothing if it has none of that name. Raises UploadFailed."""
        url = f"{self.section.registry.rstrip('/')}/{urllib.parse.quote(package.name, safe='@')}"
        headers = {"Accept": "application/json", "Cache-Control": "no-cache"}
        answer = self.context.web.ask(url, auth=self._auth(), headers=headers)
        if answer.status == web.NOT_FOUND:
            return {}
        if answer.status != web.OK:
            raise self.context.web.refusal(answer)
        return answers.mapping(answer.json())

    def _auth(self) -> web.Auth | None:
        """Who asks: a registry says of a restricted package, to those who may not see it, that there is none."""
        if self.section.access == "public":
            return None
        return credentials.of_npmrc(self.context.host, self.section.registry)


def read_package(path: Path) -> Package:
    """The package that a file is. Raises VerificationError for one that is none."""
    try:
        with path.open("rb") as stream:
            content = next(m.read() for m in tar.read_tar_gz(stream) if m.name == "package/package.json")
        document = json.loads(content)
        needs = frozenset(
            name
            for key in ("dependencies", "optionalDependencies", "peerDependencies")
            for name in document.get(key) or {}
        )
        digest = hashlib.sha512(path.read_bytes()).digest()
        integrity = f"sha512-{base64.b64encode(digest).decode()}"
        return Package(str(document["name"]), str(document["version"]), integrity, needs)
    except (StopIteration, ValueError, KeyError, TypeError, AttributeError) as error:
        raise VerificationError("this is not an npm package", where=str(path)) from error


def in_order(packages: Mapping[str, Package]) -> tuple[str, ...]:
    """Names of items, what is needed before what needs it. Raises VerificationError for packages in a circle."""
    by_package = {package.name: name for name, package in packages.items()}
    needs = {name: {by_package[n] for n in p.needs & by_package.keys()} for name, p in packages.items()}
    return needed_first(needs, "packages")


def _opened(section: NpmSection, release: Release, context: PublishContext) -> NpmPublisher:
    files: dict[str, ReleaseFile] = {}
    packages: dict[str, Package] = {}
    for file in release.of_kinds(*_KINDS):
        package = read_package(file.source)
        name = f"{package.name}@{package.version}"
        files[name], packages[name] = file, package
    items = tuple(item_of(files[name], name) for name in in_order(packages))
    return NpmPublisher(section, items, packages, context)


def _ci_needs(section: NpmSection) -> CiNeeds:
    """Npm reads the variable itself, so that no command has the token (npm, "npmrc")."""
    address = section.registry.partition(":")[2].rstrip("/")
    signs = section.identity is not None
    return CiNeeds(("NPM_TOKEN",), signs=signs, login=(f'npm config set "{address}/:_authToken=\\${{NPM_TOKEN}}"',))


DESTINATION: Final = Destination(
    name="npm",
    title="npm",
    summary="uploads npm packages",
    kinds=_KINDS,
    section=NpmSection,
    opened=_opened,
    attestations=NpmPublisher.attestations,
    ci_needs=_ci_needs,
)
