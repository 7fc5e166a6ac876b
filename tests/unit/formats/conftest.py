"""What the tests of several formats share: real binaries, and archives with exactly one thing wrong."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parents[2] / "golden" / "binaries"


@pytest.fixture(scope="session")
def golden() -> Callable[[str], bytes]:
    """Content of a file of tests/golden/binaries by its name without `.gz`."""
    return lambda name: gzip.decompress((GOLDEN / f"{name}.gz").read_bytes())


@pytest.fixture(scope="session")
def ar() -> Callable[..., bytes]:
    """An ar archive from (name field, content)."""

    def make(*members: tuple[str, bytes]) -> bytes:
        out = b"!<arch>\n"
        for name, content in members:
            out += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode() + content
            out += b"\n" * (len(content) % 2)
        return out

    return make
