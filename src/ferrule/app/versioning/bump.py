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

    from ferrule.app.versioning.commits import Described
    from ferrule.app.versioning.next_version import Decision
    from ferrule.config import Config
    from ferrule.core.model import Plan
    from ferrule.formats.interfaces import Change
    from ferrule.tools.host import Host

CHANGELOG: Final = "CHANGELOG.md"


@dataclass(frozen=True, slots=True)
class History:
    """What happened since a release: its tag and version (None before the first), and the commits since."""

    tag: str | None
    version: str | None
    commits: tuple[Described, ...]


@dataclass(frozen=True, slots=True)
class Bump:
    """A version that is to be written: the decision, the files, the changelog if there is one, and the new tag."""

    decision: Decision
    files: tuple[Rewritten, ...]
    changelog: tuple[str, str] | None
    tag: str


def history(config: Config, plan: Plan, host: Host) -> History:
    """The newest tag of the release, and the commits since that touched what it is made of.

    Raises ConfigError without Git.
    """
    if git.top(config.root, host) is None:
        raise ConfigError(
            "this project is in no Git repository",
            where=str(config.root),
            hint="git init, or write the version by hand",
        )
    versions = {}
    for tag in git.tags(config.root, tag_name(config, "*"), host):
        text = _version_in(config, tag)
        if text is not None:
            versions[tag] = text
    newest = max(versions, key=lambda tag: parse(versions[tag]).rank, default=None)
    names = tuple(sorted({path for action in plan.actions for path in action.sources})) if config.releases else ()
    commits = tuple(describe(commit) for commit in git.commits_since(config.root, newest, names, host))
    return History(newest, versions[newest] if newest else None, commits)


def tag_name(config: Config, version: str) -> str:
    """The tag of a version of the release, `v{version}` where a file has one release only."""
    selected = config.selected
    return selected.tag_of(version) if selected else f"v{version}"


def _version_in(config: Config, tag: str) -> str | None:
    before, _, after = tag_name(config, "\0").partition("\0")
    text = tag[len(before) : len(tag) - len(after)]
    try:
        parse(text)
    except ValueError:
        return None
    return text


def decide(
    config: Config, past: History, interface: tuple[Change, ...], words: str | None, pre: str | None
) -> Decision:
    """The next version: the one that a person chose in `words`, else the least that the changes ask for.

    Raises ConfigError where nothing follows: nothing has changed, or the version was raised already; UsageError for
    words that are no newer version.
    """
    current = config.project.version
    where = config.project.version_at
    if words is not None:
        decision = next_version.chosen(current, words)
    elif past.version is None:
        raise ConfigError(
            f"no tag {tag_name(config, '*')} is there yet, so {current} is the first release",
            where=where,
            hint=f"release it and tag it {tag_name(config, current)}, or choose: ferrule bump minor",
        )
    else:
        asked = next_version.decide(past.version, interface, past.commits)
        if asked is None:
            raise ConfigError(
                f"nothing has changed since {past.tag}", where=where, hint="or choose: ferrule bump patch"
            )
        if parse(asked.new).rank <= parse(current).rank and current != past.version:
            raise ConfigError(
                f"{current} is high enough already: since {past.tag}, {asked.why}",
                where=where,
                hint=f"release it and tag it {tag_name(config, current)}",
            )
        decision = replace(asked, old=current)
    if pre is not None:
        return replace(decision, new=next_version.before_release(current, decision.new, pre))
    return decision


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


def write(bump: Bump, root: Path, host: Host, *, commit: bool) -> None:
    """Write every file, read the project again, and commit; what cannot be written or read is as it was before.

    Raises ConfigError, StorageError, or ToolFailed with Git's words.
    """
    texts = {file.path: file.text for file in bump.files} | dict([bump.changelog] if bump.changelog else [])
    if commit and (changed := git.changed(root, texts, host)):
        raise StorageError(
            f"{', '.join(changed)} {'has' if len(changed) == 1 else 'have'} changes that are in no commit",
            hint="commit or stash them first, or let it write alone: --no-commit",
        )
    before = {name: (root / name).read_bytes() for name in texts}
    try:
        for name, text in texts.items():
            _write(root / name, text.encode())
        _check(root)
        if commit:
            git.commit(root, texts, f"Release {bump.tag}", host)
    except BaseException:  # Ctrl-C too
        for name, content in before.items():
            _write(root / name, content)
        raise


def _check(root: Path) -> None:
    """Raise ConfigError unless the project is valid, as it is written now."""
    problems = release.load(root).problems
    if problems:
        raise problems[0]


def _write(path: Path, content: bytes) -> None:
    mode = path.stat().st_mode & 0o777
    write_aside(path.resolve(), content)
    path.chmod(mode)
