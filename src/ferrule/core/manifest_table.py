"""A table of a Cargo manifest, whose values are checked when they are asked for."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from ferrule.core.errors import ConfigError
from ferrule.core.frozen import dataclass
from ferrule.core.toml_file import position

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class ManifestTable:
    """A table of a manifest, whose values are checked when they are asked for; `content` is the manifest's text."""

    file: str
    values: Mapping[str, Any]
    path: tuple[str, ...] = field(default=())
    content: str = field(default="", repr=False)

    def at(self, *keys: str) -> str:
        """`file:line:column` of a key."""
        return position(self.content, self.file, (*self.path, *keys))

    def problem(self, message: str, hint: str, *keys: str) -> ConfigError:
        """A mistake at a key."""
        return ConfigError(message, where=self.at(*keys), hint=hint)

    def _wrong(self, key: str, expected: str) -> ConfigError:
        name = ".".join((*self.path, key))
        return self.problem(f"{name} is not {expected}", "Cargo would refuse it too: correct the manifest", key)

    def table(self, key: str) -> ManifestTable:
        """The table under a key, empty where there is none. Raises ConfigError for something else."""
        value = self.values.get(key, {})
        if not isinstance(value, dict):
            raise self._wrong(key, "a table")
        return ManifestTable(self.file, value, (*self.path, key), self.content)

    def tables(self) -> Iterator[ManifestTable]:
        """The tables under every key."""
        return (self.table(key) for key in self.values)

    def text(self, key: str) -> str | None:
        """The text under a key; None where there is none. Raises ConfigError for something else."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, str):
            raise self._wrong(key, "text")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts under a key, empty where there are none. Raises ConfigError for something else."""
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise self._wrong(key, "a list of texts")
        return tuple(value)

    def inherits(self, key: str) -> bool:
        """Whether a key says `workspace = true`."""
        value = self.values.get(key)
        return isinstance(value, dict) and value.get("workspace") is True
