"""Which files beside it a JavaScript module imports, by the names in its text.

No parser: a name that only looks imported is harmless, since it counts only where such a file is there.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIXES: Final = (".js", ".mjs", ".cjs")
_IMPORTED: Final = re.compile(r"""(?:\bfrom|\bimport|\b(?:import|require)\s*\()\s*["'](\.{1,2}/[^"'\n]*)["']""")
_ENDS: Final = ("", ".js", ".mjs", ".cjs", ".json", ".node", "/index.js")


def imported_files(name: str, text: str) -> Iterator[tuple[str, ...]]:
    """For each module that is imported by a relative name, the names that its file may have (Node.js, "Modules").

    `name` is that of the importing module in its package, with slashes. What leads out of the package is left out.

    >>> next(imported_files("lib/a.js", "const b = require('./b');"))[:2]
    ('lib/b', 'lib/b.js')
    """
    for match in _IMPORTED.finditer(text):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), match[1]))
        if not path.startswith(".."):
            yield tuple(f"{path}{end}" for end in _ENDS)
