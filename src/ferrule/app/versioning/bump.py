"""`ferrule bump`: which version follows and why, and every file that states it, in one commit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ferrule.app.release import run as release
from ferrule.app.versioning import changelog, next_version
from ferrule.app.versioning.commits import describe
from ferrule.app.versioning.statements import Rewritten, read_text, rewrite
from ferrule.config.versions import crates_of
from ferrule.core.errors import ConfigError, StorageError
from ferrule.core.frozen import dataclass
from ferrule.engine.store import write_aside
from ferrule.formats.interfaces.versions import parse
from ferrule.tools import git

if TYPE_CHECKING:
    from pathlib import Path

    from ferrule.app.release.run import RunContext
    from ferrule.app.versioning.commits import Described
    from ferrule.app.versioning.next_version import Decision
    from ferrule.config import Config
    from ferrule.core.model import Plan
    from ferrule.formats.interfaces import Change
    from ferrule.tools.host import Host

CHANGELOG: Final = "CHANGELOG.md"
_MESSAGE: Final = "Release "


@dataclass(frozen=True, slots=True)
class History:
    """What happened since a release: its tag and version (None before the first), and the commits since.

    `same` is the tag of a later pre-release since which nothing has changed.
    """

    tag: str | None
    version: str | None
    commits: tuple[Described, ...]
    same: str | None = None


@dataclass(frozen=True, slots=True)
class Bump:
    """A version that is to be written: the decision, the files, the changelog if there is one, and the new tag."""

    decision: Decision
    files: tuple[Rewritten, ...]
    changelog: tuple[str, str] | None
    tag: str


def history(config: Config, plan: Plan, host: Host) -> History:
    """The newest tag of a release, and the commits since that touched what it is made of.

    A pre-release counts only before the first release: users have the last one, so that a break is one for them. What
    `write` has committed is no change. Raises ConfigError without Git, and for a clone that lacks commits.
    """
    if git.top(config.root, host) is None:
        raise ConfigError(
            "this project is in no Git repository",
            where=str(config.root),
            hint="git init, or write the version by hand",
        )
    if git.is_shallow(config.root, host):
        raise ConfigError(
            "this clone is shallow, so commits and tags are missing",
            where=str(config.root),
            hint="git fetch --unshallow --tags",
        )
    versions = {}
    for tag in git.tags(config.root, tag_name(config, "*"), host):
        text = _version_in(config, tag)
        if text is not None:
            versions[tag] = text
    ranks = {tag: parse(text) for tag, text in versions.items()}
    newest = max(versions, key=lambda tag: ranks[tag].rank, default=None)
    last = max((tag for tag in versions if not ranks[tag].pre), key=lambda tag: ranks[tag].rank, default=None)
    names = tuple(sorted({path for action in plan.actions for path in action.sources})) if config.releases else ()

    def since(tag: str | None) -> tuple[Described, ...]:
        commits = git.commits_since(config.root, tag, names, host)
        return tuple(describe(commit) for commit in commits if not _is_bump(config, commit.message))

    same = newest if newest is not None and ranks[newest].pre and not since(newest) else None
    base = last or newest
    return History(base, versions[base] if base else None, since(last), same)


def _is_bump(config: Config, message: str) -> bool:
    """Whether `write` has made a commit: it is of a tag of this file, and says nothing else."""
    before, _, tag = message.strip().partition(_MESSAGE)
    if before or not tag:
        return False
    names = [one.tag_of("\0") for one in config.releases] or [tag_name(config, "\0")]
    return any(_between(name, tag) is not None for name in names)


def _of(config: Config) -> str:
    return f"--release {config.selected.name} " if config.selected else ""


def tag_name(config: Config, version: str) -> str:
    """The tag of a version of the release, `v{version}` where a file has one release only."""
    selected = config.selected
    return selected.tag_of(version) if selected else f"v{version}"


def _version_in(config: Config, tag: str) -> str | None:
    return _between(tag_name(config, "\0"), tag)


def _between(name: str, tag: str) -> str | None:
    """The version in a tag, whose name has a NUL in its place; None for a tag that no release of ours can have."""
    before, _, after = name.partition("\0")
    if not (tag.startswith(before) and tag.endswith(after)):
        return None
    text = tag[len(before) : len(tag) - len(after)]
    return text if next_version.is_stated(text) else None


def decide(
    config: Config, past: History, interface: tuple[Change, ...], words: str | None, pre: str | None
) -> Decision:
    """The next version: the one that a person chose in `words`, else the least that the changes ask for.

    Raises ConfigError where nothing follows: nothing has changed, or the version was raised already; UsageError for
    words that are no newer version, and for a version that no targets.yaml could state.
    """
    current = config.project.version
    where = config.project.version_at
    if words is not None:
        decision = next_version.chosen(current, words)
    elif past.version is None:
        raise ConfigError(
            f"no tag {tag_name(config, '*')} is there yet, so {current} is the first release",
            where=where,
            hint=f"release it and tag it {tag_name(config, current)}, or choose: ferrule bump {_of(config)}minor",
        )
    else:
        decision = _least(config, past, interface)
        if pre is not None and past.same is not None:
            raise ConfigError(
                f"nothing has changed since {past.same}", where=where, hint="release it: ferrule bump, without --pre"
            )
    if pre is not None:
        decision = replace(decision, new=next_version.before_release(current, decision.new, pre))
    next_version.check(decision.new)
    return decision


def _least(config: Config, past: History, interface: tuple[Change, ...]) -> Decision:
    """The least version that the changes since a release ask for, and that is newer. Raises ConfigError."""
    current, where = config.project.version, config.project.version_at
    assert past.version is not None  # noqa: S101 - for the type checker: the caller has looked
    asked = next_version.decide(past.version, interface, past.commits)
    if current == past.version:
        high = False
    elif asked is None:
        high = parse(current).rank > parse(past.version).rank
    else:
        high = parse(asked.new).rank <= parse(current).rank
    if high and parse(current).pre:  # somebody has chosen that number
        changes = asked.changes if asked else ()
        return next_version.Decision(current, next_version.final(current), f"{current} came before it", changes)
    if high:
        raise ConfigError(
            f"{current} is high enough already: since {past.tag}, {asked.why if asked else 'nothing has changed'}",
            where=where,
            hint=f"release it and tag it {tag_name(config, current)}",
        )
    if asked is None:
        raise ConfigError(f"nothing has changed since {past.tag}", where=where, hint="or choose: ferrule bump patch")
    return replace(asked, old=current)


def prepare(config: Config, whole: Config, past: History, decision: Decision, date: str, host: Host) -> Bump:
    """Every file as it will be; `whole` is the configuration with all releases. Raises ConfigError."""
    others = {
        crate.name
        for artifact in whole.artifacts
        if artifact not in config.artifacts
        for crate in crates_of((artifact,), config.workspace)
    }
    files = rewrite(config, decision.new, others, git.files(config.root, host))
    if not files:
        raise ConfigError(
            f"no file states {decision.old}", where=config.project.version_at, hint="write the version by hand"
        )
    tag = tag_name(config, decision.new)
    if (there := git.tagged_commit(config.root, tag, host)) is not None:
        raise ConfigError(
            f"the tag {tag} is there already, of commit {there[:8]}",
            where=config.project.version_at,
            hint="choose a later version: ferrule bump VERSION",
        )
    name = changelog_of(config)
    if not (config.root / name).is_file():
        return Bump(decision, files, None, tag)
    text = read_text(config.root, name)
    of_interface = (change for change in decision.changes if change.of != "commit")
    written = changelog.section(of_interface, past.commits)
    tags = (tag_name(config, decision.old), tag)
    return Bump(decision, files, (name, changelog.released(text, decision.new, date, written, tags)), tag)


def changelog_of(config: Config) -> str:
    """The changelog of the release, as it names it or as projects call it."""
    return (config.selected.changelog if config.selected else None) or CHANGELOG


def write(bump: Bump, root: Path, context: RunContext, *, commit: bool) -> None:
    """Write every file, check the project again, and commit; what cannot be written or read is as it was before.

    Raises ConfigError, StorageError, or ToolFailed with Git's words.
    """
    texts = {file.path: file.text for file in bump.files} | dict([bump.changelog] if bump.changelog else [])
    host = context.host
    if commit and git.branch(root, host) is None:
        raise StorageError(
            "no branch is checked out, so that a commit would be on none",
            hint="git switch BRANCH, or let it write alone: --no-commit",
        )
    if commit and (changed := git.changed(root, texts, host)):
        raise StorageError(
            f"{', '.join(changed)} {'has' if len(changed) == 1 else 'have'} changes that are in no commit",
            hint="commit or stash them first, or let it write alone: --no-commit",
        )
    before = {name: (root / name).read_bytes() for name in texts}
    try:
        for name, text in texts.items():
            _write(root / name, text.encode())
        release.make_plan(release.load(root), context)
        if commit:
            git.commit(root, texts, f"{_MESSAGE}{bump.tag}", host)
    except BaseException:  # Ctrl-C too
        for name, content in before.items():
            _write(root / name, content)
        raise


def _write(path: Path, content: bytes) -> None:
    mode = path.stat().st_mode & 0o777
    write_aside(path.resolve(), content)
    path.chmod(mode)
