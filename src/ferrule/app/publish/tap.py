"""Homebrew taps and Scoop buckets: Git repositories in which a file says how the newest version is installed.

The file moves with every release, forward only: the same bytes are done, other bytes of the same version are refused,
and a newer version stays. Each move is a commit on the tip of the branch, by the user's own Git and name; a push never
forces, so that of two publishers one is first, and the other looks again. It comes last, as it leads to the archives.
"""

from __future__ import annotations

import json
import re
from dataclasses import field
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from ferrule.app.publish.base import Destination, Withdrawal
from ferrule.app.publish.git_client import URL, GitClient, blob
from ferrule.app.publish.items import ABSENT, SAME, Item, State, UploadFailed, item_of, other
from ferrule.app.publish.semver import is_newer, is_version
from ferrule.core.errors import VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.git_names import ref_problem
from ferrule.core.safe_files import clear
from ferrule.core.section import Field, Section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from ferrule.app.publish.base import Problem, PublishContext
    from ferrule.app.publish.items import Release

_FOLDER: Final = r"^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$"
_BRANCH: Final = r"^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$"
_FILE_MODES: Final = frozenset({"100644", "100755"})
_OUTRUN: Final = re.compile(
    r"\[rejected\]|fetch first|non-fast-forward|cannot lock ref|stale info|failed to update ref"
)


class TapSection(Section):
    """A Git repository; credentials are those of Git: its helpers, or an SSH agent."""

    repository: Annotated[str, Field(pattern=URL, max_length=400)] = Field(
        description="Address of the repository.",
        examples=["https://git.example.org/homebrew-tap.git", "git@git.example.org:homebrew-tap.git"],
    )
    branch: Annotated[str, Field(pattern=_BRANCH, max_length=200)] | None = Field(
        default=None,
        description="Branch from which people install; by default that of the repository's HEAD.",
        examples=["main"],
    )
    prereleases: bool = Field(default=False, description="Whether a pre-release goes there, for everybody who updates.")


class HomebrewSection(TapSection):
    """A tap: a Git repository of formulae; credentials are those of Git: its helpers, or an SSH agent."""

    to: Literal["homebrew"] = Field(description="The destination.")
    folder: Annotated[str, Field(pattern=_FOLDER, max_length=200)] = Field(
        default="Formula", description="Folder of the formulae in it.", examples=["HomebrewFormula"]
    )


class ScoopSection(TapSection):
    """A bucket: a Git repository of manifests; credentials are those of Git: its helpers, or an SSH agent."""

    to: Literal["scoop"] = Field(description="The destination.")
    folder: Annotated[str, Field(pattern=_FOLDER, max_length=200)] = Field(
        default="bucket", description="Folder of the manifests in it.", examples=["manifests"]
    )


