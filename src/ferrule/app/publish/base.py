"""What a destination says of itself: its words for targets.yaml, what it refuses, and its job in the workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Problem = tuple[str, str]
"""What is wrong, and what to do."""


def accept_version(_version: str) -> Iterator[Problem]:
    """Have no objection to a version: the default of a destination."""
    yield from ()


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a tagged release can be published.

    `name` stands in `ci.publish` of targets.yaml and names the job; `title` is the name that people use, and `summary`
    what is published there, for the schema and the reference page. `kinds` are the kinds of artifacts that it takes, at
    least one of which a project must have; none stands for the whole release. `check_version` finds what the
    destination would refuse in a version, without network.

    `prepare` are steps of the job that has verified the release, which may run Ferrule; `publish` are the steps of the
    job that may write there, which runs nothing of the project's. Both are YAML of GitHub Actions with the marks of the
    templates of app/ci. `permissions` are those of that job, each with its reason; `environment` is the deployment
    environment in which it runs.
    """

    name: str
    title: str
    summary: str
    publish: str
    permissions: tuple[tuple[str, str], ...]
    kinds: tuple[str, ...] = ()
    check_version: Callable[[str], Iterator[Problem]] = accept_version
    prepare: str = ""
    environment: str | None = None

    def problems(self, kinds: frozenset[str]) -> Iterator[Problem]:
        """What keeps a project with these kinds of artifacts from being published there."""
        if self.kinds and kinds.isdisjoint(self.kinds):
            listed = " or ".join(self.kinds)
            hint = f"add an artifact of kind {listed}, or leave {self.name} out"
            yield f"there is no {listed} to publish on {self.title}", hint
