"""Lists of files that a project names by globs, as .gitignore has them: `**` any folders, `!` what is left out.

The patterns are read by pathspec, as those of ignore files are.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from ferrule.core.globs import is_valid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SIGN = re.compile(r"[*?\[]")


def is_exclusion(glob: str) -> bool:
    """Whether a glob names what is left out of those before it."""
    return glob.startswith("!")


def fixed_folder(glob: str) -> str:
    """The folder that a glob looks in: all parts before the first that stands for several names.

    Without any such part it is the folder itself, or that of the file where the last part has a suffix.

    >>> [fixed_folder(glob) for glob in ("include/**/*.h", "*.h", "include/demo", "include/demo.h", "!a/b.h")]
    ['include', '.', 'include/demo', 'include', 'a']
    """
    parts = glob.removeprefix("!").split("/")
    count = next((index for index, part in enumerate(parts) if _SIGN.search(part)), len(parts))
    if count == len(parts) and "." in parts[-1].strip("."):
        count -= 1
    return "/".join(parts[:count]) or "."


def common_folder(globs: Iterable[str]) -> str:
    """The longest folder that all globs but the exclusions look in."""
    return posixpath.commonpath([f"/{fixed_folder(glob)}" for glob in globs if not is_exclusion(glob)])[1:] or "."


def matcher(globs: Iterable[str]) -> Callable[[str], bool]:
    """Whether the globs take a file, by its name relative to the project; one with a class such as [z-a] takes none.

    >>> takes = matcher(["include", "!include/old/**"])
    >>> [takes(name) for name in ("include/a.h", "include/old/b.h", "src/c.h")]
    [True, False, False]
    """
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - 10 ms, and few projects name files by globs

    # As in Git; pathspec would fail at the class.
    possible = filter(is_valid, globs)
    spec = GitIgnoreSpec.from_lines(f"!/{glob[1:]}" if is_exclusion(glob) else f"/{glob}" for glob in possible)
    return spec.match_file
