"""What commits say of themselves: Conventional Commits 1.0.0, of which most projects write a part.

Home-made, for it is one pattern: git-cliff knows commits, and neither interfaces nor which files a release is made of.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ferrule.core.frozen import dataclass
from ferrule.core.one_line import one_line
from ferrule.core.printable import without_colours

if TYPE_CHECKING:
    from ferrule.tools.git import Commit

_HEADER: Final = re.compile(r"(?P<type>[A-Za-z]+)(?:\((?P<scope>[^()\n]+)\))?(?P<breaking>!)?: (?P<subject>\S.*)")
# The value of a footer may have several lines, and ends where another footer begins (items 8 to 10).
_OTHER: Final = r"(?![A-Za-z][A-Za-z-]*(?:: | #))"
_FOOTER: Final = re.compile(
    rf"^BREAKING[ -]CHANGE:(?:(?:[ \t]+|[ \t\r]*\n\s*{_OTHER})(?P<what>\S.*(?:\n{_OTHER}.*\S.*)*)|[ \t\r]*)$",
    re.MULTILINE,
)
_HIDDEN: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]")
_LONGEST: Final = 200
"""Characters of a subject that a changelog shows; Git advises 50."""


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
    subject = _line(match["subject"] if match else first)
    breaks = footer is not None or (match is not None and match["breaking"] is not None)
    what = _line(footer["what"] or "") if footer else ""
    return Described(
        commit.id, match["type"].lower() if match else "", subject, (what or subject or "unnamed") if breaks else ""
    )


def _line(text: str) -> str:
    """Words of a commit as one line of sane length: without control characters, and marks that reorder a line."""
    text = one_line(_HIDDEN.sub("", without_colours(text)))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"
