"""What a destination is: its words for targets.yaml, its job in the workflow, and how to look and upload there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ferrule.app.publish.attested import Offer
    from ferrule.app.publish.items import Item, Release, State
    from ferrule.app.publish.web import Web
    from ferrule.core.section import Section
    from ferrule.tools.host import Host

Problem = tuple[str, str]
"""What is wrong, and what to do."""


def accept_version(_version: str) -> Iterator[Problem]:
    """Have no objection to a version: the default of a destination."""
    yield from ()


def accept_row(_section: Any, _root: Path, _before: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401
    """Have no objection to a row: the default of a destination."""
    yield from ()


@dataclass(frozen=True, slots=True)
class PublishContext:
    """What a destination may use: HTTP, this machine, the project's folder, and one for what is only for a moment.

    `now_ns` is the clock, in nanoseconds since 1970, for requests that are signed with the time.
    """

    web: Web
    host: Host
    project: Path
    scratch: Path
    now_ns: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What a destination offers for a version that nobody should use: nothing that was published is ever deleted.

    `subject` is what it is about, `call` what is done, as a person would call it, and `effect` what people see then.
    `act` does it, and raises UploadFailed; None for what only a person can do there.
    """

    subject: str
    call: str
    effect: str
    act: Callable[[], None] | None = None


class Publisher(Protocol):
    """A destination of one project: what is to be there, and how to look, upload and fetch back.

    Nothing there is ever replaced or deleted. `whole` says whether a user gets all files of the release there.
    """

    @property
    def title(self) -> str:
        """The name that people use, with its address."""

    @property
    def whole(self) -> bool:
        """Whether all files of the release go there."""

    @property
    def items(self) -> Sequence[Item]:
        """What is to be there; what others need comes before these."""

    def preflight(self, pending: Sequence[Item]) -> Iterator[Problem]:
        """What would keep these items from being uploaded: credentials, rights, names, sizes, tags."""

    def look(self, item: Item) -> State:
        """What is there now. Raises UploadFailed where it cannot be told."""

    def upload(self, item: Item) -> None:
        """Bring it there, unless something is there. Raises UploadFailed; what happened, `look` tells."""

    def call(self, item: Item) -> str:
        """What `upload` would do, as a person would call it."""

    def fetch(self, item: Item, folder: Path) -> Path | None:
        """Download it to a folder as a user does; None for what has no bytes. Raises UploadFailed."""

    def withdrawals(self, reason: str) -> Iterator[Withdrawal]:
        """What can be done there so that nobody takes this version any more, for a reason of one line.

        Raises UploadFailed.
        """


@dataclass(frozen=True, slots=True)
class CiNeeds:
    """What a job of a CI system needs to run `ferrule publish` for a row, besides Ferrule and the release.

    `variables` are those that hold credentials; `audience` is the one of ID tokens that the destination trusts instead
    (its "trusted publishing"). `signs` says that what is published is signed for the identity of the job. `packages`
    are clients that pip installs, each in one version, and `login` commands that tell a client where its credentials
    are, without showing them.
    """

    variables: tuple[str, ...] = ()
    audience: str | None = None
    signs: bool = False
    packages: tuple[str, ...] = ()
    login: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a release can be published.

    `name` stands in targets.yaml, as `to` of a row below `publish` and in `ci.publish`, and names the job; `title` is
    the name that people use, and `summary` what is published there, for the schema and the reference page. `kinds` are
    the kinds of artifacts that it takes, at least one of which a project must have; none stands for the whole release.
    `check_version` finds what the destination would refuse in a version, without network; `row_problems` what is wrong
    with a row of a project, by its section, the project's folder and the earlier rows of this destination: key, message
    and hint.

    `section` are the keys of its row below `publish`, and `opened` makes the publisher from a row, for `ferrule
    publish`; `takes_page` says that it uses `Release.page`. `attestations` are those that it serves of an item of such
    a publisher, None of what nobody attests; its section has the key `identity` then.

    What follows is for `ferrule ci`: `ci_needs` says what a job needs that publishes a row, None where no job can.
    For GitHub alone there are jobs without a row. `prepare` are steps of the job that has verified the release, which
    may run Ferrule; `publish` are the steps of the job that may write there, which runs nothing of the project's. Both
    are YAML of GitHub Actions with the marks of the templates of app/ci. `permissions` are those of that job, each with
    its reason; `environment` is the deployment environment in which it runs.
    """

    name: str
    title: str
    summary: str
    publish: str = ""
    permissions: tuple[tuple[str, str], ...] = ()
    kinds: tuple[str, ...] = ()
    check_version: Callable[[str], Iterator[Problem]] = accept_version
    row_problems: Callable[[Any, Path, Mapping[str, Any]], Iterator[tuple[str, str, str]]] = accept_row
    prepare: str = ""
    environment: str | None = None
    section: type[Section] | None = None
    takes_page: bool = False
    opened: Callable[[Any, Release, PublishContext], Publisher] | None = None
    attestations: Callable[[Any, Item], Iterable[Offer] | None] | None = None
    ci_needs: Callable[[Any], CiNeeds] | None = None

    def problems(self, kinds: frozenset[str]) -> Iterator[Problem]:
        """What keeps a project with these kinds of artifacts from being published there."""
        if self.kinds and kinds.isdisjoint(self.kinds):
            listed = " or ".join(self.kinds)
            hint = f"add an artifact of kind {listed}, or leave {self.name} out"
            yield f"there is no {listed} to publish on {self.title}", hint

    @property
    def has_job(self) -> bool:
        """Whether a workflow can publish there by a job of its own."""
        return bool(self.publish)
