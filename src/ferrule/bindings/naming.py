"""Names for what bindings declare: words in the form of a language, none of its own words, and each once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


def camel(words: Iterable[str]) -> str:
    """`EmailValidator` of its words."""
    return "".join(word[:1].upper() + word[1:] for word in words)


def snake(words: Iterable[str]) -> str:
    """`email_validator` of its words."""
    return "_".join(words)


@dataclass(slots=True)
class Names:
    """Names of one scope that were given; `reserved` are those that nothing may have.

    `before_digit` stands before a name that would begin with a digit.
    """

    reserved: Collection[str]
    given: set[str] = field(default_factory=set)
    before_digit: str = "_"

    def claim(self, *choices: str) -> str:
        """The first choice that is free, or the last with as many underscores behind it as it takes."""
        named = [one for one in choices if not one[:1].isdigit()] or [f"{self.before_digit}{one}" for one in choices]
        name = next((one for one in named if self._is_free(one)), "")
        if not name:
            name = named[-1]
            while not self._is_free(name):
                name += "_"
        self.given.add(name)
        return name

    def _is_free(self, name: str) -> bool:
        return bool(name) and name not in self.reserved and name not in self.given