@dataclass(frozen=True, slots=True)
class TapPublisher:
    """The files of one release in one branch of a repository; `version_of` reads the version that such a file is of."""

    section: HomebrewSection | ScoopSection
    release: Release
    items: tuple[Item, ...]
    version_of: Callable[[str], str]
    context: PublishContext = field(repr=False)
    whole: bool = False

    @property
    def title(self) -> str:
        """The repository."""
        return self.section.repository

    def preflight(self, pending: Sequence[Item]) -> Iterator[Problem]:
        """Whether Git knows who commits, and may push there, by a push that only asks."""
        try:
            self._git("-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT")
        except UploadFailed:
            hint = "git config --global user.name NAME; git config --global user.email ADDRESS"
            yield "git does not know in whose name to commit", hint
            return
        branch, tip = self._tip()
        try:
            commit = self._commit(pending[0], tip)
            self._git("push", "--dry-run", "--quiet", self.section.repository, f"{commit}:refs/heads/{branch}")
        except UploadFailed as failure:
            yield failure.message, "see that git can push there: gh auth login, a credential helper, or an SSH key"

    def look(self, item: Item) -> State:
        """Compare the file of the branch, by Git's own digest of it; an older version may be replaced."""
        assert item.source is not None  # noqa: S101 - every item here is a file
        if self.release.is_prerelease and not self.section.prereleases:
            return State("same", "a pre-release moves nothing there")
        _, tip = self._tip()
        listed = self._git("ls-tree", "-z", tip, "--", item.name).rstrip("\0") if tip else ""
        if not listed:
            return ABSENT
        mode, _, theirs = listed.partition("\t")[0].split(" ")
        is_file = mode in _FILE_MODES
        if is_file and theirs == blob(item.source):
            return SAME
        return self._compared(item, self.version_of(self._git("cat-file", "blob", theirs)) if is_file else "")

    def _compared(self, item: Item, version: str) -> State:
        """Whether the release may take the place of a file of that version."""
        if not is_version(version):
            hint = "see what it is and whose, and move it out of the way by hand"
            return other(f"what is {item.name} there does not state its version", hint)
        if is_newer(version, self.release.version):
            return State("same", f"it has version {version}, which is newer")
        if is_newer(self.release.version, version):
            return ABSENT
        return other(f"it has another file of version {version}", "release a new version")

    def upload(self, item: Item) -> None:
        """Commit the file to the tip of the branch, and push. Raises UploadFailed, also where somebody was faster."""
        branch, tip = self._tip()
        try:
            self._git("push", "--quiet", self.section.repository, f"{self._commit(item, tip)}:refs/heads/{branch}")
        except UploadFailed as failure:
            if _OUTRUN.search(failure.message):
                raise UploadFailed("somebody else pushed there at this moment", wait=1) from failure
            raise

    def call(self, item: Item) -> str:
        """Git's call."""
        branch = self.section.branch or "BRANCH"
        return f"git push {self.section.repository} COMMIT:refs/heads/{branch} ({item.name})"

    def fetch(self, _item: Item, _folder: Path) -> Path | None:
        """Nothing, as a user gets all of the repository: what the branch has is looked at."""

    def withdrawals(self, reason: str) -> Iterator[Withdrawal]:
        """The commit is undone by a person: what the version before was, only the repository knows.

        Nothing is undone where the branch has another version. Raises UploadFailed.
        """
        for item in self.items:
            if self.look(item) == SAME:
                call = f"in a clone of {self.section.repository}: git revert the commit of {item.name}, for: {reason}"
                yield Withdrawal(item.name, call, "who installs or updates gets the version before")

    def _tip(self) -> tuple[str, str | None]:
        """The branch, and the commit that it is at, which is fetched; None for one that is not there yet."""
        repository, pattern = self.section.repository, f"refs/heads/{self.section.branch}"
        if self.section.branch is None:
            pattern = "HEAD"
        listed = self._git("ls-remote", "--symref", repository, pattern)
        leads = re.search(r"^ref: refs/heads/(\S+)\tHEAD$", listed, re.MULTILINE)
        commit = re.search(rf"^([0-9a-f]+)\t{re.escape(pattern)}$", listed, re.MULTILINE)
        branch = self.section.branch or (leads[1] if leads else "main")
        if commit is None:
            return branch, None
        if self.section.branch is None and leads is None:
            raise UploadFailed("its HEAD is no branch", hint="write `branch` in targets.yaml")
        if self._has(commit[1]):
            return branch, commit[1]
        self._git("fetch", "--quiet", "--depth=1", "--no-tags", repository, f"+refs/heads/{branch}:refs/ferrule/tip")
        return branch, self._git("rev-parse", "--verify", "refs/ferrule/tip^{commit}").strip()

    def _has(self, commit: str) -> bool:
        try:
            self._git("cat-file", "-e", f"{commit}^{{commit}}")
        except UploadFailed:
            return False
        return True

    def _commit(self, item: Item, tip: str | None) -> str:
        """A commit that adds the file to what is there, or replaces it."""
        index = self._git.folder / "ferrule-index"
        clear(index)
        fixed = {"GIT_INDEX_FILE": str(index)}
        if tip:
            self._git("read-tree", tip, fixed=fixed)
        content = self._git("hash-object", "-w", "--no-filters", "--", str(item.source)).strip()
        self._git("update-index", "--add", "--cacheinfo", f"100644,{content},{item.name}", fixed=fixed)
        tree = self._git("write-tree", fixed=fixed).strip()
        message = f"{item.name.rpartition('/')[2].rpartition('.')[0]} {self.release.version}"
        return self._git("commit-tree", tree, *(["-p", tip] if tip else []), "-m", message).strip()

    @property
    def _git(self) -> GitClient:
        return GitClient(self.context.host, self.context.scratch / f"{self.section.to}.git")


def version_of_formula(text: str) -> str:
    """The version that a formula states ("Formula Cookbook", "version"), empty if it states none."""
    match = re.search(r'^ *version "([^"\n]{1,100})"$', text, re.MULTILINE)
    return match[1] if match else ""


def version_of_manifest(text: str) -> str:
    """The version that a manifest of Scoop states (its wiki, "App Manifests"), empty if it states none."""
    try:
        return str(json.loads(text)["version"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _opened_by(kind: str, version_of: Callable[[str], str]) -> Callable[[Any, Release, PublishContext], TapPublisher]:
    def opened(section: Any, release: Release, context: PublishContext) -> TapPublisher:  # noqa: ANN401 - either section
        files = {f"{section.folder}/{file.path.rpartition('/')[2]}": file for file in release.of_kinds(kind)}
        if files and not is_version(release.version):
            raise VerificationError(
                f"the version {release.version} cannot be compared with others, so that nothing could move forward",
                where=section.repository,
                hint="state a version as SemVer writes it",
            )
        items = tuple(item_of(file, name, "move") for name, file in files.items())
        return TapPublisher(section, release, items, version_of, context)

    return opened


def _row_problems(section: TapSection, _root: Path, _before: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """A branch that Git cannot have."""
    if section.branch and (wrong := ref_problem(section.branch)):
        yield "branch", f"Git cannot have the branch {section.branch}: it {wrong}", "see what it is called there"


HOMEBREW: Final = Destination(
    name="homebrew",
    title="a Homebrew tap",
    summary="commits formulae to a Homebrew tap",
    kinds=("homebrew",),
    section=HomebrewSection,
    row_problems=_row_problems,
    opened=_opened_by("homebrew", version_of_formula),
)
SCOOP: Final = Destination(
    name="scoop",
    title="a Scoop bucket",
    summary="commits manifests to a Scoop bucket",
    kinds=("scoop",),
    section=ScoopSection,
    row_problems=_row_problems,
    opened=_opened_by("scoop", version_of_manifest),
)
