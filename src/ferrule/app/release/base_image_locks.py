"""Lock files of the packages that images are based on, written anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.core.errors import ConfigError
from ferrule.engine.store import write_aside
from ferrule.tools import debs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ferrule.config import Config
    from ferrule.tools.host import Host


def refresh_locks(config: Config, host: Host, files: tuple[Path, ...]) -> Iterator[tuple[str, int]]:
    """Rewrite lock files (those that images of the project are based on, by default) with the newest packages.

    Yields each name with its number of packages. Raises NetworkError, ConfigError.
    """
    locks = [
        config.root / base
        for a in config.artifacts
        if isinstance(base := getattr(a.spec, "base", None), str) and "@" not in base
    ]
    for path in files or tuple(dict.fromkeys(locks)):
        try:
            packages = debs.refresh(debs.read_lock(path.read_text(encoding="utf-8")), host)
        except (OSError, ValueError) as error:
            raise ConfigError(f"this is not a valid lock file: {error}", where=str(path)) from error
        write_aside(path, debs.format_lock(packages).encode())
        yield path.name, len(packages)
