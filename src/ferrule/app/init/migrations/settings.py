"""A table of another tool's settings, each with its position: what is taken over, and what has to be reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ferrule.app.init.findings import RequestedTarget, Uncovered
from ferrule.core.errors import ConfigError
from ferrule.core.frozen import dataclass
from ferrule.core.toml_file import position

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_NOTHING_ALIKE: Final = "targets.yaml has no such setting"


@dataclass(frozen=True, slots=True)
class Settings:
    """A table called `title` (`[dist]`) of another tool; `at` gives the `file:line:column` of keys inside of it."""

    title: str
    values: Mapping[str, Any]
    at: Callable[..., str]

    def targets(self, key: str) -> Iterator[RequestedTarget]:
        """The triples that a list names, the floor of cargo-zigbuild's suffix with them. Raises ConfigError."""
        for triple in self.texts(key):
            name, _, floor = triple.partition(".")
            yield RequestedTarget(name, self.at(key), floor or None)

    def texts(self, key: str) -> list[str]:
        """The texts of a list; none where there is no such key. Raises ConfigError."""
        texts = self.values.get(key, [])
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise self.wrong(key, "a list of texts")
        return texts

    def table(self, key: str) -> Settings:
        """A table inside. Raises ConfigError."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, "a table")
        return Settings(f"{self.title} {key}", value, lambda *keys: self.at(key, *keys))

    def uncovered(self, *taken: str, **reasons: str) -> Iterator[Uncovered]:
        """Every key but those that are taken over; in names of `reasons` an underscore stands for a dash too."""
        by_key = {name.replace("_", "-"): reason for name, reason in reasons.items()}
        for key in self.values:
            if key not in taken:
                yield Uncovered(self.at(key), f"{self.title} {key}", by_key.get(key.replace("_", "-"), _NOTHING_ALIKE))

    def wrong(self, key: str, expected: str) -> ConfigError:
        """A value that the tool itself would refuse."""
        return ConfigError(
            f"{key} is not {expected}", where=self.at(key), hint="correct it, or remove the file; nothing was written"
        )


def toml_settings(title: str, file: str, text: str, document: Mapping[str, Any], *path: str) -> Settings | None:
    """The table at a path of keys in a TOML document; None without one. Raises ConfigError if it is no table."""
    value: Any = document
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if value is None:
        return None
    settings = Settings(title, value, lambda *keys: position(text, file, (*path, *keys)))
    if not isinstance(value, dict):
        raise ConfigError(f"{title} is not a table", where=settings.at(), hint="correct it; nothing was written")
    return settings
