"""Scripts that stand for other programs, written into a cache that several runs may share."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ferrule.core.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path


def write_script(path: Path, text: str, what: str) -> None:
    """Write a program, unless it is there already, in one step for whoever starts it; raises StorageError.

    `what` is what cannot be written then.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            aside = path.with_name(f"{path.name}.{threading.get_native_id()}")
            aside.write_text(text, encoding="utf-8")
            aside.chmod(0o755)
            aside.replace(path)
    except OSError as error:
        raise StorageError(f"{what} cannot be written: {error.strerror}", where=str(path)) from error
