"""What keeps a release that verified from being published at all, whatever the destination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.core import changelog
from ferrule.core.errors import PublishError
from ferrule.tools import git

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ferrule.core.manifest import Manifest
    from ferrule.tools.host import Host


def publishable(
    root: Path, manifest: Manifest, version: str, tag: str, changes: str, host: Host
) -> Iterator[PublishError]:
    """Find out whether a release is of the version that the project states, of a commit, and of the commit of its tag.

    The commit has to be on a branch that others see, and the file `changes`, the changelog, has to say something of the
    version, if it is there. A project without Git has no commits and no tags.
    """
    if manifest.release != version:
        yield PublishError(
            f"dist/ holds {manifest.release}, and the project states {version}",
            where=manifest.project,
            hint="make the release again: ferrule release",
        )
    if manifest.dirty:
        yield PublishError(
            "it was built from files that are in no commit",
            where=manifest.project,
            hint="commit or remove the changes (git status), and make the release again: ferrule release",
        )
    yield from _unwritten(root, version, changes)
    if manifest.commit is None:
        return
    commit = git.tagged_commit(root, tag, host)
    if commit is None:
        hint = f"git tag -a {tag} {manifest.commit[:12]}; git push origin {tag}"
        yield PublishError(f"there is no tag {tag} in this repository", where=manifest.project, hint=hint)
    elif commit != manifest.commit:
        yield PublishError(
            f"the tag {tag} is of commit {commit[:12]}, and the release was built from {manifest.commit[:12]}",
            where=manifest.project,
            hint=f"check out {tag} and make the release again, or state a new version; a published tag never moves",
        )
    elif git.is_pushed(root, commit, host) is False:
        yield PublishError(
            f"the commit {commit[:12]} of the tag {tag} is on no branch of a remote repository",
            where=manifest.project,
            hint="push its branch, so that everybody has the sources: git push; or git fetch, if it is there",
        )


def _unwritten(root: Path, version: str, changes: str) -> Iterator[PublishError]:
    """A changelog that says nothing of the version; a version before a release may have its words under Unreleased."""
    path = root / changes
    if not path.is_file() or "-" in version.partition("+")[0]:
        return
    if not changelog.section(path.read_text("utf-8", "replace"), version):
        yield PublishError(
            f"the changelog says nothing of {version}",
            where=changes,
            hint=f"write what has changed below a line such as `## {version}` (ferrule bump does), and release again",
        )
