"""Go modules: a tag in a Git repository, from which the go command and module proxies take a version.

The tag is of a commit that holds the module and nothing else, without a parent and on no branch: no branch of the
repository moves. A push never forces, and a server refuses a tag that it has, so that of two publishers one creates it;
author and time of the commit are fixed, so that both would create the same one (Go Modules Reference, "VCS version").
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING, Annotated, Final, Literal

from ferrule.app.publish.base import Destination, Withdrawal
from ferrule.app.publish.git_client import URL, GitClient, blob
from ferrule.app.publish.items import ABSENT, SAME, Item, UploadFailed, other
from ferrule.core.errors import VerificationError
from ferrule.core.frozen import dataclass
from ferrule.core.git_names import ref_problem
from ferrule.core.model import Digest
from ferrule.core.safe_files import clear
from ferrule.core.section import Field, Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ferrule.app.publish.base import Problem, PublishContext
    from ferrule.app.publish.items import Release, State

_IDENTITY: Final = ("GIT_AUTHOR", "GIT_COMMITTER")
_TIME: Final = "315532800 +0000"  # 1980, as in every output


class GoSection(Section):
    """A Git repository; credentials are those of Git: its helpers, or an SSH agent."""

    to: Literal["go"] = Field(description="The destination.")
    repository: Annotated[str, Field(pattern=URL, max_length=400)] = Field(
        description="Address of the repository to which the module's path leads.",
        examples=["https://git.example.org/demo.git", "git@git.example.org:demo.git"],
    )
    folder: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$")] | None = (
        Field(
            default=None,
            description="Folder of the repository that the module's path names, if it names one.",
            examples=["go"],
        )
    )
    artifact: str | None = Field(default=None, description="Which module it is, where the release has several.")


@dataclass(frozen=True, slots=True)
class GoPublisher:
    """One version of a module; `files` are its own, by their names in the repository."""

    section: GoSection
    tag: str
    files: Mapping[str, Path]
    items: tuple[Item, ...]
    context: PublishContext = field(repr=False)
    whole: bool = False

    @property
    def title(self) -> str:
        """The repository."""
        return self.section.repository

    def preflight(self, _pending: Sequence[Item]) -> Iterator[Problem]:
        """Whether Git may push there, by a push that only asks."""
        try:
            self._git("push", "--dry-run", "--quiet", self.section.repository, f"{self._commit()}:refs/tags/{self.tag}")
        except UploadFailed as failure:
            yield failure.message, "see that git can push there: gh auth login, a credential helper, or an SSH key"

    def look(self, _item: Item) -> State:
        """Compare the files of the tag, by Git's own digests of them. Raises UploadFailed."""
        listed = self._git("ls-remote", "--tags", self.section.repository, f"refs/tags/{self.tag}")
        if not listed.strip():
            return ABSENT
        self._git("fetch", "--quiet", "--depth=1", "--no-tags", self.section.repository, f"refs/tags/{self.tag}")
        rows = self._git("ls-tree", "-r", "-z", "FETCH_HEAD").split("\0")
        theirs = {name: head.split(" ")[2] for head, _, name in (row.partition("\t") for row in rows if row)}
        ours = {name: blob(path) for name, path in self.files.items()}
        if theirs == ours:
            return SAME
        first = min(name for name in theirs.keys() | ours.keys() if theirs.get(name) != ours.get(name))
        return other(f"the tag {self.tag} is of other files: {first} differs", "a published tag never moves")

    def upload(self, _item: Item) -> None:
        """Push the tag. Raises UploadFailed."""
        self._git("push", "--quiet", self.section.repository, f"{self._commit()}:refs/tags/{self.tag}")

    def call(self, _item: Item) -> str:
        """Git's call."""
        return f"git push {self.section.repository} COMMIT:refs/tags/{self.tag}"

    def fetch(self, _item: Item, _folder: Path) -> Path | None:
        """Nothing, as it is no single file: what the tag holds is looked at."""

    def withdrawals(self, reason: str) -> Iterator[Withdrawal]:
        """A later version retracts it (Go Modules Reference, "retract directive")."""
        for item in self.items:
            version = item.name.rpartition("@")[2]
            call = f"write in go.mod, and release a new version: retract {version} // {reason}"
            yield Withdrawal(item.name, call, "go takes it only where it is in go.mod already, and warns")

    def _commit(self) -> str:
        """The commit of the module, made in a repository for the moment: always the same one."""
        index = self._git.folder / "ferrule-index"
        clear(index)
        fixed = {"GIT_INDEX_FILE": str(index)}
        rows = [f"100644 {blob(path)}\t{name}" for name, path in sorted(self.files.items())]
        self._git("hash-object", "-w", "--no-filters", "--stdin-paths", feed="\n".join(map(str, self.files.values())))
        self._git("update-index", "--index-info", feed="\n".join(rows) + "\n", fixed=fixed)
        tree = self._git("write-tree", fixed=fixed).strip()
        for who in _IDENTITY:
            fixed |= {f"{who}_NAME": self.items[0].name.partition("@")[0], f"{who}_EMAIL": "", f"{who}_DATE": _TIME}
        return self._git("commit-tree", tree, "-m", self.items[0].name, fixed=fixed).strip()

    @property
    def _git(self) -> GitClient:
        return GitClient(self.context.host, self.context.scratch / "module.git")


def _opened(section: GoSection, release: Release, context: PublishContext) -> GoPublisher:
    modules = {file.artifact for file in release.manifest.shipped if file.kind == "gomodule"}
    if section.artifact is not None:
        modules &= {section.artifact}
    if len(modules) > 1:
        raise VerificationError(
            f"the release has several Go modules: {', '.join(sorted(modules))}",
            where=section.repository,
            hint="write `artifact: NAME` in each row of targets.yaml",
        )
    own = {file.path for file in release.manifest.shipped if file.artifact in modules and file.kind == "gomodule"}
    prefix = f"{section.folder}/" if section.folder else ""
    files = {prefix + f.path.partition("/")[2]: f.source for f in release.files if f.path in own}
    tag = f"{prefix}v{release.version}"
    if not files:
        return GoPublisher(section, tag, {}, (), context)
    text = files[f"{prefix}go.mod"].read_text(encoding="utf-8")
    match = re.search(r"^module\s+\"?([^\s\"]+)", text, re.MULTILINE)
    listing = "".join(f"{blob(path)} {name}\n" for name, path in sorted(files.items()))
    name = f"{match[1] if match else release.project}@v{release.version}"
    return GoPublisher(section, tag, files, (Item(name, Digest.of(listing.encode()), phase="publish"),), context)


def _row_problems(section: GoSection, _root: Path, _before: Mapping[str, GoSection]) -> Iterator[tuple[str, str, str]]:
    """A folder that no tag of Git's can begin with."""
    if section.folder and (wrong := ref_problem(f"{section.folder}/v1.2.3")):
        yield "folder", f"Git cannot have the tag {section.folder}/v…: it {wrong}", "name the module's folder otherwise"


DESTINATION: Final = Destination(
    name="go",
    title="a Git repository for Go",
    summary="tags a Go module in a Git repository",
    kinds=("gomodule",),
    section=GoSection,
    row_problems=_row_problems,
    opened=_opened,
)
