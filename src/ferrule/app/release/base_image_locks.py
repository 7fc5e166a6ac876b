"""Lock files of the packages that images are based on, written anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.core.errors import ConfigError, UsageError
from ferrule.core.platforms import PLATFORMS
from ferrule.engine.store import write_aside
from ferrule.kinds.base import selected
from ferrule.tools import debs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ferrule.config import ArtifactConfig, Config
    from ferrule.tools.host import Host


def refresh_locks(config: Config, host: Host, files: tuple[Path, ...]) -> Iterator[tuple[str, int]]:
    """Rewrite lock files (those that images of the project are based on, by default) with the newest packages.

    Yields each name with its number of packages. Raises NetworkError, ConfigError, UsageError.
    """
    for path in files or tuple(config.root / base for base in _bases(config)):
        try:
            packages = debs.refresh(debs.read_lock(path.read_text(encoding="utf-8")), host)
        except OSError as error:
            hint = "name a lock file that exists; ferrule lock --init writes the first ones"
            raise UsageError(f"this file cannot be read: {error.strerror}", where=str(path), hint=hint) from error
        except ValueError as error:
            raise ConfigError(f"this is not a valid lock file: {error}", where=str(path)) from error
        write_aside(path, debs.format_lock(packages).encode())
        yield path.name, len(packages)


def write_first_locks(config: Config, host: Host) -> Iterator[tuple[str, int]]:
    """Write the lock files that images of the project are based on and that do not exist yet.

    Yields each path, relative to the project, with its number of packages. Raises NetworkError, ConfigError.
    """
    for base, architectures in _bases(config).items():
        where = next(config.location(("artifacts", a.name, "base")) for a in config.artifacts if _base_of(a) == base)
        if not architectures:
            hint = "select a Linux target with glibc, or name an image by its digest"
            raise ConfigError(f"no target of the image is an architecture of Debian's: {base}", where=where, hint=hint)
        if ":" in base or base.startswith("/") or ".." in base.split("/"):
            raise ConfigError(
                f"{base} is not a file of the project",
                where=where,
                hint="write the path of a lock file, such as packaging/base.lock, or name@sha256:<64 digits>",
            )
        path = config.root / base
        if not path.exists():
            packages = debs.first_lock(architectures, host)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_aside(path, debs.format_lock(packages).encode())
            yield base, len(packages)


def _base_of(artifact: ArtifactConfig) -> str | None:
    """The lock file that an artifact is based on, if it is an image, and not based on another one."""
    base = getattr(artifact.spec, "base", None)
    return base if isinstance(base, str) and "@" not in base else None


def _bases(config: Config) -> dict[str, tuple[str, ...]]:
    """The lock files of images, each with the architectures (Debian's names) of those."""
    bases: dict[str, dict[str, None]] = {}
    for artifact in config.artifacts:
        base = _base_of(artifact)
        if base is not None:
            names = (PLATFORMS[triple].debian for triple in _triples(config, artifact))
            bases.setdefault(base, {}).update(dict.fromkeys(name for name in names if name))
    return {base: tuple(names) for base, names in bases.items()}


def _triples(config: Config, artifact: ArtifactConfig) -> tuple[str, ...]:
    """The targets that an artifact can be made for, among those that it and what it packs select."""
    able = tuple(t.triple for t in config.targets if artifact.kind.unsupported(PLATFORMS[t.triple]) is None)
    packed = [one for _, name in artifact.spec.references() for one in config.artifacts if one.name == name]
    selections = [selected(one.spec.targets, able) for one in (artifact, *packed)]
    return tuple(t for t in able if all(t in selection for selection in selections))
