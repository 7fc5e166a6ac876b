"""What CI machines run of the project itself: there, runnable, within the project, and in Git, as they check it out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ferrule.core.errors import ConfigError
from ferrule.core.frozen import dataclass
from ferrule.tools import git

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ferrule.config import Config
    from ferrule.tools.host import Host

_ACTIONS = ("action.yml", "action.yaml")


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the project's own: a script in its repository, or the folder of an action."""

    path: str
    is_action: bool


def problems(config: Config, host: Host) -> Iterator[ConfigError]:
    """What keeps machines from running the steps of `ci.steps`, or from installing the wheel of `ci.ferrule`."""
    names: list[tuple[str, str]] = []
    for point, path in config.ci.steps:
        try:
            step = own_step(config, point, path)
        except ConfigError as error:
            yield error
            continue
        file = next((f"{path}/{name}" for name in _ACTIONS if (config.root / path / name).is_file()), path)
        names.append((file if step.is_action else path, config.location(("ci", "steps", point))))
    source = config.ci.source
    if source and source.wheel and not source.sha256 and (config.root / source.wheel).is_file():
        names.append((source.wheel, config.location(("ci", "ferrule", "wheel"))))
    for name, where in names:
        wrong = _leads_out(config.root, name, where) or _not_in_git(config.root, name, where, host)
        if wrong is not None:
            yield wrong


def own_step(config: Config, point: str, path: str) -> Step:
    """The step of a point. Raises ConfigError for what is not there, or cannot be run."""
    full, where = config.root / path, config.location(("ci", "steps", point))
    if full.is_dir():
        if not any((full / name).is_file() for name in _ACTIONS):
            raise ConfigError(f"there is no action in {path}", where=where, hint=f"write {path}/action.yml")
    elif not full.is_file():
        hint = f"write a script {path}, or an action {path}/action.yml"
        raise ConfigError(f"there is no {path}", where=where, hint=hint)
    elif not os.access(full, os.X_OK):
        raise ConfigError(f"{path} is not executable", where=where, hint=f"chmod +x {path}")
    return Step(path, is_action=full.is_dir())


def _leads_out(root: Path, name: str, where: str) -> ConfigError | None:
    """A link on the way that leads out of the project: a machine has nothing there, or something else."""
    if (root / name).resolve().is_relative_to(root.resolve()):
        return None
    link = next((one for one in _ways(name) if (root / one).is_symlink()), name)
    return ConfigError(
        f"{link} is a link that leads out of the project, where a CI machine has nothing",
        where=where,
        hint="replace it by what it leads to",
    )


def _not_in_git(root: Path, name: str, where: str, host: Host) -> ConfigError | None:
    """A file, or a link to it, that a machine does not check out, or not as an executable file."""
    if git.top(root, host) is None:
        return None
    real = (root / name).resolve().relative_to(root.resolve()).as_posix()
    for one in dict.fromkeys([*(way for way in _ways(name) if (root / way).is_symlink()), real]):
        mode = git.tracked_mode(root, one, host)
        if mode is None:
            ignored = any(one == other or one.startswith(other) for other in git.ignored(root, host))
            verb = "Git ignores" if ignored else "Git does not track"
            hint = f"git add {'--force ' if ignored else ''}-- {one}, and commit it"
            return ConfigError(f"{verb} {one}, so that no CI machine has it", where=where, hint=hint)
        if mode == git.FILE_MODE and os.access(root / one, os.X_OK) and not name.endswith((*_ACTIONS, ".whl")):
            hint = f"git update-index --chmod=+x -- {one}, and commit it"
            return ConfigError(f"{one} is not executable in Git, and so on no CI machine", where=where, hint=hint)
    return None


def _ways(name: str) -> Iterator[str]:
    """A path, after those of the folders above it.

    >>> list(_ways("a/b/c"))
    ['a', 'a/b', 'a/b/c']
    """
    parts = name.split("/")
    yield from ("/".join(parts[:end]) for end in range(1, len(parts) + 1))
