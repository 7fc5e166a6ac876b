"""Redacts secrets in standard output and standard error, whatever writes to them: the last line of defence."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

from ferrule.tools.secrets import Hider, secrets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def redact_outputs(environment: Mapping[str, str]) -> None:
    """Replace secrets of the environment in everything that this process writes, tracebacks included."""
    hide = _Redactor(environment)
    sys.stdout, sys.stderr = (cast("TextIO", _RedactedStream(stream, hide)) for stream in (sys.stdout, sys.stderr))


class _Redactor:
    """Looks for secrets when the first text is written."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._hide: Callable[[str], str] | None = None

    def __call__(self, text: str) -> str:
        if self._hide is None:
            self._hide = Hider(secrets_of(self._environment, Path()))
        return self._hide(text)


class _RedactedStream:
    """A stream that redacts secrets, and passes everything else on."""

    def __init__(self, stream: TextIO, hide: Callable[[str], str]) -> None:
        self._stream = stream
        self._hide = hide

    def write(self, text: str) -> int:
        """Write a text without its secrets."""
        self._stream.write(self._hide(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self._stream, name)
