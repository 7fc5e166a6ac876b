"""What commits say of themselves: Conventional Commits 1.0.0, of which most projects write a part.

Home-made, for it is one pattern: git-cliff knows commits, and neither interfaces nor which files a release is made of.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ferrule.core.frozen import dataclass

if TYPE_CHECKING:
    from ferrule.tools.git import Commit

_HEADER: Final = re.compile(r"(?P<type>[A-Za-z]+)(?:\((?P<scope>[^()\n]+)\))?(?P<breaking>!)?: (?P<subject>\S.*)")
_FOOTER: Final = re.compile(r"^BREAKING[ -]CHANGE: (?P<what>\S.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Described:
    """A commit by its type (lower case, "" where it names none), subject, and what it breaks, if it does."""

    commit: str
    type: str
    subject: str
    breaking: str = ""

    @property
    def is_feature(self) -> bool:
        """Whether it adds something (section 3 of the specification's summary: a minor release)."""
        return self.type == "feat"


def describe(commit: Commit) -> Described:
    """Read the message of a commit.

    >>> from ferrule.tools.git import Commit
    >>> describe(Commit("1a2b3c4d", "feat(api)!: a second argument"))
    Described(commit='1a2b3c4d', type='feat', subject='a second argument', breaking='a second argument')
    """
    first, _, rest = commit.message.partition("\n")
    match = _HEADER.fullmatch(first.strip())
    footer = _FOOTER.search(rest)
    if match is None:
        return Described(commit.id, "", first.strip(), footer["what"].strip() if footer else "")
    what = footer["what"].strip() if footer else match["subject"] if match["breaking"] else ""
    return Described(commit.id, match["type"].lower(), match["subject"].strip(), what)
