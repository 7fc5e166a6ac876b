from __future__ import annotations

from typing import TYPE_CHECKING

from ferrule.core.model import Digest, Output
from ferrule.kinds.checksums import Checksums

if TYPE_CHECKING:
    from tests.unit.kinds.conftest import Bench


def test_files_and_folders_under_their_places_in_dist(bench: Bench) -> None:
    _, wheel = bench.made("wheel", {"a.whl": b"wheel", "a.log": b"not shipped"}, (Output("a.whl", "wheel"),))
    _, image = bench.made(
        "image", {"image/index.json": b"{}", "image/blobs/x": b"x", "image2": b"other"}, (Output("image", "layout"),)
    )
    recipe = Checksums((("wheel", "a.whl", "py/a.whl", False), ("image", "image", "oci", True)))
    context = bench.make(recipe, Output("SHA256SUMS", "checksums"), needed={"wheel": wheel, "image": image})
    assert context.output("checksums").read_text().splitlines() == [
        f"{Digest.of(b'x')}  oci/blobs/x",
        f"{Digest.of(b'{}')}  oci/index.json",
        f"{Digest.of(b'wheel')}  py/a.whl",
    ]


def test_nothing_ships(bench: Bench) -> None:
    context = bench.make(Checksums(()), Output("SHA256SUMS", "checksums"))
    assert context.output("checksums").read_bytes() == b""
