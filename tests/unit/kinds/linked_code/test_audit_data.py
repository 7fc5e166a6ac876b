"""The list of crates in a compiled file, as cargo-auditable's readers take it."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

import pytest

from ferrule.core.errors import VerificationError
from ferrule.kinds.linked_code.audit_data import check, write
from ferrule.tools.crates import LinkedCrate

if TYPE_CHECKING:
    from pathlib import Path

# Cargo's own registry is known by the name of its index.
OWN = "registry+https://github.com/rust-lang/registry.example-index"
CRATES = [
    LinkedCrate("pkg:cargo/z@1", "z", "1.0.0", linked=True, needs=("pkg:cargo/b@2", "pkg:cargo/a@3"), folder="z"),
    LinkedCrate("pkg:cargo/b@2", "b", "2.0.0", linked=True, origin=OWN, needs=("pkg:cargo/g@4",)),
    LinkedCrate("pkg:cargo/a@3", "a", "3.0.0", linked=False, origin="sparse+https://other.example/"),
    LinkedCrate("pkg:cargo/g@4", "g", "4.0.0", linked=True, origin="git+https://example.org/g#0123"),
]


def test_crates_are_listed_as_readers_expect() -> None:
    assert json.loads(zlib.decompress(write(CRATES))) == {
        "packages": [
            {"name": "a", "version": "3.0.0", "source": "registry", "kind": "build"},
            {"name": "b", "version": "2.0.0", "source": "registry.example", "dependencies": [2]},
            {"name": "g", "version": "4.0.0", "source": "git"},
            {"name": "z", "version": "1.0.0", "source": "local", "dependencies": [0, 1], "root": True},
        ],
        "format": 1,
    }
    assert write(CRATES) == write([CRATES[0], *reversed(CRATES[1:])])


def test_a_file_whose_linker_dropped_it_is_refused(tmp_path: Path) -> None:
    path, content = tmp_path / "libx.so", write(CRATES)
    path.write_bytes(b"\x7fELF" + content)
    check(path, content, "native")
    path.write_bytes(b"\x7fELF")
    with pytest.raises(VerificationError, match=r"libx\.so does not hold the list of its crates") as caught:
        check(path, content, "native")
    assert "auditable: false" in (caught.value.hint or "")
