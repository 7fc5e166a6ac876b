"""The files of a CI system in a project: written, compared with targets.yaml, and those of somebody else kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ferrule.core.errors import ConfigError, StorageError, VerificationError
from ferrule.core.safe_files import read_regular
from ferrule.engine.store import storage_errors, write_aside

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ferrule.app.ci.base import System

_LARGEST: Final = 4 << 20
"""Bytes of a file that is compared; those of Ferrule have some ten thousand."""


def write(root: Path, system: System, texts: Mapping[str, str]) -> tuple[str, ...]:
    """Write the files of a project, and return the names of those that changed; files of somebody else are kept.

    Raises StorageError, ConfigError where a name is taken.
    """
    folder, changed = root / system.folder, differences(root, system, texts)
    for name in changed:
        old = _read(folder / name)
        if old is not None and not old.startswith(system.mark):
            raise ConfigError(
                "Ferrule did not write this file, so it is kept",
                where=str(system.folder / name),
                hint="rename it" + (", or write `tests: {}` below `ci:`" if name == "ci.yml" else ""),
            )
    for name in changed:
        path = folder / name
        with storage_errors(path):
            if name not in texts:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            write_aside(path, texts[name].encode())
    return changed


def differences(root: Path, system: System, texts: Mapping[str, str]) -> tuple[str, ...]:
    """The names of files that are out of date. Raises StorageError."""
    folder = root / system.folder
    earlier = sorted(path.relative_to(folder).as_posix() for glob in system.files for path in folder.glob(glob))
    current = {name: _read(folder / name) for name in dict.fromkeys([*texts, *earlier])}
    ours = {name: text for name, text in current.items() if name in texts or (text or "").startswith(system.mark)}
    return tuple(name for name, text in ours.items() if text != texts.get(name))


def check(root: Path, system: System, texts: Mapping[str, str]) -> None:
    """Raise VerificationError if the files of a project are out of date."""
    changed = differences(root, system, texts)
    if changed:
        raise VerificationError(
            f"out of date with targets.yaml: {', '.join(changed)}",
            where=str(system.folder),
            hint=f"run: ferrule ci {system.name}",
        )


def _read(path: Path) -> str | None:
    """The text of a file of the system, None where there is none. Raises StorageError for what is no file of text."""
    hint = "move it away: a file of this name is written here"
    try:
        return read_regular(path, follow=True, largest=_LARGEST).decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise StorageError("this file is not UTF-8", where=str(path), hint=hint) from error
    except OSError as error:
        raise StorageError(f"this cannot be read: {error.strerror}", where=str(path), hint=hint) from error
